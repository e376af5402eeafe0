"""The guide to uninstalling, followed with a real Postfix."""

import re
import shlex
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.test.examples import Block, read_rst
from trualias.testing.command_line import PROGRAM
from trualias.testing.live import ENVIRONMENT, PATIENCE, LiveServer, free_port
from trualias.testing.postfix import Postfix
from trualias.testing.requirements import require_program, source_tree

CONFIGURATION = "tcp_virtual_server.conf"
KEPT, OTHER, WRONG = "samissexy.34@example.com", "samisalisson.37@example.com", "samissexy.35@example.com"


def commands() -> list[str]:
    """Return the commands of the steps that keep addresses and take trualias out of Postfix."""
    text = (source_tree() / "install" / "uninstall.rst").read_text("utf-8").partition("\n3. ")[0]
    blocks = [part.text for part in read_rst(text) if isinstance(part, Block)]
    return re.findall(r"^# (.*)$", "".join(blocks), re.MULTILINE)


class UninstallTests(SynchronousTestCase):
    """A server and a Postfix that queries it; the commands of the guide, in order, with the folders of the test."""

    def setUp(self) -> None:
        """Start both."""
        require_program("postmap")
        self.port = free_port()
        self.postfix = Postfix(f"tcp:127.0.0.1:{self.port}", mailboxes=("foo", "baz"))
        self.addCleanup(self.postfix.stop)
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        sample = (source_tree() / "conf" / "tcp_virtual_server.conf.sample").read_text("utf-8")
        (self.folder / CONFIGURATION).write_text(sample.replace("PORT: 3048", f"PORT: {self.port}"), "utf-8")
        self.server = LiveServer(("trualias-virtual", "-c", CONFIGURATION), self.folder, self.port)
        self.addCleanup(self.server.stop)
        self.server.start()
        self.postfix.start()

    def type(self, command: str) -> str:
        """Run a command of the guide; return what it prints."""
        settings = self.postfix.queue.parent / "conf"
        for before, after in (
            (r"/etc/trualias/", f"{self.folder}/"),
            (r"/etc/postfix/", f"{settings}/"),
            (r"^trualias ", f"{shlex.join(PROGRAM)} "),
        ):
            command = re.sub(before, after, command)
        environment = {
            **ENVIRONMENT,
            "MAIL_CONFIG": str(settings),
            "PATH": f"{ENVIRONMENT['PATH']}:/usr/sbin:/sbin",
        }
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertNotIn("warning", done.stderr, command)
        return done.stdout

    def test_guide(self) -> None:
        """The addresses of the list keep their mailboxes without the server; other addresses are refused."""
        (self.folder / "addresses").write_text(f"{KEPT}\n{WRONG}\n", "utf-8")
        self.assertEqual([250, 250, 550], [self.postfix.rcpt(address)[0] for address in (KEPT, OTHER, WRONG)])
        printed = {command: self.type(command) for command in commands()}
        self.assertEqual(
            f"virtual_alias_maps = tcp:127.0.0.1:{self.port}\n",
            printed["postconf | grep -E 'tcp:|socketmap:'"],
            printed,
        )
        self.server.stop()
        replies = [self.postfix.rcpt(address)[0] for address in (KEPT, "baz@example.com", OTHER, WRONG)]
        self.assertEqual([250, 250, 550, 550], replies, self.postfix.log)
        self.postfix.wait_for_mail("baz", self.postfix.send(KEPT))
