#include "bus/ais/evt/client_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace lamplight::bus::ais::evt {
namespace {

using Pushed = ClientQueue::Pushed;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr ChannelId news{7};

ClientQueue::Entry entry(std::string data, std::uint8_t priority = lowest_priority) {
    Event event{
        .channel = news, .id = EventId{5'000}, .attributes = {.priority = priority}, .data = std::move(data)};
    return {.delivery = {.subscription = 3,
                         .channel = ChannelHandle{4},
                         .event = std::make_shared<const Event>(std::move(event))},
            .queued = 0};
}

std::string text_of(const Delivery& delivery) {
    return delivery.event->id == EventId::lost ? "LOST" : delivery.event->data;
}

std::vector<std::string> take(ClientQueue& queue, std::size_t count) {
    std::vector<std::string> texts;
    for (; count > 0; --count)
        if (const auto delivery = queue.pop()) texts.push_back(text_of(*delivery));
    return texts;
}

std::vector<std::string> take_all(ClientQueue& queue) {
    return take(queue, 1'000);
}

TEST(EvtClientQueue, HigherPrioritiesOvertakeAndWithinOneTheOrderStays) {
    ClientQueue queue(100, 50);
    for (const std::uint8_t priority : {3, 1, 2, 0, 3, 0, 2, 1})
        queue.push(entry(std::to_string(priority) + (queue.size() < 4 ? "a" : "b"), priority));
    EXPECT_THAT(take_all(queue), ElementsAre("0a", "0b", "1a", "1b", "2a", "2b", "3a", "3b"));
}

TEST(EvtClientQueue, WhatComesNextIsKnownByItsPriority) {
    ClientQueue queue(100, 50);
    EXPECT_EQ(queue.front_priority(), std::nullopt);
    queue.push(entry("low", 3));
    EXPECT_EQ(queue.front_priority(), 3);
    queue.push(entry("high", 1));
    EXPECT_EQ(queue.front_priority(), 1);
}

TEST(EvtClientQueue, AtTheLimitANewcomerOfTheLowestPriorityIsDropped) {
    ClientQueue queue(2, 1);
    queue.push(entry("one"));
    EXPECT_EQ(queue.push(entry("two")), Pushed::queued);
    EXPECT_EQ(queue.push(entry("three")), Pushed::gap_began);
    EXPECT_EQ(queue.push(entry("four")), Pushed::dropped);
    EXPECT_EQ(queue.size(), 2U);
    EXPECT_EQ(queue.dropped(), 2U);
    EXPECT_THAT(take_all(queue), ElementsAre("LOST", "one", "two"));
}

TEST(EvtClientQueue, AtTheLimitTheNewestOfTheLowestPriorityMakesRoomForAHigherOne) {
    ClientQueue queue(4, 1);
    queue.push(entry("low one", 3));
    queue.push(entry("middle", 2));
    queue.push(entry("low two", 3));
    queue.push(entry("low three", 3));
    EXPECT_EQ(queue.push(entry("high", 1)), Pushed::gap_began);
    EXPECT_EQ(queue.push(entry("higher", 0)), Pushed::dropped);
    EXPECT_EQ(queue.size(), 4U);
    EXPECT_THAT(take_all(queue), ElementsAre("LOST", "higher", "high", "middle", "low one"));
}

TEST(EvtClientQueue, AtTheLimitANewcomerIsDroppedIfNothingHasALowerPriority) {
    ClientQueue queue(2, 1);
    queue.push(entry("one", 0));
    queue.push(entry("two", 1));
    queue.push(entry("three", 1));
    queue.push(entry("four", 2));
    EXPECT_THAT(take_all(queue), ElementsAre("LOST", "one", "two"));
}

TEST(EvtClientQueue, ALostNoticeIsAnEventOfItsOwnKindOfTheChannelThatLostOne) {
    ClientQueue queue(1, 0);
    queue.push(entry("one", 0));
    queue.push(entry("two"));
    EXPECT_TRUE(queue.has_notice());
    EXPECT_EQ(queue.front_priority(), highest_priority);
    const auto notice = queue.pop();
    ASSERT_TRUE(notice);
    EXPECT_EQ(notice->subscription, 3U);
    EXPECT_EQ(notice->channel, ChannelHandle{4});
    EXPECT_EQ(notice->event->id, EventId{1});
    EXPECT_EQ(notice->event->channel, news);
    EXPECT_THAT(notice->event->attributes.patterns, ElementsAre("SA_EVT_LOST_EVENT_PATTERN"));
    EXPECT_EQ(notice->event->attributes.priority, 0);
    EXPECT_EQ(notice->event->attributes.retention, 0);
    EXPECT_THAT(notice->event->data, IsEmpty());
    EXPECT_FALSE(queue.has_notice());
}

TEST(EvtClientQueue, AGapHasOneNoticeUntilTheQueueIsDownToResume) {
    ClientQueue queue(4, 2);
    for (int i = 0; i < 6; ++i)
        queue.push(entry(std::to_string(i)));
    EXPECT_THAT(take(queue, 3), ElementsAre("LOST", "0", "1"));
    EXPECT_EQ(queue.size(), 2U);
    for (int i = 6; i < 8; ++i)
        EXPECT_EQ(queue.push(entry(std::to_string(i))), Pushed::queued);
    EXPECT_EQ(queue.push(entry("8")), Pushed::gap_began) << "the first one ended at resume";
    EXPECT_THAT(take_all(queue), ElementsAre("LOST", "2", "3", "6", "7"));
}

TEST(EvtClientQueue, WhatIsDroppedAfterTheNoticeWasTakenIsSaidAtTheEndOfTheGap) {
    ClientQueue queue(4, 2);
    for (int i = 0; i < 5; ++i)
        queue.push(entry(std::to_string(i)));
    EXPECT_THAT(take(queue, 2), ElementsAre("LOST", "0"));
    EXPECT_EQ(queue.push(entry("5")), Pushed::queued);
    EXPECT_EQ(queue.push(entry("6")), Pushed::dropped) << "of the same gap";
    EXPECT_FALSE(queue.has_notice());
    EXPECT_THAT(take_all(queue), ElementsAre("1", "2", "LOST", "3", "5"));
    EXPECT_TRUE(queue.empty());
}

TEST(EvtClientQueue, EverythingDroppedIsSaidHoweverTheQueueIsTaken) {
    for (std::size_t resume = 0; resume < 4; ++resume) {
        ClientQueue queue(4, resume);
        bool untold = false;
        for (unsigned step = 0; step < 200; ++step) {
            if (queue.push(entry("x", static_cast<std::uint8_t>(step % 4))) != Pushed::queued) untold = true;
            if (step % 3 != 0) continue;
            if (text_of(*queue.pop()) == "LOST") untold = false;
        }
        for (const std::string& text : take_all(queue))
            if (text == "LOST") untold = false;
        EXPECT_FALSE(untold) << resume;
        EXPECT_TRUE(queue.empty());
    }
}

TEST(EvtClientQueue, WhatIsSiftedOutMakesRoomAndEndsAGap) {
    ClientQueue queue(4, 2);
    for (int i = 0; i < 5; ++i)
        queue.push(entry(std::to_string(i)));
    EXPECT_THAT(take(queue, 1), ElementsAre("LOST"));
    queue.sift([](ClientQueue::Entry& one) { return one.delivery.event->data > "1"; });
    EXPECT_EQ(queue.size(), 2U);
    queue.push(entry("5"));
    queue.push(entry("6"));
    EXPECT_EQ(queue.push(entry("7")), Pushed::gap_began);
    EXPECT_THAT(take_all(queue), ElementsAre("LOST", "2", "3", "5", "6"));
}

TEST(EvtClientQueue, ALargerLimitHoldsMoreFromNowOn) {
    ClientQueue queue(1, 0);
    queue.push(entry("one"));
    queue.configure(3, 2);
    EXPECT_EQ(queue.push(entry("two")), Pushed::queued);
    EXPECT_EQ(queue.push(entry("three")), Pushed::queued);
    EXPECT_EQ(queue.push(entry("four")), Pushed::gap_began);
    EXPECT_THAT(take_all(queue), ElementsAre("LOST", "one", "two", "three"));
}

TEST(EvtClientQueue, WhatIsBeyondASmallerLimitIsDroppedByPriorityAtTheNextPush) {
    ClientQueue queue(10, 5);
    for (const auto& [data, priority] :
         {std::pair{"low one", 3}, {"high", 0}, {"low two", 3}, {"middle", 2}, {"low three", 3}})
        queue.push(entry(data, static_cast<std::uint8_t>(priority)));
    queue.configure(3, 1);
    EXPECT_EQ(queue.size(), 5U) << "who reads it in time loses nothing";
    EXPECT_FALSE(queue.has_notice());
    EXPECT_EQ(queue.push(entry("higher", 1)), Pushed::gap_began);
    EXPECT_EQ(queue.size(), 3U);
    EXPECT_EQ(queue.dropped(), 3U);
    EXPECT_THAT(take_all(queue), ElementsAre("LOST", "high", "higher", "middle"));
}

TEST(EvtClientQueue, AGapEndsAlsoWithALargerResume) {
    ClientQueue queue(4, 0);
    for (int i = 0; i < 5; ++i)
        queue.push(entry(std::to_string(i)));
    EXPECT_THAT(take(queue, 2), ElementsAre("LOST", "0"));
    queue.configure(4, 3);
    queue.push(entry("5"));
    EXPECT_EQ(queue.push(entry("6")), Pushed::gap_began);
}

TEST(EvtClientQueue, AQueueOfNothingSaysOnlyThatEventsWereLost) {
    ClientQueue queue(0, 0);
    EXPECT_EQ(queue.push(entry("one")), Pushed::gap_began);
    EXPECT_FALSE(queue.empty());
    EXPECT_THAT(take_all(queue), ElementsAre("LOST"));
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.push(entry("two")), Pushed::gap_began);
}

}  // namespace
}  // namespace lamplight::bus::ais::evt
