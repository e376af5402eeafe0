"""A server asked by a real Sendmail, which speaks socketmap, in its address test mode."""

import os
import subprocess
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.testing.live import PATIENCE, LiveServer, free_port
from trualias.testing.requirements import require_program, require_root, source_tree

# The name of a map is what Sendmail asks for. -T<TMPF> puts a mark where the server does not answer.
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
    """Sendmail's maps of class ``socket``, asked by ``sendmail -bt``."""

    def setUp(self) -> None:
        """Find Sendmail, unpacked in build/sendmail, and start a virtual server."""
        require_root()
        self.unshare = require_program("unshare")
        unpacked = source_tree() / "build" / "sendmail"
        # Another mail server's command is called sendmail as well, so that the search path tells nothing.
        self.sendmail = require_program(str(unpacked / "usr" / "libexec" / "sendmail" / "sendmail"))
        libraries = sorted({str(library.parent) for library in unpacked.glob("usr/lib/**/*.so*")})
        self.environment = {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(libraries)}
        # Sendmail takes no socket below a folder that everybody may write to, such as /tmp.
        folder = tempfile.TemporaryDirectory(dir="/run")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        port, inet = free_port(), free_port()
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
        """Give commands to Sendmail's test mode; return its lines, without prompts."""
        # It sleeps for a minute where the machine's name has no dot, hence a name of its own.
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

    def test_rules(self) -> None:
        """A rule gets the account of an alias, its default where there is none, its mark without a server."""
        returns = "alias            returns: "
        for address, answer in (
            ("foo-shop-4@example.com", "foo @ example . com"),
            ("foo-shop-5@example.com", "NOTHING"),
        ):
            self.assertIn(returns + answer, self.ask(f"alias {address}"))
        self.server.stop()
        self.assertIn(f"{returns}foo-shop-4 @ example . com < TMPF >", self.ask("alias foo-shop-4@example.com"))
