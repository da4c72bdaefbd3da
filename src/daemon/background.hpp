#pragma once

#include "daemon/exit_status.hpp"

#include <tl/expected.hpp>

#include <string>

namespace lamplight::daemon {

/// A daemon's way into the background, after which its starter's shell goes on: the first process waits until
/// the second says how its start went, and ends with that status. Until then the second writes to the same
/// terminal.
///
/// Forks: call it before any thread exists.
class Background {
public:
    /// In the first process this does not return. Fails when the system refuses a pipe or a process.
    static tl::expected<Background, std::string> enter();
    Background(Background&& other) noexcept;
    Background& operator=(Background&&) = delete;
    /// A start that never said how it went has failed.
    ~Background();

    /// Says how the start went and lets go of the terminal.
    void report(ExitStatus status);

private:
    explicit Background(int pipe) : pipe_(pipe) {}
    int pipe_ = -1;
};

/// stdin, stdout and stderr lead nowhere from now on.
void leave_terminal();

/// Replaces this process by the same program anew, in the folder its arguments are relative to. Returns only
/// when that fails, with the reason.
std::string start_again(const std::string& program, const std::string& folder, char* const* arguments);

}  // namespace lamplight::daemon
