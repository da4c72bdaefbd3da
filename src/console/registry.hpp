#pragma once

#include <boost/json/value.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::console {

/// Who asks: from SO_PEERCRED, or the daemon itself.
struct Asker {
    std::string name;  ///< login name, else `uid 1000`
    std::int64_t pid = 0;
    std::uint32_t uid = 0;
};

struct Request {
    std::string line;                ///< as typed
    std::vector<std::string> words;  ///< the command's own words first; quotes removed
    std::vector<std::string> args;   ///< the words after those of the command's pattern
    bool json = false;
    Asker asker;
};

/// A command's answer. Status 0 is success; it becomes the exit status of `lamplight -x`.
struct Reply {
    std::string text;                        ///< what a person reads, with its line ends
    std::optional<boost::json::value> json;  ///< of `show` commands: the same as data
    int status = 0;

    static Reply ok(std::string text);
    static Reply failed(std::string text, int status = 1);
};

/// Called exactly once, now or later, on the loop's thread. Dropping it answers with a failure.
using Responder = std::function<void(Reply)>;

/// One command. `words` are the fixed words in Asterisk's notation: `core set debug`, `{core|dialplan} show
/// hints` is two commands with one handler.
struct Command {
    std::string words;              ///< `core show hints`
    std::vector<std::string> also;  ///< other word orders with the same meaning: `show hints`
    std::string summary;            ///< one line, for `help`
    std::string usage;              ///< `Usage: core show hints\n       …`
    std::function<void(const Request&, Responder)> run;
    /// Words that may stand at place `args.size()` given the arguments before; only those starting with
    /// `begun` count.
    std::function<std::vector<std::string>(const std::vector<std::string>& args, std::string_view begun)>
        complete = {};
};

/// The commands of this daemon. Modules add theirs while they are loaded.
class Registry {
public:
    Registry();
    ~Registry();
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    /// Removes its commands when it goes.
    class [[nodiscard]] Registration {
    public:
        Registration() = default;
        Registration(Registry& registry, std::uint32_t id);
        Registration(Registration&& other) noexcept;
        Registration& operator=(Registration&& other) noexcept;
        ~Registration();

    private:
        Registry* registry_ = nullptr;
        std::uint32_t id_ = 0;
    };
    Registration add(std::vector<Command> commands);

    /// Runs one line. Words may be shortened while unambiguous, as in Asterisk. An unknown command answers
    /// `No such command 'X' (type 'core show help X' for other possible commands)`, the nearest match, status
    /// 1; wrong arguments are the handler's to answer with its usage.
    void run(std::string_view line, bool json, const Asker& asker, Responder responder);

    /// What could stand at the end of `line`: whole words, sorted.
    std::vector<std::string> complete(std::string_view line) const;

    /// Every command, sorted by words.
    std::vector<const Command*> commands() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace lamplight::console
