#pragma once

#include "bus/sync/bits.hpp"
#include "state/mwi.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lamplight::bus::sync {

/// Which vote of ours: of the own node at this place of a talk, about the device with this index.
struct OwnVote {
    std::uint16_t place;
    std::uint32_t device;
    bool operator==(const OwnVote&) const = default;
};

/// … and about this mailbox.
struct OwnMailboxVote {
    std::uint16_t place;
    state::Mailbox mailbox;
    auto operator<=>(const OwnMailboxVote&) const = default;
};

/// Own votes that wait to be said, in the order in which they changed. Not the votes themselves: whoever
/// takes one says what it is by then, so a burst becomes one. What was lost is put back by add().
///
/// Overflow policy: nothing can overflow, each waits at most once.
/// Cost: O(1), amortised where one is added or taken; 8 bytes a waiting vote and one bit a device. What was
/// taken is kept until it is half of the list, or 4,096 votes if that is more.
class WaitingVotes {
public:
    /// Waits already: it keeps its turn.
    void add(OwnVote vote) {
        if (vote.place >= waits_.size()) waits_.resize(std::size_t{vote.place} + 1);
        if (waits_[vote.place].add(vote.device)) votes_.push_back(vote);
    }
    bool empty() const { return taken_ == votes_.size(); }
    std::size_t size() const { return votes_.size() - taken_; }
    /// The one whose turn it is; there must be one, as for remove_first() and take_first().
    OwnVote first() const { return votes_[taken_]; }
    void remove_first() {
        const OwnVote vote = votes_[taken_++];
        waits_[vote.place].remove(vote.device);
        if (taken_ == votes_.size() || (taken_ > many && taken_ > votes_.size() / 2)) let_go_of_taken();
    }
    OwnVote take_first() {
        const OwnVote vote = first();
        remove_first();
        return vote;
    }
    /// In their order; `visit` does not change what waits here.
    template <typename Visit>
    void for_each(Visit&& visit) const {
        for (std::size_t i = taken_; i < votes_.size(); ++i)
            visit(votes_[i]);
    }
    /// What `unwanted` says of a vote is asked once for each; the others keep their order. Cost: O(waiting).
    template <typename Predicate>
    void remove_if(Predicate&& unwanted) {
        let_go_of_taken();
        std::erase_if(votes_, [&](const OwnVote& vote) {
            return unwanted(vote) && waits_[vote.place].remove(vote.device);
        });
    }
    void clear() {
        for (Bits& bits : waits_)
            bits.clear();
        votes_.clear();
        taken_ = 0;
    }

private:
    static constexpr std::size_t many = 4096;

    void let_go_of_taken() {
        votes_.erase(votes_.begin(), votes_.begin() + static_cast<std::ptrdiff_t>(taken_));
        taken_ = 0;
    }

    std::vector<Bits> waits_;  ///< by place: in votes_, and not taken
    std::vector<OwnVote> votes_;
    std::size_t taken_ = 0;  ///< before it all are
};

}  // namespace lamplight::bus::sync
