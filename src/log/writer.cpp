#include "log/writer.hpp"

#include "log/line.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <utility>

namespace lamplight::log {

namespace {

/// Signals are the loop's business; SIGPIPE comes back as an error of write(2).
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
    sigset_t before_{};
};

Record own_record(std::string_view text,
                  const std::source_location& where = std::source_location::current()) {
    return {.level = Level::error,
            .depth = 0,
            .time = std::chrono::system_clock::now(),
            .thread = ::gettid(),
            .file = base_name(where.file_name()),
            .line = where.line(),
            .function = bare_function(where.function_name()),
            .text = text};
}

void open_file(Sink& sink) {
    sink.outlet.reset();
    sink.problem.clear();
    if (auto outlet = make_file_outlet(sink.channel.name)) {
        sink.outlet = std::move(*outlet);
    } else {
        sink.problem = outlet.error();
    }
}

constexpr unsigned most_rotated = 10'000;  ///< an older one is overwritten

std::string numbered(const std::string& path, unsigned number) {
    return fmt::format("{}.{}", path, number);
}

/// How many of FILE.0, FILE.1 … are there without a gap.
unsigned count_rotated(const std::string& path) {
    std::error_code ignored;
    unsigned count = 0;
    while (count < most_rotated && std::filesystem::exists(numbered(path, count), ignored))
        ++count;
    return count;
}

/// Moves FILE.n to FILE.n+1 from the oldest on, so that FILE.0 is free.
std::error_code shift_rotated(const std::string& path) {
    std::error_code failure;
    for (unsigned number = std::min(count_rotated(path), most_rotated - 1); number > 0 && !failure; --number)
        std::filesystem::rename(numbered(path, number - 1), numbered(path, number), failure);
    return failure;
}

std::error_code rotate_file(const std::string& path, Rotation rotation) {
    std::error_code failure;
    std::string to = numbered(path, 0);
    switch (rotation) {
        case Rotation::none:
            return {};
        case Rotation::sequential:
            to = numbered(path, count_rotated(path));
            break;
        case Rotation::rotate:
            failure = shift_rotated(path);
            break;
        case Rotation::timestamp:
            to = fmt::format("{}.{}", path, std::time(nullptr));
            break;
    }
    if (!failure) std::filesystem::rename(path, to, failure);
    // A file that is gone needs only to be made again.
    return failure == std::errc::no_such_file_or_directory ? std::error_code() : failure;
}

}  // namespace

Entry::Entry(const Record& record)
    : fields(record), file(record.file), function(record.function), text(record.text) {}

Record Entry::view() const {
    Record record = fields;
    record.file = file;
    record.function = function;
    record.text = text;
    return record;
}

bool shows(const Channel& channel, Level level, int depth, int core_verbose_depth) {
    if ((channel.levels & level_bit(level)) == 0) return false;
    return level != Level::verbose || depth <= channel.verbose_depth.value_or(core_verbose_depth);
}

Writer::Writer(Listener hear_trouble) : hear_trouble_(std::move(hear_trouble)) {
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { run(); });
}

Writer::~Writer() {
    {
        const std::lock_guard lock(queue_mutex_);
        ending_ = true;
    }
    filled_.notify_one();
    thread_.join();
}

void Writer::push(const Record& record) {
    {
        const std::lock_guard lock(queue_mutex_);
        if (queue_.size() >= queue_lines) {
            ++lost_;
            return;
        }
        if (lost_ != 0) {
            const std::string text = fmt::format(
                "{} log lines lost: they came faster than they can be written", std::exchange(lost_, 0));
            queue_.emplace_back(own_record(text));
        }
        queue_.emplace_back(record);
    }
    filled_.notify_one();
}

bool Writer::flush(std::chrono::milliseconds patience) {
    std::unique_lock lock(queue_mutex_);
    return drained_.wait_for(lock, patience, [this] { return queue_.empty() && !writing_; });
}

void Writer::run() {
    std::unique_lock lock(queue_mutex_);
    for (;;) {
        filled_.wait(lock, [this] { return ending_ || !queue_.empty(); });
        if (queue_.empty()) return;
        std::deque<Entry> batch = std::exchange(queue_, {});
        writing_ = true;
        lock.unlock();
        write_batch(batch);
        lock.lock();
        writing_ = false;
        drained_.notify_all();
    }
}

void Writer::write_batch(const std::deque<Entry>& batch) {
    const std::lock_guard lock(sinks_mutex_);
    for (const auto& entry : batch)
        deliver(entry.view(), nullptr);
    flush_sinks();
}

void Writer::deliver(const Record& record, const Sink* except) {
    for (auto& sink : sinks_) {
        if (&sink == except || !sink.outlet) continue;
        if (!shows(sink.channel, record.level, record.depth, verbose_depth_)) continue;
        if (const auto done = sink.outlet->write(record, date_format_); !done) fail(sink, done.error());
    }
}

void Writer::flush_sinks() {
    for (auto& sink : sinks_) {
        if (!sink.outlet) continue;
        if (const auto done = sink.outlet->flush(); !done) fail(sink, done.error());
    }
}

/// Off until the next reopen, so that a full disk is said once and not with every line.
void Writer::fail(Sink& sink, std::string why) {
    sink.outlet.reset();
    sink.problem = std::move(why);
    say(fmt::format("{} cannot be written: {}; nothing more goes there until 'logger reload'",
                    sink.channel.name.empty() ? "stderr" : sink.channel.name, sink.problem),
        &sink);
}

void Writer::say(std::string_view text, const Sink* except) {
    const Record record = own_record(text);
    const bool heard = std::any_of(sinks_.begin(), sinks_.end(), [&](const Sink& sink) {
        return &sink != except && sink.outlet && shows(sink.channel, Level::error, 0, 0);
    });
    deliver(record, except);
    // Nobody else writes: whoever started the daemon is told.
    if (!heard && (except == nullptr || !except->channel.name.empty()))
        static_cast<void>(make_stderr_outlet(StderrForm::journal)->write(record, date_format_));
    hear_trouble_(record);
}

std::vector<std::string> Writer::say_problems() {
    std::vector<std::string> problems;
    for (const auto& sink : sinks_) {
        if (sink.problem.empty()) continue;
        problems.push_back(fmt::format("{} cannot be opened: {}; nothing goes there until 'logger reload'",
                                       sink.channel.name, sink.problem));
        say(problems.back(), &sink);
    }
    flush_sinks();
    return problems;
}

std::vector<std::string> Writer::replace(std::vector<Sink> sinks, std::string date_format,
                                         Rotation rotation) {
    const std::lock_guard lock(sinks_mutex_);
    sinks_ = std::move(sinks);
    date_format_ = std::move(date_format);
    rotation_ = rotation;
    for (auto& sink : sinks_) {
        if (sink.channel.target == Target::file) open_file(sink);
    }
    return say_problems();
}

std::vector<std::string> Writer::reopen() {
    const std::lock_guard lock(sinks_mutex_);
    for (auto& sink : sinks_) {
        if (sink.channel.target == Target::file) open_file(sink);
    }
    return say_problems();
}

std::vector<std::string> Writer::rotate() {
    const std::lock_guard lock(sinks_mutex_);
    std::vector<std::string> problems;
    for (auto& sink : sinks_) {
        if (sink.channel.target != Target::file) continue;
        // A file that cannot be renamed goes on being written.
        if (const auto failure = rotate_file(sink.channel.name, rotation_)) {
            problems.push_back(fmt::format("{} cannot be renamed: {}", sink.channel.name, failure.message()));
            say(problems.back(), nullptr);
        }
        open_file(sink);
    }
    for (auto& problem : say_problems())
        problems.push_back(std::move(problem));
    return problems;
}

std::vector<ChannelView> Writer::views() const {
    const std::lock_guard lock(sinks_mutex_);
    std::vector<ChannelView> views;
    for (const auto& sink : sinks_)
        views.push_back({sink.channel, sink.problem});
    return views;
}

}  // namespace lamplight::log
