"""The data of all panels, from one run of the scenario."""

import time
from contextlib import ExitStack
from pathlib import Path

from attrs import frozen

from dashboard.panels import Panel, Series, evaluate, panels
from dashboard.prometheus import Prometheus
from dashboard.scenario import Scenario

SAMPLES = 100
"""The most samples of a series: one every second, or fewer in a long run."""


@frozen
class Observation:
    """The panels with their data; *start* is the time at which it began, in seconds since 1970."""

    start: float
    panels: list[tuple[Panel, list[Series]]]


def observe(program: str, folder: Path, seconds: float, interval: int = 1) -> Observation:
    """Run the scenario for some seconds, in *folder*, and read the panels from the Prometheus at the path *program*.

    It reads the metrics each *interval* seconds, 1 or 2. Raises AssertionError if a query has no data, or a reply of
    the server is wrong.
    """
    with ExitStack() as stack:
        scenario = Scenario(folder)
        stack.callback(scenario.server.stop)
        scenario.server.start()
        prometheus = Prometheus(program, folder, f"127.0.0.1:{scenario.metrics}", interval)
        stack.callback(prometheus.stop)
        prometheus.start()
        start = time.time()
        scenario.run(seconds)
        end = time.time()
        step = max(float(prometheus.interval), (end - start) / SAMPLES)
        return Observation(start, [(panel, evaluate(panel, prometheus, start, end, step)) for panel in panels()])
