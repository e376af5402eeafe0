"""The examples of the documentation, compared with the behaviour of the software."""

import re
from io import BytesIO, StringIO
from pathlib import Path

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.terminal import Terminal
from trualias.configuration import SETTINGS, ConfigurationErrors, parse_configuration
from trualias.configuration.files import CopyAccess
from trualias.configuration.tables import Table
from trualias.lookup import Ambiguous, CurrentSnapshot, Found, NotFound, NotFoundReason, Snapshot
from trualias.lookup.expectations import check_expectations
from trualias.lookup.hooks import load_hooks
from trualias.lookup.loading import load_snapshot
from trualias.main import run
from trualias.monitoring.statistics import Statistics
from trualias.protocols import wire
from trualias.protocols.clients import Clients
from trualias.protocols.tcp_table import TableFactory
from trualias.test.examples import Answer, Block, Example, RstTable, cell_text, read_comments, read_examples, read_rst
from trualias.testing.requirements import source_tree

# The sample configurations by their ports: a command in the documentation selects a server by its port.
SAMPLES = {"3047": "conf/tcp_table_server.conf.sample", "3048": "conf/tcp_virtual_server.conf.sample"}


def documents() -> dict[str, str]:
    """Return the texts of the documentation by their paths below the root of the source tree."""
    root = source_tree()
    paths = [root / "README.rst", *root.glob("docs/*.rst"), *root.glob("install/*.rst")]
    return {str(path.relative_to(root)): path.read_text("utf-8") for path in sorted(paths)}


def sample(port: str) -> Snapshot:
    """Return the snapshot of the sample configuration with a port."""
    return load_snapshot(str(source_tree() / SAMPLES[port]))


def look_up(snapshot: Snapshot, address: str) -> str | None:
    """Look up an address: one with ``@`` in the virtual server's table, another in the table server's."""
    match snapshot.tables[Table.VIRTUAL if "@" in address else Table.LOCAL_PART](address):
        case Found(value) | Ambiguous(_, str(value)):
            return value
        case _:
            return None


def wrong_answers(snapshot: Snapshot, answers: tuple[Answer, ...], name: str) -> list[str]:
    """Describe the answers of the document *name* that differ from the snapshot's."""
    return [
        f"{name}:{answer.line}: {answer.address} is for {answer.account}, but {found} is answered"
        for answer in answers
        if (found := look_up(snapshot, answer.address)) != answer.account
    ]


def configuration_of(example: Example) -> Snapshot | str:
    """Return the snapshot of an example's configuration, or the text of its errors. It has no included files."""
    try:
        snapshot = Snapshot(parse_configuration(example.configuration.text, "policy.conf", access=CopyAccess({})))
        check_expectations(snapshot)
        return snapshot
    except ConfigurationErrors as errors:
        return f"{errors}\n"


def reply_to(snapshot: Snapshot, kind: Table, request: str) -> str:
    """Return a server's reply to a request, without LF."""
    factory = TableFactory(Clock(), CurrentSnapshot(snapshot), kind, lambda: 0.0)
    factory.clients.use_statistics(Statistics())
    connection = factory.buildProtocol(None)
    assert connection is not None
    transport = StringTransport()
    connection.makeConnection(transport)
    connection.dataReceived(f"{request}\r\n".encode())
    reply: bytes = transport.value()
    return reply.decode().removesuffix("\n")


def without_figures(statistics: str) -> str:
    """Return a reply to ``stats`` with 0 for the integer part and for each decimal of every figure."""
    return re.sub(r"=(\d+)(\.\d+)?", lambda figure: "=0" + re.sub(r"\d", "0", figure[2] or ""), statistics)


class ExampleTests(SynchronousTestCase):
    """The search for examples in a text."""

    TEXT = """\
Title
=====

A policy::

    # A comment.
    ACCOUNT foo
    MATCHES %account%-%code%
    WITH x;

=========  ===========  ====
address    answer       why
=========  ===========  ====
``foo-x``  ``foo``      it
                        is
``foo-y``  not found
=========  ===========  ====

- One in a list, refused:

  .. code-block:: trualias
     :caption: Bad

     PORT: x

  .. code-block:: text

     policy.conf:1:7: bad
     PORT: x
           ^

Some commands::

    $ postmap -q a tcp:127.0.0.1:3047
    b
    $ true
"""

    def test_examples(self) -> None:
        """A configuration goes with the answers or errors after it; line numbers are those of the text."""
        good = Example(
            Block(6, "# A comment.\nACCOUNT foo\nMATCHES %account%-%code%\nWITH x;\n"),
            None,
            (Answer(11, "foo-x", "foo"), Answer(11, "foo-y", None)),
        )
        bad = Example(Block(24, "PORT: x\n"), "policy.conf:1:7: bad\nPORT: x\n      ^\n", ())
        self.assertEqual((good, bad), read_examples(self.TEXT))

    def test_tables(self) -> None:
        """A row of a table may have several lines."""
        tables = [part for part in read_rst(self.TEXT) if isinstance(part, RstTable)]
        rows = (("``foo-x``", "``foo``", "it is"), ("``foo-y``", "not found", ""))
        self.assertEqual([RstTable(11, ("address", "answer", "why"), rows)], tables)

    def test_commands(self) -> None:
        """Each command goes with the lines that it prints."""
        blocks = [part for part in read_rst(self.TEXT) if isinstance(part, Block)]
        expected = [("postmap -q a tcp:127.0.0.1:3047", "b\n"), ("true", "")]
        self.assertEqual(expected, list(blocks[-1].commands()))

    def test_comments(self) -> None:
        """The comments of a sample name the accounts of addresses, and the addresses that are not found."""
        text = "# x\n#     foo-x  reaches foo@example.com: it does\n#     foo-y  not found: no x\nACCOUNT foo\n"
        self.assertEqual((Answer(2, "foo-x", "foo@example.com"), Answer(3, "foo-y", None)), read_comments(text))


class DocumentationTests(SynchronousTestCase):
    """The documents, the guides and the commented samples."""

    def test_documents_with_examples(self) -> None:
        """The documents that rely on examples have some, so that the tests below cannot pass for lack of them."""
        with_answers = {name for name, text in documents().items() if any(e.answers for e in read_examples(text))}
        expected = {"README.rst", "docs/index.rst", "docs/addresses.rst", "docs/policy.rst"}
        self.assertEqual(set(), expected - with_answers)

    def test_configurations(self) -> None:
        """Every configuration is accepted, or refused with exactly the errors that follow it."""
        differences = [
            f"{name}:{example.configuration.line}: {loaded if isinstance(loaded, str) else 'is not refused'}"
            for name, text in documents().items()
            for example in read_examples(text)
            if (loaded := configuration_of(example)) != example.errors
            and (isinstance(loaded, str) or example.errors is not None)
        ]
        self.assertEqual([], differences)

    def test_answers(self) -> None:
        """Every address in a table is answered as the table says."""
        differences = [
            difference
            for name, text in documents().items()
            for example in read_examples(text)
            if isinstance(snapshot := configuration_of(example), Snapshot)
            for difference in wrong_answers(snapshot, example.answers, name)
        ]
        self.assertEqual([], differences)

    def test_samples(self) -> None:
        """Every address in the comments of the samples has the answer that the comment states."""
        for port, name in SAMPLES.items():
            answers = read_comments((source_tree() / name).read_text("utf-8"))
            self.assertNotEqual((), answers)
            self.assertEqual([], wrong_answers(sample(port), answers, name))

    def test_settings(self) -> None:
        """Every setting is described once; LISTEN is in two forms."""
        text = (source_tree() / "docs/policy.rst").read_text("utf-8")
        _, _, section = text.partition("\nSettings\n--------\n")
        section, _, _ = section.partition("\nAll settings together")
        described = re.findall(r"^``([A-Z ]+): ", section, re.MULTILINE)
        self.assertEqual(sorted([*SETTINGS, "LISTEN"]), sorted(described))

    def test_ports(self) -> None:
        """The samples have the ports that the documentation uses, so that both servers can run on one machine."""
        for port in SAMPLES:
            self.assertEqual(int(port), sample(port).configuration.settings.port)

    def test_postmap(self) -> None:
        """The shown output of ``postmap -q`` is the answer of the sample with that port."""
        shown = [
            (name, found[1], look_up(sample(found[2]), found[1]), printed.strip() or None)
            for name, text in documents().items()
            for block in read_rst(text)
            if isinstance(block, Block)
            for command, printed in block.commands()
            if (found := re.fullmatch(r"postmap -q (\S+) tcp:127\.0\.0\.1:(\d+)", command))
        ]
        self.assertNotEqual([], shown)
        self.assertEqual([], [row for row in shown if row[2] != row[3]])

    def test_commands_with_samples(self) -> None:
        """The shown output of ``trualias`` commands with a sample configuration is their output."""
        shown = []
        for name, text in documents().items():
            for block in (part for part in read_rst(text) if isinstance(part, Block)):
                for command, printed in block.commands():
                    program, *arguments = command.split()
                    if program.rpartition("/")[2] == "trualias" and (path := re.search(r"-c (conf/\S+)", command)):
                        output = StringIO()
                        arguments = [str(source_tree() / each) if each == path[1] else each for each in arguments]
                        run(arguments, Terminal(BytesIO(), output, output))
                        shown.append((name, arguments[0], printed, output.getvalue()))
        self.assertEqual({"query", "explain", "compose"}, {command for _, command, _, _ in shown})
        self.assertEqual([], [row for row in shown if row[2].rstrip("\n") != row[3].rstrip("\n")])

    def test_chats(self) -> None:
        """The shown replies of telnet sessions, except ``stats``, are those of the table server."""
        replies = [
            (name, request, reply_to(sample("3047"), Table.LOCAL_PART, request), reply)
            for name, text in documents().items()
            for block in read_rst(text)
            if isinstance(block, Block) and "telnet 127.0.0.1 3047" in block.text
            for request, reply in re.findall(r"^(?!telnet)([a-z].*)\n([245]\d\d .*)$", block.text, re.MULTILINE)
            if request != "stats"
        ]
        self.assertNotEqual([], replies)
        self.assertEqual([], [row for row in replies if row[2] != row[3]])

    def test_statistics(self) -> None:
        """Every shown reply to ``stats`` has the lines, figures and decimals of a real one."""
        replied = without_figures(reply_to(sample("3047"), Table.LOCAL_PART, "stats"))
        shown = [
            (name, without_figures(found))
            for name, text in documents().items()
            for block in read_rst(text)
            if isinstance(block, Block)
            for found in re.findall(r"^stats\n((?:21\d .*\n)+)", block.text, re.MULTILINE)
        ]
        self.assertEqual([("docs/statistics.rst", f"{replied}\n")], shown)

    def test_requests(self) -> None:
        """Every reply in the reference is that of the table server."""
        rows = [
            (cell_text(row[0]), cell_text(row[1]))
            for part in read_rst(documents()["docs/protocol.rst"])
            if isinstance(part, RstTable) and part.is_chat
            for row in part.rows
        ]
        self.assertNotEqual([], rows)
        replies = [(request, reply_to(sample("3047"), Table.LOCAL_PART, request)) for request, _ in rows]
        self.assertEqual(rows, replies)

    def test_logins(self) -> None:
        """Every login in the reference is the answer of the sample's login table."""
        (table,) = (
            part
            for part in read_rst(documents()["docs/protocol.rst"])
            if isinstance(part, RstTable) and part.head == ("sender", "login")
        )
        lookup = sample("3048").tables[Table.LOGIN]
        answers = {
            cell_text(sender): answer.value if isinstance(answer := lookup(cell_text(sender)), Found) else "not found"
            for sender, _ in table.rows
        }
        self.assertEqual({cell_text(sender): cell_text(login) for sender, login in table.rows}, answers)

    def test_limits(self) -> None:
        """The limits in the reference are those of the server."""
        text = documents()["docs/protocol.rst"]
        limit = Clients().limit
        self.assertIn(f"A request may have {wire.LONGEST_REQUEST} bytes.", text)
        self.assertIn(f"It refuses new ones past ``CONNECTIONS``, {limit} by default,", text)

    def test_hooks(self) -> None:
        """The module in the reference can be loaded, and has the documented effect."""
        (module,) = (
            part.text
            for part in read_rst(documents()["docs/hooks.rst"])
            if isinstance(part, Block) and "def preprocess" in part.text
        )
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "hooks_of_the_reference.py").write_text(module, "utf-8")
        configuration = parse_configuration(
            "PROCESSOR: hooks_of_the_reference\nALIAS DOMAINS: example.com\n"
            "ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();",
            str(folder / "policy.conf"),
        )
        snapshot = Snapshot(configuration, load_hooks(configuration))
        self.assertEqual("foo@mailbox.example.com", look_up(snapshot, "foo.macys.m5@example.com"))
        self.assertEqual("foo", look_up(snapshot, "foo.macys.m5"))
        refused = NotFound(NotFoundReason.REFUSED_BY_HOOK)
        self.assertEqual(refused, snapshot.tables[Table.LOCAL_PART]("foo.evilmart.e8"))
