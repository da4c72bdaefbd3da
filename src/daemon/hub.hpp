#pragma once

#include "bus/module.hpp"
#include "conf/configuration.hpp"
#include "daemon/chronicle.hpp"
#include "daemon/clock.hpp"
#include "daemon/custom_states.hpp"
#include "state/hints.hpp"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lamplight::daemon {

/// Where changes go once around: engine → hints → modules → log. Owns engine, hints and message counts, keeps
/// the engine's timer, and is what modules see of the daemon. Everything on the loop's thread.
class Hub final : public bus::Host {
public:
    /// What the hub works with; all of it outlives the hub.
    struct Parts {
        boost::asio::io_context& loop;
        log::Log& log;
        console::Registry& commands;
        const conf::Configuration& configuration;  ///< the running one; reload() says that it changed
        CustomStates& custom_states;
    };
    /// Who is told of changes beyond hints and log.
    struct Outlets {
        std::function<void(const state::Changes&)> changes;
        std::function<void()> own_nodes_changed;
        std::function<void(std::span<const state::MwiOwnChange>)> mwi_changes = {};
    };

    /// `incarnation` is committed to disk already. Own custom states are voted for, hints loaded.
    Hub(const Parts& parts, std::uint64_t incarnation);
    void set_outlets(Outlets outlets) { outlets_ = std::move(outlets); }

    // --- bus::Host ---
    boost::asio::io_context& loop() override { return parts_.loop; }
    log::Log& log() override { return parts_.log; }
    console::Registry& commands() override { return parts_.commands; }
    state::Engine& engine() override { return engine_; }
    state::Time now() const override { return clock_.now(); }
    std::chrono::system_clock::time_point wall(state::Time time) const override { return clock_.wall(time); }
    void publish(state::Changes& changes) override;
    const state::MwiTable& mwi() const override { return mwi_; }
    void publish_mwi(std::vector<state::MwiInput>& inputs) override;
    std::vector<state::Announcement> own_nodes() const override;
    void raise_incarnation(const state::Eid& eid, std::uint64_t seen) override;
    const conf::Configuration& configuration() const override { return parts_.configuration; }
    const std::string& name() const override { return self_.name; }
    const std::filesystem::path& run_dir() const override { return parts_.configuration.run_dir; }
    const std::filesystem::path& state_dir() const override { return parts_.configuration.state_dir; }
    const std::filesystem::path& config_dir() const override { return parts_.configuration.config_dir; }
    void note_file_read(const std::filesystem::path& file) override;
    std::weak_ptr<void>& shared(std::string_view name) override { return shared_[std::string(name)]; }

    // --- the daemon's own use ---
    state::Hints& hints() { return hints_; }
    state::NodeId own_node() const { return own_node_; }
    const state::Announcement& self() const { return self_; }
    /// Votes for a custom state of our own node. Fails for a name the engine refuses.
    tl::expected<void, std::string> vote(std::string_view device, state::DeviceState state,
                                         state::Cause cause);
    void withdraw(std::string_view device, state::Cause cause);
    /// Counts of our own node for a mailbox, announced, kept until the daemon ends. Fails for a name or
    /// number of mailboxes that the table refuses.
    tl::expected<void, std::string> vote(const state::Mailbox& mailbox, state::MessageCounts counts);
    /// Takes them back. Fails when there are none.
    tl::expected<void, std::string> withdraw(const state::Mailbox& mailbox);
    /// The daemon leaves: what its buses lose by that is nobody's news.
    void say_no_more() { telling_ = false; }
    /// The running configuration has other policies or limits.
    void reload_policy();
    /// It has other hints.
    void reload_hints();
    /// What modules read, each once.
    const std::vector<std::filesystem::path>& files_read() const { return files_read_; }

private:
    void restore();
    void deliver(const state::Changes& changes);
    void undo(const std::string& device, std::optional<state::DeviceState> stored);
    void on_raised(std::uint64_t incarnation);
    void renew_own_mwi();
    state::MwiOutcome apply_own(const state::Mailbox& mailbox, state::MessageCounts counts,
                                state::VoteKind kind);
    void arm();
    void trace(state::DeviceId device, state::VoteOutcome outcome, state::DeviceState before);

    Parts parts_;
    Clock clock_;
    state::Announcement self_;
    state::Engine engine_;
    state::MwiTable mwi_;
    state::Hints hints_;
    Chronicle chronicle_;
    state::NodeId own_node_{};
    std::uint64_t raising_to_ = 0;  ///< an incarnation on its way to disk; 0: none
    Outlets outlets_;
    boost::asio::steady_timer timer_;
    std::optional<state::Time> armed_;  ///< what the timer waits for
    state::Changes round_;              ///< what is being handed on
    state::Changes more_;               ///< what came of it, handed on next
    std::vector<state::MwiChange> mwi_changes_;
    std::uint64_t mwi_sequence_ = 0;  ///< of the last own message counts
    std::vector<state::HintChange> hint_changes_;
    bool publishing_ = false;
    bool telling_ = true;
    std::vector<std::filesystem::path> files_read_;
    std::map<std::string, std::weak_ptr<void>> shared_;
};

}  // namespace lamplight::daemon
