#include "conf/jabber_conf.hpp"

#include "support.hpp"

#include <filesystem>

namespace lamplight::conf {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string main_path = "/etc/lamplight/lamplight.conf";
const std::string jabber_path = "/etc/asterisk/jabber.conf";
const std::string xmpp_path = "/etc/asterisk/xmpp.conf";
const std::string login = "username = server1@example.org/astvoip1\nsecret = mypassword\n";
const std::string one_client =
    "[asterisk]\n" + login + "distribute_events = yes\npubsub_node = pubsub.example.org\n";

MemoryFiles files_with(const std::string& main, const std::string& path, const std::string& content) {
    return MemoryFiles({{main_path, "[general]\nconfig_dir = /etc/asterisk\n" + main}, {path, content}});
}

Loaded load_from(const MemoryFiles& files) {
    return load(main_path, MainFile::must_exist, files, {"host1", "machine"});
}

Loaded load_jabber_with(const std::string& content) {
    return load_from(files_with("", jabber_path, content));
}

Loaded load_xmpp_with(const std::string& content) {
    return load_from(files_with("", xmpp_path, content));
}

/// The only client; a failure where there is another number.
JabberClient client_of(const Loaded& loaded) {
    EXPECT_EQ(loaded.value.jabber.clients.size(), 1u);
    return loaded.value.jabber.clients.empty() ? JabberClient() : loaded.value.jabber.clients[0];
}

/// Of a file with one client that has these lines, too, from line 6 on.
Loaded load_client(const std::string& lines) {
    return load_jabber_with(one_client + lines);
}

std::vector<std::string> problems_of_client(const std::string& lines) {
    return lines_of(load_client(lines).problems);
}

std::vector<std::string> names_of(const JabberSettings& settings) {
    std::vector<std::string> names;
    for (const JabberClient& client : settings.clients)
        names.push_back(client.name);
    return names;
}

std::vector<std::string> buddies_of(const JabberClient& client) {
    std::vector<std::string> buddies;
    for (const JabberBuddy& buddy : client.buddies)
        buddies.push_back(buddy.jid + (buddy.eid ? " " + to_string(*buddy.eid) : ""));
    return buddies;
}

// --- the file ---

TEST(JabberConf, ThatIsNotThereIsNoProblem) {
    const Loaded loaded = load_from(one_file(main_path, ""));
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    EXPECT_FALSE(loaded.value.jabber.present);
    EXPECT_THAT(loaded.value.jabber.file, IsEmpty());
    EXPECT_THAT(loaded.value.jabber.clients, IsEmpty());
}

TEST(JabberConf, OfTheBookIsReadUntouched) {
    for (const std::string& number : {std::string("1"), std::string("2")}) {
        const auto folder = std::filesystem::path(LAMPLIGHT_TEST_DATA) / "conf/book" / ("server" + number);
        Configuration running;
        running.config_dir = folder;
        const auto loaded = load_jabber(running, DiskFiles());
        EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
        EXPECT_EQ(loaded.value.file, "jabber.conf");
        ASSERT_EQ(loaded.value.clients.size(), 1u);
        const JabberClient& client = loaded.value.clients[0];
        const std::string other = number == "1" ? "2" : "1";
        EXPECT_EQ(client.name, "asterisk");
        EXPECT_EQ(client.username, "server" + number + "@jabber.shifteight.org");
        EXPECT_EQ(client.resource, "astvoip" + number);
        EXPECT_EQ(client.secret, "mypassword");
        EXPECT_EQ(client.server_host, "jabber.shifteight.org");
        EXPECT_EQ(client.pubsub_node, "pubsub.jabber.shifteight.org");
        EXPECT_TRUE(client.distribute_events && client.use_sasl && client.autoregister);
        EXPECT_FALSE(client.use_tls);
        EXPECT_EQ(client.usetls_place, (Place{(folder / "jabber.conf").string(), 12}));
        EXPECT_THAT(buddies_of(client),
                    ElementsAre("server" + other + "@jabber.shifteight.org/astvoip" + other));
    }
}

TEST(JabberConf, IsReadAsXmppConfToo) {
    const Loaded loaded = load_xmpp_with(one_client + "serverhost = xmpp.example.org\n");
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    EXPECT_TRUE(loaded.value.jabber.present);
    EXPECT_EQ(loaded.value.jabber.file, "xmpp.conf");
    EXPECT_THAT(loaded.files_read, Contains(xmpp_path));
}

TEST(JabberConf, BesideXmppConfIsNotRead) {
    MemoryFiles files = files_with("", xmpp_path, one_client + "serverhost = a.example.org\n");
    files.put(jabber_path, "nonsense\n");
    const Loaded loaded = load_from(files);
    EXPECT_THAT(
        lines_of(loaded.problems),
        ElementsAre("warning /etc/asterisk/jabber.conf: the file is not read, /etc/asterisk/xmpp.conf "
                    "counts, remove one of them"));
    EXPECT_EQ(loaded.value.jabber.file, "xmpp.conf");
    EXPECT_THAT(loaded.files_read, Not(Contains(jabber_path)));
}

TEST(JabberConf, DoesNotStandInForAnXmppConfThatCannotBeRead) {
    MemoryFiles files = files_with("", jabber_path, one_client);
    files.fail(xmpp_path, {ReadFailure::not_readable, "Permission denied"});
    const Loaded loaded = load_from(files);
    EXPECT_FALSE(loaded.ok());
    EXPECT_THAT(lines_of(loaded.problems), Contains(HasSubstr("xmpp.conf: the file cannot be read")));
    EXPECT_FALSE(loaded.value.jabber.present);
}

TEST(JabberConf, OfAModuleThatIsExcludedByEitherNameIsNotRead) {
    for (const char* rules : {"[modules]\nnoload = res_jabber.so\n", "[modules]\nnoload = res_xmpp\n",
                              "[modules]\nload = res_jabber.so\nnoload = res_xmpp.so\n",
                              "[modules]\nautoload = no\nload = bus_local\n"}) {
        const Loaded loaded = load_from(files_with(rules, jabber_path, "[x]\nnonsense = y\n"));
        EXPECT_THAT(lines_of(loaded.problems), IsEmpty()) << rules;
        EXPECT_FALSE(loaded.value.jabber.present) << rules;
    }
    for (const char* rules : {"[modules]\nautoload = no\nload = res_jabber.so\n",
                              "[modules]\nautoload = no\nrequire = res_xmpp.so\n"})
        EXPECT_TRUE(load_from(files_with(rules, jabber_path, one_client)).value.jabber.present) << rules;
}

TEST(JabberConf, IsReadAgainByItself) {
    MemoryFiles files = files_with("[modules]\nnoload = res_jabber.so\n", jabber_path, one_client);
    const Configuration running = load_from(files).value;
    files.put(jabber_path, one_client + "#include more.conf\n");
    files.put("/etc/asterisk/more.conf", "buddy = server2@example.org\n");
    const auto again = load_jabber(running, files);
    EXPECT_THAT(lines_of(again.problems), IsEmpty());
    ASSERT_EQ(again.value.clients.size(), 1u);
    EXPECT_THAT(buddies_of(again.value.clients[0]), ElementsAre("server2@example.org"));
    EXPECT_THAT(again.files_read, ElementsAre(jabber_path, "/etc/asterisk/more.conf"));
    EXPECT_FALSE(load_jabber(running, MemoryFiles()).value.present);
}

TEST(JabberConf, WithoutAClientIsWarnedAbout) {
    const std::string warning =
        "warning /etc/asterisk/jabber.conf: there is no client, no section but [general] names an account, "
        "write a section with username, secret and distribute_events = yes";
    EXPECT_THAT(lines_of(load_jabber_with("[general]\ndebug = yes\n").problems), ElementsAre(warning));
    EXPECT_THAT(lines_of(load_jabber_with("").problems), ElementsAre(warning));
}

TEST(JabberConf, ThatDistributesNothingIsNoticed) {
    const Loaded loaded = load_jabber_with("[asterisk]\n" + login);
    EXPECT_THAT(
        lines_of(loaded.problems),
        ElementsAre("notice /etc/asterisk/jabber.conf: no device state is exchanged over XMPP, no client "
                    "says distribute_events = yes, add it if that is not meant"));
}

// --- defaults ---

TEST(JabberClient, HasTheDefaultsOfTheFileItStandsIn) {
    const JabberClient jabber =
        client_of(load_jabber_with("[asterisk]\nusername = pbx@example.org\nsecret = x\n"));
    EXPECT_EQ(jabber.resource, "asterisk");
    EXPECT_EQ(jabber.priority, 0);
    const JabberClient xmpp = client_of(
        load_xmpp_with("[asterisk]\nusername = pbx@example.org\nsecret = x\nserverhost = example.org\n"));
    EXPECT_EQ(xmpp.resource, "asterisk-xmpp");
    EXPECT_EQ(xmpp.priority, 1);
    for (const JabberClient& client : {jabber, xmpp}) {
        EXPECT_EQ(client.username, "pbx@example.org");
        EXPECT_EQ(client.port, 5222);
        EXPECT_FALSE(client.port_given);
        EXPECT_TRUE(client.use_tls && client.use_sasl && client.keepalive && client.tls_verify);
        EXPECT_TRUE(client.autoregister && client.auth_policy_accept);
        EXPECT_FALSE(client.debug || client.autoprune || client.collection_nodes || client.pubsub_autocreate);
        EXPECT_FALSE(client.distribute_events || client.srv || client.register_account);
        EXPECT_EQ(client.tls_mode, JabberClient::TlsMode::starttls);
        EXPECT_EQ(client.status, "available");
        EXPECT_EQ(client.status_message, "Online and Available");
        EXPECT_THAT(client.tls_ca + client.tls_certificate + client.tls_private_key, IsEmpty());
        EXPECT_THAT(client.buddies, IsEmpty());
        EXPECT_EQ(client.usetls_place, client.place);
    }
}

TEST(JabberClient, OfXmppConfWithoutServerhostTakesTheDomainWithAWarning) {
    const Loaded loaded = load_xmpp_with(one_client);
    EXPECT_THAT(
        lines_of(loaded.problems),
        ElementsAre("warning /etc/asterisk/xmpp.conf:1: [asterisk] has no serverhost, Asterisk does not "
                    "take it so, Lamplight connects to example.org, write serverhost = example.org"));
    EXPECT_THAT(client_of(loaded).server_host, IsEmpty());
    EXPECT_THAT(lines_of(load_xmpp_with(one_client + "srv = yes\n").problems), IsEmpty())
        << "the domain's records name the host";
    EXPECT_THAT(lines_of(load_jabber_with(one_client).problems), IsEmpty());
}

TEST(JabberClient, TakesFromGeneralWhatItDoesNotSayItself) {
    const Loaded loaded = load_jabber_with(
        "[general]\nDebug = yes\nautoprune = on\nautoregister = no\nauth_policy = deny\n"
        "collection_nodes = yes\npubsub_autocreate = 1\n" +
        one_client + "[other]\nusername = b@example.org\nsecret = x\nautoprune = no\nauth_policy = accept\n");
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    ASSERT_THAT(names_of(loaded.value.jabber), ElementsAre("asterisk", "other"));
    const JabberClient& first = loaded.value.jabber.clients[0];
    EXPECT_TRUE(first.debug && first.autoprune && first.collection_nodes && first.pubsub_autocreate);
    EXPECT_FALSE(first.autoregister || first.auth_policy_accept);
    const JabberClient& second = loaded.value.jabber.clients[1];
    EXPECT_TRUE(second.debug && second.auth_policy_accept);
    EXPECT_FALSE(second.autoprune || second.autoregister);
}

TEST(JabberClient, TakesFromAGeneralBehindItToo) {
    EXPECT_TRUE(client_of(load_jabber_with(one_client + "[general]\ndebug = yes\n")).debug);
}

TEST(JabberClient, TakesEveryOption) {
    MemoryFiles files =
        files_with("", jabber_path,
                   one_client +
                       "type = CLIENT\nserverhost = 192.0.2.1\nport = 5333\nUseTLS = y\nusesasl = 1\n"
                       "keepalive = no\npriority = -3\nstatus = XAway\nstatusmessage = At work\n"
                       "debug = t\nregister_account = yes\ntls_verify = no\ntls_mode = direct\n"
                       "tls_ca = ca.pem\ntls_certificate = /c.pem\ntls_private_key = keys/k.pem\n"
                       "timeout = 9\ncontext = x\nsendtodialplan = yes\nforceoldssl = no\n"
                       "refresh_token = a\noauth_clientid = b\noauth_secret = c\n");
    files.put("/etc/asterisk/ca.pem", "-----BEGIN CERTIFICATE-----\n");
    files.put("/c.pem", "-----BEGIN CERTIFICATE-----\n");
    files.put("/etc/asterisk/keys/k.pem", "-----BEGIN PRIVATE KEY-----\n");
    const Loaded loaded = load_from(files);
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    const JabberClient client = client_of(loaded);
    EXPECT_EQ(client.server_host, "192.0.2.1");
    EXPECT_EQ(client.port, 5333);
    EXPECT_TRUE(client.port_given && client.use_tls && client.use_sasl && client.debug &&
                client.register_account);
    EXPECT_FALSE(client.keepalive || client.tls_verify);
    EXPECT_EQ(client.priority, -3);
    EXPECT_EQ(client.status, "xaway");
    EXPECT_EQ(client.status_message, "At work");
    EXPECT_EQ(client.tls_mode, JabberClient::TlsMode::direct);
    EXPECT_EQ(client.tls_ca, "/etc/asterisk/ca.pem");
    EXPECT_EQ(client.tls_certificate, "/c.pem");
    EXPECT_EQ(client.tls_private_key, "/etc/asterisk/keys/k.pem");
    EXPECT_EQ(client.place, (Place{jabber_path, 1}));
    EXPECT_EQ(client.usetls_place, (Place{jabber_path, 9}));
}

TEST(JabberClient, WithTlsFromTheFirstByteHasAPortOfItsOwn) {
    EXPECT_EQ(client_of(load_client("tls_mode = direct\n")).port, 5223);
    EXPECT_EQ(client_of(load_client("tls_mode = direct\nport = 5222\n")).port, 5222);
}

TEST(JabberClient, MayComeFromATemplate) {
    const Loaded loaded = load_jabber_with("[any](!)\nusetls = no\nport = 70000\n" + one_client +
                                           "[b](any)\nusername = b@example.org\nsecret = x\n"
                                           "[c](any)\nusername = c@example.org\nsecret = x\n");
    EXPECT_THAT(names_of(loaded.value.jabber), ElementsAre("asterisk", "b", "c"));
    EXPECT_FALSE(loaded.value.jabber.clients[1].use_tls);
    EXPECT_EQ(loaded.value.jabber.clients[1].usetls_place, (Place{jabber_path, 2}));
    EXPECT_THAT(lines_of(loaded.problems), ElementsAre(HasSubstr("jabber.conf:3: port = 70000 is refused")))
        << "said once, however many inherit it";
}

// --- who logs in ---

TEST(JabberClient, NeedsAnAccount) {
    EXPECT_THAT(
        lines_of(load_jabber_with("[a]\ndistribute_events = yes\nsecret = x\n").problems),
        ElementsAre("error /etc/asterisk/jabber.conf:1: [a] has no username, without an account it cannot "
                    "log in, write username = NAME@DOMAIN"));
    EXPECT_THAT(
        lines_of(
            load_jabber_with("[a]\ndistribute_events = yes\nusername = a@b\npubsub_node = p\n").problems),
        ElementsAre(
            "error /etc/asterisk/jabber.conf:1: [a] has no secret, it cannot log in without one, unless "
            "tls_certificate names a certificate, write secret = PASSWORD"));
    EXPECT_THAT(lines_of(load_jabber_with("[a]\nusername = a@b\nsecret =\n").problems),
                Contains(HasSubstr("error /etc/asterisk/jabber.conf:3: secret =  is refused")));
}

TEST(JabberClient, HasNoLoginByOauth) {
    EXPECT_THAT(lines_of(load_jabber_with("[a]\nusername = a@b\nrefresh_token = zzz\n").problems),
                Contains(AllOf(HasSubstr("error"), HasSubstr("no login by OAuth"), Not(HasSubstr("zzz")))));
}

TEST(JabberClient, HasAnAccountThatIsAnAddress) {
    for (const char* name : {"server1", "@example.org", "a@", "a b@example.org", "a@b@c", "a@example.org/",
                             "a'b@example.org", "a@exa mple.org"}) {
        const Loaded loaded = load_jabber_with("[a]\nusername = " + std::string(name) +
                                               "\nsecret = x\ndistribute_events = yes\n");
        EXPECT_THAT(lines_of(loaded.problems),
                    ElementsAre(HasSubstr("error /etc/asterisk/jabber.conf:2: username = " +
                                          std::string(name) + " is refused")));
    }
    const std::string longest(1'023, 'a');
    EXPECT_TRUE(load_jabber_with("[a]\nusername = " + longest + "@b/c d@e/f\nsecret = x\n").ok());
    EXPECT_FALSE(load_jabber_with("[a]\nusername = " + longest + "a@b\nsecret = x\n").ok());
    EXPECT_FALSE(load_jabber_with("[a]\nusername = a@b/" + longest + "a\nsecret = x\n").ok());
    EXPECT_FALSE(load_jabber_with("[a]\nusername = a@b/\x01"
                                  "c\nsecret = x\n")
                     .ok());
}

TEST(JabberClient, HasNothingInItsAddressesThatAStanzaCannotHave) {
    for (const char* part : {"\xe9", "\xef\xbf\xbe", "\x7f", "\xed\xa0\x80"}) {
        const std::string text(part);
        EXPECT_FALSE(load_client("buddy = a" + text + "@example.org\n").ok());
        EXPECT_FALSE(load_client("buddy = a@example.org/" + text + "x\n").ok());
        EXPECT_FALSE(load_client("pubsub_node = a" + text + "b\n").ok());
        const Loaded loaded = load_client("statusmessage = a" + text + "b\n");
        EXPECT_TRUE(loaded.ok());
        EXPECT_EQ(client_of(loaded).status_message, "Online and Available");
    }
    EXPECT_THAT(problems_of_client("buddy = zoë@exämple.org/büro\nstatusmessage = da, schön\n"), IsEmpty());
}

TEST(JabberClient, HasADomainWithOrWithoutADotAtItsEnd) {
    EXPECT_EQ(client_of(load_client("username = a@example.org./x\n")).username, "a@example.org");
    EXPECT_FALSE(load_client("username = a@./x\n").ok());
    EXPECT_FALSE(load_client("username = a@..\n").ok());
    EXPECT_FALSE(load_client("buddy = a@example.org..\n").ok());
}

TEST(JabberClient, WithASecondUsernameForgetsTheResourceOfTheFirst) {
    EXPECT_EQ(client_of(load_client("username = b@example.org\n")).resource, "asterisk");
}

TEST(JabberClient, MayNotBeLoggedInTwice) {
    const auto with_second = [](const std::string& username) {
        return lines_of(
            load_jabber_with(one_client + "[b]\nusername = " + username + "\nsecret = x\n").problems);
    };
    EXPECT_THAT(
        with_second("SERVER1@Example.org/astvoip1"),
        ElementsAre("error /etc/asterisk/jabber.conf:7: [asterisk] and [b] are both "
                    "SERVER1@Example.org/astvoip1, each would throw the other out, give one of them another "
                    "resource or account"));
    EXPECT_THAT(with_second("server1@example.org/astvoip2"), IsEmpty());
    EXPECT_THAT(with_second("server1@example.org/ASTVOIP1"), IsEmpty()) << "resources have a case";
    EXPECT_THAT(with_second("server1@example.org"), IsEmpty());
    EXPECT_THAT(with_second("server2@example.org/astvoip1"), IsEmpty());
}

TEST(JabberClient, SharesItsNodeOnlyWithWhoHasTheSameBuddies) {
    const auto with_second = [](const std::string& buddies, const std::string& more = {}) {
        return lines_of(load_jabber_with(one_client +
                                         "buddy = a@example.org/x\nbuddy = *@example.org\n[b]\n"
                                         "username = Server1@example.org/two\nsecret = x\n"
                                         "distribute_events = yes\n" +
                                         (more.empty() ? "pubsub_node = pubsub.example.org\n" : more) +
                                         buddies)
                            .problems);
    };
    const auto warning = ElementsAre(
        "warning /etc/asterisk/jabber.conf:9: [asterisk] and [b] are both Server1@example.org with other "
        "buddies, they have one node, and each takes from it whom it does not know, give both the same "
        "buddies, or one of them another account");
    EXPECT_THAT(with_second("buddy = a@example.org\n"), warning);
    EXPECT_THAT(with_second("buddy = *@example.org\nbuddy = A@Example.org/y\nbuddy = c@example.org\n"),
                warning);
    EXPECT_THAT(with_second("buddy = *@example.org\nbuddy = A@Example.org/y\n"), IsEmpty());
    EXPECT_THAT(with_second("buddy = a@example.org\n", "pubsub_node = pubsub.other.org\n"), IsEmpty());
    EXPECT_THAT(with_second("buddy = a@example.org\n", "distribute_events = no\n"), IsEmpty());
}

TEST(JabberClient, NeedsNoSecretWithACertificateThatItMayUse) {
    const auto problems = [](const std::string& lines) {
        MemoryFiles files = files_with("", jabber_path,
                                       "[a]\nusername = a@b\ndistribute_events = yes\npubsub_node = p\n"
                                       "tls_certificate = /c.pem\n" +
                                           lines);
        files.put("/c.pem", "-----BEGIN CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\n");
        return lines_of(load_from(files).problems);
    };
    EXPECT_THAT(problems(""), IsEmpty());
    const std::string needs_both =
        "error /etc/asterisk/jabber.conf:1: [a] has no secret, a certificate is enough only with usetls = "
        "yes and "
        "usesasl = yes, write secret = PASSWORD";
    EXPECT_THAT(problems("usesasl = no\n"), ElementsAre(needs_both));
    EXPECT_THAT(problems("usetls = no\n"), Contains(needs_both));
    EXPECT_THAT(
        problems("register_account = yes\n"),
        ElementsAre("error /etc/asterisk/jabber.conf:6: register_account needs a secret, an account that is "
                    "made gets it as its password, write secret = PASSWORD or remove it"));
    EXPECT_THAT(problems("register_account = yes\nsecret = x\n"), IsEmpty());
}

TEST(JabberClient, MayRegisterItsAccountInTheClearOnlyBecauseUsetlsSaysSo) {
    EXPECT_THAT(problems_of_client("register_account = yes\nusetls = no\n"), IsEmpty());
    EXPECT_TRUE(client_of(load_client("register_account = yes\n")).use_tls);
}

// --- TLS ---

TEST(JabberClient, HasFilesOfTlsThatAreOfUse) {
    MemoryFiles files = files_with("", jabber_path, one_client + "tls_ca = /ca.pem\n");
    EXPECT_THAT(
        lines_of(load_from(files).problems),
        ElementsAre(AllOf(HasSubstr("error /etc/asterisk/jabber.conf:6: tls_ca = /ca.pem is of no use, "),
                          HasSubstr("correct the name, or let the daemon's user read it"))));
    files.put("/ca.pem", "0\x82");
    EXPECT_THAT(lines_of(load_from(files).problems),
                ElementsAre(HasSubstr("it holds no certificate in PEM")));
    files.put("/ca.pem", "-----BEGIN CERTIFICATE-----\n");
    EXPECT_THAT(lines_of(load_from(files).problems), IsEmpty());
}

TEST(JabberClient, HasTheKeyOfItsCertificate) {
    MemoryFiles files = files_with("", jabber_path, one_client + "tls_certificate = /c.pem\n");
    files.put("/c.pem", "-----BEGIN CERTIFICATE-----\n");
    EXPECT_THAT(lines_of(load_from(files).problems),
                ElementsAre(HasSubstr("it holds no private key in PEM")));
    files.put(jabber_path, one_client + "tls_certificate = /c.pem\ntls_private_key = /k.pem\n");
    EXPECT_THAT(
        lines_of(load_from(files).problems),
        ElementsAre(HasSubstr("error /etc/asterisk/jabber.conf:7: tls_private_key = /k.pem is of no use")));
    files.put("/k.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
    EXPECT_THAT(lines_of(load_from(files).problems), ElementsAre(HasSubstr("the private key is encrypted")));
    files.put("/k.pem", "-----BEGIN PRIVATE KEY-----\n");
    EXPECT_THAT(lines_of(load_from(files).problems), IsEmpty());
    files.put(jabber_path, one_client + "tls_private_key = /k.pem\n");
    EXPECT_THAT(
        lines_of(load_from(files).problems),
        ElementsAre(HasSubstr("warning /etc/asterisk/jabber.conf:6: tls_private_key has no certificate")));
}

TEST(JabberClient, WithoutTlsHasNoUseForItsOptions) {
    EXPECT_THAT(
        problems_of_client("usetls = no\ntls_mode = direct\ntls_ca = /ca.pem\n"),
        ElementsAre("warning /etc/asterisk/jabber.conf:7: tls_mode does nothing, usetls = no: the connection "
                    "is not encrypted, remove one of them",
                    HasSubstr("jabber.conf:8: tls_ca does nothing")));
    EXPECT_EQ(client_of(load_client("usetls = no\ntls_mode = direct\n")).port, 5222);
}

TEST(JabberClient, WithForceoldsslIsToldWhatDoesIt) {
    EXPECT_THAT(
        problems_of_client("forceoldssl = yes\n"),
        ElementsAre(
            "warning /etc/asterisk/jabber.conf:6: forceoldssl = yes does nothing, in Asterisk it does "
            "not either, write tls_mode = direct if the server wants TLS from the first byte"));
}

// --- where to ---

TEST(JabberClient, TakesAHostByNameOrAddress) {
    for (const char* host : {"xmpp.example.org", "192.0.2.1", "2001:db8::1"})
        EXPECT_EQ(client_of(load_client("serverhost = " + std::string(host) + "\n")).server_host, host);
    EXPECT_EQ(client_of(load_client("serverhost = [2001:db8::1]\n")).server_host, "2001:db8::1");
    EXPECT_THAT(
        problems_of_client("serverhost = example.org:5222\n"),
        ElementsAre("warning /etc/asterisk/jabber.conf:6: serverhost = example.org:5222 is refused, it is a "
                    "host without a port, that has an option of its own"));
    for (const char* host : {"a b", "xmpp/", "x@y", "[]"})
        EXPECT_THAT(problems_of_client("serverhost = " + std::string(host) + "\n"),
                    ElementsAre(HasSubstr("it is a host's name or address")));
}

TEST(JabberClient, WithAHostHasNoUseForSrvRecords) {
    EXPECT_THAT(
        problems_of_client("serverhost = x\nsrv = yes\n"),
        ElementsAre("warning /etc/asterisk/jabber.conf:7: srv = yes does nothing, serverhost names the host "
                    "already, remove one of them"));
    const Loaded loaded = load_client("srv = yes\n");
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    EXPECT_TRUE(client_of(loaded).srv);
}

TEST(JabberClient, ThatDistributesNeedsAService) {
    const Loaded loaded = load_jabber_with("[asterisk]\n" + login + "distribute_events = yes\n");
    EXPECT_TRUE(loaded.ok());
    EXPECT_THAT(
        lines_of(loaded.problems),
        ElementsAre(
            "warning /etc/asterisk/jabber.conf:4: distribute_events = yes has no pubsub_node, it is not "
            "known which service distributes them, so none are, write pubsub_node = "
            "pubsub.example.org, or as the server calls its PubSub service"));
}

TEST(JabberClient, HasAServiceThatIsAnAddressWithoutANode) {
    EXPECT_THAT(problems_of_client("pubsub_node = pubsub.example.org/device_state\n"),
                ElementsAre(HasSubstr("it is the address of the PubSub service, without a node")));
    EXPECT_THAT(problems_of_client("pubsub_node = a b\n"), ElementsAre(HasSubstr("error")));
}

TEST(JabberClient, WhoseServiceIsAnAccountIsWarnedAbout) {
    const Loaded loaded = load_client("pubsub_node = pubsub@example.org\n");
    EXPECT_THAT(lines_of(loaded.problems),
                ElementsAre("warning /etc/asterisk/jabber.conf:6: pubsub_node = pubsub@example.org is an "
                            "account, servers share nodes of a service, which has none, write pubsub_node = "
                            "pubsub.example.org, or as the server calls its PubSub service"));
    EXPECT_EQ(client_of(loaded).pubsub_node, "pubsub@example.org");
}

TEST(JabberClient, ThatHidesIsWarnedAbout) {
    for (const char* status : {"invisible", "unavailable"})
        EXPECT_THAT(problems_of_client("status = " + std::string(status) + "\n"),
                    ElementsAre(HasSubstr("a server delivers no events to who is not there")));
    EXPECT_THAT(problems_of_client("status = dnd\n"), IsEmpty());
}

TEST(JabberClient, WithAnotherPolicyThanAcceptDenies) {
    const Loaded loaded = load_client("auth_policy = manual\n");
    EXPECT_THAT(
        lines_of(loaded.problems),
        ElementsAre(
            "warning /etc/asterisk/jabber.conf:6: auth_policy = manual is refused, it takes accept or "
            "deny, and whatever else stands there denies"));
    EXPECT_FALSE(client_of(loaded).auth_policy_accept);
}

// --- buddies ---

TEST(JabberBuddy, IsWrittenOncePerLineWithTheEntityIdBehindIt) {
    const Loaded loaded = load_client(
        "buddy = server2@example.org/astvoip2\nbuddy = server3@example.org\neid = 02:00:00:78:00:03\n"
        "buddy = *@branch.example.org\nbuddy = gateway.example.org\n");
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    const JabberClient client = client_of(loaded);
    EXPECT_THAT(buddies_of(client),
                ElementsAre("server2@example.org/astvoip2", "server3@example.org 02:00:00:78:00:03",
                            "*@branch.example.org", "gateway.example.org"));
    EXPECT_EQ(client.buddies[1].place, (Place{jabber_path, 7}));
}

TEST(JabberBuddy, IsAnAddress) {
    for (const char* buddy :
         {"a b@example.org", "*@", "*@example.org/x", "*@*", "*@*.example.org", "a@", "", "@example.org"})
        EXPECT_THAT(problems_of_client("buddy = " + std::string(buddy) + "\n"),
                    ElementsAre(HasSubstr("error /etc/asterisk/jabber.conf:6: buddy = " + std::string(buddy) +
                                          " is refused")));
}

TEST(JabberBuddy, StandsBeforeItsEntityId) {
    EXPECT_THAT(
        problems_of_client("eid = 02:00:00:78:00:03\nbuddy = b@example.org\n"),
        ElementsAre(
            "warning /etc/asterisk/jabber.conf:6: eid = 02:00:00:78:00:03 is refused, it belongs to the "
            "buddy on a line before it, and there is none"));
    EXPECT_THAT(problems_of_client("buddy = b@example.org\neid = nonsense\n"),
                ElementsAre(HasSubstr("eid = nonsense is refused, it takes an entity ID")));
}

TEST(JabberBuddy, HasOneEntityIdAndAPatternHasNone) {
    const Loaded loaded =
        load_client("buddy = b@example.org\neid = 02:00:00:78:00:03\neid = 02:00:00:78:00:04\n");
    EXPECT_THAT(lines_of(loaded.problems), ElementsAre(HasSubstr("b@example.org has one already")));
    EXPECT_THAT(buddies_of(client_of(loaded)), ElementsAre("b@example.org 02:00:00:78:00:03"));
    EXPECT_THAT(problems_of_client("buddy = *@example.org\neid = 02:00:00:78:00:03\n"),
                Contains(HasSubstr("*@example.org stands for many accounts")));
}

TEST(JabberBuddy, HasNoEntityIdOfAnotherOne) {
    const Loaded loaded = load_client(
        "buddy = b@example.org\neid = 02:00:00:78:00:03\nbuddy = b@example.org/second\n"
        "eid = 02:00:00:78:00:03\nbuddy = c@example.org\neid = 02:00:00:78:00:03\n");
    EXPECT_THAT(lines_of(loaded.problems),
                ElementsAre("warning /etc/asterisk/jabber.conf:11: eid = 02:00:00:78:00:03 is refused, "
                            "b@example.org has it, and two servers never have the same"));
    EXPECT_THAT(buddies_of(client_of(loaded)),
                ElementsAre("b@example.org 02:00:00:78:00:03", "b@example.org/second 02:00:00:78:00:03",
                            "c@example.org"));
}

TEST(JabberBuddy, MayHaveItsEntityIdWithEachOfTwoClients) {
    const std::string buddy = "buddy = b@example.org\neid = 02:00:00:78:00:03\n";
    EXPECT_THAT(lines_of(load_jabber_with(one_client + buddy +
                                          "[two]\nusername = server1@example.net\nsecret = x\nbuddy = "
                                          "b@example.net\neid = 02:00:00:78:00:03\n")
                             .problems),
                IsEmpty());
}

TEST(JabberBuddy, HasNotOurEntityId) {
    const MemoryFiles files = files_with("entityid = 02:00:00:78:00:01\n", jabber_path,
                                         one_client + "buddy = b@example.org\neid = 02:00:00:78:00:01\n");
    EXPECT_THAT(lines_of(load_from(files).problems),
                ElementsAre("warning /etc/asterisk/jabber.conf:7: eid = 02:00:00:78:00:01 is our own, it "
                            "cannot be that of b@example.org, write what core show settings says on that "
                            "server, or give one of them another entity ID"));
}

TEST(JabberBuddy, IsNotTheClientItself) {
    EXPECT_THAT(problems_of_client("buddy = Server1@example.org/other\nbuddy = b@example.org\n"),
                ElementsAre("warning /etc/asterisk/jabber.conf:6: buddy = Server1@example.org/other is "
                            "passed over, [asterisk] logs in with that account itself, give each server an "
                            "account of its own"));
}

TEST(JabberBuddy, IsNamedByOneOfTwoServersSinceAPatternAsksNobody) {
    const Loaded loaded = load_client("buddy = *@example.org\nbuddy = *@example.net\n");
    EXPECT_TRUE(loaded.ok());
    EXPECT_THAT(lines_of(loaded.problems),
                ElementsAre("warning /etc/asterisk/jabber.conf:6: [asterisk] names no other server, "
                            "*@example.org lets in who asks, and asks nobody: two servers of which neither "
                            "names the other never meet, write buddy = NAME@example.org, here or there"));
    EXPECT_THAT(problems_of_client("buddy = *@example.org\nbuddy = b@example.org\n"), IsEmpty());
    EXPECT_THAT(problems_of_client("buddy = *@example.org\ndistribute_events = no\n"),
                Not(Contains(HasSubstr("names no other server"))));
}

TEST(JabberBuddy, IsOneOfAtMost1024) {
    std::string lines;
    for (std::size_t i = 0; i < most_jabber_buddies; ++i)
        lines += "buddy = b" + std::to_string(i) + "@example.org\n";
    EXPECT_THAT(problems_of_client(lines), IsEmpty());
    EXPECT_THAT(problems_of_client(lines + "buddy = more@example.org\n"),
                ElementsAre(HasSubstr("a client has at most 1024 buddies")));
}

// --- sections ---

TEST(JabberConf, PassesOverAComponent) {
    const Loaded loaded = load_jabber_with(one_client + "[gate]\ntype = component\nnonsense = x\n");
    EXPECT_TRUE(loaded.ok());
    EXPECT_THAT(
        lines_of(loaded.problems),
        ElementsAre("warning /etc/asterisk/jabber.conf:7: [gate] is a component, a component cannot "
                    "distribute events, the section is passed over, write type = client and give it an "
                    "account"));
    EXPECT_THAT(names_of(loaded.value.jabber), ElementsAre("asterisk"));
}

TEST(JabberConf, TakesTheFirstOfTwoClientsOfOneName) {
    const Loaded loaded = load_jabber_with(one_client + "[Asterisk]\nusername = b@example.org\nsecret = x\n");
    EXPECT_THAT(
        lines_of(loaded.problems),
        ElementsAre("warning /etc/asterisk/jabber.conf:6: the client [Asterisk] is there already, the one at "
                    "/etc/asterisk/jabber.conf:1 counts, give it another name"));
    EXPECT_THAT(names_of(loaded.value.jabber), ElementsAre("asterisk"));
}

TEST(JabberConf, HasAtMost64Clients) {
    const auto with = [](std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i)
            text += "[c" + std::to_string(i) + "]\nusername = c" + std::to_string(i) + "@b\nsecret = x\n";
        return load_jabber_with(text);
    };
    EXPECT_TRUE(with(64).ok());
    const Loaded more = with(66);
    EXPECT_EQ(more.value.jabber.clients.size(), 64u);
    EXPECT_THAT(lines_of(more.problems),
                Contains(HasSubstr("error /etc/asterisk/jabber.conf:193: there are too many "
                                   "clients, jabber.conf have at most 64")));
}

TEST(JabberConf, SaysWhichOptionWasMeantAndWhereItBelongs) {
    EXPECT_THAT(
        problems_of_client("usetsl = no\n"),
        ElementsAre("warning /etc/asterisk/jabber.conf:6: usetsl is no option of [asterisk], did you mean "
                    "usetls?"));
    EXPECT_THAT(
        problems_of_client("collection_nodes = yes\n"),
        ElementsAre("warning /etc/asterisk/jabber.conf:6: collection_nodes is no option of [asterisk], it "
                    "belongs into [general]"));
    EXPECT_THAT(
        lines_of(load_jabber_with("[general]\npubsub_node = x\n" + one_client).problems),
        ElementsAre("warning /etc/asterisk/jabber.conf:2: pubsub_node is no option of [general], it belongs "
                    "into a section beside this one"));
}

// --- secrets ---

TEST(JabberConf, NeverShowsASecret) {
    const std::string secret = "tops3cret";
    const std::vector<std::string> mistakes{
        "[a]\nsecret tops3cret\n",
        "[a]\ntops3cret\n",
        "[a]\nsecret: x=tops3cret\ntops3cret: = y\n",
        "secret = tops3cret\n",
        "[a] secret = tops3cret\n",
        "[a secret = tops3cret\n",
        "[a](secret = tops3cret\n",
        "[a](+secret=tops3cret)\n",
        "[a]\nsecret = tops3cret\xff\n",
        "[a]\n#secret=tops3cret\n",
        "[a]\nsecret = tops3cret" + std::string(9'000, 'x') + "\n",
        "[a]\nsecret = \"\"\nsecrett = tops3cret\nport = 0\n",
        "[a]\n=tops3cret\n",
        "[general]\nsecret = tops3cret\n",
        "[a]\nusername = x\nsecret = tops3cret\ntls_mode = old\n[a]\nsecret = tops3cret\n",
        "[a]\nusername = x@y\noauth_secret = tops3cret\nrefresh_token = tops3cret\n",
    };
    for (const std::string& mistake : mistakes) {
        const Loaded loaded = load_jabber_with(mistake);
        EXPECT_THAT(lines_of(loaded.problems), Not(IsEmpty())) << mistake;
        for (const std::string& line : lines_of(loaded.problems))
            EXPECT_THAT(line, Not(HasSubstr(secret))) << mistake;
    }
}

// --- equality ---

TEST(JabberClient, IsEqualWhereverItStands) {
    const Loaded one = load_client("buddy = b@example.org\neid = 02:00:00:78:00:03\nusetls = yes\n");
    const Loaded other =
        load_jabber_with("\n\n" + one_client + "\nbuddy = b@example.org\n\neid = 02:00:00:78:00:03\n");
    EXPECT_TRUE(client_of(one) == client_of(other));
}

TEST(JabberClient, DiffersByEachOfItsOptions) {
    const JabberClient client = client_of(load_client(""));
    for (const char* lines : {"username = x@example.org/astvoip1\n",
                              "username = server1@example.org/x\n",
                              "secret = x\n",
                              "serverhost = x\n",
                              "port = 5222\n",
                              "pubsub_node = x\n",
                              "distribute_events = no\n",
                              "usetls = no\n",
                              "usesasl = no\n",
                              "keepalive = no\n",
                              "tls_verify = no\n",
                              "tls_ca = /x\n",
                              "tls_certificate = /x\n",
                              "tls_private_key = /x\n",
                              "tls_mode = direct\nport = 5222\n",
                              "srv = yes\n",
                              "register_account = yes\n",
                              "debug = yes\n",
                              "autoprune = yes\n",
                              "autoregister = no\n",
                              "auth_policy = deny\n",
                              "priority = 4\n",
                              "status = away\n",
                              "statusmessage = x\n",
                              "buddy = x\n"})
        EXPECT_FALSE(client == client_of(load_client(lines))) << lines;
    for (const char* general : {"collection_nodes = yes\n", "pubsub_autocreate = yes\n"})
        EXPECT_FALSE(client ==
                     client_of(load_jabber_with("[general]\n" + std::string(general) + one_client)));
    EXPECT_FALSE(client_of(load_client("tls_mode = direct\n")) == client_of(load_client("port = 5223\n")));
    JabberClient renamed = client;
    renamed.name = "x";
    EXPECT_FALSE(renamed == client);
}

}  // namespace
}  // namespace lamplight::conf
