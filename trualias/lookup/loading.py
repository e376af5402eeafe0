"""Loading a snapshot from the path of a configuration, for the servers and the command line."""

import time
from collections.abc import Callable

from trualias.configuration import read_configuration
from trualias.configuration.fingerprint import Fingerprint, fingerprint
from trualias.language.source import ConfigurationErrors, PolicyError, Source
from trualias.lookup import Snapshot
from trualias.lookup.expectations import check_expectations
from trualias.lookup.hooks import load_hooks

STABLE_SECONDS = 0.25
"""Seconds without a change after which a file counts as stable."""

_ATTEMPTS = 8


def load_snapshot(
    path: str, pause: Callable[[], None] = lambda: None, expected_fingerprint: Fingerprint | None = None
) -> Snapshot:
    """Read, check and compile a configuration, load its hooks, and check its expectations.

    ``pause`` is called often, so that a long load can yield to other threads; an exception in it ends the load.

    Raises:
        ConfigurationErrors: there are errors, or the file does not have the ``expected_fingerprint`` after reading.
    """

    def is_expected() -> bool:
        return expected_fingerprint is None or fingerprint(path) == expected_fingerprint

    configuration = read_configuration(path, pause, is_expected)
    snapshot = Snapshot(configuration, load_hooks(configuration))
    check_expectations(snapshot, pause)
    return snapshot


def wait_until_stable(path: str, pause: Callable[[], None], sleep: Callable[[float], None] = time.sleep) -> Fingerprint:
    """Wait until a file has not changed for `STABLE_SECONDS`; return its fingerprint.

    The first half of a file that is being written may have no errors, but the addresses of its second half would not be
    found. ``pause`` is called after each sleep.

    Raises:
        ConfigurationErrors: the file keeps changing for two seconds.
    """
    seen = fingerprint(path)
    for _ in range(_ATTEMPTS):
        sleep(STABLE_SECONDS)
        pause()
        before, seen = seen, fingerprint(path)
        if seen == before:
            return seen
    message = "changes again and again, and is loaded once it is left alone"
    raise ConfigurationErrors([PolicyError(Source("", path), 0, message)])
