"""The settings of a configuration: their names, their types and their defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from trualias.configuration.guess_limits import GuessLimits, parse_guesses
from trualias.configuration.networks import Address, Network, parse_address, parse_host, parse_networks, parse_port
from trualias.configuration.setting_values import (
    ACCOUNT_FIELD,
    KeptSenders,
    Listener,
    WireProtocol,
    parse_account,
    parse_boolean,
    parse_connections,
    parse_days,
    parse_domains,
    parse_include,
    parse_kept_senders,
    parse_level,
    parse_listener,
    parse_login,
    parse_module,
    parse_quiet_domain,
    parse_reply_text,
    parse_seconds,
    parse_store,
)


def _setting(name: str, parse: Callable[[str], Any], default: Any, repeatable: bool = False) -> Any:
    """Declare a setting. The values of a ``repeatable`` one are tuples or sets, which are joined."""
    return field(default=default, metadata={"name": name, "parse": parse, "repeatable": repeatable})


@frozen
class Settings:
    """The settings of a configuration, each with its default.

    ``statistics`` is the interval between two reports in seconds; 0: without reports; None: no statistics.
    ``alias_domains`` are as ``fold_domain`` returns them. ``alias_domains``, ``listen`` and ``allow`` can be repeated.
    ``senders`` is how much of the sender of a mail is kept, and ``keep_senders`` for how many days after its last mail.
    ``connections`` is the most clients at a time. ``metrics`` is the address of the metrics, and the names of the site;
    None: no metrics. ``login`` is the answer of the login table, with ``ACCOUNT_FIELD`` and ``DOMAIN_FIELD`` to be
    replaced. ``store`` is the path of the store, as the file has it; None for none. ``quiet_domain`` is the domain of
    addresses whose mail is discarded. ``unknown_user`` is the mail server's text for an unknown user, without its
    codes.
    """

    host: str = _setting("HOST", parse_host, "127.0.0.1")
    port: int = _setting("PORT", parse_port, 3047)
    listen: tuple[Listener, ...] = _setting("LISTEN", parse_listener, (), repeatable=True)
    allow: tuple[Network, ...] = _setting("ALLOW", parse_networks, (), repeatable=True)
    connections: int = _setting("CONNECTIONS", parse_connections, 1000)
    metrics: Address | None = _setting("METRICS", parse_address, None)  # noqa: RUF009 (an Address is frozen)
    logging: str = _setting("LOGGING", parse_level, "warning")
    debug_account: str | None = _setting("DEBUG ACCOUNT", parse_account, None)
    statistics: int | None = _setting("STATISTICS", parse_seconds, None)
    processor: str | None = _setting("PROCESSOR", parse_module, None)
    alias_domains: frozenset[str] = _setting("ALIAS DOMAINS", parse_domains, frozenset(), repeatable=True)
    case_sensitive: bool = _setting("CASE SENSITIVE", parse_boolean, True)
    login: str = _setting("LOGIN", parse_login, ACCOUNT_FIELD)
    store: str | None = _setting("STORE", parse_store, None)
    senders: KeptSenders = _setting("SENDERS", parse_kept_senders, KeptSenders.DOMAIN)  # noqa: RUF009 (an enum)
    keep_senders: int = _setting("KEEP SENDERS", parse_days, 400)
    guesses: GuessLimits | None = _setting("GUESSES", parse_guesses, None)  # noqa: RUF009 (it is frozen)
    quiet_domain: str = _setting("QUIET DOMAIN", parse_quiet_domain, "discard.invalid")
    unknown_user: str = _setting("UNKNOWN USER", parse_reply_text, "User unknown in virtual mailbox table")
    include: tuple[str, ...] = _setting("INCLUDE", parse_include, (), repeatable=True)

    @property
    def has_policy_service(self) -> bool:
        """True if a listener speaks the policy delegation protocol."""
        return any(one.protocol is WireProtocol.POLICY for one in self.listen)


SETTINGS = {attribute.metadata["name"]: attribute for attribute in Settings.__attrs_attrs__}
"""The attributes of ``Settings`` by the settings' names in a file."""
