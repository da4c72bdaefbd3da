#include "ring/group.hpp"

#include "ring/connection.hpp"
#include "ring/failure.hpp"
#include "ring/stack.hpp"
#include "ring/worker.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <corosync/corotypes.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace lamplight::ring {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds first_pause = 20ms;
constexpr std::chrono::milliseconds pause_step = 10ms;
constexpr std::chrono::milliseconds longest_pause = 50ms;
constexpr std::chrono::milliseconds kept_out_pause = 1s;

}  // namespace

/// Handlers in the loop and on the worker's way back hold it weakly, a running turn strongly.
class Group::Impl final : public std::enable_shared_from_this<Impl>, private Receiver {
public:
    Impl(boost::asio::io_context& loop, Worker& worker, std::string name, Owner owner)
        : loop_(loop),
          worker_(worker),
          name_(std::move(name)),
          owner_(std::move(owner)),
          descriptor_(loop),
          timer_(loop) {}
    virtual ~Impl() = default;
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void start() { connect(); }
    Sent send(wire::Bytes message);
    void leave(std::function<void()> done);
    /// The owner has gone: nothing is called any more.
    void end();

    State state() const { return state_; }
    const std::string& name() const { return name_; }
    Member self() const { return self_; }
    std::chrono::steady_clock::time_point since() const { return since_; }
    const std::string& trouble() const { return trouble_; }

private:
    // --- the way in ---
    void connect();
    void consider(const std::vector<Member>& there);
    void ask_again();
    void join();
    void on_join_answer(int code);
    void try_later(int code);
    // --- being in ---
    void watch();
    void turn();
    int dispatch_some();
    void lose(int code);
    // --- the way out ---
    void advance_leaving();
    void on_leave_answer(int code);
    void finish_leaving();

    void on_message(Member from, wire::Bytes message) override;
    void on_membership(const Membership& membership) override;
    void on_totem(const Totem& totem) override;

    void enter(State state, std::string trouble);
    void unwatch();
    void drop_connection();
    void after(std::chrono::milliseconds pause, void (Impl::*then)());
    template <typename Question, typename Answer>
    void ask(Question question, Answer answer);

    boost::asio::io_context& loop_;
    Worker& worker_;
    const std::string name_;
    const Owner owner_;
    boost::asio::posix::stream_descriptor descriptor_;  ///< lent by libcpg, so always released
    boost::asio::steady_timer timer_;
    std::shared_ptr<Connection> connection_;
    std::uint64_t watch_ = 0;  ///< handlers of an earlier one are void

    State state_ = State::connecting;
    std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
    std::string trouble_ = "Corosync has not answered yet";
    Member self_;
    std::chrono::milliseconds pause_ = first_pause;
    std::vector<std::function<void()>> on_left_;
    bool ended_ = false;
    bool stack_checked_ = false;
    bool in_turn_ = false;
    bool seen_coming_ = false;                 ///< ourselves, in the group
    std::optional<std::uint64_t> early_ring_;  ///< what was said of the ring before that, the last
    std::vector<std::uint32_t> early_nodes_;
    bool leave_asked_ = false;
    bool seen_going_ = false;
};

// --- the way in ---

void Group::Impl::connect() {
    if (owner_.may_connect && !owner_.may_connect()) return after(pause_, &Impl::connect);
    // Asked once: the answer costs more than an attempt, and does not change.
    if (!std::exchange(stack_checked_, true) && !stack_suffices())
        return enter(State::connecting, stack_trouble());  // that does not change
    connection_ = std::make_shared<Connection>(name_);
    ask([](Connection& connection) { return connection.open(); },
        [](Impl& self, const auto& opened) {
            if (!opened) return self.try_later(opened.error().code);
            self.self_ = opened->self;
            self.consider(opened->there);
        });
}

void Group::Impl::consider(const std::vector<Member>& there) {
    const bool may_join = !owner_.may_join || owner_.may_join(self_, there);
    if (ended_ || state_ == State::left) return;
    if (may_join) return join();
    enter(State::kept_out, "kept out of the group");
    after(kept_out_pause, &Impl::ask_again);
}

void Group::Impl::ask_again() {
    ask([](Connection& connection) { return connection.members(); },
        [](Impl& self, const auto& there) {
            if (!there) return self.try_later(there.error().code);
            self.consider(*there);
        });
}

void Group::Impl::join() {
    enter(State::joining, "joining the group");
    ask([](Connection& connection) { return connection.join(); },
        [](Impl& self, int code) { self.on_join_answer(code); });
}

void Group::Impl::on_join_answer(int code) {
    const bool leaving = state_ == State::leaving;
    if (code != CS_OK) return leaving ? finish_leaving() : try_later(code);
    pause_ = first_pause;
    if (!leaving) enter(State::joined, {});
    watch();
}

// Also when Corosync only was not ready: who is in the group may have changed meanwhile.
void Group::Impl::try_later(int code) {
    drop_connection();
    enter(State::connecting, explain(code));
    after(code == CS_ERR_TOO_MANY_GROUPS ? kept_out_pause : pause_, &Impl::connect);
    pause_ = std::min(pause_ + pause_step, longest_pause);
}

// --- being in ---

void Group::Impl::watch() {
    if (!descriptor_.is_open()) {
        boost::system::error_code error;
        descriptor_.assign(connection_->descriptor(), error);
        if (error) return lose(CS_ERR_NO_RESOURCES);
    }
    descriptor_.async_wait(descriptor_.wait_read,
                           [weak = weak_from_this(), watch = watch_](boost::system::error_code error) {
                               const auto self = weak.lock();
                               if (!error && self && self->watch_ == watch) self->turn();
                           });
}

void Group::Impl::turn() {
    in_turn_ = true;
    const int code = dispatch_some();
    if (!ended_ && owner_.on_turn_end) owner_.on_turn_end();
    in_turn_ = false;
    if (ended_) return;
    if (seen_going_) return finish_leaving();
    if (code != CS_OK && code != CS_ERR_TRY_AGAIN) return lose(code);
    advance_leaving();
    if (!descriptor_.is_open()) return;
    if (code == CS_ERR_TRY_AGAIN) return watch();
    boost::asio::post(loop_, [weak = weak_from_this(), watch = watch_] {
        const auto self = weak.lock();
        if (self && self->watch_ == watch) self->turn();
    });
}

int Group::Impl::dispatch_some() {
    const auto connection = connection_;  // a callback may end us
    int code = CS_OK;
    for (std::size_t i = 0; i < messages_a_turn && code == CS_OK && !ended_ && !seen_going_; ++i)
        code = connection->dispatch_one(*this);
    return code;
}

void Group::Impl::on_message(Member from, wire::Bytes message) {
    if (owner_.on_message) owner_.on_message(from, message);
}

void Group::Impl::on_membership(const Membership& membership) {
    const bool in = std::ranges::find(membership.members, self_) != membership.members.end();
    if (in) seen_coming_ = true;
    if (!in && leave_asked_) seen_going_ = true;
    if (owner_.on_membership) owner_.on_membership(membership);
    const auto early = in ? std::exchange(early_ring_, std::nullopt) : std::nullopt;
    if (early && !ended_) on_totem({.nodes = early_nodes_, .ring_sequence = *early});
}

// A connection hears of the ring also before it is in a group: Corosync says once how it is, with the next
// change of any group, whoever comes or goes.
void Group::Impl::on_totem(const Totem& totem) {
    if (seen_coming_) {
        if (owner_.on_totem) owner_.on_totem(totem);
        return;
    }
    early_ring_ = totem.ring_sequence;
    early_nodes_.assign(totem.nodes.begin(), totem.nodes.end());
}

void Group::Impl::lose(int code) {
    unwatch();
    if (state_ == State::leaving) return finish_leaving();
    const std::string why = explain(code);
    try_later(code);
    if (owner_.on_lost) owner_.on_lost(why);
}

Sent Group::Impl::send(wire::Bytes message) {
    if (message.size() > max_message_bytes) std::abort();
    if (state_ != State::joined) return Sent::not_joined;
    const int code = connection_->send(message);
    if (code == CS_OK) return Sent::accepted;
    if (code == CS_ERR_TRY_AGAIN) return Sent::try_again;
    boost::asio::post(loop_, [weak = weak_from_this(), watch = watch_, code] {
        const auto self = weak.lock();
        if (self && self->watch_ == watch && self->state_ == State::joined) self->lose(code);
    });
    return Sent::not_joined;
}

// --- the way out ---

void Group::Impl::leave(std::function<void()> done) {
    on_left_.push_back(std::move(done));
    if (state_ == State::joined || state_ == State::joining) {
        enter(State::leaving, "leaving the group");
        if (!in_turn_) advance_leaving();
    } else if (state_ != State::leaving) {
        drop_connection();
        enter(State::left, "left the group");
        boost::asio::post(loop_, [weak = weak_from_this()] {
            if (const auto self = weak.lock(); self && !self->ended_) self->finish_leaving();
        });
    }
}

void Group::Impl::advance_leaving() {
    if (state_ != State::leaving || !seen_coming_ || leave_asked_) return;
    unwatch();  // a connection is used by one thread at a time
    ask([](Connection& connection) { return connection.leave(); },
        [](Impl& self, int code) { self.on_leave_answer(code); });
}

void Group::Impl::on_leave_answer(int code) {
    if (code == CS_ERR_TRY_AGAIN) return after(first_pause, &Impl::advance_leaving);
    if (code != CS_OK) return finish_leaving();
    leave_asked_ = true;
    watch();
}

void Group::Impl::finish_leaving() {
    drop_connection();
    enter(State::left, "left the group");
    for (const auto& done : std::exchange(on_left_, {}))
        if (!ended_) done();
}

void Group::Impl::end() {
    ended_ = true;
    drop_connection();
}

// --- tools ---

void Group::Impl::enter(State state, std::string trouble) {
    if (state != state_) since_ = std::chrono::steady_clock::now();
    state_ = state;
    trouble_ = std::move(trouble);
}

void Group::Impl::unwatch() {
    ++watch_;
    if (descriptor_.is_open()) (void)descriptor_.release();
}

void Group::Impl::drop_connection() {
    timer_.cancel();
    unwatch();
    seen_coming_ = leave_asked_ = seen_going_ = false;
    early_ring_.reset();
    if (!connection_) return;
    worker_.run([connection = std::exchange(connection_, {})] { connection->finalize(); }, {});
}

void Group::Impl::after(std::chrono::milliseconds pause, void (Impl::*then)()) {
    timer_.expires_after(pause);
    timer_.async_wait([weak = weak_from_this(), watch = watch_, then](boost::system::error_code error) {
        const auto self = weak.lock();
        if (!error && self && self->watch_ == watch) (*self.*then)();
    });
}

/// `answer` does not come when the connection was dropped meanwhile.
template <typename Question, typename Answer>
void Group::Impl::ask(Question question, Answer answer) {
    using Result = std::invoke_result_t<Question, Connection&>;
    const auto result = std::make_shared<std::optional<Result>>();
    worker_.run([connection = connection_, result, question] { *result = question(*connection); },
                [weak = weak_from_this(), connection = connection_, result, answer] {
                    const auto self = weak.lock();
                    if (self && self->connection_ == connection) answer(*self, **result);
                });
}

// --- Group ---

Group::Group(boost::asio::io_context& loop, Worker& worker, std::string name, Owner owner)
    : impl_(std::make_shared<Impl>(loop, worker, std::move(name), std::move(owner))) {}

Group::~Group() {
    impl_->end();
}

void Group::start() {
    impl_->start();
}

Sent Group::send(wire::Bytes message) {
    return impl_->send(message);
}

void Group::leave(std::function<void()> done) {
    impl_->leave(std::move(done));
}

Group::State Group::state() const {
    return impl_->state();
}

const std::string& Group::name() const {
    return impl_->name();
}

Member Group::self() const {
    return impl_->self();
}

std::chrono::steady_clock::time_point Group::since() const {
    return impl_->since();
}

const std::string& Group::trouble() const {
    return impl_->trouble();
}

}  // namespace lamplight::ring
