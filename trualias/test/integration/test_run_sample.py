"""Tests of ``./run-sample`` in a tree where everything is installed already, as the second time."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.testing.live import ENVIRONMENT, PATIENCE, free_port, is_serving, wait_until
from trualias.testing.requirements import find_program, source_tree

FOLDERS = ("trualias", "twisted", "conf", "install", "tac")
SAMPLE = "conf/tcp_table_server.conf.sample"


class RunSampleTests(SynchronousTestCase):
    """A tree with the script and the sample, whose environment runs the trualias under test."""

    def setUp(self) -> None:
        """Make the tree."""
        self.root = Path(self.mktemp()).absolute()
        for folder in (*FOLDERS, ".venv/bin"):
            (self.root / folder).mkdir(parents=True)
        for name in ("run-sample", "pyproject.toml", "setup.py"):
            shutil.copy(source_tree() / name, self.root / name)
        self.port = free_port()
        text = (source_tree() / SAMPLE).read_text("utf-8")
        (self.root / SAMPLE).write_text(text.replace("PORT: 3047", f"PORT: {self.port}"), "utf-8")
        program = self.root / ".venv/bin/trualias"
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m trualias "$@"\n')
        program.chmod(0o755)
        (self.root / "main.cf").touch()  # postmap needs one
        (self.root / ".venv/installed-sample").touch()
        soon = time.time() + 1
        os.utime(self.root / ".venv/installed-sample", (soon, soon))
        self.log = self.root / "log"

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the script with its output in ``log``."""
        with self.log.open("wb") as output:
            process = subprocess.Popen("./run-sample", cwd=self.root, env=ENVIRONMENT, stdout=output, stderr=output)
        self.addCleanup(process.wait, PATIENCE)
        self.addCleanup(process.terminate)
        return process

    def test_second_time(self) -> None:
        """Nothing is installed; the script ends with three commands, which work; a signal stops the server."""
        process = self.start()
        wait_until(
            lambda: process.poll() is not None or "compose" in self.log.read_text(), "the hints", self.log.read_text
        )
        printed = self.log.read_text()
        self.assertTrue(printed.startswith(f"Starting the table server with {SAMPLE}; Ctrl-C stops it ...\n"), printed)
        last = printed.split("\n")[-4:-1]
        self.assertEqual(["postmap", ".venv/bin/trualias", ".venv/bin/trualias"], [line.split()[0] for line in last])
        readme = re.findall(r"^    \$ (.*)$", (source_tree() / "README.rst").read_text("utf-8"), re.MULTILINE)
        self.assertEqual(readme[:3], [line.strip() for line in last])
        environment = {**ENVIRONMENT, "MAIL_CONFIG": str(self.root)}
        for line, status in zip(last, (0, 1, 0), strict=True):
            command = shlex.split(line.replace(":3047", f":{self.port}"))
            if find_program(command[0]) or command[0].startswith(".venv"):
                done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, check=False)
                self.assertEqual(status, done.returncode, (line, done))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(0, process.wait(PATIENCE))
        self.assertFalse(is_serving(self.port))

    def test_runs_already(self) -> None:
        """A second one says that the server runs, and ends; the first one serves on."""
        process = self.start()
        wait_until(
            lambda: process.poll() is not None or "compose" in self.log.read_text(), "the hints", self.log.read_text
        )
        second = subprocess.run("./run-sample", cwd=self.root, env=ENVIRONMENT, capture_output=True, check=False)
        expected = f"A server with {SAMPLE} runs already; stop it with Ctrl-C in its terminal, or use it.\n"
        self.assertEqual((1, expected, ""), (second.returncode, second.stdout.decode(), second.stderr.decode()))
        self.assertTrue(is_serving(self.port))

    def test_error(self) -> None:
        """A sample with an error ends the script with the error and its status."""
        with (self.root / SAMPLE).open("a") as sample:
            sample.write("ACCOUNT\n")
        os.utime(self.root / ".venv/installed-sample", (time.time() + 1,) * 2)
        process = self.start()
        self.assertEqual(2, process.wait(PATIENCE))
        self.assertIn(f"{SAMPLE}:", self.log.read_text())

    def test_changed(self) -> None:
        """After a change of the source, the environment is made anew: here by a Python that does not exist."""
        (self.root / "trualias/new.py").touch()
        os.utime(self.root / "trualias/new.py", (time.time() + 5,) * 2)
        done = subprocess.run(
            "./run-sample",
            cwd=self.root,
            env={**ENVIRONMENT, "PYTHON": "/nonexistent/python"},
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(127, done.returncode)
        self.assertEqual(
            "Installing trualias and the packages that it needs into .venv (the first time about a minute) ...\n",
            done.stdout,
        )
