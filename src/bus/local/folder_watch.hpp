#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <tl/expected.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace lamplight::bus::local {

/// Says which files of a folder came or went, by inotify(7).
class FolderWatch {
public:
    struct Event {
        enum class Kind : std::uint8_t {
            came,
            went,
            overflow,     ///< some events are missing: look at the whole folder
            folder_gone,  ///< no more events will come
        } kind{};
        std::string file;
    };

    explicit FolderWatch(boost::asio::io_context& loop);
    ~FolderWatch();
    FolderWatch(const FolderWatch&) = delete;
    FolderWatch& operator=(const FolderWatch&) = delete;

    /// From now on events come from the loop. Gives the reason when the system has no watches left, or the
    /// folder is not there. A watch before it ends.
    tl::expected<void, std::string> start(const std::filesystem::path& folder,
                                          std::function<void(Event)> on_event);
    void stop();
    bool watches() const { return state_ != nullptr; }

private:
    struct State;
    static void wait(const std::shared_ptr<State>& state);
    static void read(const std::shared_ptr<State>& state);

    boost::asio::io_context& loop_;
    std::shared_ptr<State> state_;
};

}  // namespace lamplight::bus::local
