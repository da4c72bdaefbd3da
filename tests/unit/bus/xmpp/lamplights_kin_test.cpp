// Two accounts of one process, on two servers of which one says nothing while it is asked about the other.
#include "lamplights_world.hpp"

namespace lamplight::bus::xmpp::test {
namespace {

struct Kin : TwoMachines {
    World::Stream& far_one = world.stream(one, 2, "b.example");
    World::Stream& far_two = world.stream(two, 2, "b.example");

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
        one.set("PJSIP/0", DeviceState::busy, world.now);
        two.set("PJSIP/1", DeviceState::ringing, world.now);
        world.settle();
        EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::busy);
        EXPECT_EQ(one.aggregate("PJSIP/1"), DeviceState::ringing);
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
    expect_one_process_with(1);
    expect_changes_pass();
    world.login(at_one);
    world.login(at_two);
    world.pass(1s);
    expect_one_process_with(2);
    expect_changes_pass();
}

TEST_F(Kin, IsAskedAgainWhenOneStreamEndsAndTheOtherIsSilent) {
    start();
    world.pass(5s);
    world.logout(at_one);
    world.settle();
    world.pass(15s);
    expect_one_process_with(1);
    expect_changes_pass();
    first_server_is_back();
    world.login(at_one);
    world.pass(25s);
    expect_one_process_with(2);
    expect_changes_pass();
}

TEST_F(Kin, ThatNobodyCanBeAskedAboutIsHeardAsSoonAsTheOtherRoadIsSilent) {
    start();
    world.pass(11s);
    expect_one_process_with(1);
    expect_changes_pass();
    first_server_is_back();
    world.pass(25s);
    expect_one_process_with(2);
    expect_changes_pass();
}

TEST_F(Kin, AreWhoseStreamIsLostOnTheirSideOnly) {
    log_both_in();
    world.settle();
    two.lamplights.own_jid(far_two.id, far_two.jid);
    two.lamplights.client_lost(far_two.id, world.now, two.out);
    far_two.bound = true;  // its server has not noticed
    world.login(far_one);
    world.settle();
    ASSERT_NE(one.peer(two), nullptr);
    EXPECT_EQ(one.peer(two)->roads.size(), 2u);
    EXPECT_EQ(one.heard(Lamplights::News::Kind::no_kin), 0u);
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
    two.set("PJSIP/1", DeviceState::ringing, world.now);
    world.settle();
    EXPECT_EQ(one.aggregate("PJSIP/1"), DeviceState::ringing);
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
