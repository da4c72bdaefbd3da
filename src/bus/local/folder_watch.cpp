#include "bus/local/folder_watch.hpp"

#include "bus/local/file_descriptor.hpp"

#include <fmt/format.h>
#include <sys/inotify.h>

#include <cerrno>
#include <cstring>

namespace lamplight::bus::local {

namespace {

constexpr std::uint32_t files = IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM;
constexpr std::uint32_t folder_itself = IN_DELETE_SELF | IN_MOVE_SELF;

FolderWatch::Event::Kind kind_of(std::uint32_t mask) {
    using Kind = FolderWatch::Event::Kind;
    if (mask & IN_Q_OVERFLOW) return Kind::overflow;
    if (mask & (folder_itself | IN_IGNORED | IN_UNMOUNT)) return Kind::folder_gone;
    return mask & (IN_CREATE | IN_MOVED_TO) ? Kind::came : Kind::went;
}

}  // namespace

struct FolderWatch::State {
    explicit State(boost::asio::io_context& loop) : descriptor(loop) {}

    boost::asio::posix::stream_descriptor descriptor;
    std::function<void(Event)> on_event;
    bool stopped = false;
};

FolderWatch::FolderWatch(boost::asio::io_context& loop) : loop_(loop) {}

FolderWatch::~FolderWatch() {
    stop();
}

tl::expected<void, std::string> FolderWatch::start(const std::filesystem::path& folder,
                                                   std::function<void(Event)> on_event) {
    stop();
    FileDescriptor inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!inotify ||
        ::inotify_add_watch(inotify.get(), folder.c_str(), files | folder_itself | IN_ONLYDIR) < 0) {
        const int error = errno;
        const bool limit = error == EMFILE || error == ENOSPC;
        return tl::unexpected(
            fmt::format("cannot watch {}: {}{}", folder.string(), std::strerror(error),
                        limit ? ": raise fs.inotify.max_user_instances and max_user_watches" : ""));
    }
    auto state = std::make_shared<State>(loop_);
    boost::system::error_code refused;
    state->descriptor.assign(inotify.get(), refused);
    if (refused)
        return tl::unexpected(fmt::format("cannot watch {}: {}", folder.string(), refused.message()));
    (void)inotify.release();
    state_ = std::move(state);
    state_->on_event = std::move(on_event);
    wait(state_);
    return {};
}

void FolderWatch::stop() {
    if (!state_) return;
    state_->stopped = true;
    state_->descriptor.close();
    state_.reset();
}

void FolderWatch::wait(const std::shared_ptr<State>& state) {
    state->descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                 [state](boost::system::error_code error) {
                                     if (error || state->stopped) return;
                                     read(state);
                                     if (!state->stopped) wait(state);
                                 });
}

void FolderWatch::read(const std::shared_ptr<State>& state) {
    alignas(inotify_event) char buffer[8192];
    const ssize_t size = ::read(state->descriptor.native_handle(), buffer, sizeof buffer);
    for (ssize_t at = 0; at < size && !state->stopped;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
        at += static_cast<ssize_t>(sizeof(inotify_event)) + event->len;
        state->on_event({kind_of(event->mask), event->len > 0 ? event->name : ""});
    }
}

}  // namespace lamplight::bus::local
