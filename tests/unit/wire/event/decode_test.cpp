#include "samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace lamplight::wire::event {
namespace {

using namespace samples;
using state::Cachable;
using state::DeviceState;

/// Why a message is refused; nothing when it is taken.
std::optional<Malformed> refusal(const Buffer& message) {
    // a copy of exactly its size, so that a sanitizer sees a byte read too many
    const Buffer exact(message.begin(), message.end());
    const auto event = decode(exact);
    return event ? std::nullopt : std::optional(event.error());
}

DeviceStateChange change_in(const Buffer& message) {
    const auto event = decode(message);
    if (!event) {
        ADD_FAILURE() << to_string(event.error());
        return {};
    }
    return std::get<DeviceStateChange>(*event);
}

TEST(Decode, RefusesAMessageCutAtAnyByte) {
    for (const char* name : {"asthead-dsc-custom-abc-inuse", "asthead-mwi-1000-default-2-5", "asthead-ping",
                             "asthead-cluster-discovery-node7-v6"}) {
        const Buffer whole = samples::vector(name);
        for (std::size_t length = 0; length < whole.size(); ++length) {
            const Buffer cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
            EXPECT_EQ(refusal(cut), length < 4 ? Malformed::too_short : Malformed::wrong_length);
        }
    }
}

TEST(Decode, RefusesAMessageCutAtAnyByteWhoseHeaderSaysSo) {
    const Buffer whole = samples::vector("asthead-dsc-custom-abc-inuse");
    const std::set<std::size_t> after_an_element = {4, 23, 31, 39};
    for (std::size_t length = 4; length < whole.size(); ++length) {
        Buffer cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        cut[3] = static_cast<std::uint8_t>(length);
        EXPECT_EQ(refusal(cut),
                  after_an_element.contains(length) ? Malformed::missing_eid : Malformed::broken_element)
            << length;
    }
}

TEST(Decode, RefusesAHeaderThatLiesAboutTheLength) {
    const Message message = change();
    const std::size_t right = message.done().size();
    for (std::size_t length = 0; length <= 0xffff; ++length)
        EXPECT_EQ(refusal(message.with_length(length)),
                  length == right ? std::nullopt : std::optional(Malformed::wrong_length));
}

TEST(Decode, RefusesBytesBehindTheLastElement) {
    Buffer unsaid = change().done();
    unsaid.push_back(0);
    EXPECT_EQ(refusal(unsaid), Malformed::wrong_length);
    for (std::size_t count = 1; count < 4; ++count)
        EXPECT_EQ(refusal(change().bytes(Buffer(count, 0)).done()), Malformed::broken_element);
}

TEST(Decode, RefusesAnElementThatLiesAboutItsLength) {
    const Buffer whole = change().done();
    for (const std::size_t length_at : {6u, 25u, 33u, 41u}) {
        const unsigned right = whole[length_at] * 256u + whole[length_at + 1];
        for (unsigned length = 0; length <= 0xffff; ++length) {
            if (length == right) continue;
            Buffer lying = whole;
            lying[length_at] = static_cast<std::uint8_t>(length >> 8);
            lying[length_at + 1] = static_cast<std::uint8_t>(length);
            ASSERT_TRUE(refusal(lying)) << length_at << ' ' << length;
        }
    }
}

TEST(Decode, RefusesNothingAndWhatNoServerSends) {
    EXPECT_EQ(refusal({}), Malformed::too_short);
    EXPECT_EQ(refusal(Buffer(max_received_bytes + 1)), Malformed::too_long);
    EXPECT_EQ(refusal(Buffer(max_received_bytes)), Malformed::wrong_length);
}

TEST(Decode, TakesNoOtherTypeThanTheFive) {
    const std::set<unsigned> known = {0x02, 0x05, 0x06, 0x0c, 0x0d};
    for (unsigned type = 0; type <= 0xffff; ++type) {
        const bool refused = refusal(Message(type).done()) == Malformed::unknown_type;
        EXPECT_EQ(refused, !known.contains(type)) << type;
    }
    EXPECT_EQ(known.size(), type_count);
}

TEST(Decode, TakesTheLongestMessageThereIs) {
    Message message = change();
    message.raw(0x1234, Buffer(max_received_bytes - message.done().size() - 4, 0xff));
    EXPECT_EQ(refusal(message.done()), std::nullopt);
}

// --- which elements ---

/// One element of an event and what is said when it is missing; nothing when it need not be there.
struct Piece {
    Message element;
    std::optional<Malformed> when_missing;
};

/// Every subset of the pieces, and of each whether it is refused for the first piece that it misses.
void expect_subsets(unsigned type, const std::vector<Piece>& pieces) {
    for (unsigned set = 0; set < 1u << pieces.size(); ++set) {
        Message message(type);
        std::optional<Malformed> expected;
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            const Buffer whole = pieces[i].element.done();
            if ((set >> i & 1) != 0)
                message.bytes({whole.begin() + 4, whole.end()});
            else if (!expected)
                expected = pieces[i].when_missing;
        }
        EXPECT_EQ(refusal(message.done()), expected) << "type " << type << " set " << set;
    }
}

TEST(Decode, SaysWhichElementIsMissingWhateverElseIs) {
    const Piece eid{Message(0).eid(), Malformed::missing_eid};
    const Piece cachable{Message(0).number(0x3d, 1), std::nullopt};
    const std::vector<Piece> device = {eid,
                                       {Message(0).text(0x07, "Custom:abc"), Malformed::missing_device},
                                       {Message(0).number(0x08, 2), Malformed::missing_state},
                                       cachable};
    expect_subsets(0x05, device);
    expect_subsets(0x06, device);
    expect_subsets(0x02, {eid,
                          {Message(0).text(0x03, "1000"), Malformed::missing_mailbox},
                          {Message(0).text(0x09, "default"), std::nullopt},
                          {Message(0).number(0x01, 2), std::nullopt},
                          {Message(0).number(0x02, 5), std::nullopt}});
    expect_subsets(0x0c, {eid});
    expect_subsets(0x0d, {eid,
                          {Message(0).number(0x3e, 1), Malformed::missing_node},
                          {Message(0).text(0x2a, "10.0.0.1"), Malformed::missing_node}});
}

TEST(Decode, TakesElementsInAnyOrder) {
    const std::vector<Buffer> pieces = {Message(0).text(0x07, "Custom:abc").done(),
                                        Message(0).number(0x08, 2).done(), Message(0).number(0x3d, 0).done(),
                                        Message(0).eid().done()};
    std::vector<std::size_t> order = {0, 1, 2, 3};
    const DeviceStateChange expected{"Custom:abc", DeviceState::inuse, Cachable::no, lab_eid};
    do {
        Message message(6);
        for (const std::size_t i : order)
            message.bytes({pieces[i].begin() + 4, pieces[i].end()});
        const Buffer bytes = message.done();
        EXPECT_TRUE(change_in(bytes) == expected);
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Decode, BelievesTheFirstOfAKind) {
    const Buffer twice =
        change().text(0x07, "Custom:other").number(0x08, 3).number(0x3d, 0).eid({{9, 9, 9, 9, 9, 9}}).done();
    const DeviceStateChange expected{"Custom:abc", DeviceState::inuse, Cachable::yes, lab_eid};
    EXPECT_TRUE(change_in(twice) == expected);
    EXPECT_EQ(refusal(change().raw(0x08, {1}).done()), std::nullopt) << "nobody reads the second";
    EXPECT_EQ(refusal(Message(6).number(0x08, 9).bytes(change().done()).done()), Malformed::broken_element);
    EXPECT_EQ(refusal(Message(6).number(0x08, 9).number(0x08, 1).text(0x07, "a").eid().done()),
              Malformed::unknown_state);
}

TEST(Decode, PassesOverElementsThatItDoesNotKnowOrNeed) {
    const Buffer more = Message(6)
                            .raw(0x3f, {1, 2, 3})
                            .raw(0xffff, {})
                            .text(0x07, "Custom:abc")
                            .raw(0x03, {7})  // a mailbox, and a broken one
                            .number(0x08, 2)
                            .number(0x3d, 1)
                            .eid()
                            .raw(0x00, {})
                            .done();
    EXPECT_EQ(change_in(more).device, "Custom:abc");
}

// --- numbers and EIDs ---

TEST(Decode, RefusesNumbersThatAreNotFourBytesAndEidsThatAreNotSix) {
    for (std::size_t size = 0; size < 12; ++size) {
        const Buffer payload(size, 1);
        const auto four = size == 4 ? std::nullopt : std::optional(Malformed::broken_element);
        const auto six = size == 6 ? std::nullopt : std::optional(Malformed::broken_element);
        const auto state = refusal(Message(6).text(7, "a").raw(8, payload).eid().done());
        EXPECT_EQ(state, size == 4 ? Malformed::unknown_state : Malformed::broken_element);
        EXPECT_EQ(refusal(Message(6).text(7, "a").number(8, 1).raw(0x3d, payload).eid().done()), four);
        EXPECT_EQ(refusal(Message(2).text(3, "1").raw(1, payload).eid().done()), four);
        EXPECT_EQ(refusal(Message(2).text(3, "1").raw(2, payload).eid().done()), four);
        EXPECT_EQ(refusal(Message(13).raw(0x3e, payload).text(0x2a, "::1").eid().done()), four);
        EXPECT_EQ(refusal(Message(12).raw(0x21, payload).done()), six);
    }
}

TEST(Decode, TakesTheNineStatesAndNoOther) {
    for (std::uint32_t number = 0; number < 300; ++number) {
        const Buffer message = Message(6).text(7, "a").number(8, number).eid().done();
        EXPECT_EQ(refusal(message), number <= 8 ? std::nullopt : std::optional(Malformed::unknown_state));
        if (number <= 8) {
            EXPECT_EQ(change_in(message).state, static_cast<DeviceState>(number));
        }
    }
    EXPECT_EQ(refusal(Message(6).text(7, "a").number(8, 0x01000001).eid().done()), Malformed::unknown_state);
    EXPECT_EQ(refusal(Message(6).text(7, "a").number(8, 0xffffffff).eid().done()), Malformed::unknown_state);
}

TEST(Decode, RefusesAnEidOfZeros) {
    EXPECT_EQ(refusal(Message(12).eid({}).done()), Malformed::zero_eid);
    EXPECT_EQ(refusal(Message(6).text(7, "a").number(8, 1).eid({}).done()), Malformed::zero_eid);
}

TEST(Decode, TakesAVoteAsCachableUnlessItSaysOtherwise) {
    const auto with = [](std::initializer_list<std::pair<unsigned, std::uint32_t>> elements) {
        Message message = Message(6).text(7, "a").number(8, 1).eid();
        for (const auto& [number, value] : elements)
            message.number(number, value);
        return change_in(message.done()).cachable;
    };
    EXPECT_EQ(with({}), Cachable::yes) << "1.8.0 to 11.1.0 never say it";
    for (const unsigned number : {0x35u, 0x39u, 0x3du}) {
        EXPECT_EQ(with({{number, 0}}), Cachable::no);
        EXPECT_EQ(with({{number, 1}}), Cachable::yes);
        EXPECT_EQ(with({{number, 0x100}}), Cachable::yes);
    }
    EXPECT_EQ(with({{0x35, 0}, {0x39, 0}, {0x3d, 1}}), Cachable::yes) << "11 and later: others mean others";
    EXPECT_EQ(with({{0x35, 1}, {0x39, 0}}), Cachable::no) << "10";
}

TEST(Decode, ClampsMessageCountsAsAsteriskDoes) {
    const auto counts = [](std::uint32_t news, std::uint32_t olds) {
        const Buffer message = Message(2).text(3, "1").number(1, news).number(2, olds).eid().done();
        return std::get<Mwi>(decode(message).value()).counts;
    };
    EXPECT_EQ(counts(0x7fffffff, 0x7fffffff), (state::MessageCounts{0x7fffffff, 0x7fffffff}));
    EXPECT_EQ(counts(0x80000000, 0xffffffff), (state::MessageCounts{0x7fffffff, 0x7fffffff}));
    EXPECT_EQ(counts(0, 1), (state::MessageCounts{0, 1}));
}

TEST(Decode, TakesAMailboxWithoutContextAsOneOfDefault) {
    const Buffer none = Message(2).text(3, "1000").eid().done();
    const Buffer empty = Message(2).text(3, "1000").text(9, "").eid().done();
    const Mwi expected{"1000", "default", {0, 0}, lab_eid};
    EXPECT_TRUE(std::get<Mwi>(decode(none).value()) == expected);
    EXPECT_TRUE(std::get<Mwi>(decode(empty).value()) == expected);
}

// --- texts ---

std::optional<Malformed> refusal_of_device(const Buffer& payload) {
    return refusal(Message(6).raw(7, payload).number(8, 1).eid().done());
}

TEST(Decode, RefusesATextWithoutHashOrNulAtItsEnd) {
    EXPECT_EQ(refusal_of_device({}), Malformed::broken_text);
    EXPECT_EQ(refusal_of_device({0}), Malformed::broken_text);
    EXPECT_EQ(refusal_of_device({0, 0, 0, 0}), Malformed::broken_text);
    EXPECT_EQ(refusal_of_device({0, 0, 0, 0, 'a'}), Malformed::broken_text);
    EXPECT_EQ(refusal_of_device({0, 0, 0, 0, 'a', 'b', 'c'}), Malformed::broken_text);
    EXPECT_EQ(refusal_of_device({0, 0, 0, 0, 'a', 0}), std::nullopt);
}

TEST(Decode, RefusesANulBeforeTheEnd) {
    EXPECT_EQ(refusal_of_device({0, 0, 0, 0, 'a', 0, 'b', 0}), Malformed::broken_text);
    EXPECT_EQ(refusal_of_device({0, 0, 0, 0, 'a', 0, 0}), Malformed::broken_text);
    EXPECT_EQ(refusal_of_device({0, 0, 0, 0, 0, 'b', 0}), Malformed::broken_text);
}

TEST(Decode, RefusesEmptyNames) {
    EXPECT_EQ(refusal_of_device({0, 0, 0, 0, 0}), Malformed::missing_device);
    EXPECT_EQ(refusal(Message(5).text(7, "").number(8, 1).eid().done()), Malformed::missing_device);
    EXPECT_EQ(refusal(Message(2).text(3, "").eid().done()), Malformed::missing_mailbox);
    EXPECT_EQ(refusal(Message(13).number(0x3e, 1).text(0x2a, "").eid().done()), Malformed::missing_node);
}

TEST(Decode, TakesNamesOf255BytesAndAddressesOf63) {
    const auto name = [](std::size_t bytes) { return std::string(bytes, 'n'); };
    const auto long_at = [](std::size_t bytes, std::size_t limit) {
        return bytes <= limit ? std::nullopt : std::optional(Malformed::name_too_long);
    };
    for (const std::size_t bytes : {1u, 63u, 64u, 79u, 80u, 255u, 256u, 1'000u}) {
        const auto as_name = long_at(bytes, 255);
        EXPECT_EQ(refusal(change(name(bytes)).done()), as_name);
        EXPECT_EQ(refusal(Message(2).text(3, name(bytes)).eid().done()), as_name);
        EXPECT_EQ(refusal(Message(2).text(3, "1").text(9, name(bytes)).eid().done()), as_name);
        EXPECT_EQ(refusal(Message(13).number(0x3e, 1).text(0x2a, name(bytes)).eid().done()),
                  long_at(bytes, 63));
    }
    EXPECT_EQ(change_in(change(name(255)).done()).device.size(), 255u);
}

TEST(Decode, NeverChecksTheHash) {
    Buffer message = samples::vector("asthead-dsc-custom-abc-inuse");
    for (std::size_t i = 8; i < 12; ++i)
        message[i] ^= 0xff;
    EXPECT_EQ(refusal(message), std::nullopt);
}

TEST(Decode, GivesTextsThatAreViewsIntoTheMessage) {
    const Buffer message = change().done();
    const auto device = change_in(message).device;
    EXPECT_EQ(static_cast<const void*>(device.data()), message.data() + 12);
}

TEST(Words, AreThereForEveryValue) {
    std::set<std::string_view> reasons;
    for (std::size_t i = 0; i < malformed_count; ++i)
        reasons.insert(to_string(static_cast<Malformed>(i)));
    EXPECT_EQ(reasons.size(), malformed_count);
    EXPECT_FALSE(reasons.contains("?"));
    EXPECT_EQ(to_string(static_cast<Malformed>(malformed_count)), "?");
    EXPECT_EQ(to_string(Type::device_state_change), "DEVICE_STATE_CHANGE");
    EXPECT_EQ(to_string(Type::ping), "PING");
    EXPECT_EQ(to_string(HashRule::legacy), "legacy");
}

}  // namespace
}  // namespace lamplight::wire::event
