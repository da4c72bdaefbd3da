#pragma once

#include "state/types.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace lamplight::bus::plain {

struct OwnNode {
    state::Eid eid;
    state::NodeId id{};
};

/// Our nodes by a small number, their place here, which stays theirs.
class OwnNodes {
public:
    std::optional<std::uint16_t> find(state::NodeId id) const {
        const std::size_t at = state::index_of(id);
        if (at >= places_.size() || places_[at] == nowhere) return std::nullopt;
        return places_[at];
    }
    void add(const OwnNode& node) {
        const std::size_t at = state::index_of(node.id);
        if (at >= places_.size()) places_.resize(at + 1, nowhere);
        places_[at] = static_cast<std::uint16_t>(nodes_.size());
        nodes_.push_back(node);
    }
    const OwnNode& operator[](std::size_t place) const { return nodes_[place]; }
    std::size_t size() const { return nodes_.size(); }
    bool empty() const { return nodes_.empty(); }

private:
    static constexpr std::uint16_t nowhere = 0xffff;
    std::vector<OwnNode> nodes_;
    std::vector<std::uint16_t> places_;  ///< by NodeId
};

}  // namespace lamplight::bus::plain
