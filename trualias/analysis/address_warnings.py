"""Warnings about the addresses in ``REFUSE`` and ``DELIVER`` statements."""

from __future__ import annotations

from collections.abc import Iterator

from trualias.analysis.delivery_warnings import DeliveryWarnings
from trualias.analysis.lint_warning import LintWarning
from trualias.configuration import Configuration
from trualias.language.addresses import split_address
from trualias.language.domains import fold_domain
from trualias.matching.outcome import NotFound
from trualias.matching.policy import Policy
from trualias.messages import quoted


def address_warnings(configuration: Configuration) -> Iterator[LintWarning]:
    """Yield the warnings about addresses; none if there is a ``PROCESSOR``, whose hooks may return other addresses."""
    if configuration.settings.processor is None:
        yield from _needless_refusals(configuration)
        yield from DeliveryWarnings(configuration).find()


def _needless_refusals(configuration: Configuration) -> Iterator[LintWarning]:
    for refusal in configuration.refusals:
        for address in refusal.addresses:
            local_part, domain = split_address(address.text)
            if not _is_accepted(configuration.policy, local_part, None if domain is None else fold_domain(domain)):
                yield LintWarning(
                    "needless-refusal",
                    address.offset,
                    f"no statement accepts {quoted(address.text)}, so that there is nothing to refuse",
                    "if it is misspelled, the address that is meant is still accepted",
                    "correct the address, or leave it out",
                    local_part,
                )


def _is_accepted(policy: Policy, local_part: str, domain: str | None) -> bool:
    """Return whether a statement accepts an address in a domain; in any if it is None."""
    domains = [None, *sorted(policy.domains)] if domain is None else [domain]
    return any(not isinstance(policy.resolve(local_part, at), NotFound) for at in domains)
