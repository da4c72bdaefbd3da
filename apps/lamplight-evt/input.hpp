#pragma once

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace lamplight::evt_app {

/// Lines of standard input, read by a thread of its own, because a file cannot be waited for by the loop and
/// a pipe may say nothing for hours. The last line may be without an end.
///
/// Bounds  lines that wait: 1,024 and 1 MiB, then the thread does not read on. Of a line longer than
///         `max_line_bytes` that many bytes and one more are given, the rest is passed over.
class Input {
public:
    /// `on_lines`, on the loop's thread: there is something to take, or the end.
    Input(boost::asio::io_context& loop, std::size_t max_line_bytes, std::function<void()> on_lines);
    ~Input();
    Input(const Input&) = delete;
    Input& operator=(const Input&) = delete;

    /// Without its end of line; nothing when none is there now.
    std::optional<std::string> next();
    /// All lines were taken, and no more will come.
    bool at_end();
    /// Why reading ended before the end of the input; empty when it did not.
    std::string trouble();

private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

}  // namespace lamplight::evt_app
