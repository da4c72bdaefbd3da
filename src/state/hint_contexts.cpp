#include "state/hint_contexts.hpp"

#include <xxhash.h>

namespace lamplight::state {
namespace {

template <typename Value>
std::optional<Value> value_at(const NameMap<Value>& map, std::string_view name) {
    const auto found = map.find(name);
    return found == map.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

std::size_t NameHash::operator()(std::string_view name) const {
    return XXH3_64bits_withSeed(name.data(), name.size(), seed);
}

HintContexts::HintContexts(const HintPlan& plan, std::uint64_t hash_seed)
    : hash_{hash_seed}, names_(0, hash_) {
    for (const HintContext& context : plan.contexts) {
        const ContextIndex index = make(context.name);
        if (context.autohints && !at(index).autohints) {
            at(index).autohints = true;
            with_autohints_.push_back(index);
        }
        for (const std::string& included : context.includes) {
            const ContextIndex other = make(included);
            at(index).includes.push_back(other);
        }
    }
    for (const HintDefinition& hint : plan.hints)
        make(hint.context);
}

ContextIndex HintContexts::make(std::string_view name) {
    if (const auto known = find(name)) return *known;
    const ContextIndex index{static_cast<std::uint32_t>(contexts_.size())};
    contexts_.push_back(
        {std::string(name), false, {}, NameMap<HintId>(0, hash_), {}, NameMap<HintId>(0, hash_), 0});
    names_.emplace(name, index);
    return index;
}

std::optional<ContextIndex> HintContexts::find(std::string_view context) const {
    return value_at(names_, context);
}

std::optional<HintId> HintContexts::literal(ContextIndex context, std::string_view key) const {
    return value_at(at(context).literals, key);
}

const PatternHint* HintContexts::pattern(ContextIndex context, std::string_view extension) const {
    for (const auto& [pattern, hint] : at(context).patterns) {
        if (pattern.matches(extension)) return &hint;
    }
    return nullptr;
}

std::optional<HintId> HintContexts::written_pattern(ContextIndex context, std::string_view text) const {
    return value_at(at(context).written_patterns, text);
}

std::optional<FoundHint> HintContexts::search(ContextIndex context, std::string_view extension) {
    const std::string key = without_dashes(extension);
    ++searches_;
    to_search_.assign(1, context);
    while (!to_search_.empty()) {
        const ContextIndex next = to_search_.back();
        to_search_.pop_back();
        if (at(next).searched == searches_) continue;
        at(next).searched = searches_;
        if (auto found = search_one(next, key, extension)) return found;
        const auto& includes = at(next).includes;
        to_search_.insert(to_search_.end(), includes.rbegin(), includes.rend());
    }
    return std::nullopt;
}

std::optional<FoundHint> HintContexts::search_one(ContextIndex context, std::string_view key,
                                                  std::string_view extension) const {
    if (const auto hint = literal(context, key)) return FoundHint{context, hint, nullptr};
    if (const auto* hint = pattern(context, extension)) return FoundHint{context, std::nullopt, hint};
    return std::nullopt;
}

bool HintContexts::add_literal(ContextIndex context, std::string_view key, HintId hint) {
    return at(context).literals.emplace(key, hint).second;
}

bool HintContexts::add_pattern(ContextIndex context, const HintDefinition& definition, HintId hint) {
    Context& place = at(context);
    if (place.written_patterns.contains(definition.extension)) return false;
    if (auto pattern = ExtensionPattern::parse(definition.extension)) {
        if (!place.patterns.emplace(std::move(*pattern), PatternHint{hint, definition}).second) return false;
    }
    place.written_patterns.emplace(definition.extension, hint);
    return true;
}

void HintContexts::for_each_literal(
    const std::function<void(ContextIndex, std::string_view, HintId)>& visit) const {
    for (std::uint32_t i = 0; i < contexts_.size(); ++i) {
        for (const auto& [key, hint] : contexts_[i].literals)
            visit(ContextIndex{i}, key, hint);
    }
}

void HintContexts::for_each_pattern(
    const std::function<void(ContextIndex, std::string_view, HintId)>& visit) const {
    for (std::uint32_t i = 0; i < contexts_.size(); ++i) {
        for (const auto& [text, hint] : contexts_[i].written_patterns)
            visit(ContextIndex{i}, text, hint);
    }
}

}  // namespace lamplight::state
