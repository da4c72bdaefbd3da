// Two accounts of one process, on two servers of which one says nothing while it is asked about the other.
#include "lamplights_world.hpp"

namespace lamplight::bus::xmpp::test {
namespace {

struct Kin : TwoMachines {
    World::Stream& far_one = world.stream(one, 2, "b.example");
    World::Stream& far_two = world.stream(two, 2, "b.example");
    int devices = 0;

    void first_server_hangs() { at_one.cut = at_two.cut = true; }
    void first_server_is_back() { at_one.cut = at_two.cut = false; }
    void start() {
        log_both_in();
        world.settle();
        first_server_hangs();
        world.login(far_one);
        world.login(far_two);
        world.settle();
    }
    void expect_one_process_with(std::size_t roads) {
        for (const auto& [at, of] : {std::pair(&one, &two), std::pair(&two, &one)}) {
            EXPECT_EQ(at->lamplights.peers().size(), 1u) << at->self.name;
            ASSERT_NE(at->peer(*of), nullptr) << at->self.name;
            EXPECT_EQ(at->peer(*of)->roads.size(), roads) << at->self.name;
            EXPECT_EQ(at->heard(Lamplights::News::Kind::no_kin), 0u) << at->self.name;
        }
    }
    void expect_changes_pass() {
        const std::string device = "PJSIP/" + std::to_string(++devices);
        one.set(device + "1", DeviceState::busy, world.now);
        two.set(device + "2", DeviceState::ringing, world.now);
        world.settle();
        EXPECT_EQ(two.aggregate(device + "1"), DeviceState::busy);
        EXPECT_EQ(one.aggregate(device + "2"), DeviceState::ringing);
    }
    void expect_whole_with(std::size_t roads) {
        expect_one_process_with(roads);
        expect_changes_pass();
    }
    static bool is_answer_about_kin(const Element& stanza, const std::vector<Element>& sent) {
        return stanza.value_of("type") == "result" && std::ranges::any_of(sent, [&](const Element& iq) {
                   return iq.child("kin", ns::frame) && iq.value_of("id") == stanza.value_of("id");
               });
    }
};

TEST_F(Kin, IsAskedAgainWhenTheStreamEndsBeforeTheAnswer) {
    start();
    world.pass(5s);
    world.logout(at_one);
    world.logout(at_two);
    world.pass(1s);
    expect_whole_with(1);
    world.login(at_one);
    world.login(at_two);
    world.pass(1s);
    expect_whole_with(2);
}

TEST_F(Kin, IsAskedAgainWhenOneStreamEndsAndTheOtherIsSilent) {
    start();
    world.pass(5s);
    world.logout(at_one);
    world.settle();
    world.pass(15s);
    expect_whole_with(1);
    first_server_is_back();
    world.login(at_one);
    world.pass(25s);
    expect_whole_with(2);
}

TEST_F(Kin, ThatNobodyCanBeAskedAboutIsHeardAsSoonAsTheOtherRoadIsSilent) {
    start();
    world.pass(11s);
    expect_whole_with(1);
    first_server_is_back();
    world.pass(25s);
    expect_whole_with(2);
}

/// Its server shows it still; what it says to that is "not mine", as long as it is not back.
TEST_F(Kin, IsAgainWhoseStreamWasLostOnItsSideOnly) {
    log_both_in();
    two.lamplights.client_lost(far_two.id, world.now, two.out);
    far_two.bound = true;
    world.login(far_one);
    world.settle();
    ASSERT_EQ(one.lamplights.peers().size(), 2u);
    world.login(far_two);
    world.pass(1s);
    ASSERT_NE(one.peer(two), nullptr);
    EXPECT_EQ(one.peer(two)->roads.size(), 2u);
    expect_changes_pass();
}

/// While nobody knows yet, a third server carries all, and the question too when its way has ended.
TEST_F(Kin, IsAskedByAnotherWayWhenOneEnds) {
    World::Stream& third_one = world.stream(one, 3, "c.example");
    World::Stream& third_two = world.stream(two, 3, "c.example");
    log_both_in();
    world.login(third_one);
    world.login(third_two);
    world.settle();
    expect_one_process_with(2);
    first_server_hangs();
    world.login(far_one);
    world.login(far_two);
    world.settle();
    EXPECT_FALSE(one.lamplights.is_up(world.road(far_one, far_two)));
    world.logout(at_one);
    world.logout(at_two);
    world.pass(2s);
    expect_whole_with(2);
    EXPECT_TRUE(one.lamplights.is_up(world.road(far_one, far_two)));
}

TEST_F(Kin, IsNotWhoseQuestionTheOtherLeavesOpenThoughItIsThere) {
    world.loses = [&](const Element& stanza) { return is_answer_about_kin(stanza, world.sent); };
    log_both_in();
    world.login(far_one);
    world.login(far_two);
    world.settle();
    EXPECT_FALSE(one.lamplights.is_up(world.road(far_one, far_two)));
    world.pass(12s);
    EXPECT_TRUE(one.lamplights.is_up(world.road(far_one, far_two)));
    EXPECT_EQ(one.lamplights.peers().size(), 2u);
    EXPECT_EQ(one.heard(Lamplights::News::Kind::no_kin), 1u);
}

TEST_F(Kin, IsAskedAnewWhenItShowsItselfAnew) {
    world.loses = [&](const Element& stanza) { return is_answer_about_kin(stanza, world.sent); };
    log_both_in();
    world.login(far_one);
    world.login(far_two);
    world.pass(12s);
    ASSERT_EQ(one.lamplights.peers().size(), 2u);
    world.loses = [](const Element&) { return false; };
    one.lamplights.road_up(world.road(far_one, far_two), World::mark_of(far_two), world.now, one.out);
    world.settle();
    ASSERT_NE(one.peer(two), nullptr);
    EXPECT_EQ(one.peer(two)->roads.size(), 2u);
    expect_changes_pass();
}

/// One side knows no other road any more, and says on one that is not proven there what is refused.
TEST_F(Kin, IsToldWhatItRefusedAsSoonAsItSpeaks) {
    start();
    one.lamplights.client_lost(at_one.id, world.now, one.out);
    world.pass(9s);
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.pass(500ms);
    ASSERT_NE(two.aggregate("PJSIP/0"), DeviceState::busy);
    world.pass(1500ms, 100ms);
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::busy);
}

}  // namespace
}  // namespace lamplight::bus::xmpp::test
