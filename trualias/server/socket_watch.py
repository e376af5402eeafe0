"""Watches the unix sockets of a process, and replaces those whose file was removed."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from trualias.log import logger
from trualias.server.daemon_thread import Worker
from trualias.server.listening import ListeningService
from trualias.server.periodic import PeriodicService
from trualias.server.unix_sockets import FileIdentity, UnixSocket, identity, make_socket

_log = logger(__name__)

INTERVAL = 5.0
"""Seconds between two examinations."""

HANGING = 60.0
"""Seconds after which an examination that has not ended is logged."""


class Replacement(NamedTuple):
    """A socket that was made in place of one whose file was removed."""

    socket: socket.socket
    identity: FileIdentity | None


class Loss(NamedTuple):
    """Why clients cannot connect to a socket."""

    reason: str


Finding = Replacement | Loss | None
"""None if the socket is in its place, or if that cannot be known."""


def examine(watched: UnixSocket) -> Finding:
    """Examine the file of a socket, and make a new one if it was removed; can block."""
    try:
        found = identity(watched.path)
    except OSError:
        return None
    if found is None:
        try:
            return Replacement(*make_socket(watched.path, watched.mode, watched.backlog))
        except OSError as error:
            return Loss(f"its file was removed, and cannot be made anew: {error.strerror}")
    return None if found == watched.identity else Loss("another file is at its path, which is left alone")


class SocketWatchService(PeriodicService):
    """Examines the unix sockets of listeners every ``INTERVAL`` seconds while it runs.

    A removed file is noticed within two intervals. Not watched are sockets that systemd holds, which a private /tmp can
    hide, and those that wrap another protocol.

    Args:
        reactor: for the interval.
        worker: runs the examinations.
        listeners: of which those with a unix socket are watched.

    """

    def __init__(self, reactor: IReactorTime, worker: Worker, listeners: Sequence[ListeningService]) -> None:
        self._worker = worker
        self._listeners = listeners
        super().__init__(reactor, INTERVAL, self._examine_all)
        self._is_examining = False
        self._waited = 0.0  # seconds for the examination that has not ended

    def _examine_all(self, intervals: int) -> None:
        # An examination that hangs is waited for: one that was abandoned could still make a socket on which no process
        # accepts clients.
        if self._is_examining:
            before, self._waited = self._waited, self._waited + intervals * INTERVAL
            if before < HANGING <= self._waited:
                _log.error("the unix sockets cannot be examined: the file system has not answered for a minute")
            return
        watched = [(listener, unix) for listener in self._listeners if (unix := listener.unix_socket) is not None]
        if not watched:
            return
        self._is_examining = True
        self._waited = 0.0
        examination = self._worker.run(partial(_examine_each, [unix for _, unix in watched]))
        examination.addBoth(self._end_examination)
        examination.addCallback(partial(_apply, [listener for listener, _ in watched]))
        examination.addErrback(lambda failure: _log.failure("the unix sockets cannot be examined", failure))

    def _end_examination(self, result: list[Finding] | Failure) -> list[Finding] | Failure:
        self._is_examining = False
        return result


def _examine_each(watched: Sequence[UnixSocket]) -> list[Finding]:
    return [examine(unix) for unix in watched]


def _apply(listeners: Sequence[ListeningService], findings: Sequence[Finding]) -> None:
    for listener, finding in zip(listeners, findings, strict=True):
        match finding:
            case Replacement():
                listener.replace_socket(finding.socket, finding.identity)
            case Loss(reason):
                listener.report_loss(reason)
            case None:
                listener.report_loss(None)
