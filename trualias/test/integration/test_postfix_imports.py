"""Kept aliases over a real Postfix, with a recipient delimiter and a catch-all behind the table, and without them."""

from __future__ import annotations

import time
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.terminal import Terminal
from trualias.main import run
from trualias.test.integration.test_postfix import SAMPLE
from trualias.testing.live import LiveServer, free_port
from trualias.testing.postfix import Postfix
from trualias.testing.requirements import source_tree

SHOP, CODED = "old-shop@example.com", "foo-macys-m5@example.com"


class ImportTests(SynchronousTestCase):
    """The set-up of the chapter about a catch-all domain."""

    def serve(self, catch_all: str) -> Postfix:
        """Start a server with a store and the policy service, and a Postfix with a table behind that of trualias."""
        port, policy = free_port(), free_port()
        settings = {
            "recipient_delimiter": "-",
            "virtual_alias_maps": f"tcp:127.0.0.1:{port}, {catch_all}",
            "smtpd_recipient_restrictions": f"reject_non_fqdn_recipient, check_policy_service inet:127.0.0.1:{policy}",
        }
        postfix = Postfix(f"tcp:127.0.0.1:{port}", ("foo", "baz"), settings)
        self.addCleanup(postfix.stop)
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        text = (source_tree() / SAMPLE).read_text("utf-8")
        more = f"STORE: sqlite:memory.sqlite\nLISTEN: policy tcp:{policy}:interface=127.0.0.1"
        (self.folder / "a.conf").write_text(text.replace("PORT: 3048", f"PORT: {port}\n{more}"), "utf-8")
        server = LiveServer(("trualias-virtual", "-c", "a.conf", "--state", "."), self.folder, port)
        self.addCleanup(server.stop)
        server.start()
        postfix.start()
        return postfix

    def alias(self, *arguments: str, typed: bytes = b"") -> None:
        """Run ``trualias alias``, and wait until its change is in force."""
        output = StringIO()
        options = ("-c", str(self.folder / "a.conf"), "--state-directory", str(self.folder))
        self.assertEqual(0, run(["alias", *arguments, *options], Terminal(BytesIO(typed), output, output)), output)
        time.sleep(1)

    def test_catch_all(self) -> None:
        """A kept alias goes to its account before the catch-all and the statements have a say, and can be revoked."""
        mailboxes = " ".join(f"{{ {name}@example.com = {name}@example.com }}" for name in ("foo", "baz"))
        postfix = self.serve(f"inline:{{ {mailboxes} {{ @example.com = baz@example.com }} }}")
        postfix.wait_for_mail("baz", postfix.send(SHOP))
        self.alias("import", "--account", "foo", "-", typed=SHOP.encode())
        self.alias("import", "--account", "baz", "--take", "-", typed=CODED.encode())
        for typed in (SHOP, SHOP.upper()):
            postfix.wait_for_mail("foo", postfix.send(typed))
        postfix.wait_for_mail("baz", postfix.send(CODED))
        postfix.wait_for_mail("baz", postfix.send("anything@example.com"))
        for mailbox in ("foo", "baz"):
            postfix.wait_for_mail(mailbox, postfix.send(f"{mailbox}@example.com"))
        self.alias("revoke", SHOP)
        for typed in (SHOP, SHOP.upper(), f"{SHOP}."):
            self.assertEqual(550, postfix.rcpt(typed)[0])
        self.alias("resume", SHOP)
        postfix.wait_for_mail("foo", postfix.send(SHOP))

    def test_closed(self) -> None:
        """Without the catch-all, kept aliases arrive, and others are refused."""
        postfix = self.serve("inline:{ { postmaster@example.com = foo@example.com } }")
        self.assertEqual(550, postfix.rcpt("shop@example.com")[0])
        self.alias("import", "--account", "foo", "-", typed=b"shop@example.com")
        postfix.wait_for_mail("foo", postfix.send("shop@example.com"))
        self.assertEqual(550, postfix.rcpt("anything@example.com")[0])
