"""Where a configuration says to listen: Twisted's endpoints, what is wrong with them, and where they would be."""

from attrs import define
from twisted.internet.endpoints import quoteStringArgument, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from trualias.configuration.reader import Configuration, beyond_loopback
from trualias.configuration.settings import Listener, Speaks, is_loopback
from trualias.language.source import ConfigurationErrors

PLAIN = frozenset({"tcp", "tcp6", "unix", "systemd"})
"""The kinds of endpoints whose clients are on a plain socket."""


def listeners(configuration: Configuration) -> tuple[Listener, ...]:
    """Tell where a configuration says to listen."""
    settings = configuration.settings
    if settings.listen and not configuration.given("HOST") and not configuration.given("PORT"):
        return settings.listen
    return (Listener(Speaks.TCP_TABLE, endpoint(settings.host, settings.port)), *settings.listen)


def endpoint(host: str, port: int) -> str:
    """Describe an IP address and a port, as Twisted does."""
    transport = "tcp6" if ":" in host else "tcp"
    return f"{transport}:{port}:interface={quoteStringArgument(host)}"


def check_listeners(configuration: Configuration, *, elsewhere: bool = False) -> None:
    """Raise `ConfigurationErrors` for each LISTEN that Twisted does not understand, or that needs ALLOW.

    ``elsewhere`` tells that another process is the one to listen: what systemd holds for it, nobody else can say.
    """
    errors: list[ConfigurationErrors] = []
    for number, listener in enumerate(configuration.settings.listen):
        if elsewhere and listener.endpoint.startswith("systemd:"):
            continue
        problem = endpoint_problem(listener.endpoint, bool(configuration.settings.allow))
        if problem is not None:
            errors.append(configuration.error_at("LISTEN", f"LISTEN: {problem}", number))
    if errors:
        raise ConfigurationErrors([error for found in errors for error in found.errors])


def endpoint_problem(description: str, allowed: bool) -> str | None:
    """Say why an endpoint cannot be used; None where it can. `allowed`: others than this machine may connect."""
    try:
        serverFromString(RecordingReactor(), description)
        interface = probe(description).interface
    except LookupError:
        return f"{description} is no endpoint that can be used: systemd handed no such socket to this process"
    except Exception as error:  # there is no telling what a kind of endpoint raises
        return f"{description} is no endpoint that can be used: {reason(error)}"
    if interface is None:
        return None
    try:
        beyond = not (interface and is_loopback(interface))
    except ValueError:
        return f"{description}: '{interface}' is no IP address; this machine alone is 127.0.0.1 or, for tcp6, \\:\\:1"
    return beyond_loopback(description) if beyond and not allowed else None


@define
class RecordingReactor:
    """Stands in for a reactor, and takes down where an endpoint would listen; an empty interface is all of them."""

    interface: str | None = None
    path: str | None = None

    def listenTCP(self, port: int, factory: object, backlog: int = 50, interface: str = "") -> None:
        """Take it down."""
        self.interface = interface

    def listenSSL(
        self, port: int, factory: object, contextFactory: object, backlog: int = 50, interface: str = ""
    ) -> None:
        """Take it down."""
        self.interface = interface

    def listenUNIX(
        self, address: str, factory: object, backlog: int = 50, mode: int = 0, wantPID: bool = False
    ) -> None:
        """Take it down."""
        self.path = address


def probe(description: str) -> RecordingReactor:
    """Find out where an endpoint would listen; for the kinds that only call the reactor. Raises what Twisted raises."""
    place = RecordingReactor()
    # Another kind may do more than call the reactor: one from systemd closes the descriptor that it was given.
    if description.split(":")[0] in ("tcp", "tcp6", "ssl", "unix"):
        failures: list[Failure] = []
        serverFromString(place, description).listen(Factory()).addErrback(failures.append)
        for failure in failures:
            failure.raiseException()
    return place


def reason(error: BaseException) -> str:
    """Say why an endpoint cannot be used, by what it raised."""
    cause = error.socketError if isinstance(error, CannotListenError) else error
    return getattr(cause, "strerror", None) or str(cause)
