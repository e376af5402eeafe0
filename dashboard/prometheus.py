"""A real Prometheus that reads the metrics of one server."""

import json
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from trualias.testing.live import PATIENCE, free_port, is_listening, wait_until


class Prometheus:
    """A Prometheus, *program*, whose files are in *folder*; it reads the metrics at *target* each *interval* seconds.

    *target* is an address and a port. It listens on a free port of 127.0.0.1.
    """

    def __init__(self, program: str, folder: Path, target: str, interval: int = 1) -> None:
        self.interval = interval
        self._port = free_port()
        self._log = folder / "prometheus.log"
        configuration = {
            "global": {"scrape_interval": f"{interval}s", "scrape_timeout": f"{interval}s"},
            "scrape_configs": [{"job_name": "trualias", "static_configs": [{"targets": [target]}]}],
        }
        (folder / "prometheus.yml").write_text(json.dumps(configuration), "utf-8")  # JSON is YAML
        self._command = (
            program,
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            f"--web.listen-address=127.0.0.1:{self._port}",
        )
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; return when it answers. Raises AssertionError if it does not."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, cwd=self._folder, stdout=log, stderr=log)
        wait_until(lambda: is_listening(self._port), "a Prometheus", lambda: self._log.read_text("utf-8"))
        wait_until(self._is_reading, "a first scrape", lambda: self._log.read_text("utf-8"))

    def stop(self) -> None:
        """Stop it and wait for its end; do nothing if it does not run."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None

    def get(self, name: str, parameters: dict[str, str]) -> dict[str, Any]:
        """Return the data of an answer of the HTTP API: ``query``, ``query_range``. Raises URLError for an error."""
        url = f"http://127.0.0.1:{self._port}/api/v1/{name}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:
            data: dict[str, Any] = json.load(response)["data"]
        return data

    def _is_reading(self) -> bool:
        try:
            return bool(self.get("query", {"query": "up == 1"})["result"])
        except OSError:  # 503 while it starts
            return False
