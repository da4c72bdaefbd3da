"""Buddies that come and go by reloads, rivals for an account, and what is said of a jabber.conf that cannot be meant."""

import time

from harness import main, wait_until
from xmpp_faults_test import FaultTest
from xmpp_peer import OWNER, Client, ResXmpp, text_of
from xmpp_test import ACCOUNTS, ANYBODY, JABBER_CONF

AT_ONCE = 3.0  # seconds: what needs no more than a few answers of a server, on a busy machine
EID = "02:00:00:78:00:02"


class BuddiesTest(FaultTest):
    def reload(self, node, settings):
        node.write("jabber.conf", settings)
        return node.do("jabber reload")

    def eid_of(self, node):
        return next(one["eid"] for one in node.data("node show")["nodes"] if one["own"])

    def own_node_of(self, node):
        return "lamplight:" + self.eid_of(node).replace(":", "")

    def affiliations(self, number, node):
        """As the owner of the account sees them."""
        owner = self.keep(Client(self.net[number], self.server, f"server{number}", "mypassword", resource="looks"))
        return text_of(owner.login().pubsub("get", f"<affiliations node='{node}'/>", OWNER))


class Buddies:
    def test_one_that_is_taken_out_and_put_back_is_seen_at_once(self):
        pbx1, pbx2 = self.pair()
        pbx2.set("INUSE")
        self.until_equal(pbx1, votes={"pbx2": "INUSE"})
        self.reload(pbx1, self.jabber_conf(1).replace("buddy =", ";buddy ="))
        wait_until(lambda: pbx1.standing_of("pbx2") in (None, "gone", "stale"), "pbx2 is no buddy")
        self.reload(pbx1, self.jabber_conf(1))
        wait_until(lambda: pbx1.standing_of("pbx2") == "present", "it is seen again", AT_ONCE)
        pbx1.set("BUSY")
        pbx2.set("RINGING")
        self.until_equal(pbx1, pbx2, votes={"pbx1": "BUSY", "pbx2": "RINGING"}, seconds=AT_ONCE)
        wait_until(lambda: "as items" in self.bus(pbx1)["detail"], "changes go as items again")
        for state in ("INUSE", "ONHOLD"):
            pbx1.set(state)
            self.until_equal(pbx2, votes={"pbx1": state, "pbx2": "RINGING"}, seconds=AT_ONCE)

    def test_an_asterisk_that_is_taken_out_and_put_back_is_seen_at_once(self):
        self.net_of(2)
        settings = JABBER_CONF.format(number=1, other=2).replace("/astvoip2\n", f"\neid = {EID}\n")
        pbx1 = self.lamplight_on(1, settings).start()
        self.until_connected(pbx1)
        wait_until(lambda: "Node name: message_waiting" in pbx1.ask("jabber list nodes asterisk").text, "there are nodes")
        asterisk = self.keep(ResXmpp(self.net[2], self.server, "server2", "mypassword", eid=EID,
                                     buddies=["server1@jabber.shifteight.org"])).login()
        asterisk.set("Custom:x", "RINGING")
        self.until_votes(pbx1, {EID: "RINGING"}, "Custom:x")
        self.reload(pbx1, settings.replace("buddy =", ";buddy =").replace("eid =", ";eid ="))
        wait_until(lambda: "Resource: asterisk" not in pbx1.do("jabber show buddies"), "it is out of sight")
        self.until_votes(pbx1, {}, "Custom:x", 30)
        self.reload(pbx1, settings)
        asterisk.set("Custom:x", "INUSE")
        self.until_votes(pbx1, {EID: "INUSE"}, "Custom:x", AT_ONCE)
        pbx1.set("BUSY")
        asterisk.until_votes("Custom:abc", {self.eid_of(pbx1): "BUSY"}, AT_ONCE)

    def test_one_that_is_pruned_by_a_reload_is_asked_again_by_the_next(self):
        self.net_of(2)
        settings = self.jabber_conf(1).replace("[general]\n", "[general]\nautoprune = yes\n")
        pbx1, pbx2 = self.lamplight_on(1, settings).start(), self.lamplight_on(2).start()
        self.until_together(pbx1, pbx2)
        self.reload(pbx1, settings.replace("buddy =", ";buddy ="))
        self.until_said(pbx1, r"server2@jabber\.shifteight\.org was taken out of the roster")
        wait_until(lambda: "server2" not in pbx1.do("jabber show buddies"), "it is out of the roster")
        self.reload(pbx1, settings)
        pbx1.until_meets(pbx2)
        pbx2.set("INUSE")
        self.until_equal(pbx1, votes={"pbx2": "INUSE"})

    def test_one_that_is_taken_out_hears_our_node_no_longer_not_after_a_restart_either(self):
        self.net_of(3)
        third = "buddy = server3@jabber.shifteight.org/astvoip3\n"
        pbx1 = self.lamplight_on(1, self.jabber_conf(1) + third).start()
        pbx2, pbx3 = self.lamplight_on(2).start(), self.lamplight_on(3).start()
        pbx1.until_meets(pbx2, pbx3)
        wait_until(lambda: "as items" in self.bus(pbx1)["detail"], "both follow")
        pbx1.set("INUSE")
        self.until_equal(pbx2, pbx3, votes={"pbx1": "INUSE"})
        own = self.own_node_of(pbx1)
        self.assertIn("server2@", self.affiliations(1, own))
        self.reload(pbx1, JABBER_CONF.format(number=1, other=3))
        self.until_said(pbx1, f"NOTICE.*{own}: no buddy any more, and hears it no longer: server2@")
        self.until_said(pbx1, r"NOTICE.*device_state: may use it and is no buddy: server2@")
        wait_until(lambda: "server2@" not in self.affiliations(1, own).replace("affiliation='none'", ""), "revoked")
        pbx1.set("RINGING")
        self.until_equal(pbx3, votes={"pbx1": "RINGING"})
        wait_until(lambda: pbx2.votes() == {}, "what pbx2 heard last does not count any more", 25)
        self.assertIn("warn    owners          device_state: server2@", pbx1.ask("xmpp doctor").text)
        with self.subTest("at a start, what another start had granted is taken back"):
            pbx1.write("jabber.conf", JABBER_CONF.format(number=1, other=2) + third)
            pbx1.do("jabber reload")
            wait_until(lambda: "server2@" in self.affiliations(1, own), "it is granted again")
            pbx1.terminate()
            pbx1.write("jabber.conf", JABBER_CONF.format(number=1, other=3))
            pbx1.start()
            wait_until(lambda: pbx1.log().count("hears it no longer: server2@") == 2, "it is revoked", 20)
            pbx1.until_meets(pbx3)
            pbx1.set("ONHOLD")
            self.until_equal(pbx3, votes={"pbx1": "ONHOLD"})
            wait_until(lambda: pbx2.votes() == {}, "pbx2 hears nothing", 25)


class OnProsody(Buddies, BuddiesTest):
    def test_two_of_one_resource_take_it_from_each_other_slowly(self):
        self.net_of(2)
        pbx1 = self.lamplight_on(1).start()
        self.until_connected(pbx1)
        self.rival_of(pbx1)
        self.until_said(pbx1, r"WARNING.*the server ended the stream: conflict \(Replaced by new connection\); another "
                              r"program .*; next try in [67]\d\.\d s, then ever more seldom up to 300 s")
        doctor = pbx1.ask("xmpp doctor")
        self.assertEqual(doctor.status, 1)
        self.assertRegex(doctor.text, r"fail +connected +the server ended the stream: conflict .*; next try at ")
        pbx1.do("jabber reload")
        self.until_connected(pbx1, seconds=AT_ONCE)
        self.rival_of(pbx1)
        self.until_said(pbx1, r"WARNING.*conflict.*; next try in 3\d\d\.\d s")

    def test_an_asterisk_of_the_same_name_is_left_alone_for_as_long_as_it_is_there(self):
        self.net_of(2)
        pbx1 = self.lamplight_on(1).start()
        self.until_connected(pbx1)
        asterisk = self.keep(ResXmpp(self.net[2], self.server, "server1", "mypassword", resource="astvoip1", eid=EID,
                                     buddies=[])).login()
        self.until_disconnected(pbx1)
        self.until_said(pbx1, r"WARNING.*another program is logged in as server1@jabber\.shifteight\.org/astvoip1 and is left "
                              r"alone", seconds=100)
        self.assertTrue(asterisk.up, "it keeps its session")
        self.assertRegex(pbx1.ask("xmpp doctor").text, r"fail +connected +another program .*; next look at ")
        asterisk.end()
        pbx1.do("jabber reload")
        self.until_connected(pbx1, seconds=AT_ONCE)

    def rival_of(self, node):
        rival = self.keep(Client(self.net[2], self.server, "server1", "mypassword", resource="astvoip1")).login()
        self.until_disconnected(node)
        return rival

    def test_patterns_alone_are_said_to_let_nobody_meet(self):
        self.net_of(2)
        pbx1 = self.lamplight_on(1, ANYBODY.format(number=1)).start()
        self.until_connected(pbx1)
        said = r"jabber.conf:14: \[asterisk\] names no other server, \*@jabber\.shifteight\.org lets in who asks"
        self.until_said(pbx1, r"WARNING.*" + said)
        check = pbx1.check()
        self.assertEqual(check.status, 0)
        self.assertRegex(check.errors + check.text, said)
        self.assertRegex(pbx1.do("xmpp doctor"), r"warn +buddies +nobody is there, and \*@jabber\.shifteight\.org")
        pbx2 = self.lamplight_on(2).start()
        pbx1.until_meets(pbx2)
        self.assertNotRegex(pbx1.do("xmpp doctor"), r"warn +buddies")

    def test_a_file_that_leaves_no_client_and_a_value_that_is_no_text_are_said(self):
        self.net_of(1)
        pbx1 = self.lamplight_on(1).start()
        self.until_connected(pbx1)
        self.assertEqual(self.reload(pbx1, ""),
                         "Jabber Reloaded.\nNo client is left: no section of jabber.conf names an account.\n")
        self.assertEqual(self.reload(pbx1, self.jabber_conf(1)), "Jabber Reloaded.\n")
        (pbx1.conf.parent / "jabber.conf").write_bytes(self.jabber_conf(1).encode() + b"statusmessage = \xff\xfe\n")
        check = pbx1.check()
        self.assertIn(r"statusmessage = \xff\xfe is refused", check.errors + check.text)


class OnEjabberd(Buddies, BuddiesTest):
    def server_on(self, host, **options):
        return self.ejabberd(host, accounts=ACCOUNTS, **options)

    def test_a_session_that_an_administrator_ends_comes_back(self):
        pbx1, pbx2 = self.pair()
        self.server.ask("kick_session", user="server2", host="jabber.shifteight.org", resource="astvoip2",
                        reason="maintenance")
        ended = time.monotonic()
        self.until_said(pbx2, r"WARNING.*the server ended the stream: conflict \(maintenance\); another program")
        pbx1.set("INUSE")
        self.until_connected(pbx2, seconds=90)
        self.assertGreater(time.monotonic() - ended, 55)
        self.until_equal(pbx2, votes={"pbx1": "INUSE"})


if __name__ == "__main__":
    main()
