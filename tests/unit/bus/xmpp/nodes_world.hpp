#pragma once

#include "bus/xmpp/nodes.hpp"
#include "stream_xml.hpp"
#include "wire/pubsub/event.hpp"
#include "wire/pubsub/names.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lamplight::bus::xmpp {

using wire::xml::Element;

/// What a request wants and of which node: `subscribe device_state`, `get affiliations x`, `create x plain`.
inline std::string kind_of(const Element& iq) {
    const Element& first = iq.children.at(0);
    if (first.name == "query") return first.ns + " " + std::string(iq.value_of("to"));
    const Element& action = first.children.at(0);
    std::string kind = action.name + " " + std::string(action.value_of("node"));
    if (iq.value_of("type") == "get") kind = "get " + kind;
    if (action.name == "create" && !first.child("configure")) kind += " plain";
    return kind;
}

/// A service that answers as one did that was recorded (tests/data/xmpp/nodes). The nodes in `like` are
/// answered for as those were; the second request of a kind gets the second answer, and the last one again.
class Recorded {
public:
    explicit Recorded(std::string account, std::map<std::string, std::string> like = {})
        : account_(std::move(account)), like_(std::move(like)) {}

    void load(const std::string& file) {
        std::ifstream in(std::string(LAMPLIGHT_TEST_DATA) + "/xmpp/nodes/" + file);
        if (!in) throw std::runtime_error("no " + file);
        std::string who;
        std::string kind;
        std::string id;
        for (std::string line; std::getline(in, line);) {
            if (line.starts_with("# server")) who = line.substr(2);
            if (line.starts_with("C: <iq")) {
                const Element iq = stanza_of(line.substr(3));
                if (const std::string* from = iq.attribute("from")) who = from->substr(0, from->find('/'));
                kind = who + " " + kind_of(iq);
                id = iq.value_of("id");
            }
            if (!line.starts_with("S: <iq") || id.empty()) continue;
            Element iq = stanza_of(line.substr(3));
            if (iq.value_of("id") == id) answers_[kind].push_back(std::move(iq));
        }
    }

    std::optional<Element> operator()(const Element& request) {
        std::string kind = kind_of(request);
        const std::size_t turn = asked_[kind]++;
        for (const auto& [node, other] : like_)
            if (const std::size_t at = kind.find(" " + node); at != kind.npos)
                kind.replace(at + 1, node.size(), other);
        auto found = answers_.find(account_ + " " + kind);
        if (found == answers_.end()) return std::nullopt;
        Element answer = found->second[std::min(turn, found->second.size() - 1)];
        return answer;
    }
    const Element& answer(const std::string& kind, std::size_t turn = 0) const {
        return answers_.at(kind).at(turn);
    }

private:
    std::string account_;
    std::map<std::string, std::string> like_;
    std::map<std::string, std::vector<Element>> answers_;
    std::map<std::string, std::size_t> asked_;
};

struct NodesWorld {
    using Server = std::function<std::optional<Element>(const Element&)>;
    using Kind = Nodes::Event::Kind;

    explicit NodesWorld(Nodes::Settings settings, std::string self = "server1@fa.test/r1")
        : self_(std::move(self)), nodes(std::move(settings), requests) {}

    static Nodes::Settings usual(std::string domain = "fa.test") {
        Nodes::Settings settings;
        settings.service = "pubsub." + domain;
        settings.own_node = "lamplight:1";
        settings.buddies = {"server2@" + domain};
        return settings;
    }
    void bind() {
        requests.bound(self_);
        nodes.bound(*c2s::parse_jid(self_), now, out);
    }
    /// Until nothing more is asked; a request without an answer waits.
    void run(const Server& server) {
        while (!out.stanzas.empty()) {
            Stanzas asked = std::exchange(out.stanzas, {});
            for (Element& request : asked) {
                kinds.push_back(kind_of(request));
                spare_asterisks(kinds.back());
                auto answer = server(request);
                sent.push_back(request);
                if (!answer) continue;
                answer->set("id", std::string(request.value_of("id")));
                answer->set("from", std::string(request.value_of("to")));
                requests.take(*answer, now);
                nodes.settle(out);
            }
        }
    }
    void pass(state::Duration time, const Server& server) {
        for (const state::Time until = now + time; now < until; now += std::chrono::milliseconds(250)) {
            requests.on_time(now);
            nodes.on_time(now, out);
            run(server);
        }
    }
    std::vector<std::string> events() {
        std::vector<std::string> texts;
        for (const Nodes::Event& event : out.events)
            texts.push_back((event.kind == Kind::ready    ? "ready "
                             : event.kind == Kind::failed ? "failed "
                                                          : "lost ") +
                            event.node);
        out.events.clear();
        return texts;
    }
    std::vector<std::string> news(Nodes::News::Kind kind) const {
        std::vector<std::string> texts;
        for (const Nodes::News& news : out.news)
            if (news.kind == kind) texts.push_back(news.node + (news.text.empty() ? "" : ": " + news.text));
        return texts;
    }
    std::vector<std::string> asked() { return std::exchange(kinds, {}); }
    Nodes::Check check(std::string_view name, std::string_view text = {}) const {
        for (const Nodes::Check& check : nodes.checks())
            if (check.name == name && check.text.starts_with(text)) return check;
        return {Nodes::Check::Verdict::unknown, "", "there is no such check", ""};
    }
    Nodes::NodeView view(std::string_view name) const {
        for (const Nodes::NodeView& view : nodes.nodes())
            if (view.name == name) return view;
        return {};
    }
    void deleted(const std::string& node, const std::string& from = "pubsub.fa.test") {
        wire::pubsub::Event event;
        event.kind = wire::pubsub::Event::Kind::deleted;
        event.from = from;
        event.node = node;
        nodes.heard(event, now, out);
    }

    /// They die of the answers.
    static void spare_asterisks(const std::string& kind) {
        EXPECT_FALSE(kind.starts_with("purge ") || kind.starts_with("delete ")) << kind;
        EXPECT_FALSE(kind.starts_with("unsubscribe device_state") ||
                     kind.starts_with("unsubscribe message_waiting"))
            << kind;
    }

    std::string self_;
    state::Time now{std::chrono::hours(1)};
    Requests requests;
    Nodes nodes;
    Nodes::Output out;
    std::vector<std::string> kinds;  ///< of what was asked
    Stanzas sent;
};

inline Element result() {
    return stanza_of("<iq type='result'/>");
}
inline Element error(std::string_view condition, std::string_view type = "cancel",
                     std::string_view more = {}) {
    return stanza_of("<iq type='error'><error type='" + std::string(type) + "'><" + std::string(condition) +
                     " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" + std::string(more) + "</error></iq>");
}
inline Element service_info() {
    return stanza_of(
        "<iq type='result'><query xmlns='http://jabber.org/protocol/disco#info'>"
        "<identity category='pubsub' type='service'/></query></iq>");
}
inline Element configuration(std::string_view persist, std::string_view access = "whitelist",
                             std::string_view publish = "publishers") {
    const auto field = [](std::string_view name, std::string_view value) {
        return "<field var='pubsub#" + std::string(name) + "'><value>" + std::string(value) +
               "</value></field>";
    };
    return stanza_of(
        "<iq type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><configure><x "
        "xmlns='jabber:x:data' type='form'>" +
        field("persist_items", persist) + field("access_model", access) + field("publish_model", publish) +
        "</x></configure></pubsub></iq>");
}

/// A service that answers by the kind of the request, and with a result to what is not in the table.
struct Table {
    std::map<std::string, Element> answers;
    std::optional<Element> operator()(const Element& request) const {
        const std::string kind = kind_of(request);
        if (const auto found = answers.find(kind); found != answers.end()) return found->second;
        if (kind.starts_with("http://jabber.org/protocol/disco#info")) return service_info();
        if (kind.starts_with("get affiliations"))
            return stanza_of(
                "<iq type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>"
                "<affiliations/></pubsub></iq>");
        if (kind.starts_with("get configure")) return configuration("0");
        return result();
    }
};

inline constexpr std::string_view closed = "<closed-node xmlns='http://jabber.org/protocol/pubsub#errors'/>";

inline Element subscription(std::string_view state, std::string_view jid = "server1@fa.test") {
    return stanza_of(
        "<iq type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub'><subscription "
        "node='device_state' jid='" +
        std::string(jid) + "' subscription='" + std::string(state) + "'/></pubsub></iq>");
}

inline Element affiliations(std::string_view list) {
    return stanza_of(
        "<iq type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><affiliations>" +
        std::string(list) + "</affiliations></pubsub></iq>");
}

/// Only device_state, of us and one buddy.
inline Nodes::Settings only_asterisk() {
    Nodes::Settings settings = NodesWorld::usual();
    settings.own_node.clear();
    return settings;
}
inline Nodes::Settings only_own() {
    Nodes::Settings settings = NodesWorld::usual();
    settings.asterisk = false;
    return settings;
}

/// What was asked of one node.
inline std::vector<std::string> asked_of(NodesWorld& world, std::string_view node) {
    std::vector<std::string> texts;
    for (const std::string& kind : world.asked())
        if (kind.find(" " + std::string(node)) != kind.npos) texts.push_back(kind);
    return texts;
}

inline std::string text_of_last(const NodesWorld& world, std::string_view kind) {
    std::string text;
    for (const Element& request : world.sent)
        if (kind_of(request) == kind) text = wire::xml::to_text(request);
    return text;
}

}  // namespace lamplight::bus::xmpp
