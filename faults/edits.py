"""Faults of the configuration file: it is deleted, not a file, unreadable, half written, or changed all the time.

Meanwhile clients send requests for a key of `faults.numbered`.
"""

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from attrs import frozen

from benchmarks import policies
from faults.case import Fault, Say, beside
from faults.clients import Replies, send
from faults.live import replace, serving, settings
from faults.numbered import KEY, OTHERS, Numbers, configuration, statement, wait_for_number
from trualias.configuration import ConfigurationErrors
from trualias.lookup.loading import STABLE_SECONDS, load_snapshot
from trualias.matching.outcome import NotFound
from trualias.testing.live import wait_until

CHANGES = 1_000
"""Changes of the file a minute that the server must survive."""
PACE = 1.2
"""The ratio of the changes that are attempted to those."""
CLIENTS = 5
RATE = 500.0


@frozen
class _OneKey:
    """Requests for one key, which every configuration finds."""

    numbers: Numbers

    def next(self) -> tuple[bytes, object]:
        """Return the request, and the lowest number that may reply to it."""
        return KEY + b"\n", self.numbers.seen

    def check(self, request: bytes, known: object, reply: bytes) -> None:
        """Compare the number in the reply."""
        assert isinstance(known, int)
        self.numbers.check(request, known, reply)


@contextmanager
def sending(port: int, numbers: Numbers) -> Iterator[list[Replies]]:
    """Send requests in another thread during the context; the list has their replies at the end."""
    seen: list[Replies] = []

    def run(end: Event) -> None:
        while not end.is_set():
            seen.append(send(port, CLIENTS, 0.5, _OneKey(numbers), RATE))

    with beside(run):
        yield seen


def absences(folder: Path, say: Say, *, signalled: bool = False) -> None:
    """Make the file unusable in several ways; the old one stays in force each time, until a new one is.

    The server notices by itself, or gets a SIGHUP.
    """

    def make_folder(path: Path) -> None:
        path.unlink()
        path.mkdir()

    def make_link_to_itself(path: Path) -> None:
        # Root can read a file whatever its mode.
        path.unlink()
        path.symlink_to(path)

    ways: dict[str, Callable[[Path], object]] = {
        "deleted": Path.unlink,
        "a folder": make_folder,
        "unreadable": make_link_to_itself,
        "not UTF-8": lambda path: path.write_bytes(b"\xff\xfe" * 1000),
        "full of zeros": lambda path: path.write_bytes(bytes(10_000)),
    }
    numbers = Numbers()
    with serving(folder, configuration(0)) as (server, path), sending(server.port, numbers) as seen:
        for numbers.written, damage in enumerate(ways.values(), start=1):
            logged = len(server.log)
            damage(path)
            if signalled:
                os.kill(server.pid, signal.SIGHUP)
            wait_until(
                lambda logged=logged: "stays in use" in server.log[logged:],  # type: ignore[misc]
                "an error in the log",
                log=lambda: server.log,
            )
            if path.is_dir():
                path.rmdir()
            replace(path, settings(server.port) + configuration(numbers.written))
            if signalled:
                os.kill(server.pid, signal.SIGHUP)
            wait_for_number(server, numbers.written)
    say(f"{', '.join(ways)}: a good file after each came into force; {_sum(seen)}")


def partial_writes(folder: Path, say: Say, writes: int = 10_000, pieces: int = 40) -> None:
    """Write the file in place many times, piece by piece, each time cut at other offsets.

    After each piece the server gets a SIGHUP. Half of the cuts leave a configuration without errors, but only the whole
    one has the statement that matches the key. The time from the last piece to the first one of the next file is about
    as long as the server waits before a load, so that some files change while they are read.
    """
    numbers = Numbers()
    cuts = 0
    files = writes // pieces
    with serving(folder, configuration(0)) as (server, path), sending(server.port, numbers) as seen:
        for numbers.written in range(1, files + 1):
            lines = [*OTHERS.splitlines(keepends=True), statement(numbers.written)]
            text = "".join([settings(server.port), *(line + "\n" * len(line) for line in lines)])
            ends = [len(text) * (at * files + numbers.written) // (files * pieces + files) for at in range(pieces)]
            with path.open("w", encoding="utf-8") as file:
                for start, end in itertools.pairwise([0, *ends]):
                    file.write(text[start:end])
                    file.flush()
                    cuts += text[end - 1 : end] == "\n"
                    os.kill(server.pid, signal.SIGHUP)
                    time.sleep(0.008)
                file.write(text[ends[-1] :])
            time.sleep(STABLE_SECONDS * (0.8 + numbers.written * 0.618 % 1))
        replace(path, path.read_text(encoding="utf-8"))
        wait_for_number(server, numbers.written)
    if numbers.in_force < files // 10:
        raise Fault(f"{numbers.in_force} of {files} files came into force: the server hardly loaded any")
    say(
        f"{files * pieces} beginnings of {files} files left on disk 8 ms each, {cuts} of them without errors; "
        f"{numbers.in_force} of the files came into force; {_sum(seen)}"
    )


def frequent_changes(folder: Path, say: Say, seconds: float = 60.0) -> None:
    """Change the file `CHANGES` times a minute, in place and by renaming; the last change must come into force."""
    numbers = Numbers()
    with serving(folder, configuration(0)) as (server, path), sending(server.port, numbers) as seen:
        start = time.monotonic()
        for numbers.written in range(1, int(seconds / 60 * CHANGES * PACE) + 1):
            text = settings(server.port) + configuration(numbers.written)
            if numbers.written % 2:
                path.write_text(text, encoding="utf-8")
            else:
                replace(path, text)
            time.sleep(max(0, start + numbers.written * 60 / CHANGES / PACE - time.monotonic()))
        last = time.monotonic()
        wait_for_number(server, numbers.written)
        took = time.monotonic() - last
    changes = numbers.written / (last - start) * 60
    if changes < CHANGES:
        raise Fault(f"the file was changed only {changes:.0f} times a minute")
    say(
        f"{numbers.written} changes in {last - start:.1f} s, {changes:.0f} a minute, the last in force {took:.1f} s "
        f"later; {_sum(seen)}"
    )


def beginnings(folder: Path, say: Say, *, virtual: bool, every: int = 1) -> None:
    """Load each beginning of a sample file: it is refused, or read as the beginning of the whole.

    Its statements must be the first ones of the whole, and the answer to each key that of the whole, or "not found".
    """
    path = folder / "beginning.conf"
    content = policies.sample(virtual=virtual).encode()
    path.write_bytes(content)
    whole = load_snapshot(str(path)).configuration.policy
    keys = [key for key, _ in policies.SAMPLE_KEYS]
    keys += [key for key, _ in itertools.islice(policies.distinct_sample_answers(), 20)]
    right = {key: whole.resolve(key) for key in keys}
    statements = [rule.statement for rule in whole.rules]
    loaded = 0
    ends = range(0, len(content), every)
    for end in ends:
        path.write_bytes(content[:end])
        try:
            half = load_snapshot(str(path)).configuration.policy
        except ConfigurationErrors:
            continue
        loaded += 1
        if [rule.statement for rule in half.rules] != statements[: len(half.rules)]:
            raise Fault(f"the first {end} octets have other statements than the whole")
        for key in keys:
            outcome = half.resolve(key)
            if outcome != right[key] and not isinstance(outcome, NotFound):
                raise Fault(f"the first {end} octets answer {key} with {outcome}, all with {right[key]}")
    refused = len(ends) - loaded
    if not loaded:
        raise Fault("no beginning was loaded")
    say(
        f"{len(ends)} beginnings of a sample: {refused} refused, {loaded} loaded, none with a statement or an account "
        "that the whole does not have"
    )


def _sum(seen: list[Replies]) -> str:
    return f"{sum(replies.count for replies in seen)} right replies meanwhile"


def run(folder: Path, say: Say) -> None:
    """Run all parts."""
    absences(folder, say)
    partial_writes(folder, say)
    frequent_changes(folder, say)
    for virtual in (False, True):
        beginnings(folder, say, virtual=virtual)
