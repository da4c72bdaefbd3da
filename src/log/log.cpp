#include "log/log.hpp"

#include "log/channels.hpp"
#include "log/line.hpp"
#include "log/writer.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <shared_mutex>

namespace lamplight::log {

namespace {

constexpr std::size_t text_bytes = 8192;  ///< a longer line is cut

std::int64_t thread_number() {
    static thread_local const std::int64_t number = ::gettid();
    return number;
}

/// A file name that does not change anything: `%` alone must not reach strftime with nothing to say.
bool date_format_works(std::string_view format) {
    return !format_date(format, std::chrono::system_clock::now()).empty();
}

tl::expected<std::vector<Sink>, std::string> make_sinks(const Channels& channels) {
    std::vector<Sink> sinks;
    for (const auto& channel : channels.channels) {
        Sink sink{channel, nullptr, {}};
        if (channel.target == Target::console && channels.foreground == Foreground::yes)
            sink.outlet = make_stderr_outlet(StderrForm::console);
        if (channel.target == Target::journal) sink.outlet = make_stderr_outlet(StderrForm::journal);
        if (channel.target == Target::syslog) {
            auto outlet = make_syslog_outlet(channel.name);
            if (!outlet) return tl::unexpected(outlet.error());
            sink.outlet = std::move(*outlet);
        }
        sinks.push_back(std::move(sink));
    }
    return sinks;
}

}  // namespace

std::string_view to_string(Level level) {
    switch (level) {
        case Level::error:
            return "ERROR";
        case Level::warning:
            return "WARNING";
        case Level::notice:
            return "NOTICE";
        case Level::verbose:
            return "VERBOSE";
        case Level::debug:
            return "DEBUG";
    }
    return "ERROR";
}

std::string_view to_string(Target target) {
    switch (target) {
        case Target::console:
            return "Console";
        case Target::file:
            return "File";
        case Target::syslog:
            return "Syslog";
        case Target::journal:
            return "Journal";
    }
    return "Console";
}

Channels Channels::without_file(Foreground foreground) {
    Channels channels;
    channels.foreground = foreground;
    channels.channels.push_back({Target::console, {}, all_levels, {}});
    if (foreground == Foreground::no)
        channels.channels.push_back({Target::journal, {}, notice_and_above, {}});
    return channels;
}

class Log::Impl {
public:
    Impl() : writer_([this](const Record& record) { tell_listeners(record); }) {
        static_cast<void>(configure(Channels::without_file(Foreground::no)));
    }

    bool shows(Level level, int depth, std::string_view path) const {
        if ((wanted_.load(std::memory_order_relaxed) & level_bit(level)) == 0) return false;
        if (level == Level::verbose) return depth <= deepest_verbose_.load(std::memory_order_relaxed);
        if (level != Level::debug || depth <= debug_.load(std::memory_order_relaxed)) return true;
        return depth <= deepest_module_.load(std::memory_order_relaxed) && module_shows(depth, path);
    }

    void write(const Record& record) {
        tell_listeners(record);
        if ((written_.load(std::memory_order_relaxed) & level_bit(record.level)) != 0) writer_.push(record);
    }

    int set_debug(int depth) { return debug_.exchange(depth); }

    int set_debug(int depth, std::string_view module) {
        const std::unique_lock lock(modules_mutex_);
        int before = 0;
        const auto found = modules_.find(module);
        if (found != modules_.end()) before = found->second;
        if (depth > 0) {
            modules_.insert_or_assign(std::string(module), depth);
        } else if (found != modules_.end()) {
            modules_.erase(found);
        }
        int deepest = 0;
        for (const auto& [name, own] : modules_)
            deepest = std::max(deepest, own);
        deepest_module_ = deepest;
        return before;
    }

    std::vector<std::pair<std::string, int>> debug_modules() const {
        const std::shared_lock lock(modules_mutex_);
        return {modules_.begin(), modules_.end()};
    }

    int set_verbose(int depth) {
        const std::lock_guard lock(channels_mutex_);
        const int before = verbose_.exchange(depth);
        writer_.set_verbose_depth(depth);
        weigh_channels();
        return before;
    }

    int debug_depth() const { return debug_; }
    int verbose_depth() const { return verbose_; }

    ListenerId attach(Listener listener) {
        const std::lock_guard lock(listeners_mutex_);
        const auto id = static_cast<ListenerId>(++last_listener_);
        listeners_.emplace_back(id, std::move(listener));
        return id;
    }

    void detach(ListenerId id) {
        const std::lock_guard lock(listeners_mutex_);
        std::erase_if(listeners_, [&](const auto& entry) { return entry.first == id; });
    }

    tl::expected<std::vector<std::string>, std::string> configure(const Channels& channels) {
        if (!date_format_works(channels.date_format))
            return tl::unexpected(fmt::format("dateformat '{}' gives nothing, or more than 127 bytes",
                                              printable(channels.date_format)));
        auto sinks = make_sinks(channels);
        if (!sinks) return tl::unexpected(sinks.error());
        {
            const std::lock_guard lock(channels_mutex_);
            channels_ = channels;
            weigh_channels();
        }
        return writer_.replace(std::move(*sinks), channels.date_format, channels.rotation);
    }

    std::string date_format() const {
        const std::lock_guard lock(channels_mutex_);
        return channels_.date_format;
    }

    Writer& writer() { return writer_; }

private:
    bool module_shows(int depth, std::string_view path) const {
        const std::shared_lock lock(modules_mutex_);
        return std::any_of(modules_.begin(), modules_.end(), [&](const auto& entry) {
            return depth <= entry.second && module_means(entry.first, path);
        });
    }

    /// What anybody could want, in atomics for shows(). The console counts also while nobody sits there: who
    /// does must hear what is said from then on, and formatting a line for nobody is cheap.
    void weigh_channels() {
        LevelSet wanted = 0;
        LevelSet written = 0;
        LevelSet console = 0;
        int deepest = 0;
        int console_depth = 0;
        for (const auto& channel : channels_.channels) {
            const int depth = channel.verbose_depth.value_or(verbose_);
            const bool is_console = channel.target == Target::console;
            wanted |= channel.levels;
            if (is_console) console |= channel.levels;
            if (!is_console || channels_.foreground == Foreground::yes) written |= channel.levels;
            if ((channel.levels & level_bit(Level::verbose)) == 0) continue;
            deepest = std::max(deepest, depth);
            if (is_console) console_depth = std::max(console_depth, depth);
        }
        wanted_ = wanted;
        written_ = written;
        console_ = console;
        deepest_verbose_ = deepest;
        console_verbose_ = console_depth;
    }

    void tell_listeners(const Record& record) {
        if ((console_.load(std::memory_order_relaxed) & level_bit(record.level)) == 0) return;
        if (record.level == Level::verbose && record.depth > console_verbose_.load(std::memory_order_relaxed))
            return;
        const std::lock_guard lock(listeners_mutex_);
        for (const auto& [id, listener] : listeners_)
            listener(record);
    }

    std::atomic<LevelSet> wanted_ = 0;   ///< by any channel
    std::atomic<LevelSet> written_ = 0;  ///< by a channel of the writer
    std::atomic<LevelSet> console_ = 0;
    std::atomic<int> debug_ = 0;
    std::atomic<int> verbose_ = 0;
    std::atomic<int> deepest_verbose_ = 0;
    std::atomic<int> console_verbose_ = 0;
    std::atomic<int> deepest_module_ = 0;

    mutable std::shared_mutex modules_mutex_;
    std::map<std::string, int, std::less<>> modules_;

    mutable std::mutex channels_mutex_;
    Channels channels_;

    std::mutex listeners_mutex_;
    std::vector<std::pair<ListenerId, Listener>> listeners_;
    std::uint32_t last_listener_ = 0;

    Writer writer_;  // last: its thread ends before the listeners it tells
};

Log::Log() : impl_(std::make_unique<Impl>()) {}
Log::~Log() = default;

bool Log::shows(Level level, int depth, std::string_view file) const {
    return impl_->shows(level, depth, file);
}
int Log::set_debug(int depth) {
    return impl_->set_debug(depth);
}
int Log::set_debug(int depth, std::string_view module) {
    return impl_->set_debug(depth, module);
}
int Log::set_verbose(int depth) {
    return impl_->set_verbose(depth);
}
int Log::debug_depth() const {
    return impl_->debug_depth();
}
int Log::verbose_depth() const {
    return impl_->verbose_depth();
}
std::vector<std::pair<std::string, int>> Log::debug_modules() const {
    return impl_->debug_modules();
}
ListenerId Log::attach(Listener listener) {
    return impl_->attach(std::move(listener));
}
void Log::detach(ListenerId id) {
    impl_->detach(id);
}

tl::expected<std::vector<std::string>, std::string> Log::configure(const Channels& channels) {
    return impl_->configure(channels);
}
std::vector<std::string> Log::reopen() {
    return impl_->writer().reopen();
}
std::vector<std::string> Log::rotate() {
    return impl_->writer().rotate();
}
std::vector<ChannelView> Log::channels() const {
    return impl_->writer().views();
}
bool Log::flush(std::chrono::milliseconds patience) {
    return impl_->writer().flush(patience);
}
std::string Log::date_format() const {
    return impl_->date_format();
}

void Log::write(Level level, int depth, const std::source_location& where, fmt::string_view format,
                fmt::format_args args, Form form) {
    std::string text = printable(fmt::vformat(format, args));
    if (text.size() > text_bytes) text.resize(text_bytes);
    impl_->write({.level = level,
                  .depth = static_cast<std::uint8_t>(std::clamp(depth, 0, 255)),
                  .time = std::chrono::system_clock::now(),
                  .thread = thread_number(),
                  .file = base_name(where.file_name()),
                  .line = where.line(),
                  .function = bare_function(where.function_name()),
                  .text = text,
                  .form = form});
}

}  // namespace lamplight::log
