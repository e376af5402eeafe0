"""Tests of ``trualias.protocols.refusal_log``."""

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.protocols.refusal_log import RefusalLog


class RefusalLogTests(SynchronousTestCase):
    """The logged lines and their rate."""

    def setUp(self) -> None:
        """Make a log whose clock is ``now``."""
        self.now = 100.0
        self.refusal_log = RefusalLog(lambda: self.now)

    def refuse(self, count: int, why: str = "there are 5 already") -> list[str]:
        """Refuse so many clients; return the logged lines."""
        with capturedLogs() as events:
            for number in range(count):
                self.refusal_log.refused(IPv4Address("TCP", f"192.0.2.{number}", 4711), why)
        return [formatEvent(event) or "" for event in events]

    def test_first(self) -> None:
        """The first refusal for each reason is logged at once."""
        self.assertEqual(["refused a connection from 192.0.2.0: there are 5 already"], self.refuse(1))
        self.assertEqual(["refused a connection from 192.0.2.0: it is late"], self.refuse(1, "it is late"))

    def test_many(self) -> None:
        """Of the following refusals, one is logged every ten seconds, with the number of the others."""
        self.assertEqual(1, len(self.refuse(100)))
        self.now += 9.9
        self.assertEqual([], self.refuse(10))
        self.now += 0.1
        line = "refused a connection from 192.0.2.0: there are 5 already (109 others since the last such line)"
        self.assertEqual([line], self.refuse(2))
        self.now += 3600
        line = "refused a connection from 192.0.2.0: there are 5 already (1 other since the last such line)"
        self.assertEqual([line], self.refuse(1))
        self.now += 3600
        self.assertEqual(["refused a connection from 192.0.2.0: there are 5 already"], self.refuse(1))

    def test_unix(self) -> None:
        """A client of a unix socket is logged without an address."""
        with capturedLogs() as events:
            self.refusal_log.refused(UNIXAddress(None), "there are 5 already")
        self.assertEqual(
            ["refused a connection from a unix socket: there are 5 already"], [formatEvent(event) for event in events]
        )
