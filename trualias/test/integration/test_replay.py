"""``trualias replay`` as a process, and with a log that a real Postfix wrote."""

import json
import resource
import subprocess
import time
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase
from zstandard import ZstdCompressor

from trualias.commands.terminal import Terminal
from trualias.main import run
from trualias.test.test_maillog import SENT
from trualias.test.test_replay import NEW, OLD
from trualias.testing.command_line import PROGRAM, run_to_full_device
from trualias.testing.live import ENVIRONMENT, LiveServer, free_port
from trualias.testing.postfix import Postfix
from trualias.testing.requirements import source_tree


class ProcessTests(SynchronousTestCase):
    """The command in a process of its own."""

    def setUp(self) -> None:
        """Write two configurations."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        old, new = self.folder / "old.conf", self.folder / "new.conf"
        old.write_text(OLD, "utf-8")
        new.write_text(NEW, "utf-8")
        self.arguments = ("replay", "--virtual", str(new), "--against", str(old))

    def test_bomb(self) -> None:
        """A few KiB that decompress to a line of 1 GiB are read with less than half of that memory."""
        compressor = ZstdCompressor().compressobj()
        pieces = [compressor.compress(bytes(2**20)) for _ in range(1024)]
        log = self.folder / "bomb.zst"
        log.write_bytes(b"".join([*pieces, compressor.flush()]))

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))

        command = (*PROGRAM, *self.arguments, str(log))
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, preexec_fn=limit, check=False)
        expected = (
            f"no recipient found in {log}\n{log}: 1 line is longer than 256 KiB; the rest was skipped\n"
            "expected logs of Postfix, Exim or Sendmail, or lists of addresses, one a line\n"
        )
        self.assertEqual((2, "", expected), (done.returncode, done.stdout, done.stderr))

    def test_full_device(self) -> None:
        """Output that cannot be written is an error with an exit status other than that of lost addresses."""
        expected = (2, "cannot write to standard output: No space left on device\n")
        for buffered in (True, False):
            for options in ((), ("--json",)):
                done = run_to_full_device(*self.arguments, *options, typed=SENT, buffered=buffered)
                self.assertEqual(expected, done)


class PostfixTests(SynchronousTestCase):
    """A log that a real Postfix wrote."""

    def test_log(self) -> None:
        """Deliveries and refusals are found, by the addresses that the senders wrote."""
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
