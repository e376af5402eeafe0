"""From the path of a configuration to the snapshot that answers by it, for the servers and for the command line."""

from collections.abc import Callable

from trualias.configuration import read
from trualias.expectations import check_expectations
from trualias.hooks import load_hooks
from trualias.lookup import Snapshot


def load(path: str, pause: Callable[[], None] = lambda: None) -> Snapshot:
    """Read, check and compile a configuration, load its hooks, hold it against its expectations.

    Raises `ConfigurationErrors`.

    `pause` is called often, so that a long load can give way to other threads; what it raises ends the load.
    """
    configuration = read(path, pause)
    snapshot = Snapshot(configuration, load_hooks(configuration))
    check_expectations(snapshot, pause)
    return snapshot
