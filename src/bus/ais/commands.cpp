// ais evt show event channels|channels, ais clm show members, ais show counters
#include "bus/ais/ais_bus.hpp"
#include "bus/ais/channels_text.hpp"
#include "bus/lan/own_group.hpp"
#include "console/counter_rows.hpp"
#include "console/escaped.hpp"
#include "console/texts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace lamplight::bus::ais {

namespace {

using boost::json::array;
using boost::json::object;
using console::Reply;
using console::Request;
using console::Responder;

// --- show event channels ---

constexpr std::string_view event_channels_usage =
    "Usage: ais evt show event channels\n"
    "       Show the event channels of ais.conf and what is published in and taken from each.\n"
    "       What the cluster has open: ais evt show channels.\n";

array names_of(const conf::AisChannel::Events& events) {
    array names;
    if (events.mwi) names.emplace_back("mwi");
    if (events.device_state) names.emplace_back("device_state");
    return names;
}

Reply show_event_channels(const AisBus& bus, const Request& request) {
    if (!request.args.empty()) return console::wrong_usage(event_channels_usage);
    const auto& settings = bus.channels().settings();
    array channels;
    for (const conf::AisChannel& channel : settings.channels)
        channels.push_back(object{{"name", channel.name},
                                  {"publish_event", names_of(channel.publish)},
                                  {"subscribe_event", names_of(channel.subscribe)}});
    return console::shown(channels_text(settings.channels), object{{"channels", std::move(channels)}});
}

// --- show channels ---

constexpr std::string_view channels_usage =
    "Usage: ais evt show channels\n"
    "       Show the event channels of the cluster: who has each of them open, and how much is\n"
    "       retained for those who open it later.\n";

std::string flags_text(evt::OpenFlags flags) {
    std::string text;
    for (const auto& [flag, name] :
         {std::pair{evt::OpenFlags::publisher, "publisher"},
          std::pair{evt::OpenFlags::subscriber, "subscriber"}, std::pair{evt::OpenFlags::create, "create"}}) {
        if (!flags.has(flag)) continue;
        if (!text.empty()) text += ' ';
        text += name;
    }
    return text;
}

/// What a member said of itself in its hello.
std::string program_of(const std::vector<evt::Service::MemberView>& members, ring::Member member) {
    const auto known = std::ranges::find(members, member, &evt::Service::MemberView::member);
    return known == members.end() ? std::string{} : known->program;
}

Reply show_channels(const AisBus& bus, const Request& request) {
    if (!request.args.empty()) return console::wrong_usage(channels_usage);
    const evt::Service& service = bus.group().service();
    if (!service.in_group())
        return Reply::failed(
            fmt::format("Not in the group saEvt: {}.\n", lan::trouble_of(bus.group().link())));
    const auto members = service.members();
    std::string text;
    array channels;
    for (const evt::Service::ChannelView& channel : service.channels()) {
        text += fmt::format(
            "{}{}: {} retained ({} bytes), open {}\n", console::escaped(channel.name),
            channel.unlinked ? " (unlinked)" : "", console::counted(channel.retained, "event"),
            channel.retained_bytes,
            channel.opens.size() == 1 ? std::string("once") : fmt::format("{} times", channel.opens.size()));
        array opens;
        for (const evt::Service::OpenView& open : channel.opens) {
            const std::string program = program_of(members, open.member);
            text += fmt::format("  {} {} {}\n", console::cell(bus.names().label(open.member), 24),
                                console::cell(program, 20), flags_text(open.flags));
            opens.push_back(object{{"node_id", open.member.node_id},
                                   {"pid", open.member.pid},
                                   {"node", bus.names().name(open.member.node_id)},
                                   {"program", program},
                                   {"publisher", open.flags.has(evt::OpenFlags::publisher)},
                                   {"subscriber", open.flags.has(evt::OpenFlags::subscriber)}});
        }
        channels.push_back(object{{"name", channel.name},
                                  {"id", fmt::format("{:#018x}", static_cast<std::uint64_t>(channel.id))},
                                  {"unlinked", channel.unlinked},
                                  {"retained", channel.retained},
                                  {"retained_bytes", channel.retained_bytes},
                                  {"opens", std::move(opens)}});
    }
    text += fmt::format("{} in the cluster\n", console::counted(channels.size(), "event channel"));
    if (!service.knows_registry())
        text += "Not everything is known yet: waiting for another member's word.\n";
    return console::shown(std::move(text),
                          object{{"complete", service.knows_registry()}, {"channels", std::move(channels)}});
}

// --- show members ---

constexpr std::string_view members_usage =
    "Usage: ais clm show members\n"
    "       Show the members of the cluster: the nodes of Corosync's ring, this one first.\n";
constexpr std::size_t most_members = 64;  ///< Asterisk shows no more

object json_of(const clm::Node& node) {
    object json{{"id", node.id},
                {"shown_id", fmt::format("{:#x}", clm::shown_id(node.id, node.address))},
                {"name", node.name},
                {"address", node.address},
                {"member", node.member},
                {"boot_time", nullptr},
                {"initial_view", node.initial_view}};
    if (node.boot_time != clm::time_unknown)
        json["boot_time"] = console::json_time(std::chrono::system_clock::time_point(
            std::chrono::duration_cast<std::chrono::system_clock::duration>(
                std::chrono::nanoseconds(node.boot_time))));
    return json;
}

Reply show_members(const AisBus& bus, const Request& request) {
    if (!request.args.empty()) return console::wrong_usage(members_usage);
    const clm::Membership& membership = bus.group().membership();
    if (!membership.known())
        return Reply::failed(
            fmt::format("Error retrieving current cluster members.\nNo view of the cluster: {}.\n",
                        bus.channels().status().detail));
    const std::vector<clm::Node> members = membership.members();
    array json;
    for (const clm::Node& node : members)
        json.push_back(json_of(node));
    const std::span shown(members.data(), std::min(members.size(), most_members));
    return console::shown(clm::members_text(shown),
                          object{{"view", membership.view()}, {"members", std::move(json)}});
}

// --- show counters ---

constexpr std::string_view counters_usage =
    "Usage: ais show counters\n"
    "       Show what was published, delivered and refused since the module was loaded: by the event\n"
    "       service, and of the votes in the channels of ais.conf.\n";

using Rows = console::CounterRows;

Rows rows_of(const EvtGroup& group) {
    const evt::Counters& c = group.service().counters();
    Rows rows{{"published", c.published},
              {"received", c.received},
              {"deliveries", c.deliveries},
              {"dropped", c.dropped},
              {"lost_notices", c.lost_notices},
              {"repeated", c.repeated},
              {"not_retained", c.not_retained},
              {"expired", c.expired},
              {"cleared", c.cleared},
              {"states_sent", c.states_sent},
              {"states_taken", c.states_taken},
              {"frames_out", c.frames_out},
              {"frames_in", c.frames_in},
              {"unknown_records", c.unknown_records},
              {"try_again", group.link().try_agains()},
              {"under_way", group.link().under_way()},
              {"refused: foreign ids", c.foreign_ids},
              {"refused: over a limit", c.over_limit},
              {"refused: channel not open", c.not_open}};
    console::add_refused<wire::evt::Malformed>(rows, c.malformed);
    return rows;
}

Rows rows_of(const AsteriskChannels& channels) {
    const plain::Counters& c = channels.exchange().counters();
    const AsteriskChannels::Counters& own = channels.counters();
    Rows rows{{"votes_out", c.votes_out},
              {"votes_in", c.votes_in},
              {"mwi_out", c.mwi_out},
              {"mwi_in", c.mwi_in},
              {"messages_out", c.messages_out},
              {"messages_lost", c.lost},
              {"events_in", own.events_in},
              {"own_events", own.own_events},
              {"made_old", own.made_old},
              {"gaps", own.gaps},
              {"resyncs", own.resyncs},
              {"not_written", own.not_written},
              {"from_lamplights", c.from_lamplights},
              {"own_eid", c.own_eid},
              {"not_subscribed", c.not_subscribed},
              {"unheard", c.unheard + own.unheard},
              {"names_too_long", c.names_too_long}};
    console::add_refused<wire::event::Malformed>(rows, c.malformed);
    return rows;
}

Reply show_counters(const AisBus& bus, const Request& request) {
    if (!request.args.empty()) return console::wrong_usage(counters_usage);
    const Rows service = rows_of(bus.group());
    const Rows channels = rows_of(bus.channels());
    return console::shown(
        console::text_of("Event service", service) + console::text_of("Event channels of ais.conf", channels),
        object{{"service", console::json_of(service)}, {"channels", console::json_of(channels)}});
}

}  // namespace

std::vector<console::Command> commands_of(AisBus& bus) {
    const auto command = [&bus](std::string words, std::vector<std::string> also, std::string summary,
                                std::string_view usage, Reply (*answer)(const AisBus&, const Request&)) {
        return console::Command{std::move(words), std::move(also), std::move(summary), std::string(usage),
                                [&bus, answer](const Request& request, const Responder& responder) {
                                    responder(answer(bus, request));
                                }};
    };
    return {command("ais evt show event channels", {"ais show evt event channels"},
                    "Show configured event channels", event_channels_usage, &show_event_channels),
            command("ais evt show channels", {"ais show evt channels"},
                    "Show the event channels of the cluster", channels_usage, &show_channels),
            command("ais clm show members", {"ais show clm members"}, "List current members of the cluster",
                    members_usage, &show_members),
            command("ais show counters", {}, "Show what was published, delivered and refused", counters_usage,
                    &show_counters)};
}

}  // namespace lamplight::bus::ais
