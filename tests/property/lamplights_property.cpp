// Lamplights on two XMPP servers that lose, delay, refuse and forget, with streams that are cut and lost and
// processes that start anew: when it is quiet, every engine holds what each node votes, and nothing of it is
// stale.
#include "../unit/bus/xmpp/lamplights_world.hpp"

#include <rapidcheck/gtest.h>

#include <array>
#include <ostream>

namespace lamplight::bus::xmpp::test {
namespace {

struct Act {
    std::uint8_t what, which, value;
};

std::ostream& operator<<(std::ostream& out, const Act& act) {
    return out << '{' << int{act.what} << ',' << int{act.which} << ',' << int{act.value} << '}';
}

constexpr int machine_count = 3;

class Cluster {
public:
    Cluster() {
        for (int number = 1; number <= machine_count; ++number)
            start(number);
        world_.loses = [this](const Element&) { return to_lose_ > 0 && to_lose_-- > 0; };
        world_.budget = 4096;
    }

    void act(const Act& act) {
        Machine& machine = *machines_.at(act.which % machine_count);
        World::Stream& stream = *streams_.at(act.which % machine_count).at(act.value % 2);
        switch (act.what) {
            case 0:
            case 1:
            case 2:
                return machine.set(device(act), static_cast<DeviceState>(act.value % 8), world_.now);
            case 3:
                if (machine.engine.find_device(device(act))) machine.withdraw(device(act), world_.now);
                return;
            case 4:
                return machine.count(std::to_string(act.value % 5), act.value);
            case 5:
                stream.cut = !stream.cut;
                return;
            case 6:
                return stream.bound ? world_.logout(stream) : come(stream);
            case 7:
                to_lose_ = act.value % 8;
                return;
            case 8:
                world_.delay = std::chrono::milliseconds(act.value * 4);
                return;
            case 9:
                if (!stream.own_node.empty()) world_.node_of(stream).refuses = act.value % 3 == 0;
                return;
            case 10:
                if (!stream.own_node.empty()) world_.node_of(stream).subscribers.clear();
                return;
            case 11:
                return restart(act.which % machine_count);
            case 12:
                world_.refuses = [n = act.value % 4](const Element&) mutable { return n > 0 && n-- > 0; };
                return;
            default:
                return world_.pass(std::chrono::milliseconds(act.value * 100), 250ms);
        }
    }

    /// Nothing is lost any more, and everybody is there.
    void settle() {
        to_lose_ = 0;
        world_.delay = 10ms;
        world_.refuses = [](const Element&) { return false; };
        for (auto& [key, node] : world_.nodes)
            node.refuses = false;
        for (auto& streams : streams_)
            for (World::Stream* stream : streams) {
                stream->cut = false;
                if (!stream->bound) come(*stream);
            }
        world_.pass(200s);
    }

    void check() {
        for (const auto& at : machines_)
            for (const auto& of : machines_)
                if (at != of) check(*at, *of);
    }

private:
    static std::string device(const Act& act) { return "PJSIP/" + std::to_string(act.value % 12); }

    void come(World::Stream& stream) {
        world_.login(stream);
        if (stream.id == client(1) || stream.machine->number != 3) world_.make_node(stream);
    }
    void start(int number) {
        const std::size_t place = static_cast<std::size_t>(number - 1);
        const int life = ++lives_[place];
        all_.push_back(std::make_unique<Machine>(static_cast<std::uint8_t>(number),
                                                 10u + static_cast<unsigned>(life),
                                                 "-" + std::to_string(life)));
        machines_[place] = all_.back().get();
        machines_[place]->set("Custom:" + std::to_string(number), DeviceState::busy, world_.now);
        streams_[place] = {&world_.stream(*machines_[place], 1),
                           &world_.stream(*machines_[place], 2, "b.example")};
        for (World::Stream* stream : streams_[place])
            come(*stream);
    }
    void restart(std::size_t place) {
        if (all_.size() > 12) return;
        world_.kill(*machines_[place]);
        start(static_cast<int>(place) + 1);
    }
    void check(Machine& at, Machine& of) {
        RC_ASSERT(at.agrees_with(of));
        RC_ASSERT(at.holds_fresh(of));
        of.mwi.for_each([&](const state::Mailbox& mailbox) {
            const auto said = of.mwi.vote(mailbox, of.node);
            const auto held = at.mwi.vote(mailbox, *at.engine.find_node(of.self.eid));
            if (!said) return;
            RC_ASSERT(held.has_value());
            RC_ASSERT(held->counts == said->counts);
            RC_ASSERT(held->counts_now == said->counts_now);
        });
    }

    World world_;
    std::vector<std::unique_ptr<Machine>> all_;
    std::array<Machine*, machine_count> machines_{};
    std::array<std::array<World::Stream*, 2>, machine_count> streams_{};
    std::array<int, machine_count> lives_{};
    int to_lose_ = 0;
};

RC_GTEST_PROP(Lamplights, AllHoldTheSameWhenItIsQuiet, ()) {
    const auto byte = [](std::uint8_t end) { return rc::gen::inRange<std::uint8_t>(0, end); };
    const auto act = rc::gen::construct<Act>(byte(16), byte(machine_count), byte(255));
    const auto acts = *rc::gen::container<std::vector<Act>>(act).as("acts");
    Cluster cluster;
    for (const Act& one : acts)
        cluster.act(one);
    cluster.settle();
    cluster.check();
}

}  // namespace
}  // namespace lamplight::bus::xmpp::test
