#pragma once

#include <cstdint>
#include <vector>

namespace lamplight::bus::sync {

/// A set of small numbers, one bit each; grows to the highest one that was added.
class Bits {
public:
    /// False when it was in the set before.
    bool add(std::uint32_t i) {
        const std::size_t word = i / 64;
        if (word >= words_.size()) words_.resize(word + word / 2 + 1);
        const std::uint64_t bit = std::uint64_t{1} << i % 64;
        if (words_[word] & bit) return false;
        words_[word] |= bit;
        return true;
    }
    /// False when it was not in the set.
    bool remove(std::uint32_t i) {
        if (!has(i)) return false;
        words_[i / 64] &= ~(std::uint64_t{1} << i % 64);
        return true;
    }
    bool has(std::uint32_t i) const { return i / 64 < words_.size() && (words_[i / 64] >> i % 64 & 1) != 0; }
    void clear() { words_.assign(words_.size(), 0); }

private:
    std::vector<std::uint64_t> words_;
};

}  // namespace lamplight::bus::sync
