"""The resolution of a call's arguments: what it reads, and the label, index and default."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from trualias.language.functions import FUNCTIONS, BoundCall, Function, Reference
from trualias.language.memo import MOST
from trualias.language.tree import ATEXT_AND_DOT, Argument, Call, FieldClass, NameKind
from trualias.messages import one_of, quoted


class ArgumentError(Exception):
    """An invalid argument, or a wrong number of them. ``offset`` is that of the mistake, as the tree counts it."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


_NAMES = {kind.value: kind for kind in NameKind}
_LARGEST = 999_999


class ArgumentScope(NamedTuple):
    """The identifiers and names that the functions of one statement may read."""

    identifiers: tuple[FieldClass, ...]
    using: FieldClass
    listed_aliases: bool

    @lru_cache(MOST)  # noqa: B019  # a scope takes a few octets
    def resolve_call(self, call: Call) -> BoundCall:
        """Resolve the arguments of a call of a known function; equal ones are one object while it is in the cache.

        Raises:
            ArgumentError: an argument is invalid, or there are too many or too few.
        """
        function = FUNCTIONS[call.function]
        arguments = list(call.arguments)
        fixed = 2 if function.takes_index else 0
        if not fixed <= len(arguments) <= (4 if function.takes_index else 1):
            takes = "2 to 4 arguments" if function.takes_index else "at most one argument"
            raise ArgumentError(call.offset, f"{function.name} takes {takes}, found {len(arguments)}: {function.form}")
        tail = arguments[len(arguments) - fixed :]
        head = arguments[: len(arguments) - fixed]
        reads, field_class, head = self._reference(call, function, head)
        if function.needs_labels and field_class is not FieldClass.FQDN:
            shown = _shown(reads)
            raise ArgumentError(call.offset, f"{function.name} reads an fqdn, and {shown} is {field_class.value}")
        if not function.takes_index:
            return BoundCall(function, reads, field_class)
        label = _label(call, function, reads, field_class, head)
        index, default = tail
        if len(default.text) != 1 or default.text not in ATEXT_AND_DOT:
            raise ArgumentError(
                default.offset,
                f"the default {quoted(default.text)} is not exactly one character that a local part may hold",
            )
        return BoundCall(function, reads, field_class, label, _counted_from_one(index, "index"), default.text)

    def _reference(
        self, call: Call, function: Function, head: list[Argument]
    ) -> tuple[Reference, FieldClass, list[Argument]]:
        """Resolve what is read; return it, its class, and the arguments that are left for a label."""
        if head and head[0].text in _NAMES:
            kind = _NAMES[head[0].text]
            if kind is NameKind.ALIAS and not self.listed_aliases:
                raise ArgumentError(head[0].offset, "'alias' needs a statement with listed aliases (ALIASED ...)")
            return kind, self.using, head[1:]
        count = len(self.identifiers)
        only_label = count == 1 and self.identifiers[0] is FieldClass.FQDN and len(head) == 1
        if function.takes_index and only_label:
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


def _label(
    call: Call, function: Function, reads: Reference, field_class: FieldClass, head: Sequence[Argument]
) -> int | None:
    """Resolve the label of a call that takes an index; None where it has none."""
    if not head:
        if field_class is FieldClass.FQDN and not isinstance(reads, NameKind):
            message = f"{_shown(reads)} is an fqdn, so {function.name} needs a label before the index"
            raise ArgumentError(call.offset, message)
        return None
    if field_class is not FieldClass.FQDN:
        message = f"{_shown(reads)} is {field_class.value}, which has no labels: leave the label out"
        raise ArgumentError(head[0].offset, message)
    return _counted_from_one(head[0], "label")


def _shown(reads: Reference) -> str:
    return reads.value if isinstance(reads, NameKind) else f"identifier {reads + 1}"


def _counted_from_one(argument: Argument, what: str) -> int:
    """Return an index or a label as a number."""
    if not re.fullmatch(r"-?[0-9]+", argument.text) or not argument.text.strip("-0"):
        raise ArgumentError(
            argument.offset,
            f"the {what} {quoted(argument.text)} is not a number that counts from 1, or from -1 at the end",
        )
    if len(argument.text) > len(str(_LARGEST)):
        raise ArgumentError(argument.offset, f"the {what} is too large: a local part has at most 64 characters")
    return int(argument.text)
