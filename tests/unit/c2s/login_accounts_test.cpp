#include "c2s/registration.hpp"
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

/// The answer of a server that takes no stanza before the login.
constexpr std::string_view not_before_the_login =
    "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>";
constexpr std::string_view shutdown =
    "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>";

// --- jabber:iq:auth ---

struct ALegacyLogin : testing::Test {
    ALegacyLogin() { wanted.login = Account::Login::legacy; }

    Account wanted = account();
    FakeFactory factory;

    static std::string fields(std::string_view names) {
        return "<iq type='result' id='fields'><query xmlns='jabber:iq:auth'><username/><resource/>" +
               std::string(names) + "</query></iq>";
    }
    static constexpr std::string_view refused =
        "<iq type='error' id='aaaaa'><error code='401' type='auth'>"
        "<not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>";
};

TEST_F(ALegacyLogin, AsksForTheFieldsAndSendsADigestOfTheSecondStream) {
    Driver stream(wanted, factory);
    EXPECT_EQ(stream.offer({"SCRAM-SHA-256", "PLAIN"}).send,
              "<iq type='get' id='fields' to='example.org'><query xmlns='jabber:iq:auth'>"
              "<username>server1</username></query></iq>");
    EXPECT_EQ(stream.say(fields("<password/><digest/>")).send,
              "<iq type='set' id='aaaaa' to='example.org'><query xmlns='jabber:iq:auth'>"
              "<username>server1</username><resource>astvoip1</resource><digest>s2+secret=abcdef</digest>"
              "</query></iq>");
    const auto out = stream.say("<iq type='result' id='aaaaa'/>");
    EXPECT_EQ(out.act, Act::bound);
    EXPECT_EQ(out.bound.jid, wanted.jid);
    EXPECT_EQ(out.bound.mechanism, "jabber:iq:auth");
    EXPECT_THAT(stream.lines(), IsEmpty());
    EXPECT_THAT(factory.made, IsEmpty());
}

TEST_F(ALegacyLogin, SendsThePasswordWhereNoDigestIsTaken) {
    Driver stream(wanted, factory);
    stream.offer({});
    EXPECT_THAT(stream.say(fields("<password/>")).send, HasSubstr("<password>secret</password>"));
    EXPECT_THAT(stream.lines(), IsEmpty());
}

TEST_F(ALegacyLogin, SendsThePasswordWhereTheDigestIsRefused) {
    const std::string_view form_again =
        "<iq type='result' id='aaaaa'><query "
        "xmlns='jabber:iq:auth'><username/><password/><resource/></query></iq>";
    for (const std::string_view answer : {refused, form_again}) {
        Driver stream(wanted, factory);
        stream.offer({});
        stream.say(fields("<password/><digest/>"));
        EXPECT_THAT(stream.say(answer).send, HasSubstr("<password>secret</password>"));
        const auto out = stream.say(refused);
        EXPECT_EQ(out.failure.kind, Kind::not_authorized);
        EXPECT_THAT(out.failure.what_to_do, HasSubstr("usesasl = yes"));
    }
}

TEST_F(ALegacyLogin, DoesNotSendThePasswordWhereTheServerDoesNotAskForIt) {
    Driver stream(wanted, factory);
    stream.offer({});
    stream.say(fields("<digest/>"));
    const auto out = stream.say(refused);
    EXPECT_EQ(out.act, Act::fail);
    EXPECT_THAT(out.send, IsEmpty());
    EXPECT_THAT(out.failure.text, HasSubstr("not-authorized"));
}

TEST_F(ALegacyLogin, FailsWhereNeitherIsTaken) {
    Driver stream(wanted, factory);
    stream.offer({});
    EXPECT_EQ(stream.say(fields("")).failure.kind, Kind::no_mechanism);
}

TEST_F(ALegacyLogin, FailsWhereItIsUnknownAndSaysWhatToDo) {
    constexpr std::string_view refused_by_iq =
        "<iq type='error' id='fields'><error type='cancel'>"
        "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>";
    for (const std::string_view answer : {refused_by_iq, not_before_the_login}) {
        Driver stream(wanted, factory);
        stream.offer({});
        const auto out = stream.say(answer);
        EXPECT_EQ(out.failure.kind, Kind::no_mechanism);
        EXPECT_THAT(out.failure.what_to_do, HasSubstr("usesasl = yes"));
    }
}

TEST_F(ALegacyLogin, IsNotWhatAnotherStreamErrorIsAbout) {
    Driver stream(wanted, factory);
    stream.offer({});
    EXPECT_EQ(stream.say(shutdown).failure.kind, Kind::ended_by_server);
}

TEST_F(ALegacyLogin, ThatTheServerAnswersByClosingTheStreamIsARefusal) {
    Driver stream(wanted, factory);
    stream.offer({});
    stream.say(fields("<password/>"));
    const auto out = stream.closed();
    EXPECT_EQ(out.failure.kind, Kind::not_authorized);
    EXPECT_THAT(out.failure.what_to_do, HasSubstr("usesasl = yes"));
}

TEST_F(ALegacyLogin, WorksWithAServerFromBeforeXmpp) {
    wanted.tls = Account::Tls::none;
    Driver stream(wanted, factory);
    stream.connect();
    const char* header =
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='old'>";
    EXPECT_THAT(stream.say(header).send, HasSubstr("id='fields'"));
    EXPECT_THAT(stream.say(fields("<digest/>")).send, HasSubstr("<digest>old+secret=abcdef</digest>"));

    wanted.login = Account::Login::sasl;
    Driver sasl(wanted, factory);
    sasl.connect();
    EXPECT_EQ(sasl.say(header).failure.kind, Kind::no_mechanism);

    wanted.tls = Account::Tls::starttls;
    Driver tls(wanted, factory);
    tls.connect();
    EXPECT_EQ(tls.say(header).failure.kind, Kind::tls_not_offered);
}

TEST_F(ALegacyLogin, OnAClearLinkWarnsBeforeThePasswordGoesOverTheWire) {
    wanted.tls = Account::Tls::none;
    Driver stream(wanted, factory);
    stream.offer({"PLAIN"});
    const auto out = stream.say(fields("<password/>"));
    EXPECT_THAT(out.send, HasSubstr("<password>"));
    ASSERT_EQ(stream.lines().size(), 1U);
    EXPECT_THAT(stream.lines()[0].text,
                HasSubstr("jabber.conf:14: the password of server1@example.org goes over "
                          "the wire readable (jabber:iq:auth"));
}

TEST_F(ALegacyLogin, OnAClearLinkWarnsOfTheDigestToo) {
    wanted.tls = Account::Tls::none;
    Driver stream(wanted, factory);
    stream.offer({"PLAIN"});
    stream.say(fields("<digest/><password/>"));
    ASSERT_EQ(stream.lines().size(), 1U);
    EXPECT_THAT(stream.lines()[0].text, HasSubstr("can be guessed"));
    stream.say(refused);
    ASSERT_EQ(stream.lines().size(), 2U);
    EXPECT_THAT(stream.lines()[1].text, HasSubstr("readable"));
}

TEST_F(ALegacyLogin, OnAClearLinkGivesWayToScram) {
    wanted.tls = Account::Tls::none;
    Driver stream(wanted, factory);
    EXPECT_THAT(stream.offer({"SCRAM-SHA-1", "PLAIN"}).send, HasSubstr("mechanism='SCRAM-SHA-1'"));
    ASSERT_EQ(stream.lines().size(), 2U);
    EXPECT_THAT(stream.lines()[1].text, HasSubstr("jabber.conf:14: SASL is used, though usesasl is no"));
}

// --- registration ---

const std::vector<std::string> recent = {"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"};
const std::vector<std::string> older = {"SCRAM-SHA-1", "PLAIN"};
const std::vector<std::string> tigase_5 = {"PLAIN", "ANONYMOUS"};

TEST(Registration, WantsARefusalThatTellsThatThereIsNoSuchAccount) {
    EXPECT_EQ(why_not_missing({recent, "SCRAM-SHA-256", false}), "");
    EXPECT_EQ(why_not_missing({older, "SCRAM-SHA-1", false}), "");
    EXPECT_THAT(why_not_missing({recent, "SCRAM-SHA-256", true}), HasSubstr("password is wrong"));
    for (const char* mechanism : {"PLAIN", "DIGEST-MD5", "EXTERNAL", "jabber:iq:auth"})
        EXPECT_THAT(why_not_missing({recent, mechanism, false}), HasSubstr("whether the account exists"));
}

TEST(Registration, WantsAServerThatIsNoneOfThoseThatReplacePasswords) {
    using wire::xml::Element;
    Element query("query", "jabber:iq:register");
    EXPECT_EQ(why_not_safe({recent, "SCRAM-SHA-256", false}, query), "");
    EXPECT_THAT(why_not_safe({older, "SCRAM-SHA-1", false}, query), HasSubstr("replaces the password"));
    EXPECT_THAT(why_not_safe({tigase_5, "SCRAM-SHA-1", false}, query), HasSubstr("replaces the password"));
    Element& form = query.add("x", "jabber:x:data");
    EXPECT_THAT(why_not_safe({older, "SCRAM-SHA-1", false}, query), Not(IsEmpty())) << "a form of nothing";
    Element& type = form.add("field").set("var", "FORM_TYPE");
    type.add("value").add_text("urn:other");
    EXPECT_THAT(why_not_safe({older, "SCRAM-SHA-1", false}, query), Not(IsEmpty()))
        << "a form of another kind";
    query.children[0].children[0].children[0].text = "jabber:iq:register";
    EXPECT_EQ(why_not_safe({older, "SCRAM-SHA-1", false}, query), "");
}

struct ALoginThatMayRegister : testing::Test {
    ALoginThatMayRegister() { wanted.register_account = Account::Register::yes; }

    Account wanted = account();
    FakeFactory factory;

    static constexpr std::string_view form =
        "<iq type='result' id='form'><query xmlns='jabber:iq:register'><instructions>Choose</instructions>"
        "<username/><password/></query></iq>";
    static constexpr std::string_view taken =
        "<iq type='error' id='register'><error code='409' type='cancel'>"
        "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>";
    static constexpr std::string_view unknown_account = "<not-authorized/>";

    Driver refused() {
        Driver stream(wanted, factory);
        stream.offer({"SCRAM-SHA-256", "PLAIN"});
        return stream;
    }
    Driver registering() {
        Driver stream = refused();
        stream.sasl("failure", unknown_account);
        stream.say(form);
        return stream;
    }
};

TEST_F(ALoginThatMayRegister, MakesTheAccountAndGoesOnInTheSameStream) {
    Driver stream = refused();
    EXPECT_EQ(stream.sasl("failure", unknown_account).send,
              "<iq type='get' id='form'><query xmlns='jabber:iq:register'/></iq>");
    EXPECT_EQ(stream.say(form).send,
              "<iq type='set' id='register'><query xmlns='jabber:iq:register'><username>server1</username>"
              "<password>secret</password></query></iq>");
    EXPECT_THAT(stream.say("<iq type='result' id='register'/>").send, HasSubstr("mechanism='SCRAM-SHA-256'"));
    ASSERT_EQ(stream.lines().size(), 1U);
    EXPECT_EQ(stream.lines()[0].text,
              "server1@example.org was registered at example.org (register_account = yes)");
    stream.sasl("challenge", "Zmlyc3Q=");
    EXPECT_EQ(stream.sasl("success", "dj1zaWc=").act, Act::restart_stream);
    stream.header("s3");
    stream.features(bind_feature);
    const auto out = stream.say(
        "<iq type='result' id='aaaaa'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
        "<jid>server1@example.org/astvoip1</jid></bind></iq>");
    EXPECT_TRUE(out.bound.registered);
}

TEST_F(ALoginThatMayRegister, WantsAnotherStreamWhereTheServerEndsThisOne) {
    Driver stream = registering();
    stream.say("<iq type='result' id='register'/>");
    EXPECT_EQ(stream.closed().failure.kind, Kind::registered);
    Driver again = registering();
    again.say("<iq type='result' id='register'/>");
    EXPECT_EQ(again.sasl("failure", "<aborted/>").failure.kind, Kind::registered);
}

TEST_F(ALoginThatMayRegister, DoesNotTryTwice) {
    Driver stream = registering();
    stream.say("<iq type='result' id='register'/>");
    const auto out = stream.sasl("failure", unknown_account);
    EXPECT_EQ(out.act, Act::fail);
    EXPECT_EQ(out.failure.kind, Kind::not_authorized);
}

TEST_F(ALoginThatMayRegister, IsRefusedWhereTheNameIsTaken) {
    Driver stream = registering();
    const auto out = stream.say(taken);
    EXPECT_EQ(out.failure.kind, Kind::registration_refused);
    EXPECT_THAT(out.failure.text, HasSubstr("refused, too: conflict"));
    EXPECT_THAT(out.failure.what_to_do, HasSubstr("check its secret (jabber.conf:14)"));
}

TEST_F(ALoginThatMayRegister, SaysHowToMakeTheAccountWhereTheServerRegistersNone) {
    Driver stream = refused();
    stream.sasl("failure", unknown_account);
    const auto out = stream.say(
        "<iq type='error' id='form'><error type='cancel'>"
        "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
    EXPECT_EQ(out.failure.kind, Kind::registration_refused);
    EXPECT_THAT(out.failure.what_to_do, HasSubstr("prosodyctl adduser server1@example.org"));
    EXPECT_THAT(out.failure.what_to_do, HasSubstr("ejabberdctl register server1 example.org PASSWORD"));
    Driver ending = refused();
    ending.sasl("failure", unknown_account);
    const auto end = ending.say(not_before_the_login);
    EXPECT_EQ(end.failure.kind, Kind::registration_refused);
    EXPECT_THAT(end.failure.what_to_do, HasSubstr("prosodyctl adduser server1@example.org"));
    Driver closing = refused();
    closing.sasl("failure", unknown_account);
    EXPECT_EQ(closing.closed().failure.kind, Kind::registration_refused);
}

TEST_F(ALoginThatMayRegister, LeavesAnAccountAloneThatTheFormSaysIsRegistered) {
    Driver stream = refused();
    stream.sasl("failure", unknown_account);
    const auto out = stream.say(
        "<iq type='result' id='form'><query xmlns='jabber:iq:register'><registered/><username/><password/>"
        "</query></iq>");
    EXPECT_EQ(out.act, Act::fail);
    EXPECT_THAT(out.send, IsEmpty());
}

TEST_F(ALoginThatMayRegister, DoesNotWhereTheServerMayReplaceThePasswordOfATakenName) {
    Driver stream(wanted, factory);
    stream.offer({"SCRAM-SHA-1", "PLAIN"});
    stream.sasl("failure", unknown_account);
    const auto out = stream.say(form);
    EXPECT_EQ(out.act, Act::fail);
    EXPECT_EQ(out.send, "");
    EXPECT_EQ(out.failure.kind, Kind::not_authorized);
    EXPECT_THAT(out.failure.text, HasSubstr("replaces the password"));
    EXPECT_THAT(out.failure.what_to_do, HasSubstr("prosodyctl adduser"));
}

TEST_F(ALoginThatMayRegister, DoesByTheFormOfProsody) {
    Driver stream(wanted, factory);
    stream.offer({"PLAIN", "SCRAM-SHA-1"}, "<register xmlns='http://jabber.org/features/iq-register'/>");
    stream.sasl("failure", unknown_account);
    const auto out = stream.say(
        "<iq id='form' type='result'><query xmlns='jabber:iq:register'><instructions>Choose a username and "
        "password "
        "for use with this service.</instructions><username/><password/><x type='form' xmlns='jabber:x:data'>"
        "<title>Creating a new account</title><field var='FORM_TYPE' "
        "type='hidden'><value>jabber:iq:register</value>"
        "</field><field var='username' label='Username' "
        "type='text-single'><required/></field></x></query></iq>");
    EXPECT_THAT(out.send, HasSubstr("id='register'"));
}

TEST_F(ALoginThatMayRegister, DoesNotAfterAChallenge) {
    Driver stream = refused();
    stream.sasl("challenge", "Zmlyc3Q=");
    const auto out = stream.sasl("failure", "<not-authorized/>");
    EXPECT_EQ(out.act, Act::fail);
    EXPECT_EQ(out.failure.kind, Kind::not_authorized);
    EXPECT_THAT(out.failure.text, HasSubstr("not registered: the server seems to know it"));
    EXPECT_THAT(out.failure.what_to_do, HasSubstr("prosodyctl adduser"));
}

TEST_F(ALoginThatMayRegister, DoesNotAfterAnotherRefusalThanOfTheAccount) {
    for (const char* condition :
         {"<temporary-auth-failure/>", "<malformed-request/>", "<encryption-required/>",
          "<account-disabled/>", "<credentials-expired/>", "<invalid-authzid/>"}) {
        Driver stream = refused();
        EXPECT_EQ(stream.sasl("failure", condition).act, Act::fail) << condition;
    }
}

TEST_F(ALoginThatMayRegister, DoesNotUnlessItIsAskedTo) {
    wanted.register_account = Account::Register::no;
    Driver stream = refused();
    const auto out = stream.sasl("failure", unknown_account);
    EXPECT_EQ(out.act, Act::fail);
    EXPECT_THAT(out.failure.text, Not(HasSubstr("registered")));
}

TEST_F(ALoginThatMayRegister, DoesNotWithoutTlsUnlessNoneIsWanted) {
    Driver clear(wanted, factory);
    clear.connect();
    clear.header();
    const auto out = clear.features("<register xmlns='http://jabber.org/features/iq-register'/>");
    EXPECT_EQ(out.failure.kind, Kind::tls_not_offered);

    wanted.tls = Account::Tls::none;
    Driver stream = refused();
    EXPECT_THAT(stream.sasl("failure", unknown_account).send, HasSubstr("jabber:iq:register"));
}

}  // namespace
}  // namespace lamplight::c2s::test
