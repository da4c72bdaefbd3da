#pragma once

#include "state/types.hpp"
#include "wire/xml/element.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace lamplight::bus::xmpp {

/// Which PubSub nodes refused a publish, and when somebody is to look after each: the first time at once,
/// then after 1 s, 2 s, 4 s … 60 s as long as nothing is accepted there. So a node that is said to be ready
/// and refuses all the same costs a question now and then, no round without an end. Pure.
class Refusals {
public:
    struct Due {
        std::string node;
        wire::xml::Element error;
    };
    static constexpr state::Duration least = std::chrono::seconds(1);
    static constexpr state::Duration most = std::chrono::seconds(60);

    /// A newer error of a node that waits takes the place of the older one.
    void add(const std::string& node, const wire::xml::Element& error, state::Time now) {
        Trouble& trouble = troubles_[node];
        if (!trouble.error) due_.emplace(std::max(trouble.not_before, now), node);
        trouble.error = error;
    }
    void accepted(const std::string& node) {
        const auto found = troubles_.find(node);
        if (found == troubles_.end()) return;
        std::erase_if(due_, [&](const auto& due) { return due.second == node; });
        troubles_.erase(found);
    }
    bool empty() const { return troubles_.empty(); }
    void clear() {
        troubles_.clear();
        due_.clear();
    }
    std::optional<state::Time> next_deadline() const {
        return due_.empty() ? std::nullopt : std::optional(due_.begin()->first);
    }
    /// The next one whose time has come.
    std::optional<Due> take(state::Time now) {
        if (due_.empty() || due_.begin()->first > now) return std::nullopt;
        std::string node = due_.extract(due_.begin()).value().second;
        Trouble& trouble = troubles_[node];
        trouble.pause = std::clamp(trouble.pause * 2, least, most);
        trouble.not_before = now + trouble.pause;
        wire::xml::Element error = std::move(*trouble.error);
        trouble.error.reset();
        return Due{std::move(node), std::move(error)};
    }

private:
    struct Trouble {
        std::optional<wire::xml::Element> error;  ///< waits to be told
        state::Duration pause{0};
        state::Time not_before = state::Time::min();
    };
    std::map<std::string, Trouble> troubles_;
    std::set<std::pair<state::Time, std::string>> due_;
};

}  // namespace lamplight::bus::xmpp
