"""Deliveries that a Postfix makes, counted by the policy service in a store."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup.alias_states import AliasState
from trualias.lookup.locks import Lock
from trualias.store.records import Change, Entry
from trualias.store.sqlite import SqliteStore
from trualias.test.integration.test_postfix import SAMPLE
from trualias.testing.live import LiveServer, free_port, wait_until
from trualias.testing.postfix import Postfix
from trualias.testing.requirements import source_tree

ALIAS, OTHER, LOCKED = "samissexy.34@example.com", "foo-macys-m5@example.com", "foo-google-g6@example.com"
SHOP, NEWS = "orders@shop.test", "17-x@news.test"


class CountingTestCase(SynchronousTestCase):
    """A server with a store, and a Postfix with the policy service in both lists.

    ``LATER`` is restrictions for the first list behind it, and ``SETTINGS`` more settings of Postfix.
    """

    LATER = ""
    SETTINGS: ClassVar[dict[str, str]] = {}

    def setUp(self) -> None:
        """Start a server that keeps whole senders, with a locked alias, and a Postfix."""
        port, policy = free_port(), free_port()
        service = f"check_policy_service {{ inet:127.0.0.1:{policy}, timeout=10s }}"
        before = "reject_non_fqdn_recipient, reject_unauth_destination"
        settings = {
            "smtpd_recipient_restrictions": f"{before}, {service}{self.LATER}",
            "smtpd_end_of_data_restrictions": service,
            **self.SETTINGS,
        }
        self.postfix = Postfix(f"tcp:127.0.0.1:{port}", ("foo", "baz"), settings)
        self.addCleanup(self.postfix.stop)
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.store = str(self.folder / "memory.sqlite")
        text = (source_tree() / SAMPLE).read_text("utf-8")
        more = f"STORE: sqlite:memory.sqlite\nSENDERS: address\nLISTEN: policy tcp:{policy}:interface=127.0.0.1"
        (self.folder / "a.conf").write_text(text.replace("PORT: 3048", f"PORT: {port}\n{more}"), "utf-8")
        self.server = LiveServer(("trualias-virtual", "-c", "a.conf", "--state", "."), self.folder, port)
        self.addCleanup(self.server.stop)
        self.server.start()
        self.postfix.start()

    def entries(self) -> dict[str, Entry]:
        """Return the aliases in the store by their keys."""
        store = SqliteStore(self.store)
        try:
            return {entry.key: entry for entry in store.entries()}
        finally:
            store.close()

    def senders(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Return the numbers of accepted and of refused mails by alias and sender."""
        store = SqliteStore(self.store)
        try:
            rows = store._database.execute(
                "SELECT key, sender, s.accepted, s.refused FROM sender AS s JOIN alias ON number = s.alias"
            )
            return {(key, sender): (accepted, refused) for key, sender, accepted, refused in rows}
        finally:
            store.close()

    def lock(self) -> None:
        """Lock an alias to a sender's domain, and wait until the lock is in force."""
        wait_until(lambda: Path(self.store).exists(), "the store", log=lambda: self.server.log)
        store = SqliteStore(self.store)
        store.change([Change(LOCKED, LOCKED, AliasState.ACTIVE, lock=Lock(("shop.test",)))], "root", 1)
        store.close()
        wait_until(lambda: self.postfix.rcpt(LOCKED)[0] == 550, "the lock", log=lambda: self.server.log)


class CountingTests(CountingTestCase):
    """Transactions of many kinds, one by one."""

    def mail(self, sender: str, *recipients: str, ends: str = "message") -> list[int]:
        """Run a transaction, and return the codes of the replies to its recipients.

        It ends with the message, with RSET, or with the connection within the message.
        """
        with self.postfix.connect() as client:
            client.ehlo()
            client.mail(sender)
            codes = [client.rcpt(recipient)[0] for recipient in recipients]
            if ends == "RSET":
                client.rset()
            elif ends == "loss":
                client.docmd("DATA")
                client.send(b"Subject: lost\r\n\r\nhalf a mes")
                client.close()
            elif 250 in codes:
                self.assertEqual(250, client.data("Subject: mail\r\n\r\nA mail.\r\n")[0])
        return codes

    def test_down_at_the_end(self) -> None:
        """While the server is down, the end of a message gets a temporary error; the repeated mail counts once."""
        with self.postfix.connect() as client:
            client.ehlo()
            client.mail(SHOP)
            self.assertEqual(250, client.rcpt(ALIAS)[0])
            self.server.stop()
            reply = client.data("Subject: mail\r\n\r\nA mail.\r\n")
        reason = b"4.3.5 <END-OF-MESSAGE>: End-of-data rejected: Server configuration problem"
        self.assertEqual((451, reason), reply)
        self.server.start()
        self.assertEqual([250], self.mail(SHOP, ALIAS))
        wait_until(lambda: self.senders() == {(ALIAS, SHOP): (1, 0)}, "the count", log=lambda: self.server.log)

    def test_chunks(self) -> None:
        """A message in chunks (BDAT, RFC 3030) counts once, at its last one; one that is aborted before does not."""
        text = b"Subject: mail\r\n\r\nA mail.\r\n"
        for recipient, ends in ((OTHER, (b"", b"")), (ALIAS, (b"", b" LAST"))):
            with self.postfix.connect() as client:
                client.ehlo()
                self.assertTrue(client.has_extn("chunking"))
                client.mail(SHOP)
                self.assertEqual(250, client.rcpt(recipient)[0])
                for end in ends:
                    client.send(b"BDAT %d%b\r\n%b" % (len(text), end, text))
                    self.assertEqual(250, client.getreply()[0])
                client.rset()
        self.server.stop()
        self.assertEqual({ALIAS: (1, 0)}, {key: (one.accepted, one.refused) for key, one in self.entries().items()})

    def test_restart(self) -> None:
        """A message that is sent while the server restarts counts: its recipients were accepted before."""
        with self.postfix.connect() as client:
            client.ehlo()
            client.mail(SHOP)
            for recipient in (ALIAS, OTHER, "foo@example.com"):
                self.assertEqual(250, client.rcpt(recipient)[0])
            self.server.stop()
            self.server.start()
            self.assertEqual(250, client.data("Subject: mail\r\n\r\nA mail.\r\n")[0])
        self.server.stop()
        counted = {key: (one.accepted, one.refused) for key, one in self.entries().items()}
        self.assertEqual({ALIAS: (1, 0), OTHER: (1, 0)}, counted)

    def test_transactions(self) -> None:
        """The numbers are those of the messages that Postfix accepted; the server that stops writes the last ones."""
        self.lock()
        self.assertEqual([250], self.mail(SHOP, ALIAS))
        self.assertEqual([250, 250], self.mail(SHOP, ALIAS, OTHER))
        self.assertEqual([250, 250], self.mail(SHOP, ALIAS, ALIAS.upper().replace("SAMISSEXY", "SamIsSexy")))
        self.assertEqual([250, 550, 250], self.mail(NEWS, ALIAS, "foo-macys-m6@example.com", "baz@example.com"))
        self.assertEqual([250], self.mail(SHOP, OTHER, ends="RSET"))
        self.assertEqual([250], self.mail(SHOP, OTHER, ends="loss"))
        self.assertEqual([550, 250], self.mail(NEWS, LOCKED, OTHER))
        self.assertEqual([250], self.mail("Orders@mail.Shop.test", LOCKED))
        self.assertEqual([250, 250], self.mail("", LOCKED, ALIAS))
        self.assertEqual([550], self.mail("shop", LOCKED))
        with self.postfix.connect() as client:
            client.ehlo()
            self.assertEqual(252, client.verify(ALIAS)[0])
        self.server.stop()

        expected = {ALIAS: (5, 0), OTHER: (2, 0), LOCKED: (2, 3)}
        entries = self.entries()
        self.assertEqual(expected, {key: (entry.accepted, entry.refused) for key, entry in entries.items()})
        self.assertEqual(("baz", "foo"), (entries[ALIAS].account, entries[OTHER].account))
        self.assertEqual(
            {
                (ALIAS, "orders@shop.test"): (3, 0),
                (ALIAS, "#-x@news.test"): (1, 0),
                (ALIAS, ""): (1, 0),
                (OTHER, "orders@shop.test"): (1, 0),
                (OTHER, "#-x@news.test"): (1, 0),
                (LOCKED, "sender@test.invalid"): (0, 1),
                (LOCKED, "#-x@news.test"): (0, 1),
                (LOCKED, "orders@mail.shop.test"): (1, 0),
                (LOCKED, ""): (1, 0),
                (LOCKED, "(malformed)"): (0, 1),
            },
            self.senders(),
        )
