#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace lamplight::wire {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

inline Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view text_of(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads big-endian numbers and runs of bytes. Reading beyond the end gives zeros or nothing and makes ok()
/// false for good, so that a decoder may read a whole record and ask once.
class Reader {
public:
    explicit Reader(Bytes bytes) : bytes_(bytes) {}

    template <std::unsigned_integral T>
    T number() {
        if (left() < sizeof(T)) return static_cast<T>(fail());
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i)
            value = value << 8 | bytes_[at_ + i];
        at_ += sizeof(T);
        return static_cast<T>(value);
    }
    std::uint8_t u8() { return number<std::uint8_t>(); }
    std::uint16_t u16() { return number<std::uint16_t>(); }
    std::uint32_t u32() { return number<std::uint32_t>(); }
    std::uint64_t u64() { return number<std::uint64_t>(); }

    Bytes take(std::size_t count) {
        if (left() < count) {
            fail();
            return {};
        }
        at_ += count;
        return bytes_.subspan(at_ - count, count);
    }
    template <std::size_t N>
    std::array<std::uint8_t, N> array() {
        std::array<std::uint8_t, N> out{};
        if (const Bytes bytes = take(N); bytes.size() == N) std::memcpy(out.data(), bytes.data(), N);
        return out;
    }
    /// One byte of length, then the text: a view into the buffer.
    std::string_view text8() {
        const std::size_t length = u8();
        return text_of(take(length));
    }

    std::size_t at() const { return at_; }
    std::size_t left() const { return ok_ ? bytes_.size() - at_ : 0; }
    bool ok() const { return ok_; }
    bool at_end() const { return ok_ && at_ == bytes_.size(); }

private:
    std::uint8_t fail() {
        ok_ = false;
        return 0;
    }

    Bytes bytes_;
    std::size_t at_ = 0;
    bool ok_ = true;
};

/// Writes big-endian numbers and runs of bytes into a given buffer. What does not fit is left out and makes
/// ok() false for good.
class Writer {
public:
    explicit Writer(MutableBytes bytes) : bytes_(bytes) {}

    template <std::unsigned_integral T>
    void number(T value) {
        if (!room(sizeof(T))) return;
        put(at_, value);
        at_ += sizeof(T);
    }
    void u8(std::uint8_t value) { number(value); }
    void u16(std::uint16_t value) { number(value); }
    void u32(std::uint32_t value) { number(value); }
    void u64(std::uint64_t value) { number(value); }

    void raw(Bytes bytes) {
        if (!room(bytes.size()) || bytes.empty()) return;
        std::memcpy(bytes_.data() + at_, bytes.data(), bytes.size());
        at_ += bytes.size();
    }
    /// One byte of length, then the text, which must not be longer than 255 bytes.
    void text8(std::string_view text) {
        if (text.size() > 255) {
            ok_ = false;
            return;
        }
        u8(static_cast<std::uint8_t>(text.size()));
        raw(bytes_of(text));
    }
    /// Overwrites a number written before.
    template <std::unsigned_integral T>
    void patch(std::size_t at, T value) {
        if (at + sizeof(T) <= at_) put(at, value);
    }

    std::size_t size() const { return at_; }
    std::size_t left() const { return ok_ ? bytes_.size() - at_ : 0; }
    bool ok() const { return ok_; }

private:
    bool room(std::size_t count) { return ok_ = ok_ && bytes_.size() - at_ >= count; }

    template <std::unsigned_integral T>
    void put(std::size_t at, T value) {
        for (std::size_t i = 0; i < sizeof(T); ++i)
            bytes_[at + i] =
                static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> 8 * (sizeof(T) - 1 - i));
    }

    MutableBytes bytes_;
    std::size_t at_ = 0;
    bool ok_ = true;
};

}  // namespace lamplight::wire
