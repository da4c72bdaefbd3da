// Processes that publish and subscribe in one group, over a ring that splits and loses: when it is quiet they
// agree about channels and retained events, and clients heard what they should.
#include "evt_ring.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace lamplight::bus::ais::evt::test {
namespace {

void run(Ring::Faults faults, const std::vector<Ring::Act>& acts) {
    Ring ring(faults);
    for (const Ring::Act& act : acts)
        ring.act(act);
    ring.quiet();
    ring.check();
}

// What once went wrong.

TEST(EvtService, AnOpenThatCameToNothingIsForgottenByThoseWhoCouldNotTell) {
    run(Ring::Faults::all, {{16, 0, 3},
                            {4, 2, 416},
                            {16, 0, 0},
                            {20, 1, 0},
                            {17, 3, 0},
                            {18, 0, 4},
                            {17, 0, 0},
                            {12, 0, 34},
                            {20, 0, 0},
                            {6, 1, 0},
                            {4, 0, 50}});
}

TEST(EvtService, AnOpenThatNobodyWaitsForIsForgottenByThoseWhoCouldNotTell) {
    run(Ring::Faults::all,
        {{4, 3, 64}, {17, 0, 0}, {18, 0, 0}, {12, 0, 716}, {4, 0, 310}, {26, 0, 0}, {16, 0, 0}});
}

TEST(EvtService, AStateIsSaidAnewWhenTheHelloBeforeItIsLost) {
    run(Ring::Faults::all, {{0, 0, 0}, {25, 0, 0}, {18, 0, 40}});
}

TEST(EvtService, AMemberWhoWaitsForAnotherToSayAStateSaysItInTheEnd) {
    run(Ring::Faults::all, {{24, 1, 0},
                            {16, 0, 0},
                            {24, 1, 3},
                            {18, 0, 4},
                            {4, 2, 0},
                            {0, 2, 0},
                            {25, 2, 0},
                            {20, 0, 0},
                            {4, 1, 0},
                            {22, 0, 0},
                            {18, 0, 5},
                            {20, 0, 0}});
}

TEST(EvtService, WhatANewcomerHeardOfMembersThatAreGoneIsForgotten) {
    run(Ring::Faults::all, {{4, 0, 0}, {18, 0, 0}, {16, 0, 0}, {0, 0, 0}, {20, 1, 0}, {17, 0, 1}});
}

TEST(EvtService, WhoStillOwesAStateOpensNothingThatOthersCannotFollow) {
    run(Ring::Faults::all, {{4, 1, 0},
                            {18, 0, 4},
                            {4, 0, 0},
                            {0, 0, 0},
                            {25, 0, 0},
                            {17, 1, 0},
                            {16, 0, 0},
                            {16, 0, 0},
                            {27, 0, 0},
                            {20, 0, 0},
                            {20, 0, 0},
                            {18, 0, 4},
                            {16, 0, 0},
                            {18, 0, 4}});
}

TEST(EvtService, WhoBecomesWholeByItselfIsAskedForWhatItKnows) {
    run(Ring::Faults::all, {{4, 0, 0},
                            {20, 1, 0},
                            {18, 0, 0},
                            {20, 1, 0},
                            {16, 0, 0},
                            {18, 0, 0},
                            {17, 0, 0},
                            {16, 0, 3},
                            {22, 0, 0},
                            {17, 0, 0},
                            {0, 0, 0},
                            {20, 0, 0}});
}

TEST(EvtService, WhoWasToldBeforeItSaidThatItIsEmptySaysAStateToo) {
    run(Ring::Faults::all,
        {{16, 0, 0}, {24, 0, 0}, {16, 0, 0}, {24, 0, 0}, {4, 3, 0}, {0, 3, 0}, {25, 3, 0}, {18, 0, 4}});
}

using Drawn = std::vector<std::tuple<std::uint8_t, std::uint8_t, std::uint16_t>>;

Drawn draw(unsigned acts) {
    return *rc::gen::scale(
        3.0, rc::gen::container<Drawn>(rc::gen::tuple(
                 rc::gen::inRange<std::uint8_t>(0, static_cast<std::uint8_t>(acts)),
                 rc::gen::inRange<std::uint8_t>(0, 4), rc::gen::inRange<std::uint16_t>(0, 1024))));
}
std::vector<Ring::Act> acts_of(const Drawn& drawn) {
    std::vector<Ring::Act> acts;
    for (const auto& [what, which, value] : drawn)
        acts.push_back({what, which, value});
    return acts;
}

RC_GTEST_PROP(EvtService, OnAnUnbrokenRingSubscribersHearEverythingOnceAndInOrder, ()) {
    run(Ring::Faults::none, acts_of(draw(Ring::peaceful_acts)));
}

RC_GTEST_PROP(EvtService, AfterPartitionsAndLossAllAgreeWhenItIsQuiet, ()) {
    run(Ring::Faults::all, acts_of(draw(Ring::all_acts)));
}

}  // namespace
}  // namespace lamplight::bus::ais::evt::test
