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
from trualias.server.state_files import replace_file

_log = logger(__name__)

_FORMAT = 1

LARGEST = 16 * 1024 * 1024
"""Octets of the largest file that is read: some 1,600 for each alias that interrupted transactions can have."""

FINISH_SECONDS = 2.0
"""The longest that a server that stops waits for the file."""


class TransactionFile:
    """Hands open transactions over to the next start of a server.

    Args:
        path: of the file.
        transactions: get those of the last run from `read`, and hold those of this one when it has ended.
        clock: the reactor's.
        worker: writes the file.

    """

    def __init__(self, path: str, transactions: InterruptedTransactions, clock: IReactorTime, worker: Worker) -> None:
        self._path = path
        self._transactions = transactions
        self._clock = clock
        self._worker = worker
        self._read: tuple[InterruptedTransaction, ...] = ()

    def read(self) -> None:
        """Read the transactions of the last run, and remove the file; a problem is logged."""
        try:
            with open(self._path, "rb") as file:
                content = file.read(LARGEST + 1)
            os.unlink(self._path)
            if len(content) > LARGEST:
                raise ValueError(f"it is larger than {LARGEST // 1024**2} MiB")
            self._read = decode(content)
            for transaction in self._read:
                self._transactions.put(transaction)
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            _log.warn(
                "mail that was under way when the server stopped is not counted: {path}: {reason}",
                path=self._path,
                reason=reason,
            )

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
    except (AttributeError, KeyError, TypeError, json.JSONDecodeError, UnicodeError) as error:
        raise ValueError("it is damaged") from error
