// node show, bus show
#include "console/commands.hpp"
#include "console/escaped.hpp"
#include "console/texts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lamplight::console {

namespace {

using boost::json::array;
using boost::json::object;

std::vector<state::MemberView> members_of(const state::Engine& engine, state::NodeId node) {
    std::vector<state::MemberView> members;
    engine.for_each_member(node, [&](const state::MemberView& member) { members.push_back(member); });
    return members;
}

/// Nobody notices when it ends, on any bus that has it.
bool cannot_be_known_dead(const std::vector<state::MemberView>& members) {
    bool present = false;
    for (const auto& member : members) {
        if (member.status != state::MemberStatus::present) continue;
        if (!member.end_unseen) return false;
        present = true;
    }
    return present;
}

std::string marks_of(const state::NodeView& node, const std::vector<state::MemberView>& members) {
    std::vector<std::string_view> marks;
    if (node.own) marks.push_back("own");
    if (node.speaks_for_pbx) marks.push_back("speaks for a PBX");
    if (node.pbx_lost) marks.push_back("PBX lost");
    if (cannot_be_known_dead(members)) marks.push_back("cannot be known dead");
    return fmt::format("{}", fmt::join(marks, ", "));
}

/// `local present, corosync silent`.
std::string buses_of(const std::vector<state::MemberView>& members) {
    std::vector<std::string> buses;
    for (const auto& member : members) {
        if (member.bus == state::Bus::own) continue;
        buses.push_back(fmt::format("{} {}", to_string(member.bus), to_string(member.status)));
    }
    return fmt::format("{}", fmt::join(buses, ", "));
}

std::string row(const Context& context, const state::NodeView& node) {
    const auto wall = [&](state::Time time) {
        return clock_text(context.control.wall(time), context.control.wall(context.control.now()));
    };
    std::vector<std::string> rest;
    const auto members = members_of(context.engine, node.id);
    for (auto part : {buses_of(members), marks_of(node, members)}) {
        if (!part.empty()) rest.push_back(std::move(part));
    }
    if (node.until) rest.push_back(fmt::format("until {}", wall(*node.until)));
    auto line = fmt::format("{} {} {} {} {:>7}  {}", cell(name_of(node), 20), to_string(node.eid),
                            cell(to_string(node.standing), 8), cell(wall(node.since), 9), node.votes,
                            fmt::join(rest, "; "));
    line.erase(line.find_last_not_of(' ') + 1);
    return line + '\n';
}

/// Who speaks for a member on its bus; our own nodes and those that have left have nobody.
std::string_view sender_of(const state::Engine& engine, const state::MemberView& member) {
    using state::MemberStatus;
    const bool speaks = member.status == MemberStatus::present || member.status == MemberStatus::silent ||
                        member.status == MemberStatus::restarting;
    return speaks && member.bus != state::Bus::own ? engine.sender_label(member.sender) : std::string_view{};
}

object as_json(const Context& context, const state::NodeView& node) {
    array members;
    const auto views = members_of(context.engine, node.id);
    for (const auto& member : views)
        members.push_back(object{{"bus", to_string(member.bus)},
                                 {"status", to_string(member.status)},
                                 {"announced", member.announced},
                                 {"sender", sender_of(context.engine, member)},
                                 {"since", json_time(context.control.wall(member.since))}});
    object json{{"node", name_of(node)},
                {"eid", to_string(node.eid)},
                {"own", node.own},
                {"speaks_for_pbx", node.speaks_for_pbx},
                {"pbx_lost", node.pbx_lost},
                {"cannot_be_known_dead", cannot_be_known_dead(views)},
                {"standing", to_string(node.standing)},
                {"since", json_time(context.control.wall(node.since))},
                {"incarnation", node.incarnation},
                {"votes", node.votes},
                {"members", std::move(members)}};
    if (node.until) json["until"] = json_time(context.control.wall(*node.until));
    if (node.owner) json["owner"] = to_string(*node.owner);
    return json;
}

Reply show_nodes(const Context& context, const Request& request) {
    if (!request.args.empty()) return wrong_usage("Usage: node show\n");
    std::string text = "Node                 Entity ID         Standing Since       Votes  Buses\n";
    array nodes;
    context.engine.for_each_node([&](const state::NodeView& node) {
        text += row(context, node);
        nodes.push_back(as_json(context, node));
    });
    text += counted(nodes.size(), "node") + '\n';
    return shown(std::move(text), object{{"nodes", std::move(nodes)}});
}

Reply show_buses(const Context& context, const Request& request) {
    if (!request.args.empty()) return wrong_usage("Usage: bus show\n");
    const auto rows = context.control.buses();
    std::size_t width = 10;  // of the first column; a client of jabber.conf may have a longer name
    for (const auto& bus : rows)
        width = std::clamp(bus.bus.size(), width, std::size_t{32});
    std::string text =
        cell("Bus", width) +
        " State  Peers  Votes out   Votes in Frames out  Frames in  Refused  Waiting  Detail\n";
    array buses;
    for (const auto& bus : rows) {
        auto line =
            fmt::format("{} {} {:>5} {:>10} {:>10} {:>10} {:>10} {:>8} {:>8}  {}", cell(bus.bus, width),
                        cell(bus.up ? "up" : "down", 6), bus.peers, bus.votes_out, bus.votes_in,
                        bus.frames_out, bus.frames_in, bus.refused_frames, bus.waiting, escaped(bus.detail));
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
        buses.push_back(object{{"bus", bus.bus},
                               {"up", bus.up},
                               {"detail", bus.detail},
                               {"peers", bus.peers},
                               {"votes_out", bus.votes_out},
                               {"votes_in", bus.votes_in},
                               {"frames_out", bus.frames_out},
                               {"frames_in", bus.frames_in},
                               {"refused_frames", bus.refused_frames},
                               {"waiting", bus.waiting}});
    }
    text += fmt::format("{} bus{}\n", buses.size(), buses.size() == 1 ? "" : "es");
    return shown(std::move(text), object{{"buses", std::move(buses)}});
}

}  // namespace

std::vector<Command> node_commands(const Context& context) {
    return {
        {"node show",
         {"show nodes"},
         "Show the servers and how each bus sees them",
         "Usage: node show\n"
         "       Lists the servers that have opinions: present, stale (away, its votes still count), gone\n"
         "       (its votes do not count) or unheard (no bus has it as a member).\n",
         [context](const Request& request, const Responder& responder) {
             responder(show_nodes(context, request));
         }},
        {"bus show",
         {"show buses"},
         "Show the buses and what they carried",
         "Usage: bus show\n       Lists the ways by which servers exchange votes.\n",
         [context](const Request& request, const Responder& responder) {
             responder(show_buses(context, request));
         }},
    };
}

}  // namespace lamplight::console
