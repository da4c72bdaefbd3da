#include "conf/comments.hpp"

#include <gtest/gtest.h>

namespace lamplight::conf {
namespace {

TEST(Comments, EndAtTheEndOfTheLine) {
    CommentStripper comments;
    EXPECT_EQ(comments.strip("a = 1 ; one"), "a = 1 ");
    EXPECT_EQ(comments.strip(";a = 1"), "");
    EXPECT_EQ(comments.strip("b = 2"), "b = 2");
}

TEST(Comments, LeaveAnEscapedSemicolon) {
    CommentStripper comments;
    EXPECT_EQ(comments.strip("a = 1\\;2\\;3 ; c"), "a = 1;2;3 ");
    EXPECT_EQ(comments.strip("\\;"), ";");
}

TEST(Comments, CoverSeveralLines) {
    CommentStripper comments;
    EXPECT_EQ(comments.strip("a = 1 ;-- begins"), "a = 1 ");
    EXPECT_EQ(comments.open_since(), 1u);
    EXPECT_EQ(comments.strip("b = 2 ; still inside"), "");
    EXPECT_EQ(comments.strip("ends --; c = 3"), " c = 3");
    EXPECT_EQ(comments.open_since(), 0u);
}

TEST(Comments, MayStandInTheMiddleOfALine) {
    CommentStripper comments;
    EXPECT_EQ(comments.strip("a = ;-- not this --;1 ;-- nor this --; 2"), "a = 1  2");
}

TEST(Comments, NestAsAsteriskDoes) {
    CommentStripper comments;
    EXPECT_EQ(comments.strip(";-- one"), "");
    EXPECT_EQ(comments.strip(";-- two"), "");
    EXPECT_EQ(comments.open_since(), 2u);
    EXPECT_EQ(comments.strip("--; a = 1"), "");
    EXPECT_EQ(comments.open_since(), 1u);
    EXPECT_EQ(comments.strip("--; b = 2"), " b = 2");
}

TEST(Comments, AreNoBlockWithThreeDashes) {
    CommentStripper comments;
    EXPECT_EQ(comments.strip("a = 1 ;--- ruler"), "a = 1 ");
    EXPECT_EQ(comments.open_since(), 0u);
    EXPECT_EQ(comments.strip("b = 2"), "b = 2");
}

TEST(Comments, AreNotEndedByTheDashesThatBeganThem) {
    CommentStripper comments;
    comments.strip(";--;");
    EXPECT_EQ(comments.open_since(), 1u);
}

TEST(Comments, AnEndWithoutABeginIsAnOrdinaryComment) {
    CommentStripper comments;
    EXPECT_EQ(comments.strip("a = 1 --; b = 2"), "a = 1 --");
    EXPECT_EQ(comments.strip("c = 3"), "c = 3");
}

TEST(Comments, DeeperThanTheLimitDoNotGrow) {
    CommentStripper comments;
    for (std::size_t i = 0; i < CommentStripper::deepest_block + 50; ++i)
        comments.strip(";-- deeper");
    for (std::size_t i = 0; i < CommentStripper::deepest_block; ++i)
        comments.strip("--;");
    EXPECT_EQ(comments.open_since(), 0u);
}

}  // namespace
}  // namespace lamplight::conf
