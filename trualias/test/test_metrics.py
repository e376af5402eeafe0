"""Tests of ``trualias.web.prometheus``, of the counting of requests for it, and of the site of a server process."""

from collections.abc import Callable

from prometheus_client import PROCESS_COLLECTOR
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

import trualias
from trualias.configuration import parse_configuration
from trualias.configuration.tables import Table
from trualias.lookup import Answer, BudgetExceeded, CurrentSnapshot, Found, Lookup, Snapshot
from trualias.lookup.hooks import Hooks, slow_calls
from trualias.monitoring.counters import DETAILED_OUTCOMES, Counters, LoadCounters
from trualias.monitoring.memory_counters import MemoryCounters
from trualias.monitoring.process_counters import process_counters
from trualias.protocols import wire
from trualias.protocols.clients import Clients
from trualias.protocols.connection import ClientFactory
from trualias.protocols.socketmap import SocketmapFactory
from trualias.protocols.tcp_table import TableFactory
from trualias.server.web_service import make_site
from trualias.test.test_site import HalfClosingTransport
from trualias.web.prometheus import OTHERS, OUTCOME_LABELS, MetricsPage, ServerCollector

CONFIGURATION = """
ALIAS DOMAINS: example.com
ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHARS();
ACCOUNT bar MATCHES %account%-%alpha%-%code% WITH CHARS();
ACCOUNT one MATCHES same-%alpha%-%code% WITH CHARS();
ACCOUNT two MATCHES same-%ident%-%code% WITH CHARS();
"""

OPENMETRICS = "application/openmetrics-text; version=1.0.0"

Sample = tuple[str, frozenset[tuple[str, str]]]


def samples(exposition: str) -> dict[Sample, float]:
    """Parse an exposition with the strict parser of ``prometheus_client``; return the values by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def sample(name: str, **labels: str) -> Sample:
    """Make the key of a sample."""
    return f"trualias_{name}", frozenset(labels.items())


class Listener:
    """An endpoint that is listened on or not."""

    def __init__(self, description: str, listening: bool) -> None:
        self.description = description
        self.listening = listening


class Health:
    """A part of the process with a problem or remarks."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.notes: list[str] = []

    def problem(self) -> str | None:
        """Return the problem."""
        return self.reason

    def remarks(self) -> list[str]:
        """Return the remarks."""
        return self.notes


class MetricsTestCase(SynchronousTestCase):
    """The parts of a server process in memory."""

    def setUp(self) -> None:
        """Make the parts."""
        self.counters = Counters()
        self.clients = Clients(limit=3, counters=self.counters)
        self.current = CurrentSnapshot(Snapshot(parse_configuration(CONFIGURATION, "tried.conf")))
        self.loads = LoadCounters(1000.5)
        self.now = 0.0
        self.reactor = Clock()
        self.listeners = [Listener("tcp:1", True)]
        self.health = Health()
        self.site = make_site(
            self.reactor,
            self.clients,
            self.counters,
            self.current,
            self.loads,
            self.listeners,
            names=("metrics.example.com",),
            health=[self.health],
        )

    def clock(self) -> float:
        """Return the time, which only the test changes."""
        return self.now

    def ask(self, factory: ClientFactory, *requests: bytes) -> bytes:
        """Send each request on a new connection, and close it; return the replies."""
        replies = b""
        for request in requests:
            protocol = factory.buildProtocol(None)
            assert protocol is not None
            transport = StringTransport()
            protocol.makeConnection(transport)
            protocol.dataReceived(request)
            replies += transport.value()
            protocol.connectionLost()
        return replies

    def table(self) -> TableFactory:
        """Make a table server."""
        return TableFactory(self.reactor, self.current, Table.LOCAL_PART, self.clock, self.clients)

    def virtual(self) -> TableFactory:
        """Make a virtual server."""
        return TableFactory(self.reactor, self.current, Table.VIRTUAL, self.clock, self.clients)

    def get(
        self, path: str, accept: str | bytes = OPENMETRICS, method: str = "GET", host: str = "127.0.0.1"
    ) -> tuple[str, dict[str, str], str]:
        """Request a page, and let a second pass; return the status line, the header fields and the body."""
        connection = self.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
        assert connection is not None
        transport = HalfClosingTransport()
        connection.makeConnection(transport)
        accept = accept.encode() if isinstance(accept, str) else accept
        connection.dataReceived(
            f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n".encode() + b"Accept: " + accept + b"\r\n\r\n"
        )
        self.reactor.advance(MetricsPage.LIFETIME)
        connection.connectionLost()
        head, _, body = transport.value().decode().partition("\r\n\r\n")
        status, *fields = head.split("\r\n")
        return status, {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}, body

    def scrape(self) -> dict[Sample, float]:
        """Scrape all samples."""
        return samples(self.get("/metrics")[2])

    def nonzero(self, name: str) -> dict[Sample, float]:
        """Scrape the samples of a name that are not 0."""
        return {key: value for key, value in self.scrape().items() if key[0] == f"trualias_{name}" and value}


class RequestTests(MetricsTestCase):
    """Requests, by their outcome."""

    def test_outcomes(self) -> None:
        """Each request counts once, by its outcome, for its server."""
        table, virtual = self.table(), self.virtual()
        self.ask(table, b"get foo-shop-4\n", b"get foo-shop-5\n", b"get nobody\n", b"get same-shop-4\n", b"foo\n")
        self.ask(table, b"stats\n", b"get %ff\n")
        self.ask(virtual, b"get foo-shop-4@example.com\n", b"get foo-shop-4\n", b"get foo-shop-4@example.org\n")
        self.ask(virtual, b"get foo-shop-5@example.com\n")
        on_table, on_virtual = (
            {"protocol": "tcp_table", "server": "table"},
            {"protocol": "tcp_table", "server": "virtual"},
        )
        self.assertEqual(
            self.nonzero("requests_total"),
            {
                sample("requests_total", outcome="found", **on_table): 1,
                sample("requests_total", outcome="not_found", **on_table): 3,
                sample("requests_total", outcome="ambiguous", **on_table): 1,
                sample("requests_total", outcome="bad", **on_table): 2,  # statistics are off
                sample("requests_total", outcome="found", **on_virtual): 1,
                sample("requests_total", outcome="not_found", **on_virtual): 3,
            },
        )
        self.assertEqual(
            self.nonzero("not_found_total"),
            {
                sample("not_found_total", reason="wrong_code", **on_table): 1,
                sample("not_found_total", reason="no_match", **on_table): 2,
                sample("not_found_total", reason="wrong_code", **on_virtual): 1,
                sample("not_found_total", reason="no_domain", **on_virtual): 1,
                sample("not_found_total", reason="unknown_domain", **on_virtual): 1,
            },
        )
        self.assertEqual(self.nonzero("wrong_codes_total"), {sample("wrong_codes_total", account="foo"): 2})

    def test_every_result(self) -> None:
        """Each detailed outcome belongs to exactly one label."""
        self.assertEqual(
            sorted(counted for label in OUTCOME_LABELS.values() for counted in label), sorted(DETAILED_OUTCOMES)
        )

    def test_kept_replies(self) -> None:
        """A cached reply counts each time that it is sent."""
        table = self.table()
        replies = self.ask(table, *[b"get foo-shop-5\n", b"get nobody\n", b"get foo-shop-4\n"] * 4)
        self.assertEqual(replies, b"500 not found\n500 not found\n200 foo\n" * 4)
        self.assertEqual(len(table.cache.recent), 3)
        on_table = {"protocol": "tcp_table", "server": "table"}
        self.assertEqual(
            self.nonzero("not_found_total"),
            {
                sample("not_found_total", reason="wrong_code", **on_table): 4,
                sample("not_found_total", reason="no_match", **on_table): 4,
            },
        )
        self.assertEqual(self.nonzero("wrong_codes_total"), {sample("wrong_codes_total", account="foo"): 4})
        self.assertEqual(
            self.nonzero("request_duration_seconds_count"), {sample("request_duration_seconds_count", **on_table): 12}
        )

    def test_kept_wrong_codes_of_many_readings(self) -> None:
        """A wrong code counts each time that its cached reply is sent, even if its readings were counted."""
        self.current.snapshot = Snapshot(
            parse_configuration("ACCOUNT foo MATCHES %alnum%x%alpha%.%code% WITH CHARS(2);", "tried.conf")
        )
        table = self.table()
        key = b"1x" * 12 + b"abc"
        replies = self.ask(table, *[b"get %b.9\n" % key, b"get %b.3\n" % key] * 3)
        self.assertEqual(replies, b"500 not found\n200 foo\n" * 3)
        self.assertEqual(len(table.cache.recent), 2)
        self.assertEqual(self.nonzero("wrong_codes_total"), {sample("wrong_codes_total", account="foo"): 3})
        self.assertEqual(
            self.nonzero("not_found_total"),
            {sample("not_found_total", reason="wrong_code", protocol="tcp_table", server="table"): 3},
        )

    def test_several_shapes(self) -> None:
        """A near miss of several accounts is one request, and a wrong code of each account."""
        self.ask(self.table(), b"get same-shop-5\n")
        self.assertEqual(
            self.nonzero("wrong_codes_total"),
            {sample("wrong_codes_total", account="one"): 1, sample("wrong_codes_total", account="two"): 1},
        )
        self.assertEqual(sum(self.nonzero("not_found_total").values()), 1)

    def test_socketmap(self) -> None:
        """Requests of socketmap count for their map, or for ``none`` if there is no such map."""
        factory = SocketmapFactory(self.reactor, self.current, self.clock, self.clients)
        self.ask(factory, b"16:table foo-shop-4,", b"16:table foo-shop-5,", b"16:table foo-shop-5,")
        self.ask(factory, b"30:virtual foo-shop-4@example.com,", b"10:other some,", b"4:what,")
        speaks = {"protocol": "socketmap"}
        self.assertEqual(
            self.nonzero("requests_total"),
            {
                sample("requests_total", outcome="found", server="table", **speaks): 1,
                sample("requests_total", outcome="not_found", server="table", **speaks): 2,
                sample("requests_total", outcome="found", server="virtual", **speaks): 1,
                sample("requests_total", outcome="bad", server="none", **speaks): 2,
            },
        )
        self.assertEqual(self.nonzero("wrong_codes_total"), {sample("wrong_codes_total", account="foo"): 2})

    def test_hooks(self) -> None:
        """A lookup that failed in a hook counts as a fault, and as a failure of a hook."""

        def fail(name: str, domain: str | None) -> tuple[str, str | None]:
            raise ValueError(name)

        def keep(name: str, domain: str | None) -> tuple[str, str | None]:
            return name, domain

        def forget(name: str, domain: str | None) -> tuple[str, str | None]:
            return "", domain

        configuration = self.current.snapshot.configuration
        for hooks in (Hooks("m", fail, keep), Hooks("m", keep, fail), Hooks("m", keep, forget)):
            self.current.snapshot = Snapshot(configuration, hooks)
            self.assertEqual(self.ask(self.table(), b"get foo-shop-4\n")[:4], b"400 ")
        self.assertEqual(len(self.flushLoggedErrors()), 3)
        self.assertEqual(self.nonzero("hook_failures_total"), {sample("hook_failures_total"): 3})
        on_table = {"protocol": "tcp_table", "server": "table"}
        self.assertEqual(self.nonzero("requests_total"), {sample("requests_total", outcome="fault", **on_table): 3})

    def test_process_counters(self) -> None:
        """Dropped messages of the log and slow calls of hooks are counted."""
        dropped = {sample("log_messages_dropped_total"): 2.0}
        slow = {sample("hook_slow_total"): 3.0}
        self.patch(process_counters, "log_messages_dropped", 2)
        self.patch(slow_calls, "count", 3)
        self.assertEqual((dropped, slow), (self.nonzero("log_messages_dropped_total"), self.nonzero("hook_slow_total")))

    def test_temporary_errors(self) -> None:
        """A lookup over its budget counts separately from one that failed, or whose value cannot be sent."""

        def failing(key: str) -> Answer:
            raise ValueError(key)

        def answering(answer: Answer) -> Lookup:
            return lambda key: answer

        on_table = {"protocol": "tcp_table", "server": "table"}
        factory = self.table()
        for lookup in (answering(BudgetExceeded()), failing, answering(Found("a" * 5000, "a"))):
            self.current.snapshot.tables = {Table.LOCAL_PART: lookup}
            self.assertEqual(self.ask(factory, b"get some\n" * 2), wire.FAULT * 2)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)
        self.assertEqual(
            self.nonzero("requests_total"),
            {
                sample("requests_total", outcome="over_budget", **on_table): 2,
                sample("requests_total", outcome="fault", **on_table): 4,
            },
        )
        self.assertEqual(self.nonzero("hook_failures_total"), {})

    def test_debug_account(self) -> None:
        """An ambiguous address counts as ambiguous also if it goes to the DEBUG ACCOUNT."""
        self.current.snapshot = Snapshot(parse_configuration(f"DEBUG ACCOUNT: debug\n{CONFIGURATION}", "tried.conf"))
        self.assertEqual(self.ask(self.table(), b"get same-shop-4\n"), b"200 debug\n")
        on_table = {"protocol": "tcp_table", "server": "table"}
        self.assertEqual(self.nonzero("requests_total"), {sample("requests_total", outcome="ambiguous", **on_table): 1})

    def test_duration(self) -> None:
        """Each request is in the first bucket of the histogram whose bound it does not exceed."""
        factory = self.table()
        for seconds in (0.0, 0.000005, 0.000006, 0.000015, 0.00009, 0.3):
            protocol = factory.buildProtocol(None)
            assert protocol is not None
            transport = StringTransport()
            write = transport.write

            def slow(data: bytes, seconds: float = seconds, write: Callable[[bytes], None] = write) -> None:
                self.now += seconds
                write(data)

            transport.write = slow  # type: ignore[method-assign]
            protocol.makeConnection(transport)
            protocol.dataReceived(b"get foo-shop-4\n")
            protocol.connectionLost()
        pair = {"protocol": "tcp_table", "server": "table"}
        seen = self.scrape()
        expected = {"5e-06": 2, "1e-05": 3, "2e-05": 4, "5e-05": 4, "0.0001": 5, "0.1": 5, "+Inf": 6}
        self.assertEqual(
            {end: seen[sample("request_duration_seconds_bucket", le=end, **pair)] for end in expected}, expected
        )
        self.assertEqual(seen[sample("request_duration_seconds_count", **pair)], 6)
        self.assertAlmostEqual(seen[sample("request_duration_seconds_sum", **pair)], 0.300116)

    def test_without_metrics(self) -> None:
        """Without metrics, replies have no counters."""
        self.clients.counters = None
        table = self.table()
        self.ask(table, *[b"get foo-shop-5\n", b"get foo-shop-6\n", b"get nobody\n"] * 2)
        kept = table.cache.recent.values()
        self.assertEqual([(reply.counters, reply.wrong_codes) for reply in kept], [(None, ())] * 3)
        self.assertEqual(self.nonzero("requests_total"), {})


class ProcessTests(MetricsTestCase):
    """Metrics of connections and the configuration."""

    def test_connections(self) -> None:
        """Connected clients are counted, and refused ones by reason."""
        factory = self.table()
        for _ in range(4):
            protocol = factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
            if protocol is not None:
                protocol.makeConnection(StringTransport())
        self.assertIsNone(factory.buildProtocol(IPv4Address("TCP", "192.0.2.1", 1)))
        seen = self.scrape()
        self.assertEqual(seen[sample("connections")], 3)
        self.assertEqual(seen[sample("connections_limit")], 3)
        self.assertEqual(seen[sample("connections_refused_total", reason="limit")], 1)
        self.assertEqual(seen[sample("connections_refused_total", reason="network")], 1)

    def test_configuration(self) -> None:
        """The size of the configuration in use and the loads are counted."""
        self.loads.succeed(2000.25)
        self.loads.fail()
        self.loads.unreachable, self.loads.fallback, self.loads.accounts_dropped = True, "the kept copy", 7
        seen = self.scrape()
        names = (
            "statements",
            "accounts",
            "reloads_total",
            "reloads_failed_total",
            "configuration_current",
            "configuration_unreachable",
            "configuration_fallback",
            "configuration_accounts_dropped",
            "configuration_loaded_timestamp_seconds",
        )
        self.assertEqual([seen[sample(name)] for name in names], [4, 4, 2, 1, 0, 1, 1, 7, 2000.25])
        [build] = [dict(labels) for name, labels in seen if name == "trualias_build_info"]
        self.assertEqual(build["version"], trualias.__version__)

    def test_store(self) -> None:
        """Without a store there is no metric of it; with one it is 1, or 0 while it is not used."""
        self.assertNotIn(sample("store_in_use"), self.scrape())
        for in_use in (True, False):
            self.loads.store_in_use = in_use
            self.assertEqual(int(in_use), self.scrape()[sample("store_in_use")])

    def test_memory(self) -> None:
        """With a store there are the counts of the mail for aliases."""
        self.assertFalse([name for name, _ in self.scrape() if name.startswith("trualias_memory")])
        self.loads.store_in_use = True
        self.loads.memory = MemoryCounters(accepted=1, refused=2, dropped=3, pending=4, unattributed=5, beyond=6)
        seen = self.scrape()
        outcomes = [seen[sample("memory_deliveries_total", outcome=outcome)] for outcome in ("accepted", "refused")]
        names = ("memory_dropped_total", "memory_pending", "memory_unattributed_total", "memory_beyond_total")
        self.assertEqual([1, 2, 3, 4, 5, 6], outcomes + [seen[sample(name)] for name in names])

    def test_reload(self) -> None:
        """The accounts with counters are those of the configuration in use, each from 0."""
        self.counters.configure(self.current.snapshot.configuration)
        self.ask(self.table(), b"get foo-shop-5\n")
        self.current.snapshot = Snapshot(parse_configuration(CONFIGURATION.replace("foo", "new"), "tried.conf"))
        self.counters.configure(self.current.snapshot.configuration)
        seen = {
            dict(labels)["account"]: value for (name, labels), value in self.scrape().items() if "wrong_codes" in name
        }
        self.assertEqual(seen, {"bar": 0, "new": 0, "one": 0, "two": 0, OTHERS: 0})

    def test_accounts_are_escaped(self) -> None:
        """Characters of an account that are escaped in labels are the same after parsing."""
        for account in ('a"b', "a\\b", "a{b}"):
            self.counters.wrong_codes.counter(account)[0] += 1
        self.assertEqual(
            {dict(labels)["account"] for _, labels in self.nonzero("wrong_codes_total")}, {'a"b', "a\\b", "a{b}"}
        )


class SiteTests(MetricsTestCase):
    """The pages of the site, and the clients that may connect."""

    def test_openmetrics(self) -> None:
        """A client that accepts OpenMetrics gets it."""
        status, fields, body = self.get("/metrics")
        self.assertEqual(status, "HTTP/1.1 200 OK")
        self.assertTrue(fields["content-type"].startswith(OPENMETRICS), fields)
        self.assertTrue(body.endswith("# EOF\n"))

    def test_plain(self) -> None:
        """Any other client, such as a browser, gets the older text format."""
        _, fields, body = self.get("/metrics", "*/*")
        self.assertTrue(fields["content-type"].startswith("text/plain"), fields)
        self.assertIn("trualias_statements 4.0\n", body)

    def test_formats(self) -> None:
        """OpenMetrics is chosen in its version 1 alone, among other types too; there are no more than two formats."""
        text, other = "text/plain; version=0.0.4; charset=utf-8", "application/openmetrics-text"
        for accept, content_type in (
            (f"{other};version=1.0.0;escaping=allow-utf-8;q=0.6,{other};version=0.0.1;q=0.5,text/plain", None),
            (f"text/plain;version=0.0.4;q=0.5, {other.upper()}", None),
            (f"{other}; version=2.99.{'9' * 50}; escaping=dots", None),
            (f"{other};version=0.0.1", text),
            (f"text/plain;version=1.0.0;escaping=values,a{other}", text),
            ("", text),
        ):
            expected = content_type or f"{other}; version=1.0.0; charset=utf-8"
            self.assertEqual(self.get("/metrics", accept)[1]["content-type"], expected, accept)

    def test_rendered_once_a_second(self) -> None:
        """Each format is rendered at most once a second, however often it is requested."""
        page = MetricsPage(ServerCollector(self.clients, self.counters, self.current, self.loads), self.clock)
        for accept in (OPENMETRICS, ""):
            first = page.render(accept)
            self.loads.fail()
            self.now += 0.99
            self.assertIs(page.render(accept), first)
            self.now += 0.01
            self.assertNotEqual(page.render(accept), first)

    def test_process(self) -> None:
        """The metrics of the process are those of ``prometheus_client``, which reads the same from other sources."""
        seen = {name: value for (name, _), value in self.scrape().items() if name.startswith("process_")}
        expected = {sample.name: sample.value for family in PROCESS_COLLECTOR.collect() for sample in family.samples}
        self.assertEqual(sorted(seen), sorted(expected))
        for name in ("process_max_fds", "process_start_time_seconds"):
            self.assertEqual(seen[name], expected[name], name)
        # Listing the descriptors opens one more.
        self.assertIn(expected["process_open_fds"] - seen["process_open_fds"], (0, 1))
        for name in ("process_cpu_seconds_total", "process_virtual_memory_bytes", "process_resident_memory_bytes"):
            self.assertLess(abs(seen[name] / expected[name] - 1), 0.1, name)

    def test_healthy(self) -> None:
        """A server that listens on all endpoints is healthy."""
        status, fields, body = self.get("/healthz")
        self.assertEqual((status, body), ("HTTP/1.1 200 OK", "ok\n"))
        self.assertEqual(fields["content-type"], "text/plain; charset=utf-8")

    def test_unhealthy(self) -> None:
        """A server that does not listen on all endpoints answers 503 and names the others."""
        self.listeners += [Listener("tcp:2", False), Listener("unix:/x", False)]
        status, _, body = self.get("/healthz")
        self.assertEqual((status, body), ("HTTP/1.1 503 Service Unavailable", "not listening on tcp:2, unix:/x\n"))

    def test_remarks(self) -> None:
        """The health of a healthy server includes remarks for the administrator."""
        self.health.notes = ["started from the kept copy of 2026-01-31"]
        status, _, body = self.get("/healthz")
        self.assertEqual((status, body), ("HTTP/1.1 200 OK", "ok, but started from the kept copy of 2026-01-31\n"))

    def test_several_problems(self) -> None:
        """All problems are listed, and no remarks beside them."""
        self.health.reason, self.health.notes = "no disk", ["started"]
        self.listeners += [Listener("tcp:2", False)]
        status, _, body = self.get("/healthz")
        self.assertEqual((status, body), ("HTTP/1.1 503 Service Unavailable", "not listening on tcp:2; no disk\n"))

    def test_host(self) -> None:
        """The site is served under the names of METRICS, and not under others."""
        self.assertEqual(self.get("/healthz", host="metrics.example.com:9347")[0], "HTTP/1.1 200 OK")
        for path in ("/healthz", "/metrics", "/"):
            self.assertEqual(self.get(path, host="rebound.example.com")[0], "HTTP/1.1 421 Misdirected Request")

    def test_nothing_else(self) -> None:
        """Any other path is not found."""
        self.assertEqual(self.get("/")[0], "HTTP/1.1 404 Not Found")

    def test_no_log(self) -> None:
        """A request is not logged."""
        with capturedLogs() as events:
            self.get("/metrics")
        self.assertEqual([event for event in events if "/metrics" in formatEvent(event)], [])

    def test_head(self) -> None:
        """HEAD is answered with the headers alone, and not logged."""
        for path in ("/metrics", "/healthz"):
            with capturedLogs() as events:
                status, _, body = self.get(path, method="HEAD")
            self.assertEqual((status, body), ("HTTP/1.1 200 OK", ""))
            self.assertEqual([event for event in events if "HEAD" in formatEvent(event)], [])

    def test_unknown_format(self) -> None:
        """A client that accepts an unknown format, in an invalid encoding, gets the older one."""
        status, fields, _ = self.get("/metrics", accept=b"\xff\xfe")
        self.assertEqual(status, "HTTP/1.1 200 OK")
        self.assertTrue(fields["content-type"].startswith("text/plain"))

    def test_connection_limit(self) -> None:
        """A client beyond the limit is refused with a line in the log, until another has disconnected."""
        connections = []
        for _ in range(self.site.MAX_CONNECTIONS):
            connection = self.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
            assert connection is not None
            connection.makeConnection(HalfClosingTransport())
            connection.dataReceived(b"GET /metrics HTTP/1.0\r\n\r\n")
            connections.append(connection)
        with capturedLogs() as events:
            self.assertIsNone(self.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1)))
        [event] = events
        self.assertEqual(
            "refused a connection from 127.0.0.1: 32 HTTP clients are connected already",
            formatEvent(event),
        )
        connections[0].connectionLost()
        self.assertIsNotNone(self.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1)))

    def test_network(self) -> None:
        """A client that may not connect for lookups may not connect to the site; it is counted."""
        self.assertIsNone(self.site.buildProtocol(IPv4Address("TCP", "192.0.2.1", 1)))
        self.assertEqual(self.clients.refused_by_network, 1)
