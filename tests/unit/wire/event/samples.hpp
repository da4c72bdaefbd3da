#pragma once

#include "wire/event/event.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::wire::event::samples {

using Buffer = std::vector<std::uint8_t>;

inline const std::filesystem::path folder = LAMPLIGHT_TEST_DATA "/event";

/// Two digits a byte; everything else is passed over.
inline Buffer from_hex(std::string_view hex) {
    Buffer bytes;
    int high = -1;
    for (const char c : hex) {
        const auto digit = std::string_view("0123456789abcdef").find(c);
        if (digit == std::string_view::npos) continue;
        if (high >= 0) bytes.push_back(static_cast<std::uint8_t>(high * 16 + static_cast<int>(digit)));
        high = high >= 0 ? -1 : static_cast<int>(digit);
    }
    return bytes;
}

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline Buffer vector(std::string_view name) {
    return from_hex(read_file(folder / (std::string(name) + ".hex")));
}

/// Empty when the encoder refuses.
inline Buffer encoded(const Event& event, const Dialect& dialect = {}) {
    Buffer out(max_event_bytes);
    out.resize(encode(event, dialect, out));
    return out;
}

inline constexpr Dialect v1_8{HashRule::legacy, Dialect::CachableElement::v1_8};
inline constexpr Dialect v11{HashRule::legacy, Dialect::CachableElement::v11};
inline constexpr Dialect today{};

inline constexpr state::Eid lab_eid{{0x00, 0x11, 0x22, 0x33, 0x44, 0x55}};

/// Builds messages byte by byte, without the encoder and without its scruples.
class Message {
public:
    explicit Message(unsigned type) : type_(type) {}

    Message& raw(unsigned number, const Buffer& payload) {
        u16(number);
        u16(static_cast<unsigned>(payload.size()));
        return bytes(payload);
    }
    Message& text(unsigned number, std::string_view text) {
        Buffer payload(text.size() + 5, 0xaa);  // a hash that nobody checks
        std::copy(text.begin(), text.end(), payload.begin() + 4);
        payload.back() = 0;
        return raw(number, payload);
    }
    Message& number(unsigned number, std::uint32_t value) {
        return raw(number, {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
                            static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)});
    }
    Message& eid(const state::Eid& eid = lab_eid) { return raw(0x21, {eid.bytes.begin(), eid.bytes.end()}); }
    Message& bytes(const Buffer& some) {
        elements_.insert(elements_.end(), some.begin(), some.end());
        return *this;
    }

    Buffer done() const { return with_length(elements_.size() + 4); }
    Buffer with_length(std::size_t length) const {
        Buffer out{static_cast<std::uint8_t>(type_ >> 8), static_cast<std::uint8_t>(type_),
                   static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)};
        out.insert(out.end(), elements_.begin(), elements_.end());
        return out;
    }

private:
    void u16(unsigned value) {
        elements_.push_back(static_cast<std::uint8_t>(value >> 8));
        elements_.push_back(static_cast<std::uint8_t>(value));
    }

    unsigned type_;
    Buffer elements_;
};

/// `Custom:abc` in use, whole and in order.
inline Message change(std::string_view device = "Custom:abc") {
    return Message(6).text(0x07, device).number(0x08, 2).number(0x3d, 1).eid();
}

}  // namespace lamplight::wire::event::samples
