// lamplight-evt: event channels and members of the cluster, from the shell.
#include "administer.hpp"
#include "options.hpp"
#include "publish.hpp"
#include "session.hpp"
#include "show.hpp"
#include "subscribe.hpp"
#include "watch.hpp"
#include "wire/event/event.hpp"
#include "wire/evt/frame.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lamplight::evt_app {

namespace {

constexpr int failed = 1;
constexpr int wrong_call = 2;

/// The command line as it was typed; values were checked.
struct Typed {
    double wait_seconds = 5;
    bool json = false;
    bool raw = false;
    bool create = false;
    bool lines = false;
    std::string channel;
    std::vector<std::string> filters;
    std::uint64_t count = 0;
    double timeout_seconds = 0;
    std::vector<std::string> patterns;
    unsigned priority = bus::ais::evt::lowest_priority;
    std::string retention;
    std::string publisher;
    std::string data;
    std::string device_state;
    std::string eid;
    std::string event_id;
};

std::chrono::milliseconds milliseconds(double seconds) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1'000));
}

/// A check of CLI11's: the complaint of a parser, or nothing.
template <typename Parse>
std::function<std::string(std::string&)> understood_by(Parse parse) {
    return [parse](std::string& text) {
        const auto parsed = parse(text);
        return parsed ? std::string{} : parsed.error();
    };
}

tl::expected<state::Eid, Complaint> parse_eid(std::string_view text) {
    const auto eid = state::parse_eid(text);
    if (!eid || eid->is_zero())
        return tl::unexpected(fmt::format("\"{}\" is no entity ID, six bytes: 02:00:00:78:00:01", text));
    return *eid;
}

const auto some_seconds = CLI::Range(0.001, 86'400.0);

// --- subcommands ---

void add_wait(CLI::App& command, Typed& typed) {
    command.add_option("--wait", typed.wait_seconds, "Seconds to wait for Corosync's answer")
        ->type_name("SECONDS")
        ->check(some_seconds)
        ->capture_default_str();
}

CLI::App* add(CLI::App& app, Typed& typed, const char* name, const char* summary) {
    CLI::App* command = app.add_subcommand(name, summary);
    add_wait(*command, typed);
    return command;
}

void add_channel(CLI::App& command, Typed& typed) {
    command.add_option("CHANNEL", typed.channel, "The name of the channel")
        ->required()
        ->check(CLI::Validator(understood_by(parse_name), "", ""));
}

CLI::Option* add_json(CLI::App& command, Typed& typed) {
    return command.add_flag("--json", typed.json, "Print JSON, a line each");
}

void add_subscribe(CLI::App& app, Typed& typed) {
    CLI::App* command = add(app, typed, "subscribe", "Print each event of a channel, a line each");
    add_channel(*command, typed);
    command
        ->add_option(
            "--filter", typed.filters,
            "exact:TEXT, prefix:TEXT, suffix:TEXT or all; the first is compared with an event's first "
            "pattern, and so on. Asterisk's pattern is device_state\\0")
        ->type_name("FILTER")
        ->allow_extra_args(false)
        ->check(CLI::Validator(understood_by(parse_filter), "", ""));
    command->add_option("--count", typed.count, "End after so many events")
        ->type_name("N")
        ->check(CLI::Range(std::uint64_t{1}, UINT64_MAX));
    command
        ->add_option("--timeout", typed.timeout_seconds,
                     "End after this time; status 1 when --count was not reached")
        ->type_name("SECONDS")
        ->check(some_seconds);
    command->add_flag("--create", typed.create, "Create the channel when it is not there");
    CLI::Option* raw =
        command->add_flag("--raw", typed.raw, "Print an event's data and an end of line, nothing else");
    add_json(*command, typed)->excludes(raw);
}

void add_attributes(CLI::App& command, Typed& typed) {
    command.add_option("--pattern", typed.patterns, "A pattern of the event; \\0 and \\xNN are bytes")
        ->type_name("TEXT")
        ->allow_extra_args(false)
        ->check(CLI::Validator(understood_by(parse_pattern), "", ""));
    command.add_option("--priority", typed.priority, "0, the highest, to 3")
        ->type_name("N")
        ->check(CLI::Range(0U, 3U))
        ->capture_default_str();
    command
        .add_option("--retention", typed.retention,
                    "How long who subscribes later gets it: 90, 1m, 2h, forever")
        ->type_name("TIME")
        ->check(CLI::Validator(understood_by(parse_retention), "", ""));
    command.add_option("--publisher", typed.publisher, "The publisher's name instead of the node's")
        ->type_name("NAME")
        ->check(CLI::Validator(understood_by(parse_name), "", ""));
}

void add_publish(CLI::App& app, Typed& typed) {
    CLI::App* command =
        add(app, typed, "publish", "Publish an event, and print its id when everybody has it");
    add_channel(*command, typed);
    CLI::Option* data =
        command->add_option("DATA", typed.data, "The data of the event; - for standard input");
    add_attributes(*command, typed);
    CLI::Option* lines = command->add_flag("--lines", typed.lines, "Publish each line of standard input");
    CLI::Option* device =
        command
            ->add_option("--device-state", typed.device_state,
                         "Publish as an Asterisk: its data, pattern and retention of a minute")
            ->type_name("DEVICE=STATE")
            ->check(CLI::Validator(understood_by(parse_device_text), "", ""));
    CLI::Option* eid =
        command->add_option("--eid", typed.eid, "The entity ID of the server that the state is of")
            ->type_name("EID")
            ->check(CLI::Validator(understood_by(parse_eid), "", ""));
    device->needs(eid);
    eid->needs(device);
    data->excludes(lines)->excludes(device);
    lines->excludes(device);
}

void add_subcommands(CLI::App& app, Typed& typed) {
    add_json(*add(app, typed, "watch", "Print each change of the membership, as aisexec -f did"), typed);
    add_json(*add(app, typed, "members", "Print who is in the cluster"), typed);
    add_json(*add(app, typed, "channels", "Print the channels, who has them open, and what they retain"),
             typed);
    add_subscribe(app, typed);
    add_publish(app, typed);
    CLI::App* clear = add(app, typed, "clear", "Retain an event no more");
    add_channel(*clear, typed);
    clear->add_option("EVENT-ID", typed.event_id, "As publish and subscribe print it")
        ->required()
        ->check(CLI::Validator(understood_by(parse_event_id), "", ""));
    add_channel(*add(app, typed, "unlink", "Nobody finds the channel by its name any more"), typed);
}

// --- what was typed becomes what is to be done ---

template <typename Command, typename... Options>
Session::Make make(const Options&... options) {
    return [options...](Session& session) { return std::make_unique<Command>(session, options...); };
}

SubscribeOptions subscribe_options(const Typed& typed) {
    SubscribeOptions out;
    out.channel = typed.channel;
    for (const std::string& filter : typed.filters)
        out.filters.push_back(*parse_filter(filter));
    out.count = typed.count;
    if (typed.timeout_seconds > 0) out.timeout = milliseconds(typed.timeout_seconds);
    out.when_missing = typed.create ? WhenMissing::create : WhenMissing::fail;
    return out;
}

/// All of standard input, at most one byte more than an event takes.
tl::expected<std::string, Complaint> read_input() {
    std::string out;
    std::array<char, 16'384> buffer{};
    while (out.size() <= wire::evt::max_data_bytes) {
        const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return tl::unexpected(fmt::format("standard input: {}", std::strerror(errno)));
        if (count == 0) break;
        out.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return out;
}

/// Asterisk's event; a name that is too long for its wire is a complaint.
tl::expected<std::string, Complaint> device_state_data(const Typed& typed) {
    const DeviceText text = *parse_device_text(typed.device_state);
    const wire::event::DeviceStateChange change{
        .device = text.device, .state = text.state, .eid = *parse_eid(typed.eid)};
    std::array<std::uint8_t, wire::event::max_event_bytes> buffer{};
    const std::size_t bytes = wire::event::encode(change, {}, buffer);
    if (bytes == 0)
        return tl::unexpected(
            fmt::format("\"{}\" is no name of a device for Asterisk: at most {} bytes, none of them 0",
                        text.device, wire::event::max_device_bytes));
    return std::string(wire::text_of(wire::Bytes{buffer.data(), bytes}));
}

tl::expected<std::string, Complaint> data_of(const Typed& typed) {
    if (!typed.device_state.empty()) return device_state_data(typed);
    if (typed.data == "-") return read_input();
    return typed.data;
}

tl::expected<PublishOptions, Complaint> publish_options(const Typed& typed) {
    PublishOptions out;
    out.channel = typed.channel;
    out.source = typed.lines ? PublishOptions::Source::lines : PublishOptions::Source::data;
    for (const std::string& pattern : typed.patterns)
        out.patterns.push_back(*parse_escaped(pattern));
    out.priority = static_cast<std::uint8_t>(typed.priority);
    if (!typed.retention.empty()) out.retention = *parse_retention(typed.retention);
    if (!typed.publisher.empty()) out.publisher = typed.publisher;
    if (typed.lines) return out;
    if (!typed.device_state.empty()) {
        if (out.patterns.empty()) out.patterns.emplace_back("device_state\0", 13);
        if (typed.retention.empty()) out.retention = bus::ais::evt::one_minute;
    }
    auto data = data_of(typed);
    if (!data) return tl::unexpected(std::move(data.error()));
    out.data = *std::move(data);
    return out;
}

tl::expected<Session::Make, Complaint> command_of(const std::string& name, const Typed& typed) {
    if (name == "watch") return make<Watch>();
    if (name == "members") return make<ShowMembers>();
    if (name == "channels") return make<ShowChannels>();
    if (name == "subscribe") return make<Subscribe>(subscribe_options(typed));
    if (name == "publish") {
        const auto options = publish_options(typed);
        if (!options) return tl::unexpected(options.error());
        return make<Publish>(*options);
    }
    if (name == "clear") return make<Clear>(ClearOptions{typed.channel, *parse_event_id(typed.event_id)});
    return make<Unlink>(UnlinkOptions{typed.channel});
}

int run(const std::string& name, const Typed& typed) {
    const auto command = command_of(name, typed);
    if (!command) {
        Session::say(command.error());
        return failed;
    }
    Common common{.wait = milliseconds(typed.wait_seconds)};
    if (typed.json) common.form = Form::json;
    if (typed.raw) common.form = Form::raw;
    Session session(common);
    return session.run(*command);
}

int parse_and_run(int argc, char** argv) {
    Typed typed;
    CLI::App app(
        "Event channels and members of the cluster: the SA Forum's event and membership services on "
        "Corosync.",
        "lamplight-evt");
    app.footer(
        "It needs no configuration, and is in the group saEvt of the Corosync on this host while it runs.\n"
        "Exit status: 0 when it did what was asked, 1 when that failed, 2 for a wrong call.");
    app.set_version_flag("-V,--version", std::string("Lamplight ") + LAMPLIGHT_VERSION);
    app.require_subcommand(1);
    add_subcommands(app, typed);
    try {
        app.parse(argc, argv);
        const CLI::App& publish = *app.get_subcommand("publish");
        if (publish.parsed() && publish.count("DATA") == 0 && !typed.lines && typed.device_state.empty())
            throw CLI::RequiredError("DATA, -, --lines or --device-state");
        // A maximum of CLI11's own would have it take DATA for one more pattern.
        if (typed.patterns.size() > wire::evt::max_patterns)
            throw CLI::ValidationError(
                "--pattern",
                fmt::format("at most {} of them, not {}", wire::evt::max_patterns, typed.patterns.size()));
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : wrong_call;
    }
    return run(app.get_subcommands().front()->get_name(), typed);
}

}  // namespace

}  // namespace lamplight::evt_app

int main(int argc, char** argv) {
    // A reader that has gone is an error of write(2).
    std::signal(SIGPIPE, SIG_IGN);
    return lamplight::evt_app::parse_and_run(argc, argv);
}
