"""The fuzz targets: five functions that take any bytes, and raise `Broken` if a promise does not hold.

They do not depend on the fuzzer, so that a test can run the seeds without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from faults.promises import promise
from faults.protocol_targets import line_protocol, policy, socketmap
from trualias.configuration import Configuration, ConfigurationErrors, parse_configuration
from trualias.configuration.files import CopyAccess
from trualias.configuration.tables import Table
from trualias.language.addresses import split_address
from trualias.language.rule import folding
from trualias.lookup import NotFound, NotFoundReason, Snapshot
from trualias.matching.lookup_record import BUDGET, LookupRecord, StepBudgetExceeded
from trualias.matching.matcher import Matcher
from trualias.matching.outcome import BudgetExceeded
from trualias.matching.policy import LONGEST, Policy

SLOWEST_LOAD = 5.0
"""The bound on the load of any configuration of a few thousand characters, in seconds of processor time."""

_TRIED = 20_000
"""The number of tried readings after which the matcher counts them instead."""

_PROBES = ("", "a", "foo-a-1", "x" * 64, "foo-google-g6", "samissexy.34")


def configuration(data: bytes) -> None:
    """Load a configuration; the texts after a zero byte are those of ``1.conf``, ``2.conf`` and so on, to be included.

    It raises nothing but ``ConfigurationErrors``, each with a position and a message, and ends in time. No address that
    it refuses is found.
    """
    text, *included = data.decode("utf-8-sig", "replace").split("\0")
    start = time.process_time()
    loaded = _loaded(text, included)
    seconds = time.process_time() - start
    promise(seconds < SLOWEST_LOAD, "a load takes too long", seconds)
    if loaded is not None:
        for probe in _PROBES:
            for domain in _domains(loaded):
                loaded.policy.resolve(probe, domain)
        _look_up_refused(Snapshot(loaded))


def _domains(loaded: Configuration) -> list[str | None]:
    """Return the local-part table's domain, which is None, and a few that statements name."""
    return [None, *sorted(loaded.policy.domains)[:2]]


def _look_up_refused(snapshot: Snapshot) -> None:
    domains = sorted(snapshot.configuration.settings.alias_domains)
    addresses = [address.text for refusal in snapshot.configuration.refusals for address in refusal.addresses]
    for address in addresses[:8]:
        local_part, domain = split_address(address)
        keys = [(Table.VIRTUAL, f"{local_part}@{at}") for at in ([domain] if domain is not None else domains)[:2]]
        for table, key in keys if domain is not None else [(Table.LOCAL_PART, local_part), *keys]:
            answer = snapshot.tables[table](key)
            promise(answer == NotFound(NotFoundReason.REFUSED), "a refused address is found", key, answer)


def _loaded(text: str, included: Sequence[str] = ()) -> Configuration | None:
    files = CopyAccess({f"{number}.conf": text for number, text in enumerate(included, 1)})
    try:
        return parse_configuration(text, "fuzzed.conf", access=files)
    except ConfigurationErrors as errors:
        promise(bool(errors.errors) and bool(str(errors)), "errors without a text")
        lines = max(text.count("\n") for text in (text, *included)) + 1
        for error in errors.errors:
            promise(1 <= error.line <= lines and error.column >= 1, "an error without a position", error.line)
            promise("\n" not in error.message and bool(error.message), "a message of several lines", error.message)
        return None


def matcher(data: bytes) -> None:
    """Look up the lines after the first zero byte in the policy before it.

    Nothing is raised, no lookup that is answered takes more steps than the budget allows, and counting readings gives
    the same number and the same near misses as trying them.
    """
    text, _, keys = data.decode("utf-8", "replace").partition("\0")
    loaded = _loaded(text)
    if loaded is None:
        return
    for key in keys.split("\n")[:8]:
        policy = loaded.policy
        for domain in _domains(loaded):
            outcome, steps = policy.resolve_counting(key, domain)
            promise(isinstance(outcome, BudgetExceeded) == (steps > BUDGET), "too many steps", key, steps)
            if len(key) <= LONGEST and key.isascii():
                _compare(policy, key, domain)


def _compare(policy: Policy, key: str, domain: str | None) -> None:
    fold = folding(policy.case_sensitive)
    for candidate in policy.candidates(key, domain)[:8]:
        counts = []
        for few in (0, _TRIED):
            record = LookupRecord(fold(key))
            matcher = Matcher(candidate.matcher.rule, fold, few)
            try:
                count = matcher.count(record, candidate.account, candidate.alias)
            except StepBudgetExceeded:
                return
            counts.append((count, not count and record.shape_matches))
        promise(counts[0] == counts[1], "counting and trying readings differ", key, *counts)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "configuration": configuration,
    "line_protocol": line_protocol,
    "socketmap": socketmap,
    "policy": policy,
    "matcher": matcher,
}
