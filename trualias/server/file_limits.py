"""How many files and connections the system lets this process have open at a time."""

from __future__ import annotations

import resource

from trualias.configuration import Configuration
from trualias.log import logger

_log = logger(__name__)

_BESIDES = 64
"""Descriptors for all but clients: listeners, the log, the configuration, those who ask for metrics."""


def allow(wanted: int) -> int:
    """Raise this process' own limit to what is wanted, or as far as the system lets it; give the limit.

    It is never lowered (getrlimit(2), RLIMIT_NOFILE).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def ensure_descriptors(configuration: Configuration) -> None:
    """Let there be a descriptor for each of the setting CONNECTIONS; the log says where there cannot be."""
    connections = configuration.settings.connections
    wanted = connections + _BESIDES
    allowed = allow(wanted)
    if allowed < wanted:
        _log.warn(
            "CONNECTIONS is {connections}, which needs {wanted} file descriptors, and the system allows {allowed}: "
            "raise LimitNOFILE of the systemd unit, or the limit of ulimit -Hn",
            connections=connections,
            wanted=wanted,
            allowed=allowed,
        )
