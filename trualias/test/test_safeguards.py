"""Tests of ``trualias.server.safeguards``."""

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import Configuration, ConfigurationErrors, parse_configuration
from trualias.lookup import CurrentSnapshot, Snapshot
from trualias.monitoring.counters import LoadCounters
from trualias.server.safeguards import ContentSafeguard, Extent, check_content


def configuration(*accounts: str, ended: bool = False) -> Configuration:
    """Make a configuration with a statement for each account."""
    text = "".join(f"ACCOUNT {name} MATCHES %account%-%alpha%-%code% WITH CHARS();\n" for name in accounts)
    return parse_configuration(text + "END\n" * ended, "a.conf")


NO_STATEMENTS = (
    "a.conf: has no account statement, and the configuration before it had 2: its content is probably lost. If it has "
    "none on purpose, write END as its last line; or restart the server with --no-fallback"
)
NO_END = (
    "a.conf: does not end with END, as the configuration before it did: its end is probably missing. Write END as its "
    "last line; if it has none on purpose, restart the server with --no-fallback"
)


class CheckContentTests(SynchronousTestCase):
    """Files that have lost their content, or have not."""

    def problem(self, new: Configuration, before: Configuration) -> str:
        """Compare two configurations; return the error, or nothing."""
        try:
            check_content(new, Extent.of(before))
        except ConfigurationErrors as errors:
            return str(errors)
        return ""

    def test_no_statements(self) -> None:
        """A file without statements is refused after one with some, unless it says END."""
        full, empty = configuration("one", "two"), configuration()
        self.assertEqual(NO_STATEMENTS, self.problem(empty, full))
        self.assertEqual("", self.problem(configuration(ended=True), full))
        self.assertEqual("", self.problem(empty, empty))
        self.assertEqual("", self.problem(configuration("one"), full))

    def test_no_end(self) -> None:
        """A file without END is refused after one with END."""
        with_end = configuration("one", "two", ended=True)
        self.assertEqual(NO_END, self.problem(configuration("one", "two", "three"), with_end))
        self.assertEqual(NO_END, self.problem(configuration(), with_end))
        self.assertEqual("", self.problem(configuration("one", ended=True), with_end))


class ContentSafeguardTests(SynchronousTestCase):
    """Reloads."""

    def setUp(self) -> None:
        """Make a safeguard, with four accounts in use."""
        self.loads = LoadCounters()
        self.current = CurrentSnapshot(Snapshot(configuration("a", "b", "c", "d")))
        self.safeguard = ContentSafeguard(self.current, self.loads)

    def reload(self, *accounts: str) -> list[str]:
        """Bring a configuration with these accounts into use; return the logged messages."""
        new = configuration(*accounts)
        self.safeguard.check(new)
        self.current.snapshot = Snapshot(new)
        with capturedLogs() as events:
            self.safeguard.applied(new)
        return [formatEvent(event) for event in events]

    def test_dropped_accounts(self) -> None:
        """Dropped accounts are counted; a warning is logged for more than half of them."""
        self.assertEqual([], self.reload("a", "b", "x", "y", "z"))
        self.assertEqual(2, self.loads.accounts_dropped)
        self.assertEqual(
            ["a.conf lacks 3 of the 5 accounts of the configuration before it; their addresses are not found"],
            self.reload("x", "y"),
        )
        self.assertEqual(3, self.loads.accounts_dropped)
        self.assertEqual([], self.reload("x", "y", "z"))
        self.assertEqual(0, self.loads.accounts_dropped)

    def test_lost(self) -> None:
        """A file without statements is refused."""
        self.assertRaises(ConfigurationErrors, self.safeguard.check, configuration())
