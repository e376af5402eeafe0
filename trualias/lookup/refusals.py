"""The addresses that ``REFUSE`` takes back, as the tables compare keys with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import frozen

from trualias.configuration import Configuration, ConfigurationErrors, PolicyError
from trualias.configuration.addresses import KeptNames, account_domains, kept_names
from trualias.language.addresses import split_address
from trualias.language.domains import fold_domain
from trualias.language.source import MOST_ERRORS
from trualias.lookup.answers import describe_hook_exception

_NONE: Mapping[str, int] = {}

Preprocess = Callable[[str, str | None], tuple[str, str | None] | None]
"""The hook ``preprocess``."""


@frozen(eq=False, repr=False)
class Refusals:
    """The refused addresses in lower case, each with the offset of its address in the configuration's text.

    ``local_parts`` are those of the local-part table, ``everywhere`` the local parts that the virtual table refuses in
    each domain, and ``addresses`` those that it refuses in one.
    """

    local_parts: Mapping[str, int] = _NONE
    everywhere: Mapping[str, int] = _NONE
    addresses: Mapping[str, int] = _NONE

    def local_part(self, local_part: str) -> int | None:
        """Return the offset of the refusal of a key of the local-part table, None if it is not refused."""
        return self.local_parts.get(local_part.lower())

    def address(self, local_part: str, domain: str) -> int | None:
        """Return the offset of the refusal of an address, None if it is not refused; the domain is folded."""
        local_part = local_part.lower()
        found = self.everywhere.get(local_part)
        return self.addresses.get(f"{local_part}@{domain}") if found is None else found


def find_refusals(
    configuration: Configuration, preprocess: Preprocess | None = None, pause: Callable[[], None] = lambda: None
) -> Refusals:
    """Return the refused addresses, each of which goes through ``preprocess`` as a key does.

    ``pause`` is called at each address and call of the hook, and with a hook at each statement and account.

    Raises:
        ConfigurationErrors: the hook raises for some, or makes them an account.
    """
    finder = _Finder(configuration, preprocess, pause)
    for refusal in configuration.refusals:
        for address in refusal.addresses:
            pause()
            if len(finder.errors) <= MOST_ERRORS:
                finder.add(address.text, address.offset)
    if finder.errors:
        raise ConfigurationErrors(finder.errors)
    return Refusals(finder.local_parts, finder.everywhere, finder.addresses)


def _kept_names(configuration: Configuration, pause: Callable[[], None]) -> KeptNames:
    settings, policy = configuration.settings, configuration.policy
    accounts = account_domains((rule.statement for rule in policy.all_rules), policy.fold, pause)
    return kept_names(
        accounts.values(),
        settings.debug_account,
        configuration.deliveries,
        settings.alias_domains,
        configuration.line_text,
        pause,
    )


class _Finder:
    """Collects the refused addresses as they are after the hook, and the errors."""

    def __init__(self, configuration: Configuration, preprocess: Preprocess | None, pause: Callable[[], None]) -> None:
        self._configuration = configuration
        self._preprocess = preprocess
        self._pause = pause
        self._domains = configuration.settings.alias_domains
        self._kept = _kept_names(configuration, pause) if preprocess and configuration.refusals else KeptNames()
        self.local_parts: dict[str, int] = {}
        self.everywhere: dict[str, int] = {}
        self.addresses: dict[str, int] = {}
        self.errors: list[PolicyError] = []

    def add(self, text: str, offset: int) -> None:
        """Enter an address of the configuration."""
        local_part, domain = split_address(text)
        lower = local_part.lower()
        if self._preprocess is None:
            if domain is None:
                self.local_parts[lower] = self.everywhere[lower] = offset
            else:
                self.addresses[f"{lower}@{fold_domain(domain)}"] = offset
            return
        try:
            found = self._hooked(self._preprocess, local_part, domain)
        except Exception as error:
            self._fail(offset, f"the lookup of {text} fails: {describe_hook_exception(error)}")
            return
        for alias, at in found:
            if problem := self._kept.refusal_problem(alias, alias, at):
                self._fail(offset, f"preprocess() returns {alias} for it: {problem}")
                return
        self.local_parts.update((alias, offset) for alias, at in found if at is None)
        whole = {(alias, at) for alias, at in found if at is not None}
        aliases = {alias for alias, _ in whole}
        if domain is None and len(aliases) == 1 and self._domains <= {at for _, at in whole}:
            self.everywhere[aliases.pop()] = offset
        else:
            self.addresses.update((f"{alias}@{at}", offset) for alias, at in whole)

    def _hooked(self, preprocess: Preprocess, local_part: str, domain: str | None) -> set[tuple[str, str | None]]:
        """Return what the hook returns for an address, in lower case; the domain is None in the local-part table."""
        found: set[tuple[str, str | None]] = set()
        for at in [None, *sorted(self._domains)] if domain is None else [domain]:
            self._pause()
            alias = preprocess(local_part, at)
            if alias is not None and (at is None or alias[1] is not None):
                found.add((alias[0].lower(), None if at is None else fold_domain(alias[1] or "")))
        return found

    def _fail(self, offset: int, message: str) -> None:
        self.errors.append(self._configuration.error(offset, message))
