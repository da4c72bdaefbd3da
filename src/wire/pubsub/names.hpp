#pragma once

#include <string_view>

/// Namespaces of what we say and hear over XMPP.
namespace lamplight::wire::pubsub::ns {

inline constexpr std::string_view client = "jabber:client";
inline constexpr std::string_view stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas";
inline constexpr std::string_view pubsub = "http://jabber.org/protocol/pubsub";
inline constexpr std::string_view owner = "http://jabber.org/protocol/pubsub#owner";
inline constexpr std::string_view event = "http://jabber.org/protocol/pubsub#event";
inline constexpr std::string_view errors = "http://jabber.org/protocol/pubsub#errors";
inline constexpr std::string_view disco_info = "http://jabber.org/protocol/disco#info";
inline constexpr std::string_view disco_items = "http://jabber.org/protocol/disco#items";
inline constexpr std::string_view pages = "http://jabber.org/protocol/rsm";
inline constexpr std::string_view data = "jabber:x:data";
inline constexpr std::string_view roster = "jabber:iq:roster";
inline constexpr std::string_view version = "jabber:iq:version";
inline constexpr std::string_view ping = "urn:xmpp:ping";
inline constexpr std::string_view caps = "http://jabber.org/protocol/caps";
inline constexpr std::string_view asterisk = "http://asterisk.org";
/// Our frame in an IQ or item, and what marks a Lamplight in its presence (docs/protocol/xmpp.md).
inline constexpr std::string_view frame = "urn:lamplight:votes:1";
inline constexpr std::string_view mark = "urn:lamplight:presence:1";

}  // namespace lamplight::wire::pubsub::ns
