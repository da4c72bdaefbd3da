#pragma once

#include "log/outlet.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace lamplight::log {

/// A record that owns its texts.
struct Entry {
    explicit Entry(const Record& record);
    Record view() const;

    Record fields;
    std::string file;
    std::string function;
    std::string text;
};

/// One channel that writes, and how it fares.
struct Sink {
    Channel channel;
    std::unique_ptr<Outlet>
        outlet;  ///< null when it could not be opened, and for the console in the background
    std::string problem;
};

/// Writes lines to sinks on a thread of its own. May be called from any thread.
class Writer {
public:
    /// Lines waiting at most; what does not fit is dropped and counted, and said with the next line that
    /// fits.
    static constexpr std::size_t queue_lines = 8192;

    /// `hear_trouble` gets the line that says what is wrong with a sink, on the writer's thread.
    explicit Writer(Listener hear_trouble);
    /// Writes what waits, then ends.
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    void push(const Record& record);
    /// What channels without a depth of their own show of verbose lines.
    void set_verbose_depth(int depth) { verbose_depth_ = depth; }
    bool flush(std::chrono::milliseconds patience);

    /// Puts `sinks` in place of those before and gives the problems of those that could not be opened, said
    /// also on the others.
    std::vector<std::string> replace(std::vector<Sink> sinks, std::string date_format, Rotation rotation);
    std::vector<std::string> reopen();
    std::vector<std::string> rotate();
    std::vector<ChannelView> views() const;

private:
    void run();
    void write_batch(const std::deque<Entry>& batch);
    void deliver(const Record& record, const Sink* except);
    void flush_sinks();
    void fail(Sink& sink, std::string why);
    void say(std::string_view text, const Sink* except);
    std::vector<std::string> say_problems();

    Listener hear_trouble_;
    std::atomic<int> verbose_depth_ = 0;

    mutable std::mutex sinks_mutex_;
    std::vector<Sink> sinks_;
    std::string date_format_;
    Rotation rotation_ = Rotation::sequential;

    std::mutex queue_mutex_;
    std::condition_variable filled_;
    std::condition_variable drained_;
    std::deque<Entry> queue_;
    std::uint64_t lost_ = 0;
    bool writing_ = false;
    bool ending_ = false;

    std::thread thread_;
};

/// Whether a channel shows a record, given `core set verbose`'s depth (a record's debug depth was decided
/// before).
bool shows(const Channel& channel, Level level, int depth, int core_verbose_depth);

}  // namespace lamplight::log
