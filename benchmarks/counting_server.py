"""A virtual server that hands deliveries to its memory.

``python -m benchmarks.counting_server CONFIGURATION RATE`` takes the deliveries of the process itself, RATE a second,
to the aliases of `benchmarks.counting` from 100 senders. With ``discarding`` as third argument they are discarded.
"""

from __future__ import annotations

import os
import sys
from itertools import count, islice
from pathlib import Path
from typing import cast

from twisted.application.internet import TimerService
from twisted.internet import reactor
from twisted.internet.interfaces import IReactorCore

from benchmarks.counting import ALIASES, aliases
from trualias.configuration.tables import Table
from trualias.lookup.recipients import Recipient, WrongCode
from trualias.monitoring.memory_counters import MemoryCounters
from trualias.protocols.transactions import DeliverySink, InterruptedTransactions, Outcome
from trualias.server.application import Application, Reactor
from trualias.server.daemon_thread import DaemonThread

TICK = 0.01
"""Seconds between two bursts of deliveries."""


class Discarding:
    """A sink that discards deliveries, for the cost of their making."""

    def __init__(self) -> None:
        self.counters = MemoryCounters()
        self.interrupted = InterruptedTransactions()

    def add(self, recipient: Recipient, sender: str, outcome: Outcome) -> None:
        """Discard a delivery."""

    def add_guess(self, guess: WrongCode, network: str) -> None:
        """Discard a guess."""


class Source:
    """Hands deliveries to a sink."""

    def __init__(self, sink: DeliverySink, rate: int) -> None:
        self._sink = sink
        self._burst = round(rate * TICK)
        # Few enough of an account, so that all become known on one day.
        self._recipients = [
            Recipient(alias, alias, f"account{number % 10}") for number, alias in enumerate(islice(aliases(), ALIASES))
        ]
        self._numbers = count()

    def deliver(self) -> None:
        """Hand a burst of deliveries to the sink."""
        for number in islice(self._numbers, self._burst):
            sender = f"bounce@news{number % 100}.test"
            self._sink.add(self._recipients[number % ALIASES], sender, Outcome.ACCEPTED)


def main(configuration: Path, rate: int, *, is_discarding: bool) -> None:
    """Run the server until the process is stopped."""
    used = cast(Reactor, reactor)
    application = Application(
        Table.VIRTUAL,
        str(configuration),
        (),
        used,
        lambda name: DaemonThread(used, name),
        {},
        str(configuration.parent),
    )
    service = application.make_service()
    if rate:
        assert application._memory is not None
        sink = Discarding() if is_discarding else application._memory.deliveries
        TimerService(TICK, Source(sink, rate).deliver).setServiceParent(service)
    service.privilegedStartService()
    service.startService()
    core = IReactorCore(reactor)
    core.addSystemEventTrigger("before", "shutdown", service.stopService)
    core.run()


if __name__ == "__main__":
    os.chdir(Path(sys.argv[1]).parent)
    main(Path(sys.argv[1]).absolute(), int(sys.argv[2]), is_discarding=sys.argv[3:] == ["discarding"])
