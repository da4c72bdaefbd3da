#pragma once

#include "bus/xmpp/stanzas.hpp"
#include "state/types.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace lamplight::bus::xmpp {

/// The IQs of ours under way on one stream: gives them ids, knows their answers, and for how long they are
/// waited for. Pure. An answer counts when id and sender are those of the request (an id alone can be
/// guessed, and Asterisk uses one twice); what answers nothing of ours is nobody's.
///
/// Bounds  `most` under way; a request beyond that is lost at once. Overflow cannot come of peers, only of
/// ourselves.
class Requests {
public:
    struct Reply {
        Answer answer{};
        const wire::xml::Element* iq = nullptr;  ///< of accepted and refused; valid during the call
        state::Duration took{};
    };
    using Handler = std::function<void(const Reply&, state::Time now)>;
    static constexpr std::size_t most = 4'096;
    static constexpr state::Duration usual_patience = std::chrono::seconds(20);

    /// Who we are on this stream: an answer from our own bare JID, our server or nobody answers a request
    /// without `to`.
    void bound(std::string own_jid);
    /// Appends `iq` with an id to `out`. The handler is called once, from take(), on_time() or stream_lost(),
    /// and may ask again from there; beyond `most` from here, and then it may not.
    void ask(wire::xml::Element iq, Handler handler, state::Time now, Stanzas& out,
             state::Duration patience = usual_patience);
    /// True when it was an answer to one of ours; its handler has been called.
    bool take(const wire::xml::Element& iq, state::Time now);
    void on_time(state::Time now);
    std::optional<state::Time> next_deadline() const;
    void stream_lost(state::Time now);
    std::size_t under_way() const { return waiting_.size(); }

private:
    struct Waiting {
        std::string to;
        state::Time asked;
        state::Time until;
        Handler handler;
    };
    using All = std::map<std::string, Waiting, std::less<>>;

    bool answers(const Waiting& request, std::string_view from) const;
    bool is_ourselves(std::string_view from) const;
    Waiting remove(All::iterator request);

    std::string own_;
    std::string own_bare_;
    std::string own_domain_;
    std::uint64_t last_ = 0;
    All waiting_;  ///< by id
    std::set<std::pair<state::Time, std::string>> until_;
};

}  // namespace lamplight::bus::xmpp
