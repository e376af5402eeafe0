"""The lookup tables."""

from enum import StrEnum


class Table(StrEnum):
    """A lookup table. The value is its name in ``LISTEN``, in the socketmap protocol and in the metrics."""

    LOCAL_PART = "table"
    VIRTUAL = "virtual"
    ACCESS = "access"
    LOGIN = "login"

    @property
    def file_name(self) -> str:
        """The name of the configuration file for this table's server alone."""
        return f"tcp_{self.value}_server.conf"

    @property
    def needs_domains(self) -> bool:
        """True if the table's keys are addresses of ALIAS DOMAINS."""
        return self is not Table.LOCAL_PART


SERVER_TABLES = (Table.LOCAL_PART, Table.VIRTUAL)
"""The tables that have a server of their own. Both servers answer all tables."""
