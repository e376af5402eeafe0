"""The limit on open file descriptors, which bounds the number of connections."""

from __future__ import annotations

import resource

from trualias.configuration import Configuration
from trualias.log import logger

_log = logger(__name__)

_OTHER_DESCRIPTORS = 64
"""Descriptors that are not lookup clients: listening sockets, the log, the configuration, HTTP clients."""


def raise_descriptor_limit(wanted: int) -> int:
    """Raise the soft limit on file descriptors to ``wanted``, or to the hard limit; return what is available of it.

    The limit is never lowered (getrlimit(2), RLIMIT_NOFILE).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def ensure_descriptors(configuration: Configuration) -> None:
    """Ensure a file descriptor for each of CONNECTIONS; log a warning if the hard limit is too low."""
    connections = configuration.settings.connections
    wanted = connections + _OTHER_DESCRIPTORS
    available = raise_descriptor_limit(wanted)
    if available < wanted:
        _log.warn(
            "CONNECTIONS is {connections}, which needs {wanted} file descriptors, and the system allows {available}: "
            "raise LimitNOFILE of the systemd unit, or the limit of ulimit -Hn",
            connections=connections,
            wanted=wanted,
            available=available,
        )
