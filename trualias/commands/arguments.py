"""Options and other arguments in any order, as people type them: `trualias replay new.conf --json mail.log`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence


class AnyOrder(ArgumentParser):
    """A command's arguments.

    Of several arguments that are no options, argparse otherwise takes only those before the next option.
    """

    _nested = False

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> tuple[Namespace, list[str]]:
        """Parse what is known, as the parser above this one asks for it."""
        if self._nested:
            return super().parse_known_args(args, namespace)
        self._nested = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._nested = False
