"""Where a server listens: descriptions of endpoints, as Twisted writes them, and the service that opens one."""

from collections.abc import Callable

from twisted.application.service import Service
from twisted.application.strports import service
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import quoteStringArgument
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IProtocolFactory, IReactorCore

from trualias.configuration import Settings
from trualias.log import logger

_log = logger(__name__)


def descriptions(settings: Settings) -> tuple[str, ...]:
    """Describe where the settings say to listen."""
    transport = "tcp6" if ":" in settings.host else "tcp"
    return (f"{transport}:{settings.port}:interface={quoteStringArgument(settings.host)}",)


class CannotListen(SystemExit, Exception):
    """Ends the process with status 1 and no traceback, the reason being in the log.

    It is an Exception besides because twistd then removes its pid file, and tells the reason to the one who waits for
    the daemon to start.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.code = 1


class ListeningService(Service):
    """Listens on one endpoint while it runs.

    Args:
        reactor: where the endpoint listens.
        description: of the endpoint; ValueError where Twisted does not understand it.
        factory: builds the protocols.

    """

    def __init__(self, reactor: IReactorCore, description: str, factory: IProtocolFactory) -> None:
        self.description = description
        self._listening = service(description, factory, reactor)

    def privilegedStartService(self) -> None:
        """Begin to listen, before root is given up; raises `CannotListen`."""
        super().privilegedStartService()
        self._open(self._listening.privilegedStartService)

    def startService(self) -> None:
        """Begin to listen, unless that was done already; raises `CannotListen`."""
        super().startService()
        self._open(self._listening.startService)

    def stopService(self) -> "Deferred[None]":
        """Stop listening; connections that there are stay."""
        super().stopService()
        stopped: Deferred[None] = self._listening.stopService()
        return stopped

    def _open(self, start: Callable[[], None]) -> None:
        try:
            start()
        except Exception as error:
            cause = error.socketError if isinstance(error, CannotListenError) else error
            reason = getattr(cause, "strerror", None) or str(cause)
            _log.critical("Cannot listen on {endpoint}: {reason}", endpoint=self.description, reason=reason)
            raise CannotListen(f"cannot listen on {self.description}: {reason}") from error
