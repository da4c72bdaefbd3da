#pragma once

#include "wire/vote/frame.hpp"

#include <span>

namespace lamplight::wire::vote {

/// Encoders write one frame of format 1 into `out`, which has at least min_budget_bytes, and answer its
/// length. Arguments outside the limits of frame.hpp are the caller's mistake (asserted).

struct Hello {
    Bytes formats;
    std::string_view software;
    std::span<const HelloNode> nodes;
    std::span<const KnownNode> known;
};
/// How much of a hello found room; the caller sends the rest in a further one.
struct HelloPart {
    std::size_t bytes = 0;
    std::size_t nodes = 0;
    std::size_t known = 0;
};
HelloPart encode_hello(const Hello& hello, MutableBytes out);

std::size_t encode(const SnapshotBegin& begin, MutableBytes out);
std::size_t encode(const SnapshotEnd& end, MutableBytes out);
std::size_t encode(const Request& request, MutableBytes out);
std::size_t encode(const Since& since, MutableBytes out);
std::size_t encode(const Goodbye& goodbye, MutableBytes out);
std::size_t encode(const PbxLink& link, MutableBytes out);
std::size_t encode(const Unsupported& unsupported, MutableBytes out);

/// As many of `digests` as find room; `taken` says how many.
std::size_t encode_digests(std::span<const DigestEntry> digests, MutableBytes out, std::size_t& taken);

/// Fills one votes frame vote by vote.
class VotesWriter {
public:
    /// In frame_table every vote has a name.
    VotesWriter(MutableBytes out, std::uint32_t table);

    /// False: no room for it, and nothing is changed; finish() and put it into the next frame.
    bool add(const state::Eid& eid, std::uint64_t incarnation, const VoteEntry& vote);

    std::uint16_t votes() const { return count_; }
    std::size_t left() const { return out_.left(); }
    /// The frame's length, 0 when it holds no vote.
    std::size_t finish();

private:
    Writer out_;
    std::uint32_t table_;
    std::uint16_t count_ = 0;
    KnownNode node_;
};

/// Fills one MWI votes frame.
class MwiWriter {
public:
    explicit MwiWriter(MutableBytes out);

    bool add(const state::Eid& eid, std::uint64_t incarnation, const MwiEntry& vote);

    std::uint16_t votes() const { return count_; }
    std::size_t left() const { return out_.left(); }
    std::size_t finish();

private:
    Writer out_;
    std::uint16_t count_ = 0;
    KnownNode node_;
};

}  // namespace lamplight::wire::vote
