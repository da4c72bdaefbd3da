#include "daemon/control.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace lamplight::daemon {

namespace {

/// Answers later, so that nobody is called back from inside his own call.
void answer(boost::asio::io_context& loop, console::Done done,
            tl::expected<std::string, std::string> result) {
    boost::asio::post(loop, [done = std::move(done), result = std::move(result)] { done(result); });
}

tl::expected<std::string, std::string> with_text(const tl::expected<void, std::string>& result) {
    return result.map([] { return std::string(); });
}

std::string built_with() {
#if defined(__clang__)
    const char* compiler = "clang++ " __clang_version__;
#else
    const char* compiler = "g++ " __VERSION__;
#endif
#if defined(__x86_64__)
    return fmt::format("{} for x86_64", compiler);
#elif defined(__aarch64__)
    return fmt::format("{} for aarch64", compiler);
#else
    return compiler;
#endif
}

console::BusView view_of(const bus::Status& status) {
    return {status.bus,      status.up,         status.detail,    status.peers,          status.votes_out,
            status.votes_in, status.frames_out, status.frames_in, status.refused_frames, status.waiting};
}

}  // namespace

void Control::set_custom(std::string_view device, state::DeviceState state, const console::Asker&,
                         console::Done done) {
    if (auto voted = parts_.hub.vote(device, state, state::Cause::console); !voted) {
        answer(parts_.hub.loop(), std::move(done),
               tl::unexpected(fmt::format("{}: {}", device, voted.error())));
        return;
    }
    parts_.custom_states.set(std::string(device), state,
                             [done = std::move(done)](const auto& result) { done(with_text(result)); });
}

void Control::delete_custom(std::string_view device, const console::Asker&, console::Done done) {
    if (parts_.custom_states.find(device)) parts_.hub.withdraw(device, state::Cause::console);
    parts_.custom_states.erase(std::string(device),
                               [done = std::move(done)](const auto& result) { done(with_text(result)); });
}

std::vector<console::CustomState> Control::custom_states() const {
    std::vector<console::CustomState> all;
    parts_.custom_states.for_each(
        [&](const std::string& device, state::DeviceState state) { all.push_back({device, state}); });
    return all;
}

tl::expected<void, std::string> Control::update_mwi(const state::Mailbox& mailbox,
                                                    state::MessageCounts counts, const console::Asker&) {
    return parts_.hub.vote(mailbox, counts);
}

tl::expected<void, std::string> Control::delete_mwi(const state::Mailbox& mailbox, const console::Asker&) {
    return parts_.hub.withdraw(mailbox);
}

void Control::end(console::Ending ending, console::When when, const console::Asker&, console::Done done) {
    if (ending == console::Ending::stop) {
        done(std::string());
        parts_.ending.begin({bus::Goodbye::stop, After::exit, when});
        return;
    }
    // A daemon that would not come back stays.
    parts_.reloader.check(
        [this, when, done = std::move(done)](tl::expected<std::string, std::string> checked) {
            if (!checked) {
                done(tl::unexpected(fmt::format(
                    "{}\nThe daemon could not start again with these files; it goes on.", checked.error())));
                return;
            }
            done(std::string());
            parts_.ending.begin({bus::Goodbye::restart, After::start_again, when});
        });
}

void Control::reload(console::Scope scope, const console::Asker&, console::Done done) {
    parts_.reloader.reload(scope, std::move(done));
}

console::Settings Control::settings() const {
    const conf::Configuration& running = parts_.reloader.running();
    console::Settings settings;
    settings.name = running.name;
    settings.version = LAMPLIGHT_VERSION;
    settings.build = built_with();
    settings.eid = running.eid;
    settings.incarnation = parts_.hub.self().incarnation;
    settings.pid = ::getpid();
    settings.started = started_;
    settings.reloaded = parts_.reloader.reloaded().value_or(started_);
    settings.config_file = running.lamplight_conf;
    settings.config_dir = running.config_dir;
    settings.run_dir = running.run_dir;
    settings.state_dir = running.state_dir;
    settings.module_dir = parts_.modules.module_dir();
    settings.files_read = parts_.reloader.files_read();
    settings.more.emplace_back("Entity ID from", conf::to_string(running.eid_source));
    settings.more.emplace_back("Entity ID of the PBX",
                               running.pbx_eid ? state::to_string(*running.pbx_eid) : "not set");
    settings.more.emplace_back("Stands in for the PBX", running.stand_in ? "yes" : "no");
    return settings;
}

void Control::load_module(std::string_view name, const console::Asker&, console::Done done) {
    answer(parts_.hub.loop(), std::move(done), with_text(parts_.modules.load(name)));
}

void Control::unload_module(std::string_view name, const console::Asker&, console::Done done) {
    parts_.modules.unload(name, [done = std::move(done)](const auto& result) { done(with_text(result)); });
}

void Control::reload_module(std::string_view name, const console::Asker&, console::Done done) {
    answer(parts_.hub.loop(), std::move(done), with_text(parts_.modules.reload(name)));
}

std::vector<console::BusView> Control::buses() const {
    std::vector<console::BusView> all;
    for (const bus::Status& status : parts_.modules.buses())
        all.push_back(view_of(status));
    return all;
}

}  // namespace lamplight::daemon
