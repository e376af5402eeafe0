"""Tests of ``trualias.configuration.locations``."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration.locations import NoConfiguration, default_paths, find_configuration
from trualias.configuration.tables import Table


class LocationsTests(SynchronousTestCase):
    """The default paths of a configuration."""

    def test_order(self) -> None:
        """In each folder a server's own file name comes before the shared one; the working directory comes first."""
        self.assertEqual(
            default_paths(Table.LOCAL_PART),
            (
                "./tcp_table_server.conf",
                "./trualias.conf",
                "conf/tcp_table_server.conf",
                "conf/trualias.conf",
                "/etc/trualias/tcp_table_server.conf",
                "/etc/trualias/trualias.conf",
            ),
        )

    def test_virtual(self) -> None:
        """The virtual server has a file name of its own, and the shared one."""
        self.assertEqual(default_paths(Table.VIRTUAL)[:2], ("./tcp_virtual_server.conf", "./trualias.conf"))

    def test_first_that_exists(self) -> None:
        """Of several files that exist, the first in order is returned."""
        existing = {"/etc/trualias/tcp_virtual_server.conf", "conf/trualias.conf"}
        self.assertEqual(find_configuration(Table.VIRTUAL, existing.__contains__), "conf/trualias.conf")

    def test_none(self) -> None:
        """Without any file, the error lists the paths and what to do."""
        with self.assertRaises(NoConfiguration) as raised:
            find_configuration(Table.LOCAL_PART, lambda path: False)
        self.assertEqual(
            str(raised.exception),
            "There is no configuration. These places were looked at:\n"
            "    ./tcp_table_server.conf\n"
            "    ./trualias.conf\n"
            "    conf/tcp_table_server.conf\n"
            "    conf/trualias.conf\n"
            "    /etc/trualias/tcp_table_server.conf\n"
            "    /etc/trualias/trualias.conf\n"
            "Write one with 'trualias init', or name a file with --config FILE. 'trualias samples' prints where the "
            "commented sample, conf/tcp_table_server.conf.sample, is.",
        )
