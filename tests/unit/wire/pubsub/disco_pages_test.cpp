// A service's nodes, page by page.
#include "wire/pubsub/disco_pages.hpp"

#include "samples.hpp"
#include "wire/xml/write.hpp"

namespace lamplight::wire::pubsub {
namespace {

using Step = DiscoPages::Step;

const std::string items_ns = "http://jabber.org/protocol/disco#items";
const std::string pages_ns = "http://jabber.org/protocol/rsm";

std::string request(const std::string& set) {
    return "<iq to='pubsub.fa.test' type='get'><query xmlns='" + items_ns + "'" +
           (set.empty() ? "/>" : "><set xmlns='" + pages_ns + "'>" + set + "</set></query>") + "</iq>";
}

/// Nodes of these numbers; `set`: what is said of pages.
xml::Element page(int first, int last, const std::string& set = {}) {
    std::string text = "<iq type='result'><query xmlns='" + items_ns + "'>";
    for (int i = first; i <= last; ++i)
        text += "<item jid='pubsub.fa.test' node='n" + std::to_string(i) + "'/>";
    if (!set.empty()) text += "<set xmlns='" + pages_ns + "'>" + set + "</set>";
    return samples::read(text + "</query></iq>");
}

Error refusal(const std::string& condition) {
    Error error;
    error.condition = condition;
    return error;
}

struct Pages : testing::Test {
    std::string next() const { return xml::to_text(pages.next_request()); }
    DiscoPages pages{"pubsub.fa.test", ""};
};

TEST_F(Pages, AreAskedForOneAfterTheOther) {
    EXPECT_EQ(next(), request("<max>100</max>"));
    EXPECT_EQ(pages.take_result(page(1, 100, "<first>n1</first><last>n100</last><count>150</count>")),
              Step::ask);
    EXPECT_EQ(next(), request("<max>100</max><after>n100</after>"));
    EXPECT_EQ(pages.take_result(page(101, 150, "<last>n150</last><count>150</count>")), Step::complete);
    ASSERT_EQ(pages.items().size(), 150U);
    EXPECT_EQ(pages.items().back().node, "n150");
}

TEST_F(Pages, OfACollectionNameIt) {
    EXPECT_NE(xml::to_text(DiscoPages("pubsub.fa.test", "c").next_request()).find("node='c'"),
              std::string::npos);
}

TEST_F(Pages, EndWithOneThatIsEmpty) {
    EXPECT_EQ(pages.take_result(page(1, 100, "<last>n100</last>")), Step::ask);
    EXPECT_EQ(pages.take_result(page(1, 0, "<count>100</count>")), Step::complete);
    EXPECT_EQ(pages.items().size(), 100U);
}

TEST_F(Pages, EndWithOneThatHasNoLast) {
    EXPECT_EQ(pages.take_result(page(1, 100, "<count>300</count>")), Step::complete);
}

TEST_F(Pages, EndWhereTheServiceDoesNotGetOn) {
    EXPECT_EQ(pages.take_result(page(1, 100, "<last>n100</last>")), Step::ask);
    EXPECT_EQ(pages.take_result(page(1, 100, "<last>n100</last>")), Step::complete);
}

TEST_F(Pages, AreOneWhereTheServiceKnowsNone) {
    EXPECT_EQ(pages.take_result(page(1, 250)), Step::complete);
    EXPECT_EQ(pages.items().size(), 250U);
    EXPECT_FALSE(pages.cut());
}

TEST_F(Pages, AreLeftOutOnceWhereTheyAreRefused) {
    EXPECT_EQ(pages.take_error(refusal("feature-not-implemented")), Step::ask);
    EXPECT_EQ(next(), request(""));
    EXPECT_EQ(pages.take_error(refusal("feature-not-implemented")), Step::failed);
    EXPECT_EQ(pages.take_result(page(1, 3, "<last>n3</last>")), Step::complete);
}

TEST_F(Pages, AreNotAskedForAgainAfterAnotherRefusal) {
    EXPECT_EQ(pages.take_error(refusal("item-not-found")), Step::failed);
}

TEST_F(Pages, ThatAreNoListFail) {
    EXPECT_EQ(pages.take_result(samples::read("<iq type='result'/>")), Step::failed);
}

TEST_F(Pages, WithoutAnEndHaveOneHere) {
    Step step = Step::ask;
    int pages_taken = 0;
    for (int i = 1; step == Step::ask && i < 100'000; i += 100, ++pages_taken)
        step = pages.take_result(page(i, i + 99, "<last>n" + std::to_string(i + 99) + "</last>"));
    EXPECT_EQ(step, Step::complete);
    EXPECT_EQ(pages.items().size(), DiscoPages::most_items);
    EXPECT_TRUE(pages.cut());
}

TEST_F(Pages, WhoseEndHasANameBeyondAllBoundsAreTheLast) {
    const std::string last(DiscoPages::most_last_bytes + 1, 'l');
    EXPECT_EQ(pages.take_result(page(1, 100, "<last>" + last + "</last>")), Step::complete);
    EXPECT_TRUE(pages.cut());
}

TEST_F(Pages, OfLongNamesHaveAnEndHere) {
    Step step = Step::ask;
    for (int i = 1; step == Step::ask && i < 10'000; ++i)
        step = pages.take_result(samples::read(
            "<iq type='result'><query xmlns='" + items_ns + "'><item node='" + std::string(1'000, 'n') +
            "'/><set xmlns='" + pages_ns + "'><last>" + std::to_string(i) + "</last></set></query></iq>"));
    EXPECT_EQ(step, Step::complete);
    EXPECT_TRUE(pages.cut());
    EXPECT_LE(pages.items().size(), DiscoPages::most_bytes / 1'000);
}

}  // namespace
}  // namespace lamplight::wire::pubsub
