#pragma once

#include "state/engine.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::state {

/// A hint as the dialplan has it: `exten => 6001,hint,SIP/a&SIP/b(Joe),CustomPresence:joe`, already expanded.
struct HintDefinition {
    std::string context;
    std::string extension;             ///< starts with `_` when a pattern
    std::string text;                  ///< the device part as written, for `core show hints`: `SIP/a&SIP/b`
    std::vector<std::string> devices;  ///< of a pattern: with ${EXTEN}, ${EXTEN:n} still inside
    std::string display_name;          ///< `Joe`
    std::string presence;              ///< `CustomPresence:joe`

    bool operator==(const HintDefinition&) const = default;
};

/// What `[context]` says of itself beyond its hints.
struct HintContext {
    std::string name;
    bool autohints = false;
    std::vector<std::string> includes;  ///< contexts searched after this one's own hints, in order

    bool operator==(const HintContext&) const = default;
};

struct HintPlan {
    std::vector<HintContext> contexts;
    std::vector<HintDefinition> hints;

    bool operator==(const HintPlan&) const = default;
};

enum class HintId : std::uint32_t {};

struct HintChange {
    HintId hint{};
    ExtensionState from{};
    ExtensionState to{};  ///< removed when the hint is no longer in the dialplan
};

struct HintView {
    HintId id{};
    std::string_view context;
    std::string_view extension;
    std::string_view text;
    std::string_view display_name;
    std::string_view presence;
    bool pattern = false;    ///< shows as Unavailable, never has watchers of its own
    bool automatic = false;  ///< made by autohints or from a pattern
    ExtensionState state{};
    std::uint32_t watchers = 0;
    std::span<const DeviceId> devices;
};

/// Who watches an extension asks here.
enum class WatchOutcome : std::uint8_t { watching, no_such_hint, too_many_watchers };

/// Hints and their extension states. Pure, like the engine, whose aggregates it follows: hand it every
/// Changes of the engine, in order.
///
/// A pattern hint becomes a concrete one when a concrete extension is first looked up, and stays
/// (asterisk-facts 1.7). Matching is Asterisk's: `X` 0-9, `Z` 1-9, `N` 2-9, `[1-5a]`, `.` one or more, `!`
/// zero or more, `-` ignored outside brackets; a literal extension beats a pattern, a more specific pattern a
/// less specific one. Device names match exactly (case matters) as in the engine.
///
/// An extension given twice in a context is its first definition, dashes aside. A hint that the operator
/// wrote, a pattern too, goes before an automatic one. An automatic extension is never a pattern, whatever
/// its name.
///
/// The state of a hint is the one last reported; after follow() it equals a fresh computation, so a change
/// and the change back between two calls are no change. No devices: Unavailable.
///
/// Limits      watchers_per_hint refuses the watcher; automatic_hints the new hint, and find() then gives
/// nothing;
///             a device that the engine refuses is left out of its hint. All are counted.
/// Cost        follow: O(hints of the device) for each aggregate change, and a look-up for each context with
///             autohints. find: O(1), plus the patterns and included contexts when the context lacks the
///             extension.
class Hints {
public:
    /// Limits of what the network can make grow.
    struct Limits {
        std::uint32_t watchers_per_hint = 10'000;
        std::uint32_t automatic_hints = 100'000;  ///< by autohints and from patterns
    };

    /// `engine` must live longer; its devices are retained as long as a hint names them.
    explicit Hints(Engine& engine, const Limits& limits, std::uint64_t hash_seed = 0);
    explicit Hints(Engine& engine);
    ~Hints();
    Hints(const Hints&) = delete;
    Hints& operator=(const Hints&) = delete;

    /// Replaces the plan. Hints in both keep id, state and watchers; new ones are reported with their state;
    /// those gone are reported as removed and their watchers with them. Automatic hints stay while what made
    /// them stays; a hint that is watched and no longer written becomes one of a pattern that matches it.
    /// Pattern hints are not reported.
    void load(const HintPlan& plan, std::vector<HintChange>& changes, Changes& engine_changes);

    /// Follows the engine: computes the hints of every device in `engine_changes.aggregates`, makes
    /// autohints. Reports the hints that find() made meanwhile, too.
    void follow(const Changes& engine_changes, std::vector<HintChange>& changes, Changes& more);

    /// The hint of a concrete extension, made from a pattern if need be; searches included contexts.
    std::optional<HintId> find(std::string_view extension, std::string_view context, Changes& engine_changes);
    /// The views in it are valid until the next load, follow or find. A hint that was reported as removed can
    /// be looked at until then; later its id may be another hint's.
    HintView view(HintId hint) const;
    /// Sorted by context, then extension.
    void for_each(const std::function<void(const HintView&)>& visit) const;
    std::size_t size() const;

    WatchOutcome watch(HintId hint);
    void unwatch(HintId hint);

    /// What limits refused.
    struct Counters {
        std::uint64_t automatic_hints_refused = 0;
        std::uint64_t watchers_refused = 0;
        std::uint64_t devices_refused = 0;
    };
    const Counters& counters() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace lamplight::state
