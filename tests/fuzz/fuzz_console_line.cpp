// A typed line: split, quoted again, completed and run against a registry.
#include "console/registry.hpp"
#include "console/words.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace console = lamplight::console;

namespace {

void require(bool held) {
    if (!held) std::abort();
}

console::Command command(std::string words, std::vector<std::string> also) {
    console::Command one;
    one.words = std::move(words);
    one.also = std::move(also);
    one.run = [](const console::Request& request, const console::Responder& responder) {
        responder(console::Reply::ok(console::join_words(request.args)));
    };
    one.complete = [](const std::vector<std::string>&, std::string_view begun) {
        return std::vector<std::string>{"like", std::string(begun) + "x"};
    };
    return one;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    if (const auto words = console::split_words(line)) {
        std::string again;
        for (const auto& word : *words)
            again += console::quoted_word(word) + ' ';
        // Quoting may make a line longer than a line may be; else it reads back as it was.
        if (again.size() <= console::line_bytes) require(console::split_words(again) == words);
    }
    static_cast<void>(console::split_begun(line));

    console::Registry registry;
    const auto kept = registry.add({command("core show hints", {"show hints"}), command("core show hint", {}),
                                    command("core set debug", {"set debug"}), command("device show", {})});
    int answers = 0;
    registry.run(line, true, {}, [&](const console::Reply& reply) {
        ++answers;
        require(reply.json.has_value());
    });
    require(answers == 1);
    static_cast<void>(registry.complete(line));
    return 0;
}
