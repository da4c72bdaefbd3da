#include "input.hpp"

#include <boost/asio/post.hpp>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

namespace lamplight::evt_app {

namespace {

constexpr std::size_t enough_lines = 1'024;
constexpr std::size_t enough_bytes = 1024 * 1024;

}  // namespace

/// Outlives the Input while its thread waits for whoever writes.
struct Input::Shared : std::enable_shared_from_this<Input::Shared> {
    std::mutex mutex;
    std::condition_variable changed;
    boost::asio::io_context* loop = nullptr;  ///< none: the Input is gone
    std::size_t max_line_bytes = 0;
    std::function<void()> on_lines;
    std::deque<std::string> lines;
    std::size_t bytes = 0;
    std::string begun;  ///< of the thread
    bool told = false;  ///< a call of on_lines is under way
    bool ended = false;
    std::string trouble;

    void run();
    bool add(std::string_view read);
    void add_to_line(std::string_view part);
    void end_line();
    bool wait_for_room();
    void end(std::string why);
    void tell();
};

void Input::Shared::run() {
    std::array<char, 65'536> buffer{};
    for (;;) {
        // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): the lock that it sees was given back
        const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return end(std::strerror(errno));
        if (count == 0) return end({});
        if (!add({buffer.data(), static_cast<std::size_t>(count)})) return;
    }
}

/// False when nobody wants lines any more.
bool Input::Shared::add(std::string_view read) {
    while (!read.empty()) {
        const std::size_t newline = read.find('\n');
        add_to_line(read.substr(0, newline));
        if (newline == std::string_view::npos) return true;
        if (!wait_for_room()) return false;
        end_line();
        read.remove_prefix(newline + 1);
    }
    return true;
}

void Input::Shared::add_to_line(std::string_view part) {
    begun += part.substr(0, max_line_bytes + 1 - begun.size());
}

bool Input::Shared::wait_for_room() {
    std::unique_lock lock(mutex);
    changed.wait(lock,
                 [this] { return loop == nullptr || (lines.size() < enough_lines && bytes < enough_bytes); });
    return loop != nullptr;
}

void Input::Shared::end_line() {
    const std::scoped_lock lock(mutex);
    bytes += begun.size();
    lines.push_back(std::exchange(begun, {}));
    tell();
}

void Input::Shared::end(std::string why) {
    if (!begun.empty() && wait_for_room()) end_line();
    const std::scoped_lock lock(mutex);
    ended = true;
    trouble = std::move(why);
    tell();
}

/// Under the lock.
void Input::Shared::tell() {
    if (loop == nullptr || std::exchange(told, true)) return;
    boost::asio::post(*loop, [weak = weak_from_this()] {
        const auto shared = weak.lock();
        if (!shared) return;
        {
            const std::scoped_lock lock(shared->mutex);
            shared->told = false;
            if (shared->loop == nullptr) return;
        }
        shared->on_lines();
    });
}

Input::Input(boost::asio::io_context& loop, std::size_t max_line_bytes, std::function<void()> on_lines)
    : shared_(std::make_shared<Shared>()) {
    shared_->loop = &loop;
    shared_->max_line_bytes = max_line_bytes;
    shared_->on_lines = std::move(on_lines);
    std::thread([shared = shared_] { shared->run(); }).detach();
}

Input::~Input() {
    const std::scoped_lock lock(shared_->mutex);
    shared_->loop = nullptr;
    shared_->changed.notify_one();
}

std::optional<std::string> Input::next() {
    const std::scoped_lock lock(shared_->mutex);
    if (shared_->lines.empty()) return {};
    std::string line = std::move(shared_->lines.front());
    shared_->lines.pop_front();
    shared_->bytes -= line.size();
    shared_->changed.notify_one();
    return line;
}

bool Input::at_end() {
    const std::scoped_lock lock(shared_->mutex);
    return shared_->ended && shared_->lines.empty();
}

std::string Input::trouble() {
    const std::scoped_lock lock(shared_->mutex);
    return shared_->trouble;
}

}  // namespace lamplight::evt_app
