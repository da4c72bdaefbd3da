#include "show.hpp"

#include "console/texts.hpp"
#include "node_json.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <map>

namespace lamplight::evt_app {

namespace {

namespace json = boost::json;
namespace clm = bus::ais::clm;
using bus::ais::evt::OpenFlags;
using bus::ais::evt::Service;

std::vector<std::string_view> names_of(OpenFlags flags) {
    std::vector<std::string_view> out;
    if (flags.has(OpenFlags::publisher)) out.push_back("publisher");
    if (flags.has(OpenFlags::subscriber)) out.push_back("subscriber");
    return out;
}

std::map<ring::Member, std::string> programs_of(const Service& service) {
    std::map<ring::Member, std::string> out;
    for (const Service::MemberView& member : service.members())
        out[member.member] = escaped(member.program);
    return out;
}

std::string members_json(const clm::Membership& membership) {
    json::array nodes;
    for (const clm::Node& node : membership.members())
        nodes.push_back(full_json(node));
    return json::serialize(json::object{
               {"view", membership.view()}, {"self", membership.self()}, {"members", std::move(nodes)}}) +
           "\n";
}

}  // namespace

void ShowMembers::on_ready() {
    const clm::Membership& membership = session_.membership();
    session_.output().write(session_.form() == Form::json ? members_json(membership)
                                                          : clm::members_text(membership.members()));
    session_.end(0);
}

void ShowChannels::on_ready() {
    session_.output().write(session_.form() == Form::json ? json() : text());
    session_.end(0);
}

std::string ShowChannels::text() const {
    auto programs = programs_of(session_.service());
    const auto channels = session_.service().channels();
    std::string out;
    for (const Service::ChannelView& channel : channels) {
        out +=
            fmt::format("{}{}: {}, {} ({})\n", escaped(channel.name), channel.unlinked ? " (unlinked)" : "",
                        console::counted(channel.opens.size(), "open"),
                        console::counted(channel.retained, "retained event"),
                        console::counted(channel.retained_bytes, "byte"));
        for (const Service::OpenView& open : channel.opens)
            out +=
                fmt::format("    {:<24} {:<22} {}\n", session_.label(open.member),
                            fmt::format("{}", fmt::join(names_of(open.flags), " ")), programs[open.member]);
    }
    return out + console::counted(channels.size(), "channel") + "\n";
}

std::string ShowChannels::json() const {
    auto programs = programs_of(session_.service());
    json::array channels;
    for (const Service::ChannelView& channel : session_.service().channels()) {
        json::array opens;
        for (const Service::OpenView& open : channel.opens) {
            json::array flags;
            for (const std::string_view name : names_of(open.flags))
                flags.push_back(json::string(name));
            opens.push_back(json::object{{"node", open.member.node_id},
                                         {"name", session_.membership().known_node(open.member.node_id).name},
                                         {"pid", open.member.pid},
                                         {"program", programs[open.member]},
                                         {"flags", std::move(flags)}});
        }
        channels.push_back(json::object{{"channel", escaped(channel.name)},
                                        {"unlinked", channel.unlinked},
                                        {"opens", std::move(opens)},
                                        {"retained", channel.retained},
                                        {"retained_bytes", channel.retained_bytes}});
    }
    return json::serialize(json::object{{"channels", std::move(channels)}}) + "\n";
}

}  // namespace lamplight::evt_app
