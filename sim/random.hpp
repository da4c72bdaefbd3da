#pragma once

#include <cstdint>

namespace lamplight::sim {

/// The simulator's own generator (splitmix64): the same numbers on every host and compiler. A statement draws
/// at most once, because the order of evaluation inside one is the compiler's.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15u;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

    /// 0 to `count` - 1; `count` is at least 1. The bias is below count / 2^64.
    std::uint64_t below(std::uint64_t count) { return next() % count; }

private:
    std::uint64_t state_;
};

}  // namespace lamplight::sim
