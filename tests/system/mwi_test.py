"""Message counts (MWI) between real daemons on the local bus."""

from harness import SystemTest, main, wait_until

BOX = "6001@default"


def counts(node, mailbox=BOX):
    """(new, old) as `mwi show` has them; None when nobody's count."""
    for shown in node.data("mwi show")["mailboxes"]:
        if f"{shown['mailbox']}@{shown['context']}" == mailbox and "new" in shown:
            return shown["new"], shown["old"]
    return None


def until_counts(node, expected, mailbox=BOX):
    wait_until(lambda: counts(node, mailbox) == expected, f"{node.name} has {expected} for {mailbox}")


class MessageCounts(SystemTest):
    def test_what_is_set_on_one_server_shows_on_the_other(self):
        pbx1, pbx2 = self.pair()
        self.assertEqual(pbx1.do("mwi update 6001 2 1"), "Updated 6001@default: 2 new and 1 old message\n")
        until_counts(pbx2, (2, 1))
        self.assertRegex(pbx2.do("mwi show"), r"(?m)^6001@default +2 +1\n  pbx1 +2 +1 .*newest$")
        self.assertIn("set the message counts of 6001@default to 2 new and 1 old message", pbx1.log())

    def test_the_newest_is_shown_everywhere_and_nothing_is_summed(self):
        pbx1, pbx2 = self.pair()
        pbx1.do("mwi update 6001 2 1")
        until_counts(pbx2, (2, 1))
        pbx2.do("mwi update 6001 0 3")
        until_counts(pbx1, (0, 3))
        pbx2.do("mwi delete 6001")
        until_counts(pbx1, (2, 1))
        until_counts(pbx2, (2, 1))
        self.assertEqual(pbx2.ask("mwi delete 6001").status, 1)

    def test_who_is_killed_takes_its_counts_along_and_they_do_not_return_with_it(self):
        pbx1, pbx2 = self.pair()
        pbx1.do("mwi update 6001 2 1")
        until_counts(pbx2, (2, 1))
        pbx1.kill()
        until_counts(pbx2, None)
        pbx1.start()
        pbx2.until_meets(pbx1)
        self.assertIsNone(counts(pbx2), "they are not stored on disk")
        pbx1.do("mwi update 6001 5 0")
        until_counts(pbx2, (5, 0))

    def test_who_says_goodbye_takes_its_counts_along(self):
        pbx1, pbx2 = self.pair()
        pbx1.do("mwi update 6001 2 1")
        until_counts(pbx2, (2, 1))
        pbx1.do("core stop now")
        until_counts(pbx2, None)

    def test_a_late_joiner_knows_everybodys_counts(self):
        pbx1, pbx2 = self.pair()
        pbx1.do("mwi update 6001 2 1")
        pbx2.do("mwi update 6002@office 4 0")
        pbx3 = self.node("pbx3").start()
        until_counts(pbx3, (2, 1))
        until_counts(pbx3, (4, 0), "6002@office")


class EventDumpCache(SystemTest):
    def test_shows_both_servers_votes_and_counts(self):
        pbx1, pbx2 = self.pair()
        pbx1.set("INUSE")
        pbx2.set("RINGING")
        pbx1.do("mwi update 6001 2 1")
        wait_until(lambda: pbx2.votes() == {"pbx1": "INUSE", "pbx2": "RINGING"}, "pbx2 has both votes")
        until_counts(pbx2, (2, 1))
        eids = {node["node"]: node["eid"] for node in pbx2.data("node show")["nodes"]}
        dump = pbx2.do("event dump cache DeviceStateChange")
        self.assertTrue(dump.startswith("Event Type: DeviceStateChange\nCache Unique Keys:\n--> Device\n"
                                        "--> EntityID\n\n--- Begin Cache Dump ---\n\n"), dump)
        for name, state in (("pbx1", 2), ("pbx2", 6)):
            self.assertIn(f"Event: DeviceStateChange\nDevice: Custom:abc\nState: {state}\nCachable: 1\n"
                          f"EntityID: {eids[name]}\n\n", dump)
        self.assertTrue(dump.rstrip("\n").endswith("--- End Cache Dump ---"), dump)
        self.assertIn("Device: Custom:abc\nState: 7\n", pbx2.do("event dump cache DeviceState"))
        self.assertIn(f"Event: MWI\nMailbox: 6001\nContext: default\nNewMessages: 2\nOldMessages: 1\n"
                      f"EntityID: {eids['pbx1']}\n", pbx2.do("event dump cache MWI"))


if __name__ == "__main__":
    main()
