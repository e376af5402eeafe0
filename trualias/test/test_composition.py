"""Tests of trualias.analysis.composition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.composition import CannotCompose, Composed, Target, compose, targets
from trualias.configuration import parse_configuration
from trualias.language.tree import Account, CodeField, FieldClass, Identifier, Literal, NameField, NameKind, unparse
from trualias.matching.outcome import Ambiguous, BudgetExceeded, Found, NotFound, NotFoundReason, PolicyOutcome
from trualias.matching.policy import Policy
from trualias.test import naive, trialprofile
from trualias.test.strategies import policies, tangles, words

trialprofile.load()

MANY = 150
"""Addresses of the same words that are still all asked for, one by one."""


def policy_of(text: str) -> Policy:
    """The policy of a configuration's text."""
    return parse_configuration(text, "policy.conf").policy


def written(text: str, name: str, *given: str) -> list[str]:
    """What is composed for a name, an address or a reason for each statement."""
    policy = policy_of(text)
    made = [compose(policy, target, given) for target in targets(policy, name)]
    return [one.local_part if isinstance(one, Composed) else one.reason for one in made]


class ComposingTests(SynchronousTestCase):
    """Addresses, and why there is none."""

    FOO = "ACCOUNT foo MATCHES %account%-%alnum%-%code% WITH CHAR(1,-), CHARS();"
    BAZ = "ACCOUNT baz MATCHES %alpha%is%alpha%.%code% WITH CHARS(1), CHARS(2);"

    def test_address(self) -> None:
        """An address has the names, the words in order, and the right code."""
        self.assertEqual(["foo-macys-m5"], written(self.FOO, "foo", "macys"))
        self.assertEqual(["samissexy.34"], written(self.BAZ, "baz", "sam", "sexy"))
        self.assertEqual(["x5+foo"], written("ACCOUNT foo MATCHES %code%+%account% WITH x, 5;", "foo"))

    def test_pieces(self) -> None:
        """The address is told as a text for each token of the expression."""
        policy = policy_of(self.FOO)
        (target,) = targets(policy, "foo")
        made = compose(policy, target, ["macys"])
        self.assertEqual(Composed(("foo", "-", "macys", "-", "m5"), 4, Found("foo", "foo")), made)

    def test_each_statement(self) -> None:
        """There is an address or a reason for each statement of the account, in the order of the file."""
        text = f"{self.FOO} {self.BAZ} ACCOUNT foo MATCHES %account%+%number%+%code% WITH DIGITS();"
        expected = ["foo-macys-m5", "'macys' is not number (digits)"]
        self.assertEqual(expected, written(text, "foo", "macys"))
        self.assertEqual([], written(text, "bar", "macys"))

    def test_aliases(self) -> None:
        """A statement with aliases gives an address for each, or for the one that was named."""
        text = "ACCOUNT foo ALIASED joe, paul MATCHES %alias%-%alnum%-%code% WITH CHAR(1,-), CHARS(alias);"
        self.assertEqual(["joe-google-g3", "paul-google-g4"], written(text, "foo", "google"))
        self.assertEqual(["paul-google-g4"], written(text, "paul", "google"))
        text = "ACCOUNT foo, bar ALIASED joe MATCHES %alias%-%account%-%code% WITH CHARS(alias);"
        self.assertEqual(["joe-foo-3", "joe-bar-3"], written(text, "joe"))
        self.assertEqual(["joe-bar-3"], written(text, "bar"))

    def test_name_that_is_both(self) -> None:
        """An account that is an alias as well has each of its addresses once."""
        text = "ACCOUNT foo ALIASED foo, joe MATCHES %alias%-%alnum%-%code% WITH CHARS();"
        self.assertEqual(["foo-x-1", "joe-x-1"], written(text, "foo", "x"))

    def test_choice(self) -> None:
        """Of several characters the first of the word is taken, or else the plainest."""
        text = "ACCOUNT foo MATCHES %account%-%alnum%-%code% WITH ANY(), NONE();"
        self.assertEqual(["foo-Macys-Mb"], written(text, "foo", "Macys"))
        self.assertEqual(["foo-7eleven-7a"], written(text, "foo", "7eleven"))
        text = "ACCOUNT foo MATCHES %account%-%number%-%code% WITH NONE(), ANY();"
        self.assertEqual(["foo-210-32"], written(text, "foo", "210"))

    def test_order(self) -> None:
        """Another order of the choices gives another address."""
        policy = policy_of("ACCOUNT foo MATCHES %account%-%alnum%-%code% WITH ANY(), NONE();")
        (target,) = targets(policy, "foo")
        made = compose(policy, target, ["macys"], order=lambda choices: list(reversed(choices)))
        self.assertEqual(("foo", "-", "macys", "-", "sZ"), made.pieces if isinstance(made, Composed) else made)

    def test_case(self) -> None:
        """Without regard to case everything is written in small letters; with regard, as it was given."""
        text = "ACCOUNT Foo MATCHES %account%-Is%alnum%-%code% WITH ANY(), NONE(), Q, CHAR(9,Z);"
        self.assertEqual(["foo-ismacys-mbqz"], written("CASE SENSITIVE: no\n" + text, "FOO", "Macys"))
        self.assertEqual(["Foo-IsMacys-MbQZ"], written(text, "Foo", "Macys"))
        self.assertEqual([], written(text, "foo", "Macys"))

    def test_wrong_number_of_words(self) -> None:
        """Too many words or too few are told, with the classes that are wanted."""
        self.assertEqual(["it takes 2 words (alpha, alpha), and 1 word is given"], written(self.BAZ, "baz", "sam"))
        self.assertEqual(["it takes 1 word (alnum), and 2 words are given"], written(self.FOO, "foo", "a", "b"))
        text = "ACCOUNT foo MATCHES %account%-%code% WITH x;"
        self.assertEqual(["it takes no word, and 1 word is given"], written(text, "foo", "a"))

    def test_wrong_class(self) -> None:
        """A word that its class does not take is told, and a mend where leaving something out would do."""
        self.assertEqual(
            ["'h&m' is not alnum (ASCII letters and digits); 'hm' would be one"], written(self.FOO, "foo", "h&m")
        )
        self.assertEqual(["'' is not alnum (ASCII letters and digits)"], written(self.FOO, "foo", ""))
        self.assertEqual(
            ["'\\x1bcaf\\xe9' is not alnum (ASCII letters and digits); 'caf' would be one"],
            written(self.FOO, "foo", "\x1bcaf\u00e9"),
        )
        self.assertEqual(
            ["'caf\u00e9' is not alnum (ASCII letters and digits); 'caf' would be one"],
            written(self.FOO, "foo", "caf\u00e9"),
        )

    def test_no_choice(self) -> None:
        """Where no character is left for NONE, that is told."""
        text = "ACCOUNT foo MATCHES %account%-%number%-%code% WITH NONE(1);"
        self.assertEqual(
            ["NONE(1) finds no character that does not occur in '0123456789'"], written(text, "foo", "0123456789")
        )

    def test_too_long(self) -> None:
        """An address has 64 characters, and not 65."""
        self.assertEqual([f"foo-{56 * 'x'}-x56"], written(self.FOO, "foo", 56 * "x"))
        self.assertEqual(
            ["it would have 65 characters, and a local part has at most 64 (RFC 5321)"],
            written(self.FOO, "foo", 57 * "x"),
        )

    def test_avoids_others(self) -> None:
        """Of several codes one is taken that is not another account's as well, if there is one."""
        text = """
            ACCOUNT foo MATCHES %alnum%-%code% WITH ANY();
            ACCOUNT bar MATCHES %ident%-%code% WITH CHAR(1,-);
        """
        self.assertEqual(["macys-a"], written(text, "foo", "macys"))
        policy = policy_of(text)
        (target,) = targets(policy, "foo")
        made = compose(policy, target, ["mm"])
        self.assertEqual(Composed(("mm", "-", "m"), 2, Ambiguous(("bar", "foo"))), made)

    def test_worst_comes_last(self) -> None:
        """The outcome may be asked for in another way; the best is taken, and no more codes are tried than allowed."""
        policy = policy_of("ACCOUNT foo MATCHES %alnum%-%code% WITH ANY();")
        (target,) = targets(policy, "foo")
        asked: list[str] = []

        def resolve(local_part: str) -> PolicyOutcome:
            asked.append(local_part)
            answers: dict[str, PolicyOutcome] = {
                "a": NotFound(NotFoundReason.NO_MATCH),
                "b": BudgetExceeded(),
                "c": Ambiguous(("bar", "foo")),
            }
            return answers[local_part[-1]]

        made = compose(policy, target, ["abc"], resolve=resolve)
        self.assertEqual(Composed(("abc", "-", "c"), 2, Ambiguous(("bar", "foo"))), made)
        self.assertEqual(["abc-a", "abc-b", "abc-c"], asked)
        made = compose(policy, target, ["abc"], resolve=resolve, tried=2)
        self.assertEqual(Composed(("abc", "-", "b"), 2, BudgetExceeded()), made)


class PropertyTests(SynchronousTestCase):
    """What holds for every policy and all words."""

    def test_accepted_and_never_without_need(self) -> None:
        """What is composed is accepted, by the reference, too; and where nothing is composed there is no address.

        An address that is somebody else's as well is composed only where all with these names and words are.
        """
        seen: Counter[str] = Counter()

        @settings(max_examples=250)
        @given(st.one_of(policies(), tangles()), st.booleans(), st.data())
        def hold(statements: tuple[Account, ...], case_sensitive: bool, data: st.DataObject) -> None:
            setting = f"CASE SENSITIVE: {'yes' if case_sensitive else 'no'}\n"
            policy = policy_of(setting + "\n".join(map(unparse, statements)))
            statement = data.draw(st.sampled_from(statements))
            name = data.draw(st.sampled_from(statement.accounts + statement.aliases)).text
            given = data.draw(self.some_words(statement))
            for target in targets(policy, name):
                seen[self.check(policy, statements, target, given, case_sensitive)] += 1

        hold()
        self.assertGreater(min(seen["ambiguous"], seen["unfit"]), 10, seen)
        self.assertGreater(seen["delivered"], 100, seen)

    def some_words(self, statement: Account) -> st.SearchStrategy[list[str]]:
        """Draw words for a statement, sometimes others than it takes."""
        classes = [token.field_class for token in statement.expression if isinstance(token, Identifier)]
        fitting = st.tuples(*map(words, classes)).map(list)
        return st.one_of(fitting, fitting, fitting, st.lists(st.sampled_from(FieldClass).flatmap(words), max_size=3))

    def check(
        self, policy: Policy, statements: Sequence[Account], target: Target, given: list[str], case_sensitive: bool
    ) -> str:
        """Hold what is composed against the reference; tell what it was."""
        made = compose(policy, target, given)
        addresses = self.addresses(target, given, case_sensitive)
        match made:
            case CannotCompose():
                self.assertEqual([], addresses, made)
                return "unfit"
            case Composed(outcome=Found(_, account)):
                accounts = naive.naive_lookup(statements, made.local_part, case_sensitive).accounts
                self.assertEqual(({account}, policy.fold(target.account)), (accounts, policy.fold(account)))
                self.assertLessEqual(len(made.local_part), 64)
                return "delivered"
            case Composed(outcome=Ambiguous(accounts)):
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
        """Every address of some names and words, by the reference."""
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
