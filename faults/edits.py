"""What happens to the file of the configuration: it vanishes, is no file, cannot be read, is half written, never rests.

The key that is asked belongs to an account of every configuration that is ever whole, so that "not found" is wrong at
any time.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from benchmarks import policies
from faults.asking import Asked, ask
from faults.case import Fault, Say
from faults.live import replace, serving, settings
from faults.soak import configuration
from trualias.configuration import ConfigurationErrors, load
from trualias.policy.outcome import NoMatch
from trualias.test.live import LiveServer, wait_until

CHANGES = 1_000
"""Changes of the file a minute."""
CLIENTS = 5
RATE = 500.0
KEY = b"get shop-google-g6"


class Steadfast:
    """Asks for one key, which some account has at any time."""

    def next(self) -> tuple[bytes, object]:
        """Give the request."""
        return KEY + b"\n", None

    def check(self, request: bytes, known: object, reply: bytes) -> None:
        """Look for an account."""
        if not reply.startswith(b"200 number"):
            raise Fault(f"asked {request!r}, which is always found, got {reply!r}")


@contextmanager
def asking(port: int) -> Iterator[list[Asked]]:
    """Let clients ask in another thread while the file is changed in this one; the list has then what they saw."""
    seen: list[Asked] = []
    failed: list[Exception] = []
    end = Event()

    def go() -> None:
        try:
            while not end.is_set():
                seen.append(ask(port, CLIENTS, 0.5, Steadfast(), RATE))
        except Exception as error:
            failed.append(error)

    thread = Thread(target=go)
    thread.start()
    try:
        yield seen
    finally:
        end.set()
        thread.join()
    for error in failed:
        raise error


def come_into_force(server: LiveServer, path: Path, number: int) -> None:
    """Write the configuration of this number, and wait until the server answers by it."""
    replace(path, settings(server.port) + configuration(number))
    answers(server, number)


def answers(server: LiveServer, number: int) -> None:
    """Wait until the server answers by the configuration of this number."""
    expected = f"200 number{number}\n".encode()
    wait_until(lambda: server.ask(KEY) == expected, f"the reply {expected!r}", log=lambda: server.log)


def absences(folder: Path, say: Say) -> None:
    """Take the file away in several ways; after each, the old one is in force, and then a new one."""

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
    with serving(folder, configuration(0)) as (server, path), asking(server.port) as seen:
        for number, (_, take_away) in enumerate(ways.items(), start=1):
            said = len(server.log)
            take_away(path)
            wait_until(
                lambda said=said: "stays in use" in server.log[said:],  # type: ignore[misc]
                "a complaint in the log",
                log=lambda: server.log,
            )
            if path.is_dir():
                path.rmdir()
            come_into_force(server, path, number)
    say(f"{', '.join(ways)}: a good file after each came into force; {_sum(seen)}")


def partial_writes(folder: Path, say: Say, pieces: int = 40, times: int = 5) -> None:
    """Write the file in place, piece by piece; after each piece it is a configuration without errors."""
    with serving(folder, configuration(0)) as (server, path), asking(server.port) as seen:
        for number in range(1, times + 1):
            first, *lines = configuration(number).splitlines(keepends=True)
            # The statement that everybody asks for comes last.
            lines = [settings(server.port), *lines, first]
            size = len(lines) // pieces + 1
            with path.open("w", encoding="utf-8") as file:
                for at in range(0, len(lines), size):
                    file.write("".join(lines[at : at + size]))
                    file.flush()
                    time.sleep(0.08)
            answers(server, number)
    say(f"{times} times written in {pieces} pieces, 80 ms apart, each beginning without errors; {_sum(seen)}")


def restless(folder: Path, say: Say, seconds: float = 60.0) -> None:
    """Change the file `CHANGES` times a minute, in place and by renaming; the last one must come into force."""
    with serving(folder, configuration(0)) as (server, path), asking(server.port) as seen:
        end, number = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            number += 1
            text = settings(server.port) + configuration(number)
            if number % 2:
                path.write_text(text, encoding="utf-8")
            else:
                replace(path, text)
            time.sleep(60 / CHANGES)
        last = time.monotonic()
        answers(server, number)
        took = time.monotonic() - last
    say(f"{number} changes in {seconds:.0f} s, the last in force {took:.1f} s later; {_sum(seen)}")


def beginnings(say: Say, length: int) -> None:
    """Every beginning of a file is refused, or finds nothing that the whole file does not find alike."""
    text = f"CASE SENSITIVE: no\n{configuration(0)}"[:length]
    text = text[: text.rindex(";") + 1]
    whole = load(text, "whole.conf").policy
    keys = ["shop-google-g6"]
    keys += [key for (key, _), _ in zip(policies.many_statements_answers(300, "x"), range(10), strict=False)]
    right = {key: whole.resolve(key) for key in keys}
    loaded = 0
    for end in range(len(text) + 1):
        try:
            half = load(text[:end], "half.conf").policy
        except ConfigurationErrors:
            continue
        loaded += 1
        for key in keys:
            outcome = half.resolve(key)
            if outcome != right[key] and not isinstance(outcome, NoMatch):
                raise Fault(f"the first {end} characters answer {key} with {outcome}, all with {right[key]}")
    say(f"{len(text) + 1} beginnings of a file: {loaded} loaded, the others were refused, no wrong account")


def _sum(seen: list[Asked]) -> str:
    return f"{sum(asked.replies for asked in seen)} right replies meanwhile"


def run(folder: Path, say: Say) -> None:
    """All of it."""
    absences(folder, say)
    partial_writes(folder, say)
    restless(folder, say)
    beginnings(say, 10_000)
