#include "output.hpp"

#include <boost/asio/post.hpp>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace lamplight::evt_app {

namespace {

constexpr std::size_t enough_bytes = 256 * 1024;

bool write_all(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

/// Outlives the Output while its thread waits for a reader.
struct Output::Shared : std::enable_shared_from_this<Output::Shared> {
    std::mutex mutex;
    std::condition_variable changed;
    boost::asio::io_context* loop = nullptr;  ///< none: the Output is gone
    Owner owner;
    std::string waiting;
    std::size_t under_way = 0;  ///< bytes that the thread is writing
    bool room_wanted = false;
    bool broken = false;
    std::function<void()> drained;

    void run();
    void written(std::unique_lock<std::mutex>& lock, bool well);
    /// Under the lock: `call` runs on the loop, if there is one then.
    void tell(std::function<void()> call);
};

void Output::Shared::run() {
    std::unique_lock lock(mutex);
    for (;;) {
        changed.wait(lock, [this] { return !waiting.empty() || loop == nullptr; });
        if (loop == nullptr) return;
        const std::string text = std::exchange(waiting, {});
        under_way = text.size();
        lock.unlock();
        const bool well = write_all(text);
        lock.lock();
        written(lock, well);
        if (loop == nullptr || !well) return;
    }
}

void Output::Shared::written(std::unique_lock<std::mutex>&, bool well) {
    under_way = 0;
    if (!well) {
        broken = true;
        waiting.clear();
        if (owner.on_broken) tell(owner.on_broken);
    }
    if (room_wanted && waiting.size() < enough_bytes) {
        room_wanted = false;
        if (owner.on_room) tell(owner.on_room);
    }
    if (drained && waiting.empty()) tell(std::exchange(drained, nullptr));
}

void Output::Shared::tell(std::function<void()> call) {
    if (loop == nullptr) return;
    boost::asio::post(*loop, [weak = weak_from_this(), call = std::move(call)] {
        const auto shared = weak.lock();
        if (!shared) return;
        {
            const std::scoped_lock lock(shared->mutex);
            if (shared->loop == nullptr) return;
        }
        call();
    });
}

Output::Output(boost::asio::io_context& loop, Owner owner) : shared_(std::make_shared<Shared>()) {
    shared_->loop = &loop;
    shared_->owner = std::move(owner);
    std::thread([shared = shared_] { shared->run(); }).detach();
}

Output::~Output() {
    const std::scoped_lock lock(shared_->mutex);
    shared_->loop = nullptr;
    shared_->owner = {};
    shared_->drained = nullptr;
    shared_->changed.notify_one();
}

bool Output::has_room() {
    const std::scoped_lock lock(shared_->mutex);
    const bool room = shared_->waiting.size() < enough_bytes;
    shared_->room_wanted |= !room;
    return room;
}

void Output::write(std::string_view text) {
    const std::scoped_lock lock(shared_->mutex);
    if (shared_->broken) return;
    shared_->waiting += text;
    shared_->changed.notify_one();
}

void Output::drain(std::function<void()> done) {
    const std::scoped_lock lock(shared_->mutex);
    if (shared_->waiting.empty() && shared_->under_way == 0) return shared_->tell(std::move(done));
    shared_->drained = std::move(done);
}

}  // namespace lamplight::evt_app
