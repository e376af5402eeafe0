"""Tests of both servers with a real Postfix and a real postmap."""

import shutil
import time
from functools import partial
from io import BytesIO, StringIO
from pathlib import Path
from smtplib import SMTPDataError, SMTPRecipientsRefused
from textwrap import dedent

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.terminal import Terminal
from trualias.main import run
from trualias.store.states_copy import copy_file_name
from trualias.testing.dovecot import Dovecot
from trualias.testing.dovecot_auth import DovecotAuth
from trualias.testing.live import LiveServer, free_port, wait_until
from trualias.testing.lmtp import LmtpServer
from trualias.testing.postfix import Postfix, postmap
from trualias.testing.requirements import source_tree

SAMPLE = "conf/tcp_virtual_server.conf.sample"


class DeliveryTests(SynchronousTestCase):
    """Mail through Postfix, with the sample configuration of the virtual server."""

    def setUp(self) -> None:
        """Start a virtual server, and a Postfix with the mailboxes foo and baz that queries it."""
        port = free_port()
        self.postfix = Postfix(f"tcp:127.0.0.1:{port}", mailboxes=("foo", "baz"))
        self.addCleanup(self.postfix.stop)
        folder = Path(self.mktemp())
        folder.mkdir()
        endpoint = f"tcp:{port}:interface=127.0.0.1"
        sample = str(source_tree() / SAMPLE)
        self.server = LiveServer(("trualias-virtual", "-c", sample, "-e", endpoint), folder, port)
        self.addCleanup(self.server.stop)
        self.server.start()
        self.postfix.start()

    def deliver(self, recipient: str, mailbox: str) -> None:
        """Send a mail to *recipient*; assert that it arrives in *mailbox*, with the alias in ``X-Original-To``."""
        mail = self.postfix.wait_for_mail(mailbox, self.postfix.send(recipient))
        self.assertIn(f"\nX-Original-To: {recipient}\nDelivered-To: {mailbox}@example.com\n", mail)

    def test_alias_with_right_code(self) -> None:
        """Mail for an alias arrives in the mailbox of its account; mail for a mailbox's address arrives too."""
        self.deliver("samissexy.34@example.com", "baz")
        self.deliver("pinky-macys-m5@example.com", "foo")
        self.deliver("baz@example.com", "baz")

    def test_mixed_case(self) -> None:
        """Mail arrives for any case of the alias, although smtpd queries in lower case and cleanup as written."""
        self.deliver("SamIsSexy.34@example.com", "baz")

    def test_wrong_code(self) -> None:
        """An alias with a wrong code, and an unknown name, are refused before the mail is sent."""
        for recipient in ("samissexy.35@example.com", "nobody@example.com"):
            reason = f"5.1.1 <{recipient}>: Recipient address rejected: User unknown in virtual mailbox table"
            self.assertEqual((550, reason), self.postfix.rcpt(recipient))

    def test_refused(self) -> None:
        """An alias with the right code that REFUSE takes back is refused before the mail is sent."""
        recipient = "foo-evilmart-0e3@example.com"
        reason = f"5.1.1 <{recipient}>: Recipient address rejected: User unknown in virtual mailbox table"
        self.assertEqual((550, reason), self.postfix.rcpt(recipient))
        self.deliver("foo-evilmart-0v3@example.com", "foo")

    def test_unknown_domain(self) -> None:
        """An alias with the right code in an unknown domain is not relayed."""
        recipient = "samissexy.34@example.net"
        self.assertEqual((554, f"5.7.1 <{recipient}>: Relay access denied"), self.postfix.rcpt(recipient))

    def test_stopped_server(self) -> None:
        """While the server does not run, the sender gets a temporary error (451); after its start, mail arrives.

        Postfix tries ten times, one second apart, before it replies: this test takes these nine seconds.
        """
        self.assertEqual(250, self.postfix.rcpt("samissexy.34@example.com")[0])
        self.server.stop()
        refusal = "4.3.0 <samissexy.34@example.com>: Temporary lookup failure"
        self.assertEqual((451, refusal), self.postfix.rcpt("samissexy.34@example.com"))
        self.server.start()
        self.deliver("samissexy.34@example.com", "baz")

    def test_restart_between_two_mails(self) -> None:
        """A crash and a restart of the server between two mails do not affect the senders."""
        self.deliver("samissexy.34@example.com", "baz")
        self.server.kill()
        self.server.start()
        self.deliver("samissexy.34@example.com", "baz")


class WithoutServerTests(SynchronousTestCase):
    """Mail for aliases that were written into a table, as the guide to uninstalling says."""

    def test_table(self) -> None:
        """The output of ``trualias query`` is a table by which Postfix delivers without a server."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        addresses = "samissexy.34@example.com\nsamissexy.35@example.com\n"
        output = StringIO()
        arguments = ["query", "-c", str(source_tree() / SAMPLE), "-"]
        run(arguments, Terminal(BytesIO(addresses.encode()), output, StringIO()))
        self.assertEqual("samissexy.34@example.com\tbaz@example.com\n", output.getvalue())
        table = "inline:{ %s }" % output.getvalue().strip().replace("\t", "=")  # noqa: UP031
        postfix = Postfix(table)
        self.addCleanup(postfix.stop)
        postfix.start()
        postfix.wait_for_mail("baz", postfix.send("samissexy.34@example.com"))
        self.assertEqual(550, postfix.rcpt("samissexy.35@example.com")[0])
        self.assertEqual(250, postfix.rcpt("baz@example.com")[0])


class LmtpTests(SynchronousTestCase):
    """A mail store behind Postfix, by LMTP."""

    def test_delivery(self) -> None:
        """The store gets the mailbox as the recipient, and the alias in a header; a wrong code does not reach it."""
        store = LmtpServer()
        self.addCleanup(store.stop)
        port = free_port()
        settings = {
            "virtual_transport": f"lmtp:inet:127.0.0.1:{store.port}",
            "lmtp_destination_recipient_limit": "1",
        }
        postfix = Postfix(f"tcp:127.0.0.1:{port}", settings=settings)
        self.addCleanup(postfix.stop)
        folder = Path(self.mktemp())
        folder.mkdir()
        sample = str(source_tree() / SAMPLE)
        server = LiveServer(("trualias-virtual", "-c", sample, "-e", f"tcp:{port}:interface=127.0.0.1"), folder, port)
        self.addCleanup(server.stop)
        server.start()
        postfix.start()
        self.assertEqual(550, postfix.rcpt("samissexy.35@example.com")[0])
        postfix.send("samissexy.34@example.com")
        wait_until(lambda: bool(store.received), "a mail in the store", lambda: postfix.log)
        (mail,) = store.received
        self.assertEqual(("baz@example.com",), mail.recipients)
        self.assertIn("\nX-Original-To: samissexy.34@example.com\n", f"\n{mail.text}")


class DovecotTests(SynchronousTestCase):
    """The set-up of install/lmtp.rst, with a real Dovecot behind a real Postfix."""

    def test_delivery(self) -> None:
        """Mail for two aliases arrives in the mailboxes of their accounts, and in no other; a wrong code is refused."""
        dovecot = Dovecot()
        self.addCleanup(dovecot.stop)
        dovecot.start()
        port = free_port()
        settings = {"virtual_transport": f"lmtp:inet:127.0.0.1:{dovecot.port}", "recipient_delimiter": ""}
        postfix = Postfix(f"tcp:127.0.0.1:{port}", ("foo", "baz"), settings)
        self.addCleanup(postfix.stop)
        folder = Path(self.mktemp())
        folder.mkdir()
        sample = str(source_tree() / SAMPLE)
        server = LiveServer(("trualias-virtual", "-c", sample, "-e", f"tcp:{port}:interface=127.0.0.1"), folder, port)
        self.addCleanup(server.stop)
        server.start()
        postfix.start()
        aliases = {"samissexy.34@example.com": "baz@example.com", "foo-macys-m5@example.com": "foo@example.com"}
        for alias in aliases:
            self.assertEqual(250, postfix.rcpt(alias)[0])
            postfix.send(alias)
        self.assertEqual(550, postfix.rcpt("samissexy.35@example.com")[0])
        for alias, mailbox in aliases.items():
            wait_until(partial(dovecot.has_mail, mailbox), mailbox, lambda: postfix.log + dovecot.log)
            (mail,) = dovecot.mails(mailbox)
            self.assertIn(f"\nX-Original-To: {alias}\n", mail)
            self.assertIn(f"Delivered-To: {mailbox}\n", mail)
        self.assertEqual(set(aliases.values()), dovecot.mailboxes())


class TagTests(SynchronousTestCase):
    """Mail for aliases with a tag."""

    def test_tag(self) -> None:
        """An alias with a tag is refused, by either protocol; a mailbox with one is not."""
        ports = free_port(), free_port()
        folder = Path(self.mktemp())
        folder.mkdir()
        sample = (source_tree() / SAMPLE).read_text("utf-8")
        listen = f"PORT: {ports[0]}\nLISTEN: socketmap tcp:{ports[1]}:interface=127.0.0.1"
        (folder / "a.conf").write_text(sample.replace("PORT: 3048", listen), "utf-8")
        server = LiveServer(("trualias-virtual", "-c", "a.conf"), folder, ports[0])
        self.addCleanup(server.stop)
        server.start()
        tables = f"tcp:127.0.0.1:{ports[0]}", f"socketmap:inet:127.0.0.1:{ports[1]}:virtual"
        for table in tables:
            postfix = Postfix(table, settings={"recipient_delimiter": "+"})
            self.addCleanup(postfix.stop)
            postfix.start()
            self.assertEqual(550, postfix.rcpt("samissexy.34+tag@example.com")[0])
            self.assertEqual(250, postfix.rcpt("samissexy.34@example.com")[0])
            self.assertEqual(250, postfix.rcpt("baz+tag@example.com")[0])


class InternationalTests(SynchronousTestCase):
    """Mail for a domain with characters outside ASCII, RFC 6531."""

    def test_delivery(self) -> None:
        """Mail arrives for an alias in U-labels, whose domain the configuration has in either spelling."""
        u_label, a_label = "b\u00fccher.example", "xn--bcher-kva.example"
        statement = "ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();"
        for configured in (u_label, a_label):
            port = free_port()
            settings = {
                "smtputf8_enable": "yes",
                "virtual_mailbox_domains": f"{u_label}, {a_label}",
                "virtual_mailbox_maps": f"inline:{{ foo@{u_label}=foo/, foo@{a_label}=foo/ }}",
            }
            postfix = Postfix(f"tcp:127.0.0.1:{port}", settings=settings)
            self.addCleanup(postfix.stop)
            folder = Path(self.mktemp())
            folder.mkdir()
            (folder / "a.conf").write_text(f"PORT: {port}\nALIAS DOMAINS: {configured}\n{statement}\n", "utf-8")
            server = LiveServer(("trualias-virtual", "-c", "a.conf"), folder, port)
            self.addCleanup(server.stop)
            server.start()
            postfix.start()
            for domain in (u_label, a_label):
                alias = f"foo-macys-m5@{domain}"
                mail = postfix.wait_for_mail("foo", postfix.send(alias))
                self.assertIn(f"\nX-Original-To: {alias}\nDelivered-To: foo@{domain}\n", mail)
            self.assertRaises(SMTPRecipientsRefused, postfix.send, f"foo-macys-m6@{u_label}")

    def test_target(self) -> None:
        """A target of ``DELIVER`` in such a domain reaches a host that does not offer SMTPUTF8."""
        store = LmtpServer()
        self.addCleanup(store.stop)
        port = free_port()
        settings = {"smtputf8_enable": "yes", "default_transport": f"lmtp:inet:127.0.0.1:{store.port}"}
        postfix = Postfix(f"tcp:127.0.0.1:{port}", settings=settings)
        self.addCleanup(postfix.stop)
        folder = Path(self.mktemp())
        folder.mkdir()
        configuration = f"""
            PORT: {port}
            ALIAS DOMAINS: example.com
            ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
            DELIVER foo TO foo@b\u00fccher.example;
        """
        (folder / "a.conf").write_text(dedent(configuration), "utf-8")
        server = LiveServer(("trualias-virtual", "-c", "a.conf"), folder, port)
        self.addCleanup(server.stop)
        server.start()
        postfix.start()
        postfix.send("foo-macys-m5@example.com")
        wait_until(lambda: bool(store.received), "a mail in the store", lambda: postfix.log)
        self.assertEqual([("foo@xn--bcher-kva.example",)], [mail.recipients for mail in store.received])


class DeliverTests(SynchronousTestCase):
    """``DELIVER`` with a real Postfix."""

    CONFIGURATION = """
        CASE SENSITIVE: no
        ALIAS DOMAINS: example.com
        ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
        ACCOUNT away MATCHES %account%.%alpha%.%code% WITH CHARS();
        ACCOUNT round, about MATCHES %account%.%alpha%.%code% WITH CHARS();
        DELIVER foo TO baz@example.com, archive;
        DELIVER away TO away@mailbox.example.net;
        DELIVER round TO about.ab.2;
        DELIVER about TO round.ab.2;
    """

    def setUp(self) -> None:
        """Start a virtual server, and a Postfix that queries it and has three mailboxes."""
        port = free_port()
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        (folder / "trualias.conf").write_text(dedent(self.CONFIGURATION), "utf-8")
        arguments = ("trualias-virtual", "-c", str(folder / "trualias.conf"))
        server = LiveServer((*arguments, "-e", f"tcp:{port}:interface=127.0.0.1"), folder, port)
        self.addCleanup(server.stop)
        self.postfix = Postfix(f"tcp:127.0.0.1:{port}", mailboxes=("foo", "baz", "archive"))
        self.addCleanup(self.postfix.stop)
        server.start()
        self.postfix.start()

    def test_several_mailboxes(self) -> None:
        """A mail arrives in each mailbox of the account, and not in the account's own."""
        subject = self.postfix.send("Foo-Macys-m5@example.com")
        for mailbox in ("baz", "archive"):
            mail = self.postfix.wait_for_mail(mailbox, subject)
            self.assertIn(f"\nDelivered-To: {mailbox}@example.com\n", mail)
        self.assertEqual([], self.postfix.mails("foo"))

    def test_other_domain(self) -> None:
        """A mail for an account in another domain goes there; this Postfix sends nothing away, and says so."""
        self.postfix.send("away.macys.5@example.com")
        expected = "to=<away@mailbox.example.net>, orig_to=<away.macys.5@example.com>, relay=none"
        wait_until(lambda: expected in self.postfix.log, expected, log=lambda: self.postfix.log)

    def test_circle(self) -> None:
        """Postfix defers a mail whose targets are aliases that lead in a circle."""
        self.assertEqual(250, self.postfix.rcpt("round.abcd.4@example.com")[0])
        with self.assertRaises(SMTPDataError) as raised:
            self.postfix.send("round.abcd.4@example.com")
        self.assertEqual((451, b"4.6.0 Alias expansion error"), raised.exception.args)


class DomainTests(SynchronousTestCase):
    """Two alias domains with different people of one name, with a real Postfix."""

    CONFIGURATION = """
        CASE SENSITIVE: no
        ALIAS DOMAINS: example.com south.example
        ACCOUNT ann AT example.com MATCHES %account%-%ident%-%code% WITH CHARS();
        ACCOUNT ann AT south.example MATCHES %account%-%ident%-%code% WITH x, CHARS();
        DELIVER ann AT south.example TO baz@example.com;
        REFUSE ann-evilmart-8@example.com;
    """

    def test_two_people(self) -> None:
        """Mail reaches the ann of its domain; the code of the other, and a refused address, are refused."""
        port = free_port()
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        (folder / "trualias.conf").write_text(dedent(self.CONFIGURATION), "utf-8")
        arguments = ("trualias-virtual", "-c", str(folder / "trualias.conf"))
        server = LiveServer((*arguments, "-e", f"tcp:{port}:interface=127.0.0.1"), folder, port)
        self.addCleanup(server.stop)
        settings = {"virtual_alias_domains": "south.example"}
        postfix = Postfix(f"tcp:127.0.0.1:{port}", mailboxes=("ann", "baz"), settings=settings)
        self.addCleanup(postfix.stop)
        server.start()
        postfix.start()
        for alias, mailbox in (("ann-macys-5@example.com", "ann"), ("ann-macys-x5@south.example", "baz")):
            mail = postfix.wait_for_mail(mailbox, postfix.send(alias))
            self.assertIn(f"\nX-Original-To: {alias}\nDelivered-To: {mailbox}@example.com\n", mail)
        for alias in ("ann-macys-x5@example.com", "ann-macys-5@south.example", "ann-evilmart-8@example.com"):
            self.assertEqual((alias, 550), (alias, postfix.rcpt(alias)[0]))


class PostmapTests(SynchronousTestCase):
    """The output of ``postmap -q``."""

    def setUp(self) -> None:
        """Create a folder for the configuration."""
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()

    def start(self, plugin: str, configuration: Path) -> str:
        """Start the server *plugin* with a configuration; return postmap's name for its table."""
        port = free_port()
        arguments = (plugin, "-c", str(configuration), "-e", f"tcp:{port}:interface=127.0.0.1")
        server = LiveServer(arguments, self.folder, port)
        self.addCleanup(server.stop)
        server.start()
        return f"tcp:127.0.0.1:{port}"

    def assert_answer(self, key: str, table: str, value: str | None) -> None:
        """Assert that postmap finds *value*, or nothing if that is None, and that it prints no error."""
        answer = postmap(key, table, self.folder)
        expected = (1, "", "") if value is None else (0, f"{value}\n", "")
        self.assertEqual(expected, (answer.returncode, answer.stdout, answer.stderr))

    def test_table_server(self) -> None:
        """The table server with its sample answers a local part with the account."""
        table = self.start("trualias-table", source_tree() / "conf/tcp_table_server.conf.sample")
        self.assert_answer("samissexy.34", table, "baz")
        self.assert_answer("greyisthenewbeige.411", table, "baz")
        self.assert_answer("samissexy.43", table, None)

    def test_virtual_server(self) -> None:
        """The virtual server with its sample answers an address in its domains, and no other, with an address."""
        table = self.start("trualias-virtual", source_tree() / SAMPLE)
        self.assert_answer("samissexy.34@example.com", table, "baz@example.com")
        self.assert_answer("samissexy.35@example.com", table, None)
        self.assert_answer("samissexy.34@example.net", table, None)
        self.assert_answer("samissexy.34", table, None)

    def test_impossible_keys(self) -> None:
        """Keys with a space, a percent sign or a letter outside ASCII reach the server and are not found."""
        table = self.start("trualias-table", source_tree() / "conf/tcp_table_server.conf.sample")
        for key in ("sam is sexy.34", "samissexy%2E34", "caféisexy.34", "日本.34"):
            self.assert_answer(key, table, None)

    def test_encoding_both_ways(self) -> None:
        """Hooks get such keys decoded, and their answers arrive unchanged at the client."""
        configuration = self.folder / "trualias.conf"
        statement = "ACCOUNT baz MATCHES %alpha%is%alpha%.%code% WITH CHARS(1), CHARS(2);"
        configuration.write_text(f"PROCESSOR: foreign_keys\n{statement}\n", "utf-8")
        module = """
            ACCOUNTS = ALIASES = frozenset()

            def preprocess(alias, domain):
                return {"sam is sexy.34": "samissexy.34", "café%41": "samissexy.34"}.get(alias, alias), domain

            def postprocess(account, domain):
                return account + " of the café, 100%", domain

            def reload():
                pass
        """
        (self.folder / "foreign_keys.py").write_text(dedent(module), "utf-8")
        table = self.start("trualias-table", configuration)
        self.assert_answer("sam is sexy.34", table, "baz of the café, 100%")
        self.assert_answer("café%41", table, "baz of the café, 100%")
        self.assert_answer("café%42", table, None)


class SocketmapTests(SynchronousTestCase):
    """Mail through a Postfix that queries by socketmap."""

    def serve(self, postfix: Postfix, listen: str) -> None:
        """Start a virtual server with the endpoint *listen*, and *postfix*."""
        self.addCleanup(postfix.stop)
        folder = Path(self.mktemp())
        folder.mkdir()
        port = free_port()
        sample = (source_tree() / SAMPLE).read_text("utf-8").replace("PORT: 3048", f"PORT: {port}\nLISTEN: {listen}")
        (folder / "a.conf").write_text(sample, "utf-8")
        self.server = LiveServer(("trualias-virtual", "-c", "a.conf"), folder, port)
        self.addCleanup(self.server.stop)
        self.server.start()
        postfix.start()

    def assert_replies(self, postfix: Postfix) -> None:
        """Assert that a right code is accepted, a wrong one refused, and that both are deferred without a server."""
        mail = postfix.wait_for_mail("baz", postfix.send("SamIsSexy.34@example.com"))
        self.assertIn("\nX-Original-To: SamIsSexy.34@example.com\nDelivered-To: baz@example.com\n", mail)
        wrong = "samissexy.35@example.com"
        reason = f"5.1.1 <{wrong}>: Recipient address rejected: User unknown in virtual mailbox table"
        self.assertEqual((550, reason), postfix.rcpt(wrong))
        self.server.stop()
        self.assertEqual(451, postfix.rcpt("samissexy.34@example.com")[0])
        self.server.start()
        self.assertEqual(250, postfix.rcpt("samissexy.34@example.com")[0])

    def test_unix(self) -> None:
        """Postfix queries from its chroot over a unix socket in the queue directory, open to its group alone."""
        postfix = Postfix("socketmap:unix:trualias/virtual.sock:virtual", chroot=True)
        folder = postfix.queue / "trualias"
        folder.mkdir()
        shutil.chown(folder, "root", "postfix")
        folder.chmod(0o2750)  # the socket gets the group of its folder
        self.serve(postfix, f"socketmap unix:{folder}/virtual.sock:mode=660")
        self.assert_replies(postfix)

    def test_inet(self) -> None:
        """Postfix queries over TCP."""
        port = free_port()
        postfix = Postfix(f"socketmap:inet:127.0.0.1:{port}:virtual", chroot=True)
        self.serve(postfix, f"socketmap tcp:{port}:interface=127.0.0.1")
        self.assert_replies(postfix)


class LoginTests(SynchronousTestCase):
    """Sending from an alias, over a Postfix with the submission settings of ``install/postfix.rst``."""

    def serve(self, maps: str, listen: str, restriction: str = "reject_authenticated_sender_login_mismatch") -> None:
        """Start a virtual server with the endpoint *listen*, and a Postfix whose login table is *maps*."""
        settings = {
            "smtpd_sasl_auth_enable": "yes",
            "smtpd_sasl_type": "dovecot",
            "smtpd_sasl_path": "private/auth",
            "smtpd_sender_login_maps": maps,
            "smtpd_sender_restrictions": restriction,
        }
        self.postfix = Postfix("", ("foo", "baz"), settings)
        self.addCleanup(self.postfix.stop)
        folder = Path(self.mktemp())
        folder.mkdir()
        port = free_port()
        sample = (source_tree() / SAMPLE).read_text("utf-8").replace("PORT: 3048", f"PORT: {port}\nLISTEN: {listen}")
        (folder / "a.conf").write_text(sample, "utf-8")
        server = LiveServer(("trualias-virtual", "-c", "a.conf"), folder, port)
        self.addCleanup(server.stop)
        server.start()
        self.postfix.start()
        auth = DovecotAuth(self.postfix.queue / "private" / "auth")
        self.addCleanup(auth.stop)

    def assert_senders(self) -> None:
        """Assert who may send from which address."""
        for sender in ("samissexy.34@example.com", "SamIsSexy.34@Example.COM", "baz@example.com"):
            self.assertEqual((250, "2.1.5 Ok"), self.postfix.rcpt_from("baz", sender, "foo@example.com"))
            reason = f"5.7.1 <{sender}>: Sender address rejected: not owned by user foo"
            self.assertEqual((553, reason), self.postfix.rcpt_from("foo", sender, "foo@example.com"))
        for sender in ("samissexy.35@example.com", "samissexy.34@example.net"):
            reason = f"5.7.1 <{sender}>: Sender address rejected: not owned by user baz"
            self.assertEqual((553, reason), self.postfix.rcpt_from("baz", sender, "foo@example.com"))

    def test_socketmap(self) -> None:
        """Over socketmap, an alias is its owner's sender alone."""
        port = free_port()
        self.serve(f"socketmap:inet:127.0.0.1:{port}:login", f"socketmap tcp:{port}:interface=127.0.0.1")
        self.assert_senders()

    def test_tcp_table(self) -> None:
        """Over the line protocol, at an endpoint for this table, too."""
        port = free_port()
        self.serve(f"tcp:127.0.0.1:{port}", f"tcp_table tcp:{port}:interface=127.0.0.1 login")
        self.assert_senders()

    def test_stranger(self) -> None:
        """A client that has not logged in learns which codes are right only with the other restriction."""
        right, wrong = "samissexy.34@example.com", "samissexy.35@example.com"
        not_owned = f"5.7.1 <{right}>: Sender address rejected: not logged in"
        for restriction, reply in (
            ("reject_authenticated_sender_login_mismatch", (250, "2.1.5 Ok")),
            ("reject_sender_login_mismatch", (553, not_owned)),
        ):
            port = free_port()
            maps = f"socketmap:inet:127.0.0.1:{port}:login"
            self.serve(maps, f"socketmap tcp:{port}:interface=127.0.0.1", restriction)
            self.assertEqual(reply, self.postfix.rcpt("foo@example.com", right), restriction)
            self.assertEqual((250, "2.1.5 Ok"), self.postfix.rcpt("foo@example.com", wrong), restriction)


class PolicyTests(SynchronousTestCase):
    """Refused addresses, over a Postfix with the settings of ``install/postfix.rst`` and a recipient delimiter."""

    REFUSED = "foo-etsy-e4@example.com"

    def serve(self, settings: dict[str, str], listen: str) -> Postfix:
        """Start a virtual server that refuses an address, and a Postfix; return it."""
        port = free_port()
        postfix = Postfix(f"tcp:127.0.0.1:{port}", ("foo", "baz"), {"recipient_delimiter": "-", **settings})
        self.addCleanup(postfix.stop)
        folder = Path(self.mktemp())
        folder.mkdir()
        text = (source_tree() / SAMPLE).read_text("utf-8").replace("PORT: 3048", f"PORT: {port}\nLISTEN: {listen}")
        self.statements = text.removesuffix("END\n")
        self.assertNotEqual(text, self.statements)
        (folder / "a.conf").write_text(f"{self.statements}REFUSE {self.REFUSED};\nEND\n", "utf-8")
        self.server = LiveServer(("trualias-virtual", "-c", "a.conf"), folder, port)
        self.addCleanup(self.server.stop)
        self.server.start()
        postfix.start()
        return postfix

    def assert_refused(self, postfix: Postfix) -> None:
        """Assert that the refused address is refused however it is typed, and that other mail arrives."""
        local_part = self.REFUSED.partition("@")[0]
        for typed in (self.REFUSED, self.REFUSED.upper(), f"{self.REFUSED}.", f'"{local_part}"@example.com'):
            code, text = postfix.rcpt(typed)
            self.assertEqual(550, code, text)
            self.assertTrue(text.endswith(": Recipient address rejected: User unknown in virtual mailbox table"), text)
        for recipient, mailbox in (("samissexy.34@example.com", "baz"), ("foo-google-g6@example.com", "foo")):
            postfix.wait_for_mail(mailbox, postfix.send(recipient))

    def test_delimiter(self) -> None:
        """Without the policy service, the delimiter lets a refused address through to the mailbox."""
        postfix = self.serve({}, f"policy tcp:{free_port()}:interface=127.0.0.1")
        self.assertEqual((250, "2.1.5 Ok"), postfix.rcpt(self.REFUSED))

    def test_policy(self) -> None:
        """The policy service refuses the address; while it is down, it is a temporary error; then it answers again."""
        port = free_port()
        service = f"reject_non_fqdn_recipient, check_policy_service {{ inet:127.0.0.1:{port}, timeout=10s }}"
        postfix = self.serve({"smtpd_recipient_restrictions": service}, f"policy tcp:{port}:interface=127.0.0.1")
        self.assert_refused(postfix)
        self.server.stop()
        reason = f"4.3.5 <{self.REFUSED}>: Recipient address rejected: Server configuration problem"
        self.assertEqual((451, reason), postfix.rcpt(self.REFUSED))
        self.server.start()
        self.assert_refused(postfix)

    def test_access(self) -> None:
        """The access table does the same."""
        port = free_port()
        table = f"reject_non_fqdn_recipient, check_recipient_access socketmap:inet:127.0.0.1:{port}:access"
        postfix = self.serve({"smtpd_recipient_restrictions": table}, f"socketmap tcp:{port}:interface=127.0.0.1")
        self.assert_refused(postfix)


class MemoryTests(SynchronousTestCase):
    """Aliases that are taken back and paused, by commands beside a running server and a Postfix."""

    MACYS, GOOGLE = "foo-macys-m5@example.com", "foo-google-g6@example.com"

    def setUp(self) -> None:
        """Start a virtual server with a store, and a Postfix with a delimiter that would let each alias through."""
        port, policy = free_port(), free_port()
        settings = {
            "recipient_delimiter": "-",
            "smtpd_recipient_restrictions": f"reject_non_fqdn_recipient, check_policy_service inet:127.0.0.1:{policy}",
            "transport_maps": "inline:{ { discard.invalid = discard:quietly } }",
        }
        self.postfix = Postfix(f"tcp:127.0.0.1:{port}", ("foo", "baz"), settings)
        self.addCleanup(self.postfix.stop)
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        text = (source_tree() / SAMPLE).read_text("utf-8")
        more = f"STORE: sqlite:memory.sqlite\nLISTEN: policy tcp:{policy}:interface=127.0.0.1"
        (self.folder / "a.conf").write_text(text.replace("PORT: 3048", f"PORT: {port}\n{more}"), "utf-8")
        self.server = LiveServer(("trualias-virtual", "-c", "a.conf", "--state", "."), self.folder, port)
        self.addCleanup(self.server.stop)
        self.server.start()
        self.postfix.start()

    def alias(self, *arguments: str) -> None:
        """Run ``trualias alias``, and wait until its change is in force."""
        output = StringIO()
        options = ("-c", str(self.folder / "a.conf"), "--state-directory", str(self.folder))
        self.assertEqual(0, run(["alias", *arguments, *options], Terminal(BytesIO(), output, output)), output)
        time.sleep(1)

    def assert_code(self, code: int, *recipients: str) -> None:
        """Assert Postfix' reply to some recipients."""
        self.assertEqual(dict.fromkeys(recipients, code), {name: self.postfix.rcpt(name)[0] for name in recipients})

    def test_states(self) -> None:
        """Each state over SMTP: refused in every form, deferred, discarded, working again; others get their mail."""
        self.assert_code(250, self.MACYS)
        self.alias("revoke", self.MACYS)
        self.assert_code(550, self.MACYS, self.MACYS.upper(), f"{self.MACYS}.")
        self.assert_code(250, self.GOOGLE, "foo@example.com", "samissexy.34@example.com")
        refusal = f"5.1.1 <{self.MACYS}>: Recipient address rejected: User unknown in virtual mailbox table"
        self.assertEqual((550, refusal), self.postfix.rcpt(self.MACYS))
        self.alias("resume", self.MACYS)
        self.alias("pause", self.MACYS, "--answer", "defer")
        self.assert_code(450, self.MACYS)
        self.alias("pause", self.MACYS, "--answer", "quiet")
        self.postfix.send(self.MACYS)
        self.alias("resume", self.MACYS)
        arrived = self.postfix.wait_for_mail("foo", self.postfix.send(self.MACYS))
        self.assertEqual([arrived], self.postfix.mails("foo"))
        discarded = f"orig_to=<{self.MACYS}>, relay=none, "
        wait_until(lambda: "(quietly)" in self.postfix.log, "the discarded mail", log=lambda: self.postfix.log)
        self.assertIn(discarded, self.postfix.log)

    def test_lost_store(self) -> None:
        """Revoked stays revoked while the store is gone, over a restart as well, until it is adopted and resumed."""
        self.alias("revoke", self.MACYS)
        copy = self.folder / copy_file_name("virtual", str(self.folder / "memory.sqlite"))
        wait_until(lambda: b"revoked" in copy.read_bytes(), "the copy of the states", log=lambda: self.server.log)
        (self.folder / "memory.sqlite").unlink()
        wait_until(lambda: "the store is not used" in self.server.log, "a log line", log=lambda: self.server.log)
        self.assert_code(550, self.MACYS)
        self.server.kill()
        self.server.start()
        self.assert_code(550, self.MACYS)
        self.assertFalse((self.folder / "memory.sqlite").exists())
        options = ["-c", str(self.folder / "a.conf"), "--state-directory", str(self.folder)]
        output = StringIO()
        self.assertEqual(0, run(["store", "adopt", *options], Terminal(BytesIO(), output, output)), output)
        self.assert_code(550, self.MACYS)
        self.alias("resume", self.MACYS)
        self.assert_code(250, self.MACYS)

    def test_lost_at_the_start(self) -> None:
        """With neither store nor copy, mail is delivered or deferred, and never bounced."""
        self.server.stop()
        (self.folder / copy_file_name("virtual", str(self.folder / "memory.sqlite"))).unlink()
        store = self.folder / "memory.sqlite"
        kept = store.read_bytes()
        for path in self.folder.glob("memory.sqlite*"):
            path.unlink()
        store.write_bytes(b"damaged" * 1_000)
        self.server.start()
        for recipient in (self.MACYS, self.GOOGLE, "foo@example.com"):
            self.postfix.wait_for_mail("foo", self.postfix.send(recipient))
        self.postfix.wait_for_mail("baz", self.postfix.send("samissexy.34@example.com"))
        self.assert_code(451, "shop@example.com", "foo-macys-m6@example.com")
        self.assertNotIn("status=bounced", self.postfix.log)
        store.write_bytes(kept)
        wait_until(lambda: "the store is used again" in self.server.log, "the store", log=lambda: self.server.log)
        self.assert_code(550, "shop@example.com")
