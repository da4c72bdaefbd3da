#include "daemon/background.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace lamplight::daemon {

namespace {

std::string why() {
    return std::strerror(errno);
}

/// The second process's word, or the way it died without one.
int status_from(int pipe, pid_t child) {
    unsigned char status = 0;
    ssize_t count = 0;
    do {
        count = ::read(pipe, &status, 1);
    } while (count < 0 && errno == EINTR);
    if (count == 1) return status;
    int ended = 0;
    if (::waitpid(child, &ended, 0) == child && WIFEXITED(ended) && WEXITSTATUS(ended) != 0)
        return WEXITSTATUS(ended);
    return static_cast<int>(ExitStatus::failed);
}

}  // namespace

tl::expected<Background, std::string> Background::enter() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return tl::unexpected(fmt::format("No pipe: {}", why()));
    const pid_t child = ::fork();
    if (child < 0) {
        const std::string reason = why();
        ::close(ends[0]);
        ::close(ends[1]);
        return tl::unexpected(fmt::format("No process for the background: {}", reason));
    }
    if (child > 0) {
        ::close(ends[1]);
        ::_exit(status_from(ends[0], child));
    }
    ::close(ends[0]);
    ::setsid();
    // No folder is held busy. Arguments are relative to the old one: whoever needs them again keeps it.
    if (::chdir("/") != 0) return tl::unexpected(fmt::format("No way to /: {}", why()));
    return Background(ends[1]);
}

Background::Background(Background&& other) noexcept : pipe_(std::exchange(other.pipe_, -1)) {}

Background::~Background() {
    report(ExitStatus::failed);
}

void Background::report(ExitStatus status) {
    if (pipe_ < 0) return;
    const auto byte = static_cast<unsigned char>(status);
    // The first process may be gone: then nobody wants to know.
    [[maybe_unused]] const auto written = ::write(pipe_, &byte, 1);
    ::close(std::exchange(pipe_, -1));
    if (status == ExitStatus::success) leave_terminal();
}

void leave_terminal() {
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nowhere < 0) return;
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        ::dup2(nowhere, descriptor);
    if (nowhere > STDERR_FILENO) ::close(nowhere);
}

std::string start_again(const std::string& program, const std::string& folder, char* const* arguments) {
    // Nothing of this life is handed on but the terminal.
    ::close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    if (::chdir(folder.c_str()) != 0) return fmt::format("{} is no folder any more: {}", folder, why());
    ::execv(program.c_str(), arguments);
    return fmt::format("{} cannot be started again: {}", program, why());
}

}  // namespace lamplight::daemon
