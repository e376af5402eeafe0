"""The functions that a code is made of: one table of their arguments, their values and what a code must satisfy.

Everyone reads this table: the checks for the arguments, the matcher and the command line for the values, the search
for readings for the ends at which a span would contribute a given text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from attrs import frozen

from trualias.language.fields import RULES
from trualias.language.spans import Spans
from trualias.language.tree import ATEXT_AND_DOT, Argument, Call, FieldClass, NameKind
from trualias.messages import did_you_mean, one_of, quoted

CodeText = str | frozenset[str]
"""What an item contributes to a code: one text, or any one of several characters."""

Reference = int | NameKind
"""What a function reads: an identifier, counted from 0, or a name."""


@frozen
class BoundCall:
    """A call whose arguments have been understood.

    ``index`` and ``label`` count from 1, or from -1 at the end; ``field_class`` is the class of what is read.
    """

    function: Function
    reads: Reference
    field_class: FieldClass
    label: int | None = None
    index: int = 0
    default: str = ""
    offset: int = 0

    def evaluate(self, text: str) -> CodeText:
        """What this contributes to the code where the text that it reads is ``text``."""
        return self.function.value(self, text)

    def matching_ends(self, spans: Spans, start: int, given: str) -> int:
        """The set of ends for which the span from ``start`` contributes ``given``.

        ``given`` is a text that this kind of item can contribute: for a number without a leading zero, otherwise one
        character. Ends that are not ends of the class may be among the result.
        """
        return self.function.inverse(self, spans, start, given)


@frozen(eq=False)
class Function:
    """One row of the table.

    ``form`` shows the arguments to people. ``counts`` tells that the contribution is a number in decimal; otherwise it
    is one character. ``chooses`` tells that it is any one of several, so that two equal items may differ in a code. A
    number is how often the characters ``counted`` occur, and ``more``.
    """

    name: str
    form: str
    meaning: str
    is_count: bool
    value: Callable[[BoundCall, str], CodeText]
    inverse: Callable[[BoundCall, Spans, int, str], int]
    is_choice: bool = False
    counted: str = ""
    more: int = 0


_VOWELS = "aeiouAEIOU"
_DIGITS = "0123456789"
_ALL = "".join(sorted(ATEXT_AND_DOT))
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _counting(name: str, characters: str, meaning: str, more: int = 0) -> Function:
    """Make a row that counts some characters, and adds ``more``."""

    find = re.compile(f"[{re.escape(characters)}]").findall

    def value(_computation: BoundCall, text: str) -> str:
        return str(len(find(text)) + more)

    def inverse(_computation: BoundCall, spans: Spans, start: int, given: str) -> int:
        return spans.ends_with_count(characters, start, int(given) - more)

    form = f"{name}([n])"
    return Function(name, form, meaning, True, value, inverse, counted=characters, more=more)


def _chars_value(_computation: BoundCall, text: str) -> str:
    return str(len(text))


def _chars_ends(_computation: BoundCall, _spans: Spans, start: int, given: str) -> int:
    return 1 << start + int(given)


def _any_value(_computation: BoundCall, text: str) -> frozenset[str]:
    return frozenset(text)


def _any_ends(_computation: BoundCall, spans: Spans, start: int, given: str) -> int:
    first = spans.text.find(given, start)
    return 0 if first < 0 else -2 << first


def _none_value(computation: BoundCall, text: str) -> frozenset[str]:
    return RULES[computation.field_class].alphabet - frozenset(text)


def _none_ends(computation: BoundCall, spans: Spans, start: int, given: str) -> int:
    if given not in RULES[computation.field_class].alphabet:
        return 0
    first = spans.text.find(given, start)
    return spans.all_ends if first < 0 else (2 << first) - 1


def _char_value(computation: BoundCall, text: str) -> str:
    parts = [text]
    part = 0
    if computation.label is not None:
        parts = text.split(".")
        part = computation.label - 1 if computation.label > 0 else len(parts) + computation.label
    if not 0 <= part < len(parts):
        return computation.default
    index = computation.index
    try:
        return parts[part][index - 1 if index > 0 else index]
    except IndexError:
        return computation.default


def _char_ends(computation: BoundCall, spans: Spans, start: int, given: str) -> int:
    if computation.label is None:
        return _plain_char_ends(computation, spans, start, given)
    # The ends between two dots share all labels but the one that they cut.
    ends = 0
    is_default = computation.default == given
    starts = [start]
    while True:
        dot = spans.text.find(".", starts[-1])
        stop = dot if dot >= 0 else len(spans.text)
        segment = (2 << stop) - (1 << starts[-1])
        label = computation.label - 1 if computation.label > 0 else len(starts) + computation.label
        if label == len(starts) - 1:
            ends |= segment & _plain_char_ends(computation, spans, starts[-1], given)
        elif not 0 <= label < len(starts):
            ends |= segment if is_default else 0
        else:
            text = spans.text[starts[label] : starts[label + 1] - 1]
            index = computation.index
            inside = abs(index) <= len(text)
            here = text[index - 1 if index > 0 else index] if inside else computation.default
            ends |= segment if here == given else 0
        spans.steps += 1
        if dot < 0:
            return ends
        starts.append(dot + 1)


def _plain_char_ends(computation: BoundCall, spans: Spans, start: int, given: str) -> int:
    """The ends where the character at the index of ``text[start:end]`` is the given one, labels left aside."""
    index = computation.index
    too_short = (1 << min(start + abs(index), len(spans.text) + 1)) - 1
    ends = too_short if computation.default == given else 0
    if index > 0:
        if spans.text[start + index - 1 : start + index] == given:
            ends |= -1 << start + index
    elif -index <= len(spans.text):
        ends |= spans.positions(given) << -index & ~too_short
    return ends


_ROWS = (
    _counting("DIGITS", _DIGITS, "how many digits it has"),
    _counting("ALPHAS", _LETTERS, "how many letters it has"),
    _counting("VOWELS", _VOWELS, "how many of a, e, i, o and u it has"),
    Function("CHARS", "CHARS([n])", "how many characters it has", True, _chars_value, _chars_ends, counted=_ALL),
    _counting("LABELS", ".", "how many labels it has", more=1),
    Function("ANY", "ANY([n])", "any one character that occurs in it", False, _any_value, _any_ends, True),
    Function("NONE", "NONE([n])", "any one character that does not occur in it", False, _none_value, _none_ends, True),
    Function(
        "CHAR",
        "CHAR([n,] [label,] index, default)",
        "the character at an index, or the default",
        False,
        _char_value,
        _char_ends,
    ),
)
FUNCTIONS: dict[str, Function] = {row.name: row for row in _ROWS}


def unknown_function(name: str) -> str:
    """Say for people that there is no function of a name."""
    known = list(FUNCTIONS)
    return f"unknown function {quoted(name)}; expected {one_of(known)}{did_you_mean(name, known)}"


class ArgumentError(Exception):
    """An argument, or their number, does not fit. ``place`` is the offset of what is wrong in the text."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


_NAMES = {kind.value: kind for kind in NameKind}
_LARGEST = 999_999


@frozen
class ArgumentScope:
    """What the functions of one statement may read."""

    identifiers: Sequence[FieldClass]
    using: FieldClass
    listed_aliases: bool

    def resolve_call(self, call: Call) -> BoundCall:
        """Turn a call of a known function into a computation.

        Raises:
            ArgumentError: too many, too few or unfit arguments.
        """
        function = FUNCTIONS[call.function]
        arguments = list(call.arguments)
        indexed = function.name == "CHAR"
        fixed = 2 if indexed else 0
        if not fixed <= len(arguments) <= (4 if indexed else 1):
            takes = "2 to 4 arguments" if indexed else "at most one argument"
            raise ArgumentError(call.offset, f"{function.name} takes {takes}, found {len(arguments)}: {function.form}")
        tail = arguments[len(arguments) - fixed :]
        head = arguments[: len(arguments) - fixed]
        reads, field_class, head = self._reference(call, function, head)
        label = self._label(call, reads, field_class, head) if indexed else None
        if function.name == "LABELS" and field_class is not FieldClass.FQDN:
            raise ArgumentError(call.offset, f"LABELS reads an fqdn, and {self._called(reads)} is {field_class.value}")
        if not indexed:
            return BoundCall(function, reads, field_class, offset=call.offset)
        index, default = tail
        if len(default.text) != 1 or default.text not in ATEXT_AND_DOT:
            raise ArgumentError(
                default.offset,
                f"the default {quoted(default.text)} is not exactly one character that a local part may hold",
            )
        return BoundCall(
            function, reads, field_class, label, _counted_from_one(index, "index"), default.text, call.offset
        )

    def _reference(
        self, call: Call, function: Function, head: list[Argument]
    ) -> tuple[Reference, FieldClass, list[Argument]]:
        """Find what is read; gives back the arguments that are left for a label."""
        if head and head[0].text in _NAMES:
            kind = _NAMES[head[0].text]
            if kind is NameKind.ALIAS and not self.listed_aliases:
                raise ArgumentError(head[0].offset, "'alias' needs a statement with listed aliases (ALIASED ...)")
            return kind, self.using, head[1:]
        count = len(self.identifiers)
        only_label = count == 1 and self.identifiers[0] is FieldClass.FQDN and len(head) == 1
        if function.name == "CHAR" and only_label:
            return 0, self.identifiers[0], head
        if not head:
            if count == 1:
                return 0, self.identifiers[0], head
            raise ArgumentError(
                call.offset,
                f"{function.name} must say which identifier it reads, because the expression has "
                f"{count or 'none'}: {function.form}",
            )
        number = head[0]
        if not re.fullmatch(r"[0-9]{1,6}", number.text) or not 1 <= int(number.text) <= count:
            numbers = [str(known + 1) for known in range(count)] if count < 4 else [f"1 to {count}"]
            expected = one_of([*numbers, "account", *(["alias"] if self.listed_aliases else [])])
            message = f"the expression has no identifier {quoted(number.text)}; expected {expected}"
            raise ArgumentError(number.offset, message)
        return int(number.text) - 1, self.identifiers[int(number.text) - 1], head[1:]

    def _label(self, call: Call, reads: Reference, field_class: FieldClass, head: list[Argument]) -> int | None:
        if not head:
            if field_class is FieldClass.FQDN and not isinstance(reads, NameKind):
                raise ArgumentError(
                    call.offset, f"{self._called(reads)} is an fqdn, so CHAR needs a label before the index"
                )
            return None
        if field_class is not FieldClass.FQDN:
            raise ArgumentError(
                head[0].offset,
                f"{self._called(reads)} is {field_class.value}, which has no labels: leave the label out",
            )
        return _counted_from_one(head[0], "label")

    @staticmethod
    def _called(reads: Reference) -> str:
        return reads.value if isinstance(reads, NameKind) else f"identifier {reads + 1}"


def _counted_from_one(argument: Argument, what: str) -> int:
    """Understand an index or a label: a whole number that is not zero."""
    if not re.fullmatch(r"-?[0-9]+", argument.text) or not argument.text.strip("-0"):
        raise ArgumentError(
            argument.offset,
            f"the {what} {quoted(argument.text)} is not a number that counts from 1, or from -1 at the end",
        )
    if len(argument.text) > len(str(_LARGEST)):
        raise ArgumentError(argument.offset, f"the {what} is too large: a local part has at most 64 characters")
    return int(argument.text)
