#include "samples.hpp"
#include "wire/vote/decode.hpp"

#include <gtest/gtest.h>

#include <string>

namespace lamplight::wire::vote {
namespace {

using samples::Buffer;
using samples::pbx1;
using samples::pbx2;

/// The view lives as long as the frame, hence no temporaries.
template <typename View>
View decoded(Buffer&& frame) = delete;
template <typename View>
View decoded(const Buffer& frame) {
    const auto result = decode(frame);
    if (!result || !std::holds_alternative<View>(*result)) {
        ADD_FAILURE() << (result ? "another type" : std::string(to_string(result.error().refusal)));
        return {};
    }
    return std::get<View>(*result);
}

template <typename Value>
void expect_round_trip(const Value& value) {
    const Buffer frame = samples::fixed(value);
    EXPECT_EQ(decoded<Value>(frame), value);
}

TEST(VotesFrame, IsByteForByteTheExampleOfTheProtocolPage) {
    const Buffer frame = samples::frame([](MutableBytes out) {
        VotesWriter writer(out, 1);
        writer.add(
            pbx1, 7,
            {5, 3, state::DeviceState::inuse, state::VoteKind::state, state::Cachable::yes, "Custom:abc"});
        return writer.finish();
    });
    const Buffer page{0x4c, 0x76, 0x01, 0x02, 0x00, 0x00, 0x00, 0x35, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01,
                      0x80, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                      0x07, 0x62, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03,
                      0x0a, 'C',  'u',  's',  't',  'o',  'm',  ':',  'a',  'b',  'c'};
    EXPECT_EQ(frame, page);
}

TEST(Since, IsByteForByteTheExampleOfTheProtocolPage) {
    const Buffer page{0x4c, 0x76, 0x01, 0x0b, 0x00, 0x00, 0x00, 0x1e, 0x02, 0x00,
                      0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                      0x00, 0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03};
    EXPECT_EQ(samples::fixed(Since{pbx1, {7, 3}}), page);
}

TEST(Since, RoundTripsAlsoWhenNothingIsHeld) {
    for (const Since& since : {Since{pbx1, {100, 8}}, Since{pbx2, {}}})
        expect_round_trip(since);
}

TEST(VotesFrame, RoundTripsEveryVoteWithItsNode) {
    const Buffer frame = samples::votes();
    const auto view = decoded<VotesView>(frame);
    EXPECT_EQ(view.table, 7u);
    EXPECT_EQ(view.count, 4);
    std::vector<KnownNode> nodes;
    std::vector<std::pair<state::Eid, VoteEntry>> votes;
    view.for_each([&](const KnownNode& node) { nodes.push_back(node); },
                  [&](const VoteEntry& vote) { votes.emplace_back(nodes.back().eid, vote); });
    EXPECT_EQ(nodes, (std::vector<KnownNode>{{pbx1, 100}, {pbx2, 200}}));
    ASSERT_EQ(votes.size(), 4u);
    using state::DeviceState;
    const VoteEntry first{5,           3, DeviceState::inuse, state::VoteKind::state, state::Cachable::yes,
                          "Custom:abc"};
    const VoteEntry second{
        6, 4, DeviceState::onhold, state::VoteKind::state, state::Cachable::no, "PJSIP/alice"};
    EXPECT_EQ(votes[0], std::pair(pbx1, first));
    EXPECT_EQ(votes[1], std::pair(pbx1, second));
    EXPECT_EQ(votes[2].second.state, DeviceState::not_inuse);
    EXPECT_TRUE(votes[2].second.name.empty());
    EXPECT_EQ(votes[3].first, pbx2);
    EXPECT_EQ(votes[3].second.kind, state::VoteKind::withdrawal);
}

TEST(VotesFrame, CarriesEveryStateEveryKindAndTheExtremesOfNumbers) {
    for (std::uint8_t number = 0; number < state::device_state_count; ++number) {
        const VoteEntry vote{
            max_name_ids - 1,       ~std::uint64_t{0},   static_cast<state::DeviceState>(number),
            state::VoteKind::state, state::Cachable::no, std::string_view{}};
        const Buffer frame = samples::frame([&](MutableBytes out) {
            VotesWriter writer(out, ~std::uint32_t{0});
            EXPECT_TRUE(writer.add(pbx1, max_incarnation, vote));
            return writer.finish();
        });
        decoded<VotesView>(frame).for_each(
            [&](const KnownNode& node) { EXPECT_EQ(node.incarnation, max_incarnation); },
            [&](const VoteEntry& read) { EXPECT_EQ(read, vote); });
    }
}

TEST(VotesWriter, TakesWhatFitsTheBudgetAndSaysHowMany) {
    Buffer buffer(min_budget_bytes);
    VotesWriter writer(buffer, 1);
    const std::string name(255, 'x');
    std::uint32_t added = 0;
    while (writer.add(
        pbx1, 1,
        {added, added, state::DeviceState::busy, state::VoteKind::state, state::Cachable::yes, name}))
        ++added;
    EXPECT_EQ(added, (min_budget_bytes - 14 - 15) / (13 + 1 + 255));
    EXPECT_EQ(writer.votes(), added);
    EXPECT_TRUE(writer.add(
        pbx1, 1, {0, 9, state::DeviceState::busy, state::VoteKind::state, state::Cachable::yes, {}}))
        << "a shorter one may still fit, and the refused one left no trace";
    buffer.resize(writer.finish());
    EXPECT_LE(buffer.size(), min_budget_bytes);
    EXPECT_EQ(decoded<VotesView>(buffer).count, added + 1);
}

TEST(VotesWriter, MakesNoFrameOfNoVotes) {
    Buffer buffer(min_budget_bytes);
    EXPECT_EQ(VotesWriter(buffer, 1).finish(), 0u);
    EXPECT_EQ(MwiWriter(buffer).finish(), 0u);
}

TEST(VotesWriter, SaysTheNodeAgainOnlyWhenItChanges) {
    Buffer buffer(min_budget_bytes);
    VotesWriter writer(buffer, 1);
    const VoteEntry vote{
        1, 1, state::DeviceState::busy, state::VoteKind::state, state::Cachable::yes, std::string_view{}};
    for (const state::Eid& eid : {pbx1, pbx1, pbx2, pbx1})
        EXPECT_TRUE(writer.add(eid, 1, vote));
    EXPECT_TRUE(writer.add(pbx1, 2, vote)) << "another incarnation is another node entry";
    EXPECT_EQ(writer.finish(), 14u + 5 * 13 + 4 * 15);
}

TEST(HelloFrame, RoundTripsNodesAndWhatIsKnown) {
    const Buffer frame = samples::hello();
    const auto view = decoded<HelloView>(frame);
    EXPECT_EQ(view.software, "lamplight 0.1.0");
    EXPECT_EQ(Buffer(view.formats.begin(), view.formats.end()), Buffer{1});
    std::vector<HelloNode> nodes;
    view.for_each_node([&](const HelloNode& node) { nodes.push_back(node); });
    ASSERT_EQ(nodes.size(), 2u);
    EXPECT_EQ(nodes[0], (HelloNode{pbx1, 1'700'000'000, Speaks::for_itself, Link::up, "pbx1"}));
    EXPECT_EQ(nodes[1],
              (HelloNode{pbx2, 1'700'000'001, Speaks::for_pbx, Link::down, "asterisk beside pbx1"}));
    std::vector<KnownNode> known;
    view.for_each_known([&](const KnownNode& node) { known.push_back(node); });
    EXPECT_EQ(known, (std::vector<KnownNode>{{{{0x02, 0, 0, 0, 0, 0x09}}, 1'699'999'999}}));
}

TEST(HelloFrame, GoesInPartsWhenItIsTooLongForOne) {
    std::vector<HelloNode> nodes;
    std::vector<KnownNode> known;
    const std::string name(200, 'n');
    for (std::uint8_t i = 1; i < 40; ++i) {
        nodes.push_back({{{2, 0, 0, 0, 1, i}}, i, Speaks::for_pbx, Link::up, name});
        known.push_back({{{2, 0, 0, 0, 2, i}}, i});
    }
    static constexpr std::uint8_t formats[] = {1};
    std::size_t nodes_read = 0;
    std::size_t known_read = 0;
    std::size_t parts = 0;
    for (std::size_t n = 0, k = 0; n < nodes.size() || k < known.size(); ++parts) {
        Buffer buffer(2048);
        const HelloPart part =
            encode_hello({formats, "x", std::span(nodes).subspan(n), std::span(known).subspan(k)}, buffer);
        buffer.resize(part.bytes);
        const auto view = decoded<HelloView>(buffer);
        view.for_each_node([&](const HelloNode& node) { EXPECT_EQ(node, nodes.at(nodes_read++)); });
        view.for_each_known([&](const KnownNode& node) { EXPECT_EQ(node, known.at(known_read++)); });
        ASSERT_GT(part.nodes + part.known, 0u);
        n += part.nodes;
        k += part.known;
    }
    EXPECT_EQ(nodes_read, nodes.size());
    EXPECT_EQ(known_read, known.size());
    EXPECT_GT(parts, 1u);
}

TEST(HelloFrame, MayBeEmptyOfNodes) {
    static constexpr std::uint8_t formats[] = {1, 2};
    const Buffer frame =
        samples::frame([](MutableBytes out) { return encode_hello({formats, "", {}, {}}, out).bytes; });
    const auto view = decoded<HelloView>(frame);
    EXPECT_EQ(view.node_count, 0);
    EXPECT_EQ(view.formats.size(), 2u);
}

TEST(SmallFrames, RoundTrip) {
    expect_round_trip(SnapshotBegin{pbx1, 3});
    expect_round_trip(SnapshotEnd{pbx1, 3, 77});
    for (const Request& request : {Request{Request::What::hello, {}}, Request{Request::What::snapshot, pbx2}})
        expect_round_trip(request);
    for (const auto how : {Goodbye::How::left, Goodbye::How::restarting})
        expect_round_trip(Goodbye{how});
    for (const auto link : {Link::down, Link::up})
        expect_round_trip(PbxLink{pbx1, link});
    const Buffer frame = samples::unsupported();
    const auto unsupported = decoded<Unsupported>(frame);
    EXPECT_EQ(unsupported.met, 9);
    EXPECT_EQ(Buffer(unsupported.formats.begin(), unsupported.formats.end()), Buffer{1});
}

TEST(DigestFrame, RoundTripsAndSaysHowManyFitted) {
    std::vector<DigestEntry> digests;
    for (std::uint8_t i = 1; i <= 60; ++i)
        digests.push_back({{{2, 0, 0, 0, 0, i}}, i, i, std::uint64_t{i} << 56});
    Buffer buffer(min_budget_bytes);
    std::size_t taken = 0;
    buffer.resize(encode_digests(digests, buffer, taken));
    EXPECT_EQ(taken, (min_budget_bytes - 9) / 26);
    std::size_t read = 0;
    decoded<DigestView>(buffer).for_each(
        [&](const DigestEntry& digest) { EXPECT_EQ(digest, digests.at(read++)); });
    EXPECT_EQ(read, taken);
}

TEST(MwiFrame, RoundTripsCountsAndWithdrawals) {
    const Buffer frame = samples::mwi();
    const auto view = decoded<MwiView>(frame);
    std::vector<KnownNode> nodes;
    std::vector<MwiEntry> votes;
    view.for_each([&](const KnownNode& node) { nodes.push_back(node); },
                  [&](const MwiEntry& vote) { votes.push_back(vote); });
    EXPECT_EQ(nodes, (std::vector<KnownNode>{{pbx1, 100}, {pbx2, 200}}));
    ASSERT_EQ(votes.size(), 2u);
    EXPECT_EQ(votes[0], (MwiEntry{9, 3, 12, state::VoteKind::state, "1234", "default"}));
    EXPECT_EQ(votes[1], (MwiEntry{1, 0, 0, state::VoteKind::withdrawal, "1234", ""}));
}

}  // namespace
}  // namespace lamplight::wire::vote
