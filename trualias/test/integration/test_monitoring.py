"""Tests of the Prometheus and Grafana files in ``install``, with real metrics and with promtool."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from twisted.trial.unittest import SynchronousTestCase

from trualias.test.test_metrics import CONFIGURATION, OPENMETRICS, samples
from trualias.testing.live import PATIENCE, LiveServer, free_port
from trualias.testing.requirements import require_program, source_tree


def leaves(tree: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield the path and the value of each leaf of a JSON document."""
    if isinstance(tree, (dict, list)):
        for key, below in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from leaves(below, f"{path}/{key}")
    elif tree is not None:
        yield path, tree


class MonitoringTests(SynchronousTestCase):
    """The alert rules and the dashboard, compared with a scrape of a real server."""

    def setUp(self) -> None:
        """Read the files."""
        self.install = source_tree() / "install"
        self.alerts = (self.install / "prometheus-alerts.yml").read_text("utf-8")
        self.dashboard = json.loads((self.install / "grafana-dashboard.json").read_text("utf-8"))

    def start(self) -> tuple[LiveServer, str]:
        """Start a table server with metrics and a store; return it and the URL of its site."""
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        port, metrics = free_port(), free_port()
        settings = f"PORT: {port}\nMETRICS: 127.0.0.1:{metrics}\nSTORE: sqlite:memory.sqlite\n"
        (folder / "tried.conf").write_text(settings + CONFIGURATION, "utf-8")
        server = LiveServer(("trualias-table", "-c", "tried.conf"), folder, port)
        self.addCleanup(server.stop)
        server.start()
        return server, f"http://127.0.0.1:{metrics}"

    def get(self, url: str, accept: str = OPENMETRICS) -> str:
        """Request a page of a real server; return the body."""
        request = urllib.request.Request(url, headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            body: bytes = response.read()
        return body.decode()

    def queries(self) -> Iterator[str]:
        """Yield each query of the alert rules and the dashboard."""
        yield from re.findall(r"^ +expr: (?:>-\n +)?(.+)$", self.alerts, re.MULTILINE)
        for panel in self.dashboard["panels"]:
            for target in panel["targets"]:
                yield target["expr"]

    def test_every_metric_exists(self) -> None:
        """A scrape of a real server has every metric and label that the files use."""
        server, url = self.start()
        self.assertEqual(server.ask(b"get foo-shop-5"), b"500 not found\n")
        self.assertEqual(self.get(f"{url}/healthz"), "ok\n")
        labels: dict[str, set[str]] = {}
        for name, given in samples(self.get(f"{url}/metrics")):
            labels.setdefault(name, {"instance", "job"}).update(label for label, _ in given)
        labels["up"] = {"instance", "job"}  # Prometheus' own
        queries = list(self.queries())
        self.assertGreater(len(queries), 30)
        for query in queries:
            named = re.findall(r"\b((?:trualias|process)_\w+|up\b)(?:\{([^}]*)\})?", query)
            self.assertTrue(named, query)
            known: set[str] = set()
            for name, selector in named:
                self.assertIn(name, labels, query)
                known |= labels[name]
                self.assertEqual(set(re.findall(r"(\w+) *(?:=|!=)", selector)) - labels[name], set(), query)
            for grouped in re.findall(r"\bby \(([^)]*)\)", query):
                self.assertEqual(set(re.split(", *", grouped)) - known, set(), query)

    def test_every_metric_is_used(self) -> None:
        """The dashboard shows every metric of trualias."""
        shown = " ".join(target["expr"] for panel in self.dashboard["panels"] for target in panel["targets"])
        _, url = self.start()
        names = {re.sub("_(bucket|count|sum)$", "_bucket", name) for name, _ in samples(self.get(f"{url}/metrics"))}
        self.assertEqual({name for name in names if name.startswith("trualias_") and name not in shown}, set())

    def test_every_metric_is_documented(self) -> None:
        """The documentation names every metric of trualias, and no others."""
        _, url = self.start()
        text = (source_tree() / "docs" / "metrics.rst").read_text("utf-8")
        names = {re.sub("_(bucket|count|sum)$", "", name) for name, _ in samples(self.get(f"{url}/metrics"))}
        self.assertEqual(
            set(re.findall(r"^``(trualias_\w+)``", text, re.MULTILINE)),
            {name for name in names if name.startswith("trualias_")},
        )

    def test_every_alert_is_documented(self) -> None:
        """The table of the alerts in the documentation has each alert rule, in their order, and no others."""
        text = (source_tree() / "docs" / "metrics.rst").read_text("utf-8")
        self.assertEqual(
            re.findall(r"^``(Trualias\w+)``", text, re.MULTILINE), re.findall(r"- alert: (\w+)", self.alerts)
        )

    def test_grafana(self) -> None:
        """Grafana's model of a dashboard preserves every value in the file that is not null."""
        known = dict(leaves(json.loads(JSONEncoder().encode(Dashboard.from_json(self.dashboard)))))
        ours = dict(leaves(self.dashboard))
        self.assertEqual(ours, {path: known.get(path) for path in ours})

    def test_dashboard(self) -> None:
        """No two panels overlap or have the same number, and each has a title and a description."""
        panels = self.dashboard["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        taken: set[tuple[int, int]] = set()
        for panel in panels:
            self.assertTrue(panel["title"] and panel["description"])
            grid = panel["gridPos"]
            cells = {
                (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
            }
            self.assertEqual(cells & taken, set(), panel["title"])
            self.assertLessEqual(grid["x"] + grid["w"], 24)
            taken |= cells

    def written(self, name: str, content: object) -> str:
        """Write a file for promtool as JSON, which is YAML; return its path."""
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        (folder / name).write_text(json.dumps(content), "utf-8")
        return str(folder / name)

    def promtool(self, *arguments: str, text: str | None = None) -> str:
        """Run promtool, installed or unpacked in ``build/prometheus``; return its output."""
        program = require_program("promtool", folders=(source_tree() / "build" / "prometheus",))
        done = subprocess.run(
            [program, *arguments],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_rules(self) -> None:
        """The alert rules are valid for Prometheus."""
        rules = self.alerts.count("- alert:")
        checked = self.promtool("check", "rules", str(self.install / "prometheus-alerts.yml"))
        self.assertIn(f"SUCCESS: {rules} rules found", checked)

    def test_alarms(self) -> None:
        """Each alert fires for its cause and no other; none fires without a cause."""
        well = {
            'up{job="trualias"}': "1x30",
            "trualias_configuration_current": "1x30",
            "trualias_configuration_fallback": "0x30",
            "trualias_configuration_unreachable": "0x30",
            "trualias_store_in_use": "1x30",
            "trualias_memory_dropped_total": "0x30",
            "trualias_memory_beyond_total": "0x30",
            "trualias_guesses_slowed_total": "0x30",
            "trualias_configuration_accounts_dropped": "1x30",
            "trualias_statements": "100x30",
            "trualias_accounts": "10x30",
            'trualias_requests_total{outcome="found"}': "0+6000x30",
            'trualias_requests_total{outcome="fault"}': "0x30",
            'trualias_requests_total{outcome="over_budget"}': "0x30",
            'trualias_requests_total{outcome="ambiguous"}': "0x30",
            "trualias_hook_failures_total": "0x30",
            'trualias_not_found_total{reason="wrong_code"}': "0+1x30",
            'trualias_not_found_total{reason="no_match"}': "0+6000x30",
            'trualias_wrong_codes_total{account="foo"}': "0+1x30",
            "trualias_connections": "700x30",
            "trualias_connections_limit": "1000x30",
            'trualias_connections_refused_total{reason="limit"}': "0x30",
            'trualias_request_duration_seconds_bucket{le="0.001"}': "0+6000x30",
            'trualias_request_duration_seconds_bucket{le="0.1"}': "0+6000x30",
            'trualias_request_duration_seconds_bucket{le="+Inf"}': "0+6000x30",
            'process_open_fds{job="trualias"}': "800x30",
            'process_max_fds{job="trualias"}': "1024x30",
        }
        once = "0x18 1x11"
        cases: list[tuple[dict[str, str], set[str]]] = [
            ({}, set()),
            ({'up{job="trualias"}': "0x30"}, {"TrualiasDown"}),
            ({"trualias_configuration_current": "0x30"}, {"TrualiasReloadFailing"}),
            ({"trualias_configuration_current": "1x17 0x12"}, set()),
            ({"trualias_configuration_fallback": "1x30"}, {"TrualiasFallback"}),
            ({"trualias_configuration_unreachable": "1x30"}, {"TrualiasUnreachable"}),
            ({"trualias_store_in_use": "0x30"}, {"TrualiasStoreLost"}),
            ({"trualias_memory_dropped_total": once}, {"TrualiasCountsLost"}),
            ({"trualias_memory_beyond_total": once}, {"TrualiasAddressesInvented"}),
            ({"trualias_guesses_slowed_total": "0+20x30"}, {"TrualiasGuessersSlowed"}),
            ({"trualias_guesses_slowed_total": "0+1x30"}, set()),
            ({"trualias_statements": "100x15 40x14"}, {"TrualiasContentLost"}),
            ({"trualias_statements": "100x15 60x14"}, set()),
            ({"trualias_configuration_accounts_dropped": "11x30"}, {"TrualiasAccountsDropped"}),
            ({'trualias_requests_total{outcome="fault"}': once}, {"TrualiasFaults"}),
            ({"trualias_hook_failures_total": once}, {"TrualiasHooksFailing"}),
            ({'trualias_requests_total{outcome="over_budget"}': once}, {"TrualiasOverBudget"}),
            ({'trualias_requests_total{outcome="ambiguous"}': once}, {"TrualiasAmbiguous"}),
            ({'trualias_wrong_codes_total{account="foo"}': "0+10x30"}, {"TrualiasGuessing"}),
            ({'trualias_not_found_total{reason="wrong_code"}': "0+30x30"}, {"TrualiasGuessingManyAccounts"}),
            ({"trualias_connections": "900x30"}, {"TrualiasConnectionLimit"}),
            ({'trualias_connections_refused_total{reason="limit"}': once}, {"TrualiasRefusing"}),
            ({'trualias_request_duration_seconds_bucket{le="0.001"}': "0+5900x30"}, {"TrualiasSlow"}),
            ({'process_open_fds{job="trualias"}': "900x30"}, {"TrualiasDescriptors"}),
        ]
        known = set(re.findall(r"- alert: (\w+)", self.alerts))
        self.assertEqual({alert for _, alerts in cases for alert in alerts}, known)
        tests = [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in {**well, **changed}.items()],
                "promql_expr_test": [
                    {
                        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                        "eval_time": "20m",
                        "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in alerts],
                    }
                ],
            }
            for changed, alerts in cases
        ]
        rules = str(self.install / "prometheus-alerts.yml")
        self.promtool("test", "rules", self.written("tests.yml", {"rule_files": [rules], "tests": tests}))

    def test_queries(self) -> None:
        """Every query of the dashboard is valid for Prometheus."""
        replaced = {"$__rate_interval": "1m", "$instance": ".*"}
        rules = []
        for number, query in enumerate(self.queries()):
            for variable, value in replaced.items():
                query = query.replace(variable, value)
            rules.append({"record": f"query_{number}", "expr": query})
        groups = {"groups": [{"name": "dashboard", "rules": rules}]}
        self.promtool("check", "rules", self.written("queries.yml", groups))

    def test_metrics(self) -> None:
        """promtool reports no problem in a scrape."""
        _, url = self.start()
        self.assertEqual(self.promtool("check", "metrics", text=self.get(f"{url}/metrics", "text/plain")), "")
