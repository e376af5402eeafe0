"""Command lines with options and other arguments in any order."""

from argparse import ArgumentParser, Namespace

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.arguments import CommandParser


class CommandParserTests(SynchronousTestCase):
    """The parser of a subcommand."""

    def parse(self, *arguments: str) -> Namespace:
        """Parse the arguments of a subcommand."""
        parser = ArgumentParser()
        commands = parser.add_subparsers(required=True, parser_class=CommandParser)
        command = commands.add_parser("replay")
        command.add_argument("--against")
        command.add_argument("--json", action="store_true")
        command.add_argument("new")
        command.add_argument("logs", nargs="*")
        return parser.parse_args(["replay", *arguments])

    def test_any_order(self) -> None:
        """The result does not depend on the order of options and other arguments."""
        expected = Namespace(against="old", json=True, new="new", logs=["one", "two"])
        for arguments in (
            ("new", "one", "two", "--against", "old", "--json"),
            ("--json", "--against", "old", "new", "one", "two"),
            ("new", "--against", "old", "one", "--json", "two"),
        ):
            self.assertEqual(expected, self.parse(*arguments))

    def test_none(self) -> None:
        """Optional arguments may be missing."""
        self.assertEqual(
            Namespace(against="old", json=False, new="new", logs=[]), self.parse("new", "--against", "old")
        )
