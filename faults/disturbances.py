"""Disturbances that last: a log whose reader stalls, and clients that pipeline, each in a process of its own."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from attrs import frozen

from faults.case import Fault
from trualias.testing.live import PATIENCE

GET = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
PIPELINED = 2_000
"""Requests that a client sends without reading."""


@frozen
class Stalls:
    """The seconds from one stall of the log's reader to the next, and the seconds that each lasts."""

    every: float = 60.0
    last: float = 20.0


@contextmanager
def _process(work: Callable[..., None], *arguments: object) -> Iterator[None]:
    """Run a function in a process of its own during the context. Raises `Fault` if it has ended before."""
    process = multiprocessing.get_context("fork").Process(target=work, args=arguments, daemon=True)
    process.start()
    try:
        yield
        if not process.is_alive():
            raise Fault(f"{work.__name__} ended early, with status {process.exitcode}")
    finally:
        process.kill()
        process.join()


def _copy(reader: int, writer: int, path: Path, stalls: Stalls) -> None:
    os.close(writer)
    begun = time.monotonic()
    with path.open("ab", buffering=0) as log:
        while True:
            into = (time.monotonic() - begun) % stalls.every
            if into >= stalls.every - stalls.last:
                time.sleep(stalls.every - into)
            if not (text := os.read(reader, 65536)):
                time.sleep(3600)  # the server has ended; the context ends this process
            log.write(text)


@contextmanager
def stalling_log(path: Path, stalls: Stalls) -> Iterator[int]:
    """Yield the writing end of a pipe; copy its text to a file, and read nothing for a while, again and again."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    try:
        with _process(_copy, reader, writer, path, stalls):
            yield writer
    finally:
        os.close(reader)
        os.close(writer)


def _pipeline(port: int, served: Synchronized[int]) -> None:
    while True:
        # The server closes the connection after one response, and resets it for the requests that it did not read.
        with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
            with suppress(ConnectionError):
                client.sendall(GET * PIPELINED)
            received = client.recv(65536)
            served.value += received.startswith(b"HTTP/1.1 200 ")
            while received:
                received = client.recv(65536)


@contextmanager
def pipelining(port: int) -> Iterator[Synchronized[int]]:
    """Ask for the metrics all the time during the context, many times on each connection without reading.

    Yields the number of connections on which they were served so far.
    """
    served = multiprocessing.Value("l", 0)
    with _process(_pipeline, port, served):
        yield served


def _fail(port: int, rate: float) -> None:
    number = 0
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        while True:
            client.sendall(b"get raises-%d\n" % number)
            if not client.recv(4096).startswith(b"400 "):
                raise Fault("a failing hook was not answered by a temporary error")
            number += 1
            time.sleep(1 / rate)


@contextmanager
def failing_hook(port: int, rate: float) -> Iterator[None]:
    """Ask for keys whose hook raises, so many a second, each of which the server logs with a traceback."""
    with _process(_fail, port, rate):
        yield
