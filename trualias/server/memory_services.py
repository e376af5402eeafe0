"""The parts of a server process that its store needs: the states of aliases, the counting of mail, the retention.

Only a process with STORE imports this.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime

from trualias.configuration.tables import Table
from trualias.log import logger
from trualias.lookup import CurrentSnapshot
from trualias.messages import number_of
from trualias.monitoring.counters import LoadCounters
from trualias.server.counting_store import CountingStore
from trualias.server.daemon_thread import Worker
from trualias.server.delivery_counter import DeliveryCounter
from trualias.server.open_transactions import TransactionFile, file_name, file_name_before
from trualias.server.retention_service import RetentionService
from trualias.server.store_service import StoreHealth, StoreReader, StoreService
from trualias.server.yielding_pause import YieldingPause
from trualias.store.states_copy import copy_file_name

_log = logger(__name__)


class MemoryServices:
    """The services of a server with a store at ``path``; the constructor reads the states of aliases.

    ``deliveries`` takes the mail that the policy service sees.

    Args:
        path: of the store, absolute.
        configuration: the absolute path of its file.
        table: the table that the server's line protocol answers from.
        state: the directory for the copy of the states, and for open transactions; None for none.
        current: holds the snapshot in use, and gets the states.
        reactor: runs the services.
        make_worker: makes a worker, whose name it is given.
        loads: counts the deliveries, and shows whether the store is in use.

    """

    def __init__(
        self,
        path: str,
        configuration: str,
        table: Table,
        state: str | None,
        current: CurrentSnapshot,
        reactor: IReactorTime,
        make_worker: Callable[[str], Worker],
        loads: LoadCounters,
    ) -> None:
        self._path = path
        self._current = current
        self._reactor = reactor
        self._make_worker = make_worker
        self._loads = loads
        self._reader = StoreReader(
            path,
            None if state is None else os.path.join(state, copy_file_name(table.value, path)),
            pause=YieldingPause(),
            reads_known=lambda: current.snapshot.configuration.needs_known_aliases,
        )
        self._problem = self._reader.start()
        current.use_states(self._reader.states)
        if table is Table.LOCAL_PART:
            self._warn_of_aliases_with_domains()
        self.deliveries = DeliveryCounter(
            CountingStore(path),
            current,
            reactor,
            make_worker("the counting of deliveries"),
            loads.memory,
            self._is_in_use,
        )
        self._file: TransactionFile | None = None
        if state is not None:
            worker = make_worker("the open transactions")
            self._file = TransactionFile(
                os.path.join(state, file_name(table.value, path, configuration)),
                os.path.join(state, file_name_before(table.value, path)),
                self.deliveries.interrupted,
                reactor,
                worker,
            )
            self._file.read()

    def _warn_of_aliases_with_domains(self) -> None:
        """Log a warning about the aliases of one domain, over which the local-part table passes, if there are several.

        With one alias domain, its aliases are those without a domain.
        """
        if len(self._current.snapshot.configuration.settings.alias_domains) == 1:
            return
        number = sum(not key.endswith("@") for key, _ in self._reader.states.items())
        if number:
            _log.warn(
                "{path} has states of {aliases} of one domain, which the table server passes over: its keys have no "
                "domain",
                path=self._path,
                aliases=number_of(number, "alias", "aliases"),
            )

    def finish(self) -> Deferred[None]:
        """Return a Deferred that fires, when all connections are closed, after what is counted or open is written."""
        last = [self.deliveries.finish()] + ([] if self._file is None else [self._file.finish()])
        return gatherResults(last).addCallback(lambda _: None)

    def make_services(self) -> tuple[list[Service], StoreHealth]:
        """Return the services in the order of their start, and the remarks on their health."""
        worker = self._make_worker("the store")
        store = StoreService(self._reader, self._problem, self._current, self._reactor, worker, self._loads)
        worker = self._make_worker("the removal of old senders")
        retention = RetentionService(self._path, self._current, self._reactor, worker, self._is_in_use)
        return [store, self.deliveries, retention], StoreHealth(store)

    def _is_in_use(self) -> bool:
        return bool(self._loads.store_in_use)
