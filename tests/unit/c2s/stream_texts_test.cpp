#include "c2s/one_line.hpp"
#include "c2s/stream_error.hpp"
#include "c2s/traffic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::c2s {
namespace {

using testing::HasSubstr;
using testing::Not;
using wire::xml::Element;
using wire::xml::Flaw;

Element stream_error(std::string condition) {
    Element error("error", std::string(streams_ns));
    error.add(std::move(condition), std::string(stream_errors_ns));
    return error;
}

TEST(AStreamError, OfConflictSaysThatAnotherClientHasOurResource) {
    const Failure failure = failure_of(stream_error("conflict"));
    EXPECT_EQ(failure.kind, Failure::Kind::conflict);
    EXPECT_THAT(failure.what_to_do, HasSubstr("resource"));
}

TEST(AStreamError, OfConflictHasTheServersWordsSinceAnAdministratorMayHaveDoneIt) {
    Element error = stream_error("conflict");  // ejabberd 23.01, kick_session
    error.add("text", std::string(stream_errors_ns)).add_text("maintenance");
    const Failure failure = failure_of(error);
    EXPECT_EQ(failure.kind, Failure::Kind::conflict);
    EXPECT_EQ(failure.text, "the server ended the stream: conflict (maintenance)");
    EXPECT_THAT(failure.what_to_do, HasSubstr("administrator"));
}

TEST(AStreamError, IsNoConflictWhereTheAccountWasRemoved) {
    Element error = stream_error("conflict");  // as ejabberd 23.01 says it
    error.add("text", std::string(stream_errors_ns)).add_text("User removed");
    EXPECT_EQ(failure_of(error).kind, Failure::Kind::ended_by_server);
    EXPECT_EQ(failure_of(error).text, "the server ended the stream: conflict (User removed)");
}

TEST(AStreamError, IsToldWithItsConditionAndTheServersWords) {
    Element error = stream_error("system-shutdown");
    error.add("text", std::string(stream_errors_ns)).add_text("Back\nat 5");
    const Failure failure = failure_of(error);
    EXPECT_EQ(failure.kind, Failure::Kind::ended_by_server);
    EXPECT_EQ(failure.text, "the server ended the stream: system-shutdown (Back at 5)");
    EXPECT_EQ(failure.what_to_do, "");
}

TEST(AStreamError, ThatNamesAnotherHostIsNotFollowedButTold) {
    Element error = stream_error("see-other-host");
    error.children.front().add_text("other.example.org:5222");
    const Failure failure = failure_of(error);
    EXPECT_EQ(failure.text, "the server ended the stream: see-other-host other.example.org:5222");
    EXPECT_THAT(failure.what_to_do, HasSubstr("serverhost"));
}

TEST(AStreamError, WithoutAConditionIsAnUndefinedOne) {
    Element error("error", std::string(streams_ns));
    EXPECT_EQ(failure_of(error).text, "the server ended the stream: undefined-condition");
    error.add("text", std::string(stream_errors_ns)).add_text("why");
    error.add("conflict", "urn:other");
    EXPECT_EQ(failure_of(error).text, "the server ended the stream: undefined-condition (why)");
}

TEST(AStreamError, IsOneOfTheStreamsNamespaceOnly) {
    EXPECT_TRUE(is_stream_error(stream_error("conflict")));
    EXPECT_FALSE(is_stream_error(Element("error", "jabber:client")));
    EXPECT_FALSE(is_stream_error(Element("features", std::string(streams_ns))));
}

TEST(AStreamError, OfOursHasTheConditionOfTheFlaw) {
    EXPECT_EQ(words_for(Flaw::malformed),
              "<stream:error><not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
              "</stream:stream>");
    EXPECT_THAT(words_for(Flaw::dtd), HasSubstr("<restricted-xml "));
    EXPECT_THAT(words_for(Flaw::instruction), HasSubstr("<restricted-xml "));
    for (const Flaw flaw :
         {Flaw::too_deep, Flaw::too_large, Flaw::too_many_elements, Flaw::too_many_attributes})
        EXPECT_THAT(words_for(flaw), HasSubstr("<policy-violation "));
    EXPECT_THAT(words_for(Flaw::after_the_end), HasSubstr("<invalid-xml "));
    EXPECT_EQ(failure_of(Flaw::too_deep).kind, Failure::Kind::bad_xml);
}

TEST(WordsOfAServer, StandInOneLine) {
    EXPECT_EQ(one_line("two\r\nlines\x1b[2J\x7f\t"), "two  lines [2J  ");
}

TEST(WordsOfAServer, AreCutBetweenCharacters) {
    EXPECT_EQ(one_line("abcdef", 6), "abcdef");
    EXPECT_EQ(one_line("abcdef", 5), "abcde…");
    EXPECT_EQ(one_line("aéé", 4), "aé…");
    EXPECT_EQ(one_line("aéé", 2), "a…");
    EXPECT_EQ(one_line("\x80\x80\x80", 2), "…");
}

TEST(Traffic, ShowsNoTextOfSasl) {
    constexpr std::string_view login =
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHNlcnZlcjEAc2VjcmV0</auth>";
    EXPECT_EQ(shown_text(login),
              "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>***</auth>");
    for (const char* const name : {"challenge", "response", "success"}) {
        Element element(name, "urn:ietf:params:xml:ns:xmpp-sasl");
        element.add_text("c2VjcmV0");
        EXPECT_THAT(shown(element), HasSubstr(">***</"));
    }
}

TEST(Traffic, ShowsAnEmptySaslElementAsItIs) {
    EXPECT_EQ(shown(Element("success", "urn:ietf:params:xml:ns:xmpp-sasl")),
              "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
}

TEST(Traffic, ShowsNeitherPasswordNorDigestOfALegacyLogin) {
    const std::string text = shown_text(
        "<iq type='set' id='a'><query "
        "xmlns='jabber:iq:auth'><username>u</username><password>secret</password>"
        "<digest>48fc78be</digest></query></iq>");
    EXPECT_EQ(
        text,
        "<iq type='set' id='a'><query xmlns='jabber:iq:auth'><username>u</username><password>***</password>"
        "<digest>***</digest></query></iq>");
}

TEST(Traffic, ShowsNoPasswordOfARegistrationOrItsForm) {
    const std::string text = shown_text(
        "<iq type='set' id='a'><query "
        "xmlns='jabber:iq:register'><username>u</username><password>s1</password>"
        "<x xmlns='jabber:x:data'><field var='password'><value>s2</value></field>"
        "<field var='other' type='text-private'><value>s3</value></field>"
        "<field var='plain'><value>seen</value></field></x></query></iq>");
    for (const char* const secret : {"s1", "s2", "s3"})
        EXPECT_THAT(text, Not(HasSubstr(secret)));
    EXPECT_THAT(text, HasSubstr("seen"));
}

TEST(Traffic, ShowsHeadersAndEnds) {
    EXPECT_EQ(
        shown_text("<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' "
                   "xmlns='jabber:client' to='example.org' version='1.0'>"),
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
        "to='example.org' version='1.0'>");
    EXPECT_EQ(shown_text("</stream:stream>"), "</stream:stream>");
    EXPECT_EQ(shown_text(words_for(Flaw::dtd)),
              "<error xmlns='http://etherx.jabber.org/streams'><restricted-xml "
              "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></error></stream:stream>");
}

TEST(Traffic, ThatCannotBeReadIsNotShown) {
    EXPECT_EQ(shown_text("<auth>secret"), "(12 bytes)");
    EXPECT_EQ(shown_text("secret</auth>"), "(13 bytes)");
}

}  // namespace
}  // namespace lamplight::c2s
