"""Explanations of a policy's answers."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.explanation import MOST_READINGS, Comparison, FirstMismatch, Part, explain
from trualias.configuration import parse_configuration
from trualias.language.tree import Account, FieldClass, Identifier, Literal, item_text, unparse
from trualias.matching.policy import Policy
from trualias.test import naive, trialprofile
from trualias.test.addresses import RANDOMS, local_part
from trualias.test.strategies import policies, tangles

trialprofile.load()

POLICY = parse_configuration(
    """
    ACCOUNT foo MATCHES %account%-%alnum%-%code% WITH CHAR(1,-), CHARS();
    ACCOUNT baz MATCHES %alpha%is%alpha%.%code% WITH CHARS(1), CHARS(2);
    ACCOUNT Amelia ALIASED Amy, ann MATCHES %alias%wants%alpha%.%code% WITH xy, CHARS(account), ANY(), DIGITS();
    ACCOUNT left MATCHES %code%+%number%%alpha%+left WITH NONE(1), CHARS(2);
    """,
    "policy.conf",
).policy


def policy_of(statements: tuple[Account, ...], case_sensitive: bool) -> Policy:
    """Return the policy of some statements, parsed from their text."""
    setting = f"CASE SENSITIVE: {'yes' if case_sensitive else 'no'}\n"
    return parse_configuration(setting + "\n".join(map(unparse, statements)), "drawn.conf").policy


def only(local_part: str, most: int = 3) -> Comparison:
    """Return the comparison of an address with the only candidate statement."""
    (comparison,) = explain(POLICY, local_part, most).comparisons
    return comparison


def checked(local_part: str) -> list[tuple[str, object, str, bool]]:
    """Return the items of the nearest reading: item, contribution, given text, and whether that is right."""
    return [(item_text(i.item), i.wants, i.given.text, i.right) for i in only(local_part).readings[0].items]


class ExplanationTests(SynchronousTestCase):
    """Explanations of single addresses."""

    def test_verified(self) -> None:
        """An accepted address has a reading in which every item is right."""
        comparison = only("foo-macys-m5")
        (reading,) = comparison.readings
        self.assertEqual(
            (comparison.account, comparison.alias, comparison.count, comparison.is_complete, comparison.mismatch),
            ("foo", "", 1, True, None),
        )
        self.assertEqual(((FieldClass.ALNUM, Part(4, "macys")),), reading.identifiers)
        self.assertEqual((Part(10, "m5"), Part(12, ""), True), (reading.code, reading.extra, reading.verifies))
        self.assertEqual([("CHAR(1,-)", "m", "m", True), ("CHARS()", "5", "5", True)], checked("foo-macys-m5"))

    def test_wrong_value(self) -> None:
        """A different number or character makes one item wrong, and the others stay aligned."""
        self.assertEqual([("CHAR(1,-)", "m", "m", True), ("CHARS()", "5", "6", False)], checked("foo-macys-m6"))
        self.assertEqual([("CHAR(1,-)", "m", "m", True), ("CHARS()", "5", "12", False)], checked("foo-macys-m12"))
        self.assertEqual([("CHAR(1,-)", "m", "n", False), ("CHARS()", "5", "5", True)], checked("foo-macys-n5"))
        self.assertEqual([("CHARS(1)", "3", "4", False), ("CHARS(2)", "4", "3", False)], checked("samissexy.43"))

    def test_missing(self) -> None:
        """A missing item is wrong, at any position."""
        self.assertEqual([("CHAR(1,-)", "m", "m", True), ("CHARS()", "5", "", False)], checked("foo-macys-m"))
        self.assertEqual([("CHAR(1,-)", "m", "", False), ("CHARS()", "5", "5", True)], checked("foo-macys-5"))

    def test_extra(self) -> None:
        """The rest of the code after all items is extra."""
        (reading,) = only("foo-macys-m5z").readings
        self.assertEqual((Part(12, "z"), False), (reading.extra, reading.verifies))
        self.assertEqual([True, True], [item.right for item in reading.items])

    def test_every_kind_of_item(self) -> None:
        """Literals, counts and choices are each aligned in their own form."""
        wants = frozenset("chips")
        self.assertEqual(
            [
                ("xy", "xy", "xz", False),
                ("CHARS(account)", "6", "6", True),
                ("ANY()", wants, "q", False),
                ("DIGITS()", "0", "0", True),
            ],
            checked("Amywantschips.xz6q0"),
        )
        self.assertEqual(("Amelia", "Amy"), (only("Amywantschips.6").account, only("Amywantschips.6").alias))

    def test_case(self) -> None:
        """If case does not matter, the address is shown as written, and its items are folded."""
        policy = parse_configuration(
            "CASE SENSITIVE: no\nACCOUNT Foo ALIASED Joe MATCHES %alias%-%alnum%-%code% WITH CHAR(1,-), Q;", "x"
        ).policy
        (comparison,) = explain(policy, "JOE-Macys-Mq").comparisons
        (reading,) = comparison.readings
        self.assertEqual(("Foo", "Joe"), (comparison.account, comparison.alias))
        self.assertEqual((((FieldClass.ALNUM, Part(4, "Macys")),), True), (reading.identifiers, reading.verifies))
        self.assertEqual([("m", "M"), ("q", "q")], [(item.wants, item.given.text) for item in reading.items])

    def test_nearest_readings_first(self) -> None:
        """Readings are in order of distance, and no more than asked for are kept."""
        comparison = only("samisxissexy.34", most=1)
        self.assertEqual((1, 2, True), (len(comparison.readings), comparison.count, comparison.is_complete))
        comparison = only("samisalisson.73")
        self.assertEqual([True, False], [reading.verifies for reading in comparison.readings])
        self.assertEqual(["samisal", "son"], [part.text for _, part in comparison.readings[0].identifiers])

    def test_nearest_statements_first(self) -> None:
        """Statements that match except for the code come before those that do not match."""
        explanation = explain(POLICY, "foo-isis-i5")
        self.assertEqual(["foo", "baz"], [comparison.account for comparison in explanation.comparisons])
        explanation = explain(POLICY, "annwantsthisis.xy6t0")
        self.assertEqual(["Amelia", "baz"], [comparison.account for comparison in explanation.comparisons])
        self.assertEqual(2, explanation.not_compared)

    def test_not_compared(self) -> None:
        """Statements with a name or a literal that the address lacks are only counted."""
        explanation = explain(POLICY, "bar")
        self.assertEqual(((), 4), (explanation.comparisons, explanation.not_compared))

    def test_mismatch(self) -> None:
        """An address that does not match has the position of the first mismatch, and the expected token."""
        self.assertEqual(
            FirstMismatch(position=7, matched=3, expected=Literal("-"), more_of=FieldClass.ALNUM),
            only("foo-mac_ys-m5").mismatch,
        )
        self.assertEqual(FirstMismatch(4, 2, Identifier(FieldClass.ALNUM), None), only("foo-_-m5").mismatch)
        self.assertEqual(
            FirstMismatch(5, 3, Identifier(FieldClass.ALPHA), FieldClass.NUMBER), only("a1+12++left").mismatch
        )
        self.assertEqual((), only("foo-_-m5").readings)

    def test_no_local_part(self) -> None:
        """A text that cannot be a local part has a reason, and is compared with no statement."""
        for text, reason in (
            ("", "there is nothing before the @"),
            (
                "foo-caf\u00e9",
                "character 8 is '\u00e9', which the local part of an alias cannot hold (RFC 5322, atext and '.')",
            ),
            ("foo bar", "character 4 is ' ', which the local part of an alias cannot hold (RFC 5322, atext and '.')"),
            (
                "foo\u200b-x",
                "character 4 is '\ufffd' (U+200B ZERO WIDTH SPACE), which the local part of an alias cannot hold "
                "(RFC 5322, atext and '.')",
            ),
            (
                f"foo-{'x' * 59}-5",
                "it has 65 characters, and a local part has at most 64 (RFC 5321, section 4.5.3.1.1)",
            ),
        ):
            explanation = explain(POLICY, text)
            self.assertEqual((reason, (), 4), (explanation.invalid, explanation.comparisons, explanation.not_compared))

    def test_very_many_readings(self) -> None:
        """Of very many readings only a part is examined, and the comparison says so."""
        policy = parse_configuration(
            "ACCOUNT foo MATCHES %alpha%x%alpha%x%alpha%x%alpha%.%code% WITH DIGITS(1);", "x"
        ).policy
        (comparison,) = explain(policy, "x" * 60 + ".0").comparisons
        self.assertEqual(
            (MOST_READINGS, False, 3), (comparison.count, comparison.is_complete, len(comparison.readings))
        )
        self.assertTrue(comparison.readings[0].verifies)


Readings = Counter[tuple[str, str, tuple[str, ...], str, bool]]
"""Counts of statement, account, words, code, and whether the code is right."""


class AgreementTests(SynchronousTestCase):
    """The readings agree with the reference."""

    def compare(self, drawn: st.SearchStrategy[tuple[Account, ...]]) -> None:
        """Compare the readings of several addresses with those found by enumeration."""
        seen: Counter[str] = Counter()

        @settings(max_examples=100)
        @given(drawn, st.booleans(), RANDOMS)
        def agree(statements: tuple[Account, ...], case_sensitive: bool, random: Random) -> None:
            policy = policy_of(statements, case_sensitive)
            for _ in range(5):
                address = local_part(random, statements, case_sensitive)
                explanation = explain(policy, address, most=MOST_READINGS)
                if explanation.invalid:
                    self.assertEqual(frozenset(), naive.naive_lookup(statements, address, case_sensitive).accounts)
                    continue
                found = self.found(policy, explanation.comparisons)
                named = {comparison.rule.statement for comparison in explanation.comparisons}
                right = self.right(statements, address, case_sensitive)
                compared = Counter({key: n for key, n in right.items() if key[0] in map(unparse, named)})
                # Only the names that occur in an address are compared with it.
                self.assertEqual((address, found - compared), (address, Counter()))
                verifying = Counter({key: n for key, n in right.items() if key[-1]})
                self.assertEqual((address, verifying - found), (address, Counter()))
                seen.update("verifies" if key[-1] else "wrong code" for key in found.elements())
                seen.update("mismatch" for comparison in explanation.comparisons if comparison.mismatch)

        agree()
        self.assertGreater(min(seen["verifies"], seen["wrong code"], seen["mismatch"]), 20, seen)

    def found(self, policy: Policy, comparisons: tuple[Comparison, ...]) -> Readings:
        """Count the readings that were found, with everything folded."""
        readings: Readings = Counter()
        for one in comparisons:
            self.assertEqual(one.count, len(one.readings))
            self.assertEqual(bool(one.mismatch), not one.readings)
            for reading in one.readings:
                words = tuple(policy.fold(part.text) for _, part in reading.identifiers)
                code = policy.fold(reading.code.text)
                account = policy.fold(one.account)
                readings[unparse(one.rule.statement), account, words, code, reading.verifies] += 1
                pieces = "".join(item.given.text for item in reading.items) + reading.extra.text
                self.assertEqual(reading.code.text, pieces)
                self.assertEqual(reading.verifies, all(item.right for item in reading.items) and not reading.extra.text)
        return readings

    def right(self, statements: tuple[Account, ...], address: str, case_sensitive: bool) -> Readings:
        """Count the readings of the reference."""
        readings: Readings = Counter()
        if not case_sensitive:
            address = address.lower()
        for statement in statements:
            compared = statement if case_sensitive else naive.lowered(statement)
            for reading in naive.readings(compared, address):
                if not reading.code():
                    continue
                pairs = zip(compared.expression, reading.pieces, strict=True)
                words = tuple(piece for token, piece in pairs if isinstance(token, Identifier))
                readings[unparse(statement), reading.account, words, reading.code(), naive.verifies(reading)] += 1
        return readings

    def test_policies(self) -> None:
        """Statements over the whole language."""
        self.compare(policies())

    def test_tangles(self) -> None:
        """Statements whose addresses have many readings."""
        self.compare(tangles())
