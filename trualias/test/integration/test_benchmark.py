"""Tests of the benchmark's short modes and of its lookup keys."""

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import peers, policies, throughput
from benchmarks.load import WrongReply
from benchmarks.report import Row, fact
from benchmarks.servers import (
    Server,
    children,
    processor_seconds,
    processor_seconds_when_idle,
    reference_server,
    running,
)
from trualias.configuration import parse_configuration
from trualias.matching.outcome import Found
from trualias.testing.live import free_port
from trualias.testing.requirements import find_program, require_program, source_tree


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

    def test_peers(self) -> None:
        """Each server that is installed has its figures beside those of trualias; the others are skipped."""
        peers = {
            "postsrsd": ("postsrsd, 10 addresses of senders",),
            "mta-sts-daemon": ("mta-sts-daemon, 10 domains in its cache", "mta-sts-daemon, parent domains"),
            "postgrey": ("postgrey, recipients that it does not greylist",),
        }
        missing = [program for program in peers if find_program(program) is None]
        if len(missing) == len(peers) or os.environ.get("CI") == "true":
            for program in missing:
                require_program(program)
        output = self.run_benchmarks("--peers", "--short")
        cases = ["trualias, 10 keys in turn", "trualias, distinct keys", "twisted.protocols.postfix, 10 keys in turn"]
        cases += ["trualias, socketmap, 10 keys in turn", "trualias, socketmap, distinct keys", "trualias, policy"]
        for program, own in peers.items():
            if program in missing:
                self.assertRegex(output, rf"(?m)^{program}  +skipped: not installed \(apt-get install [a-z-]+\)$")
            else:
                cases += own
        for case in cases:
            ratio = r"\d[\d.e+-]* \(\d+\.\d\d to \d+\.\d\d; \d+/s\)"
            self.assertRegex(output, rf"(?m)^{re.escape(case)}  +{ratio}  +\d+\.\d us \(\d+\.\d us\)$")
        self.assertNotIn("holds", output)

    def test_one_comparison(self) -> None:
        """Options that do no more than one comparison exclude each other."""
        output = self.run_benchmarks("--peers", "--against", ".", status=2)
        self.assertIn("error: argument --against: not allowed with argument --peers", output)

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


class PeerTests(SynchronousTestCase):
    """The checks of other servers."""

    def test_missing(self) -> None:
        """A program that is not installed is skipped, with the command that installs it."""
        peer = peers.Peer("no-such-program", "apt-get install no-such-package", peers.postsrsd)
        skipped: list[Row] = []
        with ExitStack() as stack:
            self.assertEqual([], peer.cases(stack, Path("/nonexistent"), skipped))
        self.assertEqual([fact("no-such-program", "skipped: not installed (apt-get install no-such-package)")], skipped)

    def test_unexpected_answer(self) -> None:
        """A server whose reply is of another kind than what is to be measured ends the run."""
        port = free_port()
        with running(reference_server("null", port), port):
            error = self.assertRaises(WrongReply, peers.answers, port, [b"get x\n"], rb"200 .*")
        self.assertEqual(r"expected a reply like b'200 .*' to b'get x\n', got b'500 not found\n'", str(error))

    def test_children(self) -> None:
        """The processor time of a server that forks is that of its running children as well."""
        code = "import os, sys\nif not os.fork():\n    sum(range(3_000_000))\nprint(flush=True)\nsys.stdin.read()"
        command = [sys.executable, "-c", code]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None and process.stdout is not None
            for _ in range(2):  # a line of each process
                process.stdout.readline()
            (child,) = children(process.pid)
            processor_seconds_when_idle(Server(0, process.pid, forks=True))
            own, of_child = processor_seconds(process.pid), processor_seconds(child)
            self.assertGreater(of_child, 0)
            self.assertEqual(own + of_child, processor_seconds(process.pid, forks=True))
            process.stdin.close()


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
