"""The memory that a loaded configuration takes, in octets of Python's objects."""

import gc
import tracemalloc

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration

_ACCOUNTS = 10_000
_STATEMENTS = 4_000


def _octets(text: str) -> tuple[int, int]:
    """Return the octets that a configuration takes, and the most that its load took, without those of the text."""
    parse_configuration("ACCOUNT foo MATCHES %code% WITH x;", "trualias.conf")  # makes what all configurations share
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        configuration = parse_configuration(text, "trualias.conf")
        gc.collect()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert configuration.policy.rules  # alive until here
    return after - before, peak - before


class FootprintTests(SynchronousTestCase):
    """Bounds of the memory for parts of which a configuration can have very many."""

    def test_accounts(self) -> None:
        """An account of a long list takes at most 330 octets with either setting of CASE SENSITIVE."""
        names = ", ".join(f"user{number:06}" for number in range(_ACCOUNTS))
        statement = f"ACCOUNT {names} MATCHES %account%-%alnum%-%code% WITH CHARS();\n"
        for setting in ("yes", "no"):
            octets, _ = _octets(f"CASE SENSITIVE: {setting}\n{statement}")
            self.assertLess(octets / _ACCOUNTS, 330, setting)

    def test_shapes(self) -> None:
        """A statement whose expression and items no other has takes at most 2,200 octets with those of all caches."""
        text = "".join(
            f"ACCOUNT s{number:05} MATCHES {number:05}-%alpha%-%{('alpha', 'alnum')[number % 2]}%.%code% "
            f"WITH x{number:05}, CHAR(1,{number % 7 + 1},-), CHARS({number % 2 + 1});\n"
            for number in range(_STATEMENTS)
        )
        octets, _ = _octets(text)
        self.assertLess(octets / _STATEMENTS, 2200)

    def test_aliases_of_statements(self) -> None:
        """While a statement with aliases of its own is loaded, it takes at most 1,700 octets."""
        text = "".join(
            f"ACCOUNT g{number:05} ALIASED a{number:05}, b{number:05} MATCHES %alias%.%ident%.%code% WITH CHAR(1,-);\n"
            for number in range(_STATEMENTS)
        )
        _, most = _octets(text)
        self.assertLess(most / _STATEMENTS, 1700)
