"""Tests with a real Exim, which opens a connection for each lookup and half-closes it after the request."""

import os
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.testing.live import PATIENCE, LiveServer, free_port
from trualias.testing.requirements import require_program, source_tree


class EximTests(SynchronousTestCase):
    """Exim's ``${readsocket}``, expanded by ``exim4 -be``."""

    def setUp(self) -> None:
        """Find Exim, installed or unpacked in build/exim, and start a virtual server with its sample."""
        unpacked = source_tree() / "build" / "exim"
        self.exim = require_program("exim4", folders=(unpacked / "usr" / "sbin",))
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        (self.folder / "exim.conf").touch()
        self.environment = {**os.environ, **self.environment_for(unpacked)}
        self.port = free_port()
        sample = source_tree() / "conf" / "tcp_virtual_server.conf.sample"
        configuration = self.folder / "trualias.conf"
        delivery = "DELIVER bar TO bar@mailbox.example.net, 100%@example.com;\n"
        configuration.write_text(delivery + sample.read_text("utf-8"), "utf-8")
        endpoint = f"tcp:{self.port}:interface=127.0.0.1"
        server = LiveServer(("trualias-virtual", "-c", str(configuration), "-e", endpoint), self.folder, self.port)
        self.addCleanup(server.stop)
        server.start()

    def environment_for(self, unpacked: Path) -> dict[str, str]:
        """Return the environment of an unpacked Exim: its libraries, and its account by nss_wrapper(1)."""
        libraries = sorted({str(library.parent) for library in unpacked.glob("usr/lib/**/*.so*")})
        if not libraries:
            return {}
        lent = {"passwd": "Debian-exim:x:65530:65530::/nonexistent:/bin/false", "group": "Debian-exim:x:65530:"}
        for name, line in lent.items():
            existing = Path("/etc", name).read_text("utf-8")
            (self.folder / name).write_text(f"{existing}{line}\n", "utf-8")
        return {
            "LD_LIBRARY_PATH": os.pathsep.join(libraries),
            "LD_PRELOAD": "libnss_wrapper.so",
            "NSS_WRAPPER_PASSWD": str(self.folder / "passwd"),
            "NSS_WRAPPER_GROUP": str(self.folder / "group"),
        }

    def expand(self, text: str) -> str:
        """Return Exim's expansion of a string of its configuration."""
        command = [self.exim, "-C", str(self.folder / "exim.conf"), "-be", text]
        answer = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        self.assertEqual((0, ""), (answer.returncode, answer.stderr))
        return answer.stdout.removesuffix("\n")  # which Exim puts after what it prints

    def test_each_lookup_is_answered(self) -> None:
        """Each of several lookups gets its reply, although Exim closes its sending side first."""
        request = f"${{readsocket{{inet:127.0.0.1:{self.port}}}{{get %s\\n}}{{3s}}{{}}{{no reply}}}}"
        for _ in range(4):
            self.assertEqual("200 baz@example.com\n", self.expand(request % "samissexy.34@example.com"))
            self.assertEqual("500 not found\n", self.expand(request % "samissexy.35@example.com"))

    def test_account_of_an_alias(self) -> None:
        """The account can be extracted from the reply, for the data of a redirect; it is empty if nothing is found."""
        lookup = f"${{readsocket{{inet:127.0.0.1:{self.port}}}{{get %s\\n}}{{3s}}{{}}}}"
        account = f"${{if match{{{lookup}}}{{\\N^200 (.*)$\\N}}{{$1}}{{}}}}"
        self.assertEqual("baz@example.com", self.expand(account % "samissexy.34@example.com"))
        self.assertEqual("", self.expand(account % "nobody@example.com"))

    def test_several_targets(self) -> None:
        """The targets of DELIVER can be extracted as a list of addresses, decoded as install/exim.rst says."""
        lookup = f"${{readsocket{{inet:127.0.0.1:{self.port}}}{{get %s\n}}{{3s}}{{}}}}"
        decoded = "${sg{${sg{$1}{%20}{ }}}{%25}{%}}"
        targets = f"${{if match{{{lookup}}}{{\\N^200 (.*)$\\N}}{{{decoded}}}{{}}}}"
        expected = "bar@mailbox.example.net, 100%@example.com"
        request = "bar-none-0n2@example.com"
        self.assertEqual(expected, self.expand(targets.replace("%s", request)))
