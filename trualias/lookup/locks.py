"""Locks: the senders that an alias takes mail from."""

from __future__ import annotations

from typing import NamedTuple

MALFORMED_SENDER = "(malformed)"
"""Stands for all senders that are no addresses; no lock admits it."""


class Lock(NamedTuple):
    """The senders from which a locked alias takes mail.

    ``senders`` are domains, which count with their subdomains, and addresses; all are in lower case, and domains are
    A-labels (RFC 5890). ``first``: it waits for its first sender, who is written to ``senders`` then.
    """

    senders: tuple[str, ...] = ()
    first: bool = False

    def admits(self, sender: str) -> bool:
        """Return whether mail of an envelope sender gets in; that of the null sender, which is empty, always does."""
        if not sender or (self.first and not self.senders):
            return True
        address = sender.lower()
        domain = address.rpartition("@")[2]
        return any(
            address == allowed if "@" in allowed else domain == allowed or domain.endswith(f".{allowed}")
            for allowed in self.senders
        )
