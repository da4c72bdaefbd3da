#pragma once

#include "bus/ais/audience.hpp"
#include "bus/ais/channels.hpp"
#include "bus/ais/copies.hpp"
#include "bus/ais/evt_group.hpp"
#include "bus/ais/resync.hpp"
#include "bus/deadline_timer.hpp"
#include "bus/lan/ring_names.hpp"
#include "bus/module.hpp"
#include "bus/plain/exchange.hpp"
#include "conf/configuration.hpp"

#include <boost/asio/steady_timer.hpp>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace lamplight::bus::ais {

/// Votes in event channels, as res_ais has them: plain::Exchange over the channels of ais.conf in an
/// EvtGroup. A shell.
///
/// A message of the Exchange is an event in every channel that publishes its type: the type's name as the one
/// pattern, lowest priority, retained a minute, by our CLM node name. What is delivered to us is given to the
/// Exchange, at most 256 events a turn of the loop; our own are passed over. When events were dropped because
/// we did not read in time, everything retained is asked for again (Resync); of that only the newest counts
/// (made_old).
class AsteriskChannels {
public:
    struct Counters {
        std::uint64_t events_in = 0;   ///< given to the Exchange
        std::uint64_t own_events = 0;  ///< passed over
        std::uint64_t unheard = 0;     ///< of who has no channel of ours open any more, or is gone
        std::uint64_t made_old = 0;    ///< retained, and something newer was too
        std::uint64_t gaps = 0;        ///< notices of lost events
        std::uint64_t resyncs = 0;
        std::uint64_t not_written = 0;  ///< events for channels that are closed by now
    };

    AsteriskChannels(Host& host, EvtGroup& group, const lan::RingNames& names);
    ~AsteriskChannels();
    AsteriskChannels(const AsteriskChannels&) = delete;
    AsteriskChannels& operator=(const AsteriskChannels&) = delete;

    void configure(const conf::AisSettings& settings);
    /// The rest of what the group's owner is asked and told: see EvtGroup::Owner.
    void on_joined();
    void on_lost();
    void on_member(const group::MemberEvent& event);
    void on_output(evt::Output& out);
    void on_settled();
    bool wants_to_send() const;
    group::Taken take(wire::MutableBytes out);
    void on_delivered(std::uint64_t tag);
    void on_message_lost(std::uint64_t tag);

    void on_changes(const state::Changes& changes);
    void on_mwi_changes(std::span<const state::MwiOwnChange> changes);
    void on_own_nodes_changed();
    /// Who is in the group `lamplight`, ourselves too.
    void on_lamplights(const std::vector<ring::Member>& lamplights);
    /// Our own node may have another name.
    void on_described();
    /// `stop` takes our votes back first, as UNAVAILABLE. `done` when all is said that there was to say; the
    /// caller bounds the wait, and leaves the group.
    void say_goodbye(Goodbye how, std::function<void()> done);

    const plain::Exchange& exchange() const { return exchange_; }
    const Counters& counters() const { return counters_; }
    const conf::AisSettings& settings() const { return settings_; }
    std::size_t audience() const { return audience_.size(); }
    Status status() const;

private:
    plain::Settings exchange_settings() const;
    void on_news(const evt::News& news);
    void on_opened(const evt::Opened& opened);
    void look_around();
    void act_on(const std::vector<Audience::Event>& events);
    void tell_when_not_told();
    void drain_at_once();
    void drain_soon();
    void drain();
    void on_delivery(const evt::Delivery& delivery, evt::Moment moment);
    void on_gap();
    void resync();
    void settle();
    void tell(const plain::News& news);
    std::optional<state::Time> next_deadline() const;
    void on_time();
    void retry_later();
    void finish_goodbye();
    void tell_of_unlinked(std::span<const evt::Service::ChannelView> all);
    std::string detail() const;
    evt::Attributes& attributes(EventType type);

    Host& host_;
    log::Log& log_;
    EvtGroup& group_;
    const lan::RingNames& names_;
    conf::AisSettings settings_;
    Channels channels_;
    Audience audience_;
    Copies copies_;
    Resync resync_;
    plain::Exchange exchange_;
    plain::Output out_;
    Counters counters_;
    /// Their events came before we knew that they have a channel open, or who they are: zero.
    std::set<ring::Member> early_;
    std::set<evt::ChannelId> unlinked_told_;
    std::array<evt::Attributes, 2> attributes_;
    std::array<std::uint8_t, wire::event::max_event_bytes> message_{};
    std::uint64_t dropped_told_ = 0;
    bool held_ = false;  ///< the service sends something else first
    bool draining_ = false;
    bool replaying_ = false;  ///< what comes next may have been retained
    bool refusal_told_ = false;
    std::optional<Goodbye> goodbye_;
    std::function<void()> goodbye_done_;
    DeadlineTimer timer_;
    boost::asio::steady_timer retry_timer_;
    boost::asio::steady_timer told_timer_;
    /// Handlers in the loop hold it weakly: gone means that the channels are.
    std::shared_ptr<AsteriskChannels*> alive_;
};

}  // namespace lamplight::bus::ais
