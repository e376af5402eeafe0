"""Tests of ``trualias.protocols.transactions`` and ``trualias.protocols.envelope``."""

from __future__ import annotations

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup.locks import MALFORMED_SENDER
from trualias.lookup.recipients import Recipient
from trualias.protocols.envelope import LONGEST_SENDER, envelope_sender
from trualias.protocols.transactions import (
    LONGEST_INSTANCE,
    MOST_RECIPIENTS,
    MOST_WITHOUT_END,
    EndWatch,
    InterruptedTransactions,
    OpenTransaction,
    Outcome,
)

SENDERS = {
    b"": "",
    b"shop@news.test": "shop@news.test",
    b"Shop@News.TEST": "shop@news.test",
    b"shop@news.test.": "shop@news.test",
    b"shop@news.test..": MALFORMED_SENDER,
    "shop@bücher.example".encode(): "shop@xn--bcher-kva.example",
    "käufer@news.test".encode(): "käufer@news.test",
    b"a b@b.test": "a b@b.test",
    b"a@b@c.test": "a@b@c.test",
    b"shop@[192.0.2.1]": "shop@[192.0.2.1]",
    b"shop@[IPv6:2001:db8::1]": "shop@[ipv6:2001:db8::1]",
    b"shop": MALFORMED_SENDER,
    b"shop@": MALFORMED_SENDER,
    b"@news.test": MALFORMED_SENDER,
    b"@": MALFORMED_SENDER,
    b".": MALFORMED_SENDER,
    b"shop@news test": MALFORMED_SENDER,
    b"shop@-news.test": MALFORMED_SENDER,
    b"sh\0op@news.test": MALFORMED_SENDER,
    b"shop\t@news.test": MALFORMED_SENDER,
    b"\xff@news.test": MALFORMED_SENDER,
    MALFORMED_SENDER.encode(): MALFORMED_SENDER,
    b"a" * (LONGEST_SENDER - 10) + b"@news.test": "a" * (LONGEST_SENDER - 10) + "@news.test",
    b"a" * (LONGEST_SENDER - 9) + b"@news.test": MALFORMED_SENDER,
}
"""Senders as requests have them, and as locks compare them."""


def alias(name: str) -> Recipient:
    """Return a recipient that is an alias of foo."""
    return Recipient(f"{name}@example.com", f"{name}@example.com", "foo")


ONE, TWO = alias("one"), alias("two")
ALL, ANY = Outcome.ACCEPTED, Outcome.KNOWN

TRANSACTIONS: tuple[tuple[list[tuple[bytes, Recipient | None]], bytes, bytes, list[Recipient], Outcome], ...] = (
    # Requests at RCPT, what is typed and what it is; the recipient and the count at the end; the outcome.
    ([(b"one", ONE)], b"one", b"1", [ONE], ALL),
    ([(b"one", ONE)], b"", b"1", [ONE], ALL),
    ([(b"One", ONE)], b"one", b"1", [ONE], ALL),
    ([(b"one", ONE), (b"two", TWO)], b"", b"2", [ONE, TWO], ALL),
    # A duplicate in other case counts twice.
    ([(b"one", ONE), (b"ONE", ONE)], b"", b"2", [ONE], ALL),
    ([(b"one", ONE), (b"one", ONE)], b"", b"2", [ONE], ALL),
    ([(b"one", ONE), (b"one.", ONE), (b"two", TWO)], b"", b"3", [ONE, TWO], ALL),
    # Others, which may have been refused by later checks, or accepted.
    ([(b"one", ONE), (b"x", None)], b"", b"1", [ONE], ALL),
    ([(b"one", ONE), (b"x", None)], b"one", b"1", [ONE], ALL),
    ([(b"x", None), (b"one", ONE), (b"y", None)], b"", b"2", [ONE], ALL),
    ([(b"x", None), (b"one", ONE), (b"y", None)], b"", b"3", [ONE], ALL),
    ([(b"x", None)], b"x", b"1", [], ALL),
    ([(b"x", None), (b"y", None)], b"", b"2", [], ALL),
    # One of ours was refused by a later check.
    ([(b"one", ONE), (b"two", TWO)], b"two", b"1", [TWO], ALL),
    ([(b"one", ONE), (b"two", TWO), (b"x", None)], b"", b"1", [ONE, TWO], ANY),
    ([(b"one", ONE), (b"x", None)], b"x", b"1", [], ALL),
    # Numbers that cannot be.
    ([(b"one", ONE)], b"", b"0", [ONE], ANY),
    ([(b"one", ONE)], b"", b"2", [ONE], ANY),
    ([(b"one", ONE)], b"", b"", [ONE], ANY),
    ([(b"one", ONE)], b"", b"-1", [ONE], ANY),
    ([(b"one", ONE)], b"", b"1" * 5000, [ONE], ANY),
    ([(b"one", ONE)], b"", b"\xd9\xa1", [ONE], ANY),
    ([], b"", b"0", [], ALL),
    ([], b"one", b"1", [], ALL),
)


class SenderTests(SynchronousTestCase):
    """Senders of envelopes."""

    def test_table(self) -> None:
        """A sender is in lower case, with A-labels and without a dot at its end, or no address."""
        for octets, sender in SENDERS.items():
            self.assertEqual(sender, envelope_sender(octets), octets)


class TransactionTests(SynchronousTestCase):
    """One transaction after the other on a connection."""

    def test_table(self) -> None:
        """At the end of a message, all its aliases were accepted, or the only one, or it cannot be told."""
        transaction = OpenTransaction()
        for number, (requests, typed, count, recipients, outcome) in enumerate(TRANSACTIONS):
            transaction.enter(b"4.%d" % number)
            firsts = [transaction.add(*request) for request in requests]
            self.assertEqual(min(1, len([recipient for _, recipient in requests if recipient])), sum(firsts))
            transaction.enter(b"4.%d" % number)
            self.assertEqual((recipients, outcome), transaction.end(typed, count), (requests, typed, count))
            self.assertEqual([], transaction.end(b"", b"1")[0], "an end closes the transaction")

    def test_another_instance(self) -> None:
        """A request of another instance, or of none, drops what is open: it was aborted."""
        for other in (b"2", b"", b"x" * (LONGEST_INSTANCE + 1)):
            transaction = OpenTransaction()
            transaction.enter(b"1")
            transaction.add(b"one", ONE)
            transaction.enter(other)
            self.assertEqual(([], ALL), transaction.end(b"one", b"1"))
            transaction.enter(b"1")
            self.assertEqual(([], ALL), transaction.end(b"one", b"1"))

    def test_no_instance(self) -> None:
        """Nothing is remembered without an instance, nor with one that is too long."""
        for instance in (b"", b"x" * (LONGEST_INSTANCE + 1)):
            transaction = OpenTransaction()
            transaction.enter(instance)
            self.assertFalse(transaction.add(b"one", ONE))
            self.assertEqual(([], ALL), transaction.end(b"one", b"1"))

    def test_interrupted(self) -> None:
        """What is open when the server stops goes on in another connection, with all that was asked in it."""
        interrupted = InterruptedTransactions()
        for number, (requests, typed, count, recipients, outcome) in enumerate(TRANSACTIONS):
            instance = b"4.%d" % number
            for request in requests:
                before = OpenTransaction(interrupted)
                before.enter(instance)
                before.add(*request)
                before.interrupt()
            after = OpenTransaction(interrupted)
            after.enter(b"other")
            self.assertEqual([], after.end(b"", b"1")[0])
            after.enter(instance)
            self.assertEqual((recipients, outcome), after.end(typed, count), (requests, typed, count))
            after.interrupt()
            self.assertEqual(0, len(interrupted), "an end closes the transaction")

    def test_many_interrupted(self) -> None:
        """Of more interrupted transactions than can be held, the oldest are given up."""
        interrupted = InterruptedTransactions(most=10)
        for number in range(5):
            transaction = OpenTransaction(interrupted)
            transaction.enter(b"%d" % number)
            for name in ("one", "two"):
                transaction.add(name.encode(), alias(name))
            transaction.interrupt()
        self.assertEqual([b"2", b"3", b"4"], [one.instance for one in interrupted])

    def test_bounded(self) -> None:
        """Of more aliases than can be remembered, none is counted by the number of the accepted ones."""
        transaction = OpenTransaction()
        transaction.enter(b"1")
        for number in range(MOST_RECIPIENTS + 1):
            transaction.add(b"%d" % number, alias(str(number)))
        recipients, outcome = transaction.end(b"", b"%d" % (MOST_RECIPIENTS + 1))
        self.assertEqual((MOST_RECIPIENTS, ANY), (len(recipients), outcome))


class EndWatchTests(SynchronousTestCase):
    """The log message about the missing second line."""

    def test_missing(self) -> None:
        """It comes once, after many transactions."""
        watch = EndWatch()
        with capturedLogs() as events:
            for _ in range(MOST_WITHOUT_END - 1):
                watch.begin()
            self.assertEqual([], [*map(formatEvent, events)])
            for _ in range(MOST_WITHOUT_END * 2):
                watch.begin()
        self.assertEqual(
            [
                "mail for aliases is not counted: 100 transactions began, and there was no request with "
                "protocol_state=END-OF-MESSAGE; in main.cf, write the same check_policy_service in "
                "smtpd_end_of_data_restrictions as well"
            ],
            [*map(formatEvent, events)],
        )

    def test_there(self) -> None:
        """It does not come after the end of a message."""
        watch = EndWatch()
        with capturedLogs() as events:
            watch.end()
            for _ in range(MOST_WITHOUT_END * 2):
                watch.begin()
        self.assertEqual([], events)
