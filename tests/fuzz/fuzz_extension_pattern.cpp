// Three lines: a pattern, another one, and an extension dialled.
#include "state/extension_pattern.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

void check(bool holds) {
    if (!holds) std::abort();
}

std::string_view take_line(std::string_view& text) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lamplight::state;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto first_text = take_line(text);
    const auto second_text = take_line(text);
    const auto extension = text;

    const auto first = ExtensionPattern::parse(first_text);
    const auto second = ExtensionPattern::parse(second_text);
    if (first) {
        check(*first == *first);
        check(first->matches(extension) == first->matches(without_dashes(extension)));
    }
    if (first && second) {
        check((*first < *second) == (*second > *first));
        if (*first == *second) check(first->matches(extension) == second->matches(extension));
    }
    const auto expanded = expand_extension(first_text, extension);
    check(expanded.size() <= first_text.size() * (extension.size() + 1));
    return 0;
}
