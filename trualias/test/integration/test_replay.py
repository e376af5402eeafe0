"""``trualias replay`` with a log that a real Postfix wrote."""

import json
import time
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.terminal import Terminal
from trualias.main import run
from trualias.testing.live import LiveServer, free_port
from trualias.testing.postfix import Postfix
from trualias.testing.requirements import source_tree


class PostfixTests(SynchronousTestCase):
    """A log that a real Postfix wrote."""

    def test_log(self) -> None:
        """What was delivered and what was refused is found, by the addresses that the senders wrote."""
        port = free_port()
        postfix = Postfix(f"tcp:127.0.0.1:{port}", mailboxes=("foo", "baz"))
        self.addCleanup(postfix.stop)
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        sample = source_tree() / "conf" / "tcp_virtual_server.conf.sample"
        endpoint = f"tcp:{port}:interface=127.0.0.1"
        server = LiveServer(("trualias-virtual", "-c", str(sample), "-e", endpoint), folder, port)
        self.addCleanup(server.stop)
        server.start()
        postfix.start()
        begin = time.strftime("%Y-%m-%d %H:%M:%S")
        for _ in range(2):
            postfix.wait_for_mail("foo", postfix.send("pinky-macys-m5@example.com"))
        postfix.wait_for_mail("baz", postfix.send("SamIsSexy.34@example.com"))
        postfix.rcpt("pinky-macys-5m@example.com")
        postfix.rcpt("samissexy.34@example.net")

        policies = sample.read_text("utf-8").replace("CHAR(1,-), CHARS()", "CHARS(), CHAR(1,-)")
        new = folder / "new.conf"
        kept = [line for line in policies.splitlines(keepends=True) if not line.startswith("EXPECT")]
        new.write_text("".join(kept).replace("ACCOUNT baz", "ACCOUNT foo"), "utf-8")
        terminal = Terminal(BytesIO(postfix.log.encode()), StringIO(), StringIO())
        status = run(["replay", "--virtual", "--json", str(new), "--against", str(sample)], terminal)
        assert isinstance(terminal.output, StringIO)
        changes = json.loads(terminal.output.getvalue())["changes"]
        self.assertEqual(1, status)
        self.assertEqual(
            [
                ("pinky-macys-m5@example.com", "refused", "foo@example.com", None, 2, 0),
                ("SamIsSexy.34@example.com", "moved", "baz@example.com", "foo@example.com", 1, 0),
                ("pinky-macys-5m@example.com", "accepted", None, "foo@example.com", 0, 1),
            ],
            [
                tuple(change[name] for name in ("address", "change", "was", "would_be", "received", "tried"))
                for change in changes
            ],
        )
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        for change in changes:
            self.assertTrue(begin <= change["last_seen"] <= now, change["last_seen"])
