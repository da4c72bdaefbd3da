#include "world.hpp"

#include <gmock/gmock.h>

namespace lamplight::bus::ais::evt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Two processes with one channel open, the second subscribed to it.
class EvtOutgoing : public testing::Test {
protected:
    EvtOutgoing() : a(world.add()), b(world.add()) {
        world.join(a);
        world.settle();
        world.join(b);
        world.settle();
        at_a = world.client(a);
        at_b = world.client(b);
        from = world.open(a, at_a, "news");
        world.subscribe(a, from, 1);
        world.subscribe(b, world.open(b, at_b, "news"), 1);
    }
    /// Publishes, and gives the frame with it: nobody has it.
    World::Frame frame_with(std::string_view text) {
        world.publish(a, from, text);
        auto frame = world.take(a);
        EXPECT_TRUE(frame);
        return frame ? *frame : World::Frame{};
    }

    World world;
    World::Node& a;
    World::Node& b;
    ClientId at_a{}, at_b{};
    ChannelHandle from{};
};

TEST_F(EvtOutgoing, ALostFrameIsSaidAgain) {
    const auto frame = frame_with("one");
    a.service->lost(frame.id);
    world.settle();
    EXPECT_THAT(world.texts(b, at_b), ElementsAre("one"));
}

TEST_F(EvtOutgoing, LostFramesAreSaidAgainInOrderBeforeWhatCameAfter) {
    const auto one = frame_with("one"), two = frame_with("two");
    world.publish(a, from, "three");
    a.service->lost(one.id);
    a.service->lost(two.id);
    world.settle();
    EXPECT_THAT(world.texts(b, at_b), ElementsAre("one", "two", "three"));
    EXPECT_THAT(world.texts(a, at_a), ElementsAre("one", "two", "three"));
}

// A link says what was lost when a later frame comes back, and only then that this one is delivered.
TEST_F(EvtOutgoing, AnEventWhoseFrameWasLostBeforeALaterOneCameBackIsNotTakenForARepeatedOne) {
    const auto one = frame_with("one"), two = frame_with("two");
    a.service->lost(one.id);
    world.arrive(a, two);
    world.settle();
    EXPECT_THAT(world.texts(b, at_b), ElementsAre("two", "one"));
    EXPECT_THAT(world.texts(a, at_a), ElementsAre("two", "one"));
    EXPECT_EQ(b.service->counters().repeated, 0U);
}

TEST_F(EvtOutgoing, AnEventWhoseLossIsHeardOfAfterALaterOneCameBackIsNotTakenForARepeatedOne) {
    const auto one = frame_with("one"), two = frame_with("two");
    world.arrive(a, two);
    a.service->lost(one.id);
    world.settle();
    EXPECT_THAT(world.texts(b, at_b), ElementsAre("two", "one"));
}

TEST_F(EvtOutgoing, WhatIsNumberedAnewAfterALossKeepsItsOrder) {
    const auto one = frame_with("one"), two = frame_with("two"), three = frame_with("three");
    world.publish(a, from, "four");
    a.service->lost(one.id);
    a.service->lost(two.id);
    world.arrive(a, three);
    world.settle();
    EXPECT_THAT(world.texts(b, at_b), ElementsAre("three", "one", "two", "four"));
}

TEST_F(EvtOutgoing, AFrameThatIsLostIsNotDeliveredTwiceWhenItHadArrived) {
    const auto one = frame_with("one");
    b.service->receive(a.id, one.bytes, world.moment(), b.out);
    a.service->lost(one.id);
    world.leave(a, state::Departure::silent);
    world.join(a);
    world.settle();
    EXPECT_THAT(world.texts(b, at_b), ElementsAre("one"));
    EXPECT_THAT(world.texts(a, at_a), ElementsAre("one"));
    EXPECT_EQ(b.service->counters().repeated, 1U);
}

TEST_F(EvtOutgoing, WhatWasUnderWayAtADisconnectGoesOutAfterTheNextJoin) {
    frame_with("one");
    frame_with("two");
    world.publish(a, from, "three");
    world.leave(a, state::Departure::silent);
    world.publish(a, from, "four");
    EXPECT_EQ(world.take(a), std::nullopt);
    world.join(a);
    world.settle();
    EXPECT_THAT(world.texts(b, at_b), ElementsAre("one", "two", "three", "four"));
}

TEST_F(EvtOutgoing, ALostOpenIsAskedForAgain) {
    ASSERT_TRUE(a.service->open(at_a, "new", {OpenFlags::create}, 99, {}, world.moment()));
    const auto frame = world.take(a);
    ASSERT_TRUE(frame);
    a.service->lost(frame->id);
    world.settle();
    ASSERT_FALSE(a.opened.empty());
    EXPECT_EQ(a.opened.back().invocation, 99U);
    EXPECT_EQ(a.opened.back().error, std::nullopt);
    EXPECT_TRUE(b.service->has_open(a.id, "new"));
}

TEST_F(EvtOutgoing, ALostHelloIsSaidAgain) {
    a.service->set_initial_view(7);
    const auto hello = world.take(a);
    ASSERT_TRUE(hello);
    a.service->lost(hello->id);
    world.settle();
    EXPECT_EQ(b.service->members().at(0).initial_view, 7U);
}

TEST_F(EvtOutgoing, ALostFrameOfSeveralEventsIsSaidAgainWhole) {
    for (int i = 0; i < 5; ++i)
        world.publish(a, from, std::to_string(i));
    const auto several = world.take(a);
    ASSERT_TRUE(several);
    const auto last = frame_with("5");
    a.service->lost(several->id);
    world.arrive(a, last);
    world.settle();
    EXPECT_THAT(world.texts(b, at_b), ElementsAre("5", "0", "1", "2", "3", "4"));
    EXPECT_EQ(a.service->waiting(), 0U);
}

TEST_F(EvtOutgoing, AFrameThatNobodySentIsNoMatter) {
    a.service->lost(FrameId{12'345});
    a.service->delivered(FrameId{12'345});
    world.publish(a, from, "one");
    world.settle();
    EXPECT_THAT(world.texts(b, at_b), ElementsAre("one"));
}

TEST_F(EvtOutgoing, SmallEventsShareAFrameInOrder) {
    for (int i = 0; i < 100; ++i)
        world.publish(a, from, std::to_string(i));
    const auto frame = world.take(a);
    ASSERT_TRUE(frame);
    EXPECT_LE(frame->bytes.size(), wire::evt::packed_frame_bytes);
    EXPECT_FALSE(a.service->wants_to_send());
    EXPECT_EQ(a.service->waiting(), 100U);
    world.arrive(a, *frame);
    EXPECT_EQ(a.service->waiting(), 0U);
    const auto texts = world.texts(b, at_b);
    ASSERT_EQ(texts.size(), 100U);
    EXPECT_EQ(texts.front(), "0");
    EXPECT_EQ(texts.back(), "99");
}

// --- events written by who asks for room himself ---

TEST_F(EvtOutgoing, AWrittenEventIsOneFrameThatEverybodyHears) {
    std::vector<std::uint8_t> frame(wire::evt::max_frame_bytes);
    const auto bytes =
        a.service->write_event(from, {.priority = 1}, wire::bytes_of("written"), world.moment(), frame);
    ASSERT_TRUE(bytes);
    EXPECT_EQ(a.service->waiting(), 0U) << "it does not wait here";
    frame.resize(*bytes);
    world.hand_round(a, frame);
    EXPECT_THAT(world.texts(b, at_b), ElementsAre("written"));
    EXPECT_THAT(world.texts(a, at_a), ElementsAre("written"));
}

TEST_F(EvtOutgoing, AWrittenEventDoesNotOvertakeWhatWaits) {
    std::vector<std::uint8_t> frame(wire::evt::max_frame_bytes);
    const auto write = [&] {
        return a.service->write_event(from, {}, wire::bytes_of("x"), world.moment(), frame);
    };
    world.publish(a, from, "waits");
    EXPECT_EQ(write().error(), Error::try_again);
    world.settle();
    EXPECT_TRUE(write());
    world.leave(a, state::Departure::silent);
    EXPECT_EQ(write().error(), Error::try_again) << "out of the group";
    world.join(a);
    EXPECT_EQ(write().error(), Error::try_again) << "hello has to be said";
}

TEST_F(EvtOutgoing, AWrittenEventIsHeldToTheSameRules) {
    std::vector<std::uint8_t> frame(wire::evt::max_frame_bytes);
    const auto write = [&](ChannelHandle handle, const Attributes& attributes, std::size_t size) {
        const std::string data(size, 'x');
        return a.service->write_event(handle, attributes, wire::bytes_of(data), world.moment(), frame)
            .error();
    };
    EXPECT_EQ(write(ChannelHandle{999}, {}, 1), Error::bad_handle);
    EXPECT_EQ(write(from, {.priority = 4}, 1), Error::invalid_param);
    EXPECT_EQ(write(from, {}, 65'537), Error::too_big);
    EXPECT_EQ(write(world.open(a, at_a, "news", OpenFlags::subscriber), {}, 1), Error::access);
}

TEST_F(EvtOutgoing, AnEventThatAWrittenOneOvertookBecauseItsFrameWasLostIsHeardStill) {
    const auto lost = frame_with("lost at first");
    std::vector<std::uint8_t> written(wire::evt::max_frame_bytes);
    const auto bytes = a.service->write_event(from, {}, wire::bytes_of("written"), world.moment(), written);
    ASSERT_TRUE(bytes);
    written.resize(*bytes);
    a.service->lost(lost.id);
    world.hand_round(a, written);
    world.settle();
    EXPECT_THAT(world.texts(b, at_b), ElementsAre("written", "lost at first"));
}

}  // namespace
}  // namespace lamplight::bus::ais::evt
