"""``trualias strength`` as a process."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.testing.command_line import seconds_of
from trualias.testing.requirements import source_tree


class TimeTests(SynchronousTestCase):
    """How long the command computes."""

    def test_sample_in_time(self) -> None:
        """The sample configuration is measured in less than ten seconds."""
        sample = str(source_tree() / "conf" / "tcp_table_server.conf.sample")
        self.assertLess(seconds_of("strength", "-c", sample, status=0), 10)
