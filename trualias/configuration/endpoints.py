"""The checks of endpoints, which are Twisted endpoint descriptions."""

import os
import stat
from ipaddress import ip_address

from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError

from trualias.configuration.descriptions import (
    InvalidDescription,
    check_description,
    listening_address,
    unix_path,
    unknown_type,
)
from trualias.configuration.networks import exposure_problem, is_loopback, zone_problem
from trualias.configuration.reader import Configuration
from trualias.language.source import ConfigurationErrors, PolicyError
from trualias.language.splitter import comment_hint
from trualias.messages import printable, quoted

PLAIN_ENDPOINTS = frozenset({"tcp", "tcp6", "unix", "systemd"})
"""The endpoint types that hand a plain socket to the protocol, with no other protocol between."""


def check_listeners(configuration: Configuration, *, skip_systemd: bool = False) -> None:
    """Raise ``ConfigurationErrors`` for each LISTEN that cannot be used, or that needs ALLOW.

    ``skip_systemd`` leaves out the sockets that systemd holds: only the process that gets them can check these.
    """
    errors: list[PolicyError] = []
    for occurrence, listener in enumerate(configuration.settings.listen):
        problem = _listener_problem(listener.endpoint, bool(configuration.settings.allow), skip_systemd)
        if problem is not None:
            message = f"LISTEN: {problem}{comment_hint(listener.endpoint)}"
            errors.append(configuration.setting_error("LISTEN", message, occurrence))
    if errors:
        raise ConfigurationErrors(errors)


def _listener_problem(description: str, remote_allowed: bool, skip_systemd: bool) -> str | None:
    problem = endpoint_problem(description, remote_allowed, skip_systemd)
    path = None if problem else unix_path(description)
    if path is None or os.path.isabs(path):
        return problem
    return f"{_shown(description)} is no endpoint that can be used: the path of a unix socket must begin with /"


def socket_folder_problem(description: str) -> str | None:
    """Describe why a unix socket cannot be made at the path of a valid description, as the machine is now.

    Return None if it can, and for other types.
    """
    path = unix_path(description)
    if path is None:
        return None
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        return f"there is no folder {printable(folder, _LONGEST_DESCRIPTION)}"
    if os.path.lexists(path) and not stat.S_ISSOCK(os.lstat(path).st_mode):
        return f"{printable(path, _LONGEST_DESCRIPTION)} is there and is no socket"
    return None


def endpoint_problem(description: str, remote_allowed: bool, skip_systemd: bool = False) -> str | None:
    """Describe why an endpoint cannot be used; None if it can.

    ``remote_allowed``: other machines may connect. ``skip_systemd``: sockets of systemd are not looked for.
    """
    cannot = f"{_shown(description)} is no endpoint that can be used:"
    try:
        check_description(description)
        if skip_systemd and description.startswith("systemd:"):
            return None
        serverFromString(None, description)  # only a check, which uses no reactor
        interface = listening_address(description).interface
    except LookupError:
        return f"{cannot} systemd handed no such socket to this process"
    except InvalidDescription as error:
        return f"{cannot} {error}"
    except Exception as error:  # each endpoint type raises exceptions of its own
        is_unknown = isinstance(error, ValueError) and str(error).startswith("Unknown endpoint type")
        return (
            f"{cannot} {unknown_type(description) if is_unknown else printable(error_reason(error), _LONGEST_REASON)}"
        )
    return _interface_problem(description, interface, remote_allowed) if interface is not None else None


def _interface_problem(description: str, interface: str, remote_allowed: bool) -> str | None:
    shown = _shown(description)
    try:
        zone = zone_problem(ip_address(interface)) if interface else ""
    except ValueError:
        return f"{shown}: {quoted(interface)} is no IP address; this machine alone is 127.0.0.1 or, for tcp6, \\:\\:1"
    if zone:
        return f"{shown}: {zone}"
    exposed = not (interface and is_loopback(interface))
    return exposure_problem(shown) if exposed and not remote_allowed else None


_LONGEST_DESCRIPTION = 200
_LONGEST_REASON = 500


def _shown(description: str) -> str:
    return printable(description, _LONGEST_DESCRIPTION)


def error_reason(error: BaseException) -> str:
    """Return the reason of an exception from an endpoint, without Twisted's prefix."""
    cause = error.socketError if isinstance(error, CannotListenError) else error
    return getattr(cause, "strerror", None) or str(cause)
