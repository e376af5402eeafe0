"""The words that an alias was made for, which senders are compared with."""

from __future__ import annotations

import re
from itertools import islice

from trualias.analysis.explanation import readings_of
from trualias.language.domains import fold_domain
from trualias.language.fields import RULES
from trualias.language.tree import FieldClass
from trualias.lookup.expected_senders import registrable_domain
from trualias.lookup.snapshot import Snapshot
from trualias.matching.outcome import Ambiguous, Found
from trualias.matching.policy import Policy

SHORTEST = 3
"""Characters of the shortest word: shorter ones are part of too many names."""
_MOST_STATEMENTS = 20
_MOST_READINGS = 50
"""Statements that are compared with an alias, and readings of each: together at most some 50 ms, commonly 0.1 ms."""
_RUN = re.compile(rf"[^\W_]{{{SHORTEST},}}")


def words_of(snapshot: Snapshot, address: str) -> tuple[str, ...]:
    """Return the words of an alias in lower case: the identifiers of a right reading of it.

    The address is one after ``preprocess``, or a key; an alias of all domains has no domain, with or without an ``@``.
    Of an identifier that is a domain, each label before the public suffix is a word. An alias that the account
    statements do not accept, such as an imported one, has the runs of letters and digits as words. Shorter words than
    ``SHORTEST`` are left out.
    """
    local_part, at, domain = address.rpartition("@")
    if not at:
        local_part = address
    policy = snapshot.configuration.policy
    identifiers = _identifiers(policy, local_part, fold_domain(domain) or None)
    words = _RUN.findall(local_part) if identifiers is None else identifiers
    return tuple(dict.fromkeys(word.lower() for word in words if len(word) >= SHORTEST))


def _identifiers(policy: Policy, local_part: str, domain: str | None) -> list[str] | None:
    """Return the identifiers of a right reading; None if none is found within the bounds."""
    match policy.resolve(local_part, domain):
        case Found(account=account):
            owners = {account}
        case Ambiguous(accounts):
            owners = set(accounts)
        case _:
            return None
    candidates = (one for one in policy.candidates(local_part, domain) if one.spelled in owners)
    for candidate in islice(candidates, _MOST_STATEMENTS):
        for reading in readings_of(policy, candidate, local_part, _MOST_READINGS):
            if reading.verifies:
                return [word for kind, part in reading.identifiers for word in _words(kind, part.text)]
    return None


def _words(field_class: FieldClass, identifier: str) -> list[str]:
    if not RULES[field_class].has_labels:
        return [identifier]
    # A word com would be part of half of all domains.
    domain = identifier.lower()
    owned = registrable_domain(domain) or domain
    return [*domain.removesuffix(owned).split("."), owned.partition(".")[0]]
