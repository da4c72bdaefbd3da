#include "world.hpp"

#include <gmock/gmock.h>

namespace lamplight::bus::ais::evt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

constexpr std::uint8_t publisher = OpenFlags::publisher;
constexpr std::uint8_t subscriber = OpenFlags::subscriber;
constexpr std::uint8_t create = OpenFlags::create;
constexpr ChannelHandle no_handle{999};

/// A process that is alone in the group, and a client of it.
class EvtCalls : public testing::Test {
protected:
    EvtCalls() : EvtCalls(Settings{}) {}
    explicit EvtCalls(const Settings& settings) : node(world.add(settings)) {
        world.join(node);
        world.settle();
        client = world.client(node);
    }
    auto ask(std::string_view name, std::uint8_t flags = create | publisher,
             std::optional<state::Time> deadline = {}) {
        return node.service->open(client, name, {flags}, ++invocation, deadline, world.moment());
    }
    std::optional<Error> error_of_open(std::string_view name, std::uint8_t flags = create | publisher) {
        const auto asked = ask(name, flags);
        return asked ? std::optional<Error>() : asked.error();
    }
    std::optional<Error> error_of_publish(ChannelHandle handle, const Attributes& attributes = {},
                                          std::string_view data = "x") {
        const auto id = node.service->publish(handle, attributes, wire::bytes_of(data), world.moment());
        return id ? std::optional<Error>() : id.error();
    }
    std::optional<Error> error_of_subscribe(ChannelHandle handle, SubscriptionId id,
                                            std::vector<Filter> filters = {}) {
        const auto done = node.service->subscribe(handle, std::move(filters), id, world.moment(), node.out);
        return done ? std::optional<Error>() : done.error();
    }

    World world;
    World::Node& node;
    ClientId client{};
    Invocation invocation = 1'000;
};

// --- open ---

TEST_F(EvtCalls, AnOpenWithAFlagThatThereIsNotIsBadFlags) {
    EXPECT_EQ(error_of_open("news", 8), Error::bad_flags);
    EXPECT_EQ(error_of_open("news", 0x80 | create), Error::bad_flags);
    EXPECT_EQ(error_of_open("news", create | publisher | subscriber), std::nullopt);
    EXPECT_EQ(error_of_open("news", 0), std::nullopt);
}

TEST_F(EvtCalls, AnOpenOfANameOfMoreThan256BytesIsNameTooLong) {
    EXPECT_EQ(error_of_open(std::string(257, 'n')), Error::name_too_long);
    EXPECT_NE(world.open(node, client, std::string(256, 'n')), ChannelHandle{});
}

TEST_F(EvtCalls, AnOpenWithoutANameIsInvalidParam) {
    EXPECT_EQ(error_of_open(""), Error::invalid_param);
}

TEST_F(EvtCalls, AnOpenOfAClientThatThereIsNotIsBadHandle) {
    const auto asked = node.service->open(ClientId{77}, "news", {create}, 1, std::nullopt, world.moment());
    ASSERT_FALSE(asked);
    EXPECT_EQ(asked.error(), Error::bad_handle);
    node.service->remove_client(client);
    EXPECT_EQ(error_of_open("news"), Error::bad_handle);
}

TEST_F(EvtCalls, TheOpenAfterThe200thOfAProcessIsNoResourcesUntilOneIsClosed) {
    const ChannelHandle first = world.open(node, client, "news");
    for (int i = 1; i < 200; ++i)
        ASSERT_EQ(error_of_open("news"), std::nullopt) << i;
    EXPECT_EQ(error_of_open("news"), Error::no_resources) << "while the others are asked for";
    world.settle();
    EXPECT_EQ(node.opened.size(), 200U);
    EXPECT_EQ(error_of_open("news"), Error::no_resources) << "when they are open";
    EXPECT_TRUE(node.service->close(first));
    const Opened again = world.try_open(node, client, "news", create);
    EXPECT_EQ(again.error, std::nullopt);
}

TEST_F(EvtCalls, AChannelBeyondTheLimitOfTheClusterIsNoResources) {
    for (int i = 0; i < 1'024; ++i) {
        const ChannelHandle handle = world.open(node, client, "channel " + std::to_string(i));
        world.publish(node, handle, "kept", {.retention = for_ever});
        ASSERT_TRUE(node.service->close(handle));
    }
    world.settle();
    EXPECT_EQ(node.service->channels().size(), 1'024U);
    EXPECT_EQ(world.try_open(node, client, "one more", create).error, Error::no_resources);
    EXPECT_EQ(world.try_open(node, client, "channel 5", create).error, std::nullopt);
    EXPECT_TRUE(node.service->unlink(client, "channel 6"));
    world.settle();
    EXPECT_EQ(world.try_open(node, client, "one more", create).error, std::nullopt);
}

TEST_F(EvtCalls, AnOpenThatTheGroupHasNotAnsweredByItsDeadlineTimesOut) {
    ASSERT_TRUE(ask("news", create, world.moment().now + 100ms));
    ASSERT_TRUE(world.take(node)) << "on its way";
    world.pass(world.moment().now + 100ms);
    ASSERT_EQ(node.opened.size(), 1U);
    EXPECT_EQ(node.opened[0].error, Error::timeout);
    EXPECT_EQ(node.opened[0].invocation, invocation);
    EXPECT_EQ(node.opened[0].client, client);
    EXPECT_EQ(node.opened[0].handle, ChannelHandle{});
}

TEST_F(EvtCalls, AnOpenWithoutTimeTimesOut) {
    ASSERT_TRUE(ask("news", create, world.moment().now));
    ASSERT_TRUE(node.service->next_deadline());
    EXPECT_LE(*node.service->next_deadline(), world.moment().now);
    node.service->on_time(world.moment(), node.out);
    ASSERT_EQ(node.out.opened.size(), 1U);
    EXPECT_EQ(node.out.opened[0].error, Error::timeout);
}

TEST_F(EvtCalls, WhatIsOpenedAfterItTimedOutIsClosedAgain) {
    ASSERT_TRUE(ask("news", create | subscriber, world.moment().now + 100ms));
    const auto frame = world.take(node);
    ASSERT_TRUE(frame);
    world.pass(world.moment().now + 100ms);
    world.arrive(node, *frame);
    EXPECT_TRUE(node.service->has_open(node.id, "news"));
    world.settle();
    EXPECT_FALSE(node.service->has_open(node.id, "news"));
    EXPECT_EQ(node.opened.size(), 1U) << "one answer";
}

TEST_F(EvtCalls, WhatIsOpenedAfterItsClientWentIsClosedAgain) {
    ASSERT_TRUE(ask("news"));
    const auto frame = world.take(node);
    ASSERT_TRUE(frame);
    node.service->remove_client(client);
    world.arrive(node, *frame);
    world.settle();
    EXPECT_FALSE(node.service->has_open(node.id, "news"));
    EXPECT_THAT(node.opened, IsEmpty());
}

TEST(EvtCallsAlone, AnOpenTimesOutAlsoWhileTheGroupIsNotJoined) {
    World world;
    auto& node = world.add();
    const ClientId client = world.client(node);
    const auto deadline = world.moment().now + 3s;
    ASSERT_TRUE(node.service->open(client, "news", {create}, 5, deadline, world.moment()));
    EXPECT_EQ(node.service->next_deadline(), deadline);
    world.settle(2'999ms);
    EXPECT_THAT(node.opened, IsEmpty());
    world.settle(2ms);
    ASSERT_EQ(node.opened.size(), 1U);
    EXPECT_EQ(node.opened[0].error, Error::timeout);
    EXPECT_EQ(node.service->next_deadline(), std::nullopt);
}

TEST(EvtCallsAlone, AnOpenFromBeforeTheGroupWasJoinedIsAnsweredThen) {
    World world;
    auto& node = world.add();
    const ClientId client = world.client(node);
    ASSERT_TRUE(node.service->open(client, "news", {create}, 5, {}, world.moment()));
    world.join(node);
    world.settle();
    ASSERT_EQ(node.opened.size(), 1U);
    EXPECT_EQ(node.opened[0].error, std::nullopt);
    EXPECT_NE(node.opened[0].handle, ChannelHandle{});
}

TEST_F(EvtCalls, AnOpenWithoutCreateFindsAChannelThatNobodyHasOpenAnyMore) {
    EXPECT_TRUE(node.service->close(world.open(node, client, "news")));
    world.settle();
    EXPECT_EQ(world.try_open(node, client, "news", subscriber).error, std::nullopt);
    EXPECT_EQ(world.try_open(node, client, "olds", subscriber).error, Error::not_exist);
}

// --- publish ---

TEST_F(EvtCalls, PublishingTakesAHandleOpenedAsPublisher) {
    EXPECT_EQ(error_of_publish(world.open(node, client, "news", create | subscriber)), Error::access);
    EXPECT_EQ(error_of_publish(world.open(node, client, "news", publisher)), std::nullopt);
}

TEST_F(EvtCalls, PublishingTakesAHandleThatIsOpen) {
    EXPECT_EQ(error_of_publish(no_handle), Error::bad_handle);
    const ChannelHandle handle = world.open(node, client, "news");
    EXPECT_TRUE(node.service->close(handle));
    EXPECT_EQ(error_of_publish(handle), Error::bad_handle);
}

TEST_F(EvtCalls, AnEventOfMoreThan64KiBIsTooBigAndOneOf64KiBComesWhole) {
    const ChannelHandle handle = world.open(node, client, "news");
    world.subscribe(node, handle, 1);
    const std::string largest(65'536, 'x');
    EXPECT_EQ(error_of_publish(handle, {}, largest + "x"), Error::too_big);
    const Attributes full{.patterns = std::vector<Pattern>(10, Pattern(255, '\0')),
                          .publisher = std::string(256, 'p')};
    EXPECT_EQ(error_of_publish(handle, full, largest), std::nullopt);
    world.settle();
    const auto delivery = node.service->next(client, world.moment());
    ASSERT_TRUE(delivery);
    EXPECT_EQ(delivery->event->data, largest);
    EXPECT_EQ(delivery->event->attributes.patterns, full.patterns);
    EXPECT_EQ(delivery->event->attributes.publisher, full.publisher);
}

TEST_F(EvtCalls, MoreThanTenPatternsOrOneOfMoreThan255BytesAreTooBig) {
    const ChannelHandle handle = world.open(node, client, "news");
    EXPECT_EQ(error_of_publish(handle, {.patterns = std::vector<Pattern>(11)}), Error::too_big);
    EXPECT_EQ(error_of_publish(handle, {.patterns = {Pattern(256, 'p')}}), Error::too_big);
}

TEST_F(EvtCalls, APublisherOfMoreThan256BytesIsNameTooLong) {
    const ChannelHandle handle = world.open(node, client, "news");
    EXPECT_EQ(error_of_publish(handle, {.publisher = std::string(257, 'p')}), Error::name_too_long);
}

TEST_F(EvtCalls, APriorityBeyondTheLowestIsInvalidParam) {
    const ChannelHandle handle = world.open(node, client, "news");
    EXPECT_EQ(error_of_publish(handle, {.priority = 4}), Error::invalid_param);
    EXPECT_EQ(error_of_publish(handle, {.priority = 3}), std::nullopt);
}

TEST_F(EvtCalls, ANegativeRetentionIsInvalidParam) {
    const ChannelHandle handle = world.open(node, client, "news");
    EXPECT_EQ(error_of_publish(handle, {.retention = -1}), Error::invalid_param);
    EXPECT_EQ(error_of_publish(handle, {.retention = INT64_MIN}), Error::invalid_param);
}

TEST_F(EvtCalls, WhatIsRefusedIsNotPublished) {
    const ChannelHandle handle = world.open(node, client, "news");
    world.subscribe(node, handle, 1);
    error_of_publish(handle, {.priority = 4});
    error_of_publish(handle, {.patterns = std::vector<Pattern>(11)});
    world.settle();
    EXPECT_THAT(world.texts(node, client), IsEmpty());
    EXPECT_EQ(node.service->counters().published, 0U);
}

class EvtNarrowCalls : public EvtCalls {
protected:
    EvtNarrowCalls() : EvtCalls({.max_outgoing = 3, .max_outgoing_bytes = 40'000}) {}
};

TEST_F(EvtNarrowCalls, AFullOutgoingQueueIsTryAgainUntilTheGroupTookFromIt) {
    const ChannelHandle handle = world.open(node, client, "news");
    world.subscribe(node, handle, 1);
    for (const std::string_view text : {"one", "two", "three"})
        EXPECT_EQ(error_of_publish(handle, {}, text), std::nullopt);
    EXPECT_EQ(error_of_publish(handle, {}, "refused"), Error::try_again);
    world.settle();
    EXPECT_EQ(error_of_publish(handle, {}, "four"), std::nullopt);
    world.settle();
    EXPECT_THAT(world.texts(node, client), ElementsAre("one", "two", "three", "four"));
}

TEST_F(EvtNarrowCalls, TheOutgoingQueueIsFullByBytesTooAndTakesOneLargestEventWhenEmpty) {
    const ChannelHandle handle = world.open(node, client, "news");
    EXPECT_EQ(error_of_publish(handle, {}, std::string(65'536, 'x')), std::nullopt);
    EXPECT_EQ(error_of_publish(handle), Error::try_again);
    world.settle();
    EXPECT_EQ(error_of_publish(handle), std::nullopt);
}

TEST_F(EvtNarrowCalls, AFullOutgoingQueueIsTryAgainForUnlinkAndClearToo) {
    const ChannelHandle handle = world.open(node, client, "news");
    const EventId id = world.publish(node, handle, "kept", {.retention = for_ever});
    world.settle();
    for (int i = 0; i < 3; ++i)
        error_of_publish(handle);
    EXPECT_EQ(node.service->unlink(client, "news").error(), Error::try_again);
    EXPECT_EQ(node.service->clear_retention(handle, id).error(), Error::try_again);
    world.settle();
    EXPECT_TRUE(node.service->clear_retention(handle, id));
    EXPECT_TRUE(node.service->unlink(client, "news"));
}

// --- subscribe, unsubscribe ---

TEST_F(EvtCalls, SubscribingTakesAHandleOpenedAsSubscriber) {
    EXPECT_EQ(error_of_subscribe(world.open(node, client, "news", create | publisher), 1), Error::access);
    EXPECT_EQ(error_of_subscribe(world.open(node, client, "news", subscriber), 1), std::nullopt);
}

TEST_F(EvtCalls, SubscribingTakesAHandleThatIsOpen) {
    EXPECT_EQ(error_of_subscribe(no_handle, 1), Error::bad_handle);
    const ChannelHandle handle = world.open(node, client, "news");
    EXPECT_TRUE(node.service->close(handle));
    EXPECT_EQ(error_of_subscribe(handle, 1), Error::bad_handle);
    EXPECT_EQ(node.service->unsubscribe(handle, 1).error(), Error::bad_handle);
}

TEST_F(EvtCalls, ASubscriptionIdIsUsedOnceAClientWhateverTheHandle) {
    const ChannelHandle news = world.open(node, client, "news"), olds = world.open(node, client, "olds");
    EXPECT_EQ(error_of_subscribe(news, 1), std::nullopt);
    EXPECT_EQ(error_of_subscribe(news, 1), Error::exist);
    EXPECT_EQ(error_of_subscribe(olds, 1), Error::exist);
    const ClientId other = world.client(node);
    EXPECT_EQ(error_of_subscribe(world.open(node, other, "news"), 1), std::nullopt);
    EXPECT_TRUE(node.service->unsubscribe(news, 1));
    EXPECT_EQ(error_of_subscribe(olds, 1), std::nullopt) << "free again";
    EXPECT_TRUE(node.service->close(olds));
    EXPECT_EQ(error_of_subscribe(news, 1), std::nullopt) << "free again with its handle";
}

TEST_F(EvtCalls, FiltersThatNoEventCanHaveBesideThemAreInvalidParam) {
    const ChannelHandle handle = world.open(node, client, "news");
    using Type = Filter::Type;
    EXPECT_EQ(error_of_subscribe(handle, 1, {{static_cast<Type>(0), "a"}}), Error::invalid_param);
    EXPECT_EQ(error_of_subscribe(handle, 1, {{static_cast<Type>(5), "a"}}), Error::invalid_param);
    EXPECT_EQ(error_of_subscribe(handle, 1, {{Type::exact, Pattern(256, 'p')}}), Error::invalid_param);
    EXPECT_EQ(error_of_subscribe(handle, 1, std::vector<Filter>(11, {Type::pass_all, {}})),
              Error::invalid_param);
    EXPECT_EQ(error_of_subscribe(handle, 1, std::vector<Filter>(10, {Type::exact, Pattern(255, 'p')})),
              std::nullopt);
}

TEST_F(EvtCalls, UnsubscribingWhatIsNotSubscribedIsNotExist) {
    const ChannelHandle news = world.open(node, client, "news"), olds = world.open(node, client, "olds");
    world.subscribe(node, news, 1);
    EXPECT_EQ(node.service->unsubscribe(news, 2).error(), Error::not_exist);
    EXPECT_EQ(node.service->unsubscribe(olds, 1).error(), Error::not_exist) << "of another handle";
    EXPECT_TRUE(node.service->unsubscribe(news, 1));
    EXPECT_EQ(node.service->unsubscribe(news, 1).error(), Error::not_exist);
}

// --- clear, unlink, close ---

TEST_F(EvtCalls, ClearingAReservedIdIsInvalidParam) {
    const ChannelHandle handle = world.open(node, client, "news");
    for (const std::uint64_t id : {0, 1, 1'000})
        EXPECT_EQ(node.service->clear_retention(handle, EventId{id}).error(), Error::invalid_param) << id;
}

TEST_F(EvtCalls, ClearingWhatIsNotRetainedInTheChannelIsNotExist) {
    const ChannelHandle news = world.open(node, client, "news"), olds = world.open(node, client, "olds");
    const EventId kept = world.publish(node, news, "kept", {.retention = for_ever});
    const EventId gone = world.publish(node, news, "gone");
    world.settle();
    EXPECT_EQ(node.service->clear_retention(news, EventId{1'001}).error(), Error::not_exist);
    EXPECT_EQ(node.service->clear_retention(news, gone).error(), Error::not_exist);
    EXPECT_EQ(node.service->clear_retention(olds, kept).error(), Error::not_exist);
    EXPECT_TRUE(node.service->clear_retention(news, kept));
    world.settle();
    EXPECT_EQ(node.service->clear_retention(news, kept).error(), Error::not_exist);
}

TEST_F(EvtCalls, ClearingTakesAHandleOpenedAsPublisher) {
    const ChannelHandle handle = world.open(node, client, "news");
    const EventId kept = world.publish(node, handle, "kept", {.retention = for_ever});
    world.settle();
    const ChannelHandle listening = world.open(node, client, "news", subscriber);
    EXPECT_EQ(node.service->clear_retention(listening, kept).error(), Error::access);
    EXPECT_EQ(node.service->clear_retention(no_handle, kept).error(), Error::bad_handle);
}

TEST_F(EvtCalls, UnlinkingTakesAClientANameAndALivingChannel) {
    EXPECT_EQ(node.service->unlink(ClientId{77}, "news").error(), Error::bad_handle);
    EXPECT_EQ(node.service->unlink(client, "").error(), Error::invalid_param);
    EXPECT_EQ(node.service->unlink(client, std::string(257, 'n')).error(), Error::name_too_long);
    EXPECT_EQ(node.service->unlink(client, "news").error(), Error::not_exist);
    world.open(node, client, "news");
    EXPECT_TRUE(node.service->unlink(client, "news"));
    world.settle();
    EXPECT_EQ(node.service->unlink(client, "news").error(), Error::not_exist);
}

TEST(EvtCallsAlone, UnlinkingBeforeTheChannelsAreKnownIsTryAgain) {
    World world;
    auto& node = world.add();
    EXPECT_EQ(node.service->unlink(world.client(node), "news").error(), Error::try_again);
}

TEST_F(EvtCalls, AClosedHandleIsBadHandleFromThenOn) {
    const ChannelHandle handle = world.open(node, client, "news");
    EXPECT_TRUE(node.service->close(handle));
    EXPECT_EQ(node.service->close(handle).error(), Error::bad_handle);
    EXPECT_EQ(node.service->close(no_handle).error(), Error::bad_handle);
    EXPECT_EQ(node.service->clear_retention(handle, EventId{2'000}).error(), Error::bad_handle);
}

TEST_F(EvtCalls, AClientThatGoesClosesWhatItHadOpen) {
    world.open(node, client, "news");
    world.open(node, client, "olds");
    EXPECT_TRUE(node.service->has_open(node.id, "news"));
    node.service->remove_client(client);
    world.settle();
    EXPECT_FALSE(node.service->has_open(node.id, "news"));
    EXPECT_FALSE(node.service->has_open(node.id, "olds"));
    EXPECT_FALSE(node.service->next(client, world.moment()));
    EXPECT_FALSE(node.service->has_next(client));
}

TEST(EvtError, EveryErrorHasItsNameNumberAndMeaning) {
    EXPECT_EQ(to_string(Error::not_exist), "SA_AIS_ERR_NOT_EXIST (12)");
    EXPECT_EQ(to_string(Error::unavailable), "SA_AIS_ERR_UNAVAILABLE (31)");
    EXPECT_EQ(to_string(static_cast<Error>(99)), "SA_AIS_ERR_? (99)");
    for (const Error error :
         {Error::init, Error::timeout, Error::try_again, Error::invalid_param, Error::bad_handle,
          Error::access, Error::not_exist, Error::name_too_long, Error::exist, Error::no_resources,
          Error::bad_flags, Error::too_big, Error::unavailable}) {
        EXPECT_GT(explain(error).size(), 20U) << to_string(error);
        EXPECT_EQ(to_string(error).find('?'), std::string::npos);
    }
}

}  // namespace
}  // namespace lamplight::bus::ais::evt
