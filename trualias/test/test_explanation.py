"""Tests of trualias.analysis.explanation."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.explanation import SEARCHED, Considered, FirstMismatch, Part, explain
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
    """Make a policy of statements, from their text."""
    setting = f"CASE SENSITIVE: {'yes' if case_sensitive else 'no'}\n"
    return parse_configuration(setting + "\n".join(map(unparse, statements)), "drawn.conf").policy


def only(local_part: str, keep: int = 3) -> Considered:
    """Explain an address that only one statement was compared with."""
    (considered,) = explain(POLICY, local_part, keep).considered
    return considered


def checked(local_part: str) -> list[tuple[str, object, str, bool]]:
    """The items of the nearest reading of an address: the item, what it wants, what is given, whether that is right."""
    return [(item_text(i.item), i.wants, i.given.text, i.right) for i in only(local_part).readings[0].items]


class ExplanationTests(SynchronousTestCase):
    """What is told of an address."""

    def test_verified(self) -> None:
        """An address that is accepted has a reading of which every item is right."""
        considered = only("foo-macys-m5")
        (reading,) = considered.readings
        self.assertEqual(
            (considered.account, considered.alias, considered.count, considered.counted, considered.stuck),
            ("foo", "", 1, True, None),
        )
        self.assertEqual(((FieldClass.ALNUM, Part(4, "macys")),), reading.identifiers)
        self.assertEqual((Part(10, "m5"), Part(12, ""), True), (reading.code, reading.extra, reading.verifies))
        self.assertEqual([("CHAR(1,-)", "m", "m", True), ("CHARS()", "5", "5", True)], checked("foo-macys-m5"))

    def test_wrong_value(self) -> None:
        """Where a number or a character is another one, that item is wrong and the others stay in their places."""
        self.assertEqual([("CHAR(1,-)", "m", "m", True), ("CHARS()", "5", "6", False)], checked("foo-macys-m6"))
        self.assertEqual([("CHAR(1,-)", "m", "m", True), ("CHARS()", "5", "12", False)], checked("foo-macys-m12"))
        self.assertEqual([("CHAR(1,-)", "m", "n", False), ("CHARS()", "5", "5", True)], checked("foo-macys-n5"))
        self.assertEqual([("CHARS(1)", "3", "4", False), ("CHARS(2)", "4", "3", False)], checked("samissexy.43"))

    def test_missing(self) -> None:
        """An item of which the address has nothing is wrong, wherever it stands."""
        self.assertEqual([("CHAR(1,-)", "m", "m", True), ("CHARS()", "5", "", False)], checked("foo-macys-m"))
        self.assertEqual([("CHAR(1,-)", "m", "", False), ("CHARS()", "5", "5", True)], checked("foo-macys-5"))

    def test_surplus(self) -> None:
        """What comes behind all the items is told as such."""
        (reading,) = only("foo-macys-m5z").readings
        self.assertEqual((Part(12, "z"), False), (reading.extra, reading.verifies))
        self.assertEqual([True, True], [item.right for item in reading.items])

    def test_every_kind_of_item(self) -> None:
        """Literals, counts, and one of several characters: each is laid out in its own form."""
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
        """Without regard to case, the address is shown as it was written and compared as it is compared."""
        policy = parse_configuration(
            "CASE SENSITIVE: no\nACCOUNT Foo ALIASED Joe MATCHES %alias%-%alnum%-%code% WITH CHAR(1,-), Q;", "x"
        ).policy
        (considered,) = explain(policy, "JOE-Macys-Mq").considered
        (reading,) = considered.readings
        self.assertEqual(("Foo", "Joe"), (considered.account, considered.alias))
        self.assertEqual((((FieldClass.ALNUM, Part(4, "Macys")),), True), (reading.identifiers, reading.verifies))
        self.assertEqual([("m", "M"), ("q", "q")], [(item.wants, item.given.text) for item in reading.items])

    def test_nearest_readings_first(self) -> None:
        """Of several readings the ones with the least wrong come first, and no more are kept than asked for."""
        considered = only("samisxissexy.34", keep=1)
        self.assertEqual((1, 2, True), (len(considered.readings), considered.count, considered.counted))
        considered = only("samisalisson.73")
        self.assertEqual([True, False], [reading.verifies for reading in considered.readings])
        self.assertEqual(["samisal", "son"], [part.text for _, part in considered.readings[0].identifiers])

    def test_nearest_statements_first(self) -> None:
        """Statements that fit the address but for the code stand before those that do not fit it."""
        explanation = explain(POLICY, "foo-isis-i5")
        self.assertEqual(["foo", "baz"], [considered.account for considered in explanation.considered])
        explanation = explain(POLICY, "annwantsthisis.xy6t0")
        self.assertEqual(["Amelia", "baz"], [considered.account for considered in explanation.considered])
        self.assertEqual(2, explanation.never)

    def test_never_compared(self) -> None:
        """Statements whose names and literals the address lacks are only counted."""
        explanation = explain(POLICY, "bar")
        self.assertEqual(((), 4), (explanation.considered, explanation.never))

    def test_stuck(self) -> None:
        """An address that does not look like the statement is told up to where it does, and what was expected there."""
        self.assertEqual(
            FirstMismatch(position=7, fits=3, expected=Literal("-"), more_of=FieldClass.ALNUM),
            only("foo-mac_ys-m5").stuck,
        )
        self.assertEqual(FirstMismatch(4, 2, Identifier(FieldClass.ALNUM), None), only("foo-_-m5").stuck)
        self.assertEqual(
            FirstMismatch(5, 3, Identifier(FieldClass.ALPHA), FieldClass.NUMBER), only("a1+12++left").stuck
        )
        self.assertEqual((), only("foo-_-m5").readings)

    def test_no_local_part(self) -> None:
        """What can be no local part at all is told why, and no statement is compared with it."""
        for text, reason in (
            ("", "there is nothing before the @"),
            (
                "foo-caf\u00e9",
                "character 8 is '\\xe9', which a local part cannot hold without quotes (RFC 5322, section 3.2.3)",
            ),
            ("foo bar", "character 4 is ' ', which a local part cannot hold without quotes (RFC 5322, section 3.2.3)"),
            (
                f"foo-{'x' * 59}-5",
                "it has 65 characters, and a local part has at most 64 (RFC 5321, section 4.5.3.1.1)",
            ),
        ):
            explanation = explain(POLICY, text)
            self.assertEqual((reason, (), 4), (explanation.invalid, explanation.considered, explanation.never))

    def test_very_many_readings(self) -> None:
        """Of an address with more readings than anybody wants to wait for, a part is looked at, and that is told."""
        policy = parse_configuration(
            "ACCOUNT foo MATCHES %alpha%x%alpha%x%alpha%x%alpha%.%code% WITH DIGITS(1);", "x"
        ).policy
        (considered,) = explain(policy, "x" * 60 + ".0").considered
        self.assertEqual((SEARCHED, False, 3), (considered.count, considered.counted, len(considered.readings)))
        self.assertTrue(considered.readings[0].verifies)


Told = Counter[tuple[str, str, tuple[str, ...], str, bool]]


class AgreementTests(SynchronousTestCase):
    """The readings are those of the language's reference."""

    def compare(self, drawn: st.SearchStrategy[tuple[Account, ...]]) -> None:
        """Compare the readings of several addresses with those found by enumeration."""
        seen: Counter[str] = Counter()

        @settings(max_examples=100)
        @given(drawn, st.booleans(), RANDOMS)
        def agree(statements: tuple[Account, ...], case_sensitive: bool, random: Random) -> None:
            policy = policy_of(statements, case_sensitive)
            for _ in range(5):
                address = local_part(random, statements, case_sensitive)
                explanation = explain(policy, address, keep=SEARCHED)
                if explanation.invalid:
                    self.assertEqual(frozenset(), naive.naive_lookup(statements, address, case_sensitive).accounts)
                    continue
                found = self.found(policy, explanation.considered)
                named = {considered.rule.statement for considered in explanation.considered}
                right = self.right(statements, address, case_sensitive)
                compared = Counter({key: n for key, n in right.items() if key[0] in map(unparse, named)})
                # Names that the address does not show are not compared with it, so only what was compared counts here.
                self.assertEqual((address, found - compared), (address, Counter()))
                verifying = Counter({key: n for key, n in right.items() if key[-1]})
                self.assertEqual((address, verifying - found), (address, Counter()))
                seen.update("verifies" if key[-1] else "wrong code" for key in found.elements())
                seen.update("stuck" for considered in explanation.considered if considered.stuck)

        agree()
        self.assertGreater(min(seen["verifies"], seen["wrong code"], seen["stuck"]), 20, seen)

    def found(self, policy: Policy, considered: tuple[Considered, ...]) -> Told:
        """What was found, with everything folded."""
        told: Told = Counter()
        for one in considered:
            self.assertEqual(one.count, len(one.readings))
            self.assertEqual(bool(one.stuck), not one.readings)
            for reading in one.readings:
                words = tuple(policy.fold(part.text) for _, part in reading.identifiers)
                code = policy.fold(reading.code.text)
                account = policy.fold(one.account)
                told[unparse(one.rule.statement), account, words, code, reading.verifies] += 1
                pieces = "".join(item.given.text for item in reading.items) + reading.extra.text
                self.assertEqual(reading.code.text, pieces)
                self.assertEqual(reading.verifies, all(item.right for item in reading.items) and not reading.extra.text)
        return told

    def right(self, statements: tuple[Account, ...], address: str, case_sensitive: bool) -> Told:
        """What the reference says."""
        told: Told = Counter()
        if not case_sensitive:
            address = address.lower()
        for statement in statements:
            compared = statement if case_sensitive else naive.lowered(statement)
            for reading in naive.readings(compared, address):
                if not reading.code():
                    continue
                pairs = zip(compared.expression, reading.pieces, strict=True)
                words = tuple(piece for token, piece in pairs if isinstance(token, Identifier))
                told[unparse(statement), reading.account, words, reading.code(), naive.verifies(reading)] += 1
        return told

    def test_policies(self) -> None:
        """Statements over the whole language."""
        self.compare(policies())

    def test_tangles(self) -> None:
        """Statements whose addresses fall apart in many ways."""
        self.compare(tangles())
