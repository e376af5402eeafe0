"""Tests of the benchmark's short modes and of its lookup keys."""

import os
import subprocess
import sys
from itertools import islice

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import policies, throughput
from trualias.configuration import parse_configuration
from trualias.matching.outcome import Found
from trualias.testing.requirements import source_tree


class BenchmarkTests(SynchronousTestCase):
    """``python -m benchmarks`` in a process."""

    def test_ratios_hold(self) -> None:
        """All replies are right, and every ratio reaches half of its bound, which any machine can."""
        output = self.run_benchmarks("--short")
        for case in (
            "sample, 10 keys in turn ",
            "sample, distinct keys ",
            "one statement with 100000 accounts, distinct keys ",
            "30000 statements, distinct keys ",
            "virtual server, sample, 10 keys in turn ",
            "sample, 10 keys in turn, to twisted.protocols.postfix ",
            "socketmap, sample, 10 keys in turn ",
            "socketmap, sample, distinct keys ",
            "one connection, sample, distinct keys: median latency ",
        ):
            self.assertIn(f"\n{case}", output)

    def test_against(self) -> None:
        """The comparison with a source tree, here with the same one, has a line for each workload."""
        output = self.run_benchmarks("--short", "--against", str(source_tree()))
        two = r"\d+\.\d\d, \d+\.\d\d us"
        figures = rf"{two}  +{two}  +\d\.\d{{3}} \(\d\.\d{{3}} to \d\.\d{{3}}\)  +\d+\.\d%  +\d+\.\d%"
        for workload in (
            "10 keys in turn",
            "distinct keys",
            "socketmap, 10 keys in turn",
            "socketmap, distinct keys",
            "one connection, distinct keys",
            "300 shapes, distinct keys",
        ):
            self.assertRegex(output, rf"(?m)^{workload}  +{figures}$")

    def test_against_nothing(self) -> None:
        """A folder without trualias is refused."""
        output = self.run_benchmarks("--against", "/nonexistent", status=2)
        self.assertIn("/nonexistent is no source tree: it has no folder trualias", output)

    def run_benchmarks(self, *arguments: str, status: int = 0) -> str:
        """Run the command, assert its exit status, and return its output."""
        root = source_tree()
        run = subprocess.run(
            [sys.executable, "-m", "benchmarks", *arguments],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        self.assertEqual(run.returncode, status, run.stdout)
        return run.stdout


class KeysTests(SynchronousTestCase):
    """The keys of the cases with distinct keys."""

    def test_distinct(self) -> None:
        """No key occurs twice, so that no reply comes from the cache."""
        for answers in (
            policies.distinct_sample_answers(),
            policies.many_accounts_answers(100_000),
            policies.many_statements_answers(30_000),
            policies.many_shapes_answers(30_000),
        ):
            keys = [key for key, _ in islice(answers, 50_000)]
            self.assertEqual(len(keys), len(set(keys)))

    def test_new_in_every_round(self) -> None:
        """The keys of a round are not repeated in the next one."""
        exchanges = policies.exchanges(policies.distinct_sample_answers())
        first, second = throughput.take(exchanges, 1000), throughput.take(exchanges, 1000)
        self.assertEqual(set(), {request for request, _ in first} & {request for request, _ in second})

    def test_too_few(self) -> None:
        """Exchanges that end before their round are an error."""
        self.assertRaises(AssertionError, throughput.take, iter([(b"get x\n", b"500 not found\n")]), 2)

    def test_shapes(self) -> None:
        """No two statements of different shapes have the same expression or items, and their answers are right."""
        policy = parse_configuration(policies.many_shapes(600), "shapes").policy
        for part in ("expression", "items"):
            self.assertEqual(600, len({getattr(rule.statement, part) for rule in policy.rules}))
        for key, account in islice(policies.many_shapes_answers(600), 1200):
            answer = policy.resolve(key)
            self.assertEqual(account, answer.account if isinstance(answer, Found) else "", key)

    def test_socketmap(self) -> None:
        """Requests and replies of socketmap are netstrings."""
        self.assertEqual(
            (b"18:table samissexy.34,", b"6:OK baz,"), policies.socketmap_exchange(("samissexy.34", "baz"))
        )
        self.assertEqual((b"9:table foo,", b"9:NOTFOUND ,"), policies.socketmap_exchange(("foo", "")))
