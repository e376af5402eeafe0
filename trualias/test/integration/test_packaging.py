"""Tests of the wheel in an empty environment, and of the two ``.tac`` files."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import trualias
from trualias.testing.live import LiveServer, free_port
from trualias.testing.requirements import source_tree

# Files that builds and test runs leave in a source tree: a wheel built from them could contain deleted modules.
_LEFTOVERS = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "_trial_temp*", "__pycache__", "dropin.cache")


def run(*command: str | Path, folder: Path) -> str:
    """Run a command in *folder*, without the module search path of the tests; return its output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
    done = subprocess.run(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with status {done.returncode}:\n{done.stdout}")
    return done.stdout


class WheelTests(SynchronousTestCase):
    """The wheel, built from a copy of the source tree and installed with its dependencies into an empty environment."""

    def setUp(self) -> None:
        """Build the wheel and install it."""
        self.folder = Path(tempfile.mkdtemp(prefix="trualias-wheel-"))
        self.addCleanup(shutil.rmtree, self.folder)
        shutil.copytree(source_tree(), self.folder / "source", ignore=_LEFTOVERS)
        pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
        run(*pip, "wheel", "--no-deps", "--wheel-dir", "wheels", "./source", folder=self.folder)
        (wheel,) = (self.folder / "wheels").glob("trualias-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            self.packed = set(archive.namelist())
        environment = self.folder / "environment"
        venv.create(environment)
        self.programs = environment / "bin"
        self.share = environment / "share" / "trualias"
        run(*pip, "--python", self.programs / "python", "install", wheel, folder=self.folder)
        self.elsewhere = self.folder / "elsewhere"
        self.elsewhere.mkdir()

    def test_installed_wheel(self) -> None:
        """It contains the package without its tests, both plugins, the command line and the samples; a sample works.

        One test checks everything, because the build and the installation take most of the time.
        """
        package = source_tree() / "trualias"
        modules = {path.relative_to(package.parent).as_posix() for path in package.rglob("*.py")}
        tests = {name for name in modules if name.split("/")[1] in ("test", "testing")}
        data = ("py.typed", "analysis/words/names.txt")
        expected = modules - tests | {f"trualias/{name}" for name in data} | {"twisted/plugins/trualias_plugins.py"}
        self.assertNotEqual(set(), tests)
        self.assertEqual(expected, {name for name in self.packed if name.startswith(("trualias/", "twisted/"))})
        top_level = {
            "trualias",
            "twisted",
            f"trualias-{trualias.__version__}.data",
            f"trualias-{trualias.__version__}.dist-info",
        }
        self.assertEqual(top_level, {name.split("/")[0] for name in self.packed})

        plugins = run(self.programs / "twistd", "--help", folder=self.elsewhere)
        for name, subject in (("trualias-table", "a local part"), ("trualias-virtual", "a whole address")):
            self.assertRegex(
                re.sub(r"\s+", " ", plugins),
                rf" {name} Verifiable mail aliases: answers tcp_table\(5\) lookups of {subject}",
            )
            options = run(self.programs / "twistd", name, "--help", folder=self.elsewhere)
            self.assertIn("--config", options)
            self.assertIn("--endpoint", options)
        self.assertIn("query", run(self.programs / "trualias", "--help", folder=self.elsewhere))

        samples = {path.relative_to(self.share).as_posix() for path in self.share.rglob("*") if path.is_file()}
        for sample in (
            "conf/tcp_table_server.conf.sample",
            "conf/tcp_virtual_server.conf.sample",
            "conf/preprocessing_sample.py",
            "tac/trualias_table.tac",
            "tac/trualias_virtual.tac",
        ):
            self.assertIn(sample, samples)

        self.assertEqual(f"{self.share}\n", run(self.programs / "trualias", "samples", folder=self.elsewhere))
        for name in (
            *("man/man1/trualias.1", "man/man5/trualias.conf.5"),
            *("man/man8/trualias-table.8", "man/man8/trualias-virtual.8"),
            "bash-completion/completions/trualias",
            "zsh/site-functions/_trualias",
            "fish/vendor_completions.d/trualias.fish",
        ):
            self.assertNotEqual("", (self.share.parent / name).read_text("utf-8"), name)

        path = self.share / "conf" / "tcp_table_server.conf.sample"
        answer = run(self.programs / "trualias", "query", "-c", path, "samissexy.34", folder=self.elsewhere)
        self.assertEqual("samissexy.34\tbaz\n", answer)


class TacTests(SynchronousTestCase):
    """The ``.tac`` files with ``twistd -ny``."""

    def start(self, name: str, sample: str) -> LiveServer:
        """Start ``tac/name`` in a folder where its configuration is a sample with a free port."""
        folder = Path(self.mktemp())
        folder.mkdir()
        port = free_port()
        text = (source_tree() / "conf" / f"{sample}.sample").read_text("utf-8")
        (folder / sample).write_text(re.sub(r"^PORT: .*$", f"PORT: {port}", text, flags=re.MULTILINE), "utf-8")
        server = LiveServer(("--python", str(source_tree() / "tac" / name)), folder, port)
        self.addCleanup(server.stop)
        server.start()
        return server

    def test_table(self) -> None:
        """trualias_table.tac runs the table server."""
        server = self.start("trualias_table.tac", "tcp_table_server.conf")
        self.assertEqual(b"200 baz\n", server.ask(b"get samissexy.34"))

    def test_virtual(self) -> None:
        """trualias_virtual.tac runs the virtual server."""
        server = self.start("trualias_virtual.tac", "tcp_virtual_server.conf")
        self.assertEqual(b"200 baz@example.com\n", server.ask(b"get samissexy.34@example.com"))
