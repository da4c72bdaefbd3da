// lamplightd: arguments, configuration, then a daemon::Daemon in the foreground or behind it.
#include "daemon/background.hpp"
#include "daemon/daemon.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <optional>

namespace {

using namespace lamplight;
using daemon::ExitStatus;

constexpr auto restarted_option = "--restarted";

struct Arguments {
    daemon::Options options;
    bool check = false;
    bool version = false;
    bool restarted = false;  ///< `core restart` of a daemon in the background: it is there already
};

int to_int(ExitStatus status) {
    return static_cast<int>(status);
}

void say(std::string_view text) {
    if (!text.empty()) fmt::print(stderr, "{}\n", text);
}

/// Empty when the program is to go on; else its exit status.
std::optional<int> parse(int argc, char** argv, Arguments& arguments) {
    CLI::App app{"Lamplight: device state shared between the servers of a telephone system.", "lamplightd"};
    std::string file;
    bool foreground = false;
    app.add_option("-C", file,
                   "Read this lamplight.conf instead of " + std::string(conf::default_lamplight_conf))
        ->type_name("FILE");
    app.add_flag("-f", foreground, "Stay in the foreground and log to the terminal");
    app.add_flag("-v", arguments.options.verbose, "Say more; each v more yet");
    app.add_flag("-d", arguments.options.debug, "Debug; each d more yet");
    app.add_flag("-t", arguments.check, "Check the whole configuration, print every problem and exit");
    app.add_flag("-V,--version", arguments.version, "Print the version and exit");
    app.add_flag(restarted_option, arguments.restarted)->group("");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int status = app.exit(error);
        return status == 0 ? 0 : to_int(ExitStatus::usage);
    }
    if (!file.empty()) {
        // The daemon's folder may be / later on.
        arguments.options.lamplight_conf = std::filesystem::absolute(file).lexically_normal();
        arguments.options.main_file = conf::MainFile::must_exist;
    }
    if (foreground) arguments.options.foreground = log::Foreground::yes;
    return std::nullopt;
}

conf::Loaded load(const daemon::Options& options) {
    const conf::DiskFiles disk;
    return conf::load(options.lamplight_conf, options.main_file, disk, conf::this_machine(disk));
}

void print(const conf::Problems& problems) {
    for (const conf::Problem& problem : problems)
        say(conf::to_string(problem));
}

int check(const daemon::Options& options) {
    const conf::Loaded loaded = load(options);
    print(loaded.problems);
    if (!loaded.ok()) return to_int(ExitStatus::bad_configuration);
    fmt::print("{}: no errors, {} files read\n", options.lamplight_conf.string(), loaded.files_read.size());
    return to_int(ExitStatus::success);
}

/// The program and its arguments for `core restart`, which in the background must not fork again.
/// Made before the daemon goes into the background.
class Again {
public:
    Again(int argc, char** argv, bool in_background) : words_(argv, argv + argc) {
        std::error_code error;
        program_ = std::filesystem::canonical("/proc/self/exe", error);
        folder_ = std::filesystem::current_path(error);
        const bool told = std::ranges::find(words_, restarted_option) != words_.end();
        if (in_background && !told) words_.emplace_back(restarted_option);
    }
    std::string start() {
        std::vector<char*> arguments;
        for (std::string& word : words_)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        return daemon::start_again(program_, folder_, arguments.data());
    }

private:
    std::string program_;
    std::string folder_;
    std::vector<std::string> words_;
};

/// Why it does not start; to the system's log as well when no terminal is there any more.
void complain(std::string_view text, const daemon::Options& options) {
    say(text);
    if (options.foreground == log::Foreground::no && ::isatty(STDERR_FILENO) == 0)
        ::syslog(LOG_DAEMON | LOG_ERR, "%.*s", static_cast<int>(text.size()), text.data());
}

ExitStatus run(const daemon::Options& options, std::optional<daemon::Background>& background,
               daemon::After& after) {
    conf::Loaded loaded = load(options);
    if (!loaded.ok()) {
        for (const conf::Problem& problem : loaded.problems)
            complain(conf::to_string(problem), options);
        return ExitStatus::bad_configuration;
    }
    auto started = daemon::Daemon::start(options, std::move(loaded));
    if (!started) {
        complain(started.error().text, options);
        return started.error().status;
    }
    if (background) background->report(ExitStatus::success);
    after = (*started)->run();
    return ExitStatus::success;
}

int start(int argc, char** argv, const Arguments& arguments) {
    ::umask(0027);
    // A console that went away and a file at its limit are errors of a write, not ends of the daemon.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);

    const bool in_background = arguments.options.foreground == log::Foreground::no;
    Again again(argc, argv, in_background);
    std::optional<daemon::Background> background;
    if (in_background && !arguments.restarted) {
        auto entered = daemon::Background::enter();
        if (!entered) {
            say(entered.error());
            return to_int(ExitStatus::no_fork);
        }
        background.emplace(std::move(*entered));
    }

    auto after = daemon::After::exit;
    const ExitStatus status = run(arguments.options, background, after);
    if (background) background->report(status);
    if (status == ExitStatus::success && after == daemon::After::start_again) {
        say(again.start());
        return to_int(ExitStatus::no_fork);
    }
    return to_int(status);
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    if (const auto status = parse(argc, argv, arguments)) return *status;
    if (arguments.version) {
        fmt::print("Lamplight {}\n", LAMPLIGHT_VERSION);
        return 0;
    }
    if (arguments.check) return check(arguments.options);

    try {
        return start(argc, argv, arguments);
    } catch (const std::exception& error) {
        // Out of memory or of descriptors: nothing here is meant to throw.
        say(fmt::format("lamplightd cannot go on: {}", error.what()));
        return to_int(ExitStatus::failed);
    }
}
