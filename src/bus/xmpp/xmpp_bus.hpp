#pragma once

#include "bus/deadline_timer.hpp"
#include "bus/module.hpp"
#include "bus/xmpp/asterisk_votes.hpp"
#include "bus/xmpp/client.hpp"
#include "bus/xmpp/lamplights.hpp"
#include "conf/configuration.hpp"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lamplight::bus::xmpp {

/// The XMPP bus: the clients of jabber.conf, and over those that distribute events the talks with Lamplights
/// and with Asterisk servers. A shell that puts them together; what is sent when is decided by the talks and
/// each client's pace: what is fresh goes first, and the talks take turns.
class XmppBus final : public Module {
public:
    static tl::expected<std::unique_ptr<Module>, std::string> make(Host& host);
    ~XmppBus() override;

    void on_changes(const state::Changes& changes) override;
    void on_mwi_changes(std::span<const state::MwiOwnChange> changes) override;
    void on_own_nodes_changed() override;
    tl::expected<void, std::string> reload() override;
    void say_goodbye(Goodbye how, std::function<void()> done) override;
    std::vector<Status> status() const override;
    unsigned use_count() const override;

    // --- for the commands ---
    Host& host() { return host_; }
    const std::vector<std::unique_ptr<Client>>& clients() const { return clients_; }
    Client* find_client(std::string_view name) const;
    /// Nodes::look_again of that client's.
    void look_again(ClientId id, const std::string& node);
    const Lamplights& lamplights() const { return lamplights_; }
    const AsteriskVotes& asterisk_votes() const { return asterisk_; }
    const conf::JabberSettings& settings() const { return settings_; }

private:
    XmppBus(Host& host, conf::JabberSettings settings);
    void start();
    void tie_eids();
    void add_client(const conf::JabberClient& settings);
    void retire(std::unique_ptr<Client> client);
    void let_go_of(Client* retired);
    Client::Owner owner_of_clients();
    bool is_lamplight(const state::Eid& eid) const;

    // What a client says.
    void on_bound(Client& client);
    void set_mark(Client& client);
    void on_lost(Client& client);
    void on_output(Client& client, Session::Output& out);
    void on_roster(Client& client, const Roster::Event& event);
    void on_node(Client& client, const Nodes::Event& event);
    void on_event(Client& client, const wire::pubsub::Event& event);

    // What comes of it.
    void settle();
    bool settle_lamplights();
    bool settle_asterisk();
    void obey(const Lamplights::Output::Follow& follow);
    void on_refused(ClientId id, const std::string& node, const wire::xml::Element& error);
    Client* client_of(ClientId id) const;
    void tell(const sync::News& news);
    void tell(const Lamplights::News& news);
    void tell(const AsteriskVotes::News& news);
    void set_timer();
    void flush_soon();
    void flush();
    bool send_next(Client& client);
    bool send_lamplights(Client& client, Pace::Urgency urgency);
    bool send_asterisk(Client& client, Pace::Urgency urgency);
    void on_time();
    void finish_goodbye();
    void close_clients();
    Status status_of(const Client& client) const;
    std::string label_of(sync::PeerId peer) const;

    Host& host_;
    log::Log& log_;
    conf::JabberSettings settings_;
    std::string process_;  ///< of our marks
    std::string own_node_;
    Lamplights lamplights_;
    AsteriskVotes asterisk_;
    Lamplights::Output lamplights_out_;
    AsteriskVotes::Output asterisk_out_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<std::unique_ptr<Client>> retired_;  ///< closing
    std::uint32_t last_client_ = 0;
    DeadlineTimer timer_;
    boost::asio::steady_timer goodbye_timer_;
    /// Nodes of other Lamplights that we follow, and their services.
    std::map<std::pair<ClientId, std::string>, std::string> followed_;
    bool flushing_ = false;
    bool settling_ = false;
    bool lamplights_turn_ = false;
    bool leaving_ = false;
    bool takes_votes_back_ = false;  ///< at the end, from Asterisks: not for a restart
    bool closing_ = false;
    std::function<void()> goodbye_done_;
    console::Registry::Registration commands_;
    /// Handlers in the loop hold it weakly: gone means that the bus is.
    std::shared_ptr<XmppBus*> alive_;
};

/// The commands of both families, `jabber …` and `xmpp …`. `bus` outlives their registration.
std::vector<console::Command> commands_of(XmppBus& bus);

}  // namespace lamplight::bus::xmpp
