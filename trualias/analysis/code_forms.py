"""The forms of codes: which of their characters are letters, capitals and digits."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from trualias.language.functions import CodeText

FORM_SIZES = {"a": 26, "A": 26, "0": 10}
"""The number of characters that each character of a form stands for; all others stand for themselves."""

Forms = tuple[tuple[str, int], ...]
"""The forms of the texts that an item may have, and how many of the texts are of each."""


def form_of(text: str) -> str:
    """Replace each lower-case letter by ``a``, each capital by ``A`` and each digit by ``0``; signs stay."""
    return "".join("0" if c.isdigit() else "a" if c.islower() else "A" if c.isupper() else c for c in text)


@lru_cache(4096)
def forms_of(wanted: CodeText) -> Forms:
    """Return the forms of what an item contributes, in the alphabet's order."""
    return tuple(sorted(Counter(map(form_of, (wanted,) if isinstance(wanted, str) else wanted)).items()))
