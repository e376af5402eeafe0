"""Tests of the data of ``install/grafana-dashboard.json`` and of ``python -m dashboard``, with a real Prometheus."""

from pathlib import Path
from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

from dashboard.observation import observe
from dashboard.panels import Panel, evaluate
from dashboard.pictures import draw
from dashboard.prometheus import Prometheus
from dashboard.scenario import CONNECTIONS
from trualias.testing.requirements import require_program, source_tree

# Panels with a series that must have been above 0.
RISEN = (
    ("Requests by outcome", "found"),
    ("Requests by outcome", "not_found"),
    ("Requests by outcome", "fault"),
    ("Requests by protocol and server", "tcp_table table"),
    ("Requests by protocol and server", "socketmap table"),
    ("Requests by protocol and server", "policy access"),
    ("Guessing: wrong codes by account", "foo"),
    ("Guessing: wrong codes by account", "baz"),
    ("Not found, by reason", "wrong_code"),
    ("Not found, by reason", "no_match"),
    ("Latency", "half"),
    ("Latency", "99 of 100"),
    ("Latency", "mean"),
    ("Connections refused", "limit"),
    ("Reloads and hooks", "reloads failed"),
    ("Reloads and hooks", "hook failures"),
    ("Slow hooks and dropped log messages", "slow hooks"),
    ("Mail to aliases", "accepted"),
    ("Guesses", "guesses"),
    ("Guesses", "deferred"),
)


class NothingKnown(Prometheus):
    """A Prometheus without any data."""

    def __init__(self) -> None:
        self.interval = 1

    def get(self, name: str, parameters: dict[str, str]) -> dict[str, object]:
        """Return no series, as Prometheus does for a metric that does not exist."""
        return {"resultType": "matrix", "result": []}


class DashboardTests(SynchronousTestCase):
    """The panels of a server that gets requests, guesses, faults, too many clients and a wrong file."""

    def test_panels(self) -> None:
        """Each query of each panel has data, the panels show what happened, and each is drawn with its title."""
        program = require_program("prometheus", folders=(source_tree() / "build" / "prometheus",))
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        observation = observe(program, folder, 12.5)
        self.assertEqual(22, len(observation.panels))
        self.data = {panel.title: data for panel, data in observation.panels}
        for title, name in RISEN:
            self.assertGreater(max(self.values(title, name)), 0, f"{title}: {name}")
        self.assertEqual(CONNECTIONS, max(self.values("Connections", "open")))
        self.assertEqual({CONNECTIONS}, set(self.values("Connections", "limit")))
        self.assertEqual({0, 1}, set(self.values("Configuration current", "")))
        self.assertEqual({2}, set(self.values("Statements and accounts", "statements")))
        self.assertEqual({2}, set(self.values("Statements and accounts", "accounts")))
        for panel, data in observation.panels:
            path = folder / "panel.svg"
            draw(panel, data, observation.start, path)
            texts = {
                "".join(text.itertext()) for text in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")
            }
            self.assertIn(panel.title, texts)
            if panel.kind == "timeseries":
                self.assertEqual(set(), {one.name for one in data} - texts, panel.title)

    def values(self, title: str, name: str) -> list[float]:
        """Return the values of the only series of a panel whose name is *name*, or that and the server."""
        found = [one for one in self.data[title] if one.name in (name, f"{name} {one.labels.get('instance')}".strip())]
        self.assertEqual(1, len(found), f"{title}: {[one.name for one in self.data[title]]}")
        return [value for _, value in found[0].samples]

    def test_no_data(self) -> None:
        """A query without data is an error, which names the panel and the query."""
        panel = Panel(1, "stat", "Up", "", "short", (('renamed{instance=~"$instance"}[$__rate_interval]', ""),))
        error = self.assertRaises(AssertionError, evaluate, panel, NothingKnown(), 0.0, 1.0, 1.0)
        self.assertEqual('Up: no data for renamed{instance=~".*"}[4s]', str(error))

    def test_documents(self) -> None:
        """The documents have a picture of each panel."""
        folder = source_tree() / "docs" / "dashboard"
        self.assertEqual({f"panel-{number}.svg" for number in range(1, 23)}, {path.name for path in folder.iterdir()})
