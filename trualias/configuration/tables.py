"""The tables that a mail server can look keys up in."""

from enum import Enum


class Table(Enum):
    """A table. The value is its name in the socketmap protocol and in the metrics."""

    LOCAL_PART = "table"
    VIRTUAL = "virtual"

    @property
    def file_name(self) -> str:
        """The name of the configuration file that belongs to this table's server alone."""
        return f"tcp_{self.value}_server.conf"
