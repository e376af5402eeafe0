"""Sets of words as whole numbers."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.word_sets import word_sets
from trualias.language.functions import CodeText
from trualias.test import trialprofile

trialprofile.load()

CONTRIBUTIONS = st.none() | st.sampled_from(["", "a", "b", "12"]) | st.frozensets(st.sampled_from("abc"))


class WordSetsTests(SynchronousTestCase):
    """The sets of the words for which an item contributes a text."""

    @given(st.lists(CONTRIBUTIONS, max_size=20), st.booleans())
    def test_members(self, contributions: list[CodeText | None], many: bool) -> None:
        """A word is in the sets of what is contributed for it, and in no other, also where many differ."""
        if many:
            contributions = [*map(str, range(300)), *contributions]
        sets = word_sets(contributions)
        for number, wanted in enumerate(contributions):
            expected = set() if wanted is None else {wanted} if isinstance(wanted, str) else set(wanted)
            self.assertEqual(expected, {text for text, members in sets.items() if members >> number & 1})
        self.assertEqual(0, sum(members >> len(contributions) for members in sets.values()))
