"""A table server for the cases of ``stalls`` and ``losses``: its file, its metrics, its log and its end."""

import os
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

from faults.live import replace, settings
from faults.lookups import CONFIGURATION
from trualias.testing.live import PATIENCE, LiveServer, free_port, wait_until

HOOKS = """
import re
import time

ACCOUNTS = ALIASES = frozenset()

def preprocess(alias, domain=None):
    if alias.startswith("raises"):
        raise ValueError(alias)
    while alias == "loops":
        pass
    if alias == "sleeps":
        time.sleep(3)
    return alias, domain

def postprocess(account, domain=None):
    return account, domain

def reload():
    pass
"""


@define
class Served:
    """A running server, its configuration file, and the port of its metrics."""

    server: LiveServer
    path: Path
    metrics: int
    more: str = ""
    """Settings besides the usual ones."""
    _logged: int = field(default=0, init=False)

    def text(self, configuration: str = CONFIGURATION) -> str:
        """Return a configuration with the settings of this server."""
        return f"{settings(self.server.port)}METRICS: 127.0.0.1:{self.metrics}\n{self.more}{configuration}"

    def replace(self, configuration: str = CONFIGURATION) -> None:
        """Replace the file by a complete configuration."""
        replace(self.path, self.text(configuration))

    def page(self, name: str) -> str:
        """Return a page of the site, also one that says that the server is unhealthy."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/{name}", timeout=PATIENCE) as response:
                return str(response.read().decode())
        except urllib.error.HTTPError as error:
            return f"{error.code} {error.read().decode()}"

    def metric(self, name: str) -> float:
        """Return the value of a metric without labels. The server makes them once a second at most."""
        found = re.search(rf"^{name} (\S+)$", self.page("metrics"), re.MULTILINE)
        assert found is not None, f"there is no metric {name}"
        return float(found[1])

    def mark_log(self) -> None:
        """Let `log` begin here."""
        self._logged = len(self.server.log)

    @property
    def log(self) -> str:
        """The log since `mark_log`."""
        return self.server.log[self._logged :]

    def wait_for_log(self, text: str, seconds: float = PATIENCE) -> float:
        """Wait until the log since `mark_log` has a text; return the seconds that it took."""
        begun = time.monotonic()
        wait_until(lambda: text in self.log, f"{text!r} in the log", lambda: self.server.log[-5000:], seconds)
        return time.monotonic() - begun

    def wait_for_metric(self, name: str, value: float) -> float:
        """Wait until a metric has a value; return the seconds that it took."""
        begun = time.monotonic()
        wait_until(lambda: self.metric(name) == value, f"{name} {value}", lambda: self.server.log[-5000:])
        return time.monotonic() - begun

    def seconds_until_in_force(self, account: str, key: str) -> float:
        """Wait until a key is answered with an account; return the seconds that it took."""
        begun = time.monotonic()
        reply = f"200 {account}\n".encode()
        wait_until(
            lambda: self.server.ask(b"get " + key.encode()) == reply,
            f"{account} for {key}",
            lambda: self.server.log[-5000:],
        )
        return time.monotonic() - begun

    def terminate(self) -> float:
        """Send SIGTERM; return the seconds until the process has ended."""
        begun = time.monotonic()
        os.kill(self.server.pid, signal.SIGTERM)
        self.server.wait()
        return time.monotonic() - begun


@contextmanager
def served(
    folder: Path,
    configuration: str = CONFIGURATION,
    more: str = "",
    environment: dict[str, str] | None = None,
    *,
    arguments: tuple[str, ...] = (),
    before: str = "",
    output: int | None = None,
    start: bool = True,
) -> Iterator[Served]:
    """Write a configuration and `HOOKS`, as ``hooks.py``, into a new folder, and run a server; kill it at the end."""
    folder.mkdir()
    port, path = free_port(), folder / "faults.conf"
    (folder / "hooks.py").write_text(HOOKS, encoding="utf-8")
    command = ("trualias-table", "--config", str(path), *arguments)
    server = LiveServer(command, folder, port, environment, before=before, output=output)
    running = Served(server, path, free_port(), more)
    running.replace(configuration)
    try:
        if start:
            server.start()
        yield running
    finally:
        server.kill()
