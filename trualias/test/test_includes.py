"""Tests of ``INCLUDE``: configurations of several files."""

import os
from pathlib import Path

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import Configuration, ConfigurationErrors, parse_configuration, read_configuration
from trualias.configuration.files import CopyAccess, Limits
from trualias.configuration.fingerprint import WatchedFiles
from trualias.lookup.loading import OtherIncludes, load_snapshot
from trualias.server.kept_copy import KeptCopy, read_copy, write_copy
from trualias.server.safeguards import Extent, check_content
from trualias.server.settings_effects import PermissionWarning

INCLUDE = "INCLUDE: conf.d/*.conf\n"


def statement(name: str) -> str:
    """Return an account statement."""
    return f"ACCOUNT {name} MATCHES %account%-%alpha%-%code% WITH CHARS();\n"


class IncludeTestCase(SynchronousTestCase):
    """A folder for the files of a configuration."""

    def setUp(self) -> None:
        """Make a configuration that includes the files of a folder."""
        self.folder = Path(self.mktemp()).absolute()
        (self.folder / "conf.d").mkdir(parents=True)
        self.folder.chmod(0o755)
        (self.folder / "conf.d").chmod(0o755)
        self.main = self.write("main.conf", INCLUDE)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the folder."""
        path = self.folder / name
        path.write_text(text, "utf-8")
        path.chmod(0o644)
        return path

    def read(self, limits: Limits | None = None) -> Configuration:
        """Read the configuration."""
        return read_configuration(str(self.main), limits=limits or Limits())

    def errors(self, limits: Limits | None = None) -> str:
        """Return the errors of the configuration, with paths from its folder."""
        errors = self.assertRaises(ConfigurationErrors, self.read, limits)
        return str(errors).replace(f"{self.folder}/", "")

    def assert_error(self, expected: str) -> None:
        """Assert the first line of the errors, which is the only one with a position."""
        self.assertEqual(expected, self.errors().partition("\n")[0])


class ReadTests(IncludeTestCase):
    """The files that are read, and their statements."""

    def test_statements(self) -> None:
        """Files are read in the order of their names, as if they stood in place of the INCLUDE; hidden ones are not."""
        self.write("conf.d/b.conf", statement("b"))
        self.write("conf.d/a.conf", f"ALIAS DOMAINS: example.com\n{statement('a')}EXPECT a-x-1 a;\nEND\n# vim:\n")
        self.write("conf.d/.c.conf", "bad")
        self.write("conf.d/d.conf~", "bad")
        self.main.write_text(f"{statement('first')}{INCLUDE}{statement('last')}EXPECT b-xy-2 b;\nEND\n", "utf-8")
        read = load_snapshot(str(self.main)).configuration
        accounts = [rule.accounts[0] for rule in read.policy.rules]
        self.assertEqual(["first", "a", "b", "last"], accounts)
        self.assertEqual({"example.com"}, read.settings.alias_domains)
        names = ("main.conf", "conf.d/a.conf", "conf.d/b.conf")
        self.assertEqual(tuple(str(self.folder / name) for name in names), read.paths)
        self.assertTrue(read.ended)
        self.assertEqual({str(self.folder / name) for name in names[:2]}, read.ended_files)

    def test_nested(self) -> None:
        """A file may include others, relative to itself, up to eight deep."""
        self.main.write_text("INCLUDE: conf.d/1.conf\n", "utf-8")
        for number in range(1, 9):
            self.write(
                f"conf.d/{number}.conf", f"INCLUDE: {number + 1}.conf\n" * (number < 8) + statement(f"a{number}")
            )
        self.assertEqual(8, len(self.read().policy.accounts))
        self.write("conf.d/8.conf", "INCLUDE: 9.conf\n")
        self.write("conf.d/9.conf", statement("a9"))
        self.assertEqual(
            "conf.d/8.conf:1:10: INCLUDE: files include each other more than 8 deep\nINCLUDE: 9.conf\n         ^",
            self.errors(),
        )

    def test_several(self) -> None:
        """INCLUDE may be given several times, with absolute paths, and with folders that have no such file."""
        self.write("x.conf", statement("x"))
        self.main.write_text(f"{INCLUDE}  INCLUDE :\t{self.folder}/x.conf  \r\n", "utf-8")
        self.assertEqual({"x"}, self.read().policy.accounts)

    def test_lookalikes(self) -> None:
        """The word elsewhere, in a comment or a name, includes nothing."""
        self.main.write_text(f"# INCLUDE: no.conf\nACCOUNT INCLUDE\n# INCLUDE: no.conf\n{statement('x')[8:]}", "utf-8")
        self.assertIn("expected ALIASED", self.errors())

    def test_default_text(self) -> None:
        """A text that is no file includes files relative to its name."""
        self.write("conf.d/a.conf", statement("a"))
        self.assertEqual({"a"}, parse_configuration(INCLUDE, str(self.main)).policy.accounts)

    def test_paths_of_a_processor(self) -> None:
        """The module of a PROCESSOR is looked for beside the file that says so."""
        self.write("conf.d/a.conf", "PROCESSOR: hooks_of_a\n" + statement("a"))
        lines = ["def preprocess(alias, domain): return 'a-x-1', domain", "def postprocess(account, domain):"]
        lines += ["    return account, domain", "def reload(): pass", "ACCOUNTS = ALIASES = ()"]
        self.write("conf.d/hooks_of_a.py", "\n".join(lines))
        self.assertIsNotNone(load_snapshot(str(self.main)).hooks)


class ErrorTests(IncludeTestCase):
    """Errors, each with the name of its own file."""

    def test_each_file(self) -> None:
        """The errors of all files are found together."""
        self.main.write_text(f"{INCLUDE}PORT: x\nCASE SENSITIVE: no\n", "utf-8")
        self.write("conf.d/a.conf", "\nPORT: 1\nHOST: y\n")
        self.write("conf.d/b.conf", "ACCOUNT b MATCHES %b%-%code% WITH x;\n")
        self.assertEqual(
            "main.conf:2:7: PORT: 'x' is not a port; expected a number from 0 to 65535\nPORT: x\n      ^\n"
            "conf.d/a.conf:2:1: PORT is already given in line 2 of main.conf\nPORT: 1\n^\n"
            "conf.d/a.conf:3:7: HOST: 'y' is not an IPv4 or IPv6 address, such as 127.0.0.1\nHOST: y\n      ^\n"
            "conf.d/b.conf:1:19: unknown field '%b%'; expected account, alias, alnum, alpha, number, ident, fqdn or "
            "code\n"
            "ACCOUNT b MATCHES %b%-%code% WITH x;\n                  ^",
            self.errors(),
        )

    def test_between_files(self) -> None:
        """Statements of two files are checked with each other, and errors name the other file."""
        self.write("conf.d/a.conf", "ACCOUNT a MATCHES x%code% WITH x;\n")
        self.write("conf.d/b.conf", "\nACCOUNT b MATCHES x%code% WITH x;\n")
        line = "ACCOUNT {} MATCHES x%code% WITH x;\n                  ^"
        differ = "it must have %account%, or differ\n"
        self.assertEqual(
            f"conf.d/a.conf:1:19: the same expression stands in line 2 of conf.d/b.conf; {differ}{line.format('a')}\n"
            f"conf.d/b.conf:2:19: the same expression stands in line 1 of conf.d/a.conf; {differ}{line.format('b')}",
            self.errors(),
        )

    def test_expectations(self) -> None:
        """An expectation that is not met has the position in its file."""
        self.write("conf.d/a.conf", f"{statement('a')}EXPECT a-x-2 a;\n")
        errors = self.assertRaises(ConfigurationErrors, load_snapshot, str(self.main))
        self.assertIn("conf.d/a.conf:2:8: 'a-x-2' is expected to give a, but it is not found", str(errors))

    def test_not_there(self) -> None:
        """A plain name that is not there is an error, and so is the folder of a pattern."""
        self.main.write_text("INCLUDE: a.conf\nINCLUDE: b/*.conf\nINCLUDE: conf.d/*.conf\n", "utf-8")
        no_file = "No such file or directory"
        self.assertEqual(
            f"main.conf:1:10: INCLUDE: a.conf cannot be read: {no_file}\nINCLUDE: a.conf\n         ^\n"
            f"main.conf:2:10: INCLUDE: the folder b cannot be read: {no_file}\nINCLUDE: b/*.conf\n         ^",
            self.errors(),
        )
        self.assertIsNone(self.assertRaises(ConfigurationErrors, self.read).__cause__)

    def test_values(self) -> None:
        """A folder, wildcards in a folder, and no value are errors."""
        folder = "'conf.d/' is a folder; write the names of its files, such as conf.d/*.conf"
        for value, message in (
            ("conf.d/", f"main.conf:1:10: INCLUDE: {folder}"),
            (
                "c*/a.conf",
                "main.conf:1:10: INCLUDE: 'c*/a.conf' has wildcards in a folder; they may be in the name of the file "
                "only",
            ),
            ("", "main.conf:1:8: INCLUDE has no value"),
            ("conf.d", "main.conf:1:10: INCLUDE: conf.d is not a regular file"),
        ):
            self.main.write_text(f"INCLUDE: {value}\n", "utf-8")
            self.assert_error(message)

    def test_twice(self) -> None:
        """A file that is included twice is an error, also by another name, and so is a circle."""
        self.main.write_text(f"{INCLUDE}INCLUDE: conf.d/a.conf\n", "utf-8")
        self.write("conf.d/a.conf", statement("a"))
        self.assert_error("main.conf:2:10: INCLUDE: conf.d/a.conf is read already: it is included in line 1")
        self.main.write_text(INCLUDE, "utf-8")
        os.link(self.folder / "conf.d" / "a.conf", self.folder / "conf.d" / "b.conf")
        self.assert_error("main.conf:1:10: INCLUDE: conf.d/b.conf is read already: it is included in line 1")
        (self.folder / "conf.d" / "b.conf").unlink()
        self.write("conf.d/a.conf", "INCLUDE: ../main.conf\n")
        self.assert_error("conf.d/a.conf:1:10: INCLUDE: conf.d/../main.conf is read already: it is the first file")

    def test_not_text(self) -> None:
        """An included file that is not UTF-8 has an error at the place."""
        (self.folder / "conf.d" / "a.conf").write_bytes(b"# \xc3\xa4\n# \xff\n")
        self.assert_error("conf.d/a.conf:2:3: this is not UTF-8 text")

    def test_too_long(self) -> None:
        """The files may have so many octets together; reading stops at the first that is too many."""
        for name in "abc":
            self.write(f"conf.d/{name}.conf", "#" * (1 << 19))
        self.assertEqual(4, len(self.read(Limits(octets=2 << 20)).paths))
        self.assertEqual(
            "main.conf:1:10: INCLUDE: with conf.d/b.conf, the files together are longer than 1 MiB\n"
            "INCLUDE: conf.d/*.conf\n         ^",
            self.errors(Limits(octets=1 << 20)),
        )

    def test_most_errors(self) -> None:
        """Reading stops after so many errors in all files together."""
        for number in range(20):
            self.write(f"conf.d/{number}.conf", "X\n" * 5)
        errors = self.assertRaises(ConfigurationErrors, self.read, Limits(errors=12))
        self.assertEqual((12, True), (len(errors.errors), errors.is_truncated))


class WatchTests(IncludeTestCase):
    """Fingerprints of all files."""

    def setUp(self) -> None:
        """Read the configuration as a server does."""
        super().setUp()
        self.write("conf.d/a.conf", statement("a"))
        self.files = WatchedFiles(str(self.main))
        self.assertRaises(OtherIncludes, self.load)
        self.seen = self.files.fingerprint()

    def load(self) -> Configuration:
        """Load the configuration, which has the fingerprint of now."""
        return load_snapshot(str(self.main), stable=self.files.fingerprint(), files=self.files).configuration

    def test_changes(self) -> None:
        """A file that changes, appears or disappears is a change; one with another name is none."""
        self.assertEqual({"a"}, self.load().policy.accounts)
        self.write("conf.d/other", "x")
        self.assertEqual(self.seen, self.files.fingerprint())
        self.write("conf.d/b.conf", statement("b"))
        with_b = self.files.fingerprint()
        self.assertNotEqual(self.seen, with_b)
        self.assertEqual({"a", "b"}, self.load().policy.accounts)
        self.write("conf.d/b.conf", statement("bb"))
        self.assertNotEqual(with_b, self.files.fingerprint())
        (self.folder / "conf.d" / "b.conf").unlink()
        self.assertEqual(self.seen, self.files.fingerprint())
        (self.folder / "conf.d").rename(self.folder / "gone")
        self.assertNotEqual(self.seen, self.files.fingerprint())

    def test_new_include(self) -> None:
        """A configuration that includes other files is read again once these are watched."""
        self.main.write_text(f"{INCLUDE}INCLUDE: x.conf\n", "utf-8")
        self.assertRaises(OtherIncludes, self.load)
        self.assertRaises(ConfigurationErrors, self.load)
        missing = self.files.fingerprint()
        self.write("x.conf", statement("x"))
        self.assertNotEqual(missing, self.files.fingerprint())
        self.assertEqual({"a", "x"}, self.load().policy.accounts)

    def test_changed_while_read(self) -> None:
        """A file that changes while the files are read is an error that says so."""
        stable = self.files.fingerprint()
        self.write("conf.d/a.conf", statement("aa"))
        errors = self.assertRaises(ConfigurationErrors, load_snapshot, str(self.main), stable=stable, files=self.files)
        self.assertEqual(f"{self.main}: changed while it was read, and will be read again", str(errors))


class LossTests(IncludeTestCase):
    """Files that were lost or cut off, compared with the configuration in force."""

    def problem(self, before: Configuration) -> str:
        """Return the problem of the configuration as it is now."""
        try:
            check_content(self.read(), Extent.of(before))
        except ConfigurationErrors as errors:
            return str(errors).replace(f"{self.folder}/", "")
        return ""

    def test_no_file_left(self) -> None:
        """A pattern that matched files and matches none is refused; one file less is not."""
        self.main.write_text(f"{statement('x')}{INCLUDE}END\n", "utf-8")
        a, b = (self.write(f"conf.d/{name}.conf", statement(name)) for name in "ab")
        before = self.read()
        a.unlink()
        self.assertEqual("", self.problem(before))
        b.unlink()
        self.assertEqual(
            "main.conf:2:10: INCLUDE: no file matches conf.d/*.conf, and the configuration before it had some: they "
            "are probably lost. If there are none on purpose, take this line out, or restart the server with "
            "--no-fallback\n"
            "INCLUDE: conf.d/*.conf\n         ^",
            self.problem(before),
        )
        self.main.write_text(statement("x"), "utf-8")
        self.write("main.conf", f"{statement('x')}END\n")
        self.assertEqual("", self.problem(before))

    def test_end(self) -> None:
        """A file without END is refused if it had one; a new one needs none."""
        a = self.write("conf.d/a.conf", f"{statement('a')}END\n")
        before = self.read()
        self.write("conf.d/b.conf", statement("b"))
        self.assertEqual("", self.problem(before))
        a.write_text(statement("a"), "utf-8")
        self.assertEqual(
            "conf.d/a.conf: does not end with END, as the configuration before it did: its end is probably missing. "
            "Write END as its last line; if it has none on purpose, restart the server with --no-fallback",
            self.problem(before),
        )
        a.unlink()
        self.assertEqual("", self.problem(before))

    def test_kept_copy(self) -> None:
        """The kept copy has the text of every file, and gives the same configuration without any of them."""
        self.write("conf.d/a.conf", f"{statement('a')}END\n")
        self.write("conf.d/b.conf", f"# \u00e9\n{statement('b')}INCLUDE: ../x.conf\n")
        self.write("x.conf", statement("x"))
        self.write("main.conf", f"{INCLUDE}END\n")
        before = self.read()
        state = self.folder / "state"
        state.mkdir(mode=0o700)
        path = str(state / "copy")
        kept = KeptCopy(before.name, before.text, 1.0, Extent.of(before), before.included)
        write_copy(path, kept)
        self.assertEqual(kept, read_copy(path))
        for file in before.paths:
            Path(file).unlink()
        after = parse_configuration(kept.text, kept.path, access=CopyAccess(kept.included))
        self.assertEqual((before.paths, before.policy.accounts), (after.paths, after.policy.accounts))
        self.assertEqual(Extent.of(before), Extent.of(after))


class PermissionTests(IncludeTestCase):
    """Files and folders that other users could change."""

    def warnings(self) -> list[str]:
        """Return the warnings about the configuration, with paths from its folder."""
        warning = PermissionWarning()
        read = self.read()
        warning.check(read)
        with capturedLogs() as events:
            warning.applied(read)
        return [formatEvent(event).replace(f"{self.folder}/", "") for event in events]

    def test_each_file(self) -> None:
        """Each file is looked at, and each folder, also one without files; the log has the first and a number."""
        before = self.warnings()
        for name in "abc":
            self.write(f"conf.d/{name}.conf", statement(name)).chmod(0o666 if name != "a" else 0o644)
        self.assertEqual(
            [
                *before,
                "others could change conf.d/b.conf: any user may write to conf.d/b.conf (chmod o-w conf.d/b.conf); "
                "and 1 other file or folder",
            ],
            self.warnings(),
        )
        for name in "abc":
            (self.folder / "conf.d" / f"{name}.conf").unlink()
        (self.folder / "conf.d").chmod(0o777)
        folder = "any user may write to conf.d (chmod o-w conf.d)"
        self.assertEqual([*before, f"others could change conf.d: {folder}"], self.warnings())
