#pragma once

#include "state/vote.hpp"
#include "wire/bytes.hpp"

#include <cstdint>
#include <string_view>
#include <variant>

/// The frame between Lamplights (docs/protocol/votes.md): its words, and views of a received one.
namespace lamplight::wire::vote {

inline constexpr std::uint8_t format = 1;  ///< the only one there is, hence also the oldest common one
inline constexpr std::size_t head_bytes = 8;
inline constexpr std::size_t max_frame_bytes = 16 * 1024;     ///< what a sender keeps to
inline constexpr std::size_t max_received_bytes = 64 * 1024;  ///< what a receiver takes
inline constexpr std::size_t min_budget_bytes = 1024;         ///< encoders want at least this much room
inline constexpr std::uint32_t max_name_ids = 1u << 22;
/// The table of frames that need none before them: each vote brings its name, and no id lasts.
inline constexpr std::uint32_t frame_table = 0;
inline constexpr std::uint64_t max_incarnation = (std::uint64_t{1} << 56) - 1;
inline constexpr std::size_t max_hello_nodes = 256;
inline constexpr std::size_t max_hello_known = 4096;
inline constexpr std::size_t max_formats = 16;
inline constexpr std::size_t max_software_bytes = 64;
inline constexpr std::size_t max_digests = 255;

enum class Type : std::uint8_t {
    hello = 1,
    votes = 2,
    snapshot_begin = 3,
    snapshot_end = 4,
    digest = 5,
    request = 6,
    goodbye = 7,
    pbx_link = 8,
    unsupported = 9,
    mwi = 10,
    since = 11,
};
inline constexpr std::uint8_t type_count = 12;  ///< one past the highest
std::string_view to_string(Type type);

enum class Speaks : std::uint8_t { for_itself, for_pbx };
enum class Link : std::uint8_t { down, up };

/// A node as its own Lamplight announces it.
struct HelloNode {
    state::Eid eid;
    std::uint64_t incarnation = 0;
    Speaks speaks = Speaks::for_itself;
    Link pbx_link = Link::up;
    std::string_view name;

    bool operator==(const HelloNode&) const = default;
};

struct KnownNode {
    state::Eid eid;
    std::uint64_t incarnation = 0;

    bool operator==(const KnownNode&) const = default;
};

/// A vote inside a votes frame; whose it is, the node before it says.
struct VoteEntry {
    std::uint32_t name_id = 0;
    std::uint64_t sequence = 0;
    state::DeviceState state = state::DeviceState::unknown;
    state::VoteKind kind = state::VoteKind::state;
    state::Cachable cachable = state::Cachable::yes;
    std::string_view name;  ///< not empty: from here on the id means this

    bool operator==(const VoteEntry&) const = default;
};

/// Message counts of a mailbox, or the withdrawal of that vote.
struct MwiEntry {
    std::uint64_t sequence = 0;
    std::uint32_t new_messages = 0;
    std::uint32_t old_messages = 0;
    state::VoteKind kind = state::VoteKind::state;
    std::string_view mailbox;
    std::string_view context;

    bool operator==(const MwiEntry&) const = default;
};

struct DigestEntry {
    state::Eid eid;
    std::uint64_t incarnation = 0;
    std::uint32_t votes = 0;
    std::uint64_t hash = 0;

    bool operator==(const DigestEntry&) const = default;
};

struct SnapshotBegin {
    state::Eid eid;
    std::uint64_t incarnation = 0;
    bool operator==(const SnapshotBegin&) const = default;
};

struct SnapshotEnd {
    state::Eid eid;
    std::uint64_t incarnation = 0;
    std::uint32_t votes = 0;  ///< of this node since the begin
    bool operator==(const SnapshotEnd&) const = default;
};

struct Request {
    enum class What : std::uint8_t { hello = 1, snapshot = 2 } what = What::hello;
    state::Eid eid;  ///< of a snapshot
    bool operator==(const Request&) const = default;
};

/// "Say what of this node is newer than that." The zero version: I hold nothing of it.
struct Since {
    state::Eid eid;
    state::Version newest;  ///< the highest that is held
    bool operator==(const Since&) const = default;
};

struct Goodbye {
    enum class How : std::uint8_t { left = 1, restarting = 2 } how = How::left;
    bool operator==(const Goodbye&) const = default;
};

struct PbxLink {
    state::Eid eid;
    Link link = Link::up;
    bool operator==(const PbxLink&) const = default;
};

/// "I cannot read format `met`"; `formats` are those that can be read.
struct Unsupported {
    std::uint8_t met = 0;
    Bytes formats;
};

/// Views of the parts of variable length. They point into the buffer that was decoded and live as long;
/// decode() has checked every entry, so walking them cannot fail and allocates nothing.

struct HelloView {
    Bytes formats;
    std::string_view software;
    std::uint16_t node_count = 0;
    std::uint16_t known_count = 0;

    template <typename Visit>  // void(const HelloNode&)
    void for_each_node(Visit&& visit) const;
    template <typename Visit>  // void(const KnownNode&)
    void for_each_known(Visit&& visit) const;

    Bytes nodes_bytes;
    Bytes known_bytes;
};

struct VotesView {
    std::uint32_t table = 0;
    std::uint16_t count = 0;

    /// In the order of the frame.
    template <typename OnNode, typename OnVote>  // void(const KnownNode&), void(const VoteEntry&)
    void for_each(OnNode&& on_node, OnVote&& on_vote) const;

    Bytes entries;
};

struct DigestView {
    std::uint8_t count = 0;

    template <typename Visit>  // void(const DigestEntry&)
    void for_each(Visit&& visit) const;

    Bytes entries;
};

struct MwiView {
    std::uint16_t count = 0;

    template <typename OnNode, typename OnVote>  // void(const KnownNode&), void(const MwiEntry&)
    void for_each(OnNode&& on_node, OnVote&& on_vote) const;

    Bytes entries;
};

using Frame = std::variant<HelloView, VotesView, SnapshotBegin, SnapshotEnd, DigestView, Request, Goodbye,
                           PbxLink, Unsupported, MwiView, Since>;

namespace tag {
inline constexpr std::uint8_t node = 0x80;
inline constexpr std::uint8_t named = 0x40;
inline constexpr std::uint8_t cachable = 0x20;
inline constexpr std::uint8_t withdrawal = 0x10;
inline constexpr std::uint8_t state_mask = 0x0f;
inline constexpr std::uint8_t speaks_for_pbx = 0x01;
inline constexpr std::uint8_t pbx_link_down = 0x02;
}  // namespace tag

// --- reading of single entries: shared by decode(), which checks, and the views, which trust it ---

inline KnownNode read_known(Reader& in) {
    KnownNode node;
    node.eid.bytes = in.array<6>();
    node.incarnation = in.u64();
    return node;
}

inline HelloNode read_hello_node(Reader& in) {
    HelloNode node;
    node.eid.bytes = in.array<6>();
    const std::uint8_t flags = in.u8();
    node.speaks = flags & tag::speaks_for_pbx ? Speaks::for_pbx : Speaks::for_itself;
    node.pbx_link = flags & tag::pbx_link_down ? Link::down : Link::up;
    node.incarnation = in.u64();
    node.name = in.text8();
    return node;
}

inline VoteEntry read_vote(Reader& in, std::uint8_t bits) {
    VoteEntry vote;
    vote.state = static_cast<state::DeviceState>(bits & tag::state_mask);
    vote.kind = bits & tag::withdrawal ? state::VoteKind::withdrawal : state::VoteKind::state;
    vote.cachable = bits & tag::cachable ? state::Cachable::yes : state::Cachable::no;
    vote.name_id = in.u32();
    vote.sequence = in.u64();
    if (bits & tag::named) vote.name = in.text8();
    return vote;
}

inline MwiEntry read_mwi(Reader& in, std::uint8_t bits) {
    MwiEntry vote;
    vote.kind = bits & tag::withdrawal ? state::VoteKind::withdrawal : state::VoteKind::state;
    vote.sequence = in.u64();
    vote.new_messages = in.u32();
    vote.old_messages = in.u32();
    vote.mailbox = in.text8();
    vote.context = in.text8();
    return vote;
}

inline DigestEntry read_digest(Reader& in) {
    DigestEntry digest;
    digest.eid.bytes = in.array<6>();
    digest.incarnation = in.u64();
    digest.votes = in.u32();
    digest.hash = in.u64();
    return digest;
}

template <typename Visit>
void HelloView::for_each_node(Visit&& visit) const {
    Reader in(nodes_bytes);
    for (std::uint16_t i = 0; i < node_count; ++i)
        visit(read_hello_node(in));
}

template <typename Visit>
void HelloView::for_each_known(Visit&& visit) const {
    Reader in(known_bytes);
    for (std::uint16_t i = 0; i < known_count; ++i)
        visit(read_known(in));
}

template <typename OnNode, typename OnVote>
void VotesView::for_each(OnNode&& on_node, OnVote&& on_vote) const {
    Reader in(entries);
    while (in.left() > 0) {
        const std::uint8_t bits = in.u8();
        if (bits == tag::node)
            on_node(read_known(in));
        else
            on_vote(read_vote(in, bits));
    }
}

template <typename Visit>
void DigestView::for_each(Visit&& visit) const {
    Reader in(entries);
    for (std::uint8_t i = 0; i < count; ++i)
        visit(read_digest(in));
}

template <typename OnNode, typename OnVote>
void MwiView::for_each(OnNode&& on_node, OnVote&& on_vote) const {
    Reader in(entries);
    while (in.left() > 0) {
        const std::uint8_t bits = in.u8();
        if (bits == tag::node)
            on_node(read_known(in));
        else
            on_vote(read_mwi(in, bits));
    }
}

}  // namespace lamplight::wire::vote
