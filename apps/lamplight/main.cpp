// lamplight: the console and control of a running lamplightd.
#include "command_lines.hpp"
#include "conf/configuration.hpp"
#include "conf/reader.hpp"
#include "console/client/socket_choice.hpp"
#include "interactive.hpp"
#include "remote.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <clocale>
#include <csignal>
#include <filesystem>
#include <string>

namespace lamplight::app {

namespace {

constexpr int wrong_call = 2;

struct Options {
    std::string config;
    std::string command;
    std::string begun;  ///< a line to complete, for the shell's completion
    bool complete = false;
    bool execute = false;
    bool remote = false;
    bool json = false;
    double timeout_seconds = 30;
};

/// The socket of the daemon that this lamplight.conf starts; what else is wrong with the files is the
/// daemon's to say.
tl::expected<std::filesystem::path, std::string> socket_of(const std::string& config) {
    const auto path = std::filesystem::absolute(config).lexically_normal();
    const conf::DiskFiles files;
    const auto loaded = conf::load(path, conf::MainFile::must_exist, files, conf::this_machine(files));
    std::string errors;
    for (const auto& problem : loaded.problems) {
        if (problem.severity == conf::Severity::error && problem.place.file == path.string())
            errors += (errors.empty() ? "" : "\n") + conf::to_string(problem);
    }
    auto socket = loaded.value.run_dir / (loaded.value.name + ".ctl");
    // A file that went wrong under a running daemon is no reason not to talk to it.
    std::error_code ignored;
    if (!errors.empty() && !std::filesystem::exists(socket, ignored)) return tl::unexpected(errors);
    return socket;
}

int run(const Options& options) {
    const auto socket = options.config.empty()
                            ? console::client::only_socket(console::client::default_run_dir)
                            : socket_of(options.config);
    if (!socket) {
        fmt::print(stderr, "{}\n", socket.error());
        return 1;
    }
    const std::chrono::milliseconds patience(static_cast<std::int64_t>(options.timeout_seconds * 1'000));
    const Form form = options.json ? Form::json : Form::text;
    const bool asks = options.execute || options.complete;
    if (!asks && form == Form::text && ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0)
        return run_interactive(*socket, patience);
    Remote remote(*socket, patience, [](const std::string& line) { fmt::print(stderr, "{}\n", line); });
    if (const auto connected = remote.connect(); !connected) {
        fmt::print(stderr, "{}\n", connected.error());
        return 1;
    }
    if (options.complete) return print_completions(remote, options.begun);
    return options.execute ? run_command(remote, options.command, form) : run_lines(remote, form);
}

int parse_and_run(int argc, char** argv) {
    Options options;
    CLI::App app("Console and control of a running lamplightd.", "lamplight");
    app.footer(
        "Exit status: 0 when the command succeeded, 1 when it failed or no daemon answers, 2 for a wrong "
        "call.\n"
        "Without -C the only daemon of /run/lamplight is asked.");
    app.add_option("-C,--config", options.config, "The lamplight.conf of the daemon to talk to")
        ->type_name("FILE");
    const auto* execute =
        app.add_option("-x,--execute", options.command, "Run one command and print its answer")
            ->type_name("COMMAND");
    app.add_flag("-r,--remote", options.remote,
                 "An interactive console; lines of stdin when that is no terminal");
    app.add_flag("--json", options.json, "Print answers as JSON");
    app.add_option("--timeout", options.timeout_seconds, "Seconds to wait for an answer")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.001, 86'400.0))
        ->capture_default_str();
    const auto* complete = app.add_option("--complete", options.begun)->group("");  // not for people
    app.set_version_flag("-V,--version", std::string("Lamplight ") + LAMPLIGHT_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : wrong_call;
    }
    options.execute = execute->count() != 0;
    options.complete = complete->count() != 0;
    if (!options.execute && !options.complete && !options.remote) {
        fmt::print(stderr, "Say -x \"COMMAND\" for one command or -r for a console.\n\n{}", app.help());
        return wrong_call;
    }
    return run(options);
}

}  // namespace

}  // namespace lamplight::app

int main(int argc, char** argv) {
    std::setlocale(LC_CTYPE, "");
    // A reader that has gone is an error of write(2).
    std::signal(SIGPIPE, SIG_IGN);
    return lamplight::app::parse_and_run(argc, argv);
}
