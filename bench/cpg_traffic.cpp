#include "bench/cpg_traffic.hpp"

#include "bench/board.hpp"
#include "bench/device_event.hpp"

#include <corosync/cpg.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <ctime>
#include <vector>

namespace lamplight::bench {

namespace {

using Result = tl::expected<void, std::string>;

constexpr std::size_t most_bytes = 4096;

/// A member of one group.
class Traffic {
public:
    Traffic(const CpgTraffic& order, Board board) : order_(order), board_(std::move(board)) {}
    ~Traffic() {
        if (handle_ != 0) cpg_finalize(handle_);
    }
    Traffic(const Traffic&) = delete;
    Traffic& operator=(const Traffic&) = delete;

    Result join();
    Result run();

private:
    static Traffic& of(cpg_handle_t handle) {
        void* context = nullptr;
        cpg_context_get(handle, &context);
        return *static_cast<Traffic*>(context);
    }
    void on_members(std::size_t count);
    void on_message(const std::uint8_t* message, std::size_t bytes);
    bool gives() const { return order_.role == CpgTraffic::Role::give; }
    bool full() const { return order_.window != 0 && sent_ - came_back_ >= order_.window; }
    bool finished() const { return gives() && came_back_ == order_.messages; }
    Result dispatch(int patience_ns);
    Result give();
    Result send(const std::vector<std::uint8_t>& message);
    void prepare();

    CpgTraffic order_;
    Board board_;
    cpg_handle_t handle_ = 0;
    int fd_ = -1;
    std::size_t members_ = 0;
    std::vector<std::vector<std::uint8_t>> messages_;  ///< two for each device, its states in turn
    std::uint64_t sent_ = 0;
    std::uint64_t came_back_ = 0;
    std::int64_t due_ = 0;
    std::int64_t cpu_before_ = 0;
    bool refused_ = false;  ///< TRY_AGAIN was the last answer
};

Result check(cs_error_t code, std::string_view call) {
    if (code == CS_OK) return {};
    return tl::unexpected(fmt::format("{}: {} ({})", call, cs_strerror(code), static_cast<int>(code)));
}

Result Traffic::join() {
    cpg_model_v1_data_t model{};
    model.model = CPG_MODEL_V1;
    model.cpg_deliver_fn = [](cpg_handle_t handle, const cpg_name*, std::uint32_t, std::uint32_t,
                              void* message, std::size_t bytes) {
        of(handle).on_message(static_cast<const std::uint8_t*>(message), bytes);
    };
    model.cpg_confchg_fn = [](cpg_handle_t handle, const cpg_name*, const cpg_address*, std::size_t count,
                              const cpg_address*, std::size_t, const cpg_address*,
                              std::size_t) { of(handle).on_members(count); };
    auto* data = reinterpret_cast<cpg_model_data_t*>(&model);
    prepare();
    if (auto done = check(cpg_model_initialize(&handle_, CPG_MODEL_V1, data, this), "cpg_initialize"); !done)
        return done;
    if (auto done = check(cpg_fd_get(handle_, &fd_), "cpg_fd_get"); !done) return done;
    cpg_name name{};
    name.length = static_cast<std::uint32_t>(order_.group.copy(name.value, sizeof(name.value) - 1));
    return check(cpg_join(handle_, &name), "cpg_join");
}

void Traffic::on_members(std::size_t count) {
    members_ = count;
    auto& when = gives() ? board_.head().giver_ready_ns : board_.head().seer_joined_ns;
    if (when == 0) when = now_ns();
}

void Traffic::on_message(const std::uint8_t* message, std::size_t bytes) {
    if (gives()) {
        ++came_back_;
        if (finished()) board_.head().giver_cpu_ns = cpu_ns() - cpu_before_;
        return;
    }
    if (const auto change = read_event({message, bytes})) board_.see(change->device, change->state, now_ns());
}

/// Waits for something to come, and takes what is there.
Result Traffic::dispatch(int patience_ns) {
    pollfd wait{fd_, POLLIN, 0};
    const timespec patience{0, patience_ns};
    if (::ppoll(&wait, 1, &patience, nullptr) <= 0) return {};
    const cs_error_t code = cpg_dispatch(handle_, CS_DISPATCH_ALL);
    return code == CS_ERR_TRY_AGAIN ? Result{} : check(code, "cpg_dispatch");
}

/// Messages are made before time counts.
void Traffic::prepare() {
    if (!gives()) return;
    for (std::uint32_t device = 0; device < board_.devices(); ++device)
        for (const auto state : {state::DeviceState::inuse, state::DeviceState::not_inuse})
            messages_.push_back(make_event(device, state, order_.bytes));
}

Result Traffic::send(const std::vector<std::uint8_t>& message) {
    iovec piece{const_cast<std::uint8_t*>(message.data()), message.size()};
    const auto device = static_cast<std::uint32_t>(sent_ % board_.devices());
    const std::int64_t now = now_ns();
    const cs_error_t code = cpg_mcast_joined(handle_, CPG_TYPE_AGREED, &piece, 1);
    refused_ = code == CS_ERR_TRY_AGAIN;
    if (refused_) return {};
    if (code != CS_OK) return check(code, "cpg_mcast_joined");
    board_.give(device, now);
    ++sent_;
    return {};
}

/// A slice of messages; then what came back is taken, because Corosync queues it without bound.
Result Traffic::give() {
    constexpr int slice = 64;
    for (int i = 0; i < slice && sent_ < order_.messages; ++i) {
        if (full()) return {};
        if (order_.per_second != 0) {
            const std::int64_t now = now_ns();
            if (now < due_) return {};
            due_ = std::max(due_ + 1'000'000'000 / static_cast<std::int64_t>(order_.per_second),
                            now - 1'000'000'000);
        }
        const std::uint64_t round = sent_ / board_.devices() % 2;
        if (auto done = send(messages_[sent_ % board_.devices() * 2 + round]); !done || refused_) return done;
    }
    return {};
}

Result Traffic::run() {
    while (!finished()) {
        const bool giving = gives() && members_ > 1 && sent_ < order_.messages;
        if (giving && due_ == 0) {
            due_ = now_ns();
            cpu_before_ = cpu_ns();
        }
        if (giving) {
            if (auto done = give(); !done) return done;
        }
        constexpr int second = 999'999'999, short_time = 200'000;
        int patience = giving ? 0 : second;
        if (giving && (refused_ || full())) patience = short_time;
        if (giving && order_.per_second != 0)
            patience = static_cast<int>(std::clamp<std::int64_t>(due_ - now_ns(), 0, second));
        if (auto done = dispatch(patience); !done) return done;
    }
    return {};
}

}  // namespace

tl::expected<void, std::string> run_cpg_traffic(const CpgTraffic& order) {
    if (order.bytes < event_bytes || order.bytes > most_bytes)
        return tl::unexpected(fmt::format("a message has {} to {} bytes", event_bytes, most_bytes));
    auto board = Board::open(order.board);
    if (!board) return tl::unexpected(board.error());
    Traffic traffic(order, std::move(*board));
    return traffic.join().and_then([&] { return traffic.run(); });
}

}  // namespace lamplight::bench
