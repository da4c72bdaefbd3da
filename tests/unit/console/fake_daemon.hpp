#pragma once

#include "console/daemon_control.hpp"
#include "state/engine.hpp"
#include "state/hints.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace lamplight::console {

/// A daemon of one node, pbx1, with everything in memory and a clock that stands still until told otherwise.
class FakeDaemon final : public DaemonControl {
public:
    static constexpr state::Eid own_eid{{2, 0, 0, 0, 0, 1}};

    FakeDaemon() : engine(), hints(engine) {
        own = engine.add_own_node({own_eid, "pbx1", 1'000, state::Announcement::Speaks::for_itself}, now(),
                                  changes);
        follow();
    }

    state::Time now() const override { return state::Time(clock); }
    std::chrono::system_clock::time_point wall(state::Time time) const override {
        return std::chrono::system_clock::time_point(std::chrono::seconds(1'289'642'400)) +
               time.time_since_epoch();
    }

    void set_custom(std::string_view device, state::DeviceState state, const Asker&, Done done) override {
        const auto id = engine.intern_device(device, changes);
        engine.set_own(own, *id, state, state::Cachable::yes, state::Cause::console, now(), changes);
        follow();
        if (!disk_problem.empty()) return done(tl::unexpected(disk_problem));
        customs[std::string(device)] = state;
        done(std::string());
    }
    void delete_custom(std::string_view device, const Asker&, Done done) override {
        const auto found = customs.find(std::string(device));
        if (found == customs.end()) return done(tl::unexpected(std::string("it has no state here")));
        customs.erase(found);
        engine.withdraw_own(own, *engine.find_device(device), state::Cause::console, now(), changes);
        follow();
        done(std::string());
    }
    std::vector<CustomState> custom_states() const override {
        std::vector<CustomState> all;
        for (const auto& [device, state] : customs)
            all.push_back({device, state});
        return all;
    }

    const state::MwiTable& mwi() const override { return table; }
    tl::expected<void, std::string> update_mwi(const state::Mailbox& mailbox, state::MessageCounts counts,
                                               const Asker&) override {
        if (!mwi_problem.empty()) return tl::unexpected(mwi_problem);
        count(mailbox, own, counts, state::VoteKind::state);
        return {};
    }
    tl::expected<void, std::string> delete_mwi(const state::Mailbox& mailbox, const Asker&) override {
        const auto held = table.vote(mailbox, own);
        if (!held || held->withdrawn)
            return tl::unexpected(std::string("this server has no message counts of it"));
        count(mailbox, own, {}, state::VoteKind::withdrawal);
        return {};
    }

    void end(Ending ending, When when, const Asker&, Done done) override {
        ended.emplace_back(ending, when);
        done(std::string());
    }
    void reload(Scope scope, const Asker&, Done done) override {
        reloaded.push_back(scope);
        if (reload_problem.empty()) return done(std::string());
        done(tl::unexpected(reload_problem));
    }
    Settings settings() const override {
        Settings all;
        all.name = "pbx1";
        all.version = "0.1.0";
        all.build = "g++ 12.2.0 for x86_64";
        all.eid = own_eid;
        all.incarnation = 1'000;
        all.pid = 4711;
        all.started = wall(state::Time(state::Duration(0)));
        all.reloaded = wall(state::Time(std::chrono::seconds(60)));
        all.config_file = "/etc/lamplight/lamplight.conf";
        all.config_dir = "/etc/lamplight";
        all.run_dir = "/run/lamplight";
        all.state_dir = "/var/lib/lamplight";
        all.module_dir = "/usr/lib/lamplight/modules";
        all.files_read = {"/etc/lamplight/lamplight.conf", "/etc/lamplight/extensions.conf"};
        all.more = {{"Stand in", "no"}};
        return all;
    }

    std::vector<ModuleView> modules() const override { return known_modules; }
    void load_module(std::string_view name, const Asker&, Done done) override {
        if (name != "res_jabber.so") return done(tl::unexpected(std::string("no such file")));
        done(std::string());
    }
    void unload_module(std::string_view name, const Asker&, Done done) override {
        if (name != "bus_local.so") return done(tl::unexpected(std::string("it is not loaded")));
        done(std::string());
    }
    void reload_module(std::string_view name, const Asker&, Done done) override {
        if (name != "bus_local.so") return done(tl::unexpected(std::string("it is not loaded")));
        done(std::string());
    }
    std::vector<BusView> buses() const override { return known_buses; }

    /// pbx2 says how many messages there are.
    void remote_count(const state::Mailbox& mailbox, state::MessageCounts counts) {
        meet_remote();
        count(mailbox, *engine.find_node(remote_eid), counts, state::VoteKind::state);
    }
    void meet_remote() {
        if (!sender) {
            sender = engine.open_sender(state::Bus::local, "pbx2 pid 4712", changes);
            engine.announce(*sender, {remote_eid, "pbx2", 2'000, state::Announcement::Speaks::for_itself},
                            now(), changes);
            engine.sender_present(*sender, now(), changes);
        }
        follow();
    }
    /// pbx2 on the local bus, with this vote.
    void remote_vote(std::string_view device, state::DeviceState state) {
        meet_remote();
        const state::Vote vote{.device = *engine.intern_device(device, changes),
                               .node = *engine.find_node(remote_eid),
                               .state = state,
                               .sender = *sender,
                               .version = {2'000, ++sequence}};
        engine.apply({&vote, 1}, now(), changes);
        follow();
    }
    void remote_gone(state::Departure departure) {
        engine.sender_gone(*sender, departure, now(), changes);
        follow();
    }
    void load_hints(const state::HintPlan& plan) {
        std::vector<state::HintChange> hint_changes;
        hints.load(plan, hint_changes, changes);
        follow();
    }
    void pass(std::chrono::milliseconds time) { clock += time; }

    state::Engine engine;
    state::MwiTable table;
    std::string mwi_problem;
    state::Hints hints;
    state::Changes changes;
    state::NodeId own{};
    std::optional<state::SenderId> sender;
    std::map<std::string, state::DeviceState> customs;
    std::vector<std::pair<Ending, When>> ended;
    std::vector<Scope> reloaded;
    std::string disk_problem;
    std::string reload_problem;
    std::vector<BusView> known_buses{{"local", true, "1 peer", 1, 12, 34, 5, 6, 0, 0}};
    std::vector<ModuleView> known_modules{
        {"bus_local.so", "Local bus: nodes on one machine", 1, true, "", "", ""},
        {"res_ais.so", "AIS: events over Corosync", 0, false, "libcpg.so.4 is missing", "", ""},
        {"res_jabber.so", "AJI - Asterisk Jabber Interface", 0, false, "", "res_xmpp.so",
         "Asterisk XMPP Interface"}};
    std::chrono::milliseconds clock{0};

    static constexpr state::Eid remote_eid{{2, 0, 0, 0, 0, 2}};

private:
    void follow() {
        std::vector<state::HintChange> hint_changes;
        state::Changes more;
        hints.follow(changes, hint_changes, more);
        std::vector<state::MwiChange> mwi_changes;
        table.follow(changes.nodes, mwi_changes);
        changes.clear();
    }

    void count(const state::Mailbox& mailbox, state::NodeId node, state::MessageCounts counts,
               state::VoteKind kind) {
        mwi_sequence = state::next_mwi_sequence(mwi_sequence, now());
        std::vector<state::MwiChange> mwi_changes;
        const state::MwiVote vote{mailbox, node, counts, kind, {1'000, mwi_sequence}};
        table.apply(vote, now(), mwi_changes);
    }

    std::uint64_t sequence = 0;
    std::uint64_t mwi_sequence = 0;
};

}  // namespace lamplight::console
