"""Options and other arguments in any order, as in ``trualias replay new.conf --json mail.log``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence


class AnyOrder(ArgumentParser):
    """A subcommand's parser that accepts options between the other arguments.

    argparse on its own assigns only the arguments before the next option to a list of arguments.
    """

    _nested = False

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> tuple[Namespace, list[str]]:
        """Parse the known arguments; the parent parser calls this."""
        if self._nested:
            return super().parse_known_args(args, namespace)
        self._nested = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._nested = False
