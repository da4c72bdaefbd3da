#include "state/hints.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace lamplight::state {
namespace {

const std::vector<std::string> device_names = {"SIP/a",      "SIP/b",   "Custom:p11",
                                               "Custom:p12", "PJSIP/c", "nothing"};

/// What a hint of these aggregates shows, written from the table of the reference and not with join().
int expected_state(const std::vector<DeviceState>& aggregates) {
    if (aggregates.empty()) return 4;
    const auto has = [&](DeviceState state) {
        return std::ranges::find(aggregates, state) != aggregates.end();
    };
    const bool use = has(DeviceState::inuse) || has(DeviceState::busy) || has(DeviceState::onhold);
    if (has(DeviceState::ringinuse) || (has(DeviceState::ringing) && use)) return 9;
    if (has(DeviceState::busy)) return 2;
    if (has(DeviceState::inuse)) return 1;
    if (has(DeviceState::ringing)) return 8;
    if (has(DeviceState::onhold)) return 16;
    if (has(DeviceState::not_inuse)) return 0;
    if (has(DeviceState::unavailable)) return 4;
    if (has(DeviceState::unknown)) return 0;
    return 4;
}

struct World {
    Engine engine;
    Changes engine_changes;
    Hints hints{engine, {.watchers_per_hint = 2, .automatic_hints = 4}};
    std::vector<HintChange> changes;
    std::map<HintId, ExtensionState> shown;  // what a watcher that was told every change believes
    NodeId self = engine.add_own_node({Eid{{2, 0, 0, 0, 0, 1}}, "pbx1", 1}, Time{}, engine_changes);
    Announcement other{Eid{{2, 0, 0, 0, 0, 2}}, "pbx2", 0};
    SenderId sender{};
    bool here = false;
    std::uint64_t sequence = 0;
    Time now{};

    void other_joins() {
        if (here) return;
        ++other.incarnation;
        sender = *engine.open_sender(Bus::local, "pbx2", engine_changes);
        engine.announce(sender, other, now, engine_changes);
        engine.sender_present(sender, now, engine_changes);
        here = true;
    }

    void other_goes(Departure departure) {
        if (!here) return;
        engine.sender_gone(sender, departure, now, engine_changes);
        here = false;
    }

    void other_votes(DeviceId device, DeviceState state) {
        if (!here) return;
        Vote vote;
        vote.device = device;
        vote.node = *engine.find_node(other.eid);
        vote.state = state;
        vote.sender = sender;
        vote.version = {other.incarnation, ++sequence};
        engine.apply({&vote, 1}, now, engine_changes);
    }

    void follow() {
        Changes more;
        hints.follow(engine_changes, changes, more);
        engine_changes.clear();
        listen();
    }

    void listen() {
        for (const HintChange& change : changes) {
            const auto held = shown.find(change.hint);
            RC_ASSERT((held == shown.end() ? ExtensionState::removed : held->second) == change.from);
            RC_ASSERT(change.from != change.to);
            if (change.to == ExtensionState::removed) {
                shown.erase(change.hint);
            } else {
                shown[change.hint] = change.to;
            }
        }
        changes.clear();
    }

    void check() {
        std::size_t concrete = 0;
        hints.for_each([&](const HintView& view) {
            if (view.pattern) return;
            ++concrete;
            std::vector<DeviceState> aggregates;
            for (DeviceId device : view.devices)
                aggregates.push_back(engine.aggregate(device));
            RC_ASSERT(static_cast<int>(view.state) == expected_state(aggregates));
            RC_ASSERT(shown.at(view.id) == view.state);
        });
        RC_ASSERT(concrete == shown.size());
    }
};

HintPlan any_plan() {
    HintPlan plan;
    const auto choice = *rc::gen::inRange(0, 8);
    plan.contexts.push_back({"ext", (choice & 1) != 0, {"more"}});
    if ((choice & 2) != 0)
        plan.hints.push_back({"ext", "_1X", "Custom:p${EXTEN}", {"Custom:p${EXTEN}"}, {}, {}});
    if ((choice & 4) != 0)
        plan.hints.push_back({"more", "_1[12]", "SIP/a", {"SIP/a", "Custom:p${EXTEN}"}, {}, {}});
    for (const char* extension : {"10", "11", "a"}) {
        HintDefinition hint{"ext", extension, {}, {}, {}, {}};
        const auto devices = *rc::gen::inRange(0u, 8u);
        for (unsigned i = 0; i < 3; ++i) {
            if ((devices & (1u << i)) != 0) hint.devices.push_back(device_names[i]);
        }
        if (*rc::gen::inRange(0, 3) != 0) plan.hints.push_back(hint);
    }
    return plan;
}

void do_one_thing(World& world) {
    const auto action = *rc::gen::inRange(0, 9);
    const std::string name = *rc::gen::elementOf(device_names);
    const auto state = static_cast<DeviceState>(*rc::gen::inRange(0u, unsigned{device_state_count}));
    const DeviceId device = *world.engine.intern_device(name, world.engine_changes);
    switch (action) {
        case 0:
        case 1:
            world.engine.set_own(world.self, device, state, Cachable::yes, Cause::console, world.now,
                                 world.engine_changes);
            break;
        case 2:
            world.engine.withdraw_own(world.self, device, Cause::console, world.now, world.engine_changes);
            break;
        case 3:
            world.other_joins();
            break;
        case 4:
            world.other_goes(*rc::gen::element(Departure::left, Departure::failed, Departure::silent));
            break;
        case 5:
            world.now += *rc::gen::element(Duration{1}, Duration{20'000}, Duration{25 * 3'600'000});
            world.engine.on_time(world.now, world.engine_changes);
            break;
        case 6:
            world.hints.load(any_plan(), world.changes, world.engine_changes);
            break;
        case 7:
            world.hints.find(*rc::gen::element<std::string>("11", "12", "13", "1-1", "a", "c"),
                             *rc::gen::element<std::string>("ext", "more"), world.engine_changes);
            break;
        default:
            world.other_votes(device, state);
            break;
    }
}

RC_GTEST_PROP(HintsLaw, TheStateShownIsAFreshComputationAfterAnySequence, ()) {
    World world;
    const auto steps = *rc::gen::inRange(1, 120);
    for (int i = 0; i < steps; ++i) {
        do_one_thing(world);
        if (*rc::gen::inRange(0, 4) == 0) continue;  // several changes at once, too
        world.follow();
        world.check();
    }
    world.follow();
    world.check();
}

}  // namespace
}  // namespace lamplight::state
