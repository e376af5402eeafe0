"""``trualias compose``: addresses that a server accepts."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from trualias.commands.options import add_config, add_json, configuration_path
from trualias.commands.output import write_json
from trualias.commands.overview import add_command
from trualias.commands.stored_states import with_stored_states
from trualias.commands.terminal import Terminal
from trualias.configuration.tables import Table
from trualias.language.domains import fold_domain
from trualias.lookup import Deferred, Found, NotFound, NotFoundReason, Snapshot
from trualias.lookup.answers import describe_hook_exception
from trualias.lookup.loading import load_snapshot
from trualias.matching.outcome import PolicyOutcome
from trualias.messages import did_you_mean, escaped

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from trualias.analysis.composition import Target
    from trualias.commands.compose_text import TargetResult
    from trualias.matching.policy import Policy

_COMPOSED = 0
_NOT_COMPOSED = 1
_UNUSABLE = 2
_MOST_ALIASES = 10


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        "compose",
        description="Compose an address with the given words and a right code, for each statement of an account or an "
        "alias that the words fit. Addresses go to standard output, one a line; the reasons why a statement has none "
        "go to standard error. Where there is a STORE, the addresses are recorded in it.",
        exit_status="0 if there is an address, 1 if there is none, 2 for a configuration or a domain that "
        "cannot be used",
    )
    add_config(command)
    add_json(command)
    command.add_argument(
        "--domain",
        metavar="DOMAIN",
        help="print whole addresses of this domain; by default of the domain in ALIAS DOMAINS, if it lists just one",
    )
    command.add_argument("--random", action="store_true", help="choose at random where a code leaves a choice")
    command.add_argument("--spell", action="store_true", help="add a line to read aloud to a person who writes it down")
    command.add_argument("name", metavar="NAME", help="an account or an alias")
    command.add_argument("words", metavar="WORD", nargs="*", help="the words for the address, in order")
    command.set_defaults(run=run)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Compose addresses and return the exit status.

    Raises:
        NoConfiguration: no configuration is given or found.
        ConfigurationErrors: the configuration cannot be used.
    """
    from trualias.commands.compose_text import for_programs, print_results

    snapshot = with_stored_states(load_snapshot(configuration_path(arguments, Table.VIRTUAL)), terminal)
    configuration = snapshot.configuration
    domains = configuration.settings.alias_domains
    domain: str | None = arguments.domain
    if domain is None and len(domains) == 1:
        (domain,) = domains
    if domain is not None and domains and fold_domain(domain) not in domains:
        listed = ", ".join(sorted(domains))
        terminal.errors.write(
            f"{escaped(domain)} is not one of ALIAS DOMAINS ({listed}); its addresses are not found\n"
        )
        return _UNUSABLE
    order = _shuffled if arguments.random else _unchanged
    results = list(_compose_all(snapshot, arguments.name, arguments.words, domain, order))
    if not results:
        suggestion = _name_meant(arguments.name, configuration.policy)
        terminal.errors.write(f"no statement has an account or an alias '{escaped(arguments.name)}'{suggestion}\n")
    if arguments.json:
        write_json(terminal.output, for_programs(configuration, results))
    else:
        print_results(configuration, results, arguments.spell, terminal)
    if configuration.store_path is not None:
        # Without a store, nothing of it is imported.
        from trualias.commands.remembering import remember

        remember(snapshot, configuration.store_path, results, terminal)
    return _COMPOSED if any(result.value for result in results) else _NOT_COMPOSED


def _name_meant(name: str, policy: Policy) -> str:
    """Return what an unknown name may be meant for, to be appended to the error."""
    local_part, _, domain = name.rpartition("@")
    known = sorted(policy.accounts | policy.aliases)
    if policy.fold(local_part) in map(policy.fold, known):
        return f"; did you mean '{escaped(local_part)}' and --domain {escaped(domain)}?"
    return did_you_mean(name, known)


_Order = Callable[[Sequence[str]], Sequence[str]]


def _unchanged(choices: Sequence[str]) -> Sequence[str]:
    return choices


def _shuffled(choices: Sequence[str]) -> Sequence[str]:
    from random import SystemRandom

    return SystemRandom().sample(choices, len(choices))


def _compose_all(
    snapshot: Snapshot, name: str, words: Sequence[str], domain: str | None, order: _Order
) -> Iterator[TargetResult]:
    from trualias.analysis.composition import targets_named
    from trualias.commands.compose_text import TargetResult

    found = targets_named(snapshot.configuration.policy, name)
    for _, group in groupby(found, key=lambda target: (id(target.rule), target.account)):
        targets = list(group)
        for target in targets[:_MOST_ALIASES]:
            yield _compose_one(snapshot, target, words, domain, order)
        more = len(targets) - _MOST_ALIASES
        if more > 0:
            yield TargetResult(targets[0], remark=f"it has {more} more aliases; name one to compose its address")


def _compose_one(
    snapshot: Snapshot, target: Target, words: Sequence[str], domain: str | None, order: _Order
) -> TargetResult:
    from trualias.analysis.composition import CannotCompose, compose
    from trualias.commands.compose_text import TargetResult, describe_failure, remark_on_dots
    from trualias.commands.spelling import spell

    configuration = snapshot.configuration
    if domain is None and target.rule.domains is not None:
        domain = target.rule.statement.domains[0].text
    if domain is not None and not target.rule.holds_in(fold_domain(domain)):
        return TargetResult(target, remark=f"AT does not name {escaped(domain)}")
    is_virtual = domain is not None and bool(configuration.settings.alias_domains)
    lookup = snapshot.tables[Table.VIRTUAL if is_virtual else Table.LOCAL_PART]

    def resolve(local_part: str) -> PolicyOutcome:
        answer = lookup(f"{local_part}@{domain}" if is_virtual else local_part)
        is_discarded = isinstance(answer, Found) and not answer.account
        return NotFound(NotFoundReason.REVOKED) if is_discarded or isinstance(answer, Deferred) else answer

    try:
        composed = compose(configuration.policy, target, words, order, resolve)
        if isinstance(composed, CannotCompose):
            return TargetResult(target, remark=composed.reason)
    except Exception as error:
        return TargetResult(target, remark=describe_hook_exception(error))
    answer = composed.outcome
    address = composed.local_part if domain is None else f"{composed.local_part}@{domain}"
    fold = configuration.policy.fold
    if isinstance(answer, Found) and fold(answer.account) == fold(target.account):
        spelled = spell(composed.parts, composed.code_index, domain)
        return TargetResult(target, address, answer.value, spelled, remark_on_dots(composed.local_part))
    return TargetResult(target, remark=f"{address} {describe_failure(answer)}")
