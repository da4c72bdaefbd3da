#include "daemon/custom_states.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>

#include <utility>

namespace lamplight::daemon {

/// The disk's own thread; the store is touched by nothing else.
class CustomStates::Worker {
public:
    explicit Worker(Store store) : store_(std::move(store)) {}
    ~Worker() { thread_.join(); }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    template <typename Work>
    void run(Work work) {
        boost::asio::post(thread_, [this, work = std::move(work)]() mutable { work(store_); });
    }

private:
    Store store_;
    boost::asio::thread_pool thread_{1};
};

tl::expected<std::unique_ptr<CustomStates>, StoreError> CustomStates::make(boost::asio::io_context& loop,
                                                                           Store store) {
    const auto entries = store.read();
    if (!entries) return tl::unexpected(entries.error());
    return std::unique_ptr<CustomStates>(new CustomStates(loop, std::move(store), *entries));
}

CustomStates::CustomStates(boost::asio::io_context& loop, Store store, const std::vector<StoreEntry>& entries)
    : loop_(loop), worker_(std::make_unique<Worker>(std::move(store))) {
    for (const StoreEntry& entry : entries)
        held_.emplace(entry.device, Held{entry.state, entry.state});
}

CustomStates::~CustomStates() {
    if (waiting_.empty()) return;
    std::vector<StoreEntry> rest;
    for (auto& [device, state] : waiting_)
        rest.push_back({device, state});
    worker_->run([rest = std::move(rest)](Store& store) { (void)store.write(rest); });
}

void CustomStates::on_undone(Undone undone) {
    undone_ = std::move(undone);
}

void CustomStates::set(const std::string& device, state::DeviceState state, Done done) {
    want(device, state, std::move(done));
}

void CustomStates::erase(const std::string& device, Done done) {
    if (!find(device)) {
        boost::asio::post(loop_, [device, done = std::move(done)] {
            done(tl::unexpected(fmt::format("There is no custom state '{}' here.", device)));
        });
        return;
    }
    want(device, std::nullopt, std::move(done));
}

void CustomStates::want(const std::string& device, std::optional<state::DeviceState> state, Done done) {
    if (waiters_.size() >= most_waiting) {
        boost::asio::post(loop_, [done = std::move(done)] {
            done(tl::unexpected(
                std::string("The disk does not keep up: too many changes wait for it. Try again.")));
        });
        return;
    }
    held_[device].wanted = state;
    waiting_[device] = state;
    waiters_.push_back(std::move(done));
    if (!busy_) commit_next();
}

void CustomStates::commit_next() {
    if (waiting_.empty()) return;
    busy_ = true;
    std::vector<StoreEntry> batch;
    batch.reserve(waiting_.size());
    for (auto& [device, state] : std::exchange(waiting_, {}))
        batch.push_back({device, state});
    committing_ = std::exchange(waiters_, {});
    worker_->run(
        [this, alive = std::weak_ptr(alive_), &loop = loop_, batch = std::move(batch)](Store& store) mutable {
            auto result = store.write(batch);
            boost::asio::post(loop, [this, alive, batch = std::move(batch), result = std::move(result)] {
                if (!alive.expired()) on_committed(batch, result);
            });
        });
}

void CustomStates::on_committed(const std::vector<StoreEntry>& batch,
                                const tl::expected<void, StoreError>& result) {
    busy_ = false;
    for (const StoreEntry& entry : batch)
        settle(entry, result.has_value());
    auto answered = std::exchange(committing_, {});
    commit_next();
    for (Done& done : answered) {
        if (result)
            done({});
        else
            done(tl::unexpected(result.error().text));
    }
}

void CustomStates::settle(const StoreEntry& entry, bool committed) {
    const auto place = held_.find(entry.device);
    Held& held = place->second;
    if (committed) held.stored = entry.state;
    const bool newer_waits = waiting_.contains(entry.device);
    const auto stored = held.stored;
    if (!committed && !newer_waits) held.wanted = stored;
    if (!held.stored && !held.wanted && !newer_waits) held_.erase(place);
    if (!committed && !newer_waits && undone_) undone_(entry.device, stored);
}

void CustomStates::next_incarnation(const state::Eid& eid, std::uint64_t at_least,
                                    std::function<void(tl::expected<std::uint64_t, std::string>)> done) {
    worker_->run(
        [alive = std::weak_ptr(alive_), &loop = loop_, eid, at_least, done = std::move(done)](Store& store) {
            auto result =
                store.next_incarnation(eid, at_least).map_error([](const StoreError& e) { return e.text; });
            boost::asio::post(loop, [alive, done, result = std::move(result)] {
                if (!alive.expired()) done(result);
            });
        });
}

std::optional<state::DeviceState> CustomStates::find(std::string_view device) const {
    const auto place = held_.find(device);
    return place == held_.end() ? std::nullopt : place->second.wanted;
}

void CustomStates::for_each(const std::function<void(const std::string&, state::DeviceState)>& visit) const {
    for (const auto& [device, held] : held_) {
        if (held.wanted) visit(device, *held.wanted);
    }
}

}  // namespace lamplight::daemon
