// device show [like X]
#include "console/commands.hpp"
#include "console/escaped.hpp"
#include "console/texts.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace lamplight::console {

namespace {

using boost::json::array;
using boost::json::object;
using state::VoteView;

/// Devices in one answer: what is more is counted, not printed, so that no answer holds the loop up for long.
constexpr std::size_t most_devices = 10'000;

constexpr std::string_view usage =
    "Usage: device show [like <text>]\n"
    "       Shows each device's aggregate state, and below it who says what, since when and over\n"
    "       which wire. 'own' marks this server's vote, 'stale' one whose server is away, 'not counting'\n"
    "       one that takes no part in the aggregate.\n";

std::string marks_of(const VoteView& vote, bool own) {
    std::vector<std::string_view> marks;
    if (own) marks.push_back("own");
    if (vote.withdrawn) marks.push_back("withdrawn");
    if (vote.stale) marks.push_back("stale");
    if (!vote.counts && !vote.withdrawn) marks.push_back("not counting");
    return fmt::format("{}", fmt::join(marks, ", "));
}

class Table {
public:
    Table(const Context& context, bool json)
        : engine_(context.engine), control_(context.control), json_(json), now_(control_.now()) {}

    void add(state::DeviceId device) {
        const auto aggregate = engine_.aggregate(device);
        if (!json_)
            text_ += fmt::format("{} {}\n", cell(engine_.device_name(device), 30), log_text(aggregate));
        array votes;
        engine_.for_each_vote(device, [&](const VoteView& vote) { add(vote, votes); });
        if (json_)
            devices_.push_back(object{{"device", engine_.device_name(device)},
                                      {"state", config_text(aggregate)},
                                      {"votes", std::move(votes)}});
    }

    Reply reply(std::size_t shown_count, std::size_t total) {
        std::string text = fmt::format("{}\n",
                                       "Device / server                State           Since     "
                                       "Age     Bus       Marks");
        text += text_;
        text += fmt::format("{}\n", counted(total, "device"));
        if (shown_count < total)
            text +=
                fmt::format("Only the first {} are shown: narrow them down with 'device show like <text>'.\n",
                            shown_count);
        return shown(std::move(text), object{{"devices", std::move(devices_)}, {"total", total}});
    }

private:
    void add(const VoteView& vote, array& votes) {
        const auto node = engine_.node(vote.node);
        const auto age = std::chrono::duration_cast<std::chrono::seconds>(now_ - vote.since);
        const auto since = control_.wall(vote.since);
        if (json_) {
            votes.push_back(object{{"node", name_of(node)},
                                   {"eid", to_string(node.eid)},
                                   {"state", config_text(vote.state)},
                                   {"since", json_time(since)},
                                   {"age_seconds", age.count()},
                                   {"bus", to_string(vote.bus)},
                                   {"own", node.own},
                                   {"counts", vote.counts},
                                   {"stale", vote.stale},
                                   {"withdrawn", vote.withdrawn}});
            return;
        }
        auto line = fmt::format("  {} {} {} {} {} {}", cell(name_of(node), 28),
                                cell(vote.withdrawn ? "-" : log_text(vote.state), 15),
                                cell(clock_text(since, control_.wall(now_)), 9), cell(age_text(age), 7),
                                cell(to_string(vote.bus), 9), marks_of(vote, node.own));
        line.erase(line.find_last_not_of(' ') + 1);
        text_ += line + '\n';
    }

    const state::Engine& engine_;
    const DaemonControl& control_;
    bool json_;
    state::Time now_;
    std::string text_;
    array devices_;
};

Reply show(const Context& context, const Request& request) {
    const bool filtered = request.args.size() == 2 && request.args[0] == "like";
    if (!request.args.empty() && !filtered) return wrong_usage(usage);
    Table table(context, request.json);
    std::size_t total = 0;
    context.engine.for_each_device([&](state::DeviceId device) {
        if (filtered && !contains_text(context.engine.device_name(device), request.args[1])) return;
        if (total++ < most_devices) table.add(device);
    });
    return table.reply(std::min(total, most_devices), total);
}

std::vector<std::string> complete(const state::Engine& engine, const std::vector<std::string>& args,
                                  std::string_view begun) {
    constexpr std::size_t most = 200;
    if (args.empty()) return {"like"};
    std::vector<std::string> offers;
    if (args.size() != 1 || args[0] != "like") return offers;
    engine.for_each_device([&](state::DeviceId device) {
        if (offers.size() >= most) return;
        const auto name = engine.device_name(device);
        if (name.starts_with(begun) && is_printable(name)) offers.emplace_back(name);
    });
    return offers;
}

}  // namespace

std::vector<Command> device_commands(const Context& context) {
    return {
        {"device show",
         {"show devices"},
         "Show devices, who votes for what, and why",
         std::string(usage),
         [context](const Request& request, const Responder& responder) { responder(show(context, request)); },
         [&engine = context.engine](const std::vector<std::string>& args, std::string_view begun) {
             return complete(engine, args, begun);
         }}};
}

}  // namespace lamplight::console
