"""Tests of trualias.commands.spelling."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.spelling import spelled
from trualias.language.tree import ATEXT_AND_DOT


class SpellingTests(SynchronousTestCase):
    """Addresses in words."""

    def test_words_and_code(self) -> None:
        """Words are said as words, the code one character after the other."""
        self.assertEqual("foo dash macys dash m five", spelled(("foo", "-", "macys", "-", "m5"), 4, None))
        self.assertEqual("sam is sexy dot r o one four", spelled(("sam", "is", "sexy", ".", "ro14"), 4, None))

    def test_domain(self) -> None:
        """The domain follows its at."""
        self.assertEqual(
            "x plus foo at mail two dot best dash example dot com",
            spelled(("x", "+", "foo"), 0, "mail2.best-example.com"),
        )

    def test_digits_and_capitals(self) -> None:
        """Digits are said one by one, and capitals are said to be capitals."""
        self.assertEqual("two three skidoo capital m acys capital x", spelled(("23skidoo", "Macys", "X"), 2, None))

    def test_signs(self) -> None:
        """Every sign of a local part has a name of its own."""
        signs = sorted(sign for sign in ATEXT_AND_DOT if not sign.isalnum())
        names = [spelled((sign,), 0, None) for sign in signs]
        self.assertEqual(len(signs), len(set(names)))
        self.assertEqual([], [name for name in names if not name.replace(" ", "").isalpha()])
