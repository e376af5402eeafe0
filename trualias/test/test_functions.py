"""Tests of the functions of a code: values, inverses and arguments."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.language.argument_scope import ArgumentError, ArgumentScope
from trualias.language.fields import fits
from trualias.language.functions import FUNCTIONS, BoundCall, unknown_function
from trualias.language.spans import Spans
from trualias.language.tree import ATEXT_AND_DOT, IDENTIFIER_CLASSES, Argument, Call, FieldClass, NameKind
from trualias.messages import quoted
from trualias.test import trialprofile

trialprofile.load()

ALNUM, ALPHA, NUMBER, IDENT, FQDN = IDENTIFIER_CLASSES
LONG = 70  # more than a local part's characters


def plain(function: str, field_class: FieldClass) -> BoundCall:
    """Return a call without arguments over the first identifier."""
    return BoundCall(FUNCTIONS[function], 0, field_class)


def character(field_class: FieldClass, at: tuple[int, ...], default: str) -> BoundCall:
    """Return a ``CHAR`` over the first identifier; ``at`` is the index, or a label and the index."""
    *label, index = at
    return BoundCall(FUNCTIONS["CHAR"], 0, field_class, label[0] if label else None, index, default)


class ValueTests(SynchronousTestCase):
    """The contribution of each function to a code."""

    def assert_values(self, function: str, field_class: FieldClass, values: dict[str, str | frozenset[str]]) -> None:
        """Assert the contributions of a function without arguments for some texts."""
        found = {text: plain(function, field_class).evaluate(text) for text in values}
        self.assertEqual(values, found)

    def assert_characters(self, text: str, field_class: FieldClass, table: dict[tuple[int, ...], str]) -> None:
        """Assert the characters of ``CHAR`` by label and index or by index alone; ``*`` is the default."""
        found = {at: character(field_class, at, "*").evaluate(text) for at in table}
        self.assertEqual(table, found)

    def test_counts(self) -> None:
        """Digits, letters, vowels, characters and labels are counted in decimal, in both cases."""
        self.assert_values("DIGITS", IDENT, {"a": "0", "23skidoo": "2", "1_2": "2", "1" * 12: "12"})
        self.assert_values("ALPHAS", IDENT, {"1": "0", "23skiDOO": "6", "a_b": "2"})
        self.assert_values("VOWELS", IDENT, {"xyz": "0", "aeiouAEIOU": "10", "none": "2"})
        self.assert_values("CHARS", FQDN, {"a.b": "3", "register.co.uk": "14"})
        self.assert_values("LABELS", FQDN, {"a.b": "2", "register.co.uk": "3"})

    def test_any(self) -> None:
        """``ANY`` is any one character that occurs."""
        self.assert_values("ANY", FQDN, {"a.b-a": frozenset("ab.-"), "1.1": frozenset("1.")})

    def test_none(self) -> None:
        """``NONE`` is any one character of the class that does not occur."""
        self.assert_values("NONE", NUMBER, {"013": frozenset("2456789"), "0123456789": frozenset()})
        for field_class, text, lacking in (
            (ALPHA, "ab", "1_-."),
            (ALNUM, "ab", "_-."),
            (IDENT, "ab", "-."),
            (FQDN, "a.b", "_."),
        ):
            value = plain("NONE", field_class).evaluate(text)
            assert isinstance(value, frozenset)
            self.assertEqual(frozenset("cXYZ"), value & frozenset(lacking + text + "cXYZ"))
        self.assertIn("_", plain("NONE", IDENT).evaluate("ab"))
        self.assertIn("-", plain("NONE", FQDN).evaluate("a.b"))

    def test_character(self) -> None:
        """``CHAR`` counts from 1, or backwards from -1; without such a character it is the default."""
        table: dict[tuple[int, ...], str] = {
            (1,): "m",
            (2,): "a",
            (5,): "c",
            (6,): "*",
            (99,): "*",
            (-1,): "c",
            (-5,): "m",
            (-6,): "*",
            (-99,): "*",
        }
        self.assert_characters("magic", ALPHA, table)

    def test_character_of_a_label(self) -> None:
        """Labels count in the same way; without such a label ``CHAR`` is the default."""
        table: dict[tuple[int, ...], str] = {
            (1, 1): "r",
            (1, -1): "r",
            (1, 9): "*",
            (2, 1): "c",
            (2, -1): "o",
            (2, -3): "*",
            (3, 2): "k",
            (4, 1): "*",
            (-1, 1): "u",
            (-2, 2): "o",
            (-3, 3): "g",
            (-4, 1): "*",
        }
        self.assert_characters("register.co.uk", FQDN, table)

    def test_character_of_a_whole_name(self) -> None:
        """Without a label dots are characters like all others."""
        table: dict[tuple[int, ...], str] = {(1,): "f", (5,): ".", (-7,): "."}
        self.assert_characters("fred.morris", FQDN, table)


class InverseTests(SynchronousTestCase):
    """The inverse of a function returns exactly the spans with a given value."""

    def assert_agrees(self, text: str, computation: BoundCall) -> None:
        """Compare the ends for each start and each given text with the values of all spans."""
        given_texts = (
            [str(number) for number in range(LONG)]
            if computation.function.is_count
            else sorted(set(text) | {"a", "Z", "5", "_", "-", ".", "*"} | set(computation.default))
        )
        for start in range(len(text)):
            values = {
                end: computation.evaluate(text[start:end])
                for end in range(start + 1, len(text) + 1)
                if fits(computation.field_class, text[start:end])
            }
            for shown in given_texts:
                ends = computation.matching_ends(Spans(text), start, shown)
                wanted = {
                    end
                    for end, value in values.items()
                    if (shown == value if isinstance(value, str) else shown in value)
                }
                self.assertEqual(wanted, {end for end in values if ends >> end & 1}, (text, start, shown))

    @given(st.text("aE1_-.x", max_size=14), st.sampled_from(sorted(FUNCTIONS)), st.sampled_from(IDENTIFIER_CLASSES))
    def test_all_functions(self, text: str, function: str, field_class: FieldClass) -> None:
        """Value and inverse agree for all functions and classes."""
        if function == "CHAR":
            return
        self.assert_agrees(text, plain(function, field_class))

    @given(
        st.text("aE1_-.x", max_size=14),
        st.sampled_from(IDENTIFIER_CLASSES),
        st.sampled_from([1, 2, 3, -1, -2, -3, 14, -14, 15, -15, 999_999, -99_999]),
        st.sampled_from("a.*"),
    )
    def test_characters(self, text: str, field_class: FieldClass, index: int, default: str) -> None:
        """Value and inverse of ``CHAR`` agree."""
        self.assert_agrees(text, character(field_class, (index,), default))

    @settings(max_examples=200)
    @given(
        st.text("a1-.", max_size=14),
        st.sampled_from([1, 2, 3, 4, -1, -2, -3, -4, 15, -15, 999_999]),
        st.sampled_from([1, 2, 3, -1, -2, -3, 15, -15, 999_999]),
        st.sampled_from("a1*"),
    )
    def test_characters_of_labels(self, text: str, label: int, index: int, default: str) -> None:
        """Value and inverse of ``CHAR`` with a label agree."""
        self.assert_agrees(text, character(FQDN, (label, index), default))


class ArgumentTests(SynchronousTestCase):
    """The arguments of functions, by the identifiers of the expression."""

    def resolve_call(self, call: str, identifiers: str, using: FieldClass = IDENT, aliases: bool = True) -> BoundCall:
        """Resolve a call such as ``CHAR 1 -1 *`` for the identifiers of an expression."""
        function, *arguments = call.split()
        classes = tuple([FieldClass(name) for name in identifiers.split()])
        placed = [Argument(argument, offset) for offset, argument in enumerate(arguments, start=1)]
        return ArgumentScope(classes, using, aliases).resolve_call(Call(function, tuple(placed), 0))

    def assert_reads(
        self, call: str, identifiers: str, reads: int | NameKind, *where: int | str, using: FieldClass = IDENT
    ) -> None:
        """Assert what a call reads, and for ``CHAR`` its label (0 for none), index and default."""
        understood = self.resolve_call(call, identifiers, using)
        field_class = using if isinstance(reads, NameKind) else FieldClass(identifiers.split()[reads])
        self.assertEqual(
            (FUNCTIONS[call.split()[0]], reads, field_class),
            (understood.function, understood.reads, understood.field_class),
        )
        self.assertEqual(where or (0, 0, ""), (understood.label or 0, understood.index, understood.default))

    def assert_refused(
        self, call: str, identifiers: str, offset: int, message: str, using: FieldClass = IDENT, aliases: bool = True
    ) -> None:
        """Assert the error of a call, and the number of its argument from 1; 0 is the function."""
        with self.assertRaises(ArgumentError) as raised:
            self.resolve_call(call, identifiers, using, aliases)
        error = raised.exception
        self.assertEqual((offset, message), (error.offset, error.message))

    def test_n(self) -> None:
        """*n* counts the identifiers from 1; it may be omitted where there is exactly one."""
        for function in ("DIGITS", "ALPHAS", "VOWELS", "CHARS", "ANY", "NONE"):
            self.assert_reads(function, "alpha", 0)
            self.assert_reads(f"{function} 1", "alpha", 0)
            self.assert_reads(f"{function} 2", "alpha number fqdn", 1)
            self.assert_reads(f"{function} 03", "alpha number fqdn", 2)

    def test_names(self) -> None:
        """*n* may be ``account`` or ``alias``, with and without identifiers."""
        for identifiers in ("", "alpha", "alpha fqdn"):
            self.assert_reads("CHARS account", identifiers, NameKind.ACCOUNT)
            self.assert_reads("NONE alias", identifiers, NameKind.ALIAS)
            self.assert_reads("CHAR account 2 *", identifiers, NameKind.ACCOUNT, 0, 2, "*")

    def test_alias_needs_aliases(self) -> None:
        """``alias`` needs a statement with listed aliases."""
        message = "'alias' needs a statement with listed aliases (ALIASED ...)"
        self.assert_refused("CHARS alias", "alpha", 1, message, aliases=False)
        self.assert_refused("CHAR alias 1 -", "alpha", 1, message, aliases=False)

    def test_n_is_required(self) -> None:
        """*n* is required unless the expression has exactly one identifier."""
        for identifiers, count in (("", "none"), ("alpha number", "2"), ("fqdn fqdn fqdn", "3")):
            message = f"must say which identifier it reads, because the expression has {count}"
            self.assert_refused("CHARS", identifiers, 0, f"CHARS {message}: CHARS([n])")
            self.assert_refused("CHAR 1 -", identifiers, 0, f"CHAR {message}: CHAR([n,] [label,] index, default)")

    def test_n_out_of_range(self) -> None:
        """*n* must be the number of an identifier of the expression."""
        for n in ("0", "2", "-1", "x", "1.0", "+1", "٣", "1000000", "Account", "code"):
            message = f"the expression has no identifier {quoted(n)}; expected 1 or account"
            self.assert_refused(f"CHARS {n}", "alpha", 1, message, aliases=False)
        for identifiers, expected in (
            ("", "account or alias"),
            ("alpha alpha", "1, 2, account or alias"),
            ("alpha alpha alpha alpha", "1 to 4, account or alias"),
        ):
            self.assert_refused("ANY 9", identifiers, 1, f"the expression has no identifier '9'; expected {expected}")
            self.assert_refused(
                "CHAR 9 1 -", identifiers, 1, f"the expression has no identifier '9'; expected {expected}"
            )

    def test_too_many(self) -> None:
        """A function takes at most one argument, ``CHAR`` two to four."""
        for function in ("DIGITS", "ALPHAS", "VOWELS", "CHARS", "LABELS", "ANY", "NONE"):
            message = f"{function} takes at most one argument, found 2: {function}([n])"
            self.assert_refused(f"{function} 1 2", "fqdn fqdn", 0, message)
        for call, number in (("CHAR", 0), ("CHAR 1", 1), ("CHAR 1 1 1 1 x", 5)):
            message = f"CHAR takes 2 to 4 arguments, found {number}: CHAR([n,] [label,] index, default)"
            self.assert_refused(call, "fqdn", 0, message)

    def test_labels(self) -> None:
        """``LABELS`` reads an fqdn only, an identifier or a name."""
        self.assert_reads("LABELS", "fqdn", 0)
        self.assert_reads("LABELS 2", "alpha fqdn", 1)
        self.assert_reads("LABELS account", "alpha", NameKind.ACCOUNT, using=FQDN)
        self.assert_refused("LABELS", "ident", 0, "LABELS reads an fqdn, and identifier 1 is ident")
        self.assert_refused("LABELS 2", "fqdn alpha", 0, "LABELS reads an fqdn, and identifier 2 is alpha")
        self.assert_refused("LABELS alias", "fqdn", 0, "LABELS reads an fqdn, and alias is ident")

    def test_character(self) -> None:
        """``CHAR`` of a text without labels takes an index and a default, and *n* before them."""
        self.assert_reads("CHAR 1 -", "alpha", 0, 0, 1, "-")
        self.assert_reads("CHAR 1 -1 -", "alpha", 0, 0, -1, "-")
        self.assert_reads("CHAR 2 12 x", "fqdn alpha", 1, 0, 12, "x")
        self.assert_reads("CHAR account 3 x", "alpha alpha", NameKind.ACCOUNT, 0, 3, "x")
        message = "{} is {}, which has no labels: leave the label out"
        self.assert_refused("CHAR 1 1 1 -", "alpha", 2, message.format("identifier 1", "alpha"))
        self.assert_refused("CHAR 2 1 1 -", "fqdn ident", 2, message.format("identifier 2", "ident"))
        self.assert_refused("CHAR account 1 1 -", "fqdn", 2, message.format("account", "ident"))

    def test_character_of_a_label(self) -> None:
        """``CHAR`` of an fqdn also takes a label, and *n* where it is not the only identifier."""
        self.assert_reads("CHAR 2 -1 -", "fqdn", 0, 2, -1, "-")
        self.assert_reads("CHAR 1 2 -1 -", "fqdn", 0, 2, -1, "-")
        self.assert_reads("CHAR 2 -3 1 -", "alpha fqdn", 1, -3, 1, "-")
        message = "identifier {} is an fqdn, so CHAR needs a label before the index"
        self.assert_refused("CHAR 1 -", "fqdn", 0, message.format(1))
        self.assert_refused("CHAR 2 1 -", "alpha fqdn", 0, message.format(2))

    def test_character_of_a_name_with_labels(self) -> None:
        """``CHAR`` of a name with three arguments has no label, even if the class has labels."""
        self.assert_reads("CHAR account 3 x", "fqdn", NameKind.ACCOUNT, 0, 3, "x", using=FQDN)
        self.assert_reads("CHAR alias 2 3 x", "fqdn", NameKind.ALIAS, 2, 3, "x", using=FQDN)

    def test_index_and_label(self) -> None:
        """An index and a label are whole numbers from 1, or from -1 backwards; zero is an error."""
        for number in ("0", "-0", "00", "x", "1.5", "+1", "--1", "-", "٣"):
            message = f"the {{}} {quoted(number)} is not a number that counts from 1, or from -1 at the end"
            self.assert_refused(f"CHAR {number} -", "alpha", 1, message.format("index"))
            self.assert_refused(f"CHAR {number} 1 -", "fqdn", 1, message.format("label"))
            self.assert_refused(f"CHAR 1 {number} -", "fqdn", 2, message.format("index"))
        message = "the {} is too large: a local part has at most 64 characters"
        self.assert_refused("CHAR 1000000 -", "alpha", 1, message.format("index"))
        self.assert_refused(f"CHAR {'9' * 5000} 1 -", "fqdn", 1, message.format("label"))
        self.assert_reads("CHAR 999999 -", "alpha", 0, 0, 999_999, "-")
        self.assert_reads("CHAR -007 -", "alpha", 0, 0, -7, "-")

    def test_default(self) -> None:
        """The default is one character that a local part may hold."""
        for default in sorted(ATEXT_AND_DOT):
            self.assert_reads(f"CHAR 1 {default}", "alpha", 0, 0, 1, default)
        for default in ("--", "xy", "@", "é"):
            message = f"the default '{default}' is not exactly one character that a local part may hold"
            self.assert_refused(f"CHAR 1 {default}", "alpha", 2, message)

    def test_shared(self) -> None:
        """Equal calls in equal scopes are one resolved call wherever they stand; an error has its call's offset."""
        first, second = (ArgumentScope((ALPHA,), IDENT, False).resolve_call(Call("ANY", (), at)) for at in (7, 9))
        self.assertIs(first, second)
        self.assertNotEqual(first, ArgumentScope((NUMBER,), IDENT, False).resolve_call(Call("ANY", (), 7)))
        for at in (7, 9):
            with self.assertRaises(ArgumentError) as raised:
                ArgumentScope((ALPHA,), IDENT, False).resolve_call(Call("LABELS", (), at))
            self.assertEqual(at, raised.exception.offset)

    def test_unknown(self) -> None:
        """The message for an unknown function names all functions."""
        self.assertEqual(
            "unknown function 'CHAS'; expected DIGITS, ALPHAS, VOWELS, CHARS, LABELS, ANY, NONE or CHAR; "
            "did you mean 'CHARS'?",
            unknown_function("CHAS"),
        )
