"""Sets of spans, compared with what holds for every single span."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.language.fields import fits
from trualias.language.spans import Spans, positions_in
from trualias.language.tree import IDENTIFIER_CLASSES, FieldClass
from trualias.test import trialprofile

trialprofile.load()

TEXTS = st.text("aE1_-.+", max_size=16)
CLASSES = st.sampled_from(IDENTIFIER_CLASSES)


class SpansTests(SynchronousTestCase):
    """A question about all spans at once has the answers of the single ones."""

    @given(st.sets(st.integers(0, 70)))
    def test_positions_in(self, members: set[int]) -> None:
        """The members of a set of positions come in rising order."""
        self.assertEqual(sorted(members), list(positions_in(sum(1 << member for member in members))))

    @given(TEXTS)
    def test_positions(self, text: str) -> None:
        """A character's positions are the same at the first question and at the second."""
        spans = Spans(text)
        for character in "aE1_-.+!" * 2:
            wanted = [at for at, here in enumerate(text) if here == character]
            self.assertEqual(wanted, list(positions_in(spans.positions(character))))

    @given(TEXTS, st.frozensets(st.sampled_from("aE1_-.+!")))
    def test_positions_of_any(self, text: str, characters: frozenset[str]) -> None:
        """The positions of some characters are those at which one of them stands."""
        spans = Spans(text)
        for _ in range(2):
            wanted = [at for at, here in enumerate(text) if here in characters]
            self.assertEqual(wanted, list(positions_in(spans.positions_of_any(characters))))

    @given(TEXTS, st.text("aE1.", max_size=3))
    def test_occurrences(self, text: str, literal: str) -> None:
        """The occurrences of a literal may overlap; an empty one occurs everywhere."""
        spans = Spans(text)
        for _ in range(2):
            wanted = [at for at in range(len(text) + 1) if text.startswith(literal, at)]
            self.assertEqual(wanted, list(positions_in(spans.occurrences(literal))))

    @given(TEXTS)
    def test_all_positions(self, text: str) -> None:
        """Every offset is a position, including that after the last character."""
        self.assertEqual(list(range(len(text) + 1)), list(positions_in(Spans(text).all_positions)))

    @example("a.E1.-_a..a", FieldClass.FQDN)
    @given(TEXTS, CLASSES)
    def test_classes(self, text: str, field_class: FieldClass) -> None:
        """The ends of a class are those of the spans that fit it, at the first question and at the second."""
        spans = Spans(text)
        for start in [*range(len(text) + 1)] * 2:
            wanted = [end for end in range(start, len(text) + 1) if fits(field_class, text[start:end])]
            self.assertEqual(wanted, list(positions_in(spans.ends_in_class(field_class, start))), (start, field_class))

    @example("a.E1.-_a..a.1", FieldClass.FQDN, {0, 1, 2, 4, 7})
    @given(TEXTS, CLASSES, st.sets(st.integers(0, 16)))
    def test_several_starts(self, text: str, field_class: FieldClass, starts: set[int]) -> None:
        """The ends from several starts are those from each of them."""
        spans = Spans(text)
        wanted = {
            end
            for start in starts
            for end in range(start, len(text) + 1)
            if start <= len(text) and fits(field_class, text[start:end])
        }
        found = spans.ends_from_any(field_class, sum(1 << start for start in starts))
        self.assertEqual(sorted(wanted), list(positions_in(found)))

    @given(TEXTS, st.sampled_from(["a", "aE", "1", ".", "", "x"]), st.integers(-2, 17))
    def test_counts(self, text: str, characters: str, count: int) -> None:
        """The ends with a count are those of the spans that have it, the empty span included."""
        spans = Spans(text)
        for start in range(len(text) + 1):
            wanted = [
                end for end in range(start, len(text) + 1) if sum(map(text[start:end].count, characters)) == count
            ]
            self.assertEqual(wanted, list(positions_in(spans.ends_with_count(characters, start, count))), start)

    @given(TEXTS)
    def test_counts_before(self, text: str) -> None:
        """Each position has the number of the characters before it."""
        wanted = [sum(map(text[:at].count, "aE")) for at in range(len(text) + 1)]
        self.assertEqual(wanted, Spans(text).counts_before("aE"))

    def test_work(self) -> None:
        """The ends of a class are work when they are computed, and none when they are looked up."""
        spans = Spans("abc")
        for start in (0, 0, 1, 0):
            spans.ends_in_class(FieldClass.ALPHA, start)
        self.assertEqual(4 + 2, spans.work, "the positions of the class, and the ends of two starts")

    def test_work_of_answers(self) -> None:
        """An answer is work by its cost, once: to look at every character is more than to find a literal."""
        asked: tuple[tuple[int, Callable[[Spans], object]], ...] = (
            (4, lambda spans: spans.positions("a")),
            (4, lambda spans: spans.positions_of_any(frozenset("ab"))),
            (8, lambda spans: spans.counts_before("ab")),
            (1, lambda spans: spans.occurrences("ab")),
            (1 + 2, lambda spans: spans.occurrences("a")),
        )
        for work, ask in asked:
            spans = Spans("a" * 16 + "b")
            for _ in range(2):
                ask(spans)
                self.assertEqual(work, spans.work)
