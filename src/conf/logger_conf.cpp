#include "conf/logger_conf.hpp"

#include "conf/nearest.hpp"
#include "conf/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace lamplight::conf {

namespace {

using Row = OptionRow<LoggerGeneral>;

// --- [general] ---

std::string set_rotate(LoggerGeneral& target, const Value& value) {
    constexpr std::array<std::pair<std::string_view, RotateStrategy>, 4> strategies{
        {{"none", RotateStrategy::none},
         {"sequential", RotateStrategy::sequential},
         {"rotate", RotateStrategy::rotate},
         {"timestamp", RotateStrategy::timestamp}}};
    for (const auto& [name, strategy] : strategies)
        if (name == value.text) target.settings.rotate = strategy;
    return {};
}

std::string set_callids(LoggerGeneral& target, const Value& value) {
    target.settings.use_callids = value.flag;
    return {};
}

OptionTable<LoggerGeneral> make_table() {
    std::vector<Row> rows{
        {{.section = "general",
          .name = "dateformat",
          .fallback = "%b %e %T",
          .example = "%F %T.%3q",
          .summary = "How the time of a line is written",
          .help = "As strftime(3) has it; %q adds tenths of a second, %2q hundredths, %3q thousandths, up to "
                  "%6q.",
          .since = "0.1.0"},
         [](LoggerGeneral& t, const Value& v) { return t.settings.date_format = v.text, std::string{}; }},
        {{.section = "general",
          .name = "appendhostname",
          .type = ValueType::boolean,
          .fallback = "no",
          .summary = "Whether the name of the host is appended to the names of log files",
          .since = "0.1.0"},
         [](LoggerGeneral& t, const Value& v) { return t.append_host_name = v.flag, std::string{}; }},
        {{.section = "general",
          .name = "use_callids",
          .type = ValueType::boolean,
          .fallback = "yes",
          .summary = "Whether lines that belong to a call name it",
          .since = "0.1.0"},
         set_callids},
        {{.section = "general",
          .name = "display_callids",
          .type = ValueType::boolean,
          .summary = "The same as use_callids",
          .since = "0.1.0"},
         set_callids},
        {{.section = "general",
          .name = "rotatestrategy",
          .type = ValueType::choice,
          .fallback = "sequential",
          .summary = "What becomes of the old files when logs are rotated",
          .help = "sequential: the newest has the highest number; rotate: the oldest has it; timestamp: "
                  "their names get "
                  "the time; none: nothing is renamed.",
          .since = "0.1.0",
          .choices = {"none", "sequential", "rotate", "timestamp"}},
         set_rotate},
        {{.section = "general",
          .name = "logger_queue_limit",
          .type = ValueType::integer,
          .fallback = "1000",
          .summary = "How many lines may wait to be written before new ones are dropped and counted",
          .since = "0.1.0",
          .least = 1,
          .most = 1'000'000,
          .unit = "lines"},
         [](LoggerGeneral& t, const Value& v) {
             return t.settings.queue_limit = static_cast<std::uint32_t>(v.number), std::string{};
         }},
    };
    add_ignored(rows, "general",
                "queue_log queue_log_to_file queue_log_name queue_log_realtime_use_gmt exec_after_rotate "
                "custom_levels "
                "rotatetimestamp event_log");
    using enum SectionInfo::Content;
    return {"logger.conf",
            Owner::asterisk,
            {{"general", options, "What holds for all logs."}, {"logfiles", anything}},
            std::move(rows)};
}

// --- [logfiles] ---

constexpr std::array<std::pair<std::string_view, log::Level>, 5> levels{{{"error", log::Level::error},
                                                                         {"warning", log::Level::warning},
                                                                         {"notice", log::Level::notice},
                                                                         {"verbose", log::Level::verbose},
                                                                         {"debug", log::Level::debug}}};
constexpr std::array<std::string_view, 4> levels_of_asterisk{"dtmf", "fax", "security", "trace"};
constexpr std::array<std::string_view, 20> facilities{
    "auth", "authpriv", "cron",   "daemon", "ftp",    "kern",   "lpr",    "mail",   "news",   "syslog",
    "user", "uucp",     "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"};

class ChannelReader {
public:
    ChannelReader(const File& file, const std::filesystem::path& log_dir, std::string suffix,
                  Problems& problems)
        : file_(file), log_dir_(log_dir), suffix_(std::move(suffix)), problems_(problems) {
        note_custom_levels();
    }

    std::optional<LoggerChannel> read(const Option& option) {
        place_ = file_.place(option.where);
        LoggerChannel channel;
        channel.name = option.name;
        channel.place = place_;
        if (!read_kind(channel)) return std::nullopt;
        read_words(read_format(option.value, channel), channel);
        // Asterisk's console always shows verbose lines, as deep as `core set verbose` says.
        if (channel.kind == ChannelKind::console) {
            add_level(channel, log::Level::verbose);
            channel.verbose_depth.reset();
        }
        return channel;
    }

private:
    /// A custom level is the operator's word: nothing of Lamplight is logged to it, and nothing is wrong with
    /// it.
    void note_custom_levels() {
        for (const Section& section : file_.sections)
            if (!section.is_template && same_name(section.name, "general"))
                for (const Option& option : section.options)
                    if (same_name(option.name, "custom_levels")) custom_levels_ = parse_list(option.value);
    }

    bool read_kind(LoggerChannel& channel) {
        const std::string_view name = channel.name;
        if (same_name(name, "console")) {
            channel.kind = ChannelKind::console;
            return true;
        }
        if (same_name(name.substr(0, 6), "syslog") && (name.size() == 6 || name[6] == '.'))
            return read_facility(channel);
        channel.kind = ChannelKind::file;
        channel.file = (log_dir_ / (channel.name + suffix_)).lexically_normal();
        return true;
    }

    bool read_facility(LoggerChannel& channel) {
        channel.kind = ChannelKind::syslog;
        const std::string_view written =
            channel.name.size() > 7 ? std::string_view(channel.name).substr(7) : "local0";
        for (const std::string_view facility : facilities)
            if (same_name(facility, written)) channel.facility = facility;
        if (!channel.facility.empty()) return true;
        const auto near = nearest(written, facilities);
        warn(fmt::format("{} is no channel", channel.name), fmt::format("syslog has no facility {}", written),
             near ? fmt::format("did you mean syslog.{}?", *near) : "write for example syslog.local0");
        return false;
    }

    /// Takes `[json]` off the front.
    std::string_view read_format(std::string_view text, LoggerChannel& channel) {
        if (!text.starts_with('[')) return text;
        const std::size_t end = text.find(']');
        const std::string_view word = trimmed(text.substr(1, end == text.npos ? end : end - 1));
        if (same_name(word, "json"))
            channel.format = LineFormat::json;
        else if (same_name(word, "plain"))
            channel.format = LineFormat::plain;
        else if (!same_name(word, "default"))
            warn(fmt::format("the format [{}] of {} is not known", word, channel.name),
                 "lines have the default one", "use default, plain or json");
        return end == text.npos ? std::string_view{} : text.substr(end + 1);
    }

    void read_words(std::string_view text, LoggerChannel& channel) {
        for (const std::string& word : parse_list(text))
            read_word(word, channel);
        if (channel.levels.empty() && trimmed(text).empty())
            warn(fmt::format("{} logs nothing", channel.name), "it names no level",
                 "write for example notice,warning,error");
    }

    void read_word(std::string_view word, LoggerChannel& channel) {
        if (word == "*") {
            for (const auto& [name, level] : levels)
                add_level(channel, level);
            return;
        }
        if (same_name(word.substr(0, 8), "verbose(")) return read_verbose(word, channel);
        for (const auto& [name, level] : levels)
            if (same_name(name, word)) return add_level(channel, level);
        if (!is_foreign_level(word)) complain_of_level(word, channel);
    }

    void read_verbose(std::string_view word, LoggerChannel& channel) {
        const std::string_view inside = trimmed(word.substr(8, word.find(')') - 8));
        const auto depth = parse_integer(inside);
        if (!depth || *depth < 0 || !word.ends_with(')'))
            return warn(fmt::format("{} of {} is ignored", word, channel.name), "it takes a number from 0",
                        "write for example verbose(3)");
        add_level(channel, log::Level::verbose);
        channel.verbose_depth = static_cast<std::uint8_t>(std::min<std::int64_t>(*depth, 255));
    }

    static void add_level(LoggerChannel& channel, log::Level level) {
        const auto at = std::lower_bound(channel.levels.begin(), channel.levels.end(), level);
        if (at == channel.levels.end() || *at != level) channel.levels.insert(at, level);
    }

    bool is_foreign_level(std::string_view word) const {
        const auto is_word = [&](std::string_view name) { return same_name(name, word); };
        return std::any_of(levels_of_asterisk.begin(), levels_of_asterisk.end(), is_word) ||
               std::any_of(custom_levels_.begin(), custom_levels_.end(), is_word);
    }

    void complain_of_level(std::string_view word, const LoggerChannel& channel) {
        std::vector<std::string_view> names(levels_of_asterisk.begin(), levels_of_asterisk.end());
        for (const auto& [name, level] : levels)
            names.push_back(name);
        const auto near = nearest(word, names);
        warn(fmt::format("the level {} of {} is not known", word, channel.name), "",
             near ? fmt::format("did you mean {}?", *near) : "name it in custom_levels if Asterisk has it");
    }

    void warn(std::string what, std::string why, std::string what_to_do) {
        problems_.push_back(
            {Severity::warning, place_, std::move(what), std::move(why), std::move(what_to_do)});
    }

    const File& file_;
    const std::filesystem::path& log_dir_;
    std::string suffix_;
    Problems& problems_;
    std::vector<std::string> custom_levels_;
    Place place_;
};

/// Two lines for one channel: the later one counts.
void add_channel(std::vector<LoggerChannel>& channels, LoggerChannel channel, Problems& problems) {
    const auto same = std::find_if(channels.begin(), channels.end(),
                                   [&](const LoggerChannel& other) { return other.name == channel.name; });
    if (same == channels.end()) return channels.push_back(std::move(channel));
    problems.push_back({Severity::warning, channel.place, fmt::format("{} is given again", channel.name),
                        fmt::format("it was given at {} and the last one counts", to_string(same->place)),
                        "remove one of them"});
    *same = std::move(channel);
}

}  // namespace

const OptionTable<LoggerGeneral>& logger_table() {
    static const OptionTable<LoggerGeneral> table = make_table();
    return table;
}

void read_channels(const File& file, const std::filesystem::path& log_dir, const std::string& host_name,
                   LoggerGeneral& general, Problems& problems) {
    ChannelReader reader(file, log_dir, general.append_host_name ? "." + host_name : "", problems);
    for (const Section& section : file.sections) {
        if (section.is_template || !same_name(section.name, "logfiles")) continue;
        for (const Option& option : section.options)
            if (auto channel = reader.read(option))
                add_channel(general.settings.channels, *std::move(channel), problems);
    }
}

bool LoggerChannel::shows(log::Level level) const {
    return std::find(levels.begin(), levels.end(), level) != levels.end();
}

}  // namespace lamplight::conf
