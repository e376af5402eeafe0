"""Tests of trualias.commands.arguments."""

from argparse import ArgumentParser, Namespace

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.arguments import AnyOrder


class AnyOrderTests(SynchronousTestCase):
    """Options and other arguments in any order."""

    def parse(self, *arguments: str) -> Namespace:
        """Parse the arguments of a command below another parser."""
        parser = ArgumentParser()
        commands = parser.add_subparsers(required=True, parser_class=AnyOrder)
        command = commands.add_parser("replay")
        command.add_argument("--against")
        command.add_argument("--json", action="store_true")
        command.add_argument("new")
        command.add_argument("logs", nargs="*")
        return parser.parse_args(["replay", *arguments])

    def test_any_order(self) -> None:
        """The arguments come out the same wherever the options stand."""
        expected = Namespace(against="old", json=True, new="new", logs=["one", "two"])
        for arguments in (
            ("new", "one", "two", "--against", "old", "--json"),
            ("--json", "--against", "old", "new", "one", "two"),
            ("new", "--against", "old", "one", "--json", "two"),
        ):
            self.assertEqual(expected, self.parse(*arguments))

    def test_none(self) -> None:
        """What may be left out may be left out."""
        self.assertEqual(
            Namespace(against="old", json=False, new="new", logs=[]), self.parse("new", "--against", "old")
        )
