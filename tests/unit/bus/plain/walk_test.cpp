#include "bus/plain/walk.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace lamplight::bus::plain {
namespace {

using Numbers = std::vector<std::uint32_t>;

Numbers rest(DeviceWalk& walk, std::uint32_t bound) {
    Numbers passed;
    while (const auto device = walk.at(bound)) {
        passed.push_back(state::index_of(*device));
        walk.advance();
        if (passed.size() > 100) break;
    }
    return passed;
}

void pass(DeviceWalk& walk, std::uint32_t bound, int devices) {
    for (int i = 0; i < devices; ++i)
        if (walk.at(bound)) walk.advance();
}

TEST(DeviceWalk, PassesEachDeviceOnce) {
    DeviceWalk walk;
    EXPECT_FALSE(walk.at(4));
    walk.begin();
    EXPECT_EQ(walk.left(4), 4u);
    EXPECT_EQ(rest(walk, 4), (Numbers{0, 1, 2, 3}));
    EXPECT_FALSE(walk.running());
    walk.begin();
    EXPECT_EQ(rest(walk, 4), (Numbers{0, 1, 2, 3}));
}

TEST(DeviceWalk, ThatIsBegunAgainGoesOnceAroundFromWhereItStands) {
    DeviceWalk walk;
    walk.begin();
    pass(walk, 5, 3);
    walk.begin();
    EXPECT_EQ(walk.left(5), 5u);
    EXPECT_EQ(rest(walk, 5), (Numbers{3, 4, 0, 1, 2}));
}

TEST(DeviceWalk, ThatIsBegunAgainBehindTheEndOfTheTableGoesOnceAroundToo) {
    DeviceWalk walk;
    walk.begin();
    pass(walk, 5, 3);
    walk.begin();
    pass(walk, 5, 3);  // now behind 0
    walk.begin();
    EXPECT_EQ(rest(walk, 5), (Numbers{1, 2, 3, 4, 0}));
}

TEST(DeviceWalk, PassesWhatTheTableGrewByAndStillAllOfTheRest) {
    DeviceWalk walk;
    walk.begin();
    pass(walk, 4, 2);
    walk.begin();
    pass(walk, 4, 1);
    EXPECT_EQ(rest(walk, 6), (Numbers{3, 4, 5, 0, 1}));
}

TEST(DeviceWalk, EndsWhenTheTableShrinksBelowWhereItBegan) {
    DeviceWalk walk;
    walk.begin();
    pass(walk, 9, 7);
    walk.begin();
    EXPECT_EQ(rest(walk, 3), (Numbers{0, 1, 2}));
    walk.begin();
    EXPECT_TRUE(rest(walk, 0).empty());
    EXPECT_FALSE(walk.running());
}

using Names = std::vector<std::string>;

struct Mailboxes : testing::Test {
    Mailboxes() {
        for (const char* name : {"1", "2", "3", "4"})
            add(name);
    }
    void add(const std::string& name) {
        std::vector<state::MwiChange> changes;
        table.apply({{name, "default"}, {}, {}, {}, {1, 1}}, {}, changes);
    }
    Names pass(int most = 100) {
        Names names;
        while (most-- > 0) {
            const state::Mailbox* mailbox = walk.at(table);
            if (mailbox == nullptr) break;
            names.push_back(mailbox->name);
            walk.advance(*mailbox);
        }
        return names;
    }
    state::MwiTable table;
    MailboxWalk walk;
};

TEST_F(Mailboxes, ArePassedOnce) {
    EXPECT_EQ(walk.at(table), nullptr);
    walk.begin();
    EXPECT_EQ(pass(), (Names{"1", "2", "3", "4"}));
    EXPECT_FALSE(walk.running());
    walk.begin();
    EXPECT_EQ(pass(), (Names{"1", "2", "3", "4"}));
}

TEST_F(Mailboxes, ArePassedOnceAroundWhenTheWalkIsBegunAgain) {
    walk.begin();
    EXPECT_EQ(pass(2), (Names{"1", "2"}));
    walk.begin();
    EXPECT_EQ(pass(1), Names{"3"});
    add("0");
    EXPECT_EQ(pass(), (Names{"4", "0", "1", "2"}));
}

}  // namespace
}  // namespace lamplight::bus::plain
