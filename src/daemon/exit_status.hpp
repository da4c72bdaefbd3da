#pragma once

#include <string>

namespace lamplight::daemon {

/// How lamplightd ends, with sysexits(3)'s numbers where they fit; lamplightd(8) lists them.
enum class ExitStatus : int {
    success = 0,
    running = 1,         ///< a daemon of this name is running already
    usage = 64,          ///< wrong arguments
    bad_data = 65,       ///< the store of custom states is damaged or of a later version
    unavailable = 69,    ///< a required module cannot be loaded
    failed = 70,         ///< what should not happen did
    no_fork = 71,        ///< the system refuses a process, or to start the program again
    cannot_create = 73,  ///< a folder, socket or file cannot be made
    io_error = 74,       ///< the disk fails
    try_again = 75,      ///< the disk is full
    bad_configuration = 78,
};

/// Why the daemon does not start. `text`: a line for each problem.
struct StartError {
    ExitStatus status{};
    std::string text;
};

}  // namespace lamplight::daemon
