"""How a client of jabber.conf logs in: each way that an operator may choose, on real servers and a scripted one, and what
is said where it does not work."""

import re

from harness import main, wait_until
from xmpp_net import DOMAIN, XmppTest
from xmpp_server import SASL, Certificates
from xmpp_server import Server as ScriptedServer

ERLANGS = 40.0  # seconds
EXAMPLE = "example.test"


def jabber_conf(user, host, secret="mypassword", **options):
    """One client; options are lines of its section."""
    lines = {"type": "client", "username": f"{user}/astvoip1", "serverhost": host, "secret": secret,
             "status": "available", **options}
    return "[general]\n\n[asterisk]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())


class LoginTest(XmppTest):
    """One daemon."""

    def lamplight(self, node, settings):
        self.pbx = node
        node.write("jabber.conf", settings)
        return node.start()

    def until_said(self, pattern, seconds=ERLANGS):
        """In the daemon's log, whose lines say nothing twice; answers with what was found."""
        return wait_until(lambda: re.search(pattern, self.pbx.log()), f"{pattern!r} is said", seconds)

    def until_logged_in(self, how, times=1):
        """`how`: mechanism and link, as the log has them."""
        pattern = rf"client 'asterisk' is logged in as \S+ at \S+ \({how}\)"
        wait_until(lambda: len(re.findall(pattern, self.pbx.log())) >= times, f"logged in by {how}", ERLANGS)

    def line_of(self, option):
        """As the log names it."""
        lines = (self.pbx.place / "jabber.conf").read_text().splitlines()
        number = next(number for number, line in enumerate(lines, 1) if line.startswith(option))
        return rf"jabber\.conf:{number}\b"

    def assert_not_logged_in(self):
        self.assertNotIn("is logged in as", self.pbx.log())
        self.assertIn("Disconnected", self.pbx.do("xmpp show connections"))


class OnAServer:
    """For a LoginTest on real servers of one kind: `server_on(host, ...)` makes one."""

    HAS_SHA_256 = {}  # options with which it offers SCRAM-SHA-256

    def served(self, user="server1", secret="mypassword", accounts=("server1",), options=None, **settings):
        """A server that runs, and a daemon with one client of it."""
        net = self.network(pbxs=1)
        self.server = self.server_on(net.servers[0], accounts={name: "mypassword" for name in accounts},
                                     **(options or {})).start()
        if settings.get("tls_ca") == "right":
            settings["tls_ca"] = self.server.ca
        return self.lamplight(self.node_on(net[1]), jabber_conf(f"{user}@{DOMAIN}", DOMAIN, secret, **settings))

    def test_behind_tls_with_the_authority_of_the_house(self):
        self.served(options={"tls": "required"}, usetls="yes", tls_ca="right")
        self.until_logged_in(r"SCRAM-SHA-\d+, TLSv1\.3")
        self.assertNotIn("WARNING", self.pbx.log())

    def test_behind_tls_from_the_first_byte(self):
        self.served(options={"tls": "offered", "direct_tls": True}, tls_mode="direct", tls_ca="right")
        self.until_logged_in(r"SCRAM-SHA-\d+, TLSv1\.3")
        self.assertIn(":5223", self.pbx.log())

    def test_in_the_clear_by_scram_with_one_warning_that_names_the_line(self):
        self.served(usetls="no")
        self.until_logged_in(r"SCRAM-SHA-\d+, not encrypted")
        self.server.restart()
        self.until_logged_in(r"SCRAM-SHA-\d+, not encrypted", times=2)
        warnings = re.findall(r".*is not encrypted.*", self.pbx.log())
        self.assertEqual(len(warnings), 1)
        self.assertRegex(warnings[0], self.line_of("usetls"))

    def test_never_where_the_certificate_is_of_another_host(self):
        self.served(options={"tls": "offered", "names": ["other.example.org"]}, tls_ca="right")
        said = self.until_said(r".*names found: other\.example\.org.*")[0]
        self.assertIn(DOMAIN, said)
        self.assert_not_logged_in()

    def test_never_where_the_authority_is_unknown_and_tls_ca_is_named(self):
        self.served(options={"tls": "offered"})
        said = self.until_said(r".*unknown issuer.*|.*the system's authorities.*")[0]
        self.assertIn("tls_ca", said)
        self.assert_not_logged_in()

    def test_whatever_the_certificate_when_told_so_with_one_warning(self):
        self.served(options={"tls": "offered", "names": ["other.example.org"]}, tls_verify="no")
        self.until_logged_in(r"SCRAM-SHA-\d+, TLSv1\.3")
        self.server.restart()
        self.until_logged_in(r"SCRAM-SHA-\d+, TLSv1\.3", times=2)
        warnings = re.findall(r".*is not checked.*", self.pbx.log())
        self.assertEqual(len(warnings), 1)
        self.assertRegex(warnings[0], r"jabber\.conf:\d+")

    def test_never_where_tls_is_wanted_and_not_offered(self):
        self.served(usetls="yes")
        self.assertRegex(self.until_said(r".*is not connected.*")[0], "usetls")
        self.assert_not_logged_in()

    def test_makes_the_account_and_logs_in_where_the_server_registers(self):
        self.served(user="newcomer", options={"registration": True, **self.HAS_SHA_256}, register_account="yes",
                    usetls="no")
        self.until_logged_in(r"SCRAM-SHA-\d+, not encrypted")
        self.assertIn(f"newcomer@{DOMAIN} was registered at {DOMAIN} (register_account = yes)", self.pbx.log())
        self.assertTrue(self.server.has_account("newcomer"))

    def test_says_how_to_make_the_account_where_the_server_does_not_register(self):
        self.served(user="newcomer", register_account="yes", usetls="no")
        said = self.until_said(r".*is not connected.*")[0]
        self.assertIn(f"prosodyctl adduser newcomer@{DOMAIN}", said)
        self.assertIn(f"ejabberdctl register newcomer {DOMAIN} PASSWORD", said)
        self.assert_not_logged_in()
        self.assertFalse(self.server.has_account("newcomer"))

    def test_leaves_an_account_alone_whose_password_is_another_one(self):
        self.served(secret="wrong", options={"registration": True}, register_account="yes", usetls="no")
        self.assertIn("check", self.until_said(r".*is not connected.*")[0])
        self.assert_not_logged_in()
        self.pbx.write("jabber.conf", jabber_conf(f"server1@{DOMAIN}", DOMAIN, usetls="no"))
        self.pbx.do("jabber reload")
        self.until_logged_in(r"SCRAM-SHA-\d+, not encrypted")


class OnProsody(OnAServer, LoginTest):
    NO_SCRAM = ('disable_sasl_mechanisms = { "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", '
                '"SCRAM-SHA-256-PLUS" }')

    def server_on(self, host, **options):
        return self.prosody(host, **options)

    def test_as_before_sasl_in_the_clear_where_nothing_stronger_is_offered_and_warns_of_it(self):
        self.served(options={"legacy": True, "more": self.NO_SCRAM}, usesasl="no", usetls="no")
        self.until_logged_in("jabber:iq:auth, not encrypted")
        warnings = re.findall(r".*goes over the wire readable.*", self.pbx.log())
        self.assertEqual(len(warnings), 1)
        self.assertRegex(warnings[0], self.line_of("usetls"))

    def test_by_scram_in_the_clear_where_it_is_offered_though_sasl_is_not_wanted(self):
        self.served(options={"legacy": True}, usesasl="no", usetls="no")
        self.until_logged_in(r"SCRAM-SHA-\d+, not encrypted")
        self.assertIn("SASL is used, though usesasl is no", self.pbx.log())

    def test_as_before_sasl_behind_tls(self):
        self.served(options={"legacy": True, "tls": "offered"}, usesasl="no", tls_ca="right")
        self.until_logged_in(r"jabber:iq:auth, TLSv1\.3")


class OnEjabberd(OnAServer, LoginTest):
    HAS_SHA_256 = {"more": {"auth_scram_hash": "sha256"}}

    def server_on(self, host, **options):
        return self.ejabberd(host, **options)

    def test_makes_no_account_where_the_server_may_be_one_that_replaces_passwords(self):
        self.served(user="newcomer", options={"registration": True}, register_account="yes", usetls="no")
        said = self.until_said(r".*is not connected.*")[0]
        self.assertIn("replaces the password", said)
        self.assertIn(f"ejabberdctl register newcomer {DOMAIN} PASSWORD", said)
        self.assertFalse(self.server.has_account("newcomer"))

    def test_says_that_it_has_no_login_from_before_sasl(self):
        self.served(usesasl="no", options={"tls": "offered"}, tls_ca="right")
        self.assertIn("usesasl = yes", self.until_said(r".*does not take jabber:iq:auth.*")[0])
        self.assert_not_logged_in()


class OnAScriptedServer(LoginTest):
    """What no real one does, or none of those here."""

    def setUp(self):
        super().setUp()
        self.certificates = Certificates(self.place / "authority")

    def scripted(self, certificate=True, **options):
        pair = self.certificates.issue(EXAMPLE) if certificate else None
        self.server = ScriptedServer(pair, {"server1": "mypassword"}, EXAMPLE, **options).start()
        self.addCleanup(self.server.stop)
        return self.server

    def client(self, **settings):
        """A daemon with a client of the scripted server."""
        settings = {"port": self.server.port, "tls_ca": self.certificates.ca, **settings}
        return self.lamplight(self.node("pbx1"), jabber_conf(f"server1@{EXAMPLE}", self.server.address, **settings))

    def mechanisms_tried(self):
        return [element.get("mechanism") for connection in self.server.connections for element in connection.said
                if element.tag == f"{{{SASL}}}auth"]

    def test_by_the_strongest_mechanism_wherever_it_stands(self):
        self.scripted(mechanisms=["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"])
        self.client()
        self.until_logged_in(r"SCRAM-SHA-256, TLSv1\.3")
        self.assertEqual(self.mechanisms_tried(), ["SCRAM-SHA-256"])

    def test_by_a_certificate_of_our_own(self):
        own = self.certificates.issue(client=f"server1@{EXAMPLE}")
        self.scripted(mechanisms=["EXTERNAL", "SCRAM-SHA-256"], client_ca=self.certificates.ca)
        self.client(tls_certificate=own.certificate, tls_private_key=own.key)
        self.until_logged_in(r"EXTERNAL, TLSv1\.3")

    def test_never_with_a_server_that_does_not_know_the_password_and_shows_it_none(self):
        for signature in ("wrong", "missing"):
            with self.subTest(signature):
                self.scripted(signature=signature, mechanisms=["PLAIN", "SCRAM-SHA-256"])
                self.lamplight(self.node(f"pbx-{signature}"),
                               jabber_conf(f"server1@{EXAMPLE}", self.server.address, port=self.server.port,
                                           tls_ca=self.certificates.ca))
                self.until_said(r"has not proved that it knows the password")
                self.assert_not_logged_in()
                self.assertEqual(set(self.mechanisms_tried()), {"SCRAM-SHA-256"})

    def test_tries_a_server_at_once_that_made_the_account_and_closes_but_only_once(self):
        self.scripted(certificate=False, registration="open", mechanisms=["SCRAM-SHA-256"])
        self.server.accounts.clear()

        def closes_and_forgets(connection):
            if not connection.registered:
                return False
            self.server.accounts.clear()
            return connection.send("</stream:stream>")

        self.server.at("auth", closes_and_forgets)
        self.client(usetls="no", register_account="yes")
        self.until_said(r"was registered; the server closed the stream.*next try in")
        self.assertEqual(len(self.server.connections), 2)
        self.server.deeds.clear()
        self.until_logged_in("SCRAM-SHA-256, not encrypted")


if __name__ == "__main__":
    main()
