#include "bus/lan/shared_ring.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace lamplight::bus::lan {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view place = "corosync ring";  ///< of Host::shared()
constexpr auto names_again_after = 250ms;
constexpr auto start_patience = 1s;  ///< after it, that we are still out is worth a line in the log

}  // namespace

/// ```
///  idle ──attach──▶ running ──the last detaches──▶ leaving ──back to us, or late──▶ left
///                      ▲                                                             │
///                      └────────────── somebody attached, then or meanwhile ─────────┘
/// ```
class SharedRing::Impl {
public:
    Impl(Host& host, state::Bus bus);
    ~Impl() { alive_.reset(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    UserId attach(User user);
    void detach(UserId id, Goodbye how, std::function<void()> done);
    void forget(UserId id);
    bool is_first(UserId id) const { return id == (users_.empty() ? last_ : users_.front()->id); }
    void learn_names();

    Host& host() { return host_; }
    ring::Worker& worker() { return worker_; }
    const RingNames& names() const { return names_; }
    OwnGroup& own_group() { return *own_; }

private:
    enum class Phase : std::uint8_t { idle, running, leaving, left };
    struct Attached {
        UserId id{};
        User user;
        bool told_joined = false;
    };

    std::unique_ptr<OwnGroup> make_own_group();
    void start();
    void start_group();
    void start_again();
    void tell_when_not_joined();
    void on_described(const ring::Description& description);
    void on_joined();
    void on_lamplights(const std::vector<ring::Member>& lamplights);
    void on_lost(const std::string& why);
    void welcome(UserId id);
    void finish_goodbye();

    std::shared_ptr<Attached> find(UserId id) const;
    std::shared_ptr<Attached> remove(UserId id);
    template <typename Call>
    void for_each_user(Call call);
    template <typename Call>
    void later(Call call);
    template <typename Call>
    void after(boost::asio::steady_timer& timer, std::chrono::milliseconds pause, Call call);

    Host& host_;
    log::Log& log_;
    const state::Bus bus_;
    Phase phase_ = Phase::idle;
    RingNames names_;
    /// One for all: libcpg's table of handles is not safe from two threads that open or close one.
    ring::Worker worker_;
    std::unique_ptr<OwnGroup> own_;
    bool group_started_ = false;
    bool told_lost_ = false;
    bool asking_ = false;                           ///< for the names
    bool ask_again_ = false;                        ///< they may have changed since
    std::vector<std::shared_ptr<Attached>> users_;  ///< the longest attached first
    UserId last_{};                                 ///< of those that are not attached any more
    UserId ids_{};
    UserId leaver_{};
    std::function<void()> goodbye_done_;  ///< the leaver's
    boost::asio::steady_timer names_timer_;
    boost::asio::steady_timer start_timer_;
    boost::asio::steady_timer goodbye_timer_;
    /// Handlers in the loop hold it weakly: gone means that this is.
    std::shared_ptr<Impl*> alive_;
};

SharedRing::Impl::Impl(Host& host, state::Bus bus)
    : host_(host),
      log_(host.log()),
      bus_(bus),
      worker_(host.loop()),
      own_(make_own_group()),
      names_timer_(host.loop()),
      start_timer_(host.loop()),
      goodbye_timer_(host.loop()),
      alive_(std::make_shared<Impl*>(this)) {}

std::unique_ptr<OwnGroup> SharedRing::Impl::make_own_group() {
    return std::make_unique<OwnGroup>(
        host_, worker_, names_, bus_,
        OwnGroup::Owner{.on_joined = [this] { on_joined(); },
                        .on_lamplights = [this](const auto& lamplights) { on_lamplights(lamplights); },
                        .on_lost = [this](const std::string& why) { on_lost(why); }});
}

// --- users ---

SharedRing::UserId SharedRing::Impl::attach(User user) {
    const UserId id = ++ids_;
    users_.push_back(std::make_shared<Attached>(Attached{.id = id, .user = std::move(user)}));
    if (phase_ == Phase::running) later([id](Impl& self) { self.welcome(id); });
    if (phase_ == Phase::left) later([](Impl& self) { self.start_again(); });
    if (phase_ == Phase::idle) start();
    return id;
}

/// Who comes later hears what the others have heard already.
void SharedRing::Impl::welcome(UserId id) {
    const auto one = find(id);
    if (!one) return;
    if (names_.known() && one->user.on_names) one->user.on_names();
    if (!own_->joined() || std::exchange(one->told_joined, true)) return;
    if (one->user.on_joined) one->user.on_joined();
    if (one->user.on_lamplights) one->user.on_lamplights(own_->lamplights());
}

std::shared_ptr<SharedRing::Impl::Attached> SharedRing::Impl::find(UserId id) const {
    const auto found = std::ranges::find(users_, id, &Attached::id);
    return found == users_.end() ? nullptr : *found;
}

std::shared_ptr<SharedRing::Impl::Attached> SharedRing::Impl::remove(UserId id) {
    auto one = find(id);
    if (!one) return nullptr;
    std::erase(users_, one);
    last_ = id;
    return one;
}

void SharedRing::Impl::forget(UserId id) {
    remove(id);
    if (leaver_ == id) goodbye_done_ = nullptr;
}

/// A call may make users come and go.
template <typename Call>
void SharedRing::Impl::for_each_user(Call call) {
    const auto users = users_;
    for (const auto& one : users)
        if (std::ranges::find(users_, one) != users_.end()) call(*one);
}

// --- the way in ---

void SharedRing::Impl::start() {
    phase_ = Phase::running;
    // Members have names then. Without an answer Corosync is not there yet, and both wait for it.
    learn_names();
    tell_when_not_joined();
}

void SharedRing::Impl::start_group() {
    if (phase_ == Phase::running && !std::exchange(group_started_, true)) own_->start();
}

/// A group that was left is not joined again; another one is.
void SharedRing::Impl::start_again() {
    if (phase_ != Phase::left || users_.empty()) return;
    own_ = make_own_group();
    group_started_ = told_lost_ = false;
    start();
    for_each_user([this](const Attached& one) { welcome(one.id); });
}

void SharedRing::Impl::tell_when_not_joined() {
    after(start_timer_, start_patience, [](Impl& self) {
        if (self.own_->joined()) return;
        self.log_.warning("Corosync: {}; joining as soon as it can be done", self.own_->status().detail);
    });
}

void SharedRing::Impl::learn_names() {
    if (std::exchange(asking_, true)) {
        ask_again_ = true;
        return;
    }
    ring::describe_ring(worker_, [alive = std::weak_ptr(alive_)](const ring::Description& description) {
        if (const auto self = alive.lock()) (*self)->on_described(description);
    });
}

/// Goes on after the first answer, and asks again while Corosync does not know.
void SharedRing::Impl::on_described(const ring::Description& description) {
    asking_ = false;
    if (description) {
        names_.learn(*description);
        for_each_user([](const Attached& one) {
            if (one.user.on_names) one.user.on_names();
        });
    } else if (own_->joined()) {
        after(names_timer_, names_again_after, [](Impl& self) { self.learn_names(); });
    }
    start_group();
    if (std::exchange(ask_again_, false)) learn_names();
}

// --- what the group says ---

void SharedRing::Impl::on_joined() {
    log_.notice("Corosync: joined the group lamplight as {}", names_.label(own_->link().group().self()));
    told_lost_ = false;
    learn_names();
    for_each_user([](Attached& one) {
        if (!std::exchange(one.told_joined, true) && one.user.on_joined) one.user.on_joined();
    });
}

void SharedRing::Impl::on_lamplights(const std::vector<ring::Member>& lamplights) {
    for_each_user([&](const Attached& one) {
        if (one.told_joined && one.user.on_lamplights) one.user.on_lamplights(lamplights);
    });
}

void SharedRing::Impl::on_lost(const std::string& why) {
    if (phase_ == Phase::running && !std::exchange(told_lost_, true))
        log_.warning(
            "Corosync: the connection is lost: {}. What others said is marked as stale and counts for their "
            "hold; what this server says waits. Connecting again as soon as Corosync answers",
            why);
    for_each_user([&](Attached& one) {
        if (std::exchange(one.told_joined, false) && one.user.on_lost) one.user.on_lost(why);
    });
}

// --- the end ---

void SharedRing::Impl::detach(UserId id, Goodbye how, std::function<void()> done) {
    const auto leaver = remove(id);
    if (leaver && !users_.empty())
        log_.verbose(2, "Corosync: {} goes; the group lamplight stays joined for {}", leaver->user.name,
                     users_.front()->user.name);
    if (!leaver || !users_.empty() || phase_ != Phase::running) return done();
    phase_ = Phase::leaving;
    leaver_ = id;
    goodbye_done_ = std::move(done);
    start_timer_.cancel();
    after(goodbye_timer_, goodbye_patience, [](Impl& self) {
        self.log_.warning("Corosync: the goodbye did not come back in time");
        self.finish_goodbye();
    });
    own_->say_goodbye(how, [alive = std::weak_ptr(alive_)] {
        if (const auto self = alive.lock()) (*self)->finish_goodbye();
    });
}

void SharedRing::Impl::finish_goodbye() {
    if (phase_ != Phase::leaving) return;
    phase_ = Phase::left;
    goodbye_timer_.cancel();
    later([](Impl& self) { self.start_again(); });
    if (goodbye_done_) std::exchange(goodbye_done_, nullptr)();
}

// --- tools ---

template <typename Call>
void SharedRing::Impl::later(Call call) {
    boost::asio::post(host_.loop(), [alive = std::weak_ptr(alive_), call] {
        if (const auto self = alive.lock()) call(**self);
    });
}

template <typename Call>
void SharedRing::Impl::after(boost::asio::steady_timer& timer, std::chrono::milliseconds pause, Call call) {
    timer.expires_after(pause);
    timer.async_wait([alive = std::weak_ptr(alive_), call](boost::system::error_code error) {
        const auto self = alive.lock();
        if (!error && self) call(**self);
    });
}

// --- SharedRing ---

std::shared_ptr<SharedRing> SharedRing::of(Host& host, state::Bus bus) {
    std::weak_ptr<void>& there = host.shared(place);
    if (auto ring = std::static_pointer_cast<SharedRing>(there.lock())) return ring;
    const std::shared_ptr<SharedRing> made(new SharedRing(host, bus));
    there = made;
    return made;
}

SharedRing::SharedRing(Host& host, state::Bus bus) : impl_(std::make_unique<Impl>(host, bus)) {}

SharedRing::~SharedRing() {
    impl_->host().shared(place).reset();
}

SharedRing::UserId SharedRing::attach(User user) {
    return impl_->attach(std::move(user));
}

void SharedRing::detach(UserId user, Goodbye how, std::function<void()> done) {
    impl_->detach(user, how, std::move(done));
}

void SharedRing::forget(UserId user) {
    impl_->forget(user);
}

void SharedRing::on_changes(UserId user, const state::Changes& changes) {
    if (is_first(user)) impl_->own_group().on_changes(changes);
}

void SharedRing::on_mwi_changes(UserId user, std::span<const state::MwiOwnChange> changes) {
    if (is_first(user)) impl_->own_group().on_mwi_changes(changes);
}

void SharedRing::on_own_nodes_changed(UserId user) {
    if (is_first(user)) impl_->own_group().on_own_nodes_changed();
}

bool SharedRing::is_first(UserId user) const {
    return impl_->is_first(user);
}

void SharedRing::learn_names() {
    impl_->learn_names();
}

ring::Worker& SharedRing::worker() {
    return impl_->worker();
}

const RingNames& SharedRing::names() const {
    return impl_->names();
}

const OwnGroup& SharedRing::own_group() const {
    return impl_->own_group();
}

}  // namespace lamplight::bus::lan
