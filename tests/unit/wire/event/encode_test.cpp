#include "samples.hpp"

#include <gtest/gtest.h>

namespace lamplight::wire::event {
namespace {

using namespace samples;
using state::Cachable;
using state::DeviceState;

DeviceStateChange vote(std::string_view device) {
    return {device, DeviceState::inuse, Cachable::yes, lab_eid};
}

TEST(Encode, WritesTheWorkedExampleOfTheProtocolPage) {
    EXPECT_EQ(encoded(vote("Custom:abc")), from_hex("00 06 00 31"
                                                    "00 07 00 0f 8c e2 c7 76 43 75 73 74 6f 6d 3a 61 62 63 00"
                                                    "00 08 00 04 00 00 00 02"
                                                    "00 3d 00 04 00 00 00 01"
                                                    "00 21 00 06 00 11 22 33 44 55"));
}

TEST(Encode, NumbersTheCachableElementAsTheVersionDoes) {
    using Number = Dialect::CachableElement;
    for (const auto& [number, byte] :
         {std::pair(Number::v1_8, 0x35), std::pair(Number::v10, 0x39), std::pair(Number::v11, 0x3d)}) {
        const Buffer message = encoded(vote("Custom:abc"), Dialect{HashRule::modern, number});
        ASSERT_EQ(message.size(), 49u);
        EXPECT_EQ(message[32], byte);
        EXPECT_TRUE(std::get<DeviceStateChange>(decode(message).value()) == vote("Custom:abc"));
    }
}

TEST(Encode, SaysWhenAVoteIsNotToBeKept) {
    DeviceStateChange call = vote("SIP/alice");
    call.cachable = Cachable::no;
    const Buffer message = encoded(call);
    EXPECT_EQ(std::get<DeviceStateChange>(decode(message).value()).cachable, Cachable::no);
}

TEST(Encode, RefusesNamesThatAsteriskWouldCut) {
    const std::string just(79, 'x');
    const std::string over(80, 'x');
    EXPECT_FALSE(encoded(vote(just)).empty());
    EXPECT_TRUE(encoded(vote(over)).empty());
    EXPECT_TRUE(encoded(DeviceStateAggregate{over, DeviceState::inuse, Cachable::yes, lab_eid}).empty());
    EXPECT_FALSE(encoded(Mwi{just, just, {}, lab_eid}).empty());
    EXPECT_TRUE(encoded(Mwi{over, "default", {}, lab_eid}).empty());
    EXPECT_TRUE(encoded(Mwi{"1000", over, {}, lab_eid}).empty());
    EXPECT_FALSE(encoded(ClusterDiscovery{1, std::string_view(just).substr(0, 63), lab_eid}).empty());
    EXPECT_TRUE(encoded(ClusterDiscovery{1, std::string_view(just).substr(0, 64), lab_eid}).empty());
}

TEST(Encode, RefusesWhatNoReceiverWouldTake) {
    using namespace std::string_view_literals;
    EXPECT_TRUE(encoded(vote("")).empty());
    EXPECT_TRUE(encoded(vote("Custom:a\0b"sv)).empty());
    EXPECT_TRUE(encoded(Mwi{"", "default", {}, lab_eid}).empty());
    EXPECT_TRUE(encoded(Mwi{"1\0"sv, "default", {}, lab_eid}).empty());
    EXPECT_TRUE(encoded(Mwi{"1", "\0"sv, {}, lab_eid}).empty());
    EXPECT_TRUE(encoded(ClusterDiscovery{1, "", lab_eid}).empty());
    EXPECT_TRUE(encoded(Ping{}).empty()) << "an EID of zeros";
}

TEST(Encode, WritesNoContextAsDefaultAndCountsAsAsteriskClampsThem) {
    const Buffer message = encoded(Mwi{"1000", "", {0xffffffff, 0x80000000}, lab_eid});
    const Mwi expected{"1000", "default", {0x7fffffff, 0x7fffffff}, lab_eid};
    EXPECT_TRUE(std::get<Mwi>(decode(message).value()) == expected);
}

TEST(Encode, HasRoomForTheLongestOfEachKind) {
    const std::string name(max_device_bytes, 'x');
    const std::string_view address = std::string_view(name).substr(0, max_address_bytes);
    for (const Event& event : {Event(vote(name)), Event(Mwi{name, name, {1, 1}, lab_eid}),
                               Event(ClusterDiscovery{~0u, address, lab_eid})}) {
        const Buffer message = encoded(event);
        ASSERT_FALSE(message.empty());
        EXPECT_TRUE(decode(message).value() == event);
    }
}

TEST(Encode, WritesNothingBeyondTheRoomItHas) {
    const Event event = vote("Custom:abc");
    for (std::size_t room = 0; room <= 49; ++room) {
        Buffer out(room + 8, 0xee);
        const std::size_t length = encode(event, {}, MutableBytes(out).first(room));
        EXPECT_EQ(length, room == 49 ? 49u : 0u);
        for (std::size_t i = room; i < out.size(); ++i)
            EXPECT_EQ(out[i], 0xee);
    }
}

}  // namespace
}  // namespace lamplight::wire::event
