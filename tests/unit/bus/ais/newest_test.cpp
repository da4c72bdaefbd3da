#include "bus/ais/newest.hpp"

#include "wire/event/event.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lamplight::bus::ais {
namespace {

namespace event = wire::event;
using state::DeviceState;
using Flags = std::vector<bool>;

constexpr std::uint64_t pbx2 = 2'000;  ///< publisher numbers
constexpr std::uint64_t pbx3 = 3'000;

state::Eid eid(std::uint8_t number) {
    return {{0x02, 0, 0, 0, 0, number}};
}

evt::Delivery delivery(std::string data, evt::EventId id) {
    evt::Event made;
    made.id = id;
    made.data = std::move(data);
    return {.subscription = 0, .channel = {}, .event = std::make_shared<const evt::Event>(std::move(made))};
}

evt::EventId id_of(std::uint64_t publisher) {
    static std::uint32_t count = 1'000;
    return evt::EventId{publisher << 32U | ++count};
}

evt::Delivery delivery(const event::Event& said, std::uint64_t publisher = pbx2) {
    std::vector<std::uint8_t> bytes(event::max_event_bytes);
    bytes.resize(event::encode(said, {}, bytes));
    return delivery(std::string(bytes.begin(), bytes.end()), id_of(publisher));
}

event::Event vote(std::string_view device, DeviceState state, std::uint8_t of = 2) {
    return event::DeviceStateChange{device, state, state::Cachable::yes, eid(of)};
}
event::Event counts(std::string_view mailbox, std::string_view context, int new_messages) {
    return event::Mwi{mailbox, context, {static_cast<std::uint32_t>(new_messages), 0}, eid(2)};
}

TEST(MadeOld, IsWhatALaterEventSaysAnew) {
    const std::vector events{
        delivery(vote("Custom:a", DeviceState::ringing)), delivery(vote("Custom:b", DeviceState::inuse)),
        delivery(vote("Custom:a", DeviceState::inuse)), delivery(vote("Custom:a", DeviceState::not_inuse))};
    EXPECT_EQ(made_old(events), (Flags{true, false, true, false}));
    EXPECT_EQ(made_old({}), Flags{});
}

TEST(MadeOld, IsNotWhatAnotherServerOrProcessSays) {
    const std::vector events{delivery(vote("Custom:a", DeviceState::ringing, 2)),
                             delivery(vote("Custom:a", DeviceState::ringing, 3)),
                             delivery(vote("Custom:a", DeviceState::inuse, 2), pbx3),
                             delivery(vote("Custom:A", DeviceState::inuse, 2))};
    EXPECT_EQ(made_old(events), (Flags{false, false, false, false}));
}

TEST(MadeOld, AreCountsOfTheSameMailboxAndContext) {
    const std::vector events{delivery(counts("100", "default", 1)), delivery(counts("100", "other", 1)),
                             delivery(vote("100", DeviceState::inuse)),
                             delivery(counts("100", "default", 2))};
    EXPECT_EQ(made_old(events), (Flags{true, false, false, false}));
}

TEST(MadeOld, IsNothingThatIsNoEventOfAsterisks) {
    const std::vector events{delivery("garbage", id_of(pbx2)), delivery("garbage", id_of(pbx2)),
                             delivery(event::Ping{eid(2)}),    delivery(event::Ping{eid(2)}),
                             delivery("", evt::EventId::lost), delivery("", evt::EventId::lost)};
    EXPECT_EQ(made_old(events), Flags(events.size()));
}

}  // namespace
}  // namespace lamplight::bus::ais
