"""Each state of an alias over a real Postfix: by SMTP and from the machine, with what lets addresses through."""

from __future__ import annotations

import re
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup.alias_states import AliasState
from trualias.lookup.locks import Lock
from trualias.store.records import Change, Kept, Use
from trualias.store.sqlite import SqliteStore
from trualias.testing.live import LiveServer, free_port, wait_until
from trualias.testing.postfix import Postfix

STATEMENTS = """\
ALIAS DOMAINS: example.com
CASE SENSITIVE: no
STORE: sqlite:memory.sqlite
ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
ACCOUNT foo MATCHES %account%-%ident%-%code% WITH x, CHARS() RETIRED;
REFUSE foo-etsy-e4;
"""

REFUSED, REVOKED, PAUSED = "foo-etsy-e4@example.com", "foo-leak-l4@example.com", "foo-pause-p5@example.com"
DEFERRED, QUIET, LOCKED = "foo-defer-d5@example.com", "foo-quiet-q5@example.com", "foo-lock-l4@example.com"
EXPIRED, RETIRED, UNKNOWN = "foo-past-p4@example.com", "foo-known-x5@example.com", "foo-other-x5@example.com"
IMPORTED, ACTIVE, SECOND = "old-shop@example.com", "foo-google-g6@example.com", "foo-macys-m5@example.com"
STRANGER, FRIEND = "offers@other.test", "orders@shop.test"

BOUNCED, DISCARDED, HELD, THROUGH = "bounced", "discarded", "held", "through"
"""The ends of mail outside of mailboxes: it goes back, or nowhere, or waits, or goes where unknown addresses go."""

STATES: tuple[tuple[str, str, int, str, str], ...] = (
    # Alias, sender, reply to RCPT (0: as to an unknown address); the end of mail by SMTP, and of mail from the machine.
    (REFUSED, STRANGER, 550, "", THROUGH),
    (REVOKED, STRANGER, 550, "", THROUGH),
    (PAUSED, STRANGER, 550, "", THROUGH),
    (DEFERRED, STRANGER, 450, "", HELD),
    (QUIET, STRANGER, 250, DISCARDED, DISCARDED),
    (LOCKED, STRANGER, 550, "", "foo"),
    (LOCKED, FRIEND, 250, "foo", "foo"),
    (EXPIRED, STRANGER, 550, "", THROUGH),
    (RETIRED, STRANGER, 250, "foo", "foo"),
    (UNKNOWN, STRANGER, 0, THROUGH, THROUGH),
    (IMPORTED, STRANGER, 250, "foo", "foo"),
    (ACTIVE, STRANGER, 250, "foo", "foo"),
)

_MAILBOXES = "{ foo@example.com = foo@example.com } { baz@example.com = baz@example.com }"

KINDS: dict[str, tuple[dict[str, str], str, str]] = {
    # Settings, another table behind that of trualias, and the end of mail for unknown addresses.
    "plain": ({}, "", BOUNCED),
    "delimiter": ({"recipient_delimiter": "-"}, "", "foo"),
    "catch-all": ({}, f", inline:{{ {_MAILBOXES} {{ @example.com = baz@example.com }} }}", "baz"),
}

FORMS: dict[str, tuple[int, int]] = {
    # A form of an address: the replies for a refused alias and for a deferred one.
    "{0}@example.com": (550, 450),
    "{0}@EXAMPLE.com": (550, 450),
    "{1}@example.com": (550, 450),
    "{0}@example.com.": (550, 450),
    "{0}@example.com..": (501, 501),
    " {0} @ example.com ": (550, 450),
    "{0}(comment)@example.com": (550, 450),
    '"{0}"@example.com': (550, 450),
    '"{0}@example.com"': (550, 450),
    "@relay.test:{0}@example.com": (550, 450),
    "@relay.test,@other.test:{1}@Example.com.": (550, 450),
    # Without a domain, that of the machine is meant.
    "{0}": (504, 504),
    "{0}@": (501, 501),
    "{0}%example.com": (504, 504),
    "example.com!{0}": (504, 504),
    # A route of the sender's, which Postfix does not relay.
    "{0}%example.com@example.com": (554, 554),
    "example.com!{0}@example.com": (554, 554),
    "{0}@example.com@example.com": (554, 554),
    '"{0}@example.com"@example.com': (554, 554),
}

_LOGGED = re.compile(
    r": (\w+): (?:info: header Subject: (\S+) from"
    r"|to=<([^>]*)>,(?: orig_to=<([^>]*)>,)? relay=.* (?:status=(bounced) |status=sent \((quietly)))"
)
_HEADERS = re.compile(r"^(?:X-Original-To|Subject): (.*)$", re.MULTILINE)


class StatesTests(SynchronousTestCase):
    """Mail for aliases in each state, beside mail for another alias."""

    def setUp(self) -> None:
        """Start a server, and write the states."""
        port, self.policy = free_port(), free_port()
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        listen = f"PORT: {port}\nLISTEN: policy tcp:{self.policy}:interface=127.0.0.1\n"
        (folder / "a.conf").write_text(listen + STATEMENTS, "utf-8")
        self.server = LiveServer(("trualias-virtual", "-c", "a.conf", "--state", "."), folder, port)
        self.addCleanup(self.server.stop)
        self.server.start()
        path = folder / "memory.sqlite"
        wait_until(path.exists, "the store", log=lambda: self.server.log)
        self.write_states(str(path))
        self.wait_for_answers({REVOKED: b"500", DEFERRED: b"400", EXPIRED: b"500", RETIRED: b"200", IMPORTED: b"200"})

    def wait_for_answers(self, answers: dict[str, bytes]) -> None:
        """Wait until the table answers each alias with a code."""
        for alias, answer in answers.items():
            wait_until(
                lambda alias=alias, answer=answer: self.server.ask(f"get {alias}".encode()).startswith(answer),  # type: ignore[misc]
                alias,
                log=lambda: self.server.log,
            )

    def write_states(self, path: str) -> None:
        """Give each alias its state."""
        states = {
            REVOKED: AliasState.REVOKED,
            PAUSED: AliasState.REFUSE,
            DEFERRED: AliasState.DEFER,
            QUIET: AliasState.QUIET,
        }
        now = time.time()
        self.store = store = SqliteStore(path)
        self.addCleanup(store.close)
        store.count([Use(RETIRED, RETIRED, "foo", "shop.test", now, now, 1)], now, keeps_senders=True)
        store.keep([Kept(IMPORTED, IMPORTED, "foo")], "imported", "root", now)
        changes = [Change(alias, alias, state) for alias, state in states.items()]
        changes.append(Change(LOCKED, LOCKED, AliasState.ACTIVE, lock=Lock(("shop.test",))))
        changes.append(Change(EXPIRED, EXPIRED, AliasState.ACTIVE, expires=now))
        store.change(changes, "root", now)

    def start(self, kind: str) -> Postfix:
        """Start a Postfix of a kind."""
        more, behind, _ = KINDS[kind]
        table = f"tcp:127.0.0.1:{self.server.port}"
        service = f"check_policy_service {{ inet:127.0.0.1:{self.policy}, timeout=10s }}"
        settings = {
            "virtual_alias_maps": table + behind,
            "myorigin": "example.com",
            "transport_maps": "inline:{ { discard.invalid = discard:quietly } }",
            "header_checks": "regexp:{ { /^Subject:/ INFO } }",
            "smtpd_recipient_restrictions": f"reject_non_fqdn_recipient, reject_unauth_destination, {service}",
            "smtpd_end_of_data_restrictions": service,
            **more,
        }
        postfix = Postfix(table, ("foo", "baz"), settings)
        self.addCleanup(postfix.stop)
        postfix.start()
        return postfix

    def assert_ends(self, postfix: Postfix, expected: dict[tuple[str, str], str]) -> None:
        """Wait until each mail, by its subject and the address it was sent to, has come to its end."""

        def ends() -> dict[tuple[str, str], str]:
            subjects: dict[str, str] = {}
            found: dict[tuple[str, str], str] = {}
            for number, subject, alias, original, bounced, _ in _LOGGED.findall(postfix.log):
                if subject:
                    subjects[number] = subject
                elif number in subjects:
                    found[subjects[number], original or alias] = BOUNCED if bounced else DISCARDED
            for mailbox in ("foo", "baz"):
                for mail in postfix.mails(mailbox):
                    original, subject = _HEADERS.findall(mail)
                    found[subject, original] = mailbox
            return found

        try:
            wait_until(lambda: ends() == expected, "the ends of all mail", log=lambda: postfix.log, seconds=10)
        except AssertionError:
            self.assertEqual(expected, ends())

    def assert_states(self, kind: str) -> Postfix:
        """Assert what becomes of each alias; the second recipient of each mail gets it, and at once by SMTP."""
        through = KINDS[kind][2]
        postfix = self.start(kind)
        expected = {}
        for number, (alias, sender, code, by_smtp, from_machine) in enumerate(STATES):
            code = code or (550 if through == BOUNCED else 250)
            with postfix.connect() as client:
                client.ehlo()
                client.mail(sender)
                self.assertEqual((alias, [code, 250]), (alias, [client.rcpt(name)[0] for name in (alias, SECOND)]))
                self.assertEqual(250, client.data(f"Subject: smtp-{number}\r\n\r\nA mail.\r\n")[0])
            expected[f"smtp-{number}", SECOND] = "foo"
            if code == 250:
                expected[f"smtp-{number}", alias] = through if by_smtp == THROUGH else by_smtp
            postfix.submit(f"machine-{number}", sender, alias, SECOND)
            if from_machine != HELD:
                expected[f"machine-{number}", SECOND] = "foo"
                expected[f"machine-{number}", alias] = through if from_machine == THROUGH else from_machine
            else:
                held = f"machine-{number}"
        self.assert_ends(postfix, expected)
        # Mail from the machine waits for all its recipients until the alias is deferred no more.
        self.store.change([Change(DEFERRED, DEFERRED, AliasState.ACTIVE)], "root", time.time())
        self.wait_for_answers({DEFERRED: b"200"})
        postfix.submit("machine-again", STRANGER, DEFERRED)
        for alias, subject in ((DEFERRED, held), (SECOND, held), (DEFERRED, "machine-again")):
            expected[subject, alias] = "foo"
        self.assert_ends(postfix, expected)
        self.store.change([Change(DEFERRED, DEFERRED, AliasState.DEFER)], "root", time.time())
        self.wait_for_answers({DEFERRED: b"400"})
        return postfix

    def test_plain(self) -> None:
        """Without what lets addresses through, mail from the machine goes where mail by SMTP goes; locks aside."""
        self.assert_states("plain")

    def test_delimiter(self) -> None:
        """A delimiter lets mail from the machine through, and by SMTP only that for addresses without a state."""
        self.assert_forms(self.assert_states("delimiter"))

    def test_catch_all(self) -> None:
        """So does a catch-all behind the table."""
        self.assert_forms(self.assert_states("catch-all"))

    def assert_forms(self, postfix: Postfix) -> None:
        """Assert the replies to each form in which a client can type a recipient."""
        replies: dict[str, tuple[int, ...]] = {}
        locked: dict[str, int] = {}
        for form in FORMS:
            codes = []
            for alias in (REVOKED, DEFERRED, LOCKED):
                local_part = alias.partition("@")[0]
                with postfix.connect() as client:
                    client.ehlo()
                    client.mail(STRANGER)
                    typed = form.format(local_part, local_part.upper())
                    codes.append(client.docmd("RCPT", f"TO:<{typed}>")[0])
            replies[form], locked[form] = tuple(codes[:2]), codes[2]
        self.maxDiff = None
        self.assertEqual(FORMS, replies)
        self.assertEqual({form: refused for form, (refused, _) in FORMS.items()}, locked)
