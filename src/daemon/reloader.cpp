#include "daemon/reloader.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lamplight::daemon {

namespace {

log::Target target_of(conf::ChannelKind kind) {
    switch (kind) {
        case conf::ChannelKind::console:
            return log::Target::console;
        case conf::ChannelKind::file:
            return log::Target::file;
        case conf::ChannelKind::syslog:
            return log::Target::syslog;
    }
    return log::Target::console;
}

log::Rotation rotation_of(conf::RotateStrategy strategy) {
    switch (strategy) {
        case conf::RotateStrategy::sequential:
            return log::Rotation::sequential;
        case conf::RotateStrategy::rotate:
            return log::Rotation::rotate;
        case conf::RotateStrategy::timestamp:
            return log::Rotation::timestamp;
        case conf::RotateStrategy::none:
            return log::Rotation::none;
    }
    return log::Rotation::sequential;
}

log::Channel log_channel(const conf::LoggerChannel& line) {
    log::Channel channel;
    channel.target = target_of(line.kind);
    if (line.kind == conf::ChannelKind::file) channel.name = line.file.string();
    if (line.kind == conf::ChannelKind::syslog) channel.name = line.facility;
    for (const log::Level level : line.levels)
        channel.levels |= log::level_bit(level);
    if (line.verbose_depth) channel.verbose_depth = *line.verbose_depth;
    return channel;
}

template <typename Value>
void keep(std::string_view option, const Value& before, Value& now, std::string& lines) {
    if (before == now) return;
    lines += fmt::format("{} changed: takes effect at the next start\n", option);
    now = before;
}

void add_line(std::string& text, std::string_view line) {
    if (line.empty()) return;
    text += line;
    if (!text.ends_with('\n')) text += '\n';
}

void drop_last_line_end(std::string& text) {
    if (text.ends_with('\n')) text.pop_back();
}

/// A file that was read before and is no more takes what it said with it; that may not be meant.
void add_gone_files(std::string& lines, const std::vector<std::string>& files_read) {
    for (const std::string& file : files_read) {
        std::error_code ignored;
        if (std::filesystem::exists(file, ignored)) continue;
        add_line(lines,
                 fmt::format("{}: is gone, what it said holds no longer, put it back and reload if that was "
                             "not meant",
                             file));
    }
}

}  // namespace

std::string to_lines(const conf::Problems& problems) {
    std::string lines;
    for (const conf::Problem& problem : problems)
        add_line(lines, conf::to_string(problem));
    drop_last_line_end(lines);
    return lines;
}

log::Channels log_channels(const conf::LoggerSettings& settings, log::Foreground foreground) {
    log::Channels channels = log::Channels::without_file(foreground);
    if (!settings.present) {
        // A daemon in the background has no stderr that anybody reads.
        if (foreground == log::Foreground::no)
            channels.channels.push_back({log::Target::syslog, "daemon", log::notice_and_above, {}});
        return channels;
    }
    channels.channels.clear();
    channels.date_format = settings.date_format;
    channels.rotation = rotation_of(settings.rotate);
    for (const conf::LoggerChannel& line : settings.channels)
        channels.channels.push_back(log_channel(line));
    return channels;
}

std::string keep_identity(const conf::Configuration& running, conf::Configuration& fresh) {
    std::string lines;
    keep("name", running.name, fresh.name, lines);
    keep("entityid", running.eid, fresh.eid, lines);
    keep("stand_in", running.stand_in, fresh.stand_in, lines);
    keep("config_dir", running.config_dir, fresh.config_dir, lines);
    keep("run_dir", running.run_dir, fresh.run_dir, lines);
    keep("state_dir", running.state_dir, fresh.state_dir, lines);
    keep("max_watchers", running.hint_limits.watchers_per_hint, fresh.hint_limits.watchers_per_hint, lines);
    keep("max_automatic", running.hint_limits.automatic_hints, fresh.hint_limits.automatic_hints, lines);
    keep("journal_entries", running.limits.journal_entries, fresh.limits.journal_entries, lines);
    drop_last_line_end(lines);
    return lines;
}

Reloader::Reloader(const Parts& parts, Source source, std::vector<std::string> files_read)
    : parts_(parts), source_(std::move(source)), files_read_(std::move(files_read)) {}

Reloader::~Reloader() {
    thread_.join();
}

/// Runs `load` on the thread, then `take` with its result on the loop.
template <typename Load, typename Take>
void Reloader::in_background(Load load, Take take) {
    boost::asio::post(thread_, [&loop = parts_.loop, alive = std::weak_ptr(alive_), load = std::move(load),
                                take = std::move(take)]() mutable {
        auto loaded = std::make_shared<decltype(load())>(load());
        boost::asio::post(loop, [alive, loaded, take = std::move(take)]() mutable {
            if (!alive.expired()) take(*loaded);
        });
    });
}

void Reloader::reload(console::Scope scope, console::Done done) {
    switch (scope) {
        case console::Scope::all:
            reload_all(std::move(done));
            return;
        case console::Scope::dialplan:
            reload_dialplan(std::move(done));
            return;
        case console::Scope::logger:
            reload_logger(std::move(done));
            return;
        case console::Scope::modules:
            reload_modules(done);
            return;
    }
}

void Reloader::check(console::Done done) {
    in_background(
        [this, source = source_] {
            return conf::load(source.lamplight_conf, source.main_file, disk_, conf::this_machine(disk_));
        },
        [done = std::move(done)](conf::Loaded& loaded) {
            const std::string lines = to_lines(loaded.problems);
            if (loaded.ok())
                done(lines);
            else
                done(tl::unexpected(lines));
        });
}

void Reloader::reload_all(console::Done done) {
    in_background(
        [this, source = source_] {
            return conf::load(source.lamplight_conf, source.main_file, disk_, conf::this_machine(disk_));
        },
        [this, done = std::move(done)](conf::Loaded& loaded) { take_all(loaded, done); });
}

void Reloader::take_all(conf::Loaded& loaded, const console::Done& done) {
    std::string warnings = to_lines(loaded.problems);
    if (!loaded.ok()) {
        done(tl::unexpected(warnings));
        return;
    }
    auto channels = parts_.log.configure(log_channels(loaded.value.logger, parts_.foreground));
    if (!channels) {
        done(tl::unexpected(channels.error()));
        return;
    }
    for (const std::string& unopened : *channels)
        add_line(warnings, unopened);
    add_line(warnings, keep_identity(parts_.running, loaded.value));
    add_gone_files(warnings, files_read_);
    parts_.running = std::move(loaded.value);
    files_read_ = std::move(loaded.files_read);
    parts_.hub.reload_policy();
    parts_.hub.reload_hints();
    const auto modules = parts_.modules.reload_all();
    finish(std::move(warnings), modules ? std::string() : modules.error(), done);
}

void Reloader::reload_dialplan(console::Done done) {
    in_background([this, running = parts_.running] { return conf::load_dialplan(running, disk_); },
                  [this, done = std::move(done)](conf::LoadedPart<state::HintPlan>& loaded) {
                      std::string problems = to_lines(loaded.problems);
                      if (loaded.ok()) {
                          if (!problems.empty()) problems += '\n';
                          add_gone_files(problems, files_read_);
                          parts_.running.hints = std::move(loaded.value);
                          parts_.hub.reload_hints();
                          finish(problems, {}, done);
                      } else {
                          finish({}, problems, done);
                      }
                  });
}

void Reloader::reload_logger(console::Done done) {
    in_background(
        [this, running = parts_.running] {
            return conf::load_logger(running, disk_, conf::this_machine(disk_));
        },
        [this, done = std::move(done)](conf::LoadedPart<conf::LoggerSettings>& loaded) {
            std::string problems = to_lines(loaded.problems);
            if (!loaded.ok()) return finish({}, std::move(problems), done);
            auto channels = parts_.log.configure(log_channels(loaded.value, parts_.foreground));
            if (!channels) return finish({}, channels.error(), done);
            for (const std::string& unopened : *channels)
                add_line(problems, unopened);
            parts_.running.logger = std::move(loaded.value);
            finish(std::move(problems), {}, done);
        });
}

void Reloader::reload_modules(const console::Done& done) {
    const auto modules = parts_.modules.reload_all();
    finish({}, modules ? std::string() : modules.error(), done);
}

void Reloader::finish(std::string warnings, std::string failures, const console::Done& done) {
    drop_last_line_end(warnings);
    if (failures.empty()) {
        reloaded_ = std::chrono::system_clock::now();
        done(std::move(warnings));
        return;
    }
    if (!warnings.empty()) failures = warnings + "\n" + failures;
    done(tl::unexpected(std::move(failures)));
}

std::vector<std::filesystem::path> Reloader::files_read() const {
    std::vector<std::filesystem::path> files(files_read_.begin(), files_read_.end());
    for (const auto& file : parts_.hub.files_read()) {
        if (std::ranges::find(files, file) == files.end()) files.push_back(file);
    }
    return files;
}

}  // namespace lamplight::daemon
