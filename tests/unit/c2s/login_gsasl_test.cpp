#include "login_driver.hpp"
#include "scram_server.hpp"

#include <gmock/gmock.h>

namespace lamplight::c2s::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Act = Login::Output::Act;
using Kind = Failure::Kind;
using Refusal = Sasl::Refusal;

// --- the server of these tests, by the examples of the RFCs ---

TEST(TheScramServerOfTheTests, AgreesWithRfc5802) {
    ScramServer server{.hash = ScramServer::Hash::sha1,
                       .password = "pencil",
                       .salt = from_base64("QSXCR+Q6sek8bf92"),
                       .iterations = 4'096,
                       .nonce = "3rfcNHYJY1ZVvWVs7j"};
    EXPECT_EQ(server.first("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"),
              "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096");
    EXPECT_EQ(server.final("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
                           "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="),
              "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
}

TEST(TheScramServerOfTheTests, AgreesWithRfc7677) {
    ScramServer server{.hash = ScramServer::Hash::sha256,
                       .password = "pencil",
                       .salt = from_base64("W22ZaJ0SNY7soEsUEjb6gQ=="),
                       .iterations = 4'096,
                       .nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"};
    server.first("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    EXPECT_EQ(server.final("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                           "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
              "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

// --- libgsasl against it ---

struct Gsasl : testing::TestWithParam<const char*> {
    Account wanted = account();
    std::unique_ptr<SaslFactory> factory = make_gsasl();
    ScramServer server{.hash = std::string_view(GetParam()) == "SCRAM-SHA-1" ? ScramServer::Hash::sha1
                                                                             : ScramServer::Hash::sha256};

    std::unique_ptr<Sasl> make() { return factory->make(GetParam(), wanted); }
    /// The refusal of the server's first message.
    tl::expected<std::string, Refusal> answer_to(const std::string& first) {
        const auto sasl = make();
        EXPECT_TRUE(sasl->start());
        return sasl->step(first);
    }
};

TEST_P(Gsasl, ProvesThePasswordAndVerifiesTheServer) {
    const auto sasl = make();
    ASSERT_NE(sasl, nullptr);
    EXPECT_EQ(sasl->mechanism(), GetParam());
    const auto first = sasl->start();
    ASSERT_TRUE(first);
    EXPECT_THAT(*first, StartsWith("n,,n=server1,r="));
    const auto last = sasl->step(server.first(*first));
    ASSERT_TRUE(last);
    const auto proof = server.final(*last);
    ASSERT_TRUE(proof);
    EXPECT_TRUE(sasl->succeeded(*proof));
}

TEST_P(Gsasl, TakesTheServersProofAsAChallengeToo) {
    const auto sasl = make();
    const auto last = sasl->step(server.first(*sasl->start()));
    const auto empty = sasl->step(*server.final(*last));
    ASSERT_TRUE(empty);
    EXPECT_EQ(*empty, "");
    EXPECT_TRUE(sasl->succeeded(""));
}

TEST_P(Gsasl, WritesANameWithCommasAndEqualsSignsAsTheRfcSays) {
    wanted.jid.local = "a=b,c";
    const auto sasl = make();
    const auto first = sasl->start();
    ASSERT_TRUE(first);
    EXPECT_THAT(*first, StartsWith("n,,n=a=3Db=2Cc,r="));
    EXPECT_TRUE(server.final(*sasl->step(server.first(*first))));
}

TEST_P(Gsasl, RefusesAServerThatDoesNotKnowThePassword) {
    ScramServer impostor = server;
    impostor.password = "guess";
    const auto sasl = make();
    const auto last = sasl->step(impostor.first(*sasl->start()));
    ASSERT_TRUE(last);
    EXPECT_FALSE(impostor.final(*last));
    for (const std::string& proof :
         {std::string("v=") + to_base64(std::string(32, 'x')), std::string("v="),
          std::string("e=invalid-proof"), std::string("v=!"), std::string("x"), std::string(1, '\0')}) {
        const auto another = make();
        ASSERT_TRUE(another->step(server.first(*another->start())));
        EXPECT_EQ(another->succeeded(proof).error(), Refusal::server_not_verified) << proof;
    }
}

TEST_P(Gsasl, RefusesAServerThatProvesNothing) {
    const auto early = make();
    ASSERT_TRUE(early->start());
    EXPECT_EQ(early->succeeded("").error(), Refusal::server_not_verified);
    const auto late = make();
    ASSERT_TRUE(late->step(server.first(*late->start())));
    EXPECT_EQ(late->succeeded("").error(), Refusal::server_not_verified);
}

TEST_P(Gsasl, RefusesAProofOfAnotherExchange) {
    const auto recorded = make();
    const auto proof = server.final(*recorded->step(server.first(*recorded->start())));
    ASSERT_TRUE(proof);
    const auto sasl = make();
    ASSERT_TRUE(sasl->step(server.first(*sasl->start())));
    EXPECT_EQ(sasl->succeeded(*proof).error(), Refusal::server_not_verified);
}

TEST_P(Gsasl, RefusesMoreAfterTheEnd) {
    const auto sasl = make();
    const auto proof = server.final(*sasl->step(server.first(*sasl->start())));
    ASSERT_TRUE(sasl->step(*proof));
    EXPECT_EQ(sasl->step(*proof).error(), Refusal::malformed);
    EXPECT_EQ(sasl->succeeded(*proof).error(), Refusal::malformed);
}

TEST_P(Gsasl, RefusesIterationsOutOfBoundsBeforeItHashes) {
    for (const char* iterations : {"1000000000", "1000001", "4095", "1", "99999999999999999999"}) {
        const auto sasl = make();
        const std::string nonce = sasl->start()->substr(std::string_view("n,,n=server1,r=").size());
        const auto refused = sasl->step("r=" + nonce + "x,s=QSXCR+Q6sek8bf92,i=" + iterations);
        ASSERT_FALSE(refused) << iterations;
        EXPECT_EQ(refused.error(), Refusal::too_many_iterations) << iterations;
    }
}

TEST_P(Gsasl, RefusesANonceThatIsNotOurs) {
    server.nonce = "more";
    for (const std::string& first : {server.first("n,,n=server1,r=fyko+d2lbbFgONRv9qkxdawL"),
                                     std::string("r=,s=QSXCR+Q6sek8bf92,i=4096")})
        EXPECT_EQ(answer_to(first).error(), Refusal::malformed) << first;
    server.nonce = "";
    const auto sasl = make();
    EXPECT_EQ(sasl->step(server.first(*sasl->start())).error(), Refusal::malformed) << "ours alone";
}

TEST_P(Gsasl, RefusesWhatIsNoFirstMessage) {
    for (const char* rest :
         {"", ",", ",s=", ",s=,i=4096", ",s=QSXCR+Q6sek8bf92", ",s=QSXCR+Q6sek8bf92,i=",
          ",s=QSXCR+Q6sek8bf92,i=x", ",s=QSXCR+Q6sek8bf92,i=04096", ",s=QSXCR+Q6sek8bf92,i=4096x",
          ",s=QSXCR+Q6sek8bf92,i=-4096", ",s=QSXCR+Q6sek8bf92,i=4096 ", ",s=!!!!,i=4096",
          ",i=4096,s=QSXCR+Q6sek8bf92", ",s=QSXCR+Q6sek8bf92,j=4096", ",s=QSXCR+Q6sek8bf92;i=4096"}) {
        const auto sasl = make();
        const std::string nonce = sasl->start()->substr(std::string_view("n,,n=server1,r=").size());
        const auto refused = sasl->step("r=" + nonce + "x" + rest);
        ASSERT_FALSE(refused) << rest;
        EXPECT_EQ(refused.error(), Refusal::malformed) << rest;
    }
    EXPECT_EQ(answer_to("").error(), Refusal::malformed);
    EXPECT_EQ(answer_to("m=ext,r=x,s=QSXCR+Q6sek8bf92,i=4096").error(), Refusal::malformed);
    EXPECT_EQ(answer_to(std::string(3, '\0')).error(), Refusal::malformed);
}

TEST_P(Gsasl, LogsInThroughTheWholeLogin) {
    Driver stream(wanted, *factory);
    const auto auth = stream.offer({GetParam(), "PLAIN"});
    const auto text = [](const std::string& element) {
        const auto begin = element.find('>') + 1;
        return from_base64(std::string_view(element).substr(begin, element.find('<', begin) - begin));
    };
    const auto response = stream.sasl("challenge", to_base64(server.first(text(auth.send))));
    const auto proof = server.final(text(response.send));
    ASSERT_TRUE(proof);
    EXPECT_EQ(stream.sasl("success", to_base64(*proof)).act, Act::restart_stream);
}

TEST_P(Gsasl, EndsTheLoginOfAServerWithoutAProof) {
    Driver stream(wanted, *factory);
    stream.offer({GetParam(), "PLAIN"});
    const auto out = stream.sasl("success", "");
    EXPECT_EQ(out.act, Act::fail);
    EXPECT_EQ(out.failure.kind, Kind::server_not_verified);
}

INSTANTIATE_TEST_SUITE_P(Each, Gsasl, testing::Values("SCRAM-SHA-1", "SCRAM-SHA-256"), [](const auto& each) {
    return std::string_view(each.param) == "SCRAM-SHA-1" ? "Sha1" : "Sha256";
});

// --- the others ---

TEST(GsaslPlain, IsTheNameAndTheSecret) {
    const auto factory = make_gsasl();
    const auto sasl = factory->make("PLAIN", account());
    ASSERT_NE(sasl, nullptr);
    EXPECT_EQ(*sasl->start(), std::string("\0server1\0secret", 15));
    EXPECT_TRUE(sasl->succeeded(""));
    EXPECT_FALSE(sasl->step("x"));
}

TEST(GsaslExternal, LeavesTheNameToTheCertificate) {
    const auto factory = make_gsasl();
    const auto sasl = factory->make("EXTERNAL", account());
    ASSERT_NE(sasl, nullptr);
    EXPECT_EQ(*sasl->start(), "");
    EXPECT_TRUE(sasl->succeeded(""));
}

TEST(GsaslDigestMd5, AnswersAChallengeAndWantsTheServersProof) {
    const auto factory = make_gsasl();
    const auto sasl = factory->make("DIGEST-MD5", account());
    ASSERT_NE(sasl, nullptr);
    EXPECT_EQ(*sasl->start(), "");
    const auto answer = sasl->step(
        R"(realm="example.org",nonce="11749194527474137895",qop="auth",charset=utf-8,algorithm=md5-sess)");
    ASSERT_TRUE(answer);
    EXPECT_THAT(*answer, HasSubstr(R"(username="server1")"));
    EXPECT_THAT(*answer, HasSubstr(R"(digest-uri="xmpp/example.org")"));
    EXPECT_EQ(sasl->succeeded("").error(), Refusal::server_not_verified);
    EXPECT_EQ(sasl->succeeded("rspauth=cd66781a68aff53c7cd6d9ed93fd6045").error(),
              Refusal::server_not_verified);
}

TEST(GsaslDigestMd5, RefusesAChallengeOfSomethingElse) {
    const auto factory = make_gsasl();
    const auto sasl = factory->make("DIGEST-MD5", account());
    ASSERT_TRUE(sasl->start());
    EXPECT_EQ(sasl->step("hello").error(), Refusal::malformed);
}

TEST(GsaslFactory, DoesNotMakeWhatItDoesNotHave) {
    const auto factory = make_gsasl();
    EXPECT_EQ(factory->make("X-OAUTH2", account()), nullptr);
    EXPECT_EQ(factory->make("", account()), nullptr);
}

TEST(GsaslFactory, AnExchangeOutlivesIt) {
    auto factory = make_gsasl();
    const auto sasl = factory->make("SCRAM-SHA-256", account());
    factory.reset();
    EXPECT_TRUE(sasl->start());
}

TEST(GsaslFactory, MakesTheDigestThatAsteriskSends) {
    const auto factory = make_gsasl();
    // tests/data/xmpp/logins/*/11-iq-auth.txt
    EXPECT_EQ(factory->legacy_digest("852075fe-671d-4742-9eaa-b79729d35cd4", account()),
              "0ecd685859cdb9bc6954b2e8b808955aff78f1cb");
    EXPECT_EQ(factory->legacy_digest("305532cd-5d61-4ae6-83af-8bf35509181a", account()),
              "6f033cc7cfa4dc15753424e9c3bf0ce11dc4a163");
}

}  // namespace
}  // namespace lamplight::c2s::test
