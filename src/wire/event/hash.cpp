#include "wire/event/event.hpp"

namespace lamplight::wire::event {
namespace {

constexpr std::uint32_t start = 5381;

std::uint32_t step(std::uint32_t hash, std::uint32_t byte) {
    return hash * 33 ^ byte;
}
std::uint32_t unsigned_byte(char c) {
    return static_cast<unsigned char>(c);
}
/// `char` of the old servers is signed (x86): a byte from 0x80 up fills the upper bits.
std::uint32_t signed_byte(char c) {
    return static_cast<std::uint32_t>(static_cast<std::int32_t>(static_cast<signed char>(c)));
}
char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

/// The absolute value of a signed number; the lowest of all is its own.
std::uint32_t legacy_end(std::uint32_t hash) {
    return hash >> 31 != 0 ? 0 - hash : hash;
}

std::uint32_t modern_hash(std::string_view text) {
    std::uint32_t hash = start;
    for (const char c : text)
        hash = step(hash, unsigned_byte(c));
    return hash & 0x7fffffff;
}

/// Over the first `upper_bytes` upper-cased, then the rest.
std::uint32_t legacy_hash(std::string_view text, std::size_t upper_bytes) {
    std::uint32_t hash = start;
    for (const char c : text.substr(0, upper_bytes))
        hash = step(hash, signed_byte(upper(c)));
    for (const char c : text.substr(upper_bytes))
        hash = step(hash, signed_byte(c));
    return legacy_end(hash);
}

}  // namespace

std::uint32_t text_hash(std::string_view text, HashRule rule) {
    return rule == HashRule::modern ? modern_hash(text) : legacy_hash(text, 0);
}

std::uint32_t device_hash(std::string_view device, HashRule rule) {
    if (rule == HashRule::modern) return modern_hash(device);
    const std::size_t slash = device.find('/');
    return legacy_hash(device, slash == std::string_view::npos ? 0 : slash);
}

}  // namespace lamplight::wire::event
