"""Tests of lookups by a responder: exceptions become faults, and some answers are logged."""

from __future__ import annotations

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration.tables import Table
from trualias.lookup import (
    Ambiguous,
    Answer,
    BudgetExceeded,
    Deferred,
    DeferredReason,
    Found,
    Lookup,
    NotFound,
    NotFoundReason,
)
from trualias.lookup.alias_states import AliasRecord, AliasState, AliasStates
from trualias.lookup.hooks import Hooks as LoadedHooks
from trualias.monitoring.counters import Counters, DetailedOutcome, RequestOutcome
from trualias.protocols import wire
from trualias.protocols.reply import Reply
from trualias.protocols.reply_cache import ReplyCache
from trualias.protocols.responder import WARNING_SECONDS, AddressWarnings, Responder
from trualias.test.lookups import ENDLESS, ENDLESS_KEY, Hooks, snapshot


def outcome_of(answer: Answer) -> DetailedOutcome:
    """Return the outcome that the reply to an answer counts as."""
    match answer:
        case Found():
            return RequestOutcome.FOUND
        case NotFound(reason):
            return reason
        case Ambiguous():
            return RequestOutcome.AMBIGUOUS
        case BudgetExceeded():
            return RequestOutcome.OVER_BUDGET
        case Deferred():
            return RequestOutcome.DEFERRED


class LookupFaultTests(SynchronousTestCase):
    """Answers, and their lines in the log."""

    def setUp(self) -> None:
        """Make counters of requests, which tell the outcomes of replies apart."""
        self.counters = Counters().of("tcp_table", "table")

    def reply(self, lookup: Lookup, key: str) -> Reply:
        """Return the reply to a request for a key."""
        return Responder(wire.LINES, self.counters, AddressWarnings()).reply(b"", key, lookup, ReplyCache())

    def assert_answer(self, lookup: Lookup, key: str, answer: Answer, *logged: tuple[str, str]) -> None:
        """Assert the answer, that the reply has its outcome, and the level and the whole text of each logged line."""
        answers: list[Answer] = []

        def keep(key: str) -> Answer:
            answers.append(lookup(key))
            return answers[-1]

        with capturedLogs() as events:
            reply = self.reply(keep, key)
        self.assertEqual([answer], answers)
        self.assertIs(self.counters.buckets[outcome_of(answer)], reply.buckets)
        self.assertEqual(list(logged), [(event["log_level"].name, formatEvent(event)) for event in events])

    def test_not_logged(self) -> None:
        """A key that is found by one reading, or not found, is not logged."""
        lookup = snapshot().tables[Table.LOCAL_PART]
        self.assert_answer(lookup, "samissexy.34", Found("baz", "baz"))
        self.assert_answer(lookup, "samissexy.43", NotFound(NotFoundReason.WRONG_CODE, ("baz",)))
        self.assert_answer(lookup, "\0", NotFound(NotFoundReason.NO_MATCH))

    def test_several_readings(self) -> None:
        """Several readings are logged as a warning with the address and the account."""
        message = "xxxxxx+00@example.com goes to Baz@example.com; it can be read in several ways, all of account Baz"
        answer = Found("Baz@example.com", "Baz", 2)
        self.assert_answer(snapshot().tables[Table.VIRTUAL], "xxxxxx+00@example.com", answer, ("warn", message))

    def test_several_accounts(self) -> None:
        """Several accounts are logged as a warning with the accounts and the value."""
        message = "to-a.1 is not found, because there is no DEBUG ACCOUNT: it is right for several accounts, one, two"
        self.assert_answer(
            snapshot().tables[Table.LOCAL_PART], "to-a.1", Ambiguous(("one", "two"), None), ("warn", message)
        )
        message = "to-a.1 goes to root: it is right for several accounts, one, two"
        lookup = snapshot("DEBUG ACCOUNT: root").tables[Table.LOCAL_PART]
        self.assert_answer(lookup, "to-a.1", Ambiguous(("one", "two"), "root"), ("warn", message))

    def test_over_budget(self) -> None:
        """A lookup over its budget of steps is logged as a warning."""
        message = f"{ENDLESS_KEY} gets a temporary error: the lookup took too many steps and was given up"
        self.assert_answer(
            snapshot("", ENDLESS).tables[Table.LOCAL_PART], ENDLESS_KEY, BudgetExceeded(), ("warn", message)
        )

    def test_kept_without_account(self) -> None:
        """An alias that is kept for an account that is gone is logged as a warning; other deferred ones are not."""
        records = {"shop@": AliasRecord(kept_for="gone"), "paused@": AliasRecord(AliasState.DEFER)}
        lookup = snapshot().with_states(AliasStates(records)).tables[Table.VIRTUAL]
        reason = "the store keeps it for gone, which the configuration does not have as an account there"
        message = f"shop@example.com gets a temporary error: {reason}"
        answer = Deferred(DeferredReason.NO_ACCOUNT, "gone")
        self.assert_answer(lookup, "shop@example.com", answer, ("warn", message))
        self.assert_answer(lookup, "paused@example.com", Deferred())
        lost = snapshot().with_states(AliasStates(is_lost=True)).tables[Table.VIRTUAL]
        self.assert_answer(lost, "shop@example.com", Deferred(DeferredReason.LOST))

    def assert_fault(self, error: BaseException, lookup: Lookup, outcome: RequestOutcome) -> None:
        """Assert that an exception is a temporary error with an outcome, and is logged with its traceback."""
        with capturedLogs() as events:
            reply = self.reply(lookup, "sam\nissexy.34")
        self.assertEqual(wire.FAULT, reply.octets)
        self.assertIs(self.counters.buckets[outcome], reply.buckets)
        (event,) = events
        self.assertIs(error, event["log_failure"].value)
        self.assertIn("in fail\n", event["log_failure"].getTraceback())
        message = r"the lookup of 'sam\nissexy.34' failed; the client is told to try again later"
        self.assertEqual(("critical", message), (event["log_level"].name, formatEvent(event)))
        self.flushLoggedErrors()

    def test_faults(self) -> None:
        """Any exception is a fault, which says whether a hook raised it."""
        for kind in (
            *(ZeroDivisionError, SystemExit, GeneratorExit, KeyboardInterrupt),
            *(RecursionError, UnicodeError, MemoryError),
        ):
            error = kind("a\nb %")

            def fail(*_: object, error: BaseException = error) -> tuple[str, None]:
                raise error.with_traceback(None)

            lookup = snapshot(hooks=LoadedHooks("test", fail, fail)).tables[Table.LOCAL_PART]  # type: ignore[arg-type]
            self.assert_fault(error, lookup, RequestOutcome.HOOK)
            self.assert_fault(error, fail, RequestOutcome.FAULT)  # type: ignore[arg-type]

    def test_quoted(self) -> None:
        """A warning has the control characters of a key and of a value escaped: neither forges a line of the log."""
        hooks = Hooks(preprocess=lambda *_: ("xxxxxx+00", None), postprocess=lambda *_: ("a\x1b[31m\nb", None))
        lookup = snapshot(hooks=hooks).tables[Table.LOCAL_PART]
        message = r"xx\n[x] forged\x1b goes to a\x1b[31m\nb; it can be read in several ways, all of account Baz"
        self.assert_answer(lookup, "xx\n[x] forged\x1b", Found("a\x1b[31m\nb", "Baz", 2), ("warn", message))


class AddressWarningsTests(SynchronousTestCase):
    """The number of warnings about single addresses."""

    def setUp(self) -> None:
        """Make warnings whose clock is ``now``."""
        self.now = 100.0
        self.warnings = AddressWarnings(lambda: self.now)

    def warn(self, *answers: Found | Ambiguous | BudgetExceeded | Deferred) -> list[str]:
        """Warn of an address for each answer, numbered from 0; return the logged lines."""
        with capturedLogs() as events:
            for number, answer in enumerate(answers):
                self.warnings.warn(f"address{number}", answer)
        return [formatEvent(event) for event in events]

    def test_subjects(self) -> None:
        """The first address is logged for each account, for accounts together, and for each other reason."""
        answers = (
            Found("foo", "foo", 2),
            Found("bar", "bar", 2),
            Ambiguous(("bar", "foo"), None),
            BudgetExceeded(),
            Deferred(DeferredReason.NO_ACCOUNT, "foo"),
        )
        self.assertEqual(5, len(self.warn(*answers)))
        self.assertEqual([], self.warn(*answers, *answers))

    def test_later(self) -> None:
        """After ten minutes the next address is logged, with the number of those that were not."""
        answer = Found("foo", "foo", 2)
        line = "address0 goes to foo; it can be read in several ways, all of account foo"
        self.assertEqual([line], self.warn(*[answer] * 1_000))
        self.now += WARNING_SECONDS - 1
        self.assertEqual([], self.warn(answer))
        self.now += 1
        self.assertEqual([f"{line} (1000 others since the last such line)"], self.warn(answer))
