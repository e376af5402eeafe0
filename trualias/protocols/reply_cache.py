"""A cache of replies, by the bytes of their requests."""

from __future__ import annotations

from trualias.language.memo import BoundedMemo
from trualias.lookup import Snapshot
from trualias.protocols.reply import Reply

_MARKS = 1 << 16
"""Places for the marks of requests, one octet each. Without them a request whose key does not come again costs 7 to
10 % more processor time, since its memory is kept for nothing."""


class ReplyCache:
    """The replies of one snapshot, by the bytes of their requests.

    A reply is worth its place from the second request on: most keys that spammers invent come once. The cache holds at
    most twice ``SPAN`` replies, and none to a request longer than ``LONGEST`` bytes. Call ``use`` before
    each look-up: a new snapshot empties the cache, so that no reply outlives the snapshot that it follows from.

    ``recent`` and ``older`` are public, so that a request can be looked up in each without a call, which takes a
    hundredth of a request with a new key; ``keep`` what was found in ``older``. ``shared`` has the replies that many
    requests have in common, by their responder and their content.
    """

    SPAN = 8192
    LONGEST = 256

    __slots__ = ("_is_keeping", "_marks", "identity", "older", "recent", "shared")

    def __init__(self) -> None:
        self.identity: object = None
        self._is_keeping = False
        self.recent: dict[bytes, Reply] = {}
        self.older: dict[bytes, Reply] = {}
        self._marks = bytearray(_MARKS)
        self.shared: BoundedMemo[tuple[object, object], Reply] = BoundedMemo()

    def use(self, snapshot: Snapshot) -> None:
        """Hold replies of this snapshot from now on, and discard those of any other."""
        if self.identity is not snapshot.identity:
            self.identity = snapshot.identity
            self._is_keeping = snapshot.is_cacheable
            self.recent = {}
            self.older = {}
            self.shared = BoundedMemo()

    def get(self, request: bytes) -> Reply | None:
        """Return the cached reply to a request, None if there is none."""
        reply = self.recent.get(request) or self.older.get(request)
        if reply is not None:
            self.keep(request, reply)
        return reply

    def offer(self, request: bytes, reply: Reply) -> None:
        """Cache the reply to a request that was offered before, unless another one has taken the place of its mark."""
        number = hash(request)
        mark = number % 255 + 1  # 255 and _MARKS have no common divisor: the mark does not depend on the place
        if self._marks[number % _MARKS] == mark:
            self.keep(request, reply)
        else:
            self._marks[number % _MARKS] = mark

    def keep(self, request: bytes, reply: Reply) -> None:
        """Cache a reply."""
        if not self._is_keeping or len(request) > self.LONGEST:
            return
        if len(self.recent) >= self.SPAN:
            self.older = self.recent
            self.recent = {}
        self.recent[request] = reply
