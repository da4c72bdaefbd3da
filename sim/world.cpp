#include "sim/world.hpp"

#include "sim/oracle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace lamplight::sim {

using state::DeviceState;
using wire::vote::Goodbye;

namespace {

/// So many steps without the clock moving are a loop that never ends.
constexpr std::uint64_t most_steps_at_once = 200'000;

std::set<std::string> devices_of(const Daemon& daemon) {
    std::set<std::string> names;
    daemon.engine().for_each_device(
        [&](state::DeviceId device) { names.emplace(daemon.engine().device_name(device)); });
    return names;
}

/// What `daemon` holds of a node's vote; empty when there is none or it is withdrawn.
std::optional<state::VoteView> vote_of(const Daemon& daemon, const std::string& device,
                                       const state::Eid& eid) {
    const auto id = daemon.engine().find_device(device);
    const auto node = daemon.engine().find_node(eid);
    if (!id || !node) return std::nullopt;
    const auto vote = daemon.engine().vote(*id, *node);
    return vote && !vote->withdrawn ? vote : std::nullopt;
}

state::Eid eid_of(const Daemon& daemon) {
    return daemon.engine().node(daemon.self()).eid;
}

std::string described(const std::optional<state::VoteView>& vote) {
    if (!vote) return "none";
    return fmt::format("{}{}{} {}.{}", config_text(vote->state), vote->counts ? "" : ", not counting",
                       vote->stale ? ", stale" : "", vote->version.incarnation, vote->version.sequence);
}

}  // namespace

World::World(const WorldSettings& settings)
    : settings_(settings), random_(settings.seed), bus_(scheduler_, random_, settings.times) {}
World::~World() = default;

void World::add_node(std::string name, const state::Eid& eid, state::Announcement::Speaks speaks) {
    Node& node = nodes_[name];
    node.settings.name = std::move(name);
    node.settings.eid = eid;
    node.settings.speaks = speaks;
    node.settings.bus = settings_.bus;
    node.settings.policy = settings_.policy;
    node.settings.limits = settings_.limits;
}

void World::add_hint(const std::string& node, state::HintDefinition hint) {
    at(node).settings.hints.hints.push_back(std::move(hint));
}

std::vector<std::string> World::names() const {
    std::vector<std::string> names;
    for (const auto& [name, node] : nodes_)
        names.push_back(name);
    return names;
}

Daemon* World::daemon(std::string_view node) {
    const auto found = nodes_.find(node);
    return found == nodes_.end() ? nullptr : found->second.daemon.get();
}

// --- what happens ---

void World::start(std::string_view name) {
    Node& node = at(name);
    if (node.daemon) return;
    node.votes_said.clear();
    node.daemon = std::make_unique<Daemon>(
        node.settings, Daemon::Surroundings{scheduler_, bus_, trace_, node.disk, node.votes_said});
}

void World::kill(std::string_view name) {
    Node& node = at(name);
    if (!node.daemon) return;
    bus_.kill(node.daemon->process());
    keep_failures(*node.daemon);
    node.daemon.reset();
}

void World::host_down(std::string_view name) {
    Node& node = at(name);
    if (!node.daemon) return;
    bus_.host_down(node.settings.name);
    keep_failures(*node.daemon);
    node.daemon.reset();
}

void World::stop(std::string_view name) {
    say_goodbye(name, Goodbye::How::left);
}
void World::restart(std::string_view name) {
    say_goodbye(name, Goodbye::How::restarting);
}

void World::say_goodbye(std::string_view name, Goodbye::How how) {
    Node& node = at(name);
    if (!node.daemon) return;
    const ProcessId life = node.daemon->process();
    node.daemon->say_goodbye(how, [this, &node, life, how] {
        if (!node.daemon || node.daemon->process() != life) return;
        if (how == Goodbye::How::left) {
            bus_.leave(life);
        } else {
            bus_.kill(life);
        }
        keep_failures(*node.daemon);
        node.daemon.reset();
    });
}

void World::vote(std::string_view name, std::string_view device, DeviceState value) {
    if (Daemon* running = daemon(name)) running->vote(device, value);
}

void World::withdraw(std::string_view name, std::string_view device) {
    if (Daemon* running = daemon(name)) running->withdraw(device);
}

void World::set_pbx_link(std::string_view name, wire::vote::Link link) {
    if (Daemon* running = daemon(name)) running->set_pbx_link(link);
}

void World::erase_states(std::string_view name) {
    at(name).disk.states.clear();
}
void World::erase_incarnation(std::string_view name) {
    at(name).disk.incarnation = 0;
}
void World::set_clock(std::string_view name, Duration offset) {
    at(name).disk.clock_offset = offset;
}

void World::replay_votes(std::string_view from, std::string_view to) {
    Daemon* speaker = daemon(from);
    Daemon* listener = daemon(to);
    if (!speaker || !listener) return;
    const auto frames = at(from).votes_said;
    for (const auto& frame : frames)
        listener->on_frame(speaker->process(), frame);
}

void World::run_for(Duration duration) {
    const Time end = scheduler_.now() + duration;
    while (failures().empty() && scheduler_.step(end))
        check_progress();
}

void World::check_progress() {
    steps_at_once_ = scheduler_.now() == last_step_ ? steps_at_once_ + 1 : 0;
    last_step_ = scheduler_.now();
    if (steps_at_once_ > most_steps_at_once) failures_.push_back("time stands still: something spins");
}

// --- what must be ---

void World::keep_failures(const Daemon& daemon) {
    for (const std::string& failure : daemon.checker().failures()) {
        failures_.push_back(fmt::format("{}: {}", daemon.name(), failure));
    }
}

std::vector<std::string> World::failures() const {
    std::vector<std::string> all = failures_;
    for (const auto& [name, node] : nodes_) {
        if (!node.daemon) continue;
        for (const std::string& failure : node.daemon->checker().failures()) {
            all.push_back(fmt::format("{}: {}", name, failure));
        }
    }
    return all;
}

bool World::shares_eid(const Daemon& daemon) const {
    return std::ranges::any_of(nodes_, [&](const auto& item) {
        return item.second.settings.eid == eid_of(daemon) && item.first != daemon.name();
    });
}

std::vector<std::string> World::differences(Agreement agreement) const {
    std::vector<std::string> found;
    for (const auto& [name, mine] : nodes_) {
        if (!mine.daemon || shares_eid(*mine.daemon)) continue;
        for (const auto& [other_name, other] : nodes_) {
            if (name == other_name || !other.daemon || shares_eid(*other.daemon)) continue;
            if (!bus_.connected(mine.daemon->process(), other.daemon->process())) continue;
            compare(*mine.daemon, *other.daemon, found);
        }
        if (agreement == Agreement::aggregates) compare_aggregates(*mine.daemon, found);
    }
    return found;
}

/// Whether `mine` knows the votes of `other` as `other` itself does.
void World::compare(const Daemon& mine, const Daemon& other, std::vector<std::string>& found) const {
    std::set<std::string> devices = devices_of(mine);
    devices.merge(devices_of(other));
    for (const std::string& device : devices) {
        const auto said = vote_of(other, device, eid_of(other));
        const auto heard = vote_of(mine, device, eid_of(other));
        const bool same = said ? heard && heard->state == said->state && heard->version == said->version &&
                                     heard->counts == said->counts && heard->stale == said->stale
                               : !heard;
        if (same) continue;
        found.push_back(fmt::format("{} says of {}: {}; {} holds {}", other.name(), device, described(said),
                                    mine.name(), described(heard)));
    }
}

/// Whether the aggregates of `mine` are what the nodes it sees, itself included, make together.
void World::compare_aggregates(const Daemon& mine, std::vector<std::string>& found) const {
    std::set<std::string> devices;
    std::vector<const Daemon*> seen;
    for (const auto& [name, node] : nodes_) {
        if (!node.daemon || !bus_.connected(mine.process(), node.daemon->process())) continue;
        seen.push_back(node.daemon.get());
        devices.merge(devices_of(*node.daemon));
    }
    for (const std::string& device : devices) {
        std::vector<DeviceState> states;
        for (const Daemon* other : seen) {
            const auto vote = vote_of(*other, device, eid_of(*other));
            if (vote && vote->counts) states.push_back(vote->state);
        }
        const DeviceState aggregate = mine.aggregate(device);
        const bool right = states.empty()
                               ? aggregate == DeviceState::unavailable || aggregate == DeviceState::unknown
                               : aggregate == oracle_aggregate(states);
        if (right) continue;
        found.push_back(fmt::format("{} has {} for {}; the nodes it sees make {}", mine.name(),
                                    config_text(aggregate), device, config_text(oracle_aggregate(states))));
    }
}

}  // namespace lamplight::sim
