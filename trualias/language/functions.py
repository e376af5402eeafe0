"""The functions that a code is made of: one table of their arguments, their values and the inverses of these.

The arguments of calls are resolved by it (``argument_scope.py``). The matcher and the command line read the values from
it, and the counting of readings the ends at which a span would contribute a given text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import frozen

from trualias.language.fields import RULES
from trualias.language.spans import Spans
from trualias.language.tree import ATEXT_AND_DOT, FieldClass, NameKind
from trualias.messages import did_you_mean, one_of, quoted

CodeText = str | frozenset[str]
"""The contribution of an item to a code: one text, or any one of several characters."""

Reference = int | NameKind
"""The text that a function reads: an identifier by its number, counted from 0, or a name."""


@frozen
class BoundCall:
    """A call with resolved arguments.

    ``index`` and ``label`` count from 1, or from -1 at the end; ``field_class`` is the class of what is read.
    """

    function: Function
    reads: Reference
    field_class: FieldClass
    label: int | None = None
    index: int = 0
    default: str = ""

    def evaluate(self, text: str) -> CodeText:
        """Return what the call contributes to the code where the text that it reads is ``text``."""
        return self.function.value(self, text)

    def matching_ends(self, spans: Spans, start: int, given: str) -> int:
        """Return the set of ends for which the span from ``start`` contributes ``given``.

        ``given`` is a text that this kind of item can contribute: for a number without a leading zero, otherwise one
        character. Ends that are not ends of the class may be in the result.
        """
        return self.function.inverse(self, spans, start, given)


@frozen(eq=False, repr=False)
class Function:
    """A row of the table.

    ``form`` shows the arguments to people. ``is_count``: the contribution is a number in decimal, which is how often
    the characters ``counted`` occur, and ``more``; otherwise it is one character. ``is_choice``: it is any one of
    several, so that two equal items may differ in a code. ``takes_index``: the arguments end with an index and a
    default, before which there may be a label. ``needs_labels``: it reads an fqdn only. ``depends_on_class``: the
    contribution depends not only on the text that it reads, but on its class, too.
    """

    name: str
    form: str
    meaning: str
    is_count: bool
    value: Callable[[BoundCall, str], CodeText]
    inverse: Callable[[BoundCall, Spans, int, str], int]
    is_choice: bool = False
    takes_index: bool = False
    needs_labels: bool = False
    depends_on_class: bool = False
    counted: str = ""
    more: int = 0

    @property
    def counts_all(self) -> bool:
        """True if all characters are counted."""
        return self.counted == _ALL


_VOWELS = "aeiouAEIOU"
_DIGITS = "0123456789"
_ALL = "".join(sorted(ATEXT_AND_DOT))
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _counting(name: str, characters: str, meaning: str, more: int = 0, needs_labels: bool = False) -> Function:
    """Return a row that counts some characters and adds ``more``."""

    find = re.compile(f"[{re.escape(characters)}]").findall

    def value(_call: BoundCall, text: str) -> str:
        return str(len(find(text)) + more)

    def inverse(_call: BoundCall, spans: Spans, start: int, given: str) -> int:
        return spans.ends_with_count(characters, start, int(given) - more)

    form = f"{name}([n])"
    return Function(name, form, meaning, True, value, inverse, needs_labels=needs_labels, counted=characters, more=more)


def _chars_value(_call: BoundCall, text: str) -> str:
    return str(len(text))


def _chars_ends(_call: BoundCall, _spans: Spans, start: int, given: str) -> int:
    return 1 << start + int(given)


def _any_value(_call: BoundCall, text: str) -> frozenset[str]:
    return frozenset(text)


def _any_ends(_call: BoundCall, spans: Spans, start: int, given: str) -> int:
    first = spans.text.find(given, start)
    return 0 if first < 0 else -2 << first


def _none_value(call: BoundCall, text: str) -> frozenset[str]:
    return RULES[call.field_class].alphabet - frozenset(text)


def _none_ends(call: BoundCall, spans: Spans, start: int, given: str) -> int:
    if given not in RULES[call.field_class].alphabet:
        return 0
    first = spans.text.find(given, start)
    return spans.all_positions if first < 0 else (2 << first) - 1


def _char_value(call: BoundCall, text: str) -> str:
    if call.label is not None:
        labels = text.split(".")
        number = call.label - 1 if call.label > 0 else len(labels) + call.label
        if not 0 <= number < len(labels):
            return call.default
        text = labels[number]
    index = call.index
    try:
        return text[index - 1 if index > 0 else index]
    except IndexError:
        return call.default


def _char_ends(call: BoundCall, spans: Spans, start: int, given: str) -> int:
    if call.label is None:
        return _char_ends_without_label(call, spans, start, given)
    # The ends between two dots share all labels but the one that they cut.
    ends = 0
    is_default = call.default == given
    starts = [start]
    while True:
        dot = spans.text.find(".", starts[-1])
        stop = dot if dot >= 0 else len(spans.text)
        segment = (2 << stop) - (1 << starts[-1])
        label = call.label - 1 if call.label > 0 else len(starts) + call.label
        if label == len(starts) - 1:
            ends |= segment & _char_ends_without_label(call, spans, starts[-1], given)
        elif not 0 <= label < len(starts):
            ends |= segment if is_default else 0
        else:
            text = spans.text[starts[label] : starts[label + 1] - 1]
            index = call.index
            inside = abs(index) <= len(text)
            here = text[index - 1 if index > 0 else index] if inside else call.default
            ends |= segment if here == given else 0
        spans.work += 1
        if dot < 0:
            return ends
        starts.append(dot + 1)


def _char_ends_without_label(call: BoundCall, spans: Spans, start: int, given: str) -> int:
    """Return the ends for which the character at the index of ``text[start:end]`` is the given one."""
    index = call.index
    too_short = (1 << min(start + abs(index), len(spans.text) + 1)) - 1
    ends = too_short if call.default == given else 0
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
    _counting("LABELS", ".", "how many labels it has", more=1, needs_labels=True),
    Function("ANY", "ANY([n])", "any one character that occurs in it", False, _any_value, _any_ends, True),
    Function(
        "NONE",
        "NONE([n])",
        "any one character that does not occur in it",
        False,
        _none_value,
        _none_ends,
        is_choice=True,
        depends_on_class=True,
    ),
    Function(
        "CHAR",
        "CHAR([n,] [label,] index, default)",
        "the character at an index, or the default",
        False,
        _char_value,
        _char_ends,
        takes_index=True,
    ),
)
FUNCTIONS: dict[str, Function] = {row.name: row for row in _ROWS}


def unknown_function(name: str) -> str:
    """Return the message for a function that does not exist."""
    known = list(FUNCTIONS)
    return f"unknown function {quoted(name)}; expected {one_of(known)}{did_you_mean(name, known)}"
