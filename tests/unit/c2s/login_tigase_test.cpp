// The dialogues of Tigase 5.1.5 and 8.1.2 (tests/data/xmpp/logins), with us in the client's place.
#include "dialogue.hpp"

#include <gmock/gmock.h>

namespace lamplight::c2s::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Act = Login::Output::Act;
using Kind = Failure::Kind;

const std::string plain_title =
    "stream open, features before TLS, STARTTLS, features after TLS, SASL PLAIN, features after SASL, bind, "
    "session";

struct Tigase : testing::Test {
    static Account account_of(const std::string& local, const std::string& domain,
                              const std::string& resource) {
        Account out = account();
        out.jid = {local, domain, resource};
        return out;
    }
    static Played play(const Dialogue& dialogue, const Account& wanted) {
        RecordedFactory factory(dialogue);
        return Player(wanted, factory).play(dialogue);
    }
    /// Dialogues that were written down from the login on, behind the beginning of another.
    static Dialogue behind_tls(const std::string& server, Dialogue rest) {
        const Dialogue whole = find_dialogue(server, "01-stream-tls-plain-bind.txt", plain_title);
        Dialogue out{rest.title, {}};
        for (const std::string& line : whole.lines) {
            if (line.starts_with("C: <auth")) break;
            out.lines.push_back(line);
        }
        out.lines.insert(out.lines.end(), rest.lines.begin(), rest.lines.end());
        return out;
    }
    static std::string answer(const std::string& server, const std::string& request) {
        for (const Dialogue& each : read_dialogues(server, "02-register.txt"))
            for (std::size_t i = 0; i + 1 < each.lines.size(); ++i)
                if (each.lines[i].starts_with("C: <iq") && each.lines[i].find(request) != std::string::npos)
                    return each.lines[i + 1].substr(3);
        throw std::runtime_error("no request " + request);
    }
};

struct Tigase5 : Tigase {
    const std::string server = "tigase-5.1.5";
    Account wanted = account_of("server1", "tigase5.test", "astvoip1");
};
struct Tigase8 : Tigase {
    const std::string server = "tigase-8.1.2";
    Account wanted = account_of("server1", "tigase8.test", "astvoip1");
};

// --- 01-stream-tls-plain-bind ---

TEST_F(Tigase5, LogsUsInByPlainBehindTlsAndOpensASession) {
    const auto played = play(find_dialogue(server, "01-stream-tls-plain-bind.txt", plain_title), wanted);
    EXPECT_EQ(played.last.act, Act::bound) << played.last.failure.text << played.other;
    EXPECT_EQ(to_string(played.last.bound.jid), "server1@tigase5.test/astvoip1");
    EXPECT_EQ(played.same, 7U);  // header, starttls, header, auth, header, bind, session
    EXPECT_THAT(played.lines, IsEmpty());
}

TEST_F(Tigase8, LogsUsInByPlainBehindTlsAndNeedsNoSession) {
    const auto played = play(find_dialogue(server, "01-stream-tls-plain-bind.txt", plain_title), wanted);
    EXPECT_EQ(played.last.act, Act::bound) << played.last.failure.text << played.other;
    EXPECT_EQ(played.same, 6U);
    EXPECT_THAT(played.lines, IsEmpty());
}

TEST_F(Tigase5, GivesASecondStreamTheSameResource) {
    const std::string file = "01-stream-tls-plain-bind.txt";
    const std::string title = "same account and resource twice: second login while the first is open";
    auto second = find_dialogue(server, file, title, 1);
    const auto rest = find_dialogue(server, file, title, 3);  // behind the end of the first
    second.lines.insert(second.lines.end(), rest.lines.begin(), rest.lines.end());
    for (const Dialogue& each : {find_dialogue(server, file, title, 0), second})
        EXPECT_EQ(to_string(play(each, wanted).last.bound.jid), "server1@tigase5.test/astvoip1");
}

TEST_F(Tigase, EndsTheStreamWhoseResourceWasTakenByAConflict) {
    for (const char* name : {"tigase-5.1.5", "tigase-8.1.2"}) {
        const std::string title = "same account and resource twice: second login while the first is open";
        const auto ending = find_dialogue(name, "01-stream-tls-plain-bind.txt", title, 2);
        FakeFactory factory;
        Driver stream(account(), factory);
        stream.connect();
        stream.header();
        ASSERT_FALSE(ending.lines.empty());
        EXPECT_EQ(stream.say(ending.lines.front().substr(3)).failure.kind, Kind::conflict) << name;
    }
}

TEST_F(Tigase, ChoosesAResourceWhereNoneIsAskedFor) {
    for (const auto& [name, domain] :
         {std::pair{"tigase-5.1.5", "tigase5.test"}, {"tigase-8.1.2", "tigase8.test"}}) {
        const auto rest = find_dialogue(name, "01-stream-tls-plain-bind.txt", "bind without a resource");
        ASSERT_GE(rest.lines.size(), 2U);
        Account wanted = account_of("server1", domain, "");
        Dialogue whole = find_dialogue(name, "01-stream-tls-plain-bind.txt", plain_title);
        const auto bind = std::ranges::find_if(
            whole.lines, [](const auto& l) { return l.find("<bind") < 60 && l[0] == 'C'; });
        whole.lines.erase(bind, whole.lines.end());
        whole.lines.push_back(rest.lines[0]);
        whole.lines.push_back(rest.lines[1]);
        const auto played = play(whole, wanted);
        if (std::string_view(name) == "tigase-8.1.2")
            EXPECT_EQ(to_string(played.last.bound.jid), "server1@tigase8.test/1204607085-tigase-1");
        else  // it has a session to open, which is not in the dialogue
            EXPECT_THAT(played.other, HasSubstr("<session"));
    }
}

// --- 01-sasl-failures ---

TEST_F(Tigase5, LogsUsInByPlainWithoutTlsWithAWarning) {
    wanted.tls = Account::Tls::none;
    const auto played = play(find_dialogue(server, "01-sasl-failures.txt", "PLAIN without TLS"), wanted);
    EXPECT_EQ(played.last.act, Act::bound) << played.last.failure.text << played.other;
    ASSERT_EQ(played.lines.size(), 1U);
    EXPECT_THAT(played.lines[0].text, HasSubstr("goes over the wire readable"));
}

TEST_F(Tigase8, WithoutTlsOffersNothingAndWeSaySo) {
    wanted.tls = Account::Tls::none;
    const auto played = play(find_dialogue(server, "01-sasl-failures.txt", "PLAIN without TLS"), wanted);
    EXPECT_EQ(played.last.failure.kind, Kind::no_mechanism);
    EXPECT_THAT(played.last.failure.what_to_do, HasSubstr("usetls = yes"));
    EXPECT_EQ(played.same, 1U);
}

TEST_F(Tigase5, RefusesAWrongPasswordAndAnUnknownUserAlike) {
    for (const char* title : {"wrong password", "unknown user"}) {
        wanted.jid.local = std::string_view(title) == "unknown user" ? "nobody" : "server1";
        const auto played = play(find_dialogue(server, "01-sasl-failures.txt", title), wanted);
        EXPECT_EQ(played.last.failure.kind, Kind::not_authorized) << played.other;
        EXPECT_THAT(played.last.failure.text, HasSubstr("not-authorized"));
    }
}

TEST_F(Tigase8, RefusesAWrongPasswordAndAnUnknownUserInItsWords) {
    for (const char* title : {"wrong password", "unknown user"}) {
        wanted.jid.local = std::string_view(title) == "unknown user" ? "nobody" : "server1";
        const auto played = play(find_dialogue(server, "01-sasl-failures.txt", title), wanted);
        EXPECT_EQ(played.last.failure.kind, Kind::not_authorized) << played.other;
        EXPECT_THAT(played.last.failure.text, HasSubstr("not-authorized (Password not verified)"));
    }
}

TEST_F(Tigase, IsNotAskedForAMechanismThatItDoesNotOffer) {
    for (const auto& [name, domain] :
         {std::pair{"tigase-5.1.5", "tigase5.test"}, {"tigase-8.1.2", "tigase8.test"}}) {
        const auto dialogue = find_dialogue(name, "01-sasl-failures.txt", "mechanism not offered");
        EXPECT_EQ(play(dialogue, account_of("server1", domain, "r")).last.failure.kind, Kind::no_mechanism);
    }
}

TEST_F(Tigase, DoesNotKnowAnotherDomain) {
    for (const char* name : {"tigase-5.1.5", "tigase-8.1.2"}) {
        auto dialogue = find_dialogue(name, "01-sasl-failures.txt", "unknown domain in the stream header");
        Account wanted = account();
        const auto& header = dialogue.lines.front();
        const auto at = header.find(" to='") + 5;
        wanted.jid.domain = header.substr(at, header.find('\'', at) - at);
        const auto played = play(dialogue, wanted);
        EXPECT_EQ(played.last.failure.kind, Kind::ended_by_server) << name;
        EXPECT_THAT(played.last.failure.text, HasSubstr("host-unknown"));
    }
}

// --- 01-sasl-scram ---

TEST_F(Tigase8, LogsUsInByScramAndProvesItself) {
    for (const char* hash : {"1", "256"}) {
        const auto dialogue = find_dialogue(server, "01-sasl-scram-sha-" + std::string(hash) + ".txt",
                                            "SASL SCRAM, sha" + std::string(hash));
        const auto played = play(dialogue, wanted);
        EXPECT_EQ(played.last.act, Act::bound) << played.last.failure.text << played.other;
        EXPECT_EQ(played.last.bound.mechanism, "SCRAM-SHA-" + std::string(hash));
        EXPECT_EQ(played.same, 7U);  // header, starttls, header, auth, response, header, bind
    }
}

/// The server of the other tests gives the recorded answers, so what libgsasl agrees with is Tigase's SCRAM.
TEST_F(Tigase8, SpeaksTheScramOfTheServerOfOurTests) {
    for (const char* hash : {"1", "256"}) {
        const auto dialogue = find_dialogue(server, "01-sasl-scram-sha-" + std::string(hash) + ".txt",
                                            "SASL SCRAM, sha" + std::string(hash));
        std::vector<std::string> said;
        for (const std::string& line : dialogue.lines)
            for (const char* tag : {"<auth ", "<challenge ", "<response ", "<success "})
                if (line.find(tag) == 3)
                    said.push_back(from_base64(std::string_view(line).substr(
                        line.find('>') + 1, line.find('<', 4) - line.find('>') - 1)));
        ASSERT_EQ(said.size(), 4U);
        const auto nonce = said[0].substr(said[0].find(",r=") + 3);
        const auto salt = said[1].find(",s=");
        ScramServer model{
            .hash = std::string_view(hash) == "1" ? ScramServer::Hash::sha1 : ScramServer::Hash::sha256,
            .password = "secret",
            .salt = from_base64(said[1].substr(salt + 3, said[1].find(",i=") - salt - 3)),
            .iterations = 4'096,
            .nonce = said[1].substr(2 + nonce.size(), salt - 2 - nonce.size())};
        EXPECT_EQ(model.first(said[0]), said[1]);
        EXPECT_EQ(model.final(said[2]), said[3]);
    }
}

TEST_F(Tigase8, RefusesAWrongPasswordByScramAfterAChallengeSoNothingIsRegistered) {
    wanted.register_account = Account::Register::yes;
    for (const char* hash : {"1", "256"}) {
        const auto dialogue =
            find_dialogue(server, "01-sasl-scram-sha-" + std::string(hash) + ".txt", "wrong password");
        const auto played = play(dialogue, wanted);
        EXPECT_EQ(played.last.failure.kind, Kind::not_authorized) << played.other;
        EXPECT_THAT(played.last.failure.text, HasSubstr("Password not verified"));
        EXPECT_THAT(played.last.failure.text, HasSubstr("not registered"));
    }
}

TEST_F(Tigase5, IsNotAskedForScram) {
    for (const char* hash : {"1", "256"})
        for (const auto& dialogue :
             read_dialogues(server, "01-sasl-scram-sha-" + std::string(hash) + ".txt")) {
            const auto played = play(dialogue, wanted);
            EXPECT_EQ(played.last.failure.kind, Kind::no_mechanism);
            EXPECT_EQ(played.same, 3U);
        }
}

// --- 02-register ---

TEST_F(Tigase5, WhichReplacesThePasswordOfATakenNameIsNeverAskedToRegister) {
    wanted.register_account = Account::Register::yes;
    wanted.jid.local = "nobody";
    const auto dialogue = find_dialogue(server, "01-sasl-failures.txt", "unknown user");
    const auto played = play(dialogue, wanted);
    EXPECT_EQ(played.last.act, Act::fail);
    EXPECT_EQ(played.last.send, "");
    EXPECT_EQ(played.last.failure.kind, Kind::not_authorized);
    EXPECT_THAT(played.last.failure.text, HasSubstr("not registered"));
    EXPECT_THAT(played.last.failure.what_to_do, HasSubstr("make the account on the server"));
    // What it answers to a taken name with another password is a result.
    EXPECT_THAT(answer(server, "<password>other</password>"), HasSubstr("type=\"result\""));
}

/// Its form is that of a server which may replace passwords, whatever it offers.
TEST_F(Tigase5, WouldNotBeAskedIfItOfferedScram) {
    wanted.register_account = Account::Register::yes;
    FakeFactory factory;
    Driver stream(wanted, factory);
    stream.offer({"SCRAM-SHA-1", "PLAIN", "ANONYMOUS"},
                 "<register xmlns='http://jabber.org/features/iq-register'/>");
    stream.sasl("failure", "<not-authorized/>");
    std::string form = answer(server, "type='get' id='c13'");
    const auto out = stream.say(form.replace(form.find("c13"), 3, "form"));
    EXPECT_EQ(out.act, Act::fail);
    EXPECT_EQ(out.send, "");
    EXPECT_THAT(out.failure.text, HasSubstr("replaces the password"));
}

struct Tigase8Registers : Tigase8 {
    Tigase8Registers() { begin(); }
    void begin() {
        wanted.register_account = Account::Register::yes;
        stream = std::make_unique<Driver>(wanted, factory);
        stream->offer({"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "ANONYMOUS"},
                      "<register xmlns='http://jabber.org/features/iq-register'/>");
        EXPECT_THAT(stream->sasl("failure", "<not-authorized/>").send, HasSubstr("id='form'"));
        EXPECT_THAT(say("type='get' id='c13'", "form").send, HasSubstr("<username>server1</username>"));
    }
    Login::Output say(const std::string& request, const std::string& id) {
        std::string text = answer(server, request);
        const auto at = text.find("id=\"") + 4;
        return stream->say(text.replace(at, text.find('"', at) - at, id));
    }

    FakeFactory factory;
    std::unique_ptr<Driver> stream;
};

TEST_F(Tigase8Registers, ThoughItsFormAsksForAnAddressOfMail) {
    EXPECT_THAT(say("id='c14'", "register").send, HasSubstr("mechanism='SCRAM-SHA-256'"));
    EXPECT_THAT(stream->lines().back().text, HasSubstr("was registered"));
}

TEST_F(Tigase8Registers, NoNameThatIsTaken) {
    const auto out = say("id='c17'", "register");
    EXPECT_EQ(out.failure.kind, Kind::registration_refused);
    EXPECT_THAT(out.failure.text, HasSubstr("conflict"));
}

TEST_F(Tigase8Registers, AndItsEchoOfThePasswordIsNotRepeated) {
    for (const char* id : {"id='c18'", "id='c110'"}) {
        begin();
        const auto out = say(id, "register");
        EXPECT_EQ(out.failure.kind, Kind::registration_refused);
        EXPECT_THAT(out.failure.text, Not(HasSubstr("secret")));
    }
}

// --- 11-iq-auth ---

struct Legacy : Tigase {
    static Account legacy(const std::string& domain, Account::Tls tls) {
        Account out = account_of("server2", domain, "astvoip2");
        out.login = Account::Login::legacy;
        out.tls = tls;
        return out;
    }
    static Played play_legacy(const std::string& server, const std::string& title, const Account& wanted) {
        return play(find_dialogue(server, "11-iq-auth.txt", title), wanted);
    }
};

TEST_F(Legacy, Tigase5LogsUsInByThePasswordWithoutTls) {
    const auto played = play_legacy("tigase-5.1.5", "before TLS: request, then set with the password",
                                    legacy("tigase5.test", Account::Tls::none));
    EXPECT_EQ(played.last.act, Act::bound) << played.last.failure.text << played.other;
    EXPECT_EQ(played.same, 3U);
    ASSERT_EQ(played.lines.size(), 1U);
    EXPECT_THAT(played.lines[0].text, HasSubstr("readable"));
}

TEST_F(Legacy, TigaseLogsUsInByThePasswordBehindTls) {
    for (const auto& [name, domain, title] :
         {std::tuple{"tigase-5.1.5", "tigase5.test", "after TLS: request, set with the password"},
          std::tuple{"tigase-8.1.2", "tigase8.test", "after TLS: request, set with the password"}}) {
        const auto played = play_legacy(name, title, legacy(domain, Account::Tls::starttls));
        EXPECT_EQ(played.last.act, Act::bound) << played.last.failure.text << played.other;
        EXPECT_EQ(to_string(played.last.bound.jid), std::string("server2@") + domain + "/astvoip2");
        EXPECT_THAT(played.lines, IsEmpty());
    }
}

TEST_F(Legacy, Tigase8TakesNoneWithoutTls) {
    const auto played = play_legacy("tigase-8.1.2", "before TLS: request, then set with the password",
                                    legacy("tigase8.test", Account::Tls::none));
    EXPECT_EQ(played.last.failure.kind, Kind::no_mechanism) << played.other;
    EXPECT_THAT(played.last.failure.text, HasSubstr("service-unavailable"));
    EXPECT_THAT(played.last.failure.what_to_do, HasSubstr("usesasl = yes"));
}

/// The recorded client sent a digest without asking: the form, in which there is none, is put before it.
TEST_F(Legacy, TigaseIsNotSentADigestItDoesNotAskFor) {
    for (const auto& [name, domain, tls] :
         {std::tuple{"tigase-5.1.5", "tigase5.test", Account::Tls::none},
          std::tuple{"tigase-8.1.2", "tigase8.test", Account::Tls::starttls}}) {
        const auto played =
            play_legacy(name, "digest, as the Asterisk client sends with usesasl=no", legacy(domain, tls));
        EXPECT_THAT(played.other, HasSubstr("type='get'")) << name;
        EXPECT_THAT(played.recorded, HasSubstr("<digest>")) << name;
    }
}

TEST_F(Legacy, ADigestThatTigaseRefusesOrDoesNotAnswerIsAFailureThatSaysWhatToDo) {
    for (const auto& [name, domain, tls] :
         {std::tuple{"tigase-5.1.5", "tigase5.test", Account::Tls::none},
          std::tuple{"tigase-8.1.2", "tigase8.test", Account::Tls::starttls}}) {
        auto dialogue =
            find_dialogue(name, "11-iq-auth.txt", "digest, as the Asterisk client sends with usesasl=no");
        const auto digest = std::ranges::find_if(dialogue.lines, [](const std::string& line) {
            return line.find("<digest>") != std::string::npos;
        });
        const std::vector<std::string> asked = {
            "C: <iq type='get' id='f'><query "
            "xmlns='jabber:iq:auth'><username>server2</username></query></iq>",
            "S: <iq type=\"result\" id=\"f\"><query "
            "xmlns='jabber:iq:auth'><username/><digest/><resource/></query></iq>"};
        dialogue.lines.insert(digest, asked.begin(), asked.end());
        const auto played = play(dialogue, legacy(domain, tls));
        EXPECT_EQ(played.last.failure.kind, Kind::not_authorized) << played.other << played.last.failure.text;
        EXPECT_THAT(played.last.failure.what_to_do, HasSubstr("usesasl = yes"));
    }
}

TEST_F(Legacy, AWrongPasswordIsRefusedOrNotAnswered) {
    for (const auto& [name, domain] :
         {std::pair{"tigase-5.1.5", "tigase5.test"}, {"tigase-8.1.2", "tigase8.test"}}) {
        auto dialogue = find_dialogue(name, "11-iq-auth.txt", "wrong password");
        const auto login = std::ranges::find_if(dialogue.lines, [](const std::string& line) {
            return line.find("<password>") != std::string::npos;
        });
        const std::vector<std::string> asked = {
            "C: <iq type='get' id='f'><query "
            "xmlns='jabber:iq:auth'><username>server2</username></query></iq>",
            "S: <iq type=\"result\" id=\"f\"><query "
            "xmlns='jabber:iq:auth'><username/><password/><resource/></query></iq>"};
        dialogue.lines.insert(login, asked.begin(), asked.end());
        Account wanted = legacy(domain, Account::Tls::starttls);
        wanted.secret = "wrong";
        const auto played = play(dialogue, wanted);
        EXPECT_EQ(played.last.failure.kind, Kind::not_authorized) << played.other << played.last.failure.text;
    }
}

// --- 13-failed-logins ---

TEST_F(Tigase, RefusesTheRightPasswordAfterSevenWrongOnesOrNot) {
    for (const auto& [name, domain] :
         {std::pair{"tigase-5.1.5", "tigase5.test"}, {"tigase-8.1.2", "tigase8.test"}}) {
        const auto dialogues = read_dialogues(name, "13-failed-logins.txt");
        ASSERT_GE(dialogues.size(), 8U);
        for (const Dialogue& each : dialogues) {
            const bool is_refused = each.lines.at(1).find("<failure") != std::string::npos;
            const std::string local = each.title.find("another") == std::string::npos ? "probe2" : "server2";
            const auto played = play(behind_tls(name, each), account_of(local, domain, "r"));
            if (!is_refused) {
                EXPECT_THAT(played.other + played.last.send, HasSubstr("<stream:stream")) << each.title;
                continue;
            }
            EXPECT_EQ(played.last.failure.kind, Kind::not_authorized) << each.title << played.other;
            EXPECT_TRUE(is_lasting(played.last.failure.kind));
            EXPECT_THAT(played.last.failure.what_to_do, HasSubstr("after several wrong passwords"));
        }
    }
}

}  // namespace
}  // namespace lamplight::c2s::test
