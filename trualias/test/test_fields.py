"""Tests of the classes of fields, against plain definitions."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.language.fields import RULES, fits
from trualias.language.tree import FieldClass
from trualias.test import trialprofile
from trualias.test.naive import ALPHABETS, belongs

trialprofile.load()


class FieldsTests(SynchronousTestCase):
    """The texts of each class."""

    @settings(max_examples=300)
    @given(st.text("aZ09_-.+@éſ٣²ª", max_size=6), st.sampled_from(FieldClass))
    def test_fits(self, text: str, field_class: FieldClass) -> None:
        """A text fits a class if it has its characters and its form; letters and digits are those of ASCII."""
        self.assertEqual(belongs(text, field_class), fits(field_class, text))

    @given(st.text("aZ09_-.+", max_size=8), st.sampled_from(FieldClass))
    def test_reversed(self, text: str, field_class: FieldClass) -> None:
        """A text is of a class if and only if the reversed text is."""
        self.assertEqual(fits(field_class, text), fits(field_class, text[::-1]))

    def test_line_end(self) -> None:
        """No text of any class ends with a line feed."""
        for field_class, text in zip(FieldClass, ("a", "a", "1", "a", "a.b", "_"), strict=True):
            self.assertTrue(fits(field_class, text))
            self.assertFalse(fits(field_class, f"{text}\n"))

    def test_alphabets(self) -> None:
        """The characters of each class, and the length of its shortest texts."""
        self.assertEqual(ALPHABETS, {field_class: rule.alphabet for field_class, rule in RULES.items()})
        self.assertEqual([1, 1, 1, 1, 3, 1], [RULES[field_class].shortest for field_class in FieldClass])
