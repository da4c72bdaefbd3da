#pragma once

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string_view>

namespace lamplight::evt_app {

/// Standard output, written by a thread of its own: whoever does not read holds that thread and never the
/// loop, because a member of a group that does not read makes Corosync queue without bound.
///
/// Bounds  what waits is the caller's business: he asks has_room() before each text.
class Output {
public:
    /// Calls come on the loop's thread. `on_room`: there is room again after has_room() said no. `on_broken`:
    /// nobody reads any more; once.
    struct Owner {
        std::function<void()> on_room = {};
        std::function<void()> on_broken = {};
    };
    Output(boost::asio::io_context& loop, Owner owner);
    /// Does not wait for a reader: what was not written is dropped.
    ~Output();
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    bool has_room();
    void write(std::string_view text);
    /// `done` when everything is written, or nobody reads.
    void drain(std::function<void()> done);

private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

}  // namespace lamplight::evt_app
