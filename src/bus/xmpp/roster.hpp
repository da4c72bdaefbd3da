#pragma once

#include "bus/xmpp/requests.hpp"
#include "bus/xmpp/stanzas.hpp"
#include "c2s/jid.hpp"
#include "state/types.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lamplight::bus::xmpp {

/// What a Lamplight says of itself in its presence, <lamplight xmlns='urn:lamplight:presence:1' process='…'
/// node='…' service='…'/>: how two of them know each other before the first word.
struct Mark {
    std::string process;  ///< 16 hexadecimal digits, another one for each start of a daemon
    std::string node;     ///< its own PubSub node; empty: it has none, and says everything to each
    std::string service;  ///< where that node is
    bool operator==(const Mark&) const = default;
};

/// A logged-in client of a buddy.
struct Resource {
    c2s::Jid jid;
    int status = 1;  ///< 1 available, 2 chat, 3 away, 4 xa, 5 dnd, 6 gone, as Asterisk prints it
    std::string status_text;
    int priority = 0;
    std::string caps_node;
    std::string caps_version;
    std::optional<bool> jingle;  ///< empty: not said yet
    std::optional<Mark> mark;    ///< it is a Lamplight
    state::Time since{};
};

struct Buddy {
    c2s::Jid jid;  ///< bare
    std::vector<std::string>
        configured;  ///< as jabber.conf has it, with resource; empty: by a pattern, or only in the roster
    std::optional<state::Eid> eid;
    bool in_roster = false;
    std::string subscription;  ///< none, to, from, both
    bool asked = false;
    std::vector<Resource> resources;
    std::vector<Resource> hidden;  ///< while it is in the roster and no buddy; it has no `resources` then
};

/// Who we hear and who hears us on one stream: the roster, presence both ways, subscriptions asked and
/// granted as Asterisk does (asterisk-facts 5.5), the answers to disco and version, and who of the buddies is
/// a Lamplight. Pure. What is not a buddy (by name, or by `*@DOMAIN`) is not granted, and its presence is
/// passed over. Who is in the account's roster and no buddy is kept out of sight: the server says only once a
/// stream that somebody is there, and one who becomes a buddy is seen at once.
///
/// A buddy with a resource is known by its bare JID, and asked by it. An EID belongs to the full JID it is
/// written beside, and to the whole account where that has but one.
///
/// Bounds  `most_buddies`, `most_resources` a buddy; the newcomer is passed over and said once a stream.
class Roster {
public:
    struct Configured {
        std::string jid;  ///< as written; `*@example.org` for every account there
        std::optional<state::Eid> eid;
        std::string place;  ///< `jabber.conf:12`
    };
    struct Settings {
        std::vector<Configured> buddies;
        bool autoprune = false;
        bool autoregister = true;
        bool accept = true;  ///< auth_policy
        int priority = 0;
        std::string status = "available";  ///< as jabber.conf takes it
        std::string status_message = "Online and Available";
        std::string default_resource = "asterisk-xmpp";
        std::string software = "lamplight";  ///< for jabber:iq:version
        std::string software_version;
    };
    struct Event {
        enum class Kind : std::uint8_t { came, changed, gone } kind{};
        c2s::Jid jid;                   ///< full
        std::optional<Mark> mark;       ///< of a Lamplight
        std::optional<state::Eid> eid;  ///< tied to this JID in jabber.conf
    };
    struct News {
        enum class Kind : std::uint8_t {
            asked,        ///< we asked `jid` for its presence
            approved,     ///< it may see ours
            refused,      ///< `text`: why
            pruned,       ///< removed from the roster
            too_many,     ///< a limit; `text`: which
            disappeared,  ///< it took its subscription back: it does not see us, or we do not see it
        } kind{};
        std::string jid;
        std::string text;
    };
    struct Output {
        Stanzas stanzas;
        std::vector<Event> events;
        std::vector<News> news;
        bool complete = false;  ///< the roster has come: the stream is `Connected`
    };
    static constexpr std::size_t most_buddies = 1'024;
    static constexpr std::size_t most_resources = 32;

    /// `requests` outlives it, and neither is moved.
    Roster(Settings settings, Requests& requests);
    Roster(const Roster&) = delete;
    Roster& operator=(const Roster&) = delete;

    /// Other buddies and settings; asks and prunes at once when bound. Who is no buddy any more is gone.
    void configure(Settings settings, state::Time now, Output& out);
    /// Presence with this mark from now on; sent at once when bound.
    void set_mark(Mark mark, Output& out);
    void bound(const c2s::Jid& self, state::Time now, Output& out);
    /// Everybody is out of sight; what they are stays known until the next `bound`. The events are the
    /// caller's own.
    void stream_lost();
    /// Presence, roster pushes, disco and version requests, pings from others: false when the stanza is none
    /// of these.
    bool receive(const wire::xml::Element& stanza, state::Time now, Output& out);

    /// What answers to its own requests brought about: after each take() and on_time() of the requests. Every
    /// other call with an Output does so, too.
    void settle(Output& out);

    /// In the order of their JIDs.
    std::vector<const Buddy*> buddies() const;
    const Buddy* find(const c2s::Jid& jid) const;  ///< by its bare part
    /// Whether events published by it are believed: a buddy of jabber.conf, by name or pattern.
    bool is_buddy(const c2s::Jid& jid) const;

private:
    struct Tie {
        c2s::Jid jid;
        state::Eid eid;
    };

    // roster.cpp
    void read_settings(Settings settings, Output& out);
    void add_configured(const Configured& configured, Output& out);
    Buddy* add(const c2s::Jid& bare, Output& out);
    bool is_self(const c2s::Jid& jid) const { return self_ && jid.bare() == self_->bare(); }
    std::optional<state::Eid> eid_of(const c2s::Jid& jid) const;
    void take_roster(const wire::xml::Element* iq, state::Time now, Output& out);
    void take_item(const wire::xml::Element& item, Output& out);
    void remove_item(const c2s::Jid& bare, Output& out);
    void after_roster(state::Time now, Output& out);
    bool take_push(const wire::xml::Element& iq, const wire::xml::Element& query, state::Time now,
                   Output& out);
    void prune(const c2s::Jid& bare, state::Time now, Output& out);
    void forget_resources(Buddy& buddy, Output& out);
    void hide(Buddy& buddy, Output& out);
    void reveal(Buddy& buddy, state::Time now, Output& out);
    void say(News::Kind kind, const std::string& jid, std::string text, Output& out);
    // roster_presence.cpp
    void send_presence(Output& out) const;
    void greet(const Buddy& buddy, const Resource& resource, Output& out) const;
    static bool is_shown_by_roster(const Buddy& buddy);
    void show_ourselves(const Resource& resource, Output& out) const;
    wire::xml::Element make_presence() const;
    void ask_for_presence(Buddy& buddy, Output& out);
    bool take_presence(const wire::xml::Element& presence, state::Time now, Output& out);
    void available(const c2s::Jid& from, const wire::xml::Element& presence, state::Time now, Output& out);
    void available_out_of_sight(Buddy& buddy, const c2s::Jid& from, const wire::xml::Element& presence,
                                state::Time now) const;
    void update(Resource& resource, const wire::xml::Element& presence) const;
    void came(const Buddy& buddy, Resource& resource, state::Time now, Output& out);
    void unavailable(const c2s::Jid& from, Output& out);
    void asked_by(const c2s::Jid& from, Output& out);
    void disappeared(const c2s::Jid& from, Output& out);
    // roster_answers.cpp
    bool take_request(const wire::xml::Element& iq, state::Time now, Output& out);
    void answer_disco(const wire::xml::Element& iq, const wire::xml::Element& query, Output& out) const;
    void answer_version(const wire::xml::Element& iq, Output& out) const;
    void find_out(Resource& resource, state::Time now, Output& out);
    void learnt(const std::string& key, std::optional<bool> capable);
    static std::string caps_key(const Resource& resource);

    Settings settings_;
    Requests& requests_;
    Mark mark_;
    std::optional<c2s::Jid> self_;
    bool complete_ = false;
    std::map<c2s::Jid, Buddy> buddies_;           ///< by bare JID
    std::set<std::string, std::less<>> domains_;  ///< of `*@DOMAIN`
    std::vector<Tie> ties_;
    std::set<c2s::Jid> asked_now_;                        ///< on this stream
    std::set<c2s::Jid> pruned_now_;                       ///< on this stream
    std::set<std::string> said_;                          ///< on this stream, bounded
    std::map<std::string, std::optional<bool>> capable_;  ///< of Jingle, by capabilities; empty: asked
    Output pending_;
};

}  // namespace lamplight::bus::xmpp
