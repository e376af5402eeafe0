"""The spellings of a domain: U-labels and A-labels, RFC 5890 section 2.3.2.1, in any case."""

from __future__ import annotations

import re

LONGEST_DOMAIN = 253
"""Octets of a domain name in text, RFC 1035 section 2.3.4: its 255 octets on the wire have two more."""

_DOMAIN = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*")


def fold_domain(domain: str) -> str:
    """Return the spelling by which domains are compared: A-labels, in lower case.

    Labels of ASCII alone are only put into lower case. Any other label is converted by UTS 46. A domain that cannot be
    converted is returned as it is: one of more than ``LONGEST_DOMAIN`` octets, and one with a label that becomes ASCII,
    such as one of the Kelvin sign, which would be the letter k.
    """
    if domain.isascii():
        return domain.lower()
    try:
        if len(domain.encode()) > LONGEST_DOMAIN:
            return domain
        return ".".join([label.lower() if label.isascii() else _a_label(label) for label in domain.split(".")])
    except UnicodeError:  # idna's errors are of this class
        return domain


def import_conversion() -> None:
    """Import what the conversion of labels outside ASCII needs, which takes 4 ms.

    It is imported at the latest by the first conversion, but that is no work for the thread that answers. A server
    without domains starts without it.
    """
    import idna.uts46data  # noqa: F401


def _a_label(label: str) -> str:
    """Convert a label that has characters outside ASCII; raise UnicodeError if that is not possible."""
    import idna

    mapped = idna.uts46_remap(label, std3_rules=False)
    if mapped.isascii():
        raise UnicodeError(f"{label!r} becomes ASCII")
    return idna.alabel(mapped).decode("ascii")


def is_domain(folded: str) -> bool:
    """Return whether a domain, as ``fold_domain`` returns it, has the syntax of a domain name; ``_`` may be in it."""
    return len(folded) <= LONGEST_DOMAIN and _DOMAIN.fullmatch(folded) is not None
