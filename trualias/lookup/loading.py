"""Loading a snapshot from the path of a configuration, for the servers and the command line."""

import time
from collections.abc import Callable, Sequence

from trualias.configuration import Configuration, read_configuration
from trualias.configuration.files import Include
from trualias.configuration.fingerprint import Fingerprint, WatchedFiles
from trualias.language.domains import import_conversion
from trualias.language.source import ConfigurationErrors, PolicyError, Source
from trualias.lookup import Snapshot
from trualias.lookup.deliveries import deliveries_of
from trualias.lookup.expectations import check_expectations
from trualias.lookup.hooks import load_hooks
from trualias.lookup.mailboxes import mailboxes_of
from trualias.lookup.refusals import find_refusals

STABLE_SECONDS = 0.25
"""Seconds without a change after which a file counts as stable."""

_ATTEMPTS = 8


class OtherIncludes(Exception):
    """A configuration includes other files than those that are watched, and is to be read again."""


def load_snapshot(
    path: str,
    pause: Callable[[], None] = lambda: None,
    stable: Fingerprint | None = None,
    on_read: Callable[[], None] = lambda: None,
    files: WatchedFiles | None = None,
) -> Snapshot:
    """Read, check and compile a configuration, load its hooks, and check its expectations.

    ``pause`` is called often, so that a long load can yield to other threads; an exception that it raises ends the
    load. ``on_read`` is called once all files have been read. ``files`` is the file as it is watched.

    Raises:
        ConfigurationErrors: it has errors, or the files that were read have another fingerprint than ``stable``.
        OtherIncludes: the configuration includes other files than those that are watched, which are watched from now
            on; their fingerprint is not in ``stable``.

    """
    watched = files or WatchedFiles(path)

    def is_unchanged(includes: Sequence[Include]) -> bool:
        on_read()
        if stable is not None and tuple(includes) != watched.includes:
            watched.includes = tuple(includes)
            raise OtherIncludes
        return stable is None or watched.fingerprint(pause) == stable

    return make_snapshot(read_configuration(path, pause, is_unchanged), pause)


def make_snapshot(configuration: Configuration, pause: Callable[[], None] = lambda: None) -> Snapshot:
    """Load the hooks of a configuration, and check its refusals and expectations; raise ``ConfigurationErrors``.

    What lookups in its domains need is imported.
    """
    if configuration.settings.alias_domains:
        import_conversion()
    hooks = load_hooks(configuration)
    refusals = find_refusals(configuration, None if hooks is None else hooks.preprocess, pause)
    mailboxes, deliveries = mailboxes_of(configuration, pause), deliveries_of(configuration, pause)
    snapshot = Snapshot(configuration, hooks, refusals, None, mailboxes, deliveries)
    check_expectations(snapshot, pause)
    return snapshot


def wait_until_stable(
    path: str,
    pause: Callable[[], None],
    sleep: Callable[[float], None] = time.sleep,
    files: WatchedFiles | None = None,
) -> Fingerprint:
    """Wait until a file, and those that it includes, have not changed for ``STABLE_SECONDS``; return its fingerprint.

    The first half of a file that is being written may have no errors, but the addresses of its second half would not be
    found. ``pause`` is called after each sleep.

    Raises:
        ConfigurationErrors: the file keeps changing for two seconds.
    """
    watched = files or WatchedFiles(path)
    seen = watched.fingerprint(pause)
    for _ in range(_ATTEMPTS):
        sleep(STABLE_SECONDS)
        pause()
        before, seen = seen, watched.fingerprint(pause)
        if seen == before:
            return seen
    message = "changes again and again, and is loaded once it is left alone"
    raise ConfigurationErrors([PolicyError(Source("", path), 0, message)])
