// Who is believed what: accounts, processes, marks and EIDs that lie, and lives that end.
#include "lamplights_world.hpp"

namespace lamplight::bus::xmpp::test {
namespace {

using Talk = sync::News::Kind;

struct Trust : TwoMachines {
    const c2s::Jid liar{"liar", "a.example", "r"};
    const Road its_road{at_one.id, liar};

    void start() {
        log_both_in();
        world.make_node(at_one);
        world.make_node(at_two);
        world.settle();
        world.forget_sent();
    }
    void show(const Mark& mark) {
        one.lamplights.road_up(its_road, mark, world.now, one.out);
        one.publish();
    }
    /// A frame of the liar's; what it is answered with.
    std::string say(const std::vector<std::uint8_t>& frame) {
        Element iq("iq", std::string(ns::client));
        iq.set("type", "set").add(wire::pubsub::make_frame(frame));
        const auto answers = world.ask(at_one, liar, iq);
        one.publish();
        return answers.empty() ? "" : std::string(answers[0].value_of("type"));
    }
    static std::vector<std::uint8_t> hello(const std::vector<wire::vote::HelloNode>& nodes,
                                           const std::vector<wire::vote::KnownNode>& known = {}) {
        static constexpr std::uint8_t formats[] = {wire::vote::format};
        std::vector<std::uint8_t> bytes(wire::vote::max_frame_bytes);
        bytes.resize(wire::vote::encode_hello({formats, "a liar", nodes, known}, bytes).bytes);
        return bytes;
    }
    static wire::vote::HelloNode node(const state::Eid& eid, std::uint64_t incarnation = 5) {
        wire::vote::HelloNode node;
        node.eid = eid;
        node.incarnation = incarnation;
        node.name = "liar";
        return node;
    }
    std::size_t said(const Machine& machine, Talk kind) const {
        return static_cast<std::size_t>(std::ranges::count(machine.talk, kind, &sync::News::kind));
    }
};

TEST_F(Trust, WhoSaidGoodbyeAndShowsItselfAgainWithTheSameNumberIsALifeOfItsOwn) {
    start();
    two.set("PJSIP/0", DeviceState::busy, world.now);
    two.lamplights.say_goodbye(wire::vote::Goodbye::How::left);
    world.settle();
    ASSERT_NE(one.aggregate("PJSIP/0"), DeviceState::busy);
    const Road road = world.road(at_one, at_two);
    const Mark mark = World::mark_of(at_two);
    for (int i = 0; i < 3; ++i) {
        one.lamplights.road_down(road, Lamplights::Why::unavailable, world.now, one.out);
        one.lamplights.road_up(road, mark, world.now, one.out);
        one.publish();
    }
    EXPECT_TRUE(one.lamplights.is_up(world.road(at_one, at_two)));
    ASSERT_EQ(one.lamplights.peers().size(), 1u);
    EXPECT_TRUE(one.lamplights.peers()[0].present);
}

TEST_F(Trust, WhoIsSilentAfterItsGoodbyeMayComeBackByTheSameRoad) {
    start();
    two.lamplights.say_goodbye(wire::vote::Goodbye::How::left);
    world.settle();
    const Road road = world.road(at_one, at_two);
    one.lamplights.road_down(road, Lamplights::Why::silent, world.now, one.out);
    one.lamplights.heard_from(road, world.now);
    one.lamplights.on_time(world.now, one.out);
    one.publish();
    EXPECT_TRUE(one.lamplights.is_up(world.road(at_one, at_two)));
}

TEST_F(Trust, AHundredThatFallSilentAtOnceAreSilentAndNotFailed) {
    world.login(at_one);
    for (int i = 0; i < 200; ++i) {
        const Road road{at_one.id, {"pbx" + std::to_string(i + 10), "a.example", "r"}};
        Mark mark;
        mark.process = std::to_string(1'000'000'000'000'000 + i);
        one.lamplights.road_up(road, mark, world.now, one.out);
    }
    EXPECT_EQ(one.lamplights.peers().size(), 200u);
    one.lamplights.client_lost(at_one.id, world.now, one.out);
    one.publish();
    EXPECT_EQ(one.lamplights.peers().size(), 200u);
    for (const auto& peer : one.lamplights.peers())
        EXPECT_FALSE(peer.present);
}

TEST_F(Trust, AMarkNamesANodeOfALamplightOrNone) {
    start();
    for (const char* name : {"device_state", "message_waiting", "lamplight", ""}) {
        show({"00000000000000ff", name, World::service(at_one)});
        EXPECT_TRUE(one.out.follows.empty()) << name;
        wire::pubsub::Event event;
        event.from = World::service(at_one);
        event.node = name;
        EXPECT_FALSE(one.lamplights.receive_event(at_one.id, event, world.now, one.out)) << name;
    }
}

TEST_F(Trust, AnEidThatIsTiedToAnAccountIsSpokenForByNobodyElse) {
    const Tie tie{eid(77), {"asterisk", "a.example", ""}};
    one.lamplights.set_ties({&tie, 1});
    start();
    show({"00000000000000ff", "", ""});
    EXPECT_EQ(say(hello({node(eid(77)), node(eid(78))})), "result");
    EXPECT_EQ(one.engine.find_node(eid(77)), std::nullopt);
    EXPECT_NE(one.engine.find_node(eid(78)), std::nullopt);
    EXPECT_EQ(one.counters().nodes_refused, 1u);
    EXPECT_EQ(said(one, Talk::foreign), 1u);
}

TEST_F(Trust, AnEidThatIsTiedToItsOwnAccountIsSpokenForByThatOne) {
    const std::vector<Tie> ties{{two.self.eid, {"pbx9", "a.example", ""}}, {two.self.eid, at_two.jid.bare()}};
    one.lamplights.set_ties(ties);
    start();
    two.set("PJSIP/0", DeviceState::busy, world.now);
    world.settle();
    EXPECT_EQ(one.aggregate("PJSIP/0"), DeviceState::busy);
    EXPECT_EQ(one.counters().nodes_refused, 0u);
}

TEST_F(Trust, AnAccountMayAnnounceSoManyNodesAndNoMoreUnderWhateverProcess) {
    start();
    std::uint8_t number = 0;
    const std::size_t before = one.engine.node_count();
    for (int life = 0; life < 20; ++life) {
        show({"00000000000001" + std::to_string(10 + life), "", ""});
        std::vector<wire::vote::HelloNode> nodes;
        for (int i = 0; i < 12; ++i)
            nodes.push_back(node({{9, 9, 9, 9, 9, ++number}}));
        EXPECT_EQ(say(hello(nodes)), "result");
    }
    EXPECT_EQ(one.engine.node_count() - before, Lamplights::most_nodes);
    EXPECT_EQ(one.counters().nodes_refused, 240u - Lamplights::most_nodes);
    EXPECT_LE(said(one, Talk::foreign), 20u);
}

TEST_F(Trust, AnAccountThatOnlyCopiesANumberIsHeardAsSomebodyOfItsOwn) {
    start();
    two.set("PJSIP/0", DeviceState::busy, world.now);
    world.settle();
    show({two.process, "", ""});
    EXPECT_FALSE(one.lamplights.is_up(its_road)) << "not before it is proven";
    EXPECT_EQ(say(hello({node(two.self.eid, 1'000)})), "error");
    world.settle();
    one.publish();
    EXPECT_EQ(one.heard(Lamplights::News::Kind::no_kin), 1u);
    EXPECT_EQ(one.lamplights.peers().size(), 2u);
    ASSERT_NE(one.peer(two), nullptr);
    EXPECT_EQ(one.peer(two)->roads, std::vector<Road>{world.road(at_one, at_two)});
    std::vector<std::uint8_t> goodbye(wire::vote::min_budget_bytes);
    goodbye.resize(wire::vote::encode(wire::vote::Goodbye{}, goodbye));
    EXPECT_EQ(say(goodbye), "result");
    EXPECT_TRUE(one.peer(two)->present);
    two.set("PJSIP/0", DeviceState::ringing, world.now);
    world.settle();
    EXPECT_EQ(one.aggregate("PJSIP/0"), DeviceState::ringing);
}

TEST_F(Trust, WhoCopiesANumberFirstDoesNotShutItsOwnerOut) {
    world.login(at_one);
    show({two.process, "", ""});
    world.login(at_two);
    world.settle();
    one.publish();
    EXPECT_TRUE(one.lamplights.is_up(world.road(at_one, at_two))) << "the liar knows nothing of it";
    world.pass(3s);  // what two said too early is said again
    two.set("PJSIP/0", DeviceState::busy, world.now);
    world.settle();
    EXPECT_EQ(one.aggregate("PJSIP/0"), DeviceState::busy);
}

TEST_F(Trust, AnIncarnationBeyondAllTimesIsNeitherBelievedNorTaken) {
    start();
    show({"00000000000000ff", "", ""});
    const std::uint64_t late = wire::vote::max_incarnation - 1;
    EXPECT_EQ(say(hello({node(eid(78), late)}, {{one.self.eid, late}})), "result");
    EXPECT_LT(one.engine.node(one.node).incarnation, late);
    EXPECT_EQ(one.engine.find_node(eid(78)), std::nullopt);
    EXPECT_EQ(say(hello({node(eid(79))}, {{one.self.eid, 1'000'000}})), "result");
    EXPECT_GT(one.engine.node(one.node).incarnation, 1'000'000u);
}

}  // namespace
}  // namespace lamplight::bus::xmpp::test
