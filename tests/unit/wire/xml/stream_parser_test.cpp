#include "wire/xml/stream_parser.hpp"

#include "wire/xml/write.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

namespace lamplight::wire::xml {
namespace {

using namespace std::string_literals;

constexpr std::string_view header =
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams' "
    "id='7' from='example.org' version='1.0' xml:lang='en'>";

struct Outcome {
    std::vector<Item> items;
    std::optional<Flaw> flaw;

    bool operator==(const Outcome& other) const { return text() == other.text(); }
    std::vector<std::string> text() const {
        std::vector<std::string> out;
        for (const Item& item : items) {
            if (const auto* opened = std::get_if<StreamOpened>(&item))
                out.push_back("opened " + opened->content_ns + ": " + to_text(opened->header));
            else if (const auto* element = std::get_if<Element>(&item))
                out.push_back(to_text(*element));
            else
                out.emplace_back("closed");
        }
        if (flaw) out.emplace_back(to_string(*flaw));
        return out;
    }
};

Outcome feed(StreamParser& parser, std::string_view bytes, std::size_t piece = std::string_view::npos) {
    Outcome out;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
        if (const auto done = parser.feed(bytes.substr(0, piece), out.items); !done) {
            out.flaw = done.error();
            break;
        }
    return out;
}

Outcome read(std::string_view bytes, const Limits& limits = {}) {
    StreamParser parser(limits);
    return feed(parser, bytes);
}

/// What comes behind the header.
std::vector<std::string> behind_header(const std::string& bytes, const Limits& limits = {}) {
    StreamParser parser(limits);
    feed(parser, header);
    return feed(parser, bytes).text();
}

std::optional<Flaw> flaw_behind_header(const std::string& bytes, const Limits& limits = {}) {
    return read(std::string(header) + bytes, limits).flaw;
}

std::string repeat(std::string_view text, std::size_t times) {
    std::string out;
    out.reserve(text.size() * times);
    while (times-- > 0)
        out += text;
    return out;
}

TEST(StreamParser, GivesTheHeaderEachStanzaAndTheEnd) {
    const auto out = read(std::string(header) +
                          "<iq id='1'><ping xmlns='urn:xmpp:ping'/></iq> \n"
                          "<message><body>hi</body></message></stream:stream>\n");
    EXPECT_THAT(out.text(),
                testing::ElementsAre("opened jabber:client: <stream xmlns='http://etherx.jabber.org/streams' "
                                     "id='7' from='example.org' version='1.0' xml:lang='en'/>",
                                     "<iq id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
                                     "<message><body>hi</body></message>", "closed"));
}

TEST(StreamParser, ResolvesNamespacesAndPrefixes) {
    const auto out = behind_header("<stream:features><a:b xmlns:a='ns-a'><c/></a:b></stream:features>");
    EXPECT_THAT(out, testing::ElementsAre("<features xmlns='http://etherx.jabber.org/streams'>"
                                          "<b xmlns='ns-a'><c xmlns='jabber:client'/></b></features>"));
}

TEST(StreamParser, TakesNoAttributeOfAnotherNamespaceForItsOwn) {
    EXPECT_THAT(behind_header("<iq xmlns:p='ns-p' p:type='error' type='result' xml:lang='de'/>"),
                testing::ElementsAre("<iq type='result' xml:lang='de'/>"));
}

TEST(StreamParser, GivesTheSameHoweverTheBytesAreCut) {
    const std::string stream = std::string(header) +
                               "<iq id='a&amp;b>' x=\"'>\"> \n<q xmlns='q'>t&#xfc;r \xe2\x82\xac<b/> &lt;"
                               "<![CDATA[<&]>]]]>z]</q></iq>\n <m/></stream:stream> ";
    const Outcome whole = read(stream);
    ASSERT_EQ(whole.items.size(), 4u);
    ASSERT_FALSE(whole.flaw);
    for (std::size_t cut = 1; cut < stream.size(); ++cut) {
        StreamParser pieces;
        EXPECT_EQ(feed(pieces, stream, cut), whole) << "in pieces of " << cut;
        StreamParser two;
        Outcome out = feed(two, std::string_view(stream).substr(0, cut));
        const Outcome rest = feed(two, std::string_view(stream).substr(cut));
        out.items.insert(out.items.end(), rest.items.begin(), rest.items.end());
        EXPECT_EQ(out, whole) << "cut at " << cut;
    }
}

TEST(StreamParser, GivesAnItemWithItsLastByte) {
    const std::string stream = std::string(header) + "<a>1</a><b/><c><d/></c></stream:stream>";
    StreamParser parser;
    std::vector<std::size_t> ends;
    for (std::size_t i = 0; i < stream.size(); ++i) {
        std::vector<Item> items;
        ASSERT_TRUE(parser.feed(std::string_view(stream).substr(i, 1), items));
        if (!items.empty()) ends.push_back(i + 1 - header.size());
    }
    EXPECT_THAT(ends, testing::ElementsAre(0, 8, 12, 23, 39));
}

TEST(StreamParser, TakesAnythingForCharacterDataUntilItsEnd) {
    const std::string data = "> ]> ]]x> <!DOCTYPE <!-- <? </a> <b c='> & &" + repeat("x", 40) + " ]]";
    StreamParser parser;
    feed(parser, header);
    const auto out = feed(parser, "<a><![CDATA[" + data + "]]></a>");
    ASSERT_FALSE(out.flaw);
    ASSERT_EQ(out.items.size(), 1u);
    EXPECT_EQ(std::get<Element>(out.items[0]).text, data);
    EXPECT_FALSE(parser.in_the_middle());
    EXPECT_EQ(feed(parser, "text").flaw, Flaw::malformed);
}

TEST(StreamParser, HandlesEverythingThatWasFed) {
    EXPECT_THAT(behind_header("<a/><b/><c/>"), testing::ElementsAre("<a/>", "<b/>", "<c/>"));
}

TEST(StreamParser, GivesWhatWasCompleteBeforeAFlaw) {
    EXPECT_THAT(behind_header("<a/><b></c>"), testing::ElementsAre("<a/>", "malformed XML"));
}

TEST(StreamParser, ReadsNothingMoreAfterAFlaw) {
    StreamParser parser;
    EXPECT_EQ(feed(parser, std::string(header) + "<a></b>").flaw, Flaw::malformed);
    const auto again = feed(parser, "<c/>");
    EXPECT_EQ(again.flaw, Flaw::malformed);
    EXPECT_TRUE(again.items.empty());
}

TEST(StreamParser, ForgetsWhatWasHalfReadWhenReset) {
    for (const char* half :
         {"", "<", "<iq type='se", "<iq><a>text", "<iq><![CDATA[x", "<iq>&am", "<a></b>"}) {
        StreamParser parser;
        feed(parser, std::string(header) + half);
        parser.reset();
        EXPECT_FALSE(parser.in_the_middle()) << half;
        const auto out = feed(parser, "<s xmlns='other'><x/>");
        EXPECT_THAT(out.text(),
                    testing::ElementsAre("opened other: <s xmlns='other'/>", "<x xmlns='other'/>"))
            << half;
    }
}

TEST(StreamParser, KnowsNoDefaultNamespaceOfTheStreamBefore) {
    StreamParser parser;
    feed(parser, header);
    parser.reset();
    EXPECT_THAT(feed(parser, "<s><x/>").text(), testing::ElementsAre("opened : <s/>", "<x/>"));
}

TEST(StreamParser, KnowsWhenItIsInTheMiddle) {
    StreamParser parser;
    const auto after = [&](std::string_view bytes) {
        feed(parser, bytes);
        return parser.in_the_middle();
    };
    EXPECT_FALSE(after(" \n"));
    EXPECT_TRUE(after("<"));
    EXPECT_TRUE(after("?xml version='1.0'?>"));
    EXPECT_TRUE(after("<s "));
    EXPECT_FALSE(after("xmlns='x'>"));
    EXPECT_FALSE(after(" \n"));
    EXPECT_TRUE(after("<"));
    EXPECT_TRUE(after("iq>"));
    EXPECT_TRUE(after(" text "));
    EXPECT_FALSE(after("</iq>"));
    EXPECT_FALSE(after("</s>"));
    EXPECT_FALSE(after("\n"));
}

TEST(StreamParser, RefusesDocumentTypesAtTheirDeclaration) {
    EXPECT_EQ(read("<!D").flaw, Flaw::dtd);
    EXPECT_EQ(read("<?xml version='1.0'?><!DOCTYPE s [<!ENTITY a 'b'>]><s>&a;").flaw, Flaw::dtd);
    EXPECT_EQ(flaw_behind_header("<!DOCTYPE s>"), Flaw::dtd);
    EXPECT_EQ(flaw_behind_header("<iq><!ENTITY a 'b'>"), Flaw::dtd);
}

TEST(StreamParser, RefusesEntitiesButTheFive) {
    EXPECT_THAT(behind_header("<a>&lt;&gt;&amp;&apos;&quot;&#65;</a>"),
                testing::ElementsAre("<a>&lt;&gt;&amp;&apos;&quot;A</a>"));
    EXPECT_EQ(flaw_behind_header("<a>&nbsp;</a>"), Flaw::dtd);
    EXPECT_EQ(flaw_behind_header("<a b='&nbsp;'/>"), Flaw::dtd);
    EXPECT_EQ(flaw_behind_header("<a>&" + repeat("a", 100)), Flaw::malformed);
}

TEST(StreamParser, RefusesInstructionsAndComments) {
    EXPECT_EQ(read("<?xml-stylesheet href='x'?><s>").flaw, Flaw::instruction);
    EXPECT_EQ(read("<?xml version='1.0'?><?php?><s>").flaw, Flaw::instruction);
    EXPECT_EQ(read("<!-- a --><s>").flaw, Flaw::instruction);
    EXPECT_EQ(flaw_behind_header("<a><!-- b --></a>"), Flaw::instruction);
    EXPECT_EQ(flaw_behind_header("<!--"), Flaw::instruction);
    EXPECT_EQ(flaw_behind_header("<a><?b?></a>"), Flaw::instruction);
    EXPECT_EQ(flaw_behind_header("<?xml version='1.0'?>"), Flaw::instruction);
}

TEST(StreamParser, RefusesWhatIsNoXml) {
    for (const std::string& bytes :
         {"text"s, "<a></b>"s, "<a b='1' b='2'/>"s, "<a b=c/>"s, "<a b='<'/>"s, "<a>]]></a>"s, "</a>"s,
          "< a/>"s, "<a><![CDATA[x]]></b>"s, "<![CDATA[x]]>"s, "&lt;"s, "<a:b/>"s, "<a b:c='d'/>"s,
          "<a xmlns:b=''/>"s})
        EXPECT_EQ(flaw_behind_header(bytes), Flaw::malformed) << bytes;
    EXPECT_EQ(read("HTTP/1.1 400 Bad Request\r\n").flaw, Flaw::malformed);
    EXPECT_EQ(read("</s>").flaw, Flaw::malformed);
}

TEST(StreamParser, RefusesBytesThatAreNoUtf8) {
    for (const std::string& bytes : {"<a>\xff</a>"s, "<a>\xc0\xaf</a>"s, "<a>\xed\xa0\x80</a>"s,
                                     "<a b='\x80'/>"s, "<\xff/>"s, "<a>\xef\xbf\xbf</a>"s})
        EXPECT_EQ(flaw_behind_header(bytes), Flaw::malformed) << bytes;
    EXPECT_EQ(read("<?xml version='1.0' encoding='ISO-8859-1'?><s><a>\xfc</a>").flaw, Flaw::malformed);
    EXPECT_EQ(read("\xff\xfe<\0s\0>\0"s).flaw, Flaw::malformed);
    EXPECT_EQ(read("<\0s\0>\0"s).flaw, Flaw::malformed);
}

TEST(StreamParser, RefusesNulAndControlCharacters) {
    for (const std::string& bytes : {"\0"s, "<a>\0</a>"s, "<a b='\0'/>"s, "<a>\x01</a>"s, "<a>&#0;</a>"s,
                                     "<a>&#1;</a>"s, "<a><![CDATA[\0]]></a>"s})
        EXPECT_EQ(flaw_behind_header(bytes), Flaw::malformed) << bytes;
}

TEST(StreamParser, RefusesASecondRoot) {
    EXPECT_THAT(behind_header("</stream:stream> \n<s>"),
                testing::ElementsAre("closed", "data after the end of the stream"));
    EXPECT_EQ(flaw_behind_header("</stream:stream>text"), Flaw::after_the_end);
}

TEST(StreamParser, TakesAStreamThatIsEmpty) {
    EXPECT_THAT(read("<s xmlns='x'/>").text(), testing::ElementsAre("opened x: <s xmlns='x'/>", "closed"));
}

TEST(StreamParser, RefusesTooManyLevels) {
    const Limits limits{.depth = 3};
    EXPECT_EQ(flaw_behind_header("<a><b><c/></b></a>", limits), std::nullopt);
    EXPECT_EQ(flaw_behind_header("<a><b><c><d/></c></b></a>", limits), Flaw::too_deep);
    EXPECT_EQ(flaw_behind_header(repeat("<a>", 200'000)), Flaw::too_deep);
}

TEST(StreamParser, CountsTheBytesOfAStanza) {
    const Limits limits{.stanza_bytes = 200};
    const std::string exact = "<a>" + repeat("x", 200 - 7) + "</a>";
    EXPECT_EQ(flaw_behind_header(exact + " \n" + exact, limits), std::nullopt);
    EXPECT_EQ(flaw_behind_header("<a>" + repeat("x", 201 - 7) + "</a>", limits), Flaw::too_large);
    EXPECT_EQ(flaw_behind_header("<a>" + repeat("x", 198), limits), Flaw::too_large);
    EXPECT_EQ(flaw_behind_header("<a b='" + repeat("x", 195), limits), Flaw::too_large);
    EXPECT_EQ(flaw_behind_header("<a><![CDATA[" + repeat("x", 189), limits), Flaw::too_large);
}

TEST(StreamParser, CountsTheBytesOfTheHeader) {
    EXPECT_EQ(read("<s a='" + repeat("x", 100), Limits{.stanza_bytes = 100}).flaw, Flaw::too_large);
    EXPECT_EQ(read("<?xml" + repeat(" ", 100), Limits{.stanza_bytes = 100}).flaw, Flaw::too_large);
}

TEST(StreamParser, RefusesAMegabyteInATextAnAttributeOrAName) {
    const std::string megabyte(1'000'000, 'x');
    for (const std::string& bytes : {"<a>" + megabyte, "<a b='" + megabyte, "<" + megabyte, "</" + megabyte,
                                     "<a xmlns='" + megabyte, "<a><![CDATA[" + megabyte}) {
        StreamParser parser;
        feed(parser, header);
        EXPECT_EQ(feed(parser, bytes, 1).flaw, Flaw::too_large) << bytes.substr(0, 20);
    }
}

TEST(StreamParser, PassesOverAnyWhiteSpaceBetweenStanzas) {
    EXPECT_THAT(behind_header(repeat(" \r\n\t", 250'000) + "<a/>"), testing::ElementsAre("<a/>"));
}

TEST(StreamParser, CountsTheElementsOfAStanza) {
    const Limits limits{.elements = 3};
    const std::string three = "<a><b/><b/></a>";
    EXPECT_EQ(flaw_behind_header(three + three, limits), std::nullopt);
    EXPECT_EQ(flaw_behind_header("<a><b/><b/><b/></a>", limits), Flaw::too_many_elements);
}

TEST(StreamParser, CountsAttributesAndNamespaceDeclarations) {
    const Limits limits{.attributes = 3};
    EXPECT_EQ(read("<s a='' b='' c=''><a b='=' xmlns='d' e='f'/>", limits).flaw, std::nullopt);
    EXPECT_EQ(read("<s a='' b='' c='' d=''>", limits).flaw, Flaw::too_many_attributes);
    EXPECT_EQ(read("<s><a b='' xmlns='d' xmlns:p='p' e='f'/>", limits).flaw, Flaw::too_many_attributes);
}

TEST(StreamParser, RefusesANamespaceThatEveryElementWouldRepeat) {
    EXPECT_EQ(flaw_behind_header("<a xmlns='" + repeat("n", 256) + "'/>"), std::nullopt);
    EXPECT_EQ(flaw_behind_header("<a xmlns='" + repeat("n", 257) + "'/>"), Flaw::too_large);
    EXPECT_EQ(read("<s xmlns:p='" + repeat("n", 257) + "'>").flaw, Flaw::too_large);
}

TEST(StreamParser, KeepsTextOfAnyPlaceAndSaysWhetherItCameFirst) {
    StreamParser parser;
    feed(parser, header);
    const auto out = feed(parser, "<a>\n<b/>x<b/>y</a><a> x<b/></a><a>\n</a>");
    ASSERT_EQ(out.items.size(), 3u);
    const auto& behind = std::get<Element>(out.items[0]);
    EXPECT_EQ(behind.text, "\nxy");
    EXPECT_FALSE(behind.text_first);
    EXPECT_TRUE(std::get<Element>(out.items[1]).text_first);
    EXPECT_FALSE(std::get<Element>(out.items[2]).text_first);
}

std::size_t heap_bytes() {
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

TEST(StreamParser, KeepsNoMemoryOfStanzasThatArePast) {
    StreamParser parser;
    feed(parser, header);
    const std::string text(200'000, 'x');
    std::size_t first = 0;
    for (int round = 0; round < 40; ++round) {
        // large tokens, and names that never come again
        ASSERT_FALSE(feed(parser, "<a b='" + text + "'/>", 1'000).flaw);
        std::string names = "<a>";
        for (int i = 0; i < 10'000; ++i)
            names += "<n" + std::to_string(round * 10'000 + i) + "/>";
        ASSERT_FALSE(feed(parser, names + "</a>", 1'000).flaw);
        if (round == 0) first = heap_bytes();
        EXPECT_LT(heap_bytes(), first + 300'000) << "in round " << round;
    }
    const std::size_t with_parser = heap_bytes();
    parser = StreamParser();
    EXPECT_LT(with_parser, heap_bytes() + 300'000);
}

TEST(StreamParser, KnowsItsPrefixesThroughALongStream) {
    StreamParser parser;
    feed(parser, header);
    const std::string text(100'000, 'x');
    for (int round = 0; round < 5; ++round) {
        const auto out = feed(parser, "<stream:error>" + text + "</stream:error><a/>", 777);
        ASSERT_EQ(out.items.size(), 2u);
        EXPECT_TRUE(std::get<Element>(out.items[0]).is("error", "http://etherx.jabber.org/streams"));
        EXPECT_TRUE(std::get<Element>(out.items[1]).is("a", "jabber:client"));
    }
    EXPECT_THAT(feed(parser, "</stream:stream>").text(), testing::ElementsAre("closed"));
}

// --- what exceeds the limits, passed over ---

std::string nested(int levels) {
    std::string out;
    for (int i = 0; i < levels; ++i)
        out += "<a>";
    for (int i = 0; i < levels; ++i)
        out += "</a>";
    return out;
}

struct Excessive {
    std::string stanza;
    Flaw flaw;
};
std::vector<Excessive> excessive() {
    const std::string much(1'000'000, 'x');
    std::string many;
    for (int i = 0; i < 17'000; ++i)
        many += i % 2 == 0 ? "<a/>" : "<a b='/'></a>";
    std::string attributes;
    for (int i = 0; i < 65; ++i)
        attributes += " a" + std::to_string(i) + "='/>'";
    return {{"<message><body>" + much + "</body></message>", Flaw::too_large},
            {"<message><body a='>/'>" + much + "<b/></body><c></c></message>", Flaw::too_large},
            {"<message><body><![CDATA[" + much + "</message>]]]></body></message>", Flaw::too_large},
            {"<message a='/>" + much + "'/>", Flaw::too_large},
            {"<message a='" + much + "'><b>&lt;</b></message>", Flaw::too_large},
            {"<message><b a='" + much + "'/></message>", Flaw::too_large},
            {"<message><" + much + "/></message>", Flaw::too_large},
            {"<message><b xmlns='" + std::string(300, 'n') + "'><c/></b></message>", Flaw::too_large},
            {"<message>" + std::string(300'000, ' ') + "</message>", Flaw::too_large},
            {"<message>" + nested(200'000) + "</message>", Flaw::too_deep},
            {nested(33), Flaw::too_deep},
            {"<message>" + many + "</message>", Flaw::too_many_elements},
            {"<message><a" + attributes + "/><b></b></message>", Flaw::too_many_attributes},
            {"<message" + attributes + "/>", Flaw::too_many_attributes},
            {"<message" + attributes + "><b/></message>", Flaw::too_many_attributes}};
}

TEST(StreamParser, PassesOverWhatExceedsTheLimitsWhenToldSo) {
    for (const auto& [stanza, flaw] : excessive()) {
        for (const std::size_t piece : {std::string_view::npos, std::size_t{65'536}, std::size_t{4'097}}) {
            StreamParser parser;
            feed(parser, header);
            parser.pass_over_excess();
            EXPECT_EQ(feed(parser, "<a/>" + stanza + "<b x='y'>z</b>" + stanza + " <c/>", piece).text(),
                      (std::vector<std::string>{"<a/>", "<b x='y'>z</b>", "<c/>"}))
                << stanza.substr(0, 60);
            EXPECT_FALSE(parser.in_the_middle());
            for (std::size_t i = 0; i < flaw_count; ++i)
                EXPECT_EQ(parser.passed_over().at(i), static_cast<Flaw>(i) == flaw ? 2U : 0U)
                    << stanza.substr(0, 60);
            EXPECT_EQ(feed(parser, "</stream:stream>").text(), std::vector<std::string>{"closed"});
        }
    }
}

TEST(StreamParser, PassesOverTheSameHoweverTheBytesAreCut) {
    const Limits limits{
        .depth = 3, .stanza_bytes = 60, .elements = 4, .attributes = 2, .namespace_bytes = 20};
    const std::string bytes = "<s xmlns='jabber:client'><a>" + std::string(70, 'x') + "</a><b/><c " +
                              std::string(70, 'y') +
                              "='/'/><d><e><f><g></g></f></e></d><h a='' b='' c=''/><i/>";
    for (std::size_t piece = 1; piece < bytes.size(); ++piece) {
        StreamParser parser(limits);
        parser.pass_over_excess();
        const Outcome came = feed(parser, bytes, piece);
        EXPECT_THAT(came.text(), testing::ElementsAre(testing::_, "<b/>", "<i/>")) << piece;
    }
}

TEST(StreamParser, PassesOverNothingElse) {
    const std::string much = "<message><body>" + std::string(300'000, 'x');
    for (const auto& [bytes, flaw] :
         std::vector<std::pair<std::string, Flaw>>{{much + "<!-- x -->", Flaw::instruction},
                                                   {much + "<?x?>", Flaw::instruction},
                                                   {much + "<!DOCTYPE x>", Flaw::dtd},
                                                   {much + "</body></message>hello", Flaw::malformed},
                                                   {much + "</body></message></a></b>", Flaw::malformed},
                                                   {much + "</body></message><a><b></a>", Flaw::malformed},
                                                   {"<a>&x;</a>", Flaw::dtd}}) {
        StreamParser parser;
        feed(parser, header);
        parser.pass_over_excess();
        EXPECT_EQ(feed(parser, bytes).flaw, flaw) << bytes.substr(bytes.size() - 20);
    }
}

TEST(StreamParser, PassesOverNoHeaderAndNothingAfterAReset) {
    StreamParser parser;
    parser.pass_over_excess();
    EXPECT_EQ(feed(parser, "<s a='" + std::string(300'000, 'x')).flaw, Flaw::too_large);
    parser.reset();
    feed(parser, header);
    EXPECT_EQ(feed(parser, "<a>" + std::string(300'000, 'x')).flaw, Flaw::too_large);
}

TEST(StreamParser, KeepsNothingOfWhatItPassesOver) {
    StreamParser parser;
    feed(parser, header);
    parser.pass_over_excess();
    feed(parser, "<a><b c='");
    const std::string much(1'000'000, 'x');
    feed(parser, much);
    const auto before = mallinfo2().uordblks;
    for (int i = 0; i < 20; ++i)
        feed(parser, much);
    EXPECT_LT(mallinfo2().uordblks, before + 100'000);
    EXPECT_EQ(feed(parser, "'/></a><d/>").text(), std::vector<std::string>{"<d/>"});
}

TEST(StreamParser, HasAWordForEachFlaw) {
    for (std::size_t i = 0; i < flaw_count; ++i)
        EXPECT_NE(to_string(static_cast<Flaw>(i)), "?");
    EXPECT_EQ(to_string(static_cast<Flaw>(flaw_count)), "?");
}

}  // namespace
}  // namespace lamplight::wire::xml
