"""Composition of addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.composition import CannotCompose, ComposedAddress, Target, compose, targets_named
from trualias.configuration import parse_configuration
from trualias.language.tree import (
    IDENTIFIER_CLASSES,
    Account,
    CodeField,
    Identifier,
    Literal,
    NameField,
    NameKind,
    unparse,
)
from trualias.matching.outcome import Ambiguous, BudgetExceeded, Found, NotFound, NotFoundReason, PolicyOutcome
from trualias.matching.policy import Policy
from trualias.test import naive, trialprofile
from trualias.test.strategies import policies, tangles, words

trialprofile.load()

MANY = 150
"""The most addresses of the same words that are looked up one by one."""


def policy_of(text: str) -> Policy:
    """Return the policy of a configuration's text."""
    return parse_configuration(text, "policy.conf").policy


def composed(text: str, name: str, *given: str) -> list[str]:
    """Compose addresses for a name; return an address or a reason for each target."""
    policy = policy_of(text)
    results = [compose(policy, target, given) for target in targets_named(policy, name)]
    return [one.local_part if isinstance(one, ComposedAddress) else one.reason for one in results]


class ComposeTests(SynchronousTestCase):
    """Composed addresses, and reasons why there is none."""

    FOO = "ACCOUNT foo MATCHES %account%-%alnum%-%code% WITH CHAR(1,-), CHARS();"
    BAZ = "ACCOUNT baz MATCHES %alpha%is%alpha%.%code% WITH CHARS(1), CHARS(2);"

    def test_address(self) -> None:
        """An address has the names, the words in order, and a right code."""
        self.assertEqual(["foo-macys-m5"], composed(self.FOO, "foo", "macys"))
        self.assertEqual(["samissexy.34"], composed(self.BAZ, "baz", "sam", "sexy"))
        self.assertEqual(["x5+foo"], composed("ACCOUNT foo MATCHES %code%+%account% WITH x, 5;", "foo"))

    def test_parts(self) -> None:
        """The result has a text for each token of the expression."""
        policy = policy_of(self.FOO)
        (target,) = targets_named(policy, "foo")
        made = compose(policy, target, ["macys"])
        self.assertEqual(ComposedAddress(("foo", "-", "macys", "-", "m5"), 4, Found("foo", "foo")), made)

    def test_each_statement(self) -> None:
        """Each statement of the account has an address or a reason, in the order of the file."""
        text = f"{self.FOO} {self.BAZ} ACCOUNT foo MATCHES %account%+%number%+%code% WITH DIGITS();"
        expected = ["foo-macys-m5", "'macys' is not number (digits)"]
        self.assertEqual(expected, composed(text, "foo", "macys"))
        self.assertEqual([], composed(text, "bar", "macys"))

    def test_aliases(self) -> None:
        """A statement with aliases has an address for each of them, or for the one that is named."""
        text = "ACCOUNT foo ALIASED joe, paul MATCHES %alias%-%alnum%-%code% WITH CHAR(1,-), CHARS(alias);"
        self.assertEqual(["joe-google-g3", "paul-google-g4"], composed(text, "foo", "google"))
        self.assertEqual(["paul-google-g4"], composed(text, "paul", "google"))
        text = "ACCOUNT foo, bar ALIASED joe MATCHES %alias%-%account%-%code% WITH CHARS(alias);"
        self.assertEqual(["joe-foo-3", "joe-bar-3"], composed(text, "joe"))
        self.assertEqual(["joe-bar-3"], composed(text, "bar"))

    def test_name_that_is_both(self) -> None:
        """An account that is also an alias has each of its addresses once."""
        text = "ACCOUNT foo ALIASED foo, joe MATCHES %alias%-%alnum%-%code% WITH CHARS();"
        self.assertEqual(["foo-x-1", "joe-x-1"], composed(text, "foo", "x"))

    def test_choice(self) -> None:
        """Of several characters the first one of the word is chosen, or else the plainest."""
        text = "ACCOUNT foo MATCHES %account%-%alnum%-%code% WITH ANY(), NONE();"
        self.assertEqual(["foo-Macys-Mb"], composed(text, "foo", "Macys"))
        self.assertEqual(["foo-7eleven-7a"], composed(text, "foo", "7eleven"))
        text = "ACCOUNT foo MATCHES %account%-%number%-%code% WITH NONE(), ANY();"
        self.assertEqual(["foo-210-32"], composed(text, "foo", "210"))

    def test_order(self) -> None:
        """Another order of the choices gives another address."""
        policy = policy_of("ACCOUNT foo MATCHES %account%-%alnum%-%code% WITH ANY(), NONE();")
        (target,) = targets_named(policy, "foo")
        made = compose(policy, target, ["macys"], order=lambda choices: list(reversed(choices)))
        self.assertEqual(("foo", "-", "macys", "-", "sZ"), made.parts if isinstance(made, ComposedAddress) else made)

    def test_case(self) -> None:
        """Addresses are in small letters if case does not matter, otherwise spelled as given."""
        text = "ACCOUNT Foo MATCHES %account%-Is%alnum%-%code% WITH ANY(), NONE(), Q, CHAR(9,Z);"
        self.assertEqual(["foo-ismacys-mbqz"], composed("CASE SENSITIVE: no\n" + text, "FOO", "Macys"))
        self.assertEqual(["Foo-IsMacys-MbQZ"], composed(text, "Foo", "Macys"))
        self.assertEqual([], composed(text, "foo", "Macys"))

    def test_wrong_number_of_words(self) -> None:
        """The reason for a wrong number of words names the expected classes."""
        self.assertEqual(["it takes 2 words (alpha, alpha), and 1 word is given"], composed(self.BAZ, "baz", "sam"))
        self.assertEqual(["it takes 1 word (alnum), and 2 words are given"], composed(self.FOO, "foo", "a", "b"))
        text = "ACCOUNT foo MATCHES %account%-%code% WITH x;"
        self.assertEqual(["it takes no word, and 1 word is given"], composed(text, "foo", "a"))

    def test_wrong_class(self) -> None:
        """The reason for a word of the wrong class suggests the word without accents and wrong characters."""
        self.assertEqual(
            ["'h&m' is not alnum (ASCII letters and digits); 'hm' would be one"], composed(self.FOO, "foo", "h&m")
        )
        self.assertEqual(["'' is not alnum (ASCII letters and digits)"], composed(self.FOO, "foo", ""))
        self.assertEqual(
            ["'\ufffdcaf\u00e9' (character 1 is U+001B) is not alnum (ASCII letters and digits); 'cafe' would be one"],
            composed(self.FOO, "foo", "\x1bcaf\u00e9"),
        )
        self.assertEqual(
            ["'caf\u00e9' is not alnum (ASCII letters and digits); 'cafe' would be one"],
            composed(self.FOO, "foo", "caf\u00e9"),
        )
        self.assertEqual(
            ["'Stra\u00dfe' is not alnum (ASCII letters and digits); 'Strasse' would be one"],
            composed(self.FOO, "foo", "Stra\u00dfe"),
        )
        self.assertEqual(
            ["'\u03b1' (U+03B1 GREEK SMALL LETTER ALPHA) is not alnum (ASCII letters and digits)"],
            composed(self.FOO, "foo", "\u03b1"),
        )

    def test_no_choice(self) -> None:
        """There is no address if no character is left for ``NONE``."""
        text = "ACCOUNT foo MATCHES %account%-%number%-%code% WITH NONE(1);"
        self.assertEqual(
            ["NONE(1) finds no character that does not occur in '0123456789'"], composed(text, "foo", "0123456789")
        )

    def test_too_long(self) -> None:
        """An address has at most 64 characters."""
        self.assertEqual([f"foo-{56 * 'x'}-x56"], composed(self.FOO, "foo", 56 * "x"))
        self.assertEqual(
            ["it would have 65 characters, and a local part has at most 64 (RFC 5321)"],
            composed(self.FOO, "foo", 57 * "x"),
        )

    def test_avoids_others(self) -> None:
        """Of several codes one is chosen that belongs to no other account, if there is one."""
        text = """
            ACCOUNT foo MATCHES %alnum%-%code% WITH ANY();
            ACCOUNT bar MATCHES %ident%-%code% WITH CHAR(1,-);
        """
        self.assertEqual(["macys-a"], composed(text, "foo", "macys"))
        policy = policy_of(text)
        (target,) = targets_named(policy, "foo")
        made = compose(policy, target, ["mm"])
        self.assertEqual(ComposedAddress(("mm", "-", "m"), 2, Ambiguous(("bar", "foo"))), made)

    def test_best_outcome(self) -> None:
        """The address with the best outcome of a given lookup is chosen, within the allowed attempts."""
        policy = policy_of("ACCOUNT foo MATCHES %alnum%-%code% WITH ANY();")
        (target,) = targets_named(policy, "foo")
        keys: list[str] = []

        def resolve(local_part: str) -> PolicyOutcome:
            keys.append(local_part)
            answers: dict[str, PolicyOutcome] = {
                "a": NotFound(NotFoundReason.NO_MATCH),
                "b": BudgetExceeded(),
                "c": Ambiguous(("bar", "foo")),
            }
            return answers[local_part[-1]]

        made = compose(policy, target, ["abc"], resolve=resolve)
        self.assertEqual(ComposedAddress(("abc", "-", "c"), 2, Ambiguous(("bar", "foo"))), made)
        self.assertEqual(["abc-a", "abc-b", "abc-c"], keys)
        made = compose(policy, target, ["abc"], resolve=resolve, attempts=2)
        self.assertEqual(ComposedAddress(("abc", "-", "b"), 2, BudgetExceeded()), made)


class PropertyTests(SynchronousTestCase):
    """Properties of all policies and words."""

    def test_agrees_with_the_reference(self) -> None:
        """A composed address is accepted, also by the reference; without one, the reference has no address either.

        An address that also belongs to another account is composed only if all addresses of these names and words do.
        """
        seen: Counter[str] = Counter()

        @settings(max_examples=250)
        @given(st.one_of(policies(), tangles()), st.booleans(), st.data())
        def agree(statements: tuple[Account, ...], case_sensitive: bool, data: st.DataObject) -> None:
            setting = f"CASE SENSITIVE: {'yes' if case_sensitive else 'no'}\n"
            policy = policy_of(setting + "\n".join(map(unparse, statements)))
            statement = data.draw(st.sampled_from(statements))
            name = data.draw(st.sampled_from((*statement.accounts, *statement.aliases))).text
            given = data.draw(self.some_words(statement))
            for target in targets_named(policy, name):
                seen[self.check(policy, statements, target, given, case_sensitive)] += 1

        agree()
        self.assertGreater(min(seen["ambiguous"], seen["none"]), 10, seen)
        self.assertGreater(seen["delivered"], 100, seen)

    def some_words(self, statement: Account) -> st.SearchStrategy[list[str]]:
        """Draw words for a statement, sometimes of wrong classes or number."""
        classes = [token.field_class for token in statement.expression if isinstance(token, Identifier)]
        fitting = st.tuples(*map(words, classes)).map(list)
        return st.one_of(
            fitting, fitting, fitting, st.lists(st.sampled_from(IDENTIFIER_CLASSES).flatmap(words), max_size=3)
        )

    def check(
        self, policy: Policy, statements: Sequence[Account], target: Target, given: list[str], case_sensitive: bool
    ) -> str:
        """Compare a composed address with the reference, and return the kind of its outcome."""
        made = compose(policy, target, given)
        addresses = self.addresses(target, given, case_sensitive)
        match made:
            case CannotCompose():
                self.assertEqual([], addresses, made)
                return "none"
            case ComposedAddress(outcome=Found(_, account)):
                accounts = naive.naive_lookup(statements, made.local_part, case_sensitive).accounts
                self.assertEqual(({account}, policy.fold(target.account)), (accounts, policy.fold(account)))
                self.assertLessEqual(len(made.local_part), 64)
                return "delivered"
            case ComposedAddress(outcome=Ambiguous(accounts)):
                right = naive.naive_lookup(statements, made.local_part, case_sensitive).accounts
                self.assertEqual(set(accounts), right)
                self.assertIn(policy.fold(target.account), set(map(policy.fold, accounts)))
                self.assertIn(policy.fold(made.local_part), addresses)
                for address in addresses if len(addresses) <= MANY else ():
                    self.assertGreater(
                        len(naive.naive_lookup(statements, address, case_sensitive).accounts), 1, address
                    )
                return "ambiguous"
            case _:
                self.fail(f"{made.local_part} gives {made.outcome}")

    def addresses(self, target: Target, given: list[str], case_sensitive: bool) -> list[str]:
        """Return all addresses of some names and words, by the reference."""
        statement = target.rule.statement
        account, alias = target.account, target.alias or target.account
        if not case_sensitive:
            statement, account, alias = naive.lowered(statement), account.lower(), alias.lower()
            given = [word.lower() for word in given]
        classes = target.rule.identifiers
        if len(given) != len(classes) or not all(map(naive.belongs, given, classes)):
            return []
        left = iter(given)
        pieces = []
        for token in statement.expression:
            match token:
                case Literal(text):
                    pieces.append(text)
                case NameField(kind):
                    pieces.append(account if kind is NameKind.ACCOUNT else alias)
                case Identifier():
                    pieces.append(next(left))
                case CodeField():
                    pieces.append("\0")
        reading = naive.Reading(statement, account, alias, tuple(pieces))
        choices = [naive.contributions(item, reading.words()) for item in statement.items]
        if not case_sensitive:
            choices = [{text for text in choice if text == text.lower()} for choice in choices]
        before, after = "".join(pieces).split("\0")
        found = {f"{before}{''.join(code)}{after}" for code in product(*choices)}
        return sorted(address for address in found if len(address) <= naive.LONGEST)
