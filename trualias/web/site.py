"""The HTTP site: which clients may connect, how many at a time, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.protocol import Protocol
from twisted.protocols.policies import WrappingFactory
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import Site


class Page(Resource):
    """A resource without children that also answers HEAD."""

    isLeaf = True

    def render_HEAD(self, request: Request) -> bytes:
        """Set the headers of GET, and return no body."""
        self.render_GET(request)
        return b""

    def render_GET(self, request: Request) -> bytes:
        """Set the headers, and return the body."""
        raise NotImplementedError


class _UnloggedSite(Site):
    """A site that does not log requests: one every few seconds would hide the rest of the log."""

    noisy = False

    def log(self, request: Request) -> None:
        """Do nothing."""


class LimitedSite(WrappingFactory):
    """Serves pages to allowed clients, a few at a time, so that file descriptors are left for lookups.

    Args:
        pages: by path, without a slash.
        is_allowed: returns whether a client's address may connect.
        report_refusal: receives the address of a client that was one too many, and the reason.

    """

    MAX_CONNECTIONS = 32

    TIMEOUT = 10
    """Seconds for a client to send a request, and between two requests."""

    noisy = False

    def __init__(
        self,
        pages: Mapping[str, Page],
        is_allowed: Callable[[object], bool],
        report_refusal: Callable[[object, str], None],
    ) -> None:
        root = Resource()
        for path, page in pages.items():
            root.putChild(path.encode(), page)
        super().__init__(_UnloggedSite(root, timeout=self.TIMEOUT))
        self._is_allowed = is_allowed
        self._report_refusal = report_refusal

    def buildProtocol(self, addr: IPv4Address | IPv6Address | None) -> Protocol | None:  # type: ignore[override]
        """Build the protocol for a client, or return None to close its connection."""
        if not self._is_allowed(addr):
            return None
        if len(self.protocols) >= self.MAX_CONNECTIONS:
            self._report_refusal(addr, f"{self.MAX_CONNECTIONS} HTTP clients are connected already")
            return None
        return super().buildProtocol(addr)
