#include "bus/sync/news_text.hpp"

#include <gtest/gtest.h>

#include <set>

namespace lamplight::bus::sync {
namespace {

using Kind = News::Kind;
constexpr Kind kinds[] = {Kind::hello,          Kind::goodbye,          Kind::malformed,
                          Kind::unknown_format, Kind::format_refused,   Kind::outdated,
                          Kind::votes_missed,   Kind::digest_different, Kind::newer_asked};

TEST(NewsText, NamesThePeerAndIsAnotherOneForEachKind) {
    std::set<std::string> texts;
    for (const Kind kind : kinds) {
        const std::string text = to_text({kind, PeerId{1}, "7"}, "pbx2 pid 4711");
        EXPECT_NE(text.find("pbx2 pid 4711"), text.npos) << text;
        texts.insert(text);
    }
    EXPECT_EQ(texts.size(), std::size(kinds));
}

TEST(NewsText, OfAPeersNonsenseIsAWarningAndOfItsComingIsTalk) {
    EXPECT_EQ(weight_of(Kind::hello), Weight::talk);
    EXPECT_EQ(weight_of(Kind::goodbye), Weight::talk);
    EXPECT_EQ(weight_of(Kind::malformed), Weight::warning);
    EXPECT_EQ(weight_of(Kind::votes_missed), Weight::notice);
    EXPECT_EQ(to_text({Kind::malformed, PeerId{1}, "too short"}, "pbx2"),
              "a frame from pbx2 was refused: too short");
}

}  // namespace
}  // namespace lamplight::bus::sync
