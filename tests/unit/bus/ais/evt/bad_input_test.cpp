#include "world.hpp"

#include <gmock/gmock.h>

namespace lamplight::bus::ais::evt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;
using wire::evt::Hello;

constexpr std::uint8_t all_flags = OpenFlags::publisher | OpenFlags::subscriber | OpenFlags::create;
constexpr ring::Member stranger{9, 1'009};
constexpr std::uint32_t number = 0x77;

constexpr std::uint64_t id_of(std::uint32_t publisher, std::uint32_t count) {
    return std::uint64_t{publisher} << 32U | count;
}

Hello hello(std::span<const wire::evt::StandingOpen> opens = {}) {
    return {.publisher = number,
            .since = UINT64_MAX,
            .state = Hello::State::empty,
            .wants = Hello::Wants::state,
            .program = "stranger",
            .opens = opens};
}

/// A process that has a channel open and listens, and a member whose frames are written here.
class EvtBadInput : public testing::Test {
protected:
    EvtBadInput() : node(world.add()) {
        world.join(node);
        world.settle();
        client = world.client(node);
        world.subscribe(node, world.open(node, client, "news"), 1);
        news = node.service->channels().at(0).id;
        node.service->member_came(stranger, world.moment(), node.out);
    }
    template <typename... Records>
    void say(const Records&... records) {
        say_bytes(frame_of(records...));
    }
    void say_bytes(wire::Bytes frame) {
        node.service->receive(stranger, frame, world.moment(), node.out);
        world.step(node);
    }
    void say_hello(std::span<const wire::evt::StandingOpen> opens = {}) {
        say(hello(opens));
        world.settle();  // our state is its now
    }
    void open(std::uint32_t handle, std::string_view name, std::uint8_t flags = all_flags) {
        say(wire::evt::Open{handle, ChannelId{id_of(number, handle)}, {flags}, name});
    }
    /// Said hello, and has the channel open.
    void open_news(std::uint8_t flags = all_flags) {
        say_hello();
        open(1, "news", flags);
    }
    wire::evt::Publish event(std::uint64_t id, std::string_view data = "x") const {
        return {.channel = news,
                .id = EventId{id},
                .channel_name = "news",
                .publisher = {},
                .patterns = {},
                .data = wire::bytes_of(data)};
    }
    std::vector<std::string> heard() { return world.texts(node, client); }
    const Counters& counters() const { return node.service->counters(); }
    std::size_t told(News::Kind kind) {
        world.settle(0ms);
        return world.count_of(node, kind);
    }

    World world;
    World::Node& node;
    ClientId client{};
    ChannelId news{};
};

TEST_F(EvtBadInput, AnEventOfAMemberThatHasTheChannelOpenIsHeard) {
    open_news();
    say(event(id_of(number, 1'001), "one"));
    EXPECT_THAT(heard(), ElementsAre("one"));
    EXPECT_EQ(counters().refused(), 0U);
    EXPECT_EQ(node.service->owner_of(EventId{id_of(number, 1'001)}), stranger);
}

TEST_F(EvtBadInput, NothingCountsFromWhoHasNotSaidHello) {
    open(1, "news");
    say(event(id_of(number, 1'001)), wire::evt::Unlink{"news"});
    EXPECT_THAT(heard(), IsEmpty());
    EXPECT_EQ(counters().received, 0U);
    EXPECT_FALSE(node.service->has_open(stranger, "news"));
    EXPECT_FALSE(node.service->channels().at(0).unlinked);
}

TEST_F(EvtBadInput, NothingCountsFromWhoIsNoMember) {
    const auto before = counters().frames_in;
    node.service->receive({5, 5}, frame_of(hello()), world.moment(), node.out);
    EXPECT_EQ(counters().frames_in, before);
    EXPECT_EQ(node.service->members().size(), 2U);
}

TEST_F(EvtBadInput, AnEventWithAnIdOfAnotherIsRefusedAndTheRestOfTheFrameGoesOn) {
    open_news();
    say(event(id_of(number + 1, 1'001), "foreign"), event(id_of(number, 1'001), "own"));
    EXPECT_THAT(heard(), ElementsAre("own"));
    EXPECT_EQ(counters().foreign_ids, 1U);
    EXPECT_EQ(told(News::Kind::foreign_id), 1U);
}

TEST_F(EvtBadInput, AnEventWithAReservedIdIsRefused) {
    open_news();
    say(event(id_of(number, 1'000)), event(id_of(number, 1)), event(1));
    EXPECT_THAT(heard(), IsEmpty());
    EXPECT_EQ(counters().foreign_ids, 3U);
    EXPECT_EQ(told(News::Kind::foreign_id), 1U) << "once a minute";
}

TEST_F(EvtBadInput, AnEventOfWhoHasTheChannelNotOpenAsPublisherIsRefused) {
    say_hello();
    say(event(id_of(number, 1'001)));
    open(1, "news", OpenFlags::subscriber);
    say(event(id_of(number, 1'002)));
    open(2, "olds");
    say(event(id_of(number, 1'003)));
    EXPECT_THAT(heard(), IsEmpty());
    EXPECT_EQ(counters().not_open, 3U);
    open(3, "news");
    say(event(id_of(number, 1'004), "now"));
    EXPECT_THAT(heard(), ElementsAre("now"));
    say(wire::evt::Close{3}, event(id_of(number, 1'005)));
    EXPECT_EQ(counters().not_open, 4U);
}

TEST_F(EvtBadInput, AnEventThatCameAlreadyIsPassedOver) {
    open_news();
    say(event(id_of(number, 1'005), "one"));
    say(event(id_of(number, 1'005), "again"), event(id_of(number, 1'004), "older"));
    EXPECT_THAT(heard(), ElementsAre("one"));
    EXPECT_EQ(counters().repeated, 2U);
}

TEST_F(EvtBadInput, AClearOfWhoHasTheChannelNotOpenOrOfAReservedIdIsRefused) {
    say_hello();
    const ChannelHandle own = world.open(node, world.client(node), "news");
    const EventId kept = world.publish(node, own, "kept", {.retention = for_ever});
    world.settle(0ms);
    say(wire::evt::Clear{news, kept});
    EXPECT_EQ(counters().not_open, 1U);
    open(1, "news");
    say(wire::evt::Clear{news, EventId{1'000}});
    EXPECT_EQ(counters().foreign_ids, 1U);
    EXPECT_EQ(node.service->channels().at(0).retained, 1U);
    say(wire::evt::Clear{news, kept});
    EXPECT_EQ(node.service->channels().at(0).retained, 0U) << "whoever published it";
}

TEST_F(EvtBadInput, AChannelWithAnIdOfAnotherIsNotMade) {
    say_hello();
    say(wire::evt::Open{1, ChannelId{id_of(number + 1, 1)}, {all_flags}, "olds"});
    EXPECT_EQ(node.service->channels().size(), 1U);
    EXPECT_EQ(counters().foreign_ids, 1U);
    EXPECT_FALSE(node.service->has_open(stranger, "olds"));
}

TEST_F(EvtBadInput, AChannelIsNotMadeUnderAnIdThatIsTaken) {
    say_hello();
    open(1, "one");
    say(wire::evt::Open{2, ChannelId{id_of(number, 1)}, {all_flags}, "two"});
    ASSERT_EQ(node.service->channels().size(), 2U);
    EXPECT_EQ(node.service->channels().at(1).name, "one");
    EXPECT_TRUE(node.service->has_open(stranger, "one"));
    EXPECT_FALSE(node.service->has_open(stranger, "two"));
}

TEST_F(EvtBadInput, The201stOpenOfAMemberIsRefused) {
    say_hello();
    for (std::uint32_t handle = 1; handle <= 201; ++handle)
        open(handle, "news");
    EXPECT_EQ(counters().over_limit, 1U);
    EXPECT_EQ(node.service->channels().at(0).opens.size(), 201U) << "its 200 and our own";
    say(wire::evt::Close{7});
    open(201, "news");
    EXPECT_EQ(counters().over_limit, 1U) << "there is room again";
}

TEST_F(EvtBadInput, AHandleThatIsOpenIsNotOpenedAgain) {
    say_hello();
    open(1, "news");
    say(wire::evt::Open{1, ChannelId{id_of(number, 2)}, {all_flags}, "olds"});
    EXPECT_EQ(counters().over_limit, 1U);
    EXPECT_TRUE(node.service->has_open(stranger, "news"));
    EXPECT_FALSE(node.service->has_open(stranger, "olds"));
}

TEST_F(EvtBadInput, The1025thChannelIsRefusedAndTheOthersStay) {
    say_hello();
    for (std::uint32_t handle = 1; handle <= 1'024; ++handle) {
        const std::string name = "channel " + std::to_string(handle);
        open(handle, name);
        say(wire::evt::Publish{.channel = ChannelId{id_of(number, handle)},
                               .id = EventId{id_of(number, 1'000 + handle)},
                               .retention = for_ever,
                               .channel_name = name,
                               .publisher = {},
                               .patterns = {},
                               .data = wire::bytes_of("kept")});
        say(wire::evt::Close{handle});
    }
    EXPECT_EQ(node.service->channels().size(), 1'024U);
    EXPECT_GE(counters().over_limit, 1U);
    open(2'000, "news");
    say(event(id_of(number, 3'001), "goes on"));
    EXPECT_THAT(heard(), ElementsAre("goes on"));
}

TEST_F(EvtBadInput, AtTheLimitOfChannelsThoseThatNobodyUsesMakeRoom) {
    say_hello();
    for (std::uint32_t handle = 1; handle <= 3'000; ++handle) {
        open(handle, "channel " + std::to_string(handle));
        say(wire::evt::Close{handle});
    }
    EXPECT_EQ(counters().over_limit, 0U);
    EXPECT_LE(node.service->channels().size(), 1'024U);
    open(4'000, "news");
    say(event(id_of(number, 1'001), "goes on"));
    EXPECT_THAT(heard(), ElementsAre("goes on"));
}

TEST_F(EvtBadInput, OpensInAHelloBeyondTheLimitOfChannelsAreRefused) {
    for (std::uint32_t hello = 0; hello < 6; ++hello) {
        std::vector<std::string> names;
        for (std::uint32_t i = 0; i < 200; ++i)
            names.push_back("channel " + std::to_string(200 * hello + i));
        std::vector<wire::evt::StandingOpen> opens;
        for (std::uint32_t i = 0; i < 200; ++i)
            opens.push_back({i + 1, ChannelId{id_of(number, 200 * hello + i + 1)}, {all_flags}, names[i]});
        say_hello(opens);
    }
    EXPECT_EQ(counters().over_limit, 1'201U - 1'024U);
    EXPECT_EQ(node.service->channels().size(), 1U + 200U - 177U) << "those of the hellos before made room";
}

TEST_F(EvtBadInput, AHelloTakesThePlaceOfWhatWasOpen) {
    open_news();
    say_hello();
    EXPECT_FALSE(node.service->has_open(stranger, "news"));
    say(event(id_of(number, 1'001)));
    EXPECT_EQ(counters().not_open, 1U);
}

TEST_F(EvtBadInput, ClosingWhatIsNotOpenAndUnlinkingWhatThereIsNotMeansNothing) {
    open_news();
    say(wire::evt::Close{99}, wire::evt::Unlink{"olds"}, event(id_of(number, 1'001), "one"));
    EXPECT_THAT(heard(), ElementsAre("one"));
    EXPECT_EQ(counters().refused(), 0U);
}

// --- frames ---

TEST_F(EvtBadInput, AMalformedFrameIsCountedByReasonAndSaidOnceAMinute) {
    open_news();
    const std::vector<std::uint8_t> empty, foreign(20, 0x55);
    for (int i = 0; i < 10; ++i) {
        say_bytes(empty);
        say_bytes(foreign);
    }
    const auto& malformed = counters().malformed;
    EXPECT_EQ(malformed[static_cast<std::size_t>(wire::evt::Malformed::too_short)], 10U);
    EXPECT_EQ(malformed[static_cast<std::size_t>(wire::evt::Malformed::not_ours)], 10U);
    EXPECT_EQ(told(News::Kind::malformed), 2U) << "once a reason";
    EXPECT_EQ(node.news.back().member, stranger);
    EXPECT_FALSE(node.news.back().text.empty());
    world.settle(59s);
    say_bytes(empty);
    EXPECT_EQ(told(News::Kind::malformed), 2U);
    world.settle(1s);
    say_bytes(empty);
    EXPECT_EQ(told(News::Kind::malformed), 3U);
    say(event(id_of(number, 1'001), "still here"));
    EXPECT_THAT(heard(), ElementsAre("still here"));
}

TEST_F(EvtBadInput, RecordsBeforeABrokenOneCountAndThoseAfterItDoNot) {
    open_news();
    auto frame = frame_of(event(id_of(number, 1'001), "before"));
    const auto broken = frame_of(wire::evt::Close{1}), after = frame_of(event(id_of(number, 1'002), "after"));
    frame.insert(frame.end(), broken.begin() + wire::evt::header_bytes, broken.end() - 1);
    frame.insert(frame.end(), after.begin() + wire::evt::header_bytes, after.end());
    say_bytes(frame);
    EXPECT_THAT(heard(), ElementsAre("before"));
    EXPECT_EQ(counters().refused(), 1U);
}

TEST_F(EvtBadInput, EveryCutOfAFrameIsRefusedOrWholeRecords) {
    open_news();
    const auto frame = frame_of(event(id_of(number, 1'001), "one"), event(id_of(number, 1'002), "two"));
    for (std::size_t size = 0; size < frame.size(); ++size)
        say_bytes(wire::Bytes(frame).first(size));
    EXPECT_THAT(heard(), ElementsAre("one"));
    EXPECT_GE(counters().refused(), frame.size() - 2);
}

TEST_F(EvtBadInput, ARecordOfAnUnknownTypeIsPassedOverAndCounted) {
    open_news();
    say(wire::evt::Unknown{200}, event(id_of(number, 1'001), "one"));
    EXPECT_THAT(heard(), ElementsAre("one"));
    EXPECT_EQ(counters().unknown_records, 1U);
    EXPECT_EQ(counters().refused(), 0U);
}

TEST_F(EvtBadInput, AnotherVersionIsSaidOnceAMember) {
    auto frame = frame_of(hello());
    frame[4] = 2;
    say_bytes(frame);
    world.settle(2min);
    say_bytes(frame);
    EXPECT_EQ(told(News::Kind::other_version), 1U);
    EXPECT_EQ(told(News::Kind::malformed), 0U);
    EXPECT_EQ(counters().malformed[static_cast<std::size_t>(wire::evt::Malformed::other_version)], 2U);
}

TEST_F(EvtBadInput, NobodyWaitsForAMemberOfAnotherVersion) {
    auto frame = frame_of(hello());
    frame[4] = 2;
    say_bytes(frame);
    const Opened opened = world.try_open(node, client, "olds", all_flags);
    EXPECT_EQ(opened.error, std::nullopt);
    EXPECT_TRUE(node.service->close(opened.handle));
    EXPECT_TRUE(node.service->unlink(client, "olds"));
    world.settle(0ms);
    EXPECT_EQ(node.service->channels().size(), 1U) << "what nobody has open goes at once";
}

// --- states ---

TEST_F(EvtBadInput, APartOfAStateThatHasNotBegunMeansNothing) {
    open_news();
    say(wire::evt::StateChannel{ChannelId{id_of(number, 5)}, wire::evt::StateChannel::Status::living, "olds"},
        wire::evt::StateEvent{for_ever, event(id_of(number, 1'001))},
        wire::evt::StateCleared{news, EventId{id_of(number, 1'002)}, for_ever}, wire::evt::StateEnd{1});
    EXPECT_EQ(node.service->channels().size(), 1U);
    EXPECT_EQ(node.service->channels().at(0).retained, 0U);
    EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(EvtBadInput, AStateForOthersMeansNothing) {
    open_news();
    const std::vector<wire::evt::Process> targets{{7, 7}};
    say(wire::evt::StateBegin{1, targets}, wire::evt::StateEvent{for_ever, event(id_of(number, 1'001))},
        wire::evt::StateEnd{1});
    EXPECT_EQ(node.service->channels().at(0).retained, 0U);
    EXPECT_EQ(counters().states_taken, 0U);
}

TEST_F(EvtBadInput, AStateWithAReservedEventIdKeepsTheRestOfIt) {
    open_news();
    const std::vector<wire::evt::Process> targets{{node.id.node_id, node.id.pid}};
    say(wire::evt::StateBegin{1, targets}, wire::evt::StateEvent{for_ever, event(1)},
        wire::evt::StateEvent{for_ever, event(id_of(0x99, 1'001), "of another")}, wire::evt::StateEnd{1});
    EXPECT_EQ(node.service->channels().at(0).retained, 1U);
    EXPECT_EQ(counters().foreign_ids, 1U);
    EXPECT_THAT(heard(), ElementsAre("of another"));
}

TEST_F(EvtBadInput, AStateBeyondTheLimitsIsTakenAsFarAsThereIsRoom) {
    open_news();
    const std::vector<wire::evt::Process> targets{{node.id.node_id, node.id.pid}};
    say(wire::evt::StateBegin{1, targets});
    for (std::uint32_t i = 1; i <= 2'000; ++i) {
        const std::string name = "channel " + std::to_string(i);
        say(wire::evt::StateChannel{ChannelId{id_of(0x99, i)}, wire::evt::StateChannel::Status::living,
                                    name});
    }
    say(wire::evt::StateEnd{1});
    EXPECT_LE(node.service->channels().size(), 1'024U);
    say(event(id_of(number, 1'001), "goes on"));
    EXPECT_THAT(heard(), ElementsAre("goes on"));
}

}  // namespace
}  // namespace lamplight::bus::ais::evt
