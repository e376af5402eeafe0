"""Sets of spans, held against what they say of every span."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.language.fields import fits
from trualias.language.spans import BUDGET, Spans, StepBudgetExceeded, ends_of
from trualias.language.tree import FieldClass
from trualias.test import trialprofile

trialprofile.load()

TEXTS = st.text("aE1_-.+", max_size=16)


class SpansTests(SynchronousTestCase):
    """What is asked of all spans at once is what is true of each."""

    @given(st.sets(st.integers(0, 70)))
    def test_ends_of(self, members: set[int]) -> None:
        """A set of positions gives its members, in rising order."""
        self.assertEqual(sorted(members), list(ends_of(sum(1 << member for member in members))))

    @given(TEXTS)
    def test_positions(self, text: str) -> None:
        """Where a character stands, also when it is asked for again."""
        spans = Spans(text)
        for character in "aE1_-.+!" * 2:
            wanted = [at for at, here in enumerate(text) if here == character]
            self.assertEqual(wanted, list(ends_of(spans.positions(character))))

    @given(TEXTS)
    def test_all_ends(self, text: str) -> None:
        """Every position is an end, that before the first character and that behind the last included."""
        self.assertEqual(list(range(len(text) + 1)), list(ends_of(Spans(text).all_ends)))

    @example("a.E1.-_a..a", FieldClass.FQDN)
    @given(TEXTS, st.sampled_from(FieldClass))
    def test_classes(self, text: str, field_class: FieldClass) -> None:
        """The ends of a class are those of the spans that fit it, also when they are asked for again."""
        spans = Spans(text)
        for start in [*range(len(text) + 1)] * 2:
            wanted = [end for end in range(start, len(text) + 1) if fits(field_class, text[start:end])]
            self.assertEqual(wanted, list(ends_of(spans.ends_in_class(field_class, start))), (start, field_class))

    @given(TEXTS, st.sampled_from(["a", "aE", "1", ".", "", "x"]), st.integers(-2, 17))
    def test_counts(self, text: str, characters: str, count: int) -> None:
        """The ends with a count are those of the spans that have it, the empty span included."""
        spans = Spans(text)
        for start in range(len(text) + 1):
            wanted = [
                end for end in range(start, len(text) + 1) if sum(map(text[start:end].count, characters)) == count
            ]
            self.assertEqual(wanted, list(ends_of(spans.ends_with_count(characters, start, count))), start)

    @given(TEXTS)
    def test_before(self, text: str) -> None:
        """How many stand before each position."""
        wanted = [sum(map(text[:at].count, "aE")) for at in range(len(text) + 1)]
        self.assertEqual(wanted, Spans(text).before("aE"))


class StepsTests(SynchronousTestCase):
    """The work of a lookup is counted, and ends."""

    def test_budget(self) -> None:
        """As many steps as the budget may be taken, and no more."""
        spans = Spans("a")
        for _ in range(BUDGET):
            spans.step()
        self.assertEqual(BUDGET, spans.steps)
        self.assertRaises(StepBudgetExceeded, spans.step)

    def test_classes_take_steps(self) -> None:
        """To look for the ends of a class is a step, to look them up is none."""
        spans = Spans("abc")
        for start in (0, 0, 1, 0):
            spans.ends_in_class(FieldClass.ALPHA, start)
        self.assertEqual(2, spans.steps)
