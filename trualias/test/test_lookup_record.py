"""The steps of a lookup."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.language.tree import FieldClass
from trualias.matching.lookup_record import BUDGET, LookupRecord, StepBudgetExceeded


class StepsTests(SynchronousTestCase):
    """All work of a lookup is counted, and ends with the budget."""

    def test_budget(self) -> None:
        """A lookup may take as many steps as the budget has, and no more."""
        record = LookupRecord("a")
        for _ in range(BUDGET):
            record.step()
        self.assertEqual(BUDGET, record.steps)
        self.assertRaises(StepBudgetExceeded, record.step)

    def test_several_steps(self) -> None:
        """Several steps can be taken at once."""
        record = LookupRecord("a")
        record.step(BUDGET)
        self.assertRaises(StepBudgetExceeded, record.step, 2)
        self.assertEqual(BUDGET + 2, record.steps)

    def test_work_of_spans(self) -> None:
        """The work of the spans counts as steps, and is within the budget."""
        record = LookupRecord("abc")
        record.step(BUDGET - 5)
        record.spans.ends_in_class(FieldClass.ALPHA, 0)  # looks at every character, which is four steps
        self.assertEqual(BUDGET, record.steps)
        record.spans.ends_in_class(FieldClass.ALPHA, 1)
        self.assertRaises(StepBudgetExceeded, record.step, 0)

    def test_work_of_mirrored_spans(self) -> None:
        """The work of the spans of the reversed text counts like that of the others."""
        record = LookupRecord("abc")
        record.step(BUDGET)
        record.mirrored.occurrences("b")
        self.assertEqual(BUDGET + 1, record.steps)
        self.assertRaises(StepBudgetExceeded, record.step, 0)

    def test_spans(self) -> None:
        """There is one object for the spans of the text, and one for those of the reversed text."""
        record = LookupRecord("abc")
        self.assertEqual(("abc", "cba"), (record.spans.text, record.mirrored.text))
        self.assertIs(record.spans, record.spans)
        self.assertIs(record.mirrored, record.mirrored)
