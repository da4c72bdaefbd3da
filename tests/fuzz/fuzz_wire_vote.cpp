// A frame from a peer: decode() must refuse or describe it, and what it describes must survive being written
// again.
#include "wire/vote/decode.hpp"
#include "wire/vote/encode.hpp"

#include <cstdlib>
#include <vector>

using namespace lamplight::wire;
using namespace lamplight::wire::vote;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check(const HelloView& hello) {
    std::size_t nodes = 0;
    std::size_t known = 0;
    hello.for_each_node([&](const HelloNode& node) { nodes += node.incarnation != 0; });
    hello.for_each_known([&](const KnownNode& node) { known += !node.eid.is_zero(); });
    require(nodes == hello.node_count && known == hello.known_count);
}

template <typename Entry, typename View, typename Writer>
void check_votes(const View& view, Writer writer, std::vector<std::uint8_t>& buffer) {
    std::vector<std::pair<KnownNode, Entry>> votes;
    KnownNode node;
    view.for_each([&](const KnownNode& said) { node = said; },
                  [&](const Entry& vote) {
                      votes.emplace_back(node, vote);
                      require(writer.add(node.eid, node.incarnation, vote));
                  });
    require(votes.size() == view.count);
    if (votes.empty()) return;
    buffer.resize(writer.finish());
    const auto again = decode(buffer);
    require(again.has_value());
    std::size_t at = 0;
    std::get<View>(*again).for_each([&](const KnownNode& said) { node = said; },
                                    [&](const Entry& vote) {
                                        require(node == votes[at].first);
                                        require(vote.sequence == votes[at].second.sequence);
                                        require(vote.kind == votes[at++].second.kind);
                                    });
    require(at == votes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto frame = decode({data, size});
    if (!frame) {
        require(to_string(frame.error().refusal) != "?");
        return 0;
    }
    std::vector<std::uint8_t> buffer(max_received_bytes);
    if (const auto* hello = std::get_if<HelloView>(&*frame)) check(*hello);
    if (const auto* votes = std::get_if<VotesView>(&*frame))
        check_votes<VoteEntry>(*votes, VotesWriter(buffer, votes->table), buffer);
    if (const auto* votes = std::get_if<MwiView>(&*frame))
        check_votes<MwiEntry>(*votes, MwiWriter(buffer), buffer);
    return 0;
}
