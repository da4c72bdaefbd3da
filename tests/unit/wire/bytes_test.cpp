#include "wire/bytes.hpp"

#include <gtest/gtest.h>

#include <array>

namespace lamplight::wire {
namespace {

TEST(Reader, ReadsNumbersMostSignificantByteFirst) {
    const std::array<std::uint8_t, 7> bytes{0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07};
    Reader in(bytes);
    EXPECT_EQ(in.u16(), 0x0102);
    EXPECT_EQ(in.u32(), 0x03040506u);
    EXPECT_EQ(in.u8(), 7);
    EXPECT_TRUE(in.at_end());
}

TEST(Reader, GivesZerosAndNothingForEverOnceItRanPastTheEnd) {
    const std::array<std::uint8_t, 3> bytes{0xff, 0xff, 0xff};
    Reader in(bytes);
    EXPECT_EQ(in.u32(), 0u);
    EXPECT_FALSE(in.ok());
    EXPECT_EQ(in.u8(), 0) << "a byte is there, but the reading is void";
    EXPECT_TRUE(in.take(1).empty());
    EXPECT_EQ(in.left(), 0u);
    EXPECT_FALSE(in.at_end());
}

TEST(Reader, RefusesATextLongerThanWhatIsLeft) {
    const std::array<std::uint8_t, 3> bytes{0x03, 'a', 'b'};
    Reader in(bytes);
    EXPECT_EQ(in.text8(), "");
    EXPECT_FALSE(in.ok());
}

TEST(Writer, RoundTripsWhatTheReaderReads) {
    std::array<std::uint8_t, 32> bytes{};
    Writer out(bytes);
    out.u8(1);
    out.u16(0xabcd);
    out.u32(0xdeadbeef);
    out.u64(0x0123456789abcdefULL);
    out.text8("lamp");
    ASSERT_TRUE(out.ok());
    Reader in(Bytes(bytes).first(out.size()));
    EXPECT_EQ(in.u8(), 1);
    EXPECT_EQ(in.u16(), 0xabcd);
    EXPECT_EQ(in.u32(), 0xdeadbeef);
    EXPECT_EQ(in.u64(), 0x0123456789abcdefULL);
    EXPECT_EQ(in.text8(), "lamp");
    EXPECT_TRUE(in.at_end());
}

TEST(Writer, LeavesOutWhatDoesNotFit) {
    std::array<std::uint8_t, 3> bytes{};
    Writer out(bytes);
    out.u16(1);
    out.u32(2);
    EXPECT_FALSE(out.ok());
    EXPECT_EQ(out.size(), 2u);
    out.u8(3);
    EXPECT_FALSE(out.ok()) << "a frame with a hole is no frame";
}

}  // namespace
}  // namespace lamplight::wire
