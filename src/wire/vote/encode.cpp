#include "wire/vote/encode.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace lamplight::wire::vote {
namespace {

constexpr std::size_t length_at = 4;
constexpr std::size_t known_bytes = 14;
constexpr std::size_t vote_bytes = 13;
constexpr std::size_t digest_bytes = 26;

/// A broken contract of the caller: stays on in release builds.
void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "lamplight: frame encoder: %s\n", what);
    std::abort();
}

Writer start(Type type, MutableBytes out) {
    require(out.size() >= min_budget_bytes, "no room for a frame");
    Writer writer(out.first(std::min(out.size(), max_received_bytes)));
    writer.u16(0x4c76);
    writer.u8(format);
    writer.u8(static_cast<std::uint8_t>(type));
    writer.u32(0);
    return writer;
}

std::size_t finish_frame(Writer& writer) {
    require(writer.ok(), "frame outgrew its room");
    writer.patch(length_at, static_cast<std::uint32_t>(writer.size()));
    return writer.size();
}

void write_known(Writer& out, const state::Eid& eid, std::uint64_t incarnation) {
    require(!eid.is_zero() && incarnation != 0 && incarnation <= max_incarnation,
            "node without EID or incarnation");
    out.raw(eid.bytes);
    out.u64(incarnation);
}

void write_hello_node(Writer& out, const HelloNode& node) {
    require(!node.eid.is_zero() && node.incarnation != 0 && node.incarnation <= max_incarnation,
            "unsound node");
    out.raw(node.eid.bytes);
    out.u8(static_cast<std::uint8_t>((node.speaks == Speaks::for_pbx ? tag::speaks_for_pbx : 0) |
                                     (node.pbx_link == Link::down ? tag::pbx_link_down : 0)));
    out.u64(node.incarnation);
    out.text8(node.name);
}

std::uint8_t bits_of(const VoteEntry& vote) {
    std::uint8_t bits =
        vote.kind == state::VoteKind::withdrawal ? tag::withdrawal : static_cast<std::uint8_t>(vote.state);
    if (vote.cachable == state::Cachable::yes) bits |= tag::cachable;
    if (!vote.name.empty()) bits |= tag::named;
    return bits;
}

}  // namespace

HelloPart encode_hello(const Hello& hello, MutableBytes out) {
    require(!hello.formats.empty() && hello.formats.size() <= max_formats, "number of formats");
    Writer writer = start(Type::hello, out);
    writer.u8(static_cast<std::uint8_t>(hello.formats.size()));
    writer.raw(hello.formats);
    writer.text8(hello.software.substr(0, max_software_bytes));

    HelloPart part;
    const std::size_t nodes_at = writer.size();
    writer.u16(0);
    constexpr std::size_t rest = 2;  // the count of known nodes
    while (part.nodes < std::min(hello.nodes.size(), max_hello_nodes)) {
        const HelloNode& node = hello.nodes[part.nodes];
        if (writer.left() < known_bytes + 2 + node.name.size() + rest) break;
        write_hello_node(writer, node);
        ++part.nodes;
    }
    writer.patch(nodes_at, static_cast<std::uint16_t>(part.nodes));
    part.known = std::min({hello.known.size(), max_hello_known, (writer.left() - rest) / known_bytes});
    writer.u16(static_cast<std::uint16_t>(part.known));
    for (const KnownNode& known : hello.known.first(part.known))
        write_known(writer, known.eid, known.incarnation);
    part.bytes = finish_frame(writer);
    return part;
}

std::size_t encode(const SnapshotBegin& begin, MutableBytes out) {
    Writer writer = start(Type::snapshot_begin, out);
    write_known(writer, begin.eid, begin.incarnation);
    return finish_frame(writer);
}

std::size_t encode(const SnapshotEnd& end, MutableBytes out) {
    Writer writer = start(Type::snapshot_end, out);
    write_known(writer, end.eid, end.incarnation);
    writer.u32(end.votes);
    return finish_frame(writer);
}

std::size_t encode(const Request& request, MutableBytes out) {
    Writer writer = start(Type::request, out);
    writer.u8(static_cast<std::uint8_t>(request.what));
    writer.raw(request.eid.bytes);
    return finish_frame(writer);
}

std::size_t encode(const Since& since, MutableBytes out) {
    require(!since.eid.is_zero() && since.newest.incarnation <= max_incarnation &&
                (since.newest.exists() || since.newest.sequence == 0),
            "unsound version");
    Writer writer = start(Type::since, out);
    writer.raw(since.eid.bytes);
    writer.u64(since.newest.incarnation);
    writer.u64(since.newest.sequence);
    return finish_frame(writer);
}

std::size_t encode(const Goodbye& goodbye, MutableBytes out) {
    Writer writer = start(Type::goodbye, out);
    writer.u8(static_cast<std::uint8_t>(goodbye.how));
    return finish_frame(writer);
}

std::size_t encode(const PbxLink& link, MutableBytes out) {
    Writer writer = start(Type::pbx_link, out);
    writer.raw(link.eid.bytes);
    writer.u8(static_cast<std::uint8_t>(link.link));
    return finish_frame(writer);
}

std::size_t encode(const Unsupported& unsupported, MutableBytes out) {
    require(!unsupported.formats.empty() && unsupported.formats.size() <= max_formats, "number of formats");
    Writer writer = start(Type::unsupported, out);
    writer.u8(unsupported.met);
    writer.u8(static_cast<std::uint8_t>(unsupported.formats.size()));
    writer.raw(unsupported.formats);
    return finish_frame(writer);
}

std::size_t encode_digests(std::span<const DigestEntry> digests, MutableBytes out, std::size_t& taken) {
    Writer writer = start(Type::digest, out);
    taken = std::min({digests.size(), max_digests, (writer.left() - 1) / digest_bytes});
    writer.u8(static_cast<std::uint8_t>(taken));
    for (const DigestEntry& digest : digests.first(taken)) {
        write_known(writer, digest.eid, digest.incarnation);
        writer.u32(digest.votes);
        writer.u64(digest.hash);
    }
    return finish_frame(writer);
}

VotesWriter::VotesWriter(MutableBytes out, std::uint32_t table)
    : out_(start(Type::votes, out)), table_(table) {
    out_.u32(table);
    out_.u16(0);
}

bool VotesWriter::add(const state::Eid& eid, std::uint64_t incarnation, const VoteEntry& vote) {
    require(vote.name_id < max_name_ids && vote.name.size() <= 255, "unsound vote");
    require(table_ != frame_table || !vote.name.empty(), "vote without a name in a frame of its own");
    const KnownNode node{eid, incarnation};
    const bool same_node = count_ > 0 && node == node_;
    const std::size_t needed =
        vote_bytes + (vote.name.empty() ? 0 : 1 + vote.name.size()) + (same_node ? 0 : 1 + known_bytes);
    if (out_.left() < needed || count_ == std::numeric_limits<std::uint16_t>::max()) return false;
    if (!same_node) {
        out_.u8(tag::node);
        write_known(out_, eid, incarnation);
        node_ = node;
    }
    out_.u8(bits_of(vote));
    out_.u32(vote.name_id);
    out_.u64(vote.sequence);
    if (!vote.name.empty()) out_.text8(vote.name);
    ++count_;
    return true;
}

std::size_t VotesWriter::finish() {
    if (count_ == 0) return 0;
    out_.patch(head_bytes + 4, count_);
    return finish_frame(out_);
}

MwiWriter::MwiWriter(MutableBytes out) : out_(start(Type::mwi, out)) {
    out_.u16(0);
}

bool MwiWriter::add(const state::Eid& eid, std::uint64_t incarnation, const MwiEntry& vote) {
    require(!vote.mailbox.empty() && vote.mailbox.size() <= 255 && vote.context.size() <= 255,
            "unsound MWI vote");
    const KnownNode node{eid, incarnation};
    const bool same_node = count_ > 0 && node == node_;
    const std::size_t needed =
        19 + vote.mailbox.size() + vote.context.size() + (same_node ? 0 : 1 + known_bytes);
    if (out_.left() < needed || count_ == std::numeric_limits<std::uint16_t>::max()) return false;
    if (!same_node) {
        out_.u8(tag::node);
        write_known(out_, eid, incarnation);
        node_ = node;
    }
    const bool withdrawal = vote.kind == state::VoteKind::withdrawal;
    out_.u8(withdrawal ? tag::withdrawal : 0);
    out_.u64(vote.sequence);
    out_.u32(withdrawal ? 0 : vote.new_messages);
    out_.u32(withdrawal ? 0 : vote.old_messages);
    out_.text8(vote.mailbox);
    out_.text8(vote.context);
    ++count_;
    return true;
}

std::size_t MwiWriter::finish() {
    if (count_ == 0) return 0;
    out_.patch(head_bytes, count_);
    return finish_frame(out_);
}

}  // namespace lamplight::wire::vote
