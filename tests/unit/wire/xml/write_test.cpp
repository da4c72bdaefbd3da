#include "wire/xml/write.hpp"

#include <gtest/gtest.h>

namespace lamplight::wire::xml {
namespace {

TEST(Write, WritesAttributesInTheirOrderInSingleQuotes) {
    Element iq("iq", "jabber:client");
    iq.set("to", "p").set("from", "f").set("type", "get").set("id", "1").add("ping", "urn:xmpp:ping");
    EXPECT_EQ(to_text(iq), "<iq to='p' from='f' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>");
}

TEST(Write, SaysANamespaceOnlyWhereItChanges) {
    Element iq("iq", "jabber:client");
    Element& query = iq.add("query", "q");
    query.add("item").add("inner", "jabber:client");
    EXPECT_EQ(to_text(iq), "<iq><query xmlns='q'><item><inner xmlns='jabber:client'/></item></query></iq>");
    EXPECT_EQ(to_text(iq, ""),
              "<iq xmlns='jabber:client'><query xmlns='q'><item><inner xmlns='jabber:client'/>"
              "</item></query></iq>");
}

TEST(Write, NeverTakesANamespaceAway) {
    EXPECT_EQ(to_text(Element("presence")), "<presence/>");
    Element iq("iq", "jabber:client");
    Element& query = iq.add("query", "q");
    query.children.emplace_back("item").add("deep", "q");
    EXPECT_EQ(to_text(iq), "<iq><query xmlns='q'><item><deep/></item></query></iq>");
}

TEST(Write, PutsTextBeforeOrBehindChildrenAsItStood) {
    Element before("a");
    before.add_text("text").add("b");
    EXPECT_EQ(to_text(before), "<a>text<b/></a>");
    Element after("a");
    after.add("b");
    after.add_text("text");
    EXPECT_EQ(to_text(after), "<a><b/>text</a>");
}

TEST(Write, EscapesTheFiveCharacters) {
    EXPECT_EQ(escape("a&b<c>d'e\"f"), "a&amp;b&lt;c&gt;d&apos;e&quot;f");
    Element element("a");
    element.set("x", "'<&").add_text("]]>");
    EXPECT_EQ(to_text(element), "<a x='&apos;&lt;&amp;'>]]&gt;</a>");
}

TEST(Write, KeepsWhiteSpaceThatAReaderWouldChange) {
    EXPECT_EQ(escape("a\tb\nc\rd"), "a\tb\nc&#13;d");
    Element element("a");
    element.set("x", "\t\n\r");
    EXPECT_EQ(to_text(element), "<a x='&#9;&#10;&#13;'/>");
}

TEST(Write, LeavesOutWhatXmlDoesNotHave) {
    using namespace std::string_view_literals;
    EXPECT_EQ(escape("a\0b\x01"
                     "c\x1f"
                     "d"sv),
              "abcd");
    EXPECT_EQ(escape("\x7f"), "\x7f");
    EXPECT_EQ(escape("\xef\xbf\xbe|\xef\xbf\xbf"), "|");  // U+FFFE, U+FFFF
    EXPECT_EQ(escape("\xed\xa0\x80|\xed\xbf\xbf"), "|");  // surrogates
}

TEST(Write, LeavesOutBytesThatAreNoUtf8) {
    EXPECT_EQ(escape("t\xc3\xbcr \xe2\x82\xac \xf0\x9f\x98\x80"), "t\xc3\xbcr \xe2\x82\xac \xf0\x9f\x98\x80");
    EXPECT_EQ(escape("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf");  // U+10FFFF
    EXPECT_EQ(escape("a\xffz"), "az");
    EXPECT_EQ(escape("a\x80z"), "az");
    EXPECT_EQ(escape("a\xc3"), "a");
    EXPECT_EQ(escape("a\xc3z"), "az");
    EXPECT_EQ(escape(std::string_view("a\xc3\xbc").substr(0, 2)), "a");
    EXPECT_EQ(escape("\xc0\xaf|\xe0\x80\xaf|\xf0\x80\x80\xaf"), "||");  // too long forms of '/'
    EXPECT_EQ(escape("\xf4\x90\x80\x80|\xf5\x80\x80\x80"), "|");        // beyond U+10FFFF
}

}  // namespace
}  // namespace lamplight::wire::xml
