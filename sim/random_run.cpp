#include "sim/random_run.hpp"

#include "sim/world.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace lamplight::sim {

namespace {

constexpr unsigned steps_between_quiet = 25;
constexpr Duration agreement_time{2000};
constexpr std::size_t trace_lines_shown = 60;

WorldSettings settings_of(const RandomRun& run) {
    WorldSettings settings;
    Random random(run.seed);
    settings.seed = random.next();
    settings.bus = random.below(4) == 0 ? state::Bus::local : state::Bus::corosync;
    settings.times.jitter = Duration{static_cast<std::int64_t>(random.below(20))};
    settings.times.detection = Duration{static_cast<std::int64_t>(200 + random.below(3000))};
    return settings;
}

class Player {
public:
    explicit Player(const RandomRun& run)
        : run_(run), random_(run.seed), settings_(settings_of(run)), world_(settings_) {
        for (unsigned i = 1; i <= run.nodes; ++i)
            add_node(i);
    }

    RandomOutcome play() {
        for (const std::string& name : names_) {
            tell("start {}", name);
            world_.start(name);
        }
        for (unsigned step = 1; step <= run_.steps && found_.empty(); ++step) {
            pause();
            act();
            found_ = world_.failures();
            if (found_.empty() && step % steps_between_quiet == 0) be_quiet();
        }
        if (found_.empty()) be_quiet();
        return {found_, story_, trace_tail()};
    }

private:
    void add_node(unsigned number) {
        const std::string name = fmt::format("pbx{}", number);
        const auto speaks = random_.below(3) == 0 ? state::Announcement::Speaks::for_pbx
                                                  : state::Announcement::Speaks::for_itself;
        world_.add_node(name, state::Eid{{2, 0, 0, 0, 0, static_cast<std::uint8_t>(number)}}, speaks);
        world_.add_hint(name, {"ext", "100", "Custom:d1&Custom:d2", {"Custom:d1", "Custom:d2"}, {}, {}});
        world_.add_hint(name, {"ext", "_2X", "Custom:d${EXTEN:1}", {"Custom:d${EXTEN:1}"}, {}, {}});
        names_.push_back(name);
    }

    void pause() {
        const auto kind = random_.below(100);
        const std::uint64_t most = kind < 70 ? 50 : kind < 95 ? 2'000 : 20'000;
        world_.run_for(Duration{static_cast<std::int64_t>(random_.below(most))});
    }

    void act() {
        const auto kind = random_.below(100);
        const std::string node = any_node();
        const std::string device = any_device();
        if (kind < 50) return vote(node, device);
        if (kind < 58) return tell("withdraw {} {}", node, device), world_.withdraw(node, device);
        if (kind < 63) return tell("kill {}", node), world_.kill(node);
        if (kind < 75) return tell("start {}", node), world_.start(node);
        if (kind < 78) return tell("restart {}", node), world_.restart(node);
        if (kind < 80) return tell("stop {}", node), world_.stop(node);
        if (kind < 82) return tell("down {}", node), world_.host_down(node);
        if (kind < 85) return partition();
        if (kind < 89) return tell("heal"), world_.heal();
        if (kind < 91) return burst(node, device);
        if (kind < 93) return lose_disk(node);
        if (kind < 95) return look_up(node);
        link(node);
    }

    void vote(const std::string& node, const std::string& device) {
        const auto value = any_state();
        tell("vote {} {} {}", node, device, config_text(value));
        world_.vote(node, device, value);
    }

    void burst(const std::string& node, const std::string& device) {
        const auto count = 1 + random_.below(300);
        tell("burst {} {} {}", node, device, count);
        for (std::uint64_t i = 0; i < count; ++i)
            world_.vote(node, device, any_state());
    }

    /// Each host draws its side.
    void partition() {
        std::vector<std::vector<std::string>> sides(2);
        for (const std::string& name : names_)
            sides[random_.below(2)].push_back(name);
        tell("partition {} | {}", fmt::join(sides[0], " "), fmt::join(sides[1], " "));
        world_.partition(sides);
    }

    /// Of a node that is down: its own votes, or its counter while its clock is wrong as well.
    void lose_disk(const std::string& node) {
        const auto what = random_.below(2);
        if (world_.daemon(node)) return;
        if (what == 0) {
            tell("erase-states {}", node);
            world_.erase_states(node);
            return;
        }
        tell("erase-incarnation {}", node);
        tell("clock {} -1h", node);
        world_.erase_incarnation(node);
        world_.set_clock(node, -std::chrono::hours(1));
    }

    void look_up(const std::string& node) {
        const auto extension = fmt::format("2{}", random_.below(8));
        tell("# {} looks up {}@ext", node, extension);
        if (Daemon* daemon = world_.daemon(node)) daemon->extension_state(extension, "ext");
    }

    void link(const std::string& node) {
        const auto link = random_.below(2) == 0 ? wire::vote::Link::down : wire::vote::Link::up;
        tell("link {} {}", node, link == wire::vote::Link::up ? "up" : "down");
        world_.set_pbx_link(node, link);
    }

    void be_quiet() {
        const bool heals = random_.below(2) == 0;
        const bool waits_for_holds = random_.below(3) == 0;
        if (heals) {
            tell("heal");
            world_.heal();
        }
        wait(settings_.times.detection + settings_.times.merge + agreement_time);
        expect(Agreement::connected_votes, "votes");
        if (!waits_for_holds || !found_.empty()) return;
        wait(std::max(settings_.policy.silent_hold, settings_.policy.restart_hold) + std::chrono::seconds(1));
        expect(Agreement::aggregates, "aggregates");
    }

    void wait(Duration duration) {
        tell("wait {}ms", duration.count());
        world_.run_for(duration);
    }

    void expect(Agreement agreement, std::string_view name) {
        tell("expect agree {}", name);
        found_ = world_.failures();
        if (found_.empty()) found_ = world_.differences(agreement);
    }

    std::string any_node() { return names_[random_.below(names_.size())]; }
    std::string any_device() { return fmt::format("Custom:d{}", random_.below(8)); }
    state::DeviceState any_state() {
        return static_cast<state::DeviceState>(random_.below(state::device_state_count));
    }

    template <typename... Args>
    void tell(fmt::format_string<Args...> format, Args&&... args) {
        const auto now = world_.now().time_since_epoch().count();
        story_.push_back(fmt::format("{:>9}.{:03} {}", now / 1000, now % 1000,
                                     fmt::format(format, std::forward<Args>(args)...)));
    }

    std::vector<std::string> trace_tail() {
        const auto& lines = world_.trace().lines();
        const std::size_t first = lines.size() > trace_lines_shown ? lines.size() - trace_lines_shown : 0;
        std::vector<std::string> tail;
        for (std::size_t i = first; i < lines.size(); ++i) {
            const auto time = lines[i].time.time_since_epoch().count();
            tail.push_back(
                fmt::format("{:>9}.{:03} {} {}", time / 1000, time % 1000, lines[i].node, lines[i].text));
        }
        return tail;
    }

    RandomRun run_;
    Random random_;
    WorldSettings settings_;
    World world_;
    std::vector<std::string> names_;
    std::vector<std::string> story_;
    std::vector<std::string> found_;
};

}  // namespace

RandomOutcome run_random(const RandomRun& run) {
    return Player(run).play();
}

std::string replay_line(const RandomRun& run) {
    return fmt::format("lamplight-sim --seed {} --nodes {} --steps {}", run.seed, run.nodes, run.steps);
}

}  // namespace lamplight::sim
