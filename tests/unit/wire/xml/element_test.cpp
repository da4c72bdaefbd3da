#include "wire/xml/element.hpp"

#include <gtest/gtest.h>

namespace lamplight::wire::xml {
namespace {

TEST(Element, KnowsAnEmptyAttributeFromNone) {
    Element element("a");
    element.set("empty", "").set("full", "x");
    ASSERT_NE(element.attribute("empty"), nullptr);
    EXPECT_EQ(*element.attribute("empty"), "");
    EXPECT_EQ(element.attribute("none"), nullptr);
    EXPECT_EQ(element.value_of("full"), "x");
    EXPECT_EQ(element.value_of("none"), "");
}

TEST(Element, SetsAnAttributeOnce) {
    Element element("a");
    element.set("to", "x").set("id", "1").set("to", "y");
    ASSERT_EQ(element.attributes.size(), 2u);
    EXPECT_EQ(element.attributes[0], (Attribute{"to", "y"}));
}

TEST(Element, FindsTheFirstChildOfANameAndNamespace) {
    Element element("iq", "jabber:client");
    element.add("query", "a").set("n", "1");
    element.add("query", "b").set("n", "2").add_text("two");
    element.add("query", "b").set("n", "3").add_text("three");
    EXPECT_EQ(element.child("query")->value_of("n"), "1");
    EXPECT_EQ(element.child("query", "b")->value_of("n"), "2");
    EXPECT_EQ(element.child("query", "c"), nullptr);
    EXPECT_EQ(element.child("other"), nullptr);
    EXPECT_EQ(element.text_of("query", "b"), "two");
    EXPECT_EQ(element.text_of("query", "c"), "");
}

TEST(Element, GivesAChildItsOwnNamespaceWhenNoneIsSaid) {
    Element element("iq", "jabber:client");
    EXPECT_TRUE(element.add("error").is("error", "jabber:client"));
    EXPECT_TRUE(element.add("query", "q").add("item").is("item", "q"));
}

TEST(Element, RemembersWhetherTextComesFirst) {
    Element before("a");
    before.add_text("\n ").add_text("text").add("b");
    EXPECT_TRUE(before.text_first);
    Element after("a");
    after.add_text("\n ").add("b");
    after.add_text("text");
    EXPECT_FALSE(after.text_first);
    EXPECT_EQ(after.text, "\n text");
}

}  // namespace
}  // namespace lamplight::wire::xml
