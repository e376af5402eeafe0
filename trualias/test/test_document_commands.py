"""The commands of all documents: each one is run by a test, or has a reason why none can run it.

A command is a line after ``$``, ``#`` or ``>`` in a literal block, a line there that begins with a path such as
``./run-tests``, or a cell of a table of commands.
"""

import re
from collections.abc import Iterator

from attrs import frozen
from twisted.trial.unittest import SynchronousTestCase

from trualias.test.examples import Block, RstTable, read_rst
from trualias.test.test_documentation import documents
from trualias.testing.requirements import source_tree

_UNITS = "trualias/test/"
_INTEGRATION = f"{_UNITS}integration/"
_LIFE = ".ci/debian-life"
_WALK = ".ci/debian-walk"
_PACKAGE = ".ci/debian-package"
_UNINSTALLING = f"{_INTEGRATION}test_uninstalling.py"

# The tests that run every command of a document, in order, and compare what is printed. They name the document.
PAGES = {
    "docs/administrators.rst": f"{_UNITS}test_pages.py",
    "docs/catch-all.rst": f"{_UNITS}test_moving.py",
    "docs/command-line.rst": f"{_UNITS}test_command_line_page.py",
    "docs/inventing-a-policy.rst": f"{_UNITS}test_inventing.py",
}

# Documents with commands beside those of ``documents()``.
OTHERS = ("CONTRIBUTING.rst", "SECURITY.rst", "debian/trualias.README.Debian")


@frozen
class Run:
    """A file that runs the commands that match a pattern, shown by the text *by*, which the file contains."""

    pattern: str
    path: str
    by: str


@frozen
class NotRun:
    """The reason why no test runs the commands that match a pattern."""

    pattern: str
    reason: str


_OTHER_HOST = "it needs a registry, a cluster or another host; test_deployments.py checks the files that it reads"
_SETS_UP = "it makes the environment in which the tests run"

# The first entry whose pattern matches the whole command holds.
ENTRIES: tuple[Run | NotRun, ...] = (
    # Commands of trualias.
    Run(r"\.venv/bin/trualias init", _LIFE, "trualias init --yes"),
    Run(r"\.venv/bin/trualias serve", f"{_INTEGRATION}test_serve.py", '"serve", "-c"'),
    Run(r"trualias init /etc/trualias", _LIFE, "trualias init --yes --accounts 'foo bar' /tmp"),
    Run(r"(\.venv/bin/)?trualias (explain|compose|query) -c conf/.*", f"{_UNITS}test_documentation.py", '"compose"}'),
    Run(r"trualias (alias (list|show|lock)|senders|leaks)\b.*", f"{_UNITS}test_memory_page.py", '"memory.rst"'),
    Run(r"trualias alias (revoke|resume) .*", f"{_UNITS}test_alias_command.py", '"alias", "revoke", "foo-macys-m5"'),
    Run(r"trualias alias import --account .*", f"{_UNITS}test_moving.py", '["alias", "import"]'),
    Run(r"trualias store adopt", f"{_UNITS}test_alias_command.py", '"store", "adopt"'),
    Run(r"trualias replay new\.conf --virtual .*", f"{_UNITS}test_replay.py", '"--against"'),
    Run(r"trualias check new\.conf && mv .*", f"{_UNITS}test_check.py", "no errors, no warnings"),
    Run(r"trualias status -c \S+", _WALK, 'trualias status -c "$config"'),
    Run(r"trualias explain -c FILE KEY", f"{_UNITS}test_explain.py", '"explain"'),
    Run(r"trualias config show .*", f"{_UNITS}test_config_command.py", '"show"'),
    Run(r"trualias completion (bash|zsh|fish) > .*", f"{_INTEGRATION}test_completion.py", '"completion", shell'),
    Run(r"trualias query -c /etc/.* - < addresses >> .*", _UNINSTALLING, '"uninstall.rst"'),
    Run(r"(/tmp/new/bin/)?trualias query --virtual -c /etc/.*", _LIFE, "trualias query --virtual -c"),
    Run(r"/tmp/new/bin/trualias check -c /etc/.*", _LIFE, "trualias check --strict"),
    Run(r"diff old\.txt new\.txt", _WALK, "diff old.txt new.txt"),
    # Lookups by other programs.
    Run(r"postmap -q \S+ tcp:127\.0\.0\.1:304[78]", f"{_UNITS}test_documentation.py", '"postmap -q '),
    Run(r"telnet 127\.0\.0\.1 3047", f"{_UNITS}test_documentation.py", '"telnet 127.0.0.1 3047"'),
    Run(r"curl http://127\.0\.0\.1:9347/healthz", _LIFE, "http://127.0.0.1:9347/healthz"),
    Run(r"sendmail -bt", f"{_INTEGRATION}test_sendmail.py", "-bt'"),
    Run(r"/map virtual \S+", f"{_INTEGRATION}test_sendmail.py", '"/map virtual '),
    Run(r"exim4 -bt \S+", _WALK, "exim4 -bt samissexy.34@example.com"),
    Run(r"sendmail -bv \S+", _WALK, "sendmail -bv samissexy.34@example.com"),
    Run(r"swaks --to \S+ --server .*", _WALK, "swaks --to foo@example.com --server 127.0.0.1 --quit-after RCPT"),
    # Servers.
    Run(r"\./run-sample", f"{_INTEGRATION}test_run_sample.py", '"./run-sample"'),
    Run(r"twistd --nodaemon --pidfile= trualias-virtual", f"{_INTEGRATION}test_units.py", '"--nodaemon", "--pidfile="'),
    Run(
        r"twistd .* --logger \S+ trualias-virtual", f"{_INTEGRATION}test_observers.py", "trualias.observers.json_lines"
    ),
    # The set-up of Postfix, and its removal.
    Run(r"postmap hash:\S+|postconf .*|postfix reload", _UNINSTALLING, '"uninstall.rst"'),
    Run(r"install -d -o root -g postfix -m 2750 \S+", f"{_INTEGRATION}test_postfix.py", "folder.chmod(0o2750)"),
    # systemd, and the Debian package.
    Run(r"systemctl daemon-reload", _LIFE, "systemctl daemon-reload"),
    Run(r"systemctl enable --now trualias-(virtual|table)", _LIFE, "systemctl enable --now trualias-table"),
    Run(r"systemctl enable --now trualias-virtual\.socket", _LIFE, "systemctl enable --now trualias-virtual.socket"),
    Run(r"systemctl stop trualias-virtual", _LIFE, "systemctl stop trualias-virtual"),
    Run(r"systemctl restart trualias-virtual", _LIFE, "systemctl restart trualias-virtual"),
    Run(r"systemctl disable --now trualias-\S+ .*", _LIFE, "systemctl disable --now trualias-virtual.socket"),
    Run(r"apt install \./\S+\.deb", _WALK, 'apt install --yes "$here/trualias.deb"'),
    Run(r"apt (remove|purge) trualias", _WALK, "apt purge --yes trualias"),
    Run(r"dpkg-buildpackage -us -uc -b", _PACKAGE, "dpkg-buildpackage -us -uc -b"),
    Run(r"debian/apt-repository /srv/apt", _PACKAGE, "debian/apt-repository"),
    Run(r"apt-get build-dep \./", _PACKAGE, "apt-get build-dep --quiet --yes ./"),
    Run(r"systemctl status trualias-virtual", _WALK, "systemctl status --no-pager trualias-virtual"),
    Run(r"journalctl -u trualias-virtual -n \d+", _WALK, "journalctl -u trualias-virtual -n 5"),
    NotRun(r"journalctl .* -f", "it ends only when it is interrupted"),
    NotRun(r"systemctl edit .*", "it opens an editor"),
    # Environments and files.
    Run(r"/\S+/pip install( --upgrade)? \.", f"{_INTEGRATION}test_packaging.py", '"install", wheel'),
    Run(r"/opt/trualias/bin/twistd --help > /dev/null", f"{_INTEGRATION}test_packaging.py", '"twistd"'),
    NotRun(r"python3 -m venv \S+|(\S+/)?pip install '.*'", _SETS_UP),
    Run(r"mv /etc/trualias/trualias\.conf \S+", _WALK, "$(grep -o 'mv /etc/.*' next)"),
    Run(r"install -d /etc/trualias", _WALK, "install -d /etc/trualias"),
    Run(r"install -m 644 conf/\S+ \S+", _WALK, "install -m 644 conf/tcp_virtual_server.conf.sample /etc/trualias/"),
    Run(r"cp install/trualias-virtual\.(service|socket) \S+", _WALK, "cp install/trualias-virtual.socket /etc/"),
    Run(r"rm /etc/systemd/system/.*", _WALK, "rm /etc/systemd/system/trualias-*.service /etc/systemd/system/"),
    Run(r"rm -r /opt/trualias", _WALK, "rm -r /opt/trualias"),
    # Containers and other machines.
    Run(r"ansible-playbook -i hosts install/ansible/playbook\.yml", _WALK, "ansible-playbook -i hosts"),
    Run(r"docker build .*", ".ci/image", "bud --quiet"),
    NotRun(r"(docker|kubectl) .*", _OTHER_HOST),
    # Work on the source.
    Run(r"\./run-tests( --quick| trualias\.test\.test_wire)?", ".ci/run", "./run-tests"),
    Run(r"\.venv/bin/ruff (format|check) \.", ".ci/run", 'bin/ruff" check .'),
    Run(r"\.venv/bin/mypy", ".ci/run", 'bin/mypy"'),
    Run(r"\.venv/bin/sphinx-build -W .*", ".ci/run", 'bin/sphinx-build" -W'),
    Run(r"\.ci/(news|generated)", ".ci/run", ".ci/generated --check"),
    Run(r"\.venv/bin/python -m twisted\.trial NAME", "run-tests", ".venv/bin/python -m twisted.trial"),
    Run(r"python -m benchmarks", f"{_INTEGRATION}test_benchmark.py", "benchmarks"),
    Run(r"python -m dashboard", f"{_INTEGRATION}test_dashboard.py", "observe(program"),
    Run(r"python -m faults.*", f"{_INTEGRATION}test_faults.py", "faults"),
    NotRun(r"nox -s \w+", "it makes an environment by itself, and runs the commands of .ci/run there"),
)


def commands_of(text: str) -> Iterator[str]:
    """Yield the commands of a document in their order; one that is continued after a backslash is one command."""
    for part in read_rst(text):
        match part:
            case Block() if not part.is_configuration:
                for line in re.sub(r"\\\n\s*", "", part.text).splitlines():
                    if typed := re.match(r"\$ (\S.*)|[#>] ([a-z./][\w./-]* .*)|(\.\S*/\S.*)", line):
                        yield (typed[1] or typed[2] or typed[3]).partition("  # ")[0].strip()
            case RstTable() if part.head[0] == "command":
                for row in part.rows:
                    yield from re.findall(r"``(.*?)``", row[0])


def all_commands() -> list[tuple[str, str]]:
    """Return each command with the path of its document, below the root of the source tree."""
    root = source_tree()
    texts = documents() | {name: (root / name).read_text("utf-8") for name in OTHERS}
    return [(name, command) for name, text in texts.items() for command in commands_of(text)]


class CommandTests(SynchronousTestCase):
    """The commands of the documents, and the entries for them."""

    def test_found(self) -> None:
        """Commands are found after each prompt, in lists, over several lines and in tables; comments are none."""
        text = """\
1. First::

      $ one -a
      printed
      # two \\
          -b    # a remark

   More text.

- Second::

    > /map c d
    ./run-tests
    # A comment.
    # file.conf

=========  ====
command    does
=========  ====
``e``      it
=========  ====
"""
        self.assertEqual(["one -a", "two -b", "/map c d", "./run-tests", "e"], list(commands_of(text)))

    def test_every_command(self) -> None:
        """Each command of each document is run by the test of its page, or has an entry."""
        patterns = [re.compile(entry.pattern).fullmatch for entry in ENTRIES]
        unknown = [
            (name, command)
            for name, command in all_commands()
            if name not in PAGES and not any(matches(command) for matches in patterns)
        ]
        self.assertEqual([], unknown)

    def test_every_entry(self) -> None:
        """Each entry is the first for a command; each page has commands."""
        found = all_commands()
        used = {
            next((entry for entry in ENTRIES if re.fullmatch(entry.pattern, command)), None)
            for name, command in found
            if name not in PAGES
        }
        self.assertEqual([], [entry.pattern for entry in ENTRIES if entry not in used])
        self.assertEqual(set(PAGES), {name for name, _ in found} & set(PAGES))

    def test_every_test(self) -> None:
        """The file of each entry has the text that runs the command, and the test of each page names the page."""
        root = source_tree()
        shown = [(entry.path, entry.by) for entry in ENTRIES if isinstance(entry, Run)]
        shown += [(path, name.rpartition("/")[2]) for name, path in PAGES.items()]
        self.assertEqual([], [(path, by) for path, by in shown if by not in (root / path).read_text("utf-8")])
