#pragma once

#include "conf/reader.hpp"
#include "console/daemon_control.hpp"
#include "daemon/custom_states.hpp"
#include "daemon/ending.hpp"
#include "daemon/hub.hpp"
#include "daemon/module_manager.hpp"
#include "daemon/reloader.hpp"

namespace lamplight::daemon {

/// What the console's commands ask of the daemon, done with the daemon's parts. Everything on the loop's
/// thread.
class Control final : public console::DaemonControl {
public:
    /// All of it outlives the control.
    struct Parts {
        Hub& hub;
        CustomStates& custom_states;
        ModuleManager& modules;
        Reloader& reloader;
        Ending& ending;
    };
    explicit Control(const Parts& parts) : parts_(parts), started_(std::chrono::system_clock::now()) {}

    state::Time now() const override { return parts_.hub.now(); }
    std::chrono::system_clock::time_point wall(state::Time time) const override {
        return parts_.hub.wall(time);
    }

    void set_custom(std::string_view device, state::DeviceState state, const console::Asker& asker,
                    console::Done done) override;
    void delete_custom(std::string_view device, const console::Asker& asker, console::Done done) override;
    std::vector<console::CustomState> custom_states() const override;

    const state::MwiTable& mwi() const override { return parts_.hub.mwi(); }
    tl::expected<void, std::string> update_mwi(const state::Mailbox& mailbox, state::MessageCounts counts,
                                               const console::Asker& asker) override;
    tl::expected<void, std::string> delete_mwi(const state::Mailbox& mailbox,
                                               const console::Asker& asker) override;

    void end(console::Ending ending, console::When when, const console::Asker& asker,
             console::Done done) override;
    void reload(console::Scope scope, const console::Asker& asker, console::Done done) override;
    console::Settings settings() const override;

    std::vector<console::ModuleView> modules() const override { return parts_.modules.views(); }
    void load_module(std::string_view name, const console::Asker& asker, console::Done done) override;
    void unload_module(std::string_view name, const console::Asker& asker, console::Done done) override;
    void reload_module(std::string_view name, const console::Asker& asker, console::Done done) override;
    std::vector<console::BusView> buses() const override;

private:
    Parts parts_;
    std::chrono::system_clock::time_point started_;
};

}  // namespace lamplight::daemon
