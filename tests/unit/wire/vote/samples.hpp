#pragma once

#include "wire/vote/encode.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// One good frame of every type: what tests cut, bend and feed to the fuzzer.
namespace lamplight::wire::vote::samples {

using Buffer = std::vector<std::uint8_t>;

inline constexpr state::Eid pbx1{{0x02, 0, 0, 0, 0, 0x01}};
inline constexpr state::Eid pbx2{{0x02, 0, 0, 0, 0, 0x02}};

template <typename Encode>
Buffer frame(Encode encode) {
    Buffer buffer(max_frame_bytes);
    buffer.resize(encode(MutableBytes(buffer)));
    return buffer;
}

inline Buffer hello() {
    static constexpr std::uint8_t formats[] = {1};
    static const HelloNode nodes[] = {
        {pbx1, 1'700'000'000, Speaks::for_itself, Link::up, "pbx1"},
        {pbx2, 1'700'000'001, Speaks::for_pbx, Link::down, "asterisk beside pbx1"}};
    static const KnownNode known[] = {{{{0x02, 0, 0, 0, 0, 0x09}}, 1'699'999'999}};
    return frame(
        [](MutableBytes out) { return encode_hello({formats, "lamplight 0.1.0", nodes, known}, out).bytes; });
}

inline Buffer votes() {
    return frame([](MutableBytes out) {
        VotesWriter writer(out, 7);
        writer.add(
            pbx1, 100,
            {5, 3, state::DeviceState::inuse, state::VoteKind::state, state::Cachable::yes, "Custom:abc"});
        writer.add(
            pbx1, 100,
            {6, 4, state::DeviceState::onhold, state::VoteKind::state, state::Cachable::no, "PJSIP/alice"});
        writer.add(pbx1, 100,
                   {5, 5, state::DeviceState::not_inuse, state::VoteKind::state, state::Cachable::yes, {}});
        writer.add(
            pbx2, 200,
            {6, 1, state::DeviceState::unknown, state::VoteKind::withdrawal, state::Cachable::yes, {}});
        return writer.finish();
    });
}

/// Votes that need no frame before them.
inline Buffer broadcast() {
    return frame([](MutableBytes out) {
        VotesWriter writer(out, frame_table);
        writer.add(
            pbx1, 100,
            {5, 7, state::DeviceState::inuse, state::VoteKind::state, state::Cachable::yes, "Custom:abc"});
        writer.add(pbx1, 100,
                   {6, 8, state::DeviceState::unknown, state::VoteKind::withdrawal, state::Cachable::yes,
                    "PJSIP/alice"});
        return writer.finish();
    });
}

inline Buffer mwi() {
    return frame([](MutableBytes out) {
        MwiWriter writer(out);
        writer.add(pbx1, 100, {9, 3, 12, state::VoteKind::state, "1234", "default"});
        writer.add(pbx2, 200, {1, 0, 0, state::VoteKind::withdrawal, "1234", ""});
        return writer.finish();
    });
}

inline Buffer digest() {
    static const DigestEntry digests[] = {{pbx1, 100, 2, 0x1122334455667788ULL}, {pbx2, 200, 0, 0}};
    return frame([](MutableBytes out) {
        std::size_t taken = 0;
        return encode_digests(digests, out, taken);
    });
}

template <typename Value>
Buffer fixed(const Value& value) {
    return frame([&](MutableBytes out) { return encode(value, out); });
}

inline Buffer unsupported() {
    static constexpr std::uint8_t formats[] = {1};
    return fixed(Unsupported{9, formats});
}

/// By the name of its seed file.
inline std::map<std::string, Buffer> all() {
    return {{"hello", hello()},
            {"votes", votes()},
            {"broadcast", broadcast()},
            {"mwi", mwi()},
            {"digest", digest()},
            {"snapshot_begin", fixed(SnapshotBegin{pbx1, 100})},
            {"snapshot_end", fixed(SnapshotEnd{pbx1, 100, 2})},
            {"request_hello", fixed(Request{Request::What::hello, {}})},
            {"request_snapshot", fixed(Request{Request::What::snapshot, pbx1})},
            {"since", fixed(Since{pbx1, {100, 8}})},
            {"since_nothing", fixed(Since{pbx2, {}})},
            {"goodbye", fixed(Goodbye{Goodbye::How::restarting})},
            {"pbx_link", fixed(PbxLink{pbx2, Link::down})},
            {"unsupported", unsupported()}};
}

}  // namespace lamplight::wire::vote::samples
