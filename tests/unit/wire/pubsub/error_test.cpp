#include "samples.hpp"
#include "wire/pubsub/names.hpp"
#include "wire/pubsub/request.hpp"
#include "wire/xml/write.hpp"

#include <gtest/gtest.h>

namespace lamplight::wire::pubsub {
namespace {

Error parse(const std::string& content) {
    return parse_error(samples::read("<iq type='error' id='1'>" + content + "</iq>"));
}

const std::string xmlns = " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'";

TEST(Error, IsReadFromProsodyWithoutEchoAndCode) {
    const Error error = parse_error(samples::file("server-13-error-prosody0.12-no-echo-no-code.xml"));
    EXPECT_TRUE(error.is("item-not-found"));
    EXPECT_EQ(error.type, "cancel");
    EXPECT_EQ(error.code, 0);
    EXPECT_EQ(error.text, "");
}

TEST(Error, IsReadFromEjabberdWithEchoWithoutCode) {
    const Error error =
        parse_error(samples::file("server-13-error-ejabberd23-echo-no-code-CRASHES-asterisk22.xml"));
    EXPECT_TRUE(error.is("item-not-found"));
    EXPECT_EQ(error.code, 0);
    EXPECT_EQ(error.text, "Node not found");
}

TEST(Error, IsReadFromTigaseWithThePubsubConditionBesideIt) {
    const Error error = parse(
        "<pubsub xmlns='http://jabber.org/protocol/pubsub'><subscribe jid='a' node='n'/></pubsub>"
        "<error code='405' type='cancel'><not-allowed" +
        xmlns +
        "/></error>"
        "<closed-node xmlns='http://jabber.org/protocol/pubsub#errors'/>");
    EXPECT_TRUE(error.is("not-allowed"));
    EXPECT_EQ(error.pubsub_condition, "closed-node");
    EXPECT_EQ(error.code, 405);
}

TEST(Error, IsReadFromTigaseWithTheTextBesideIt) {
    const Error error = parse("<error code='500' type='wait'><internal-server-error" + xmlns +
                              "/></error><text" + xmlns + ">Item reading error</text>");
    EXPECT_TRUE(error.is("internal-server-error"));
    EXPECT_EQ(error.type, "wait");
    EXPECT_EQ(error.text, "Item reading error");
}

TEST(Error, HasThePubsubConditionOnEitherSideOfTheOther) {
    const std::string condition = "<unexpected-request" + xmlns + "/>";
    const std::string pubsub = "<not-subscribed xmlns='http://jabber.org/protocol/pubsub#errors'/>";
    for (const std::string& content : {condition + pubsub, pubsub + condition}) {
        const Error error = parse("<error type='cancel'>" + content + "</error>");
        EXPECT_TRUE(error.is("unexpected-request"));
        EXPECT_EQ(error.pubsub_condition, "not-subscribed");
    }
}

TEST(Error, IsKnownByItsCodeWhereThereIsNothingElse) {
    const Error error = parse("<error code='404'>Not Found</error>");
    EXPECT_TRUE(error.is("item-not-found"));
    EXPECT_EQ(error.text, "Not Found");
    EXPECT_TRUE(parse("<error code='403'/>").is("forbidden"));
    EXPECT_TRUE(parse("<error code='503'/>").is("service-unavailable"));
    for (const char* code : {"", "x", "404x", "-404", "1000", "99999999999"}) {
        const Error other = parse("<error code='" + std::string(code) + "'/>");
        EXPECT_TRUE(other.is("undefined-condition")) << code;
        EXPECT_EQ(other.code, 0) << code;
    }
    EXPECT_TRUE(parse("<error code='299'/>").is("undefined-condition"));
}

TEST(Error, IsUndefinedWithoutAnything) {
    EXPECT_TRUE(parse("").is("undefined-condition"));
    EXPECT_TRUE(parse("<error/>").is("undefined-condition"));
    EXPECT_TRUE(parse("<error><text" + xmlns + ">x</text></error>").is("undefined-condition"));
    EXPECT_TRUE(parse("<error><forbidden xmlns='other'/></error>").is("undefined-condition"));
}

TEST(Error, HasNoWordsLongerThanALineOfALog) {
    EXPECT_TRUE(parse("<error><" + std::string(65, 'x') + xmlns + "/></error>").is("undefined-condition"));
    EXPECT_EQ(parse("<error type='" + std::string(1'000, 't') + "'/>").type.size(), max_error_text_bytes);
    std::string text = "x";
    for (int i = 0; i < 200; ++i)
        text += "\xc3\xbc";
    const Error error = parse("<error><text" + xmlns + ">" + text + "</text></error>");
    EXPECT_EQ(error.text.size(), max_error_text_bytes - 1);
    EXPECT_TRUE(xml::is_text(error.text));
}

TEST(Error, IsMadeWithTheCodeAndWithoutTheRequest) {
    const auto request =
        samples::read("<iq type='set' from='a@b/c' to='d' id='7'><frame xmlns='x'>y</frame></iq>");
    EXPECT_EQ(xml::to_text(make_error(request, "not-allowed", "cancel", 405)),
              "<iq to='a@b/c' type='error' id='7'><error code='405' type='cancel'>"
              "<not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
    const Error error = parse_error(make_error(request, "not-allowed", "cancel", 405));
    EXPECT_TRUE(error.is("not-allowed"));
    EXPECT_EQ(error.code, 405);
}

TEST(Result, GoesToWhoAsked) {
    EXPECT_EQ(xml::to_text(make_result(samples::read("<iq type='get' from='a@b/c' id='&apos;7'/>"))),
              "<iq to='a@b/c' type='result' id='&apos;7'/>");
    EXPECT_EQ(xml::to_text(make_result(samples::read("<iq type='get'/>"))), "<iq type='result'/>");
}

}  // namespace
}  // namespace lamplight::wire::pubsub
