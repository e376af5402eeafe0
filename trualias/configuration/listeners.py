"""The listeners of a configuration, as the settings HOST, PORT and LISTEN say."""

from trualias.configuration.reader import Configuration
from trualias.configuration.setting_values import Listener, WireProtocol


def configured_listeners(configuration: Configuration) -> tuple[Listener, ...]:
    """Return the listeners of the settings HOST, PORT and LISTEN."""
    settings = configuration.settings
    if settings.listen and not configuration.given("HOST") and not configuration.given("PORT"):
        return settings.listen
    return (Listener(WireProtocol.TCP_TABLE, tcp_endpoint(settings.host, settings.port)), *settings.listen)


def tcp_endpoint(host: str, port: int) -> str:
    """Return the endpoint description of an IP address and a port."""
    transport = "tcp6" if ":" in host else "tcp"
    quoted = host.replace(":", r"\:")
    return f"{transport}:{port}:interface={quoted}"
