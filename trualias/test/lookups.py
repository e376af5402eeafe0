"""A configuration, hooks and lookup keys for the tests of lookups and protocols."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from attrs import define

from trualias.configuration import Configuration, parse_configuration
from trualias.lookup import Snapshot

STATEMENTS = """
ALIAS DOMAINS: example.com Example.ORG
ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
ACCOUNT baz MATCHES %alpha%is%alpha%.%code% WITH CHARS(1), CHARS(2);
ACCOUNT Baz MATCHES %alpha%x%alpha%+%code% WITH VOWELS(1), DIGITS(2);
ACCOUNT one MATCHES to-%alpha%.%code% WITH CHARS();
ACCOUNT two MATCHES to-%alnum%.%code% WITH CHARS();
"""
"""``samissexy.34`` belongs to baz, ``xxxxxx+00`` to Baz by several readings, and ``to-a.1`` to one and two."""

CLASSES = ("alpha", "alnum", "ident")
ENDLESS = "".join(
    f"ACCOUNT user MATCHES {'x'.join(f'%{field_class}%' for field_class in classes)}.%code% "
    "WITH VOWELS(1), ANY(2), DIGITS(3);"
    for classes in product(CLASSES, repeat=4)
)
"""Statements with too many readings of ``ENDLESS_KEY`` for the budget of steps."""

ENDLESS_KEY = "x" * 57 + ".0y0"

Hook = Callable[[str, str | None], tuple[str, str | None] | None]


def unchanged(name: str, domain: str | None) -> tuple[str, str | None]:
    """Return the arguments."""
    return name, domain


@define
class Hooks:
    """Hooks that a test supplies."""

    preprocess: Hook = unchanged
    postprocess: Hook = unchanged


def configuration(settings: str = "", statements: str = STATEMENTS) -> Configuration:
    """Parse the settings and the statements."""
    return parse_configuration(f"{settings}\n{statements}", "test.conf")


def snapshot(settings: str = "", statements: str = STATEMENTS, hooks: Hooks | None = None) -> Snapshot:
    """Return a snapshot of the settings and the statements."""
    return Snapshot(configuration(settings, statements), hooks)
