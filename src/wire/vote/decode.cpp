#include "wire/vote/decode.hpp"

namespace lamplight::wire::vote {
namespace {

using Result = tl::expected<Frame, Refusal>;

tl::unexpected<Refusal> refuse(Refusal refusal) {
    return tl::unexpected(refusal);
}

bool sound(const state::Eid& eid, std::uint64_t incarnation) {
    return !eid.is_zero() && incarnation != 0 && incarnation <= max_incarnation;
}

/// What is wrong with a part that was read to its end, if anything.
Result finish(const Reader& in, Frame frame) {
    if (!in.ok()) return refuse(Refusal::truncated);
    if (!in.at_end()) return refuse(Refusal::trailing_bytes);
    return frame;
}

Result decode_hello(Bytes body) {
    Reader in(body);
    HelloView hello;
    const std::size_t formats = in.u8();
    if (in.ok() && (formats == 0 || formats > max_formats)) return refuse(Refusal::bad_count);
    hello.formats = in.take(formats);
    hello.software = in.text8();
    if (hello.software.size() > max_software_bytes) return refuse(Refusal::bad_value);
    hello.node_count = in.u16();
    if (hello.node_count > max_hello_nodes) return refuse(Refusal::bad_count);
    const std::size_t nodes = in.at();
    for (std::uint16_t i = 0; i < hello.node_count; ++i) {
        const HelloNode node = read_hello_node(in);
        if (!in.ok()) return refuse(Refusal::truncated);
        if (!sound(node.eid, node.incarnation)) return refuse(Refusal::bad_value);
    }
    hello.nodes_bytes = body.subspan(nodes, in.at() - nodes);
    hello.known_count = in.u16();
    if (hello.known_count > max_hello_known) return refuse(Refusal::bad_count);
    const std::size_t known = in.at();
    for (std::uint16_t i = 0; i < hello.known_count; ++i) {
        const KnownNode node = read_known(in);
        if (!in.ok()) return refuse(Refusal::truncated);
        if (!sound(node.eid, node.incarnation)) return refuse(Refusal::bad_value);
    }
    hello.known_bytes = body.subspan(known, in.at() - known);
    if (!in.ok()) return refuse(Refusal::truncated);
    return hello;  // bytes after this are a later Lamplight's
}

bool sound_vote(const VoteEntry& vote, std::uint8_t bits) {
    if ((bits & tag::node) != 0 || (bits & tag::state_mask) >= state::device_state_count) return false;
    if (vote.kind == state::VoteKind::withdrawal && (bits & tag::state_mask) != 0) return false;
    return vote.name_id < max_name_ids && ((bits & tag::named) == 0 || !vote.name.empty());
}

bool sound_mwi(const MwiEntry& vote, std::uint8_t bits) {
    return (bits & ~tag::withdrawal) == 0 && !vote.mailbox.empty();
}

/// Walks the entries of a votes or MWI frame; `check` reads one vote and says whether it is sound.
template <typename Check>
tl::expected<void, Refusal> check_entries(Bytes entries, std::size_t count, Check check) {
    Reader in(entries);
    std::size_t votes = 0;
    bool node_said = false;
    while (in.left() > 0) {
        const std::uint8_t bits = in.u8();
        bool good = true;
        if (bits == tag::node) {
            const KnownNode node = read_known(in);
            good = sound(node.eid, node.incarnation);
            node_said = true;
        } else {
            good = check(in, bits) && node_said;
            ++votes;
        }
        if (!in.ok()) return refuse(Refusal::truncated);
        if (!good) return refuse(Refusal::bad_value);
    }
    if (votes != count) return refuse(Refusal::bad_count);
    return {};
}

Result decode_votes(Bytes body) {
    Reader in(body);
    VotesView votes;
    votes.table = in.u32();
    votes.count = in.u16();
    if (!in.ok()) return refuse(Refusal::truncated);
    votes.entries = in.take(in.left());
    const bool named = votes.table == frame_table;
    const auto checked = check_entries(votes.entries, votes.count, [named](Reader& entry, std::uint8_t bits) {
        const VoteEntry vote = read_vote(entry, bits);
        return sound_vote(vote, bits) && (!named || !vote.name.empty());
    });
    if (!checked) return refuse(checked.error());
    return votes;
}

Result decode_mwi(Bytes body) {
    Reader in(body);
    MwiView votes;
    votes.count = in.u16();
    if (!in.ok()) return refuse(Refusal::truncated);
    votes.entries = in.take(in.left());
    const auto checked = check_entries(votes.entries, votes.count, [](Reader& entry, std::uint8_t bits) {
        const MwiEntry vote = read_mwi(entry, bits);
        return sound_mwi(vote, bits);
    });
    if (!checked) return refuse(checked.error());
    return votes;
}

Result decode_snapshot_begin(Bytes body) {
    Reader in(body);
    const KnownNode node = read_known(in);
    if (in.ok() && !sound(node.eid, node.incarnation)) return refuse(Refusal::bad_value);
    return finish(in, SnapshotBegin{node.eid, node.incarnation});
}

Result decode_snapshot_end(Bytes body) {
    Reader in(body);
    const KnownNode node = read_known(in);
    const std::uint32_t votes = in.u32();
    if (in.ok() && !sound(node.eid, node.incarnation)) return refuse(Refusal::bad_value);
    return finish(in, SnapshotEnd{node.eid, node.incarnation, votes});
}

Result decode_digest(Bytes body) {
    Reader in(body);
    DigestView digest;
    digest.count = in.u8();
    const std::size_t entries = in.at();
    for (std::uint8_t i = 0; i < digest.count; ++i) {
        const DigestEntry entry = read_digest(in);
        if (!in.ok()) return refuse(Refusal::truncated);
        if (!sound(entry.eid, entry.incarnation)) return refuse(Refusal::bad_value);
    }
    digest.entries = body.subspan(entries, in.at() - entries);
    return finish(in, digest);
}

Result decode_request(Bytes body) {
    Reader in(body);
    const std::uint8_t what = in.u8();
    Request request;
    request.what = static_cast<Request::What>(what);
    request.eid.bytes = in.array<6>();
    const bool hello = request.what == Request::What::hello;
    const bool snapshot = request.what == Request::What::snapshot;
    if (in.ok() && (!(hello || snapshot) || hello != request.eid.is_zero()))
        return refuse(Refusal::bad_value);
    return finish(in, request);
}

Result decode_since(Bytes body) {
    Reader in(body);
    Since since;
    since.eid.bytes = in.array<6>();
    since.newest = {in.u64(), 0};
    since.newest.sequence = in.u64();
    const bool nothing = since.newest.incarnation == 0 && since.newest.sequence == 0;
    if (in.ok() && (nothing ? since.eid.is_zero() : !sound(since.eid, since.newest.incarnation)))
        return refuse(Refusal::bad_value);
    return finish(in, since);
}

Result decode_goodbye(Bytes body) {
    Reader in(body);
    const std::uint8_t how = in.u8();
    if (in.ok() && how != 1 && how != 2) return refuse(Refusal::bad_value);
    return finish(in, Goodbye{static_cast<Goodbye::How>(how)});
}

Result decode_pbx_link(Bytes body) {
    Reader in(body);
    PbxLink link;
    link.eid.bytes = in.array<6>();
    const std::uint8_t up = in.u8();
    if (in.ok() && (up > 1 || link.eid.is_zero())) return refuse(Refusal::bad_value);
    link.link = static_cast<Link>(up);
    return finish(in, link);
}

Result decode_unsupported(Bytes body) {
    Reader in(body);
    Unsupported answer;
    answer.met = in.u8();
    const std::size_t formats = in.u8();
    if (in.ok() && (formats == 0 || formats > max_formats)) return refuse(Refusal::bad_count);
    answer.formats = in.take(formats);
    return finish(in, answer);
}

Result decode_body(std::uint8_t type, Bytes body) {
    switch (static_cast<Type>(type)) {
        case Type::hello:
            return decode_hello(body);
        case Type::votes:
            return decode_votes(body);
        case Type::snapshot_begin:
            return decode_snapshot_begin(body);
        case Type::snapshot_end:
            return decode_snapshot_end(body);
        case Type::digest:
            return decode_digest(body);
        case Type::request:
            return decode_request(body);
        case Type::goodbye:
            return decode_goodbye(body);
        case Type::pbx_link:
            return decode_pbx_link(body);
        case Type::unsupported:
            return decode_unsupported(body);
        case Type::mwi:
            return decode_mwi(body);
        case Type::since:
            return decode_since(body);
    }
    return refuse(Refusal::unknown_type);
}

}  // namespace

tl::expected<Frame, Malformed> decode(Bytes bytes) {
    Malformed malformed;
    const auto refused = [&](Refusal refusal) {
        malformed.refusal = refusal;
        return tl::unexpected(malformed);
    };
    if (bytes.size() < head_bytes) return refused(Refusal::too_short);
    if (bytes.size() > max_received_bytes) return refused(Refusal::too_long);
    Reader in(bytes);
    if (in.u16() != 0x4c76) return refused(Refusal::not_ours);
    malformed.format = in.u8();
    malformed.type = in.u8();
    if (malformed.format != format) return refused(Refusal::unknown_format);
    if (in.u32() != bytes.size()) return refused(Refusal::length_lies);
    Result frame = decode_body(malformed.type, bytes.subspan(head_bytes));
    if (!frame) return refused(frame.error());
    return *frame;
}

std::string_view to_string(Refusal refusal) {
    switch (refusal) {
        case Refusal::too_short:
            return "too short";
        case Refusal::too_long:
            return "too long";
        case Refusal::not_ours:
            return "not a Lamplight frame";
        case Refusal::unknown_format:
            return "unknown format";
        case Refusal::length_lies:
            return "length does not match";
        case Refusal::unknown_type:
            return "unknown type";
        case Refusal::truncated:
            return "truncated";
        case Refusal::trailing_bytes:
            return "trailing bytes";
        case Refusal::bad_count:
            return "bad count";
        case Refusal::bad_value:
            return "bad value";
        case Refusal::misplaced:
            return "does not belong there";
    }
    return "?";
}

std::string_view to_string(Type type) {
    switch (type) {
        case Type::hello:
            return "hello";
        case Type::votes:
            return "votes";
        case Type::snapshot_begin:
            return "snapshot begin";
        case Type::snapshot_end:
            return "snapshot end";
        case Type::digest:
            return "digest";
        case Type::request:
            return "request";
        case Type::goodbye:
            return "goodbye";
        case Type::pbx_link:
            return "PBX link";
        case Type::unsupported:
            return "unsupported";
        case Type::mwi:
            return "MWI votes";
        case Type::since:
            return "since";
    }
    return "?";
}

}  // namespace lamplight::wire::vote
