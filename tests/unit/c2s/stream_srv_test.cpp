#include "c2s/srv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace lamplight::c2s {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Srv record(std::uint16_t priority, std::uint16_t weight, std::string target) {
    return {priority, weight, 5222, std::move(target)};
}

std::uint32_t least(std::uint32_t) {
    return 0;
}
std::uint32_t greatest(std::uint32_t most) {
    return most;
}

std::vector<std::string> targets(const std::vector<Srv>& records) {
    std::vector<std::string> out;
    for (const Srv& one : records)
        out.push_back(one.target);
    return out;
}

TEST(SrvRecords, OfALowerPriorityComeFirstWhateverTheirWeight) {
    const std::vector<Srv> records{record(20, 60000, "backup"), record(10, 0, "main"), record(30, 0, "last")};
    EXPECT_THAT(targets(in_order(records, least)), ElementsAre("main", "backup", "last"));
    EXPECT_THAT(targets(in_order(records, greatest)), ElementsAre("main", "backup", "last"));
}

TEST(SrvRecords, OfOnePriorityAreTriedByChanceWithinTheirRunningSum) {
    const std::vector<Srv> records{record(1, 10, "a"), record(1, 20, "b"), record(1, 30, "c")};
    EXPECT_THAT(targets(in_order(records, least)), ElementsAre("a", "b", "c"));
    EXPECT_THAT(targets(in_order(records, greatest)), ElementsAre("c", "b", "a"));
    EXPECT_THAT(targets(in_order(records, [](std::uint32_t most) { return most == 60 ? 11U : 0U; })),
                ElementsAre("b", "a", "c"));
}

TEST(SrvRecords, WithoutAWeightAreFirstOnlyWhenChanceSaysZero) {
    const std::vector<Srv> records{record(1, 5, "heavy"), record(1, 0, "light")};
    EXPECT_THAT(targets(in_order(records, least)), ElementsAre("light", "heavy"));
    EXPECT_THAT(targets(in_order(records, [](std::uint32_t most) { return std::min(most, 1U); })),
                ElementsAre("heavy", "light"));
}

TEST(SrvRecords, AreChosenAsOftenAsTheirWeightsSay) {
    std::mt19937 generator(7);
    const auto random = [&](std::uint32_t most) {
        return std::uniform_int_distribution<std::uint32_t>(0, most)(generator);
    };
    std::map<std::string, int> first;
    for (int i = 0; i < 4000; ++i)
        ++first[in_order({record(1, 300, "heavy"), record(1, 100, "light")}, random).front().target];
    EXPECT_NEAR(first["heavy"], 3000, 150);
}

TEST(SrvRecords, AllComeWithTheGreatestWeights) {
    std::vector<Srv> records;
    for (int i = 0; i < 10; ++i)
        records.push_back(record(1, 65535, std::to_string(i)));
    EXPECT_EQ(in_order(records, greatest).size(), 10U);
    EXPECT_EQ(in_order(records, least).size(), 10U);
}

TEST(SrvRecords, BeyondSixteenAreNotTried) {
    std::vector<Srv> records;
    for (int i = 0; i < 40; ++i)
        records.push_back(record(static_cast<std::uint16_t>(40 - i), 0, std::to_string(i)));
    const auto ordered = in_order(records, least);
    ASSERT_EQ(ordered.size(), most_srv_records);
    EXPECT_EQ(ordered.front().target, "39");
}

TEST(SrvRecords, ADotAloneSaysThatThereIsNoService) {
    EXPECT_TRUE(says_no_service({record(0, 0, "")}));
    EXPECT_FALSE(says_no_service({record(0, 0, "a")}));
    EXPECT_FALSE(says_no_service({record(0, 0, ""), record(0, 0, "a")}));
    EXPECT_FALSE(says_no_service({}));
    EXPECT_THAT(targets(in_order({record(0, 0, ""), record(0, 0, "a")}, least)), ElementsAre("a"));
    EXPECT_THAT(in_order({}, least), IsEmpty());
}

}  // namespace
}  // namespace lamplight::c2s
