#include "state/device_state.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

namespace lamplight::state {
namespace {

/// asterisk-facts 1.3, row and column in the order UNKNOWN NOT_INUSE INUSE BUSY INVALID UNAVAILABLE RINGING
/// RINGINUSE ONHOLD: written out, not computed.
constexpr std::array<std::array<int, device_state_count>, device_state_count> table = {{
    {0, 1, 2, 3, 0, 5, 6, 7, 8},
    {1, 1, 2, 3, 1, 1, 6, 7, 8},
    {2, 2, 2, 3, 2, 2, 7, 7, 2},
    {3, 3, 3, 3, 3, 3, 7, 7, 3},
    {0, 1, 2, 3, 4, 5, 6, 7, 8},
    {5, 1, 2, 3, 5, 5, 6, 7, 8},
    {6, 6, 7, 7, 6, 6, 6, 7, 7},
    {7, 7, 7, 7, 7, 7, 7, 7, 7},
    {8, 8, 2, 3, 8, 8, 7, 7, 8},
}};

constexpr DeviceState state_of(unsigned number) {
    return static_cast<DeviceState>(number);
}

/// The accumulator as the reference system runs it, one input after the other.
DeviceState accumulate(const std::vector<DeviceState>& inputs) {
    constexpr std::array<int, device_state_count> rank = {1, 3, 6, 7, 0, 2, 5, 8, 4};
    DeviceState state = DeviceState::invalid;
    bool ringing = false;
    bool inuse = false;
    for (DeviceState s : inputs) {
        if (s == DeviceState::ringing) ringing = true;
        if (s == DeviceState::inuse || s == DeviceState::busy || s == DeviceState::onhold) inuse = true;
        if (ringing && inuse) {
            state = DeviceState::ringinuse;
        } else if (rank[static_cast<std::size_t>(s)] > rank[static_cast<std::size_t>(state)]) {
            state = s;
        }
    }
    return state;
}

StateSet set_of(const std::vector<DeviceState>& states) {
    unsigned set = 0;
    for (DeviceState s : states)
        set |= state_bit(s);
    return static_cast<StateSet>(set);
}

TEST(JoinLaw, OfEveryPairIsTheTableOfTheReference) {
    for (unsigned a = 0; a < device_state_count; ++a) {
        for (unsigned b = 0; b < device_state_count; ++b) {
            EXPECT_EQ(static_cast<int>(join(state_of(a), state_of(b))), table[a][b]) << a << " with " << b;
        }
    }
}

TEST(JoinLaw, IsCommutativeAssociativeAndIdempotent) {
    for (unsigned a = 0; a < device_state_count; ++a) {
        EXPECT_EQ(join(state_of(a), state_of(a)), state_of(a));
        EXPECT_EQ(join(state_bit(state_of(a))), state_of(a));
        for (unsigned b = 0; b < device_state_count; ++b) {
            EXPECT_EQ(join(state_of(a), state_of(b)), join(state_of(b), state_of(a)));
            for (unsigned c = 0; c < device_state_count; ++c) {
                EXPECT_EQ(join(join(state_of(a), state_of(b)), state_of(c)),
                          join(state_of(a), join(state_of(b), state_of(c))));
            }
        }
    }
}

TEST(JoinLaw, OfEverySetIsTheFoldOfItsPairs) {
    for (unsigned set = 1; set < (1u << device_state_count); ++set) {
        DeviceState folded = DeviceState::invalid;
        for (unsigned s = 0; s < device_state_count; ++s) {
            if ((set & (1u << s)) != 0) folded = join(folded, state_of(s));
        }
        EXPECT_EQ(join(static_cast<StateSet>(set)), folded) << set;
    }
}

RC_GTEST_PROP(JoinLaw, OfAnySequenceIsWhatTheReferencesAccumulatorSays, ()) {
    auto numbers =
        *rc::gen::container<std::vector<unsigned>>(rc::gen::inRange(0u, unsigned{device_state_count}));
    std::vector<DeviceState> states;
    for (unsigned n : numbers)
        states.push_back(state_of(n));
    RC_ASSERT(join(set_of(states)) == accumulate(states));
    std::reverse(states.begin(), states.end());
    RC_ASSERT(join(set_of(states)) == accumulate(states));
}

}  // namespace
}  // namespace lamplight::state
