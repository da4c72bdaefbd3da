#include "console/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lamplight::console {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// One pass over a line; both ways of splitting read its results.
class Splitter {
public:
    explicit Splitter(std::string_view line) {
        for (const char c : line)
            take(c);
    }

    std::vector<std::string> words;
    std::string word;
    bool in_word = false;
    bool in_quotes = false;
    bool escaped = false;

    void end_word() {
        if (in_word) words.push_back(std::exchange(word, {}));
        in_word = false;
    }

private:
    void take(char c) {
        if (escaped) {
            word += c;
            escaped = false;
        } else if (c == '\\') {
            escaped = true;
            in_word = true;
        } else if (c == '"') {
            in_quotes = !in_quotes;
            in_word = true;
        } else if (!in_quotes && is_blank(c)) {
            end_word();
        } else {
            word += c;
            in_word = true;
        }
    }
};

}  // namespace

tl::expected<std::vector<std::string>, std::string> split_words(std::string_view line) {
    if (line.size() > line_bytes)
        return tl::unexpected(fmt::format("The line is longer than {} bytes.", line_bytes));
    if (line.find('\0') != std::string_view::npos)
        return tl::unexpected(std::string("The line holds a zero byte."));
    Splitter splitter(line);
    if (splitter.in_quotes) return tl::unexpected(std::string("A quote (\") is not closed."));
    if (splitter.escaped) return tl::unexpected(std::string("The line ends with a backslash."));
    splitter.end_word();
    if (splitter.words.size() > line_words)
        return tl::unexpected(fmt::format("The line has more than {} words.", line_words));
    return std::move(splitter.words);
}

BegunLine split_begun(std::string_view line) {
    Splitter splitter(line.substr(0, line_bytes));
    if (splitter.words.size() > line_words) splitter.words.resize(line_words);
    return {std::move(splitter.words), std::move(splitter.word)};
}

std::string quoted_word(std::string_view word) {
    const bool plain = !word.empty() && std::none_of(word.begin(), word.end(), [](char c) {
        return is_blank(c) || c == '"' || c == '\\';
    });
    if (plain) return std::string(word);
    std::string out = "\"";
    for (const char c : word) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

std::string join_words(const std::vector<std::string>& words, std::size_t first, std::size_t count) {
    std::string out;
    for (std::size_t i = first; i < words.size() && i - first < count; ++i) {
        if (i != first) out += ' ';
        out += words[i];
    }
    return out;
}

}  // namespace lamplight::console
