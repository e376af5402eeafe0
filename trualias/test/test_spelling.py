"""Addresses spelled in words."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.spelling import spell
from trualias.language.tree import ATEXT_AND_DOT


class SpellingTests(SynchronousTestCase):
    """Spelled addresses."""

    def test_words_and_code(self) -> None:
        """Words are spelled as words, the code character by character."""
        self.assertEqual("foo dash macys dash m five", spell(("foo", "-", "macys", "-", "m5"), 4, None))
        self.assertEqual("sam is sexy dot r o one four", spell(("sam", "is", "sexy", ".", "ro14"), 4, None))

    def test_domain(self) -> None:
        """The domain follows an ``at``."""
        self.assertEqual(
            "x plus foo at mail two dot best dash example dot com",
            spell(("x", "+", "foo"), 0, "mail2.best-example.com"),
        )

    def test_digits_and_capitals(self) -> None:
        """Digits are spelled one by one, and capitals are announced."""
        self.assertEqual("two three skidoo capital m acys capital x", spell(("23skidoo", "Macys", "X"), 2, None))

    def test_signs(self) -> None:
        """Every sign that a local part may contain has a name of its own."""
        signs = sorted(sign for sign in ATEXT_AND_DOT if not sign.isalnum())
        names = [spell((sign,), 0, None) for sign in signs]
        self.assertEqual(len(signs), len(set(names)))
        self.assertEqual([], [name for name in names if not name.replace(" ", "").isalpha()])
