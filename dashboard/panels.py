"""The panels of the dashboard, and their data."""

import json
import math
import re
from pathlib import Path
from typing import Any

from attrs import frozen

from dashboard.prometheus import Prometheus

DASHBOARD = Path(__file__).resolve().parent.parent / "install" / "grafana-dashboard.json"


@frozen
class Series:
    """A line of a panel: its name in the legend, and its samples as seconds since 1970 and value."""

    name: str
    labels: dict[str, str]
    samples: list[tuple[float, float]]


@frozen
class Panel:
    """A panel of the dashboard. *kind* is Grafana's name: ``stat``, ``timeseries`` or ``heatmap``."""

    number: int
    kind: str
    title: str
    description: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    """Each query in PromQL with Grafana's variables, and the pattern of its legend."""
    thresholds: tuple[tuple[float, str], ...] = ()
    """The least values of the colours of a ``stat`` panel, in ascending order, with the names of the colours."""


def panels() -> list[Panel]:
    """Return the panels in the order of the file."""
    return [
        Panel(
            panel["id"],
            panel["type"],
            panel["title"],
            panel["description"],
            panel["fieldConfig"]["defaults"]["unit"],
            tuple((target["expr"], target["legendFormat"]) for target in panel["targets"]),
            tuple(
                (-math.inf if step["value"] is None else step["value"], step["color"])
                for step in panel["fieldConfig"]["defaults"].get("thresholds", {"steps": []})["steps"]
            ),
        )
        for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    ]


def evaluate(panel: Panel, prometheus: Prometheus, start: float, end: float, step: float) -> list[Series]:
    """Return the data of a panel between two times, in seconds since 1970, in steps of seconds.

    Raises AssertionError if one of its queries has no data.
    """
    found: list[Series] = []
    for query, legend in panel.queries:
        # Grafana's $__rate_interval is four times the interval of the scrapes.
        query = query.replace("$__rate_interval", f"{4 * prometheus.interval}s").replace("$instance", ".*")
        parameters = {"query": query, "start": f"{start}", "end": f"{end}", "step": f"{step}"}
        series = [_series(one, legend) for one in prometheus.get("query_range", parameters)["result"]]
        series = [one for one in series if one.samples]
        assert series, f"{panel.title}: no data for {query}"
        found += series
    return found


def _series(answer: dict[str, Any], legend: str) -> Series:
    """Return a series of Prometheus' answer, without the samples that are not numbers."""
    labels: dict[str, str] = answer["metric"]
    name = re.sub(r"{{(\w+)}}", lambda label: labels.get(label[1], ""), legend)
    samples = [(float(at), float(value)) for at, value in answer["values"]]
    return Series(name, labels, [(at, value) for at, value in samples if math.isfinite(value)])
