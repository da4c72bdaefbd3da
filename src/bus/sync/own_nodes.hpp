#pragma once

#include "state/engine.hpp"
#include "wire/vote/frame.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lamplight::bus::sync {

/// A node that this daemon speaks for.
struct OwnNode {
    state::Eid eid;
    state::NodeId id{};
    std::string name;
    wire::vote::Speaks speaks = wire::vote::Speaks::for_itself;
    std::uint64_t incarnation = 0;  ///< as last said in a hello
    wire::vote::Link pbx_link = wire::vote::Link::up;
    std::uint64_t raise_asked = 0;        ///< the highest incarnation that was handed on to be beaten
    std::optional<state::Digest> digest;  ///< until the next change of its votes
};

/// Our nodes by a small number, their place here, which stays theirs.
class OwnNodes {
public:
    std::optional<std::size_t> find(state::NodeId id) const {
        const std::size_t at = state::index_of(id);
        if (at >= places_.size() || places_[at] == nowhere) return std::nullopt;
        return places_[at];
    }
    std::optional<std::size_t> find(const state::Eid& eid) const {
        for (std::size_t i = 0; i < nodes_.size(); ++i)
            if (nodes_[i].eid == eid) return i;
        return std::nullopt;
    }
    OwnNode& add(OwnNode node) {
        const std::size_t at = state::index_of(node.id);
        if (at >= places_.size()) places_.resize(at + 1, nowhere);
        places_[at] = static_cast<std::uint16_t>(nodes_.size());
        nodes_.push_back(std::move(node));
        return nodes_.back();
    }
    OwnNode& operator[](std::size_t place) { return nodes_[place]; }
    const OwnNode& operator[](std::size_t place) const { return nodes_[place]; }
    std::size_t size() const { return nodes_.size(); }

private:
    static constexpr std::uint16_t nowhere = 0xffff;
    std::vector<OwnNode> nodes_;
    std::vector<std::uint16_t> places_;  ///< by NodeId
};

}  // namespace lamplight::bus::sync
