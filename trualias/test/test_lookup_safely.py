"""Asking on behalf of a client: nothing is raised, and the log hears of what is remarkable."""

from __future__ import annotations

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration.tables import Table
from trualias.lookup import Ambiguous, Answer, BudgetExceeded, Found, Lookup, NotFound, NotFoundReason
from trualias.lookup.hooks import Hooks as LoadedHooks
from trualias.protocols.responder import Fault, lookup_safely
from trualias.test.lookups import ENDLESS, ENDLESS_KEY, Hooks, snapshot


class AskTests(SynchronousTestCase):
    """What is answered, and what is logged."""

    def assert_answer(self, lookup: Lookup, key: str, answer: Answer | Fault, *logged: tuple[str, str]) -> None:
        """Assert the answer, and the level and the whole text of each line in the log."""
        with capturedLogs() as events:
            self.assertEqual(answer, lookup_safely(lookup, key))
        self.assertEqual(list(logged), [(event["log_level"].name, formatEvent(event)) for event in events])

    def test_nothing_remarkable(self) -> None:
        """Hits with one reading and misses are not logged."""
        lookup = snapshot().tables[Table.LOCAL_PART]
        self.assert_answer(lookup, "samissexy.34", Found("baz", "baz"))
        self.assert_answer(lookup, "samissexy.43", NotFound(NotFoundReason.WRONG_CODE, ("baz",)))
        self.assert_answer(lookup, "\0", NotFound(NotFoundReason.NO_MATCH))

    def test_several_readings(self) -> None:
        """Several readings are a warning with the address and the account."""
        message = "xxxxxx+00@example.com goes to Baz@example.com; it can be read in several ways, all of account Baz"
        answer = Found("Baz@example.com", "Baz", 2)
        self.assert_answer(snapshot().tables[Table.VIRTUAL], "xxxxxx+00@example.com", answer, ("warn", message))

    def test_several_accounts(self) -> None:
        """Several accounts are a warning that says what becomes of the mail."""
        message = "to-a.1 is not found, because there is no DEBUG ACCOUNT: it is right for several accounts, one, two"
        self.assert_answer(
            snapshot().tables[Table.LOCAL_PART], "to-a.1", Ambiguous(("one", "two"), None), ("warn", message)
        )
        message = "to-a.1 goes to root: it is right for several accounts, one, two"
        lookup = snapshot("DEBUG ACCOUNT: root").tables[Table.LOCAL_PART]
        self.assert_answer(lookup, "to-a.1", Ambiguous(("one", "two"), "root"), ("warn", message))

    def test_over_budget(self) -> None:
        """What was given up is a warning."""
        message = f"{ENDLESS_KEY} gets a temporary error: the lookup took too many steps and was given up"
        self.assert_answer(
            snapshot("", ENDLESS).tables[Table.LOCAL_PART], ENDLESS_KEY, BudgetExceeded(), ("warn", message)
        )

    def assert_fault(self, error: BaseException, lookup: Lookup, fault: Fault) -> None:
        """Assert that an exception becomes a fault, and goes to the log with its traceback."""
        with capturedLogs() as events:
            self.assertEqual(fault, lookup_safely(lookup, "sam\nissexy.34"))
        (event,) = events
        self.assertIs(error, event["log_failure"].value)
        self.assertIn("in fail\n", event["log_failure"].getTraceback())
        message = r"the lookup of 'sam\nissexy.34' failed; the client is told to try again later"
        self.assertEqual(("critical", message), (event["log_level"].name, formatEvent(event)))
        self.flushLoggedErrors()

    def test_faults(self) -> None:
        """Whatever is raised is a fault, and where it came out of a hook the fault says so."""
        for kind in (ZeroDivisionError, SystemExit, GeneratorExit, RecursionError, UnicodeError, MemoryError):
            error = kind("a\nb %")

            def fail(*_: object, error: BaseException = error) -> tuple[str, None]:
                raise error.with_traceback(None)

            lookup = snapshot(hooks=LoadedHooks("test", fail, fail)).tables[Table.LOCAL_PART]  # type: ignore[arg-type]
            self.assert_fault(error, lookup, Fault(in_hook=True))
            self.assert_fault(error, fail, Fault())  # type: ignore[arg-type]

    def test_interrupted(self) -> None:
        """To be interrupted is no fault of a lookup."""

        def interrupted(*_: object) -> tuple[str, None]:
            raise KeyboardInterrupt

        self.assertRaises(
            KeyboardInterrupt,
            lookup_safely,
            snapshot(hooks=Hooks(preprocess=interrupted)).tables[Table.LOCAL_PART],
            "foo",
        )
