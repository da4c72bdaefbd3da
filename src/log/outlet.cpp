#include "log/outlet.hpp"

#include "log/line.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

namespace lamplight::log {

namespace {

std::string reason(int error) {
    return std::generic_category().message(error);
}

int priority_of(Level level) {
    switch (level) {
        case Level::error:
            return LOG_ERR;
        case Level::warning:
            return LOG_WARNING;
        case Level::notice:
            return LOG_NOTICE;
        case Level::verbose:
            return LOG_INFO;
        case Level::debug:
            return LOG_DEBUG;
    }
    return LOG_NOTICE;
}

class FileOutlet final : public Outlet {
public:
    explicit FileOutlet(const std::string& path) : sink_(path) { sink_.set_pattern("%v"); }

    tl::expected<void, std::string> write(const Record& record, std::string_view date_format) override {
        const std::string line = file_line(record, date_format);
        return guarded([&] { sink_.log(spdlog::details::log_msg({}, spdlog::level::info, line)); });
    }

    tl::expected<void, std::string> flush() override {
        return guarded([&] { sink_.flush(); });
    }

private:
    template <typename Action>
    tl::expected<void, std::string> guarded(const Action& action) {
        errno = 0;
        try {
            action();
        } catch (const std::exception& failure) {
            const int error = errno;
            return tl::unexpected(error != 0 ? reason(error) : std::string(failure.what()));
        }
        return {};
    }

    spdlog::sinks::basic_file_sink_st sink_;
};

class StderrOutlet final : public Outlet {
public:
    explicit StderrOutlet(StderrForm form) : form_(form) {}

    tl::expected<void, std::string> write(const Record& record, std::string_view date_format) override {
        const std::string line = text_of(record, date_format);
        std::string_view rest = line;
        while (!rest.empty()) {
            if (!wait_for_reader()) return {};
            // A pipe that poll calls writable takes PIPE_BUF bytes without blocking.
            const auto sent = ::write(STDERR_FILENO, rest.data(), std::min<std::size_t>(rest.size(), 4096));
            if (sent < 0 && errno == EINTR) continue;
            if (sent < 0) return tl::unexpected(reason(errno));
            rest.remove_prefix(static_cast<std::size_t>(sent));
        }
        return {};
    }

private:
    std::string text_of(const Record& record, std::string_view date_format) const {
        if (form_ == StderrForm::console) return console_line(record, date_format) + '\n';
        if (!read_by_journal_) return file_line(record, date_format) + '\n';
        return fmt::format("<{}>{}\n", priority_of(record.level), undated_line(record));
    }

    /// Who did not read for a tenth of a second is not waited for again before it reads.
    bool wait_for_reader() {
        pollfd wanted{STDERR_FILENO, POLLOUT, 0};
        const bool ready = ::poll(&wanted, 1, patient_ ? 100 : 0) != 0;
        patient_ = ready;
        return ready;
    }

    StderrForm form_;
    bool patient_ = true;
    bool read_by_journal_ = std::getenv("JOURNAL_STREAM") != nullptr;
};

class SyslogOutlet final : public Outlet {
public:
    explicit SyslogOutlet(int facility) : facility_(facility) {}

    tl::expected<void, std::string> write(const Record& record, std::string_view) override {
        ::syslog(facility_ | priority_of(record.level), "%s", undated_line(record).c_str());
        return {};
    }

private:
    int facility_;
};

constexpr std::array<std::pair<std::string_view, int>, 20> facilities{{
    {"auth", LOG_AUTH},     {"authpriv", LOG_AUTHPRIV}, {"cron", LOG_CRON},     {"daemon", LOG_DAEMON},
    {"ftp", LOG_FTP},       {"kern", LOG_KERN},         {"lpr", LOG_LPR},       {"mail", LOG_MAIL},
    {"news", LOG_NEWS},     {"syslog", LOG_SYSLOG},     {"user", LOG_USER},     {"uucp", LOG_UUCP},
    {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1},     {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3},
    {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5},     {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7},
}};

/// Whether `path` can be appended to without waiting.
tl::expected<void, std::string> probe(const std::string& path) {
    const int descriptor =
        ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
    if (descriptor < 0) return tl::unexpected(reason(errno));
    struct stat kind{};
    const bool known = ::fstat(descriptor, &kind) == 0;
    ::close(descriptor);
    if (!known || (!S_ISREG(kind.st_mode) && !S_ISCHR(kind.st_mode)))
        return tl::unexpected(std::string("not a regular file"));
    return {};
}

}  // namespace

tl::expected<std::unique_ptr<Outlet>, std::string> make_file_outlet(const std::string& path) {
    if (const auto writable = probe(path); !writable) return tl::unexpected(writable.error());
    try {
        return std::make_unique<FileOutlet>(path);
    } catch (const std::exception& failure) {
        return tl::unexpected(std::string(failure.what()));
    }
}

std::unique_ptr<Outlet> make_stderr_outlet(StderrForm form) {
    return std::make_unique<StderrOutlet>(form);
}

tl::expected<std::unique_ptr<Outlet>, std::string> make_syslog_outlet(std::string_view facility) {
    for (const auto& [name, number] : facilities) {
        if (name == facility) return std::make_unique<SyslogOutlet>(number);
    }
    return tl::unexpected(
        fmt::format("unknown syslog facility '{}'; known are daemon, user, local0 to local7 "
                    "and the others of syslog(3)",
                    facility));
}

}  // namespace lamplight::log
