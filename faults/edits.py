"""What happens to the file of the configuration: it vanishes, is no file, cannot be read, is half written, never rests.

While it happens clients ask for a key of `faults.numbered`.
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
from faults.asking import Asked, ask
from faults.case import Fault, Say, beside
from faults.live import replace, serving, settings
from faults.numbered import KEY, OTHERS, Numbers, answers, configuration, statement
from trualias.configuration import ConfigurationErrors
from trualias.lookup.loading import STABLE_SECONDS, load_snapshot
from trualias.matching.outcome import NotFound
from trualias.testing.live import wait_until

CHANGES = 1_000
"""Changes of the file a minute that have to be survived."""
PACE = 1.2
"""How many times as many are aimed at."""
CLIENTS = 5
RATE = 500.0


@frozen
class _Steadfast:
    """Asks for one key, which some account has at any time."""

    numbers: Numbers

    def next(self) -> tuple[bytes, object]:
        """Give the request."""
        return KEY + b"\n", self.numbers.heard

    def check(self, request: bytes, known: object, reply: bytes) -> None:
        """Look for an account of a configuration that may be in use."""
        assert isinstance(known, int)
        self.numbers.check(request, known, reply)


@contextmanager
def asking(port: int, numbers: Numbers) -> Iterator[list[Asked]]:
    """Let clients ask in another thread while the file is changed in this one; the list has then what they saw."""
    seen: list[Asked] = []

    def go(end: Event) -> None:
        while not end.is_set():
            seen.append(ask(port, CLIENTS, 0.5, _Steadfast(numbers), RATE))

    with beside(go):
        yield seen


def absences(folder: Path, say: Say, *, tell: bool = False) -> None:
    """Take the file away in several ways; after each, the old one is in force, and then a new one.

    The server sees it by itself, or is told to load.
    """

    def become_folder(path: Path) -> None:
        path.unlink()
        path.mkdir()

    def become_link_to_itself(path: Path) -> None:
        # Whatever its mode, root could read it.
        path.unlink()
        path.symlink_to(path)

    ways: dict[str, Callable[[Path], object]] = {
        "deleted": Path.unlink,
        "a folder": become_folder,
        "unreadable": become_link_to_itself,
        "not UTF-8": lambda path: path.write_bytes(b"\xff\xfe" * 1000),
        "full of zeros": lambda path: path.write_bytes(bytes(10_000)),
    }
    numbers = Numbers()
    with serving(folder, configuration(0)) as (server, path), asking(server.port, numbers) as seen:
        for numbers.written, take_away in enumerate(ways.values(), start=1):
            said = len(server.log)
            take_away(path)
            if tell:
                os.kill(server.pid, signal.SIGHUP)
            wait_until(
                lambda said=said: "stays in use" in server.log[said:],  # type: ignore[misc]
                "a complaint in the log",
                log=lambda: server.log,
            )
            if path.is_dir():
                path.rmdir()
            replace(path, settings(server.port) + configuration(numbers.written))
            if tell:
                os.kill(server.pid, signal.SIGHUP)
            answers(server, numbers.written)
    say(f"{', '.join(ways)}: a good file after each came into force; {_sum(seen)}")


def partial_writes(folder: Path, say: Say, writes: int = 10_000, pieces: int = 40) -> None:
    """Write the file in place, piece by piece, again and again, each time cut at other places.

    After each piece the server is told to load. Half of the cuts leave a configuration without errors, and none but the
    whole one has the statement that everybody asks for. Between the last piece and the first of the next time passes
    about what the server waits, so that the file also changes while it is read.
    """
    numbers = Numbers()
    cuts = 0
    times = writes // pieces
    with serving(folder, configuration(0)) as (server, path), asking(server.port, numbers) as seen:
        for numbers.written in range(1, times + 1):
            lines = [*OTHERS.splitlines(keepends=True), statement(numbers.written)]
            text = "".join([settings(server.port), *(line + "\n" * len(line) for line in lines)])
            ends = [len(text) * (at * times + numbers.written) // (times * pieces + times) for at in range(pieces)]
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
        answers(server, numbers.written)
    if numbers.in_force < times // 10:
        raise Fault(f"{numbers.in_force} of {times} files came into force: the server hardly read any")
    say(
        f"{times * pieces} beginnings of {times} files left on disk 8 ms each, {cuts} of them without errors; "
        f"{numbers.in_force} of the files came into force; {_sum(seen)}"
    )


def restless(folder: Path, say: Say, seconds: float = 60.0) -> None:
    """Change the file `CHANGES` times a minute, in place and by renaming; the last one must come into force."""
    numbers = Numbers()
    with serving(folder, configuration(0)) as (server, path), asking(server.port, numbers) as seen:
        start = time.monotonic()
        for numbers.written in range(1, int(seconds / 60 * CHANGES * PACE) + 1):
            text = settings(server.port) + configuration(numbers.written)
            if numbers.written % 2:
                path.write_text(text, encoding="utf-8")
            else:
                replace(path, text)
            time.sleep(max(0, start + numbers.written * 60 / CHANGES / PACE - time.monotonic()))
        last = time.monotonic()
        answers(server, numbers.written)
        took = time.monotonic() - last
    changes = numbers.written / (last - start) * 60
    if changes < CHANGES:
        raise Fault(f"the file was changed {changes:.0f} times a minute only")
    say(
        f"{numbers.written} changes in {last - start:.1f} s, {changes:.0f} a minute, the last in force {took:.1f} s "
        f"later; {_sum(seen)}"
    )


def beginnings(folder: Path, say: Say, *, virtual: bool, every: int = 1) -> None:
    """Load each beginning of a sample file: it is refused, or understood as the beginning of the whole.

    Its statements are the first of the whole, and no key is found that the whole does not find alike.
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
        "that the whole has not"
    )


def _sum(seen: list[Asked]) -> str:
    return f"{sum(asked.replies for asked in seen)} right replies meanwhile"


def run(folder: Path, say: Say) -> None:
    """All of it."""
    absences(folder, say)
    partial_writes(folder, say)
    restless(folder, say)
    for virtual in (False, True):
        beginnings(folder, say, virtual=virtual)
