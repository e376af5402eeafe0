"""The mail transaction that is open on a connection of the policy protocol, and the deliveries that follow from it.

Postfix asks about each recipient (RCPT), and once more when the message is there (END-OF-MESSAGE). It says then how
many recipients were accepted, and only of a single one which it was (SMTPD_POLICY_README).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Protocol

from attrs import frozen

from trualias.log import logger
from trualias.lookup.recipients import Recipient, WrongCode
from trualias.monitoring.memory_counters import MemoryCounters

_log = logger(__name__)

MOST_RECIPIENTS = 1_000
"""The most aliases of a transaction that are remembered; Postfix accepts no more by default (smtpd_recipient_limit)."""

MOST_INTERRUPTED = 10_000
"""The most aliases of interrupted transactions that are remembered: some 5 MB."""

LONGEST_INSTANCE = 255
"""Octets of the longest instance that is remembered; Postfix 3.7 sends about 25."""

MOST_WITHOUT_END = 100
"""Transactions without an end of any message after which the end-of-data restrictions seem to be missing."""

_MOST_DIGITS = 9


class Outcome(Enum):
    """The outcome of mail to an alias: ``REFUSED`` by its state, or by its lock.

    It is ``KNOWN`` if some recipients of the message were accepted, and it cannot be told whether this one was.
    """

    ACCEPTED = "accepted"
    REFUSED = "refused"
    KNOWN = "known"


@frozen
class InterruptedTransaction:
    """A transaction whose connection the server closed: its instance and what was asked in it.

    ``aliases`` are by the recipients as they were typed, in lower case. ``requests`` is the number of requests for
    aliases, ``others`` that for other recipients. ``is_cut``: there were too many aliases to remember.
    """

    instance: bytes
    aliases: dict[bytes, Recipient]
    requests: int
    others: int
    is_cut: bool


class InterruptedTransactions:
    """The transactions that were open when the server stopped, for the one that starts after it, by instance.

    The mail server connects again within the transaction. At most ``most`` aliases and transactions are held.
    """

    def __init__(self, most: int = MOST_INTERRUPTED) -> None:
        self._most = most
        self._aliases = 0
        self._by_instance: dict[bytes, InterruptedTransaction] = {}

    def __len__(self) -> int:
        """Return the number of transactions."""
        return len(self._by_instance)

    def __iter__(self) -> Iterator[InterruptedTransaction]:
        """Iterate over the transactions, the oldest first."""
        return iter(self._by_instance.values())

    def put(self, transaction: InterruptedTransaction) -> None:
        """Add a transaction; give up the oldest ones if there are too many aliases."""
        self.take(transaction.instance)
        self._by_instance[transaction.instance] = transaction
        self._aliases += len(transaction.aliases) + 1
        while self._aliases > self._most:
            self.take(next(iter(self._by_instance)))

    def take(self, instance: bytes) -> InterruptedTransaction | None:
        """Remove and return the transaction of an instance; None if there is none."""
        found = self._by_instance.pop(instance, None)
        if found is not None:
            self._aliases -= len(found.aliases) + 1
        return found


class DeliverySink(Protocol):
    """Takes deliveries from the thread that answers; ``counters`` are those of the memory.

    ``interrupted`` are the transactions that a server leaves to the next one.
    """

    counters: MemoryCounters
    interrupted: InterruptedTransactions

    def add(self, recipient: Recipient, sender: str, outcome: Outcome) -> None:
        """Take mail to an alias and its outcome, or drop it; never block.

        ``sender`` is as `trualias.protocols.envelope.envelope_sender` returns it.
        """

    def add_guess(self, guess: WrongCode, network: str) -> None:
        """Take a wrong code that a client of a network tried, or drop it; never block."""


class OpenTransaction:
    """The transaction that is open on one connection. A request of another instance drops it.

    Those in ``interrupted`` go on.
    """

    __slots__ = ("_instance", "_interrupted", "_is_cut", "_others", "_ours", "_requests")

    def __init__(self, interrupted: InterruptedTransactions | None = None) -> None:
        self._interrupted = interrupted
        self._instance = b""
        self._ours: dict[bytes, Recipient] = {}  # by the recipient as it was typed, in lower case
        self._drop()

    def enter(self, instance: bytes) -> None:
        """Go on with an instance: drop what is open if it is of another one."""
        if instance != self._instance:
            self._instance = instance if len(instance) <= LONGEST_INSTANCE else b""
            self._drop()
            if self._interrupted and (before := self._interrupted.take(instance)) is not None:
                self._ours = before.aliases
                self._requests, self._others, self._is_cut = before.requests, before.others, before.is_cut

    def interrupt(self) -> None:
        """Leave what is open to another connection."""
        if self._interrupted is not None and (self._ours or self._others):
            self._interrupted.put(
                InterruptedTransaction(self._instance, self._ours, self._requests, self._others, self._is_cut)
            )
            self._drop()

    def add(self, typed: bytes, recipient: Recipient | None) -> bool:
        """Remember a recipient that was not refused; return whether it is the first alias.

        ``typed`` is the recipient as the client typed it, ``recipient`` is None if it is no alias. Without an instance
        nothing is remembered.
        """
        if not self._instance:
            return False
        if recipient is None:
            self._others += 1
            return False
        self._requests += 1
        if len(self._ours) < MOST_RECIPIENTS:
            self._ours[typed.lower()] = recipient
        else:
            self._is_cut = True
        return self._requests == 1

    def end(self, typed: bytes, count: bytes) -> tuple[list[Recipient], Outcome]:
        """Close the transaction at the end of its message; return its aliases, each once, and their outcome.

        ``typed`` is the accepted recipient if there is only one, otherwise empty. ``count`` is the number of accepted
        recipients in decimal digits, each counted as often as the client named it.
        """
        ours, requests, others, is_cut = self._ours, self._requests, self._others, self._is_cut
        self._drop()
        if typed:
            only = ours.get(typed.lower())
            return ([] if only is None else [only]), Outcome.ACCEPTED
        accepted = int(count) if count.isdigit() and len(count) <= _MOST_DIGITS else -1
        are_all = requests <= accepted <= requests + others and not is_cut
        each_once = {recipient.key: recipient for recipient in ours.values()}
        return list(each_once.values()), Outcome.ACCEPTED if are_all else Outcome.KNOWN

    def _drop(self) -> None:
        self._ours = {}
        self._requests = 0  # for aliases
        self._others = 0  # requests for other recipients
        self._is_cut = False  # there were too many aliases to remember


class EndWatch:
    """Logs once if many transactions with aliases begin, and no message ends: then no delivery is counted."""

    def __init__(self) -> None:
        self._begun = 0
        self._ended = False

    def begin(self) -> None:
        """Count a transaction with an alias."""
        self._begun += 1
        if self._begun == MOST_WITHOUT_END and not self._ended:
            _log.warn(
                "mail for aliases is not counted: {number} transactions began, and there was no request with "
                "protocol_state=END-OF-MESSAGE; in main.cf, write the same check_policy_service in "
                "smtpd_end_of_data_restrictions as well",
                number=MOST_WITHOUT_END,
            )

    def end(self) -> None:
        """Note the end of a message."""
        self._ended = True
