#include "wire/xml/tag_scanner.hpp"

#include <gtest/gtest.h>

namespace lamplight::wire::xml {
namespace {

using Found = TagScanner::Found;

TagScanner::Result scan(std::string_view bytes,
                        TagScanner::Declaration declaration = TagScanner::Declaration::refused) {
    TagScanner scanner;
    scanner.start(declaration);
    return scanner.scan(bytes);
}

TEST(TagScanner, FindsTheEndOfATag) {
    const auto result = scan("<a b='c'>text");
    EXPECT_EQ(result.found, Found::tag);
    EXPECT_EQ(result.read, 9u);
    EXPECT_EQ(scan("</a>").found, Found::tag);
    EXPECT_EQ(scan("<a b='c'").found, Found::more);
}

TEST(TagScanner, IsNotFooledByQuotes) {
    EXPECT_EQ(scan("<a b='>' c=\">'>\">x").read, 17u);
    EXPECT_EQ(scan("<a b='\">").found, Found::more);
    EXPECT_EQ(scan("<a b=\"'>").found, Found::more);
}

TEST(TagScanner, CountsAttributesOutsideQuotes) {
    TagScanner scanner;
    scanner.start(TagScanner::Declaration::refused);
    scanner.scan("<a b='=' xmlns:c=\"==\" d = ''>");
    EXPECT_EQ(scanner.attributes(), 3u);
}

TEST(TagScanner, RefusesAtTheFirstBytes) {
    EXPECT_EQ(scan("<?").found, Found::instruction);
    EXPECT_EQ(scan("<!-").found, Found::instruction);
    EXPECT_EQ(scan("<!D").found, Found::dtd);
    EXPECT_EQ(scan("<!E").found, Found::dtd);
    EXPECT_EQ(scan("<!x").found, Found::malformed);
    EXPECT_EQ(scan("<![x").found, Found::malformed);
    EXPECT_EQ(scan("<a <").found, Found::malformed);
    EXPECT_EQ(scan(std::string_view("<\0", 2)).found, Found::malformed);
}

TEST(TagScanner, TakesADeclarationWhereItMayBe) {
    const auto result = scan("<?xml version='?'?>x", TagScanner::Declaration::allowed);
    EXPECT_EQ(result.found, Found::declaration);
    EXPECT_EQ(result.read, 19u);
}

TEST(TagScanner, FindsTheBeginningOfCharacterData) {
    const auto result = scan("<![CDATA[a]]>");
    EXPECT_EQ(result.found, Found::cdata);
    EXPECT_EQ(result.read, 9u);
}

}  // namespace
}  // namespace lamplight::wire::xml
