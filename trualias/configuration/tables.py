"""The lookup tables."""

from enum import Enum


class Table(Enum):
    """A lookup table. The value is its name in the socketmap protocol and in the metrics."""

    LOCAL_PART = "table"
    VIRTUAL = "virtual"

    @property
    def file_name(self) -> str:
        """The name of the configuration file for this table's server alone."""
        return f"tcp_{self.value}_server.conf"
