#include "state/policy.hpp"

#include <algorithm>
#include <array>

namespace lamplight::state {

namespace {

/// `*` any run, `?` any one character; case matters. Linear with one backtrack point.
bool matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
    while (t < text.size()) {
        if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*') {
            ++p, ++t;
        } else if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            mark = t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

Hold default_hold(const Policy& policy, Departure event) {
    switch (event) {
        case Departure::restarting:
        case Departure::daemon_failed:
            return {policy.restart_hold};
        case Departure::silent:
            return {policy.silent_hold};
        case Departure::left:
        case Departure::failed:
        case Departure::pbx_lost:
            break;
    }
    return {Duration::zero()};
}

}  // namespace

std::string_view to_string(Departure departure) {
    static constexpr std::array<std::string_view, departure_count> texts = {
        "left", "restarting", "failed", "daemon failed", "silent", "PBX lost"};
    return texts.at(static_cast<std::size_t>(departure));
}

bool Policy::is_guardian(std::string_view node_name, const Eid& eid) const {
    const std::string eid_text = to_string(eid);
    return std::ranges::any_of(may_speak_for, [&](const std::string& pattern) {
        return matches(pattern, node_name) || matches(pattern, eid_text);
    });
}

Hold Policy::hold_for(Departure event, std::string_view node_name, const Eid& eid) const {
    const std::string eid_text = to_string(eid);
    Hold hold = default_hold(*this, event);
    for (const PolicyRule& rule : rules) {
        if (rule.event != event) continue;
        if (matches(rule.node_pattern, node_name) || matches(rule.node_pattern, eid_text)) hold = rule.hold;
    }
    return hold;
}

}  // namespace lamplight::state
