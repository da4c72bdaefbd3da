#pragma once

#include "c2s/jid.hpp"
#include "state/types.hpp"
#include "wire/xml/element.hpp"

#include <cstdint>
#include <vector>

namespace lamplight::bus::xmpp {

/// What a machine wants sent on the stream it belongs to, in order.
using Stanzas = std::vector<wire::xml::Element>;

/// A client section of jabber.conf; not given again while the module is loaded.
enum class ClientId : std::uint32_t {};

/// An EID that belongs to an account: `eid` beside a buddy. Several of one EID are several accounts.
struct Tie {
    state::Eid eid;
    c2s::Jid jid;  ///< bare, or full when the buddy is written so
};

/// What became of a stanza that a machine gave to be sent.
enum class Answer : std::uint8_t {
    accepted,  ///< the result came
    refused,   ///< an error came
    lost,      ///< the stream ended first, or nothing came in time
};

}  // namespace lamplight::bus::xmpp
