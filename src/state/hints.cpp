#include "state/hints.hpp"

#include "state/hint_contexts.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <cstdlib>
#include <tuple>
#include <utility>

namespace lamplight::state {
namespace {

/// A broken contract ends the process in release builds too: going on would show wrong lamps.
void require(bool holds) {
    if (!holds) std::abort();
}

enum class Kind : std::uint8_t {
    vacant,        ///< removed: the texts stay until the slot is used again
    written,       ///< the plan has it
    pattern,       ///< the plan has it, with `_`
    from_pattern,  ///< made for one extension that was looked up
    automatic,     ///< made by autohints
};

struct Hint {
    Kind kind = Kind::vacant;
    HintDefinition definition;  ///< of an extension made from a pattern: everything expanded
    ExtensionState state = ExtensionState::removed;
    std::uint32_t watchers = 0;
    std::vector<DeviceId> devices;
};

/// `name` of `X/name` and `X:name`; empty when there is none, or when it would be a pattern.
std::string_view name_in_device(std::string_view device) {
    const auto separator = device.find_first_of("/:");
    if (separator == std::string_view::npos) return {};
    const auto name = device.substr(separator + 1);
    return name.starts_with('_') ? std::string_view{} : name;
}

HintDefinition expanded(const HintDefinition& pattern, std::string_view extension) {
    HintDefinition made = pattern;
    made.extension = extension;
    made.text = expand_extension(pattern.text, extension);
    made.display_name = expand_extension(pattern.display_name, extension);
    made.presence = expand_extension(pattern.presence, extension);
    for (std::string& device : made.devices)
        device = expand_extension(device, extension);
    return made;
}

}  // namespace

class Hints::Impl {
public:
    Impl(Engine& engine, const Limits& limits, std::uint64_t hash_seed)
        : engine_(engine), limits_(limits), hash_seed_(hash_seed), contexts_({}, hash_seed) {}

    ~Impl() {
        for (const Hint& hint : hints_)
            release(hint.devices);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void load(const HintPlan& plan, std::vector<HintChange>& changes, Changes& engine_changes) {
        report_pending(changes);
        const HintContexts old = std::exchange(contexts_, HintContexts(plan, hash_seed_));
        const std::vector<DeviceId> held = take_devices();
        automatic_ = 0;
        std::vector<Kind> before(hints_.size());
        for (std::size_t i = 0; i < hints_.size(); ++i)
            before[i] = std::exchange(hints_[i].kind, Kind::vacant);

        for (const HintDefinition& definition : plan.hints)
            load_written(definition, old, engine_changes);
        keep_automatic(old, before, engine_changes);
        make_autohints_of_known_devices(old, engine_changes);
        remove_what_is_left(before, changes);
        release(held);
        for (std::uint32_t i = 0; i < hints_.size(); ++i)
            update(HintId{i}, changes);
    }

    void follow(const Changes& engine_changes, std::vector<HintChange>& changes, Changes& more) {
        report_pending(changes);
        for (const AggregateChange& change : engine_changes.aggregates) {
            const auto hints = hints_of_.find(index_of(change.device));
            if (hints == hints_of_.end()) continue;
            for (HintId hint : hints->second)
                update(hint, changes);
        }
        if (contexts_.with_autohints().empty()) return;
        const auto forgotten = nameless(engine_changes);
        for (const AggregateChange& change : engine_changes.aggregates) {
            if (forgotten.contains(index_of(change.device))) continue;
            for (HintId hint : make_autohints(change.device, nullptr, more))
                update(hint, changes);
        }
    }

    std::optional<HintId> find(std::string_view extension, std::string_view context,
                               Changes& engine_changes) {
        const auto place = contexts_.find(context);
        const bool concrete = !extension.empty() && !extension.starts_with('_');
        if (!place || !concrete || extension.size() > engine_.limits().name_bytes) return std::nullopt;
        const auto found = contexts_.search(*place, extension);
        if (!found) return std::nullopt;
        if (found->literal) return found->literal;
        if (!room_for_automatic()) return std::nullopt;
        const HintId hint = allocate();
        enter(hint, Kind::from_pattern, expanded(found->pattern->definition, extension), found->context,
              engine_changes);
        update(hint, pending_);
        return hint;
    }

    HintView view(HintId id) const {
        require(index_of(id) < hints_.size());
        const Hint& hint = hints_[index_of(id)];
        const HintDefinition& definition = hint.definition;
        return {.id = id,
                .context = definition.context,
                .extension = definition.extension,
                .text = definition.text,
                .display_name = definition.display_name,
                .presence = definition.presence,
                .pattern = hint.kind == Kind::pattern,
                .automatic = hint.kind == Kind::from_pattern || hint.kind == Kind::automatic,
                .state = hint.state,
                .watchers = hint.watchers,
                .devices = hint.devices};
    }

    void for_each(const std::function<void(const HintView&)>& visit) const {
        std::vector<const Hint*> sorted;
        for (const Hint& hint : hints_) {
            if (hint.kind != Kind::vacant) sorted.push_back(&hint);
        }
        std::ranges::sort(sorted, {}, [](const Hint* hint) {
            return std::tie(hint->definition.context, hint->definition.extension);
        });
        for (const Hint* hint : sorted)
            visit(view(HintId{static_cast<std::uint32_t>(hint - hints_.data())}));
    }

    std::size_t size() const { return hints_.size() - vacant_.size(); }

    WatchOutcome watch(HintId id) {
        if (index_of(id) >= hints_.size()) return WatchOutcome::no_such_hint;
        Hint& hint = hints_[index_of(id)];
        if (hint.kind == Kind::vacant || hint.kind == Kind::pattern) return WatchOutcome::no_such_hint;
        if (hint.watchers >= limits_.watchers_per_hint) {
            ++counters_.watchers_refused;
            return WatchOutcome::too_many_watchers;
        }
        ++hint.watchers;
        return WatchOutcome::watching;
    }

    void unwatch(HintId id) {
        if (index_of(id) < hints_.size() && hints_[index_of(id)].watchers > 0)
            --hints_[index_of(id)].watchers;
    }

    const Counters& counters() const { return counters_; }

private:
    // --- loading ---

    void load_written(const HintDefinition& definition, const HintContexts& old, Changes& engine_changes) {
        const ContextIndex context = *contexts_.find(definition.context);
        const auto old_context = old.find(definition.context);
        if (definition.extension.starts_with('_')) {
            const auto known =
                old_context ? old.written_pattern(*old_context, definition.extension) : std::nullopt;
            load_pattern(definition, context, known);
            return;
        }
        const std::string key = without_dashes(definition.extension);
        if (key.empty() || contexts_.literal(context, key)) return;
        const auto known = old_context ? old.literal(*old_context, key) : std::nullopt;
        enter(known ? *known : allocate(), Kind::written, definition, context, engine_changes);
    }

    void load_pattern(const HintDefinition& definition, ContextIndex context, std::optional<HintId> known) {
        const HintId id = known ? *known : allocate();
        if (!contexts_.add_pattern(context, definition, id)) {
            if (!known) vacant_.push_back(id);
            return;
        }
        Hint& hint = hints_[index_of(id)];
        hint.kind = Kind::pattern;
        hint.definition = definition;
        hint.state = ExtensionState::unavailable;
    }

    /// Extensions that the plan does not write: kept when a pattern or autohints would make them again.
    void keep_automatic(const HintContexts& old, const std::vector<Kind>& before, Changes& engine_changes) {
        old.for_each_literal([&](ContextIndex old_context, std::string_view key, HintId id) {
            Hint& hint = hints_[index_of(id)];
            const auto context = contexts_.find(old.name(old_context));
            if (hint.kind != Kind::vacant || !context || contexts_.literal(*context, key)) return;
            const Kind was = before[index_of(id)];
            const PatternHint* pattern = contexts_.pattern(*context, hint.definition.extension);
            if (pattern && (was != Kind::written || hint.watchers > 0)) {
                enter(id, Kind::from_pattern, expanded(pattern->definition, hint.definition.extension),
                      *context, engine_changes);
            } else if (!pattern && was == Kind::automatic && contexts_.autohints(*context)) {
                enter(id, Kind::automatic, HintDefinition(hint.definition), *context, engine_changes);
            }
        });
    }

    void make_autohints_of_known_devices(const HintContexts& old, Changes& engine_changes) {
        if (contexts_.with_autohints().empty()) return;
        std::vector<DeviceId> known;  // interning inside the visit would change what is visited
        engine_.for_each_device([&](DeviceId device) { known.push_back(device); });
        for (DeviceId device : known)
            make_autohints(device, &old, engine_changes);
    }

    void remove_what_is_left(const std::vector<Kind>& before, std::vector<HintChange>& changes) {
        for (std::uint32_t i = 0; i < before.size(); ++i) {
            Hint& hint = hints_[i];
            if (before[i] == Kind::vacant || hint.kind != Kind::vacant) continue;
            if (before[i] != Kind::pattern)
                changes.push_back({HintId{i}, hint.state, ExtensionState::removed});
            hint.state = ExtensionState::removed;
            hint.watchers = 0;
            vacant_.push_back(HintId{i});
        }
    }

    /// Every hint's devices, taken out of the hints and the index, still retained.
    std::vector<DeviceId> take_devices() {
        std::vector<DeviceId> taken;
        for (Hint& hint : hints_) {
            taken.insert(taken.end(), hint.devices.begin(), hint.devices.end());
            hint.devices.clear();
        }
        hints_of_.clear();
        return taken;
    }

    // --- making one hint ---

    HintId allocate() {
        if (vacant_.empty()) {
            hints_.emplace_back();
            return HintId{static_cast<std::uint32_t>(hints_.size() - 1)};
        }
        const HintId id = vacant_.back();
        vacant_.pop_back();
        hints_[index_of(id)] = {};
        return id;
    }

    bool room_for_automatic() {
        if (automatic_ < limits_.automatic_hints) return true;
        ++counters_.automatic_hints_refused;
        return false;
    }

    void enter(HintId id, Kind kind, HintDefinition definition, ContextIndex context,
               Changes& engine_changes) {
        Hint& hint = hints_[index_of(id)];
        hint.kind = kind;
        hint.definition = std::move(definition);
        contexts_.add_literal(context, without_dashes(hint.definition.extension), id);
        for (const std::string& name : hint.definition.devices)
            add_device(id, name, engine_changes);
        if (kind == Kind::from_pattern || kind == Kind::automatic) ++automatic_;
    }

    void add_device(HintId id, std::string_view name, Changes& engine_changes) {
        if (name.empty()) return;
        const auto device = engine_.intern_device(name, engine_changes);
        if (!device) {
            ++counters_.devices_refused;
            return;
        }
        auto& devices = hints_[index_of(id)].devices;
        if (std::ranges::find(devices, *device) != devices.end()) return;
        engine_.retain_device(*device);
        devices.push_back(*device);
        hints_of_[index_of(*device)].push_back(id);
    }

    /// Makes the hints of a device that contexts with autohints lack; `old` has ids that are to be taken
    /// again.
    std::vector<HintId> make_autohints(DeviceId device, const HintContexts* old, Changes& engine_changes) {
        std::vector<HintId> made;
        const std::string_view name = name_in_device(engine_.device_name(device));
        const std::string key = without_dashes(name);
        if (key.empty()) return made;
        for (ContextIndex context : contexts_.with_autohints()) {
            if (contexts_.literal(context, key) || contexts_.pattern(context, name)) continue;
            const auto known = old ? vacated(*old, contexts_.name(context), key) : std::nullopt;
            if (!known && !room_for_automatic()) continue;
            const HintId id = known ? *known : allocate();
            const std::string text(engine_.device_name(device));
            enter(id, Kind::automatic,
                  {std::string(contexts_.name(context)), std::string(name), text, {text}, {}, {}}, context,
                  engine_changes);
            made.push_back(id);
        }
        return made;
    }

    std::optional<HintId> vacated(const HintContexts& old, std::string_view context,
                                  std::string_view key) const {
        const auto place = old.find(context);
        const auto id = place ? old.literal(*place, key) : std::nullopt;
        return id && hints_[index_of(*id)].kind == Kind::vacant ? id : std::nullopt;
    }

    // --- states ---

    ExtensionState compute(const Hint& hint) const {
        if (hint.devices.empty()) return ExtensionState::unavailable;
        unsigned states = 0;
        for (DeviceId device : hint.devices)
            states |= state_bit(engine_.aggregate(device));
        return extension_state(join(static_cast<StateSet>(states)));
    }

    void update(HintId id, std::vector<HintChange>& changes) {
        Hint& hint = hints_[index_of(id)];
        if (hint.kind == Kind::vacant || hint.kind == Kind::pattern) return;
        const ExtensionState fresh = compute(hint);
        if (fresh == hint.state) return;
        changes.push_back({id, hint.state, fresh});
        hint.state = fresh;
    }

    void report_pending(std::vector<HintChange>& changes) {
        changes.insert(changes.end(), pending_.begin(), pending_.end());
        pending_.clear();
    }

    /// Devices that were forgotten have no name any more; one that a hint names is never among them.
    static boost::unordered_flat_set<std::uint32_t> nameless(const Changes& engine_changes) {
        boost::unordered_flat_set<std::uint32_t> devices;
        for (const DeviceForgotten& forgotten : engine_changes.forgotten)
            devices.insert(index_of(forgotten.device));
        return devices;
    }

    void release(const std::vector<DeviceId>& devices) {
        for (DeviceId device : devices)
            engine_.release_device(device);
    }

    Engine& engine_;
    Limits limits_;
    std::uint64_t hash_seed_;
    HintContexts contexts_;
    std::vector<Hint> hints_;
    std::vector<HintId> vacant_;
    boost::unordered_flat_map<std::uint32_t, std::vector<HintId>> hints_of_;  // by device
    std::vector<HintChange>
        pending_;  // of hints that find() made, until the next report; bounded by their limit
    std::uint32_t automatic_ = 0;
    Counters counters_;
};

Hints::Hints(Engine& engine, const Limits& limits, std::uint64_t hash_seed)
    : impl_(std::make_unique<Impl>(engine, limits, hash_seed)) {}
Hints::Hints(Engine& engine) : Hints(engine, Limits{}) {}
Hints::~Hints() = default;

void Hints::load(const HintPlan& plan, std::vector<HintChange>& changes, Changes& engine_changes) {
    impl_->load(plan, changes, engine_changes);
}
void Hints::follow(const Changes& engine_changes, std::vector<HintChange>& changes, Changes& more) {
    impl_->follow(engine_changes, changes, more);
}
std::optional<HintId> Hints::find(std::string_view extension, std::string_view context,
                                  Changes& engine_changes) {
    return impl_->find(extension, context, engine_changes);
}
HintView Hints::view(HintId hint) const {
    return impl_->view(hint);
}
void Hints::for_each(const std::function<void(const HintView&)>& visit) const {
    impl_->for_each(visit);
}
std::size_t Hints::size() const {
    return impl_->size();
}
WatchOutcome Hints::watch(HintId hint) {
    return impl_->watch(hint);
}
void Hints::unwatch(HintId hint) {
    impl_->unwatch(hint);
}
const Hints::Counters& Hints::counters() const {
    return impl_->counters();
}

}  // namespace lamplight::state
