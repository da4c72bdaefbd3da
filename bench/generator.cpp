#include "bench/board.hpp"
#include "bench/crowd_member.hpp"
#include "bus/module.hpp"
#include "conf/file.hpp"
#include "conf/values.hpp"

#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <vector>

/// The module `bench_generator.so` of the build tree, for `lamplight-bench ring`, `ais` and `xmpp`: stands
/// where a PBX link stands, gives own votes to the daemon it is loaded into, or counts what the daemon has
/// applied of another node's.
namespace lamplight::bench {

namespace {

constexpr const char* settings_file = "bench_generator.conf";

/// What bench_generator.conf asks for.
struct Orders {
    enum class Role : std::uint8_t {
        idle,
        fill,   ///< sets every device once, as fast as it goes
        give,   ///< changes devices in turn, each again only when its last change was seen
        see,    ///< counts changes of aggregates, each of which comes of one vote
        votes,  ///< counts votes that were applied, of whichever node, as the board's events
        crowd,  ///< gives and looks, with others: see CrowdMember
    } role = Role::idle;
    std::string board;         ///< the file of a Board; of a Crowd
    std::uint64_t number = 0;  ///< of our part in the crowd, from 0
    std::uint64_t changes = 0;
    std::uint64_t window = 0;      ///< so many changes may be given and not seen
    std::uint64_t per_second = 0;  ///< 0: as fast as they are seen
};

std::optional<Orders::Role> role_of(std::string_view word) {
    if (word == "idle") return Orders::Role::idle;
    if (word == "fill") return Orders::Role::fill;
    if (word == "give") return Orders::Role::give;
    if (word == "see") return Orders::Role::see;
    if (word == "votes") return Orders::Role::votes;
    if (word == "crowd") return Orders::Role::crowd;
    return {};
}

/// False for what is not understood.
bool read_option(const conf::Option& option, Orders& orders) {
    if (option.name == "board") {
        orders.board = option.value;
        return true;
    }
    if (option.name == "role") {
        const auto role = role_of(option.value);
        orders.role = role.value_or(Orders::Role::idle);
        return role.has_value();
    }
    const auto number = conf::parse_integer(option.value);
    if (!number || *number < 0) return false;
    const auto value = static_cast<std::uint64_t>(*number);
    if (option.name == "number")
        orders.number = value;
    else if (option.name == "changes")
        orders.changes = value;
    else if (option.name == "window")
        orders.window = value;
    else if (option.name == "per_second")
        orders.per_second = value;
    else
        return false;
    return true;
}

tl::expected<Orders, std::string> read_orders(const std::filesystem::path& folder) {
    const conf::File file =
        conf::read_file((folder / settings_file).string(), folder.string(), conf::DiskFiles{});
    if (!file.read) return tl::unexpected(fmt::format("{} cannot be read", settings_file));
    Orders orders;
    for (const conf::Section& section : file.sections) {
        for (const conf::Option& option : section.options) {
            if (!read_option(option, orders))
                return tl::unexpected(fmt::format("{}:{}: {} = {} is not understood", settings_file,
                                                  option.where.line, option.name, option.value));
        }
    }
    return orders;
}

class Generator final : public bus::Module {
public:
    static tl::expected<std::unique_ptr<bus::Module>, std::string> make(bus::Host& host);

    void on_changes(const state::Changes& changes) override;
    tl::expected<void, std::string> reload() override;
    void say_goodbye(bus::Goodbye, std::function<void()> done) override {
        timer_.cancel();
        crowd_.reset();
        done();
    }
    std::vector<bus::Status> status() const override { return {}; }

private:
    using Clock = std::chrono::steady_clock;
    static constexpr auto tick_every = std::chrono::milliseconds(1);
    static constexpr std::uint64_t most_a_tick = 2048;
    static constexpr std::uint32_t no_device = std::numeric_limits<std::uint32_t>::max();

    explicit Generator(bus::Host& host) : host_(host), timer_(host.loop()) {}
    tl::expected<void, std::string> join_crowd();
    tl::expected<void, std::string> know_devices(std::uint32_t count);
    tl::expected<void, std::string> begin_giving();
    void tick_at(Clock::time_point time);
    void on_tick();
    void count_votes();
    bool may_give() const;
    void give_next();
    std::uint32_t index_of(state::DeviceId device);

    bus::Host& host_;
    boost::asio::steady_timer timer_;
    Orders orders_;
    mutable std::optional<Board> board_;
    std::optional<CrowdMember> crowd_;
    state::Changes changes_;
    std::vector<state::DeviceId> devices_;  ///< ours, by their number
    std::vector<std::uint8_t> busy_;        ///< whether we last gave INUSE, by their number
    std::vector<std::uint32_t> indices_;  ///< numbers by device id; no_device: not known yet, or none of ours
    state::NodeId node_{};
    std::uint32_t next_ = 0;
    std::uint64_t left_ = 0;
    std::uint64_t seen_before_ = 0;
    Clock::time_point due_;
};

tl::expected<std::unique_ptr<bus::Module>, std::string> Generator::make(bus::Host& host) {
    std::unique_ptr<Generator> generator(new Generator(host));
    if (auto result = generator->reload(); !result) return tl::unexpected(result.error());
    return generator;
}

tl::expected<void, std::string> Generator::reload() {
    auto orders = read_orders(host_.config_dir());
    if (!orders) return tl::unexpected(orders.error());
    std::optional<Board> board;
    if (orders->role != Orders::Role::idle && orders->role != Orders::Role::crowd) {
        auto opened = Board::open(orders->board);
        if (!opened) return tl::unexpected(opened.error());
        board.emplace(std::move(*opened));
    }
    timer_.cancel();
    crowd_.reset();
    orders_ = std::move(*orders);
    board_ = std::move(board);
    if (orders_.role == Orders::Role::fill || orders_.role == Orders::Role::give) return begin_giving();
    if (orders_.role == Orders::Role::crowd) return join_crowd();
    if (orders_.role == Orders::Role::votes) tick_at(Clock::now());
    return {};
}

tl::expected<void, std::string> Generator::join_crowd() {
    auto crowd = Crowd::open(orders_.board);
    if (!crowd) return tl::unexpected(crowd.error());
    if (orders_.number >= crowd->parts().size())
        return tl::unexpected(std::string("there is no such part in the crowd"));
    if (auto known = know_devices(crowd->devices()); !known) return known;
    host_.publish(changes_);
    crowd_.emplace(host_, std::move(*crowd), orders_.number, devices_);
    return {};
}

tl::expected<void, std::string> Generator::know_devices(std::uint32_t count) {
    while (devices_.size() < count) {
        const auto device =
            host_.engine().intern_device(device_name(static_cast<std::uint32_t>(devices_.size())), changes_);
        if (!device) return tl::unexpected(fmt::format("the daemon's limits do not allow {} devices", count));
        host_.engine().retain_device(*device);
        devices_.push_back(*device);
        busy_.push_back(0);
    }
    return {};
}

tl::expected<void, std::string> Generator::begin_giving() {
    node_ = *host_.engine().find_node(host_.own_nodes().front().eid);
    if (auto known = know_devices(board_->devices()); !known) return known;
    board_->begin();
    next_ = 0;
    seen_before_ = board_->head().seen;
    left_ = orders_.role == Orders::Role::fill ? devices_.size() : orders_.changes;
    due_ = Clock::now();
    tick_at(due_);
    return {};
}

void Generator::tick_at(Clock::time_point time) {
    timer_.expires_at(time);
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error) on_tick();
    });
}

void Generator::on_tick() {
    if (orders_.role == Orders::Role::votes) return count_votes();
    if (orders_.per_second != 0) {
        if (may_give()) give_next();
        due_ += std::chrono::nanoseconds(std::chrono::seconds(1)) / orders_.per_second;
    } else {
        for (std::uint64_t given = 0; given < most_a_tick && may_give(); ++given)
            give_next();
        due_ = Clock::now() + tick_every;
    }
    if (left_ == 0) board_->head().giver_ready_ns = now_ns();
    host_.publish(changes_);
    if (left_ != 0) tick_at(due_);
}

/// The first look is in the daemon's first turn: all modules are loaded, none has done anything.
void Generator::count_votes() {
    const std::uint64_t applied =
        host_.engine().counters().votes[static_cast<std::size_t>(state::VoteOutcome::applied)];
    Board::Head& head = board_->head();
    if (head.seer_joined_ns == 0) head.seer_joined_ns = now_ns();
    if (head.events != applied) head.last_event_ns = now_ns();
    head.events = applied;
    tick_at(Clock::now() + tick_every);
}

/// Whether the next device's turn has come. Not more than `window` are under way, so that what waits in the
/// bus is bounded; a device's change is seen before the next one, so that no two are taken for one.
bool Generator::may_give() const {
    if (left_ == 0) return false;
    if (orders_.role == Orders::Role::fill) return true;
    Board::Head& head = board_->head();
    const std::uint64_t seen = head.seen.load(std::memory_order_acquire) - seen_before_;
    return head.given.load() - seen < orders_.window && board_->is_free(next_);
}

void Generator::give_next() {
    const bool busy = orders_.role == Orders::Role::give && busy_[next_] == 0;
    busy_[next_] = busy ? 1 : 0;
    board_->give(next_, now_ns());
    host_.engine().set_own(node_, devices_[next_],
                           busy ? state::DeviceState::inuse : state::DeviceState::not_inuse,
                           state::Cachable::yes, state::Cause::pbx, host_.now(), changes_);
    next_ = (next_ + 1) % board_->devices();
    --left_;
}

void Generator::on_changes(const state::Changes& changes) {
    for (const state::DeviceForgotten& gone : changes.forgotten) {
        if (state::index_of(gone.device) < indices_.size())
            indices_[state::index_of(gone.device)] = no_device;
    }
    if (orders_.role != Orders::Role::see || changes.aggregates.empty()) return;
    const std::int64_t now = now_ns();
    for (const state::AggregateChange& change : changes.aggregates) {
        const std::uint32_t index = index_of(change.device);
        if (index != no_device) board_->see(index, static_cast<std::uint32_t>(change.to), now);
    }
}

std::uint32_t Generator::index_of(state::DeviceId device) {
    const std::size_t place = state::index_of(device);
    if (place >= indices_.size()) indices_.resize(std::max(place + 1, 2 * indices_.size()), no_device);
    if (indices_[place] == no_device)
        indices_[place] = device_index(host_.engine().device_name(device)).value_or(no_device);
    return indices_[place];
}

}  // namespace

}  // namespace lamplight::bench

extern "C" {
extern const lamplight::bus::Plugin lamplight_plugin;
const lamplight::bus::Plugin lamplight_plugin{
    .abi = lamplight::bus::plugin_abi,
    .build = LAMPLIGHT_VERSION,
    .name = "bench_generator.so",
    .description = "Benchmark: gives votes and counts them",
    .config_file = lamplight::bench::settings_file,
    .make = &lamplight::bench::Generator::make,
};
}
