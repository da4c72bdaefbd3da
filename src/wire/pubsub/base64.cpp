#include "wire/pubsub/base64.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace lamplight::wire::pubsub {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 64;

constexpr std::array<std::uint8_t, 256> digits = [] {
    std::array<std::uint8_t, 256> out{};
    out.fill(no_digit);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        out[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
    return out;
}();

/// Gathers digits and padding; a group of four gives three bytes, or fewer, and then it was the last.
class Decoder {
public:
    explicit Decoder(std::size_t most) : most_(most) {}

    bool take(char character) {
        const std::uint8_t digit = digits[static_cast<unsigned char>(character)];
        if (ended_ || (digit == no_digit ? character != '=' || count_ < 2 : padding_ > 0)) return false;
        if (digit == no_digit) ++padding_;
        group_ = group_ << 6 | (digit & 0x3fu);
        return ++count_ < 4 || end_group();
    }
    bool is_whole() const { return count_ == 0; }
    std::vector<std::uint8_t> bytes() && { return std::move(out_); }

private:
    bool end_group() {
        if (group_ & ((1u << 8 * padding_) - 1)) return false;
        for (unsigned left = 24; left > 8 * padding_; left -= 8)
            out_.push_back(static_cast<std::uint8_t>(group_ >> (left - 8)));
        ended_ = padding_ > 0;
        group_ = count_ = padding_ = 0;
        return out_.size() <= most_;
    }

    std::size_t most_;
    std::vector<std::uint8_t> out_;
    std::uint32_t group_ = 0;
    unsigned count_ = 0;
    unsigned padding_ = 0;
    bool ended_ = false;
};

}  // namespace

std::string encode_base64(Bytes bytes) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t left = std::min<std::size_t>(bytes.size() - at, 3);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i)
            group = group << 8 | (i < left ? bytes[at + i] : 0u);
        for (unsigned i = 0; i < 4; ++i)
            out += i <= left ? alphabet[group >> (18 - 6 * i) & 0x3f] : '=';
    }
    return out;
}

std::optional<std::vector<std::uint8_t>> decode_base64(std::string_view text, std::size_t most) {
    Decoder decoder(most);
    for (const char character : text)
        if (character != '\n' && character != '\r' && !decoder.take(character)) return {};
    if (!decoder.is_whole()) return {};
    return std::move(decoder).bytes();
}

}  // namespace lamplight::wire::pubsub
