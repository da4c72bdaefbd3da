#pragma once

#include "state/vote.hpp"
#include "wire/xml/element.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What is asked of a PubSub service (XEP-0060, XEP-0248), as IQs without id and from: those are the
/// sender's. `service` may be empty: then `to` is left out, as res_xmpp does. Forms have one FORM_TYPE, so
/// that ejabberd takes them; Asterisk's own have two.
namespace lamplight::wire::pubsub {

struct NodeForm {
    enum class Access : std::uint8_t { open, whitelist } access = Access::whitelist;
    enum class Publish : std::uint8_t { publishers, open } publish = Publish::publishers;
    enum class Persist : std::uint8_t { no, yes } persist = Persist::no;
    enum class Type : std::uint8_t { unsaid, leaf, collection } type = Type::unsaid;
    std::string collection = {};  ///< it belongs to; empty: none
    /// Fields beyond those all servers know (max_items, notify_delete, send_last_published_item, itemreply):
    /// left out in a second attempt, when a server refuses the form.
    enum class Fields : std::uint8_t { all, few } fields = Fields::all;
};

struct Affiliation {
    std::string jid;
    std::string affiliation;  ///< owner, publisher, publish-only, member, none, outcast
    bool operator==(const Affiliation&) const = default;
};

enum class SubscribeOptions : std::uint8_t { none, collection };

xml::Element subscribe(std::string_view service, std::string_view node, std::string_view bare_jid,
                       SubscribeOptions options = SubscribeOptions::none);
xml::Element unsubscribe(std::string_view service, std::string_view node, std::string_view bare_jid);
/// `item` from make_item. Not cachable: with publish-options persist_items=0, unless the service refused
/// them.
enum class PublishOptions : std::uint8_t { none, not_persistent };
xml::Element publish(std::string_view service, std::string_view node, xml::Element item,
                     PublishOptions options = PublishOptions::none);
xml::Element create(std::string_view service, std::string_view node, const NodeForm& form);
xml::Element create_plain(std::string_view service, std::string_view node);  ///< with the service's defaults
xml::Element configure(std::string_view service, std::string_view node, const NodeForm& form);
xml::Element get_configuration(std::string_view service, std::string_view node);
xml::Element set_affiliations(std::string_view service, std::string_view node,
                              std::span<const Affiliation> who);
/// As an owner, for others: each of these bare JIDs is subscribed (XEP-0060 section 8.8.2).
xml::Element set_subscribed(std::string_view service, std::string_view node,
                            std::span<const std::string> bare_jids);
xml::Element get_affiliations(std::string_view service, std::string_view node);
xml::Element delete_node(std::string_view service, std::string_view node);
xml::Element purge_node(std::string_view service, std::string_view node);
xml::Element get_subscriptions(std::string_view service, std::string_view node);  ///< ours; empty node: all
xml::Element disco_info(std::string_view to, std::string_view node = {});
xml::Element disco_items(std::string_view to, std::string_view node = {});
xml::Element get_version(std::string_view to);
xml::Element ping(std::string_view to);

// --- answers ---

/// The named values of a jabber:x:data form; several values of a field are several pairs.
std::vector<std::pair<std::string, std::string>> form_values(const xml::Element& x);

struct Disco {
    std::vector<std::pair<std::string, std::string>> identities;  ///< category, type
    std::vector<std::string> features;
    bool has(std::string_view feature) const;
    bool is_pubsub() const;  ///< identity pubsub/service
};
std::optional<Disco> parse_disco_info(const xml::Element& iq);
struct DiscoItem {
    std::string jid, node, name;
};
std::optional<std::vector<DiscoItem>> parse_disco_items(const xml::Element& iq);
/// Empty when it is no answer to get_configuration.
std::optional<std::vector<std::pair<std::string, std::string>>> parse_configuration(const xml::Element& iq);
std::optional<std::vector<Affiliation>> parse_affiliations(const xml::Element& iq);

inline constexpr std::size_t max_condition_bytes = 64;    ///< a longer one is passed over
inline constexpr std::size_t max_error_text_bytes = 256;  ///< a longer text is cut

/// An IQ of type error, whichever server made it: the condition inside or beside <error/>, with or without
/// the legacy code, with or without the request echoed. A stanza without <error/> is `undefined-condition`.
struct Error {
    std::string
        condition;  ///< `item-not-found`; from the code when there is no element; else `undefined-condition`
    std::string pubsub_condition;  ///< `closed-node`, `not-subscribed`, `precondition-not-met`; or empty
    int code = 0;                  ///< 0: none
    std::string type;              ///< cancel, auth, modify, wait
    std::string text;

    bool is(std::string_view wanted) const { return condition == wanted; }
};
Error parse_error(const xml::Element& iq);

/// An answer to somebody's IQ that is no pubsub: the request is not echoed, and the legacy code is there, so
/// that no Asterisk dies of it (peers-measured F8).
xml::Element make_error(const xml::Element& request, std::string_view condition, std::string_view type,
                        int code);
xml::Element make_result(const xml::Element& request);

}  // namespace lamplight::wire::pubsub
