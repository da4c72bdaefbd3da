#include "bus/ais/channels.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>
#include <vector>

namespace lamplight::bus::ais {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using Names = std::vector<std::string>;

constexpr conf::AisChannel::Events both{.mwi = true, .device_state = true};
constexpr conf::AisChannel::Events only_mwi{.mwi = true, .device_state = false};
constexpr conf::AisChannel::Events only_states{.mwi = false, .device_state = true};
constexpr conf::AisChannel::Events none{};

conf::AisChannel channel(std::string name, conf::AisChannel::Events publish,
                         conf::AisChannel::Events subscribe) {
    return {.name = std::move(name), .publish = publish, .subscribe = subscribe, .place = {}};
}

/// A process in the group saEvt.
struct Process {
    explicit Process(ring::Member who) : self(who) {}
    ring::Member self;
    std::uint32_t drawn = self.pid;
    evt::Service service{evt::Settings{}, [this] { return ++drawn; }};
    evt::Output out;
};

/// Ours and another one in the group; frames come back to both in one order.
struct InAGroup : testing::Test {
    InAGroup() {
        const std::array members{ours.self, other.self};
        for (Process* process : processes) {
            std::vector<ring::Member> there;
            for (const ring::Member member : members)
                if (member < process->self) there.push_back(member);
            process->service.joined(process->self, there, moment, process->out);
        }
        ours.service.member_came(other.self, moment, ours.out);
        for (int i = 0; i < 300; ++i)  // until both know what there is
            pass(10ms);
    }

    void pass(state::Duration time) {
        moment.now += time;
        moment.wall += std::chrono::nanoseconds(time).count();
        for (Process* process : processes)
            process->service.on_time(moment, process->out);
        turn();
    }

    /// Until nobody has anything to say any more. Opens of ours that are answered are handed on.
    void turn() {
        for (bool said = true; said;) {
            said = false;
            for (Process* process : processes)
                said = say(*process) || said;
        }
        ours.out.clear();
        other.out.clear();
    }
    bool say(Process& process) {
        if (!process.service.wants_to_send()) return false;
        std::vector<std::uint8_t> frame(wire::evt::max_frame_bytes);
        const auto taken = process.service.take(frame, moment);
        if (taken.bytes == 0) return false;
        frame.resize(taken.bytes);
        for (Process* receiver : processes)
            receiver->service.receive(process.self, frame, moment, receiver->out);
        process.service.delivered(taken.id);
        hand_on();
        return true;
    }
    void hand_on() {
        std::vector<evt::Opened> opened;
        std::swap(opened, ours.out.opened);
        for (const evt::Opened& one : opened)
            if (const auto name = channels.on_opened(one, moment, ours.out)) told.push_back(*name);
    }

    void configure(const std::vector<conf::AisChannel>& wanted) {
        channels.configure(wanted, moment, ours.out);
        turn();
    }
    /// The other one publishes: `data` with a type's pattern.
    void publishes(const std::string& name, EventType type, const std::string& data) {
        const evt::ClientId client = other.service.add_client();
        ASSERT_TRUE(other.service.open(client, name, {evt::OpenFlags::publisher}, 1, std::nullopt, moment));
        while (other.out.opened.empty())
            ASSERT_TRUE(say(other));
        const evt::Opened opened = other.out.opened.front();
        ASSERT_FALSE(opened.error);
        const evt::Attributes attributes{.patterns = {std::string(pattern_of(type))},
                                         .priority = evt::lowest_priority,
                                         .retention = evt::one_minute,
                                         .publisher = "pbx2"};
        const std::vector<std::uint8_t> bytes(data.begin(), data.end());
        ASSERT_TRUE(other.service.publish(opened.handle, attributes, bytes, moment));
        turn();
        other.service.remove_client(client);
        turn();
    }
    /// What waits for us.
    Names taken() {
        Names data;
        while (const auto delivery = ours.service.next(channels.client(), moment))
            data.push_back(delivery->event->data);
        return data;
    }
    Names open_to_others() {
        Names names;
        for (const auto& view : other.service.channels())
            if (other.service.has_open(ours.self, view.name)) names.push_back(view.name);
        return names;
    }

    evt::Moment moment{state::Time{1000s}, 1'000'000'000'000};
    Process ours{{1, 100}};
    Process other{{2, 200}};
    std::array<Process*, 2> processes{&ours, &other};
    Channels channels{ours.service};
    Names told;
};

/// What Outgoing writes.
std::vector<std::uint8_t> message(const wire::event::Event& event) {
    std::vector<std::uint8_t> bytes(wire::event::max_event_bytes);
    bytes.resize(wire::event::encode(event, {}, bytes));
    return bytes;
}

TEST(EventTypes, AreThoseOfAsterisksEvents) {
    const state::Eid eid{{2, 0, 0, 0, 0, 1}};
    EXPECT_EQ(type_of(message(wire::event::DeviceStateChange{"Custom:a", state::DeviceState::busy,
                                                             state::Cachable::yes, eid})),
              EventType::device_state);
    EXPECT_EQ(type_of(message(wire::event::Mwi{"100", "default", {1, 2}, eid})), EventType::mwi);
    EXPECT_EQ(type_of(message(wire::event::Ping{eid})), std::nullopt);
    EXPECT_EQ(type_of(std::array<std::uint8_t, 2>{1, 6}), std::nullopt);
    EXPECT_EQ(type_of(std::array<std::uint8_t, 1>{0}), std::nullopt);
    EXPECT_EQ(type_of({}), std::nullopt);
}

TEST(EventTypes, AreNamedInPatternsWithTheirNul) {
    EXPECT_EQ(pattern_of(EventType::mwi), "mwi\0"s);
    EXPECT_EQ(pattern_of(EventType::device_state), "device_state\0"s);
}

TEST_F(InAGroup, ChannelsAreOpenWhenTheServiceSaysSo) {
    channels.configure({channel("states", both, only_states), channel("mwi", only_mwi, none)}, moment,
                       ours.out);
    EXPECT_EQ(channels.open(), Names{});
    EXPECT_EQ(channels.publish(), (plain::Switches{false, false, false, false}));
    turn();
    EXPECT_EQ(channels.open(), (Names{"states", "mwi"})) << "in the file's order";
    EXPECT_EQ(told, (Names{"states", "mwi"}));
    EXPECT_EQ(open_to_others(), (Names{"mwi", "states"}));
    EXPECT_EQ(channels.publish(), (plain::Switches{true, true, false, false}));
    EXPECT_EQ(channels.subscribe(), (plain::Switches{false, true, false, false}));
}

TEST_F(InAGroup, ATypeGoesIntoTheChannelsThatPublishIt) {
    configure({channel("states", only_states, none), channel("mwi", only_mwi, none),
               channel("all", both, none), channel("ears", none, both)});
    EXPECT_EQ(channels.publishing(EventType::mwi).size(), 2u);
    EXPECT_EQ(channels.publishing(EventType::device_state).size(), 2u);
    EXPECT_EQ(channels.publishing(EventType::mwi)[1], channels.publishing(EventType::device_state)[1]);
    EXPECT_NE(channels.publishing(EventType::mwi)[0], channels.publishing(EventType::device_state)[0]);
}

TEST_F(InAGroup, WhatIsSubscribedToIsDeliveredAndNothingElse) {
    configure({channel("a", none, only_mwi), channel("b", none, both), channel("c", both, none)});
    for (const char* name : {"a", "b", "c"}) {
        publishes(name, EventType::mwi, name + " mwi"s);
        publishes(name, EventType::device_state, name + " state"s);
    }
    EXPECT_EQ(taken(), (Names{"a mwi", "b mwi", "b state"}));
}

TEST_F(InAGroup, AnotherSubscriptionBeginsWithWhatIsRetainedAndEndsAtOnce) {
    configure({channel("a", none, only_mwi)});
    publishes("a", EventType::device_state, "state");
    EXPECT_EQ(taken(), Names{});
    configure({channel("a", none, both)});
    EXPECT_EQ(taken(), Names{"state"});
    configure({channel("a", none, none)});
    publishes("a", EventType::device_state, "state 2");
    publishes("a", EventType::mwi, "mwi");
    EXPECT_EQ(taken(), Names{});
    EXPECT_EQ(channels.open(), Names{"a"}) << "all the while";
    EXPECT_EQ(told, Names{"a"});
}

TEST_F(InAGroup, SubscribingAgainDeliversWhatIsRetainedOnceMore) {
    configure({channel("a", none, both), channel("b", none, only_states)});
    publishes("a", EventType::device_state, "state");
    publishes("b", EventType::device_state, "state of b");
    EXPECT_EQ(taken(), (Names{"state", "state of b"}));
    channels.subscribe_again(moment, ours.out);
    EXPECT_EQ(taken(), (Names{"state", "state of b"}));
    publishes("a", EventType::mwi, "mwi");
    EXPECT_EQ(taken(), Names{"mwi"});
}

TEST_F(InAGroup, WhatTheFileDoesNotNameAnyMoreIsClosed) {
    configure({channel("a", both, both), channel("b", only_mwi, none)});
    configure({channel("b", only_mwi, none), channel("c", none, none)});
    EXPECT_EQ(channels.open(), (Names{"b", "c"}));
    EXPECT_EQ(open_to_others(), (Names{"b", "c"}));
    EXPECT_EQ(channels.publish(), (plain::Switches{true, false, false, false}));
    EXPECT_EQ(told, (Names{"a", "b", "c"}));
}

TEST_F(InAGroup, AChannelThatIsNotWantedAnyMoreWhenItOpensIsClosed) {
    channels.configure({channel("a", both, both)}, moment, ours.out);
    channels.configure({}, moment, ours.out);
    turn();
    EXPECT_EQ(channels.open(), Names{});
    EXPECT_EQ(open_to_others(), Names{});
    EXPECT_EQ(told, Names{});
    configure({channel("a", both, both)});
    EXPECT_EQ(open_to_others(), Names{"a"});
}

TEST_F(InAGroup, ANameInOtherLettersIsAnotherChannel) {
    configure({channel("states", both, both)});
    configure({channel("States", both, both)});
    EXPECT_EQ(open_to_others(), Names{"States"});
}

TEST_F(InAGroup, AChannelThatTheServiceRefusesIsNamedAndTheOthersAreOpen) {
    const std::string too_long(wire::evt::max_name_bytes + 1, 'x');
    configure({channel(too_long, both, both), channel("a", both, none)});
    EXPECT_EQ(channels.open(), Names{"a"});
    ASSERT_EQ(channels.refused().size(), 1u);
    EXPECT_EQ(channels.refused()[0].name, too_long);
    EXPECT_EQ(channels.refused()[0].error, evt::Error::name_too_long);
    channels.retry(moment);
    turn();
    EXPECT_EQ(channels.refused().size(), 1u);
    configure({channel("a", both, none)});
    EXPECT_EQ(channels.refused().size(), 0u);
    EXPECT_EQ(channels.subscribe(), (plain::Switches{false, false, false, false}));
}

}  // namespace
}  // namespace lamplight::bus::ais
