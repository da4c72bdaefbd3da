#include "login_driver.hpp"

#include <gmock/gmock.h>

namespace lamplight::c2s::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Act = Login::Output::Act;
using Kind = Failure::Kind;

struct ALogin : testing::Test {
    Account wanted = account();
    FakeFactory factory;

    /// To the answer of the server's `<success/>`, by SCRAM-SHA-256 behind TLS.
    Driver authenticated() {
        Driver stream(wanted, factory);
        stream.offer({"SCRAM-SHA-256", "PLAIN"});
        stream.sasl("challenge", "Zmlyc3Q=");
        stream.sasl("success", "dj1zaWc=");
        stream.header("s3");
        return stream;
    }
    void expect_protocol(const Login::Output& output) {
        EXPECT_EQ(output.act, Act::fail);
        EXPECT_EQ(output.failure.kind, Kind::protocol) << output.failure.text;
    }
};

// --- the header and TLS ---

TEST_F(ALogin, BeginsWithAsterisksHeader) {
    Driver stream(wanted, factory);
    EXPECT_EQ(stream.state(), State::connecting);
    const auto out = stream.connect();
    EXPECT_EQ(out.send,
              "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' "
              "xmlns='jabber:client' to='example.org' version='1.0'>");
    EXPECT_EQ(out.act, Act::nothing);
    EXPECT_EQ(stream.state(), State::waiting_for_tls);
}

TEST_F(ALogin, AsksForTlsAndGoesOnBehindIt) {
    Driver stream(wanted, factory);
    stream.connect();
    stream.header();
    EXPECT_EQ(stream.features("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").send,
              "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    EXPECT_EQ(stream.state(), State::requested_tls);
    const auto proceed = stream.say("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    EXPECT_EQ(proceed.act, Act::start_tls);
    EXPECT_EQ(proceed.send, "");
    EXPECT_THAT(stream.encrypted().send, HasSubstr("<stream:stream"));
    EXPECT_EQ(stream.state(), State::waiting_to_authenticate);
}

TEST_F(ALogin, FailsWhereTlsIsNotOfferedAndSaysWhatToDo) {
    Driver stream(wanted, factory);
    stream.connect();
    stream.header();
    const auto out = stream.features(
        "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>");
    EXPECT_EQ(out.act, Act::fail);
    EXPECT_EQ(out.failure.kind, Kind::tls_not_offered);
    EXPECT_THAT(out.failure.what_to_do, HasSubstr("`usetls = no` at jabber.conf:14"));
    EXPECT_THAT(out.failure.what_to_do, HasSubstr("tls_mode = direct"));
    EXPECT_THAT(factory.made, IsEmpty());
    EXPECT_EQ(stream.state(), State::disconnecting);
}

TEST_F(ALogin, DoesNotBelieveAnOfferOfTlsInAnotherNamespace) {
    Driver stream(wanted, factory);
    stream.connect();
    stream.header();
    EXPECT_EQ(stream.features("<starttls xmlns='urn:other'/>").failure.kind, Kind::tls_not_offered);
}

TEST_F(ALogin, FailsWhereTheServerCannotDoTheTlsItOffers) {
    Driver stream(wanted, factory);
    stream.connect();
    stream.header();
    stream.features("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    EXPECT_EQ(stream.say("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").failure.kind,
              Kind::tls_failed);
}

TEST_F(ALogin, BehindDirectTlsDoesNotAskForTls) {
    wanted.tls = Account::Tls::direct;
    Driver stream(wanted, factory);
    EXPECT_THAT(stream.offer({"PLAIN"}).send, HasSubstr("mechanism='PLAIN'"));
    EXPECT_THAT(stream.lines(), IsEmpty());
}

TEST_F(ALogin, FailsForAHeaderThatIsNoClientStream) {
    for (const char* header :
         {"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
          "version='1.0'>",
          "<stream:stream xmlns='jabber:client' xmlns:stream='urn:other' version='1.0'>"}) {
        Driver stream(wanted, factory);
        stream.connect();
        expect_protocol(stream.say(header));
    }
}

TEST_F(ALogin, FailsForASecondHeaderThatNobodyAskedFor) {
    Driver stream(wanted, factory);
    stream.connect();
    stream.header();
    expect_protocol(stream.header("again"));
}

TEST_F(ALogin, FailsForWhatIsNotExpectedInAStep) {
    const char* stray = "<message><body>hello</body></message>";
    {
        Driver stream(wanted, factory);
        stream.connect();
        stream.header();
        const auto out = stream.say(stray);
        expect_protocol(out);
        EXPECT_THAT(out.failure.text, HasSubstr("<message xmlns='jabber:client'/>"));
    }
    {
        Driver stream(wanted, factory);
        stream.connect();
        stream.header();
        stream.features("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
        expect_protocol(stream.say(stray));
    }
    {
        Driver stream(wanted, factory);
        stream.offer({"PLAIN"});
        const auto out = stream.say(stray);
        expect_protocol(out);
        EXPECT_EQ(out.send, "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    }
    {
        Driver stream = authenticated();
        stream.features(bind_feature);
        expect_protocol(stream.say(stray));
    }
}

TEST_F(ALogin, SaysNothingMoreAfterItHasFailed) {
    Driver stream(wanted, factory);
    stream.offer({"ANONYMOUS"});
    const auto out = stream.features("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    EXPECT_EQ(out.act, Act::nothing);
    EXPECT_EQ(out.send, "");
    EXPECT_EQ(stream.closed().act, Act::nothing);
    EXPECT_EQ(stream.connect().send, "");
}

TEST_F(ALogin, TellsAStreamErrorInEveryStep) {
    const char* error =
        "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>";
    Driver early(wanted, factory);
    early.connect();
    early.header();
    EXPECT_EQ(early.say(error).failure.text, "the server ended the stream: system-shutdown");
    Driver late = authenticated();
    late.features(bind_feature);
    EXPECT_EQ(late.say(error).failure.kind, Kind::ended_by_server);
}

TEST_F(ALogin, TellsWhereTheServerClosedTheStream) {
    Driver stream(wanted, factory);
    stream.connect();
    stream.header();
    const auto out = stream.closed();
    EXPECT_EQ(out.failure.kind, Kind::ended_by_server);
    EXPECT_EQ(out.failure.text, "the server closed the stream in state `Waiting to request TLS`");
}

// --- SASL ---

TEST_F(ALogin, TakesTheStrongestMechanismThatIsThere) {
    Driver stream(wanted, factory);
    const auto out = stream.offer({"PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-512", "SCRAM-SHA-256"});
    EXPECT_EQ(out.send,
              "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>Zmlyc3Q=</auth>");
    EXPECT_EQ(stream.state(), State::authenticating);
    EXPECT_THAT(stream.lines(), IsEmpty());
}

TEST_F(ALogin, GoesThroughChallengesToTheResource) {
    Driver stream(wanted, factory);
    stream.offer({"SCRAM-SHA-256"});
    EXPECT_EQ(stream.sasl("challenge", "Zmlyc3Q=").send,
              "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>ZmluYWw=</response>");
    EXPECT_EQ(stream.sasl("challenge", "dj1zaWc=").send,
              "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    const auto success = stream.sasl("success", "");
    EXPECT_EQ(success.act, Act::restart_stream);
    EXPECT_THAT(success.send, HasSubstr("<stream:stream"));
    stream.header("s3");
    EXPECT_EQ(stream.features(bind_feature).send,
              "<iq type='set' id='aaaaa'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
              "<resource>astvoip1</resource></bind></iq>");
    const auto bound = stream.say(
        "<iq type='result' id='aaaaa'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
        "<jid>server1@example.org/astvoip1</jid></bind></iq>");
    EXPECT_EQ(bound.act, Act::bound);
    EXPECT_EQ(to_string(bound.bound.jid), "server1@example.org/astvoip1");
    EXPECT_EQ(bound.bound.mechanism, "SCRAM-SHA-256");
    EXPECT_FALSE(bound.bound.registered);
    EXPECT_EQ(bound.bound.features.size(), 1U);
    EXPECT_EQ(stream.state(), State::retrieving_roster);
    EXPECT_THAT(stream.lines(), IsEmpty());
}

TEST_F(ALogin, WritesAnEmptyInitialResponseAsAnEqualsSign) {
    wanted.certificate = "client.pem";
    Driver stream(wanted, factory);
    EXPECT_EQ(stream.offer({"EXTERNAL", "PLAIN"}).send,
              "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>");
}

TEST_F(ALogin, SendsNoInitialResponseWhereTheServerSpeaksFirst) {
    wanted.tls = Account::Tls::none;
    Driver stream(wanted, factory);
    EXPECT_EQ(stream.offer({"DIGEST-MD5"}).send,
              "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='DIGEST-MD5'/>");
}

TEST_F(ALogin, TriesTheNextMechanismOnlyWhenOneIsRefusedAsSuch) {
    for (const char* condition : {"<invalid-mechanism/>", "<mechanism-too-weak/>"}) {
        factory.made.clear();
        Driver stream(wanted, factory);
        stream.offer({"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"});
        EXPECT_THAT(stream.sasl("failure", condition).send, HasSubstr("mechanism='SCRAM-SHA-1'"));
        EXPECT_THAT(stream.sasl("failure", condition).send, HasSubstr("mechanism='PLAIN'"));
        const auto out = stream.sasl("failure", condition);
        EXPECT_EQ(out.failure.kind, Kind::no_mechanism);
        EXPECT_EQ(out.failure.text, "the server offers SCRAM-SHA-256, SCRAM-SHA-1, PLAIN and refuses it");
        EXPECT_EQ(factory.made.size(), 3U);
    }
}

TEST_F(ALogin, NeverTriesAnotherMechanismAfterARefusedPassword) {
    Driver stream(wanted, factory);
    stream.offer({"SCRAM-SHA-256", "PLAIN"});
    const auto out =
        stream.sasl("failure", "<not-authorized/><text xml:lang='en'>Password not verified</text>");
    EXPECT_EQ(out.act, Act::fail);
    EXPECT_EQ(out.failure.kind, Kind::not_authorized);
    EXPECT_EQ(
        out.failure.text,
        "the server refuses the login of server1@example.org by SCRAM-SHA-256: not-authorized (Password not "
        "verified)");
    EXPECT_THAT(out.failure.what_to_do, HasSubstr("jabber.conf:14"));
    EXPECT_THAT(factory.made, ElementsAre("SCRAM-SHA-256"));
}

TEST_F(ALogin, NeverTriesAnotherMechanismAfterAServerFailedItsProof) {
    factory.end = tl::unexpected(Sasl::Refusal::server_not_verified);
    Driver stream(wanted, factory);
    stream.offer({"SCRAM-SHA-256", "PLAIN"});
    stream.sasl("challenge", "Zmlyc3Q=");
    const auto out = stream.sasl("success", "dj13cm9uZw==");
    EXPECT_EQ(out.act, Act::fail);
    EXPECT_EQ(out.failure.kind, Kind::server_not_verified);
    EXPECT_THAT(factory.made, ElementsAre("SCRAM-SHA-256"));
}

TEST_F(ALogin, TellsTheConditionsOfARefusal) {
    const std::pair<const char*, Kind> conditions[] = {{"not-authorized", Kind::not_authorized},
                                                       {"account-disabled", Kind::not_authorized},
                                                       {"credentials-expired", Kind::not_authorized},
                                                       {"invalid-authzid", Kind::not_authorized},
                                                       {"temporary-auth-failure", Kind::refused_for_now},
                                                       {"encryption-required", Kind::no_mechanism},
                                                       {"malformed-request", Kind::protocol},
                                                       {"aborted", Kind::protocol},
                                                       {"of-tomorrow", Kind::not_authorized}};
    for (const auto& [condition, kind] : conditions) {
        Driver stream(wanted, factory);
        stream.offer({"PLAIN"});
        const auto out = stream.sasl("failure", "<" + std::string(condition) + "/>");
        EXPECT_EQ(out.failure.kind, kind) << condition;
        EXPECT_THAT(out.failure.text, HasSubstr(condition));
    }
}

TEST_F(ALogin, DoesNotRepeatServersWordsThatHoldTheSecret) {
    Driver stream(wanted, factory);
    stream.offer({"PLAIN"});
    const auto out = stream.sasl("failure", "<not-authorized/><text>bad password: secret</text>");
    EXPECT_THAT(out.failure.text, Not(HasSubstr("bad password")));
}

TEST_F(ALogin, FailsForAChallengeThatIsNotBase64) {
    for (const char* text : {"!!!", "Zg", "Zg=", "Z", "Zm9=v", "===="}) {
        Driver stream(wanted, factory);
        stream.offer({"SCRAM-SHA-256"});
        const auto out = stream.sasl("challenge", text);
        expect_protocol(out);
        EXPECT_EQ(out.send, "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    }
    Driver stream(wanted, factory);
    stream.offer({"SCRAM-SHA-256"});
    expect_protocol(stream.sasl("success", "?"));
}

TEST_F(ALogin, FailsForAChallengeOfMoreThan16KiB) {
    Driver stream(wanted, factory);
    stream.offer({"SCRAM-SHA-256"});
    expect_protocol(stream.sasl("challenge", std::string(24'000, 'A')));
}

TEST_F(ALogin, FailsForChallengesWithoutEnd) {
    for (int i = 0; i < 100; ++i)
        factory.has["SCRAM-SHA-256"].emplace_back("more");
    Driver stream(wanted, factory);
    stream.offer({"SCRAM-SHA-256"});
    Login::Output out;
    for (int i = 0; i < 9; ++i) {
        EXPECT_EQ(out.act, Act::nothing);
        out = stream.sasl("challenge", "Zmlyc3Q=");
    }
    expect_protocol(out);
}

TEST_F(ALogin, TellsWhatTheExchangeRefuses) {
    const std::pair<Sasl::Refusal, Kind> refusals[] = {
        {Sasl::Refusal::malformed, Kind::protocol},
        {Sasl::Refusal::too_many_iterations, Kind::no_mechanism},
        {Sasl::Refusal::server_not_verified, Kind::server_not_verified},
        {Sasl::Refusal::library, Kind::no_mechanism}};
    for (const auto& [refusal, kind] : refusals) {
        factory.has["SCRAM-SHA-256"] = {std::string("first"), tl::unexpected(refusal)};
        Driver stream(wanted, factory);
        stream.offer({"SCRAM-SHA-256", "PLAIN"});
        const auto out = stream.sasl("challenge", "Zmlyc3Q=");
        EXPECT_EQ(out.failure.kind, kind);
        EXPECT_EQ(out.send, "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    }
    factory.has["SCRAM-SHA-256"] = {tl::unexpected(Sasl::Refusal::library)};
    Driver stream(wanted, factory);
    EXPECT_EQ(stream.offer({"SCRAM-SHA-256", "PLAIN"}).failure.kind, Kind::no_mechanism);
}

TEST_F(ALogin, SaysWhatIsOfferedWhereNothingCanBeUsed) {
    Driver stream(wanted, factory);
    const auto out = stream.offer({"ANONYMOUS", "X-OAUTH2"});
    EXPECT_EQ(out.failure.kind, Kind::no_mechanism);
    EXPECT_EQ(out.failure.text,
              "none of the SASL mechanisms that the server offers may be used: ANONYMOUS, X-OAUTH2");
    Driver legacy(wanted, factory);
    EXPECT_THAT(legacy.offer({}, "<auth xmlns='http://jabber.org/features/iq-auth'/>").failure.what_to_do,
                HasSubstr("usesasl = no"));
}

// --- without TLS ---

struct OnAClearLink : ALogin {
    OnAClearLink() { wanted.tls = Account::Tls::none; }
};

TEST_F(OnAClearLink, ScramIsUsedWithOneWarningThatNamesThePlace) {
    Driver stream(wanted, factory);
    EXPECT_THAT(stream.offer({"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"}).send, HasSubstr("SCRAM-SHA-256"));
    EXPECT_THAT(stream.sasl("failure", "<invalid-mechanism/>").send, HasSubstr("SCRAM-SHA-1"));
    ASSERT_EQ(stream.lines().size(), 1U);
    EXPECT_EQ(stream.lines()[0].level, Login::Output::Line::Level::warning);
    EXPECT_EQ(
        stream.lines()[0].text,
        "jabber.conf:14: the link to example.org is not encrypted: whoever is on the way can read and change "
        "everything but the password");
}

TEST_F(OnAClearLink, PlainIsNeverTriedWhereScramWasOffered) {
    Driver stream(wanted, factory);
    stream.offer({"SCRAM-SHA-256", "PLAIN", "DIGEST-MD5"});
    EXPECT_EQ(stream.sasl("failure", "<invalid-mechanism/>").failure.kind, Kind::no_mechanism);
    EXPECT_THAT(factory.made, ElementsAre("SCRAM-SHA-256"));
}

TEST_F(OnAClearLink, PlainIsUsedWhereNothingStrongerIsOfferedWithAWarning) {
    Driver stream(wanted, factory);
    EXPECT_THAT(stream.offer({"PLAIN", "ANONYMOUS"}).send, HasSubstr("mechanism='PLAIN'"));
    ASSERT_EQ(stream.lines().size(), 1U);
    EXPECT_THAT(stream.lines()[0].text,
                HasSubstr("jabber.conf:14: the password of server1@example.org goes over "
                          "the wire readable"));
    EXPECT_THAT(stream.lines()[0].text, Not(HasSubstr("secret")));
}

TEST_F(OnAClearLink, AServerThatWantsTlsIsNamedAsSuch) {
    Driver stream(wanted, factory);
    const auto out =
        stream.offer({}, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>");
    EXPECT_EQ(out.failure.kind, Kind::no_mechanism);
    EXPECT_THAT(out.failure.what_to_do, HasSubstr("`usetls = yes` at jabber.conf:14"));
}

// --- the resource ---

TEST_F(ALogin, TakesTheResourceThatTheServerChose) {
    Driver stream = authenticated();
    stream.features(bind_feature);
    const auto out = stream.say(
        "<iq type='result' id='aaaaa'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
        "<jid>server1@example.org/4711</jid></bind></iq>");
    EXPECT_EQ(out.act, Act::bound);
    EXPECT_EQ(out.bound.jid.resource, "4711");
    ASSERT_EQ(stream.lines().size(), 1U);
    EXPECT_EQ(stream.lines()[0].text,
              "the server made us server1@example.org/4711, and server1@example.org/astvoip1 was asked for");
}

TEST_F(ALogin, WithoutAResourceAsksTheServerForOne) {
    wanted.jid.resource.clear();
    Driver stream = authenticated();
    EXPECT_EQ(stream.features(bind_feature).send,
              "<iq type='set' id='aaaaa'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
}

TEST_F(ALogin, FailsWhereTheResourceIsRefused) {
    Driver stream = authenticated();
    stream.features(bind_feature);
    const auto out = stream.say(
        "<iq type='error' id='aaaaa'><error type='cancel'>"
        "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
    EXPECT_EQ(out.failure.kind, Kind::bind_refused);
    EXPECT_EQ(out.failure.text, "the server refuses the resource astvoip1: conflict");
    EXPECT_THAT(out.failure.what_to_do, HasSubstr("resource of its own"));
}

TEST_F(ALogin, FailsForAnAnswerThatHasNoAddress) {
    for (const char* inside :
         {"", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>",
          "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>example.org</jid></bind>",
          "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>server1@example.org</jid></bind>",
          "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>@/</jid></bind>"}) {
        Driver stream = authenticated();
        stream.features(bind_feature);
        expect_protocol(stream.say("<iq type='result' id='aaaaa'>" + std::string(inside) + "</iq>"));
    }
}

TEST_F(ALogin, FailsForAnAnswerToAnotherRequest) {
    Driver stream = authenticated();
    stream.features(bind_feature);
    expect_protocol(
        stream.say("<iq type='result' id='zzzzz'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                   "<jid>server1@example.org/r</jid></bind></iq>"));
}

TEST_F(ALogin, FailsWhereNoResourceIsOffered) {
    Driver stream = authenticated();
    expect_protocol(stream.features(""));
}

constexpr std::string_view bind_result =
    "<iq type='result' id='aaaaa'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
    "<jid>server1@example.org/astvoip1</jid></bind></iq>";

TEST_F(ALogin, OpensASessionWhereItIsOfferedAndNotOptional) {
    Driver stream = authenticated();
    stream.features(std::string(bind_feature) + "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>");
    const auto bind = stream.say(bind_result);
    EXPECT_EQ(bind.act, Act::nothing);
    EXPECT_EQ(bind.send,
              "<iq type='set' id='auth'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>");
    EXPECT_EQ(stream.say("<message><body>early</body></message>").act, Act::nothing);
    EXPECT_EQ(stream.say("<iq type='result' id='auth'/>").act, Act::bound);
}

TEST_F(ALogin, OpensNoSessionWhereItIsOptional) {
    Driver stream = authenticated();
    stream.features(std::string(bind_feature) +
                    "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>");
    EXPECT_EQ(stream.say(bind_result).act, Act::bound);
}

TEST_F(ALogin, FailsWhereTheSessionIsRefused) {
    Driver stream = authenticated();
    stream.features(std::string(bind_feature) + "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>");
    stream.say(bind_result);
    EXPECT_EQ(stream.say("<iq type='error' id='auth'/>").failure.kind, Kind::bind_refused);
}

TEST_F(ALogin, LeavesStanzasToOthersOnceItIsBound) {
    Driver stream = authenticated();
    stream.features(bind_feature);
    stream.say(bind_result);
    EXPECT_EQ(stream.say("<message/>").act, Act::nothing);
    EXPECT_EQ(stream.state(), State::retrieving_roster);
}

}  // namespace
}  // namespace lamplight::c2s::test
