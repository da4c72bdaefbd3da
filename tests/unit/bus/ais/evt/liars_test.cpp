#include "world.hpp"

#include <gmock/gmock.h>

namespace lamplight::bus::ais::evt {
namespace {

using testing::ElementsAre;
using namespace std::chrono_literals;
using wire::evt::Hello;

constexpr ring::Member liar{9, 1'009};
constexpr std::uint32_t number = 0x77;

constexpr std::uint64_t id_of(std::uint32_t publisher, std::uint32_t count) {
    return std::uint64_t{publisher} << 32U | count;
}
constexpr std::uint32_t upper(EventId id) {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(id) >> 32U);
}

/// A publisher, a subscriber, and a member that says what is not so.
class EvtLiars : public testing::Test {
protected:
    EvtLiars() : honest(world.add()), listener(world.add()) {
        world.join(honest);
        world.settle();
        world.join(listener);
        world.settle();
        handle = world.open(honest, world.client(honest), "news");
        client = world.client(listener);
        world.subscribe(listener, world.open(listener, client, "news"), 1);
        for (World::Node* node : {&honest, &listener})
            node->service->member_came(liar, world.moment(), node->out);
        say(Hello{
            .publisher = number, .since = 1, .state = Hello::State::whole, .program = "liar", .opens = {}});
        world.settle();
    }
    template <typename... Records>
    void say(const Records&... records) {
        const auto frame = frame_of(records...);
        for (World::Node* node : {&honest, &listener})
            node->service->receive(liar, frame, world.moment(), node->out);
    }
    /// A state for both of one event with this id.
    void tell(std::uint64_t id) {
        const std::array targets{process(honest), process(listener)};
        const wire::evt::Publish event{.channel = honest.service->channels().at(0).id,
                                       .id = EventId{id},
                                       .retention = 1'000'000'000,
                                       .channel_name = "news",
                                       .publisher = {},
                                       .patterns = {},
                                       .data = wire::bytes_of("made up")};
        say(wire::evt::StateBegin{1, targets}, wire::evt::StateEvent{1'000'000'000, event},
            wire::evt::StateEnd{1});
        world.settle();
    }
    static wire::evt::Process process(const World::Node& node) { return {node.id.node_id, node.id.pid}; }
    EventId publish(std::string_view text) {
        const EventId id = world.publish(honest, handle, text);
        world.settle(0ms);
        return id;
    }
    std::vector<std::string> heard() { return world.texts(listener, client); }

    World world;
    World::Node& honest;
    World::Node& listener;
    ChannelHandle handle{};
    ClientId client{};
};

TEST_F(EvtLiars, ToldEventsOfAPublisherDoNotSilenceIt) {
    const EventId id = publish("first");
    tell(id_of(upper(id), UINT32_MAX));
    publish("second");
    EXPECT_THAT(heard(), ElementsAre("first", "made up", "second"));
}

TEST_F(EvtLiars, NobodyTellsUsEventsThatWeAreYetToPublish) {
    const EventId id = publish("first");
    tell(id_of(upper(id), 5'000));
    EXPECT_EQ(honest.service->counters().foreign_ids, 1U);
    publish("second");
    EXPECT_EQ(honest.service->counters().repeated, 0U);
}

TEST_F(EvtLiars, AMemberWithManyNumbersTakesNobodysAway) {
    const EventId id = publish("first");
    for (std::uint32_t other = 1'000; other < 6'000; ++other)
        say(Hello{
            .publisher = other, .since = 1, .state = Hello::State::whole, .program = "liar", .opens = {}});
    EXPECT_EQ(listener.service->owner_of(id), honest.id);
    publish("second");
    EXPECT_THAT(heard(), ElementsAre("first", "second"));
}

TEST_F(EvtLiars, AStateThatIsNotGoneOnWithKeepsNobodyWaiting) {
    constexpr ring::Member traitor{8, 1'008};
    const auto hear = [&](World::Node& node, const std::vector<std::uint8_t>& frame) {
        node.service->receive(traitor, frame, world.moment(), node.out);
    };
    Hello hello{.publisher = 0x88,
                .since = UINT64_MAX,
                .state = Hello::State::empty,
                .wants = Hello::Wants::state,
                .program = "traitor",
                .opens = {}};
    for (World::Node* node : {&honest, &listener}) {
        node->service->member_came(traitor, world.moment(), node->out);
        hear(*node, frame_of(hello));
    }
    world.settle();
    // It was told everything. Now it is the oldest, begins to tell the next one, and stays silent.
    World::Node& late = world.add();
    world.join(late);
    late.service->member_came(traitor, world.moment(), late.out);
    hello.since = 1;
    hello.state = Hello::State::whole;
    hello.wants = Hello::Wants::nothing;
    const std::array targets{process(late)};
    for (World::Node* node : {&honest, &listener, &late})
        hear(*node, frame_of(hello, wire::evt::StateBegin{1, targets}));
    world.settle(300ms);
    EXPECT_FALSE(late.service->knows_registry()) << "the test is about nothing: nobody waits";
    world.settle(5s);
    EXPECT_TRUE(late.service->knows_registry());
    const ClientId reader = world.client(late);
    world.subscribe(late, world.open(late, reader, "news"), 1);
    publish("news");
    EXPECT_THAT(world.texts(late, reader), ElementsAre("news"));
}

TEST_F(EvtLiars, AMemberThatIsHaltedWhileItTellsAStateKeepsNobodyWaiting) {
    World crowd;
    auto& oldest = crowd.add();
    crowd.join(oldest);
    crowd.settle();
    const ChannelHandle news = crowd.open(oldest, crowd.client(oldest), "news");
    for (int i = 0; i < 400; ++i)
        crowd.publish(oldest, news, std::string(1'000, 'x'), {.retention = for_ever});
    auto& other = crowd.add();
    crowd.join(other);
    crowd.settle(2s);
    auto& late = crowd.add();
    crowd.join(late);
    const auto has_some = [&] {
        const auto channels = late.service->channels();
        return !channels.empty() && channels.at(0).retained > 0;
    };
    while (oldest.service->counters().states_sent < 2 && !has_some()) {
        const bool any = crowd.step(late) || crowd.step(other) || crowd.step(oldest);
        if (!any) crowd.pass(crowd.moment().now + 10ms);
    }
    ASSERT_FALSE(late.service->knows_registry()) << "it was told everything already";
    oldest.halted = true;
    crowd.settle(6s);
    EXPECT_TRUE(late.service->knows_registry());
    EXPECT_EQ(late.service->channels().at(0).retained, 400U);
}

}  // namespace
}  // namespace lamplight::bus::ais::evt
