"""Senders of envelopes, as locks compare them and the memory keeps them."""

from __future__ import annotations

import re
from functools import lru_cache

from trualias.language.domains import fold_domain, is_domain
from trualias.lookup.locks import MALFORMED_SENDER

LONGEST_SENDER = 255
"""Octets of the longest sender that is an address here; RFC 5321 section 4.5.3.1.3 allows 254."""

_LITERAL = re.compile(r"\[[0-9a-z.:]+\]").fullmatch


def envelope_sender(octets: bytes) -> str:
    """Return a sender in lower case, with its domain as A-labels; empty for the null sender.

    One dot after the domain is left out, as clients can type it. A sender without a domain, of more than
    ``LONGEST_SENDER`` octets, or with octets that are no printable UTF-8, is `MALFORMED_SENDER`.
    """
    if not octets:
        return ""
    if len(octets) > LONGEST_SENDER:
        return MALFORMED_SENDER
    try:
        address = octets.decode("utf-8")
    except UnicodeDecodeError:
        return MALFORMED_SENDER
    local_part, _, domain = address.removesuffix(".").rpartition("@")
    folded = _folded(domain)
    if not folded or not local_part or not local_part.isprintable():
        return MALFORMED_SENDER
    return f"{local_part.lower()}@{folded}"


@lru_cache(maxsize=1_024)
def _folded(domain: str) -> str:
    """Return the domain of an address in its folded spelling; an empty text if it is none, and no IP address."""
    folded = fold_domain(domain)
    return folded if is_domain(folded) or _LITERAL(folded) else ""


def kept_address(sender: str) -> str:
    """Return a sender as the memory keeps addresses: many senders number their mails in the local part."""
    local_part, at, domain = sender.rpartition("@")
    return f"{_NUMBERS('#', local_part)}@{domain}" if at else sender


_NUMBERS = re.compile("[0-9]+").sub
