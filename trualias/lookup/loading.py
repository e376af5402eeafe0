"""From the path of a configuration to the snapshot that answers by it, for the servers and for the command line."""

import time
from collections.abc import Callable

from trualias.configuration import read_configuration
from trualias.configuration.fingerprint import Fingerprint, fingerprint
from trualias.language.source import ConfigurationErrors, PolicyError, Source
from trualias.lookup import Snapshot
from trualias.lookup.expectations import check_expectations
from trualias.lookup.hooks import load_hooks

STABLE_SECONDS = 0.25
_LOOKS = 8


def load_snapshot(path: str, pause: Callable[[], None] = lambda: None, rested: Fingerprint | None = None) -> Snapshot:
    """Read, check and compile a configuration, load its hooks, hold it against its expectations.

    Raises `ConfigurationErrors`, also where the file that was read has another fingerprint than ``rested``.

    `pause` is called often, so that a long load can give way to other threads; what it raises ends the load.
    """
    configuration = read_configuration(path, pause, lambda: rested is None or fingerprint(path) == rested)
    snapshot = Snapshot(configuration, load_hooks(configuration))
    check_expectations(snapshot, pause)
    return snapshot


def wait_until_stable(path: str, pause: Callable[[], None], sleep: Callable[[float], None] = time.sleep) -> Fingerprint:
    """Return the fingerprint of a file once it has stayed as it is for a moment.

    The first half of a file may well have no errors, and whoever has only half of the statements takes the addresses of
    the others for unknown. ``pause`` is called after each sleep.

    Raises `ConfigurationErrors` where the file changes for two seconds without rest.
    """
    seen = fingerprint(path)
    for _ in range(_LOOKS):
        sleep(STABLE_SECONDS)
        pause()
        before, seen = seen, fingerprint(path)
        if seen == before:
            return seen
    message = "changes again and again, and is loaded once it is left alone"
    raise ConfigurationErrors([PolicyError(Source("", path), 0, message)])
