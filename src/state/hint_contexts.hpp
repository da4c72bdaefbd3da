#pragma once

#include "state/extension_pattern.hpp"
#include "state/hints.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::state {

/// Hashes names that come from the network: seeded, so that nobody can make them collide.
struct NameHash {
    using is_transparent = void;
    std::uint64_t seed = 0;
    std::size_t operator()(std::string_view name) const;
};

/// A map by name, searched without making a string.
template <typename Value>
using NameMap = boost::unordered_flat_map<std::string, Value, NameHash, std::equal_to<>>;

/// A pattern hint that can match.
struct PatternHint {
    HintId id{};
    HintDefinition definition;
};

enum class ContextIndex : std::uint32_t {};

/// Where an extension's hint was found: one of the two is there.
struct FoundHint {
    ContextIndex context{};
    std::optional<HintId> literal;
    const PatternHint* pattern = nullptr;
};

/// The contexts of a plan, arranged for look-ups: which extension is which hint. Literal extensions are
/// entered and asked for by their key, the text without dashes.
class HintContexts {
public:
    /// Contexts that only an include or a hint names are there too.
    HintContexts(const HintPlan& plan, std::uint64_t hash_seed);

    std::optional<ContextIndex> find(std::string_view context) const;
    std::string_view name(ContextIndex context) const { return at(context).name; }
    bool autohints(ContextIndex context) const { return at(context).autohints; }
    const std::vector<ContextIndex>& with_autohints() const { return with_autohints_; }

    std::optional<HintId> literal(ContextIndex context, std::string_view key) const;
    /// The most specific pattern of this context alone that matches.
    const PatternHint* pattern(ContextIndex context, std::string_view extension) const;
    /// The hint as it is written, `_1XX`.
    std::optional<HintId> written_pattern(ContextIndex context, std::string_view text) const;

    /// First this context, its literal extensions before its patterns; then what it includes, in order and in
    /// depth, each context once. Cost: O(1) when the context itself has the extension.
    std::optional<FoundHint> search(ContextIndex context, std::string_view extension);

    /// False when the context has this extension already: the first stays.
    bool add_literal(ContextIndex context, std::string_view key, HintId hint);
    /// Also false when another text means the same pattern. One that is malformed is kept, and never matches.
    bool add_pattern(ContextIndex context, const HintDefinition& definition, HintId hint);

    void for_each_literal(const std::function<void(ContextIndex, std::string_view key, HintId)>& visit) const;
    void for_each_pattern(
        const std::function<void(ContextIndex, std::string_view text, HintId)>& visit) const;

private:
    struct Context {
        std::string name;
        bool autohints = false;
        std::vector<ContextIndex> includes;
        NameMap<HintId> literals;
        std::map<ExtensionPattern, PatternHint> patterns;
        NameMap<HintId> written_patterns;
        std::uint64_t searched = 0;  // number of the search that saw it last
    };

    ContextIndex make(std::string_view name);
    Context& at(ContextIndex context) { return contexts_[index_of(context)]; }
    const Context& at(ContextIndex context) const { return contexts_[index_of(context)]; }
    std::optional<FoundHint> search_one(ContextIndex context, std::string_view key,
                                        std::string_view extension) const;

    NameHash hash_;
    std::vector<Context> contexts_;
    NameMap<ContextIndex> names_;
    std::vector<ContextIndex> with_autohints_;
    std::vector<ContextIndex> to_search_;  // kept for its capacity
    std::uint64_t searches_ = 0;
};

}  // namespace lamplight::state
