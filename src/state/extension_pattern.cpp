#include "state/extension_pattern.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace lamplight::state {
namespace {

constexpr std::size_t longest_pattern = 255;

std::bitset<256> between(char first, char last) {
    std::bitset<256> set;
    for (unsigned c = static_cast<unsigned char>(first); c <= static_cast<unsigned char>(last); ++c)
        set.set(c);
    return set;
}

/// What stands between brackets; a range that runs backwards is empty.
std::bitset<256> bracket_set(std::string_view inside) {
    std::bitset<256> set;
    for (std::size_t i = 0; i < inside.size(); ++i) {
        if (i + 2 < inside.size() && inside[i + 1] == '-') {
            set |= between(inside[i], inside[i + 2]);
            i += 2;
        } else {
            set |= between(inside[i], inside[i]);
        }
    }
    return set;
}

std::bitset<256> character_set(char c) {
    switch (c) {
        case 'X':
        case 'x':
            return between('0', '9');
        case 'Z':
        case 'z':
            return between('1', '9');
        case 'N':
        case 'n':
            return between('2', '9');
        default:
            return between(c, c);
    }
}

/// The set whose lowest character that the other lacks is lower comes first.
std::weak_ordering compare(const std::bitset<256>& left, const std::bitset<256>& right) {
    if (auto by_count = left.count() <=> right.count(); by_count != 0) return by_count;
    for (std::size_t c = 0; c < left.size(); ++c) {
        if (left[c] != right[c]) return left[c] ? std::weak_ordering::less : std::weak_ordering::greater;
    }
    return std::weak_ordering::equivalent;
}

/// One number of `offset[:length]`, taken off the front of `text`.
std::optional<std::int64_t> take_number(std::string_view& text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    // No extension is longer, and sums of two of these cannot overflow.
    constexpr std::int64_t most = 1 << 20;
    return std::clamp(number, -most, most);
}

struct Slice {
    std::int64_t offset = 0;
    std::int64_t length = std::numeric_limits<std::int32_t>::max();
};

/// `:offset` or `:offset:length`; what is no number counts as absent.
Slice parse_slice(std::string_view text) {
    Slice slice;
    if (!text.starts_with(':')) return slice;
    text.remove_prefix(1);
    const auto offset = take_number(text);
    if (!offset) return slice;
    slice.offset = *offset;
    if (!text.starts_with(':')) return slice;
    text.remove_prefix(1);
    if (const auto length = take_number(text)) slice.length = *length;
    return slice;
}

std::string_view cut(std::string_view text, Slice slice) {
    const auto size = static_cast<std::int64_t>(text.size());
    const auto first = slice.offset < 0 ? std::max<std::int64_t>(size + slice.offset, 0) : slice.offset;
    if (first >= size) return {};
    const auto last = slice.length < 0 ? size + slice.length : std::min(size, first + slice.length);
    if (last <= first) return {};
    return text.substr(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first));
}

std::string_view value_of(std::string_view variable, std::string_view extension) {
    constexpr std::string_view name = "EXTEN";
    if (!variable.starts_with(name)) return {};
    const auto rest = variable.substr(name.size());
    if (!rest.empty() && rest.front() != ':') return {};
    return cut(extension, parse_slice(rest));
}

}  // namespace

std::string_view to_string(PatternError error) {
    switch (error) {
        case PatternError::no_underscore:
            return "a pattern starts with _";
        case PatternError::open_bracket:
            return "[ without ]";
        case PatternError::too_long:
            return "longer than 255 bytes";
    }
    return "unknown";
}

tl::expected<ExtensionPattern, PatternError> ExtensionPattern::parse(std::string_view text) {
    if (!text.starts_with('_')) return tl::unexpected(PatternError::no_underscore);
    if (text.size() > longest_pattern) return tl::unexpected(PatternError::too_long);
    ExtensionPattern pattern;
    for (std::size_t i = 1; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '-') continue;
        if (c == '.' || c == '!') {
            pattern.tail_ = c == '.' ? Tail::one_or_more : Tail::zero_or_more;
            break;
        }
        if (c != '[') {
            pattern.positions_.push_back(character_set(c));
            continue;
        }
        const auto end = text.find(']', i);
        if (end == std::string_view::npos) return tl::unexpected(PatternError::open_bracket);
        if (end > i + 1) pattern.positions_.push_back(bracket_set(text.substr(i + 1, end - i - 1)));
        i = end;
    }
    return pattern;
}

bool ExtensionPattern::matches(std::string_view extension) const {
    std::size_t position = 0;
    for (char c : extension) {
        if (c == '-') continue;
        if (position == positions_.size()) return tail_ != Tail::none;
        if (!positions_[position].test(static_cast<unsigned char>(c))) return false;
        ++position;
    }
    return position == positions_.size() && tail_ != Tail::one_or_more;
}

std::weak_ordering ExtensionPattern::operator<=>(const ExtensionPattern& other) const {
    const auto common = std::min(positions_.size(), other.positions_.size());
    for (std::size_t i = 0; i < common; ++i) {
        if (auto order = compare(positions_[i], other.positions_[i]); order != 0) return order;
    }
    if (positions_.size() == other.positions_.size()) return tail_ <=> other.tail_;
    return positions_.size() > other.positions_.size() ? std::weak_ordering::less
                                                       : std::weak_ordering::greater;
}

std::string without_dashes(std::string_view extension) {
    std::string plain;
    plain.reserve(extension.size());
    std::copy_if(extension.begin(), extension.end(), std::back_inserter(plain),
                 [](char c) { return c != '-'; });
    return plain;
}

std::string expand_extension(std::string_view text, std::string_view extension) {
    std::string out;
    while (!text.empty()) {
        const auto begin = text.find("${");
        const auto end = begin == std::string_view::npos ? begin : text.find('}', begin);
        if (end == std::string_view::npos) break;
        out += text.substr(0, begin);
        out += value_of(text.substr(begin + 2, end - begin - 2), extension);
        text.remove_prefix(end + 1);
    }
    out += text;
    return out;
}

}  // namespace lamplight::state
