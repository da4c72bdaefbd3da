#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>

namespace lamplight::bus::ais::evt {

/// What is remembered of ids that are gone, in the order in which they went.
///
/// Overflow policy: beyond `limit` the oldest mark goes. Cost: O(1).
template <typename Id, typename Mark>
class Marks {
public:
    explicit Marks(std::size_t limit) : limit_(limit) {}

    Mark* find(Id id) {
        const auto found = marks_.find(id);
        return found == marks_.end() ? nullptr : &found->second;
    }
    bool has(Id id) const { return marks_.contains(id); }
    void add(Id id, const Mark& mark) {
        if (limit_ == 0 || !marks_.try_emplace(id, mark).second) return;
        ages_.push_back(id);
        while (ages_.size() > limit_) {
            marks_.erase(ages_.front());
            ages_.pop_front();
            ++gone_;
        }
    }
    std::size_t size() const { return ages_.size(); }

    // By age, for a walk that goes on while marks come and go: places count up and are never used again.
    std::uint64_t begin_place() const { return gone_; }
    std::uint64_t end_place() const { return gone_ + ages_.size(); }
    /// `place` from begin_place() to before end_place().
    Id id_at(std::uint64_t place) const { return ages_[static_cast<std::size_t>(place - gone_)]; }
    void clear() {
        gone_ += ages_.size();
        marks_.clear();
        ages_.clear();
    }

private:
    std::size_t limit_;
    std::unordered_map<Id, Mark> marks_;
    std::deque<Id> ages_;
    std::uint64_t gone_ = 0;
};

}  // namespace lamplight::bus::ais::evt
