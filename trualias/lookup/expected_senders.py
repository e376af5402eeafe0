"""The senders from which an alias is expected to get mail, by the words that it was made for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from publicsuffixlist import PublicSuffixList


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()  # reads the list of its package in about 0.1 s


def registrable_domain(domain: str) -> str | None:
    """Return the part of a domain that its owner registered, such as ``shop.co.uk``.

    It is None for a public suffix itself, and for an IP address in brackets.

    The domain is in lower case, of A-labels. The list is that of https://publicsuffix.org, as the package
    publicsuffixlist has it.
    """
    if domain.startswith("["):
        return None
    found: str | None = _suffixes().privatesuffix(domain)
    return found


def is_expected(words: Iterable[str], domain: str, early_domains: Iterable[str]) -> bool:
    """Return whether mail of a domain is what an alias was made for.

    So it is if a label of the domain contains one of the words, letters and digits alone compared, and if its owner
    also owns one of the domains that wrote early.
    """
    labels = [_letters_and_digits(label) for label in domain.split(".")]
    if any(word and any(word in label for label in labels) for word in map(_letters_and_digits, words)):
        return True
    owner = registrable_domain(domain) or domain
    return any(owner == (registrable_domain(early) or early) for early in early_domains)


def _letters_and_digits(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))
