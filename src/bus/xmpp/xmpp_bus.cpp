// The module's life, its file, its status. What clients and talks say to each other: xmpp_bus_talk.cpp.
#include "bus/xmpp/xmpp_bus.hpp"

#include "bus/sync/news_text.hpp"
#include "conf/file.hpp"
#include "conf/reader.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

namespace lamplight::bus::xmpp {

namespace {

using namespace std::chrono_literals;

/// The contract of say_goodbye gives 2 s; closing the streams takes the rest.
constexpr auto goodbye_patience = 1'500ms;

std::string random_process() {
    std::random_device device;
    return fmt::format("{:08x}{:08x}", device(), device());
}

std::string own_node_of(Host& host) {
    const auto own = host.own_nodes();
    std::string name(own_node_prefix);
    for (const std::uint8_t byte : own.front().eid.bytes)
        name += fmt::format("{:02x}", byte);
    return name;
}

tl::expected<conf::JabberSettings, std::string> read_settings(Host& host) {
    auto file = conf::load_jabber(host.configuration(), conf::DiskFiles());
    for (const std::string& name : file.files_read)
        host.note_file_read(name);
    if (!file.ok()) return tl::unexpected(conf::error_lines(file.problems));
    // What the daemon read itself it has spoken about.
    if (file.value.clients != host.configuration().jabber.clients)
        conf::log_others(host.log(), file.problems);
    return std::move(file.value);
}

Lamplights::Settings talk_settings(const std::string& process) {
    Lamplights::Settings settings;
    settings.software = "lamplight " LAMPLIGHT_VERSION;
    settings.process = process;
    return settings;
}

}  // namespace

XmppBus::XmppBus(Host& host, conf::JabberSettings settings)
    : host_(host),
      log_(host.log()),
      settings_(std::move(settings)),
      process_(random_process()),
      own_node_(own_node_of(host)),
      lamplights_(host.engine(), host.mwi(), talk_settings(process_)),
      asterisk_(host.engine(), host.mwi(), [this](const state::Eid& eid) { return is_lamplight(eid); }),
      timer_(host.loop(), [this] { on_time(); }),
      goodbye_timer_(host.loop()),
      alive_(std::make_shared<XmppBus*>(this)) {}

XmppBus::~XmppBus() {
    alive_.reset();
}

tl::expected<std::unique_ptr<Module>, std::string> XmppBus::make(Host& host) {
    auto settings = read_settings(host);
    if (!settings) return tl::unexpected(settings.error());
    std::unique_ptr<XmppBus> bus(new XmppBus(host, std::move(*settings)));
    bus->start();
    return bus;
}

void XmppBus::start() {
    commands_ = host_.commands().add(commands_of(*this));
    lamplights_.set_own_nodes(host_.own_nodes());
    asterisk_.set_own_nodes(host_.own_nodes());
    tie_eids();
    for (const conf::JabberClient& client : settings_.clients)
        add_client(client);
}

/// Whose votes come from which JID, by all clients' buddies.
void XmppBus::tie_eids() {
    std::vector<Tie> ties;
    for (const conf::JabberClient& client : settings_.clients)
        for (const conf::JabberBuddy& buddy : client.buddies)
            if (const auto jid = c2s::parse_jid(buddy.jid); jid && buddy.eid)
                ties.push_back({*buddy.eid, *jid});
    lamplights_.set_ties(ties);
    asterisk_.set_ties(ties, host_.now(), asterisk_out_);
    flush_soon();
}

void XmppBus::add_client(const conf::JabberClient& settings) {
    const auto dialect = settings_.file == "jabber.conf" ? Client::Dialect::jabber : Client::Dialect::xmpp;
    Client::Identity identity{own_node_, LAMPLIGHT_VERSION};
    clients_.push_back(std::make_unique<Client>(host_.loop(), log_, ClientId{++last_client_}, settings,
                                                dialect, std::move(identity), owner_of_clients()));
    clients_.back()->start();
}

Client::Owner XmppBus::owner_of_clients() {
    return {.now = [this] { return host_.now(); },
            .on_bound = [this](Client& client) { on_bound(client); },
            .on_lost = [this](Client& client) { on_lost(client); },
            .on_output = [this](Client& client, Session::Output& out) { on_output(client, out); }};
}

/// Lives until its stream is closed, and is let go of in a later turn.
void XmppBus::retire(std::unique_ptr<Client> client) {
    Client* const gone = client.get();
    retired_.push_back(std::move(client));
    gone->close([alive = std::weak_ptr(alive_), gone] {
        const auto bus = alive.lock();
        if (!bus) return;
        boost::asio::post((*bus)->host_.loop(), [alive, gone] {
            if (const auto later = alive.lock()) (*later)->let_go_of(gone);
        });
    });
}

void XmppBus::let_go_of(Client* retired) {
    const ClientId id = retired->id();
    std::erase_if(retired_, [&](const auto& one) { return one.get() == retired; });
    std::erase_if(followed_, [&](const auto& entry) { return entry.first.first == id; });
    asterisk_.client_retired(id, host_.now(), asterisk_out_);
    settle();
}

Client* XmppBus::find_client(std::string_view name) const {
    for (const auto& client : clients_)
        if (conf::same_name(client->settings().name, name)) return client.get();
    return nullptr;
}

// --- what the daemon says ---

void XmppBus::on_changes(const state::Changes& changes) {
    lamplights_.on_changes(changes);
    asterisk_.on_changes(changes);
    flush_soon();
}

void XmppBus::on_mwi_changes(std::span<const state::MwiOwnChange> changes) {
    lamplights_.on_mwi_changes(changes);
    asterisk_.on_mwi_changes(changes);
    flush_soon();
}

void XmppBus::on_own_nodes_changed() {
    lamplights_.set_own_nodes(host_.own_nodes());
    asterisk_.set_own_nodes(host_.own_nodes());
    flush_soon();
}

tl::expected<void, std::string> XmppBus::reload() {
    auto settings = read_settings(host_);
    if (!settings) return tl::unexpected(settings.error());
    settings_ = std::move(*settings);
    const auto wanted = [&](const Client& client) {
        return std::ranges::find(settings_.clients, client.settings().name, &conf::JabberClient::name);
    };
    for (std::size_t i = 0; i < clients_.size();) {
        if (const auto found = wanted(*clients_[i]); found != settings_.clients.end()) {
            clients_[i++]->configure(*found);
            continue;
        }
        auto gone = std::move(clients_[i]);
        clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(i));
        retire(std::move(gone));
    }
    tie_eids();  // now, when those who are no buddies any more have gone
    for (const conf::JabberClient& client : settings_.clients)
        if (find_client(client.name) == nullptr) add_client(client);
    flush_soon();
    return {};
}

// --- the end ---

void XmppBus::say_goodbye(Goodbye how, std::function<void()> done) {
    leaving_ = true;
    goodbye_done_ = std::move(done);
    const bool stop = how == Goodbye::stop;
    lamplights_.say_goodbye(stop ? wire::vote::Goodbye::How::left : wire::vote::Goodbye::How::restarting);
    takes_votes_back_ = stop;
    if (stop) asterisk_.say_goodbye();
    goodbye_timer_.expires_after(goodbye_patience);
    goodbye_timer_.async_wait([alive = std::weak_ptr(alive_)](boost::system::error_code error) {
        const auto bus = alive.lock();
        if (error || !bus) return;
        (*bus)->log_.warning("XMPP: not everybody took the goodbye in time");
        (*bus)->close_clients();
    });
    flush_soon();
}

void XmppBus::finish_goodbye() {
    if (!goodbye_done_ || closing_) return;
    const bool asterisks_know = !takes_votes_back_ || asterisk_.said_goodbye();
    if (lamplights_.said_goodbye() && asterisks_know) close_clients();
}

void XmppBus::close_clients() {
    if (std::exchange(closing_, true)) return;
    goodbye_timer_.cancel();
    auto open = std::make_shared<std::size_t>(clients_.size() + 1);
    const auto closed = [alive = std::weak_ptr(alive_), open] {
        const auto bus = alive.lock();
        if (--*open == 0 && bus && (*bus)->goodbye_done_) std::exchange((*bus)->goodbye_done_, nullptr)();
    };
    for (const auto& client : clients_)
        client->close(closed);
    boost::asio::post(host_.loop(), closed);
}

// --- questions ---

/// A node that is, or was lately, a Lamplight on some bus: Asterisk's wire adds nothing to what it says
/// itself.
bool XmppBus::is_lamplight(const state::Eid& eid) const {
    const auto node = host_.engine().find_node(eid);
    if (!node) return false;
    bool found = false;
    host_.engine().for_each_member(*node, [&](const state::MemberView& member) {
        using enum state::MemberStatus;
        found =
            found || (state::has_versions(member.bus) && member.announced &&
                      (member.status == present || member.status == silent || member.status == restarting));
    });
    return found;
}

std::vector<Status> XmppBus::status() const {
    const sync::Counters& counters = lamplights_.exchange().counters();
    Status all;
    all.bus = "xmpp";
    const auto peers = lamplights_.peers();
    const auto present = std::ranges::count_if(peers, &Lamplights::PeerView::present);
    const auto alone = std::ranges::count_if(
        peers, [](const Lamplights::PeerView& peer) { return peer.present && !peer.follows_our_node; });
    const auto up = std::ranges::count_if(clients_, [](const auto& client) { return client->is_bound(); });
    all.up = up > 0;
    all.peers = static_cast<std::uint32_t>(present);
    all.detail = fmt::format(
        "{} of {} clients connected; {}", up, clients_.size(),
        present == 0 ? std::string("no other Lamplight")
        : alone == 0 ? std::string("changes go out as items of our node")
                     : fmt::format("changes go to {} of {} Lamplights each by itself: see xmpp doctor", alone,
                                   present));
    if (leaving_) all.detail = "leaving";
    all.votes_out = counters.votes_out;
    all.votes_in = counters.votes_in;
    all.frames_out = counters.frames_out;
    all.frames_in = counters.frames_in;
    all.refused_frames = counters.refused_frames();
    all.waiting = lamplights_.exchange().waiting();
    std::vector<Status> rows{std::move(all)};
    for (const auto& client : clients_)
        rows.push_back(status_of(*client));
    return rows;
}

Status XmppBus::status_of(const Client& client) const {
    const AsteriskVotes::Counters& counters = asterisk_.counters();
    Status row;
    row.bus = "xmpp:" + client.settings().name;
    row.up = client.state() == c2s::State::connected;
    row.detail = row.up ? "as " + client.jid() : std::string(c2s::to_string(client.state()));
    if (const std::string trouble = client.trouble(); !trouble.empty()) row.detail = trouble;
    for (const Buddy* buddy : client.session().roster().buddies())
        row.peers += static_cast<std::uint32_t>(buddy->resources.size());
    row.frames_in = client.session().counters().stanzas_in;
    row.waiting = asterisk_.has_audience(client.id()) ? asterisk_.waiting(client.id()) : 0;
    if (clients_.size() == 1) {
        row.votes_in = counters.states_in + counters.mailboxes_in;
        row.votes_out = counters.published;
        row.refused_frames = counters.refused_items();
    }
    return row;
}

unsigned XmppBus::use_count() const {
    return static_cast<unsigned>(lamplights_.exchange().peers() + asterisk_.eids().size());
}

}  // namespace lamplight::bus::xmpp
