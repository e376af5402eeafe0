"""Counting readings instead of trying them: what the properties of test_matcher have not hit upon."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import load
from trualias.policy.matcher import Matcher
from trualias.policy.spans import Spans


class ChoosingTests(SynchronousTestCase):
    """Items that may be any one of several characters."""

    def assert_verifies(self, items: str, local_part: str) -> None:
        """Assert that a local part with a code made of *items* verifies, whether readings are tried or counted."""
        text = f"ACCOUNT foo MATCHES %account%-%alnum%-%code% WITH {items};"
        (rule,) = load(text, "test.conf").policy.rules
        for few in (24, 0):
            self.assertEqual(1, Matcher(rule, str, few).count(Spans(local_part), "foo", ""), f"{few} attempts")

    def test_equal_items_choose_for_themselves(self) -> None:
        """Each of two equal items chooses a character of its own."""
        self.assert_verifies("ANY(), ANY()", "foo-macys-ma")
        self.assert_verifies("ANY(), ANY()", "foo-macys-mm")
        self.assert_verifies("NONE(), NONE()", "foo-macys-xb")
