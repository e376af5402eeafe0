"""Tests of trualias.protocols.refusal_log."""

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.protocols.refusal_log import RefusalLog


class RefusalsTests(SynchronousTestCase):
    """What the log hears."""

    def setUp(self) -> None:
        """Let the time stand still."""
        self.now = 100.0
        self.refusal_log = RefusalLog(lambda: self.now)

    def tell(self, count: int, why: str = "there are 5 already") -> list[str]:
        """Turn clients away, and return what was logged."""
        with capturedLogs() as events:
            for number in range(count):
                self.refusal_log.refused(IPv4Address("TCP", f"192.0.2.{number}", 4711), why)
        return [formatEvent(event) or "" for event in events]

    def test_first(self) -> None:
        """The first is told at once, of each reason."""
        self.assertEqual(["refused a connection from 192.0.2.0: there are 5 already"], self.tell(1))
        self.assertEqual(["refused a connection from 192.0.2.0: it is late"], self.tell(1, "it is late"))

    def test_many(self) -> None:
        """Of many that follow one is told in ten seconds, with how many others there were."""
        self.assertEqual(1, len(self.tell(100)))
        self.now += 9.9
        self.assertEqual([], self.tell(10))
        self.now += 0.1
        told = "refused a connection from 192.0.2.0: there are 5 already (109 others since the last such line)"
        self.assertEqual([told], self.tell(2))
        self.now += 3600
        told = "refused a connection from 192.0.2.0: there are 5 already (1 other since the last such line)"
        self.assertEqual([told], self.tell(1))
        self.now += 3600
        self.assertEqual(["refused a connection from 192.0.2.0: there are 5 already"], self.tell(1))

    def test_unix(self) -> None:
        """A client at a unix socket has no address."""
        with capturedLogs() as events:
            self.refusal_log.refused(UNIXAddress(None), "there are 5 already")
        self.assertEqual(
            ["refused a connection from a unix socket: there are 5 already"], [formatEvent(event) for event in events]
        )
