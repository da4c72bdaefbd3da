#include "c2s/login.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace lamplight::c2s {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// --- addresses ---

TEST(AJid, HasALocalPartADomainAndAResource) {
    const auto jid = parse_jid("Server1@Example.ORG/Asterisk");
    ASSERT_TRUE(jid);
    EXPECT_EQ(*jid, (Jid{"server1", "example.org", "Asterisk"}));
    EXPECT_EQ(to_string(*jid), "server1@example.org/Asterisk");
    EXPECT_EQ(to_string(jid->bare()), "server1@example.org");
}

TEST(AJid, MayBeADomainOnlyOrADomainWithAResource) {
    EXPECT_EQ(parse_jid("pubsub.example.org"), (Jid{"", "pubsub.example.org", ""}));
    EXPECT_EQ(parse_jid("example.org/a@b/c"), (Jid{"", "example.org", "a@b/c"}));
    EXPECT_EQ(to_string(Jid{"", "example.org", "r"}), "example.org/r");
}

TEST(AJid, ItsResourceMayHaveSpacesAndSignsAndIsKeptAsWritten) {
    EXPECT_EQ(parse_jid("a@b/My <Phone> & \"more\"")->resource, "My <Phone> & \"more\"");
}

TEST(AJid, ItsDomainsLastDotIsDropped) {
    EXPECT_EQ(parse_jid("a@b.example./r"), (Jid{"a", "b.example", "r"}));
}

TEST(AJid, MayBeAnIPv6AddressInBrackets) {
    EXPECT_EQ(parse_jid("a@[2001:DB8::1]/r"), (Jid{"a", "[2001:db8::1]", "r"}));
}

TEST(AJid, IsRefusedWithoutAPartThatHasToBeThere) {
    for (const char* text : {"", "@", "/", "@b", "a@", "a@/r", "a@b/", "b/", ".", "a@."})
        EXPECT_FALSE(parse_jid(text)) << text;
}

TEST(AJid, IsRefusedForACharacterThatAPartMayNotHave) {
    for (const char* text : {"a b@c", "a'b@c", "a\"b@c", "a&b@c", "a:b@c", "a<b@c", "a>b@c", "a@b@c", "a@b c",
                             "a@b<c", "a@b\n", "a\t@b", "a@b/r\x01", "a@b/\x7f", "a@b/\xff"})
        EXPECT_FALSE(parse_jid(text)) << text;
    EXPECT_FALSE(parse_jid(std::string_view("a@b/\0", 5)));
}

TEST(AJid, IsRefusedForAPartOfMoreThan1023Bytes) {
    const std::string longest(1023, 'x');
    EXPECT_TRUE(parse_jid(longest + "@" + longest + "/" + longest));
    EXPECT_FALSE(parse_jid(longest + "x@b/r"));
    EXPECT_FALSE(parse_jid("a@" + longest + "x/r"));
    EXPECT_FALSE(parse_jid("a@b/" + longest + "x"));
}

// --- words ---

TEST(AFailure, EachKindHasWordsOfItsOwn) {
    std::set<std::string_view> texts;
    const int last = static_cast<int>(Failure::Kind::registered);
    for (int kind = 0; kind <= last; ++kind)
        texts.insert(to_string(static_cast<Failure::Kind>(kind)));
    EXPECT_EQ(texts.size(), static_cast<std::size_t>(last) + 1);
    EXPECT_FALSE(texts.contains("unknown"));
}

TEST(AFailure, IsLastingWhereTryingSoonCannotHelp) {
    using Kind = Failure::Kind;
    for (const Kind kind : {Kind::not_authorized, Kind::no_mechanism, Kind::server_not_verified,
                            Kind::registration_refused, Kind::tls_not_offered, Kind::conflict})
        EXPECT_TRUE(is_lasting(kind)) << to_string(kind);
    for (const Kind kind : {Kind::lost, Kind::unreachable, Kind::ended_by_server, Kind::refused_for_now,
                            Kind::registered, Kind::protocol, Kind::tls_failed, Kind::closed})
        EXPECT_FALSE(is_lasting(kind)) << to_string(kind);
}

TEST(AState, HasTheWordsOfShowConnections) {
    EXPECT_EQ(to_string(State::waiting_for_tls), "Waiting to request TLS");
    EXPECT_EQ(to_string(State::requested_tls), "Requested TLS");
    EXPECT_EQ(to_string(State::waiting_to_authenticate), "Waiting to authenticate");
    EXPECT_EQ(to_string(State::authenticating), "Authenticating");
    EXPECT_EQ(to_string(State::retrieving_roster), "Retrieving roster");
    EXPECT_EQ(to_string(State::connected), "Connected");
    EXPECT_EQ(to_string(State::disconnecting), "Disconnecting");
    EXPECT_EQ(to_string(State::disconnected), "Disconnected");
    EXPECT_EQ(to_string(State::connecting), "Connecting");
}

TEST(ARefusal, EachHasWordsOfItsOwn) {
    using Refusal = Sasl::Refusal;
    std::set<std::string_view> texts;
    for (const Refusal refusal :
         {Refusal::malformed, Refusal::too_many_iterations, Refusal::server_not_verified, Refusal::library})
        texts.insert(to_string(refusal));
    EXPECT_EQ(texts.size(), 4U);
}

// --- mechanisms ---

const std::vector<std::string> everything = {"PLAIN",      "ANONYMOUS",     "X-OAUTH2",
                                             "DIGEST-MD5", "SCRAM-SHA-1",   "SCRAM-SHA-512",
                                             "EXTERNAL",   "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"};

TEST(TheMechanisms, AreTheStrongestFirstBehindTls) {
    Account account;
    account.secret = "secret";
    account.certificate = "/etc/lamplight/client.pem";
    EXPECT_THAT(usable_mechanisms(everything, account, true),
                ElementsAre("EXTERNAL", "SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"));
}

TEST(TheMechanisms, ThatNeedWhatWeDoNotHaveAreLeftOut) {
    Account account;
    EXPECT_THAT(usable_mechanisms(everything, account, true), IsEmpty());
    account.certificate = "/etc/lamplight/client.pem";
    EXPECT_THAT(usable_mechanisms(everything, account, true), ElementsAre("EXTERNAL"));
    account = {};
    account.secret = "secret";
    EXPECT_THAT(usable_mechanisms(std::vector<std::string>{"EXTERNAL", "ANONYMOUS"}, account, true),
                IsEmpty());
}

TEST(TheMechanisms, OnAClearLinkAreScramAloneWhereItIsOffered) {
    Account account;
    account.secret = "secret";
    account.certificate = "/etc/lamplight/client.pem";
    EXPECT_THAT(usable_mechanisms(everything, account, false),
                ElementsAre("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1"));
}

TEST(TheMechanisms, OnAClearLinkWithoutScramAreTheStrongestAlone) {
    Account account;
    account.secret = "secret";
    EXPECT_THAT(usable_mechanisms(std::vector<std::string>{"PLAIN", "DIGEST-MD5"}, account, false),
                ElementsAre("DIGEST-MD5"));
    EXPECT_THAT(usable_mechanisms(std::vector<std::string>{"PLAIN"}, account, false), ElementsAre("PLAIN"));
}

}  // namespace
}  // namespace lamplight::c2s
