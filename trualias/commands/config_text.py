"""The output of ``trualias config show``."""

from __future__ import annotations

from collections.abc import Iterator

from trualias.configuration import SETTINGS, Configuration, Settings
from trualias.language.layout import format_text
from trualias.language.tree import Account, Deliver, Expect, Refuse, unparse

_SHORT = ("HOST", "PORT")
"""Settings that are short for a LISTEN, and whose defaults do not count beside one."""

_WORDS = {True: "yes", False: "no"}


def everything(configuration: Configuration) -> str:
    """Return a configuration with its included files and all defaults, as the text of one file.

    A comment before each part has the path and the line that it comes from. Statements are in the order of their files.
    """
    return format_text("".join(f"{line}\n" for line in _lines(configuration)), configuration.name)


def _lines(configuration: Configuration) -> Iterator[str]:
    for name, attribute in SETTINGS.items():
        occurrences = configuration.occurrences(name)
        for setting in occurrences:
            place = f"# {_place(configuration, setting.offset)}"
            # The files that it includes are here already.
            yield from (f"{place}: {unparse(setting)}",) if name == "INCLUDE" else (place, unparse(setting))
        if name in _SHORT and configuration.given("LISTEN") and not any(map(configuration.given, _SHORT)):
            yield f"# not in effect beside LISTEN: {name}"
        elif not occurrences and name != "INCLUDE":
            yield from _default(name, getattr(Settings(), attribute.name))
    yield ""
    statements: list[Account | Refuse | Deliver | Expect] = [
        *(rule.statement for rule in configuration.policy.all_rules),
        *configuration.refusals,
        *configuration.deliveries,
        *configuration.expectations,
    ]
    for statement in sorted(statements, key=lambda statement: statement.offset):
        yield from ("", f"# {_place(configuration, statement.offset)}", unparse(statement))
    if configuration.ended:
        yield from ("", "END")


def _place(configuration: Configuration, offset: int) -> str:
    return f"{configuration.file(offset)}:{configuration.line(offset)}"


def _default(name: str, value: object) -> Iterator[str]:
    """Yield the lines of a setting that is not given; one without a value is a comment."""
    if value is None or value == () or value == frozenset():
        yield f"# default: no {name}"
    else:
        yield "# default"
        yield f"{name}: {_WORDS[value] if isinstance(value, bool) else value}"
