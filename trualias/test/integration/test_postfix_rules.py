"""Retired statements and the limit on guesses, by mail through a real Postfix."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.store.records import Use
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create
from trualias.testing.live import LiveServer, free_port, wait_until
from trualias.testing.postfix import Postfix

KNOWN, UNKNOWN, NEW = "foo-macys-m5@example.com", "foo-shop-s4@example.com", "foo-shop-h4@example.com"
OLD_RULE = "ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS()"
NEW_RULE = "ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(2,-), CHARS()"


class RulesTestCase(SynchronousTestCase):
    """A Postfix with the policy service and the virtual table of a server, whose store knows an alias."""

    def start(self, rules: str) -> None:
        """Start both with settings and statements."""
        port, policy = free_port(), free_port()
        service = f"check_policy_service {{ inet:127.0.0.1:{policy}, timeout=10s }}"
        settings = {
            "smtpd_recipient_restrictions": f"reject_non_fqdn_recipient, reject_unauth_destination, {service}",
            "smtpd_end_of_data_restrictions": service,
            "smtpd_junk_command_limit": "1000",
            "smtpd_soft_error_limit": "1000",
            "smtpd_hard_error_limit": "1000",
        }
        self.postfix = Postfix(f"tcp:127.0.0.1:{port}", ("foo",), settings)
        self.addCleanup(self.postfix.stop)
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        self.store = str(folder / "memory.sqlite")
        create(self.store)
        store = SqliteStore(self.store)
        store.count([Use(KNOWN, KNOWN, "foo", None, 1, 1, 1)], 1, keeps_senders=False)
        store.close()
        (folder / "a.conf").write_text(
            f"PORT: {port}\nLISTEN: policy tcp:{policy}:interface=127.0.0.1\n"
            f"STORE: sqlite:memory.sqlite\nALIAS DOMAINS: example.com\nCASE SENSITIVE: no\n{rules}\n",
            "utf-8",
        )
        self.server = LiveServer(("trualias-virtual", "-c", "a.conf", "--state", "."), folder, port)
        self.addCleanup(self.server.stop)
        self.server.start()
        self.postfix.start()


class RetiredTests(RulesTestCase):
    """A rule that is over, and its successor."""

    def test_mail(self) -> None:
        """Mail for an alias that the store knows is delivered, for one that was given away it is refused."""
        self.start(f"{OLD_RULE} RETIRED;\n{NEW_RULE};")
        for alias in (KNOWN, NEW):
            mail = self.postfix.wait_for_mail("foo", self.postfix.send(alias))
            self.assertIn(f"\nX-Original-To: {alias}\n", mail)
        code, text = self.postfix.rcpt(UNKNOWN)
        self.assertEqual((550, True), (code, "User unknown" in text))
        self.assertEqual(250, self.postfix.rcpt("foo@example.com")[0])


class GuessTests(RulesTestCase):
    """A client that tries addresses."""

    def test_limit(self) -> None:
        """Past the limit, right and wrong addresses get one reply; what the store knows is accepted all the time."""
        self.start(f"GUESSES: 3 PER HOUR\n{OLD_RULE};")
        self.assertEqual(250, self.postfix.rcpt(UNKNOWN)[0])
        for number in range(3):
            self.assertEqual(550, self.postfix.rcpt(f"foo-shop-x{number}@example.com")[0])
        replies = []
        for address in (UNKNOWN, "foo-shop-x9@example.com"):
            code, text = self.postfix.rcpt(address)
            replies.append((code, text.replace(address, "ADDRESS")))
        self.assertEqual(replies[0], replies[1])
        self.assertEqual((450, True), (replies[0][0], replies[0][1].startswith("4.7.1 <ADDRESS>: Recipient address")))
        for address in (KNOWN, "foo@example.com"):
            self.assertEqual(250, self.postfix.rcpt(address)[0], address)
        self.assertEqual(550, self.postfix.rcpt("stranger@example.com")[0])

        def guessed() -> list[tuple[str, int]]:
            store = SqliteStore(self.store)
            try:
                return [(one.account, one.count) for one in store.guessed_accounts()]
            finally:
                store.close()

        wait_until(lambda: guessed() == [("foo", 4)], "the guesses in the store", lambda: self.server.log)
