#include "bench/evt_traffic.hpp"

#include "bench/board.hpp"
#include "bench/device_event.hpp"
#include "bus/ais/evt_group.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace lamplight::bench {

namespace {

namespace evt = bus::ais::evt;
using namespace std::chrono_literals;
using namespace std::string_view_literals;
using Clock = std::chrono::steady_clock;

constexpr std::string_view pattern = "device_state\0"sv;  // as res_ais has it, with its NUL
constexpr const char* publisher = "pbx1";
constexpr auto patience = 2s;

state::Time time_now() {
    return state::Time(std::chrono::duration_cast<state::Duration>(Clock::now().time_since_epoch()));
}

/// Of the message that carries such an event alone.
std::size_t message_bytes(std::string_view channel) {
    const std::array<wire::Bytes, 1> patterns{wire::bytes_of(pattern)};
    const std::vector<std::uint8_t> data(event_bytes);
    const wire::evt::Publish publish{
        .channel_name = channel, .publisher = publisher, .patterns = patterns, .data = data};
    return wire::evt::header_bytes + wire::evt::size_of(publish);
}

class Traffic {
public:
    Traffic(const EvtTraffic& order, Board board)
        : order_(order),
          board_(std::move(board)),
          worker_(loop_),
          group_(loop_, worker_, {.program = "lamplight-bench"}, &time_now,
                 {.on_output = [this](evt::Output& out) { on_output(out); },
                  .on_settled = [this] { on_settled(); },
                  .wants_to_send = [this] { return gives_apart() && may_give(); },
                  .take = [this](wire::MutableBytes out) { return give_apart(out); }}),
          timer_(loop_) {}

    tl::expected<void, std::string> run();

private:
    bool gives() const { return order_.role == EvtTraffic::Role::give; }
    void prepare();
    void open();
    void on_output(evt::Output& out);
    void on_opened(const evt::Opened& opened);
    void on_settled();
    void fail(std::string_view what, evt::Error error);
    // --- see ---
    void subscribe();
    void drain();
    // --- give ---
    bool is_heard() const;
    void begin();
    bool may_give() const { return giving_ && given_ < order_.events; }
    wire::Bytes next_data() const;
    void note_given(std::int64_t now);
    void give();
    enum class Given : std::uint8_t { yes, no_room };
    Given give_one(std::int64_t now);
    bool gives_apart() const {
        return gives() && order_.way == EvtTraffic::Way::apart && order_.per_second == 0;
    }
    bus::group::Taken give_apart(wire::MutableBytes out);
    void give_later();
    void finish();

    EvtTraffic order_;
    Board board_;
    boost::asio::io_context loop_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ = make_work_guard(loop_);
    ring::Worker worker_;
    bus::ais::EvtGroup group_;
    boost::asio::steady_timer timer_;
    evt::ClientId client_{};
    std::optional<evt::ChannelHandle> channel_;
    std::optional<std::string> failure_;

    std::vector<std::vector<std::uint8_t>> data_;  ///< two for each device, its states in turn
    evt::Attributes attributes_;
    bool giving_ = false;
    bool finishing_ = false;
    std::uint64_t given_ = 0;
    Clock::time_point due_;
    std::int64_t cpu_before_ = 0;
};

tl::expected<void, std::string> Traffic::run() {
    prepare();
    group_.start();
    open();
    loop_.run();
    if (failure_) return tl::unexpected(*failure_);
    return {};
}

/// Data is made before time counts.
void Traffic::prepare() {
    if (!gives()) return;
    for (std::uint32_t device = 0; device < board_.devices(); ++device)
        for (const auto state : {state::DeviceState::inuse, state::DeviceState::not_inuse})
            data_.push_back(make_event(device, state, event_bytes));
    attributes_ = {.patterns = {std::string(pattern)},
                   .priority = evt::lowest_priority,
                   .retention = std::chrono::nanoseconds(order_.retention).count(),
                   .publisher = publisher};
    board_.head().bytes = message_bytes(order_.channel);
}

void Traffic::open() {
    using evt::OpenFlags;
    const std::uint8_t side = gives() ? OpenFlags::publisher : OpenFlags::subscriber;
    client_ = group_.service().add_client();
    const auto asked =
        group_.service().open(client_, order_.channel, {static_cast<std::uint8_t>(side | OpenFlags::create)},
                              0, std::nullopt, group_.moment());
    if (!asked) return fail("the channel is not opened", asked.error());
    group_.settle_soon();
}

void Traffic::fail(std::string_view what, evt::Error error) {
    failure_ = fmt::format("{}: {}: {}", what, evt::to_string(error), evt::explain(error));
    loop_.stop();
}

void Traffic::on_output(evt::Output& out) {
    for (const evt::Opened& opened : out.opened)
        on_opened(opened);
    if (!out.ready.empty()) drain();
    out.clear();
}

void Traffic::on_opened(const evt::Opened& opened) {
    if (opened.error) return fail("the channel is not opened", *opened.error);
    channel_ = opened.handle;
    if (gives())
        board_.head().giver_ready_ns = now_ns();
    else
        subscribe();
}

void Traffic::on_settled() {
    if (!channel_ || !gives()) return;
    if (!giving_ && is_heard()) return begin();
    if (finishing_ || !giving_) return;
    if (group_.service().counters().published == order_.events) return finish();
    if (order_.per_second == 0) give();
}

// --- see ---

void Traffic::subscribe() {
    evt::Output& out = group_.output();
    const auto subscribed = group_.service().subscribe(
        *channel_, {{evt::Filter::Type::exact, std::string(pattern)}}, 0, group_.moment(), out);
    if (!subscribed) return fail("nothing is subscribed", subscribed.error());
    board_.head().seer_joined_ns = now_ns();
    group_.settle_soon();
}

void Traffic::drain() {
    const evt::Moment moment = group_.moment();
    const std::int64_t now = now_ns();
    while (const auto delivery = group_.service().next(client_, moment)) {
        if (delivery->event->id == evt::EventId::lost) {
            board_.lose();
            continue;
        }
        board_.take_event(now);
        if (const auto change = read_event(wire::bytes_of(delivery->event->data)))
            board_.see(change->device, change->state, now);
    }
}

// --- give ---

bool Traffic::is_heard() const {
    return std::ranges::any_of(group_.link().members().present(), [this](ring::Member member) {
        return group_.service().has_open(member, order_.channel);
    });
}

void Traffic::begin() {
    giving_ = true;
    due_ = Clock::now();
    cpu_before_ = cpu_ns();
    give();
}

/// As fast as they go: until the queue is full; there is room when some have come back, and on_settled() is
/// called. Who gives them apart is asked for each when there is room.
void Traffic::give() {
    if (order_.per_second != 0) {
        if (!may_give()) return;
        give_one(now_ns());
        due_ += std::chrono::nanoseconds(1s) / order_.per_second;
        give_later();
    } else if (!gives_apart()) {
        while (may_give() && give_one(now_ns()) == Given::yes) {
        }
    }
}

wire::Bytes Traffic::next_data() const {
    return data_[2 * (given_ % board_.devices()) + given_ / board_.devices() % 2];
}

void Traffic::note_given(std::int64_t now) {
    board_.give(static_cast<std::uint32_t>(given_ % board_.devices()), now);
    ++given_;
}

Traffic::Given Traffic::give_one(std::int64_t now) {
    const auto published = group_.service().publish(*channel_, attributes_, next_data(), group_.moment());
    if (!published) {
        if (published.error() != evt::Error::try_again) fail("an event is refused", published.error());
        return Given::no_room;
    }
    note_given(now);
    return Given::yes;
}

bus::group::Taken Traffic::give_apart(wire::MutableBytes out) {
    if (!gives_apart() || !may_give()) return {};
    const std::int64_t now = now_ns();
    const auto bytes =
        group_.service().write_event(*channel_, attributes_, next_data(), group_.moment(), out);
    if (!bytes) {
        fail("an event is refused", bytes.error());
        return {};
    }
    note_given(now);
    return {*bytes, given_};
}

void Traffic::give_later() {
    timer_.expires_at(due_);
    timer_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        give();
        group_.settle_soon();
    });
}

void Traffic::finish() {
    finishing_ = true;
    board_.head().giver_cpu_ns = cpu_ns() - cpu_before_;
    timer_.cancel();
    group_.leave(patience, [this] { loop_.stop(); });
}

}  // namespace

tl::expected<void, std::string> run_evt_traffic(const EvtTraffic& order) {
    auto board = Board::open(order.board);
    if (!board) return tl::unexpected(board.error());
    return Traffic(order, std::move(*board)).run();
}

}  // namespace lamplight::bench
