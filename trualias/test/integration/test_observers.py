"""Tests of ``trualias.observers`` in twistd."""

import json
import os
import socket
import subprocess
import tempfile

from twisted.trial.unittest import SynchronousTestCase

from trualias.testing.live import ENVIRONMENT, PATIENCE, TWISTD


class TwistdTests(SynchronousTestCase):
    """The observers in twistd."""

    def run_server(self, logger: str, environment: dict[str, str], stderr: int) -> None:
        """Run a server that ends at once because its port is in use."""
        folder = self.mktemp()
        os.mkdir(folder)
        with socket.create_server(("127.0.0.1", 0)) as other:
            with open(f"{folder}/a.conf", "w", encoding="utf-8") as configuration:
                configuration.write(f"PORT: {other.getsockname()[1]}\n")
            subprocess.run(
                (*TWISTD, "--nodaemon", "--pidfile=", "--logger", logger, "trualias-table", "-c", "a.conf"),
                cwd=folder,
                env={**ENVIRONMENT, **environment},
                stderr=stderr,
                timeout=PATIENCE,
                check=False,
            )

    def test_journal(self) -> None:
        """A critical message has its priority if standard error is connected to the journal."""
        with tempfile.TemporaryFile("w+") as stream:
            status = os.fstat(stream.fileno())
            environment = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
            self.run_server("trualias.observers.journal", environment, stream.fileno())
            stream.seek(0)
            self.assertIn("<2>[trualias.server.listening] Cannot listen on tcp:", stream.read())

    def test_json_lines(self) -> None:
        """Every line of the log is JSON."""
        with tempfile.TemporaryFile("w+") as stream:
            self.run_server("trualias.observers.json_lines", {}, stream.fileno())
            stream.seek(0)
            entries = [json.loads(line) for line in stream]
            self.assertIn(
                ("critical", "trualias.server.listening"), [(entry["level"], entry["from"]) for entry in entries]
            )
