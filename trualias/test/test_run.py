"""Tests of ``trualias.testing.run``."""

import re
from io import StringIO

from twisted.trial.unittest import SynchronousTestCase

from trualias.testing.requirements import source_tree
from trualias.testing.run import ALONE, PROGRAMS, Report, Results, modules

RULE = "=" * 79
OUTPUT = f"""\
Running 5 tests.
trualias.test.test_wire
  GetTests
    test_key ...                                                           [OK]
    test_long_key ...                                                    [FAIL]
trualias.test.integration.test_exim
  EximTests
    test_lookup ...                                                   [SKIPPED]
    test_reply ...                                                    [SKIPPED]
trualias.test.test_wire
  ReplyTests
    test_escapes ...                                                    [ERROR]

{RULE}
[SKIPPED]
the program exim4 is not installed

trualias.test.integration.test_exim.EximTests.test_lookup
trualias.test.integration.test_exim.EximTests.test_reply
{RULE}
[FAIL]
Traceback (most recent call last):
twisted.trial.unittest.FailTest: 1 != 2

trualias.test.test_wire.GetTests.test_long_key
{RULE}
[ERROR]
Traceback (most recent call last):
builtins.ValueError: x

trualias.test.test_wire.ReplyTests.test_escapes
-------------------------------------------------------------------------------
Ran 5 tests in 0.123s

FAILED (skips=2, failures=1, errors=1, successes=1)
"""


class ReportTests(SynchronousTestCase):
    """Reports of trial's output."""

    def report(self, output: str, status: int) -> tuple[Results, str]:
        """Report a run of trial with an output and exit status; return its results and the printed text."""
        results, printed = Results(), StringIO()
        report = Report(results, printed)
        for line in output.splitlines():
            report.feed(line)
        report.end(status)
        return results, re.sub("after +[0-9]+ s", "after 0 s", printed.getvalue())

    def test_counts(self) -> None:
        """The counts are those of trial's closing line, and the names of skipped tests are grouped by reason."""
        results, _ = self.report(OUTPUT, 1)
        self.assertEqual((1, 2), (results.passed, results.failed))
        names = [f"trualias.test.integration.test_exim.EximTests.{name}" for name in ("test_lookup", "test_reply")]
        self.assertEqual({"the program exim4 is not installed": names}, results.skipped)

    def test_printed(self) -> None:
        """Each module is printed once, each failed test immediately, and the details of failures at the end."""
        _, printed = self.report(OUTPUT, 1)
        details = OUTPUT[OUTPUT.index(f"{RULE}\n[FAIL]") : OUTPUT.index("-" * 79)]
        self.assertEqual(
            "    1 of 5 after 0 s: trualias.test.test_wire\n"
            "      FAIL: trualias.test.test_wire.GetTests.test_long_key\n"
            "    3 of 5 after 0 s: trualias.test.integration.test_exim\n"
            "      ERROR: trualias.test.test_wire.ReplyTests.test_escapes\n" + details,
            printed,
        )

    def test_several_runs(self) -> None:
        """The results of several runs of trial add up."""
        results = Results()
        for closing in ("PASSED (successes=3)", "FAILED (errors=1, successes=2)", "PASSED (expectedFailures=1)"):
            report = Report(results, StringIO())
            report.feed(closing)
            report.end("FAILED" in closing)
        self.assertEqual((6, 1), (results.passed, results.failed))

    def test_crash(self) -> None:
        """A run without a closing line has failed, and lines of other programs are printed."""
        results, printed = self.report("Running 2 tests.\nSegmentation fault\n", 139)
        self.assertEqual((0, 1), (results.passed, results.failed))
        self.assertEqual("Segmentation fault\ntrial ended with status 139, and its report does not say why\n", printed)

    def test_failure_after_the_report(self) -> None:
        """A run that reports no failure but ends with a status other than 0 has failed."""
        results, _ = self.report("PASSED (successes=3)", 1)
        self.assertEqual((3, 1), (results.passed, results.failed))


class SelectionTests(SynchronousTestCase):
    """The selection of test modules."""

    def test_modules(self) -> None:
        """Every test module belongs to the unit tests or the integration tests."""
        root = source_tree()
        every = {path.relative_to(root).with_suffix("").as_posix() for path in (root / "trualias").rglob("test_*.py")}
        found = modules(root, integration=False) + modules(root, integration=True)
        self.assertEqual(sorted(name.replace("/", ".") for name in every), sorted(found))

    def test_alone(self) -> None:
        """The tests that run alone exist."""
        names = {name.rpartition(".")[2] for name in modules(source_tree(), integration=True)}
        self.assertEqual(set(), set(ALONE) - names)

    def test_programs(self) -> None:
        """The optional programs are those that the tests require by name, except ``sh``, which every system has."""
        folder = source_tree() / "trualias"
        texts = [
            path.read_text("utf-8") for path in (*folder.glob("test/integration/*.py"), *folder.glob("testing/*.py"))
        ]
        required = set(re.findall(r'require_program\(\s*"([\w-]+)"', "\n".join(texts)))
        parts_of_postfix = {"postconf", "postmap"}
        self.assertEqual(set(PROGRAMS), required - parts_of_postfix - {"sh"} | {"sendmail"})
