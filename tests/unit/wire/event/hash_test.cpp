#include "wire/event/event.hpp"

#include <gtest/gtest.h>

#include <string>

namespace lamplight::wire::event {
namespace {

TEST(TextHash, OfBothRulesIsTheSameWhenTheUppermostBitIsClear) {
    EXPECT_EQ(text_hash("Custom:abc", HashRule::modern), 0x76c7e28cu);
    EXPECT_EQ(text_hash("Custom:abc", HashRule::legacy), 0x76c7e28cu);
}

TEST(TextHash, IsMaskedByTheModernRuleAndNegatedByTheLegacyOne) {
    EXPECT_EQ(text_hash("Custom:doorbell", HashRule::modern), 0x3d8c3a5du);
    EXPECT_EQ(text_hash("Custom:doorbell", HashRule::legacy), 0x4273c5a3u);
    EXPECT_EQ(text_hash("default", HashRule::modern), 0x1ce67dceu);
    EXPECT_EQ(text_hash("default", HashRule::legacy), 0x63198232u);
}

TEST(TextHash, TakesBytesFrom0x80UpAsSignedByTheLegacyRuleOnly) {
    EXPECT_EQ(text_hash("Custom:t\xc3\xbcr", HashRule::modern), 0x4fc8bed5u);
    EXPECT_EQ(text_hash("Custom:t\xc3\xbcr", HashRule::legacy), 0x4fcc18d5u);
}

TEST(TextHash, OfNothingIsTheStartValue) {
    EXPECT_EQ(text_hash("", HashRule::modern), 5381u);
    EXPECT_EQ(text_hash("", HashRule::legacy), 5381u);
}

TEST(TextHash, OfTheLegacyRuleIsNeverNegativeButForTheLowestNumber) {
    for (unsigned i = 0; i < 100'000; ++i) {
        const std::string text = "SIP/" + std::to_string(i);
        EXPECT_LE(text_hash(text, HashRule::legacy), 0x80000000u);
    }
}

TEST(DeviceHash, IsOverTheTechnologyInUpperCaseByTheLegacyRule) {
    EXPECT_EQ(device_hash("sip/alice", HashRule::legacy), 0x51d00abeu);
    EXPECT_EQ(device_hash("SIP/alice", HashRule::legacy), 0x51d00abeu);
    EXPECT_NE(device_hash("SIP/ALICE", HashRule::legacy), 0x51d00abeu) << "what follows stays as it is";
    EXPECT_EQ(device_hash("sip/alice", HashRule::legacy), text_hash("SIP/alice", HashRule::legacy));
}

TEST(DeviceHash, IsOverTheNameAsItIsByTheModernRule) {
    EXPECT_EQ(device_hash("sip/alice", HashRule::modern), 0x5fd241e2u);
    EXPECT_EQ(device_hash("SIP/alice", HashRule::modern), 0x2e2ff542u);
}

TEST(DeviceHash, UpperCasesOnlyBeforeTheFirstSlash) {
    EXPECT_EQ(device_hash("Custom:abc", HashRule::legacy), text_hash("Custom:abc", HashRule::legacy));
    EXPECT_EQ(device_hash("local/a/b", HashRule::legacy), text_hash("LOCAL/a/b", HashRule::legacy));
    EXPECT_EQ(device_hash("/a", HashRule::legacy), text_hash("/a", HashRule::legacy));
    EXPECT_EQ(device_hash("s\xc3\xbc/a", HashRule::legacy), text_hash("S\xc3\xbc/a", HashRule::legacy))
        << "letters of ASCII only";
}

}  // namespace
}  // namespace lamplight::wire::event
