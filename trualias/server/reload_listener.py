"""The events of reloads, for the parts of a server that take part in them."""

from __future__ import annotations

from trualias.configuration import Configuration


class ReloadListener:
    """Receives the events of reloads; by default it does nothing.

    All methods but ``check`` are called in the reactor's thread.
    """

    def check(self, configuration: Configuration) -> None:
        """Raise ``ConfigurationErrors`` for a configuration that cannot be used; called in the thread of the load."""

    def begun(self) -> None:
        """Handle the start of a load."""

    def applied(self, configuration: Configuration) -> None:
        """Handle a new configuration, which is in use from now on."""

    def failed(self) -> None:
        """Handle a failed load, after which the previous configuration stays in use."""
