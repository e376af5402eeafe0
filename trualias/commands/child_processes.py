"""Work that several processes share: each computes the results of some tasks."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

_MOST_PROCESSES = 8

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


class EndedProcess(Exception):
    """A process ended before it sent all results; ``str()`` says how, such as "was ended by SIGKILL"."""


class _Child(NamedTuple, Generic[_Result]):
    """A process that works on some tasks, and the connection by which it sends their results."""

    process: ForkProcess
    results: Connection[None, _Result]


@contextmanager
def computed_by_several(
    work: Callable[[_Task], _Result], tasks: Sequence[_Task], most_processes: int | None = None
) -> Iterator[Iterator[_Result] | None]:
    """Yield the results of some tasks, in their order, computed by several processes; None if there cannot be several.

    By default there are as many as processors, and at most 8. They start before the first result is asked for, because
    a process with several threads, such as that of a progress bar, cannot fork safely. There cannot be several for a
    single task, in a process that has several threads already, or in one that cannot start others. The iterator raises
    EndedProcess.
    """
    if most_processes is None:
        most_processes = min(_processors(), _MOST_PROCESSES)
    number = min(most_processes, len(tasks))
    with ExitStack() as stack:
        children: Sequence[_Child[_Result]] = []
        if number > 1 and threading.active_count() == 1:
            with suppress(OSError):  # too many processes or open files
                children = stack.enter_context(_started(work, tasks, number))
        yield _receive_all(children, len(tasks)) if children else None


def _processors() -> int:
    """Return how many processors this process may use; 1 where the system does not tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


@contextmanager
def _started(
    work: Callable[[_Task], _Result], tasks: Sequence[_Task], number: int
) -> Iterator[Sequence[_Child[_Result]]]:
    """Start processes, and end them at the end; raises OSError where one cannot be started."""
    from multiprocessing import get_context

    context = get_context("fork")  # the processes have the open files and the objects of this one
    children: list[_Child[_Result]] = []
    with ExitStack() as stack:
        for first in range(number):
            results, sender = context.Pipe(duplex=False)
            stack.enter_context(results)
            with sender:
                inherited = [results, *(child.results for child in children)]
                arguments = work, tasks[first::number], sender, inherited
                process = context.Process(target=_send_results, args=arguments, daemon=True)
                process.start()
            stack.callback(process.join)
            stack.callback(process.kill)
            children.append(_Child(process, results))
        yield children


def _send_results(
    work: Callable[[_Task], _Result],
    tasks: Sequence[_Task],
    sender: Connection[_Result, None],
    inherited: Sequence[Connection[None, _Result]],
) -> None:
    """Send the result of each task, in a process of its own, which ends with the one that receives them."""
    for connection in inherited:
        connection.close()
    threading.Thread(target=_end_with_receiver, args=[sender.fileno()], daemon=True).start()
    for task in tasks:
        sender.send(work(task))


def _end_with_receiver(sender: int) -> None:
    """End this process when the other end of a pipe is closed (poll(2), POLLERR), as by a signal for that process."""
    waiting = select.poll()
    waiting.register(sender, 0)
    waiting.poll()
    os._exit(1)


def _receive_all(children: Sequence[_Child[_Result]], number: int) -> Iterator[_Result]:
    """Yield a number of results, in the order of their tasks."""
    for task in range(number):
        child = children[task % len(children)]
        try:
            yield child.results.recv()
        except (EOFError, OSError):
            child.process.join()
            code = child.process.exitcode or 0
            end = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"
            raise EndedProcess(end) from None
