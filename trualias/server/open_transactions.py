"""The mail transactions that are open when a server stops, in a file for the one that starts after it.

Only a process with STORE imports this.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from trualias.log import logger
from trualias.lookup.recipients import Recipient
from trualias.protocols.transactions import InterruptedTransaction, InterruptedTransactions
from trualias.server.daemon_thread import Worker
from trualias.state_files import name_of, read_bounded, replace_file

_log = logger(__name__)

_FORMAT = 1

FINISH_SECONDS = 2.0
"""The longest that a server that stops waits for the file."""


class TransactionFile:
    """Hands open transactions over to the next start of a server.

    Args:
        path: of the file.
        before: the path of the file of earlier versions, which is read as well.
        transactions: get those of the last run from `read`, and hold those of this one when it has ended.
        clock: the reactor's.
        worker: writes the file.

    """

    def __init__(
        self, path: str, before: str, transactions: InterruptedTransactions, clock: IReactorTime, worker: Worker
    ) -> None:
        self._path = path
        self._before = before
        self._transactions = transactions
        self._clock = clock
        self._worker = worker
        self._read: list[InterruptedTransaction] = []

    def read(self) -> None:
        """Read the transactions of the last run, and remove their files; a problem is logged."""
        for path in (self._before, self._path):
            for transaction in self._take(path):
                self._read.append(transaction)
                self._transactions.put(transaction)

    def _take(self, path: str) -> Iterable[InterruptedTransaction]:
        try:
            with open(path, "rb") as file:
                # Of two servers that start with one file, the other one fails here.
                os.unlink(path)
                return decode(read_bounded(file))
        except FileNotFoundError:
            return ()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            _log.warn(
                "mail that was under way when the server stopped is not counted: {path}: {reason}",
                path=path,
                reason=reason,
            )
            return ()

    def finish(self) -> Deferred[None]:
        """Write the transactions that are open; return a Deferred that fires when it is done, or after 2 seconds."""
        # What no connection has gone on with is not handed over again: its client has given up.
        read = set(map(id, self._read))
        transactions = [one for one in self._transactions if id(one) not in read]
        if not transactions:
            return succeed(None)
        content = encode(transactions)
        writing = self._worker.run(lambda: replace_file(self._path, content, durable=False))
        return writing.addTimeout(FINISH_SECONDS, self._clock).addErrback(self._handle_failure)

    def _handle_failure(self, failure: Failure) -> None:
        error = failure.value
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "the disk does not respond"
        _log.warn(
            "mail that is under way will not be counted, since {path} cannot be written: {reason}",
            path=self._path,
            reason=reason,
        )


def file_name(table: str, store: str, configuration: str) -> str:
    """Return the name of the file, in the state directory, of a table's server, by two absolute paths.

    Servers of one table with different configurations or stores have different files.
    """
    return f"open-transactions-{table}-{name_of(store)}-{name_of(configuration)}.json"


def file_name_before(table: str, store: str) -> str:
    """Return the name that earlier versions gave the file, which servers of one table with one store shared."""
    return f"open-transactions-{table}-{name_of(store)}.json"


def encode(transactions: Iterable[InterruptedTransaction]) -> bytes:
    """Encode transactions as JSON."""
    found = [
        {
            "instance": one.instance.decode("latin-1"),
            "aliases": [
                [typed.decode("latin-1"), alias.key, alias.address, alias.account]
                for typed, alias in one.aliases.items()
            ],
            "requests": one.requests,
            "others": one.others,
            "is_cut": one.is_cut,
        }
        for one in transactions
    ]
    return json.dumps({"format": _FORMAT, "transactions": found}).encode("ascii")


def decode(content: bytes) -> tuple[InterruptedTransaction, ...]:
    """Decode transactions; raise `ValueError`. Their aliases have no locks, which let the mail in."""
    try:
        document = json.loads(content)
        if document["format"] != _FORMAT:
            raise ValueError("it is of another version of trualias")
        return tuple(
            InterruptedTransaction(
                one["instance"].encode("latin-1"),
                {typed.encode("latin-1"): Recipient(*alias) for typed, *alias in one["aliases"]},
                int(one["requests"]),
                int(one["others"]),
                bool(one["is_cut"]),
            )
            for one in document["transactions"]
        )
    except (
        AttributeError,
        KeyError,
        TypeError,
        OverflowError,
        RecursionError,
        json.JSONDecodeError,
        UnicodeError,
    ) as error:
        raise ValueError("it is damaged") from error
