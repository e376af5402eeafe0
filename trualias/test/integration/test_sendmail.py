"""Tests with a real Sendmail in its address test mode, which queries by socketmap."""

import os
import subprocess
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.testing.live import PATIENCE, LiveServer, free_port
from trualias.testing.requirements import require_file, require_program, require_root, source_tree

# Sendmail sends the name of the map in each request. With -T<TMPF> the result is marked if the server does not answer.
CONFIGURATION = """\
V10/Berkeley
Ktable socket inet:{inet}@127.0.0.1
Kvirtual socket -T<TMPF> local:{folder}/virtual.sock
O QueueDirectory={folder}
Mlocal, P=/bin/false, F=lsDFMAw5:/|@qSPfhn9, A=false
Mprog, P=/bin/false, F=lsDFMoqeu9, A=false
Salias
R$+	$: $(virtual $1 $: NOTHING $)
"""


class SendmailTests(SynchronousTestCase):
    """Sendmail's maps of class ``socket``, queried by ``sendmail -bt``."""

    def setUp(self) -> None:
        """Find Sendmail, unpacked in build/sendmail, and start a virtual server."""
        require_root()
        self.unshare = require_program("unshare")
        unpacked = source_tree() / "build" / "sendmail"
        # Other mail servers have a command of this name, so that the search path does not identify Sendmail.
        self.sendmail = require_program(str(unpacked / "usr" / "libexec" / "sendmail" / "sendmail"))
        libraries = sorted({str(library.parent) for library in unpacked.glob("usr/lib/**/*.so*")})
        self.environment = {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(libraries)}
        # Sendmail refuses a socket below a world-writable folder such as /tmp.
        folder = tempfile.TemporaryDirectory(dir="/run")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        port, inet = free_port(), free_port()
        self.inet = inet
        (self.folder / "test.cf").write_text(CONFIGURATION.format(inet=inet, folder=self.folder), "utf-8")
        (self.folder / "a.conf").write_text(
            f"PORT: {port}\n"
            f"LISTEN: socketmap tcp:{inet}:interface=127.0.0.1\n"
            f"LISTEN: socketmap unix:{self.folder}/virtual.sock:mode=600\n"
            "ALIAS DOMAINS: example.com\n"
            "CASE SENSITIVE: no\n"
            "ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHARS();\n",
            "utf-8",
        )
        self.server = LiveServer(("trualias-virtual", "-c", "a.conf"), self.folder, port)
        self.addCleanup(self.server.stop)
        self.server.start()

    def ask(self, *commands: str) -> list[str]:
        """Run commands in Sendmail's test mode; return the lines of output, without prompts."""
        # Sendmail sleeps for a minute if the host name has no dot, so the test sets one.
        command = 'hostname mail.test.invalid && exec "$0" -C "$1" -bt'
        done = subprocess.run(
            [self.unshare, "--uts", "sh", "-c", command, self.sendmail, str(self.folder / "test.cf")],
            input="".join(f"{command}\n" for command in commands),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual("", done.stderr)
        return [line.removeprefix("> ") for line in done.stdout.splitlines()][2:]

    def test_maps(self) -> None:
        """Both maps answer, over TCP and over a unix socket."""
        self.assertEqual(
            [
                "map_lookup: table (foo-shop-4) returns foo (0)",
                "map_lookup: table (foo-shop-5) no match (68)",
                "map_lookup: virtual (Foo-Shop-4@example.com) returns foo@example.com (0)",
                "map_lookup: virtual (foo-shop-4@example.net) no match (68)",
                "",
            ],
            self.ask(
                "/map table foo-shop-4",
                "/map table foo-shop-5",
                "/map virtual Foo-Shop-4@example.com",
                "/map virtual foo-shop-4@example.net",
            ),
        )

    def test_guide(self) -> None:
        """The rules of install/sendmail.m4 send a right alias to the mailbox, and any other address nowhere else.

        Without a server, all recipients in the domains of the machine get a temporary error.
        """
        m4 = require_program("m4")
        macros = source_tree() / "build" / "sendmail" / "usr" / "share" / "sendmail" / "cf"
        require_file(macros / "m4" / "cf.m4")
        rules = (source_tree() / "install" / "sendmail.m4").read_text("utf-8")
        source = self.folder / "test.mc"
        source.write_text(
            "OSTYPE(`linux')dnl\nFEATURE(`nouucp', `reject')dnl\nLOCAL_DOMAIN(`example.com')dnl\n"
            f"MAILER(`local')dnl\nMAILER(`smtp')dnl\n{rules.replace('3049', str(self.inet))}",
            "utf-8",
        )
        made = subprocess.run(
            [m4, f"-D_CF_DIR_={macros}/", macros / "m4" / "cf.m4", source], capture_output=True, text=True, check=True
        )
        self.assertEqual("", made.stderr)
        (self.folder / "test.cf").write_text(made.stdout, "utf-8")
        for address, mailer in (
            ("foo-shop-4@example.com", "$# local $: foo"),
            ("Foo-Shop-4@example.com", "$# local $: foo"),
            ("foo-shop-5@example.com", "$# local $: foo-shop-5"),
            ("foo@example.com", "$# local $: foo"),
        ):
            self.assertEqual(f"parse            returns: {mailer}", self.ask(f"3,0 {address}")[-2], address)
        (elsewhere,) = self.ask("3,0 foo-shop-4@example.net")[-2:-1]
        self.assertIn("$# esmtp $@ example . net", elsewhere)
        self.server.stop()
        for address in ("foo-shop-4@example.com", "foo@example.com"):
            self.assertIn(
                'parse            returns: $# error $@ 4 . 3 . 0 $: "451 4.3.0 Temporary lookup failure"',
                self.ask(f"3,0 {address}"),
            )

    def test_rules(self) -> None:
        """A rule gets the account of an alias, its default if nothing is found, and the mark without a server."""
        returns = "alias            returns: "
        for address, answer in (
            ("foo-shop-4@example.com", "foo @ example . com"),
            ("foo-shop-5@example.com", "NOTHING"),
        ):
            self.assertIn(returns + answer, self.ask(f"alias {address}"))
        self.server.stop()
        self.assertIn(f"{returns}foo-shop-4 @ example . com < TMPF >", self.ask("alias foo-shop-4@example.com"))
