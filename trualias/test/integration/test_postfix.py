"""The virtual server behind a real Postfix, and under a real postmap."""

import shutil
from pathlib import Path
from textwrap import dedent

from twisted.trial.unittest import SynchronousTestCase

from trualias.testing.live import LiveServer, free_port
from trualias.testing.postfix import Postfix, postmap
from trualias.testing.requirements import source_tree

SAMPLE = "conf/tcp_virtual_server.conf.sample"


class DeliveryTests(SynchronousTestCase):
    """Mail through Postfix, with the sample configuration of the virtual server."""

    def setUp(self) -> None:
        """Put a Postfix, its mailboxes foo and baz, in front of a running virtual server."""
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
        """Send a mail to *recipient* and see it in *mailbox*, with the alias in ``X-Original-To``."""
        mail = self.postfix.wait_for_mail(mailbox, self.postfix.send(recipient))
        self.assertIn(f"\nX-Original-To: {recipient}\nDelivered-To: {mailbox}@example.com\n", mail)

    def test_alias_with_right_code(self) -> None:
        """Mail for an alias arrives in the mailbox of its account; the mailboxes' own addresses work too."""
        self.deliver("samissexy.34@example.com", "baz")
        self.deliver("pinky-macys-m5@example.com", "foo")
        self.deliver("baz@example.com", "baz")

    def test_mixed_case(self) -> None:
        """Mail arrives however the alias was capitalised, though smtpd asks in lower case and cleanup as written."""
        self.deliver("SamIsSexy.34@example.com", "baz")

    def test_wrong_code(self) -> None:
        """An alias whose code is wrong is refused before the sender has sent the mail, as is a name nobody has."""
        for recipient in ("samissexy.35@example.com", "nobody@example.com"):
            reason = f"5.1.1 <{recipient}>: Recipient address rejected: User unknown in virtual mailbox table"
            self.assertEqual((550, reason), self.postfix.rcpt(recipient))

    def test_foreign_domain(self) -> None:
        """An alias with the right code, but in a domain that is not ours, opens no relay."""
        recipient = "samissexy.34@example.net"
        self.assertEqual((554, f"5.7.1 <{recipient}>: Relay access denied"), self.postfix.rcpt(recipient))

    def test_server_away(self) -> None:
        """While the server is away the sender is asked to come again (451); when it is back, mail flows again.

        Postfix tries ten times, one second apart, before it says so: this test takes these nine seconds.
        """
        self.assertEqual(250, self.postfix.rcpt("samissexy.34@example.com")[0])
        self.server.stop()
        refusal = "4.3.0 <samissexy.34@example.com>: Temporary lookup failure"
        self.assertEqual((451, refusal), self.postfix.rcpt("samissexy.34@example.com"))
        self.server.start()
        self.deliver("samissexy.34@example.com", "baz")

    def test_restart_between_two_mails(self) -> None:
        """A crash and a new start of the server between two mails go unnoticed by the senders."""
        self.deliver("samissexy.34@example.com", "baz")
        self.server.kill()
        self.server.start()
        self.deliver("samissexy.34@example.com", "baz")


class PostmapTests(SynchronousTestCase):
    """What ``postmap -q`` prints."""

    def setUp(self) -> None:
        """Choose a folder for the configuration."""
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()

    def start(self, plugin: str, configuration: Path) -> str:
        """Start the server *plugin* with this configuration; return postmap's name for its table."""
        port = free_port()
        arguments = (plugin, "-c", str(configuration), "-e", f"tcp:{port}:interface=127.0.0.1")
        server = LiveServer(arguments, self.folder, port)
        self.addCleanup(server.stop)
        server.start()
        return f"tcp:127.0.0.1:{port}"

    def assert_answer(self, key: str, table: str, value: str | None) -> None:
        """Assert that postmap finds *value*, or finds nothing where that is None; and that it complains of nothing."""
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
        """The virtual server with its sample answers a whole address with a whole address, of its domains alone."""
        table = self.start("trualias-virtual", source_tree() / SAMPLE)
        self.assert_answer("samissexy.34@example.com", table, "baz@example.com")
        self.assert_answer("samissexy.35@example.com", table, None)
        self.assert_answer("samissexy.34@example.net", table, None)
        self.assert_answer("samissexy.34", table, None)

    def test_keys_that_no_alias_can_have(self) -> None:
        """Keys with a space, a percent sign or a letter outside ASCII reach the server and are not found, no error."""
        table = self.start("trualias-table", source_tree() / "conf/tcp_table_server.conf.sample")
        for key in ("sam is sexy.34", "samissexy%2E34", "caféisexy.34", "日本.34"):
            self.assert_answer(key, table, None)

    def test_encoding_both_ways(self) -> None:
        """A PROCESSOR sees such keys as the client meant them, and its answers reach the client unharmed."""
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
    """Mail through a Postfix that asks by socketmap."""

    def serve(self, postfix: Postfix, listen: str) -> None:
        """Put a Postfix in front of a virtual server that listens there."""
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

    def assert_asks(self, postfix: Postfix) -> None:
        """Assert that mail arrives by a right code, is refused by a wrong one, and is put off without a server."""
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
        """From within the chroot by a unix socket in the queue directory, whose group alone may ask."""
        postfix = Postfix("socketmap:unix:trualias/virtual.sock:virtual", chroot=True)
        folder = postfix.queue / "trualias"
        folder.mkdir()
        shutil.chown(folder, "root", "postfix")
        folder.chmod(0o2750)  # the socket gets the group of its folder
        self.serve(postfix, f"socketmap unix:{folder}/virtual.sock:mode=660")
        self.assert_asks(postfix)

    def test_inet(self) -> None:
        """By TCP."""
        port = free_port()
        postfix = Postfix(f"socketmap:inet:127.0.0.1:{port}:virtual", chroot=True)
        self.serve(postfix, f"socketmap tcp:{port}:interface=127.0.0.1")
        self.assert_asks(postfix)
