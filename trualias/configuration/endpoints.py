"""The endpoints that a configuration says to listen on, as Twisted endpoint descriptions, and their checks."""

from attrs import define
from twisted.internet.endpoints import quoteStringArgument, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from trualias.configuration.reader import Configuration
from trualias.configuration.settings import Listener, WireProtocol, exposure_problem, is_loopback
from trualias.language.source import ConfigurationErrors, PolicyError

PLAIN_ENDPOINTS = frozenset({"tcp", "tcp6", "unix", "systemd"})
"""The endpoint types that hand a plain socket to the protocol, with no other protocol between."""


def configured_listeners(configuration: Configuration) -> tuple[Listener, ...]:
    """Return the listeners of the settings HOST, PORT and LISTEN."""
    settings = configuration.settings
    if settings.listen and not configuration.given("HOST") and not configuration.given("PORT"):
        return settings.listen
    return (Listener(WireProtocol.TCP_TABLE, tcp_endpoint(settings.host, settings.port)), *settings.listen)


def tcp_endpoint(host: str, port: int) -> str:
    """Return the endpoint description of an IP address and a port."""
    transport = "tcp6" if ":" in host else "tcp"
    return f"{transport}:{port}:interface={quoteStringArgument(host)}"


def check_listeners(configuration: Configuration, *, skip_systemd: bool = False) -> None:
    """Raise ``ConfigurationErrors`` for each LISTEN that Twisted does not understand, or that needs ALLOW.

    ``skip_systemd`` leaves out the sockets that systemd holds: only the process that gets them can check these.
    """
    errors: list[PolicyError] = []
    for occurrence, listener in enumerate(configuration.settings.listen):
        if skip_systemd and listener.endpoint.startswith("systemd:"):
            continue
        problem = endpoint_problem(listener.endpoint, bool(configuration.settings.allow))
        if problem is not None:
            errors.append(configuration.setting_error("LISTEN", f"LISTEN: {problem}", occurrence))
    if errors:
        raise ConfigurationErrors(errors)


def endpoint_problem(description: str, remote_allowed: bool) -> str | None:
    """Describe why an endpoint cannot be used; None if it can. ``remote_allowed``: other machines may connect."""
    try:
        serverFromString(RecordingReactor(), description)
        interface = listening_address(description).interface
    except LookupError:
        return f"{description} is no endpoint that can be used: systemd handed no such socket to this process"
    except Exception as error:  # each endpoint type raises exceptions of its own
        return f"{description} is no endpoint that can be used: {error_reason(error)}"
    if interface is None:
        return None
    try:
        exposed = not (interface and is_loopback(interface))
    except ValueError:
        return f"{description}: '{interface}' is no IP address; this machine alone is 127.0.0.1 or, for tcp6, \\:\\:1"
    return exposure_problem(description) if exposed and not remote_allowed else None


@define
class RecordingReactor:
    """A reactor that listens on nothing and records the address: a network interface or a unix socket's path.

    An empty interface stands for all interfaces.
    """

    interface: str | None = None
    path: str | None = None

    def listenTCP(self, port: int, factory: object, backlog: int = 50, interface: str = "") -> None:
        """Record the interface."""
        self.interface = interface

    def listenSSL(
        self, port: int, factory: object, contextFactory: object, backlog: int = 50, interface: str = ""
    ) -> None:
        """Record the interface."""
        self.interface = interface

    def listenUNIX(
        self, address: str, factory: object, backlog: int = 50, mode: int = 0, wantPID: bool = False
    ) -> None:
        """Record the path."""
        self.path = address


def listening_address(description: str) -> RecordingReactor:
    """Return the address that an endpoint would listen on; no address for the types that cannot be tried.

    Raises the exceptions of the endpoint.
    """
    reactor = RecordingReactor()
    # Other types may do more than call the reactor: "systemd" closes the descriptor that it was given.
    if description.split(":")[0] in ("tcp", "tcp6", "ssl", "unix"):
        failures: list[Failure] = []
        serverFromString(reactor, description).listen(Factory()).addErrback(failures.append)
        for failure in failures:
            failure.raiseException()
    return reactor


def error_reason(error: BaseException) -> str:
    """Return the reason of an exception from an endpoint, without Twisted's prefix."""
    cause = error.socketError if isinstance(error, CannotListenError) else error
    return getattr(cause, "strerror", None) or str(cause)
