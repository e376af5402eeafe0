"""The aliases of recipients, looked up once for each snapshot."""

from __future__ import annotations

from trualias.log import logger
from trualias.lookup import NotFound, Snapshot
from trualias.lookup.access import ConsultedAlias
from trualias.lookup.recipients import Recipient, UnownedCode, WrongCode

_log = logger(__name__)

MOST = 8192
"""The most aliases that are held; a full cache is emptied."""


class RecipientCache:
    """The aliases that recipients of mail are, by the recipients as clients typed them.

    It holds no other recipients: most are invented, and come once.
    """

    __slots__ = ("_aliases", "_identity", "_is_keeping")

    def __init__(self) -> None:
        self._identity: object = None
        self._is_keeping = False
        self._aliases: dict[bytes, Recipient] = {}

    def get(
        self, typed: bytes, key: str, snapshot: Snapshot, consulted: ConsultedAlias | NotFound | None = None
    ) -> Recipient | WrongCode | UnownedCode | None:
        """Return what the recipient lookup has for a recipient, which is given as octets and as text.

        ``consulted`` is what the access table found of it; None if it was not asked. A recipient whose lookup fails has
        nothing, None, since its mail must not wait for the memory.
        """
        if self._identity is not snapshot.identity:
            self._identity = snapshot.identity
            self._is_keeping = snapshot.is_cacheable
            self._aliases = {}
        recipient: Recipient | WrongCode | UnownedCode | None = self._aliases.get(typed)
        if recipient is None:
            recipients = snapshot.recipients
            assert recipients is not None
            try:
                recipient = recipients(key) if consulted is None else recipients.find(consulted)
            except BaseException:  # of an administrator's hook; the client must have its reply
                _log.failure("the lookup of the recipient {key!r} failed; its mail is not counted", key=key)
                return None
            if isinstance(recipient, Recipient) and self._is_keeping:
                if len(self._aliases) >= MOST:
                    self._aliases = {}
                self._aliases[typed] = recipient
        return recipient
