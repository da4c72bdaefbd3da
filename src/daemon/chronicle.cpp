#include "daemon/chronicle.hpp"

#include <fmt/format.h>

namespace lamplight::daemon {

namespace {

using state::Cause;
using state::Standing;

std::string votes_of(const state::NodeView& node) {
    if (node.votes == 1) return "its vote";
    return fmt::format("its {} votes", node.votes);
}

std::string_view verb(const state::NodeView& node, std::string_view one, std::string_view many) {
    return node.votes == 1 ? one : many;
}

/// `15 s`, `24 h`.
std::string time_left(const state::NodeView& node, state::Time now) {
    if (!node.until) return "now";
    const auto seconds = std::chrono::round<std::chrono::seconds>(*node.until - now).count();
    return seconds >= 7200 ? fmt::format("{} h", seconds / 3600) : fmt::format("{} s", seconds);
}

std::string what_happened(const state::NodeChange& change, const state::NodeView& node) {
    const std::string who = node_label(node);
    const std::string_view bus = state::to_string(change.bus);
    if (change.from == Standing::unheard && change.to == Standing::present)
        return fmt::format("{} joined {}", who, bus);
    switch (change.cause) {
        case Cause::member_left:
            return fmt::format("{} left {}", who, bus);
        case Cause::member_failed:
            return fmt::format("{} failed on {}", who, bus);
        case Cause::member_silent:
            return fmt::format("{} silent on {}", who, bus);
        case Cause::member_restarting:
            return fmt::format("{} is restarting, says {}", who, bus);
        case Cause::member_returned:
            return fmt::format("{} is back on {}", who, bus);
        case Cause::hold_expired:
            return fmt::format("{} did not come back", who);
        case Cause::pbx_lost:
            return fmt::format("{} has lost its PBX", who);
        case Cause::forgotten:
            return fmt::format("{} is forgotten", who);
        case Cause::owner_bus_moved:
            return fmt::format("{} is heard on {} now", who, bus);
        default:
            return fmt::format("{} is a member of {}", who, bus);
    }
}

std::string what_follows(const state::NodeChange& change, const state::NodeView& node, state::Time now) {
    switch (change.to) {
        case Standing::stale:
            if (node.votes == 0) return "it has no votes";
            return fmt::format("{} {} stale for {}", votes_of(node), verb(node, "is", "are"),
                               time_left(node, now));
        case Standing::gone:
            if (node.votes == 0) return "it has no votes";
            return fmt::format("{} {} not count any more", votes_of(node), verb(node, "does", "do"));
        case Standing::present:
            if (change.from == Standing::unheard || node.votes == 0) return {};
            return fmt::format("{} {}", votes_of(node), verb(node, "counts", "count"));
        case Standing::unheard:
            return {};
    }
    return {};
}

}  // namespace

std::string node_label(const state::NodeView& node) {
    return node.name.empty() ? state::to_string(node.eid) : node.name;
}

std::string describe(const state::NodeChange& change, const state::NodeView& node, state::Time now) {
    const std::string follows = what_follows(change, node, now);
    return follows.empty() ? what_happened(change, node)
                           : fmt::format("{}: {}", what_happened(change, node), follows);
}

std::string describe(const state::Notice& notice, const state::Limits& limits) {
    using Kind = state::Notice::Kind;
    const std::string eid = state::to_string(notice.eid);
    switch (notice.kind) {
        case Kind::duplicate_eid:
            return fmt::format(
                "Two servers call themselves {}: {} was first and is heard, {} is refused. Give one of "
                "them another entityid.",
                eid, notice.first, notice.second);
        case Kind::own_eid_announced:
            return fmt::format(
                "Two servers call themselves {}: this one, {}, and {}, which is refused. Give one of them "
                "another "
                "entityid.",
                eid, notice.first, notice.second);
        case Kind::device_limit:
            return fmt::format(
                "{} devices are known, the limit: '{}' and other new ones are refused. Raise `max_devices` "
                "in "
                "lamplight.conf.",
                limits.devices, notice.first);
        case Kind::node_limit:
            return fmt::format(
                "{} nodes are known, the limit: {} and other new ones are refused. Raise `max_nodes` in "
                "lamplight.conf.",
                limits.nodes, eid);
        case Kind::name_too_long:
            return fmt::format("A device's name is longer than {} bytes and refused: '{}'.",
                               limits.name_bytes, notice.first);
        case Kind::sender_limit:
            return fmt::format(
                "{} connections speak for nodes, the limit: {} and other new ones are refused. Raise "
                "`max_senders` in lamplight.conf.",
                limits.senders, notice.first);
    }
    return {};
}

std::string describe(const state::MwiChange& change, const state::NodeView& node) {
    const auto words = [](const std::optional<state::MessageCounts>& counts) {
        if (!counts) return std::string("no counts");
        return fmt::format("{} new and {} old messages", counts->new_messages, counts->old_messages);
    };
    const std::string_view why = change.cause == Cause::vote         ? "says"
                                 : change.cause == Cause::withdrawal ? "taken back by"
                                                                     : "because of what became of";
    return fmt::format("Mailbox {}@{} has {} now, had {}: {} {}", change.mailbox.name, change.mailbox.context,
                       words(change.to), words(change.from), why, node_label(node));
}

void Chronicle::tell(const state::Changes& changes, state::Time now) {
    for (const state::NodeChange& change : changes.nodes)
        tell(change, now);
    for (const state::Notice& notice : changes.notices)
        tell(notice);
}

void Chronicle::tell(const state::NodeChange& change, state::Time now) {
    const state::NodeView node = engine_.node(change.node);
    if (node.own && change.cause != Cause::pbx_lost) return;
    log_.notice("{}", describe(change, node, now));
}

void Chronicle::tell(const state::Notice& notice) {
    using Kind = state::Notice::Kind;
    const std::string text = describe(notice, engine_.limits());
    if (notice.kind == Kind::duplicate_eid || notice.kind == Kind::own_eid_announced)
        log_.error("{}", text);
    else
        log_.warning("{}", text);
}

void Chronicle::tell(std::span<const state::HintChange> changes, const state::Hints& hints) {
    if (changes.empty() || !log_.shows(log::Level::verbose, 2, "chronicle.cpp")) return;
    for (const state::HintChange& change : changes) {
        if (change.to == state::ExtensionState::removed) continue;  // it cannot be looked at any more
        const state::HintView hint = hints.view(change.hint);
        log_.verbose(2, "Extension {}@{} is {} now, was {}", hint.extension, hint.context,
                     state::status_text(change.to), state::status_text(change.from));
    }
}

void Chronicle::tell(std::span<const state::MwiChange> changes) {
    if (changes.empty() || !log_.shows(log::Level::verbose, 3, "chronicle.cpp")) return;
    for (const state::MwiChange& change : changes)
        log_.verbose(3, "{}", describe(change, engine_.node(change.node)));
}

}  // namespace lamplight::daemon
