"""A private Postfix for one test: with its own configuration, queue and mailboxes, on 127.0.0.1 alone.

No file of the machine's own Postfix is read or written, and no mail leaves the machine: all domains but the one under
test have the ``error`` transport.
"""

import itertools
import os
import pwd
import shutil
import smtplib
import subprocess
import tempfile
import time
from email.message import EmailMessage
from pathlib import Path

from trualias.testing.live import PATIENCE, free_port, is_listening, wait_until
from trualias.testing.requirements import require_program, require_root

DOMAIN = "example.com"

# The services that receive a mail, look up its recipients and deliver it to a mailbox; see master(5). All but the first
# two always run outside of the chroot.
_MASTER = """\
127.0.0.1:{port} inet n - {chroot} - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - {chroot} - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp flags=DO
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


def _write_aged(path: Path, text: str) -> None:
    """Write a file of Postfix' configuration with a time of modification an hour ago.

    Postfix reads a file modified in the last second repeatedly until it is older, since it may be incomplete.
    """
    path.write_text(text, "utf-8")
    an_hour_ago = time.time() - 3600
    os.utime(path, (an_hour_ago, an_hour_ago))


def postmap(key: str, table: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run ``postmap -q KEY TABLE``: status 0 and the value, or status 1 and no output; anything else is an error.

    The empty configuration that postmap(1) requires is written to *folder*.
    """
    _write_aged(folder / "main.cf", "")
    command = [require_program("postmap"), "-c", str(folder), "-q", key, table]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=PATIENCE, check=False)


class Postfix:
    """A Postfix for the mail of ``example.com``.

    *table* is the value of ``virtual_alias_maps``, *mailboxes* are the local parts of the mailboxes, *settings* are
    more settings of main.cf(5), which override the others. With *chroot*, the services that query the table run in a
    chroot, the queue directory.
    """

    def __init__(
        self,
        table: str,
        mailboxes: tuple[str, ...] = ("baz",),
        settings: dict[str, str] | None = None,
        chroot: bool = False,
    ) -> None:
        self._chroot = "y" if chroot else "n"
        require_root()
        self._postfix = require_program("postfix")
        paths = [require_program("postconf"), "-dh", "daemon_directory", "sendmail_path"]
        output = subprocess.run(paths, check=True, capture_output=True, text=True).stdout
        daemons, self._sendmail = output.splitlines()
        self._master = f"{daemons}/master"
        # Not below trial's own folder: Postfix' unprivileged daemons must be able to reach it.
        self._folder = Path(tempfile.mkdtemp(prefix="trualias-postfix-"))
        self._folder.chmod(0o755)
        self._port = free_port()
        self._subjects = (f"message-{number}" for number in itertools.count(1))
        self._process: subprocess.Popen[bytes] | None = None
        self._write_configuration({**self._own_settings(table, mailboxes), **(settings or {})})

    def _own_settings(self, table: str, mailboxes: tuple[str, ...]) -> dict[str, str]:
        nobody = pwd.getpwnam("nobody")
        return {
            "compatibility_level": "3.6",
            "queue_directory": f"{self._folder}/spool",
            "data_directory": f"{self._folder}/data",
            "maillog_file": f"{self._folder}/mail.log",
            "maillog_file_prefixes": str(self._folder),
            "myhostname": "mail.test.invalid",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "mynetworks": "127.0.0.0/8",
            "mydestination": "",
            "default_transport": "error:this Postfix sends no mail away",
            "disable_dns_lookups": "yes",
            "smtpd_peername_lookup": "no",
            "smtpd_relay_restrictions": "reject_unauth_destination",
            "notify_classes": "",
            "alias_maps": "",
            "alias_database": "",
            "local_recipient_maps": "",  # its default needs the proxymap service
            "virtual_alias_domains": "",
            "virtual_alias_maps": table,
            "virtual_mailbox_domains": DOMAIN,
            "virtual_mailbox_base": f"{self._folder}/mail",
            "virtual_mailbox_maps": "inline:{ %s }" % ", ".join(f"{name}@{DOMAIN}={name}/" for name in mailboxes),  # noqa: UP031
            "virtual_uid_maps": f"static:{nobody.pw_uid}",
            "virtual_gid_maps": f"static:{nobody.pw_gid}",
        }

    def _write_configuration(self, settings: dict[str, str]) -> None:
        for name, owner in (("conf", "root"), ("spool", "root"), ("data", "postfix"), ("mail", "nobody")):
            (self._folder / name).mkdir()
            shutil.chown(self._folder / name, owner)
        main = "".join(f"{name} = {value}\n" for name, value in settings.items())
        _write_aged(self._folder / "conf" / "main.cf", main)
        _write_aged(self._folder / "conf" / "master.cf", _MASTER.format(port=self._port, chroot=self._chroot))

    @property
    def queue(self) -> Path:
        """The queue directory."""
        return self._folder / "spool"

    @property
    def log(self) -> str:
        """The output of Postfix' start, and the mail log so far."""
        paths = (self._folder / "start.log", self._folder / "mail.log")
        return "".join(path.read_text("utf-8", "replace") for path in paths if path.exists())

    def start(self) -> None:
        """Start Postfix; return when it accepts connections."""
        configuration = ["-c", f"{self._folder}/conf"]
        with (self._folder / "start.log").open("wb") as log:
            # `postfix check` creates the queue directory and finds errors. master(8) is then started as a child of this
            # process, so that stop() can end it; `postfix start-fg` would leave a shell in between.
            subprocess.run([self._postfix, *configuration, "check"], stdout=log, stderr=log, check=True)
            process = subprocess.Popen([self._master, *configuration, "-s"], stdout=log, stderr=log)
        self._process = process
        wait_until(
            lambda: is_listening(self._port) or process.poll() is not None, "a listening Postfix", log=lambda: self.log
        )
        if process.poll() is not None:
            raise AssertionError(f"Postfix ended with status {process.returncode}:\n{self.log}")

    def stop(self) -> None:
        """Stop Postfix with all its daemons, and remove its folder."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None
        shutil.rmtree(self._folder)

    def connect(self) -> smtplib.SMTP:
        """Return a client that is connected by SMTP."""
        return smtplib.SMTP("127.0.0.1", self._port, "client.test.invalid", timeout=PATIENCE)

    def rcpt(self, recipient: str, sender: str = "sender@test.invalid") -> tuple[int, str]:
        """Return the code and the text of Postfix' reply to ``RCPT TO`` a whole address. No mail is sent."""
        with self.connect() as client:
            client.ehlo()
            client.mail(sender)
            code, text = client.rcpt(recipient)
            return code, text.decode("utf-8", "replace")

    def rcpt_from(self, user: str, sender: str, recipient: str) -> tuple[int, str]:
        """Log in as a user, whose password is ``password``; return the reply to ``RCPT TO`` after ``MAIL FROM``."""
        with self.connect() as client:
            client.login(user, "password")
            client.mail(sender)
            code, text = client.rcpt(recipient)
            return code, text.decode("utf-8", "replace")

    def send(self, recipient: str) -> str:
        """Send a mail to a whole address; return its unique subject. Raises SMTPException."""
        message = EmailMessage()
        message["From"] = "sender@test.invalid"
        message["To"] = recipient
        message["Subject"] = subject = next(self._subjects)
        message.set_content("A mail to an alias.\n")
        with self.connect() as client:
            client.send_message(message)
        return subject

    def submit(self, subject: str, sender: str, *recipients: str) -> None:
        """Send a mail as programs of this machine do, by sendmail(1)."""
        command = [self._sendmail, "-C", f"{self._folder}/conf", "-f", sender, "-i", "--", *recipients]
        text = f"From: {sender}\nSubject: {subject}\n\nA mail to an alias.\n"
        subprocess.run(command, input=text, text=True, check=True, timeout=PATIENCE)

    def mails(self, mailbox: str) -> list[str]:
        """Return the complete texts of the mails in a mailbox."""
        return [path.read_text("utf-8") for path in (self._folder / "mail" / mailbox / "new").glob("*")]

    def wait_for_mail(self, mailbox: str, subject: str) -> str:
        """Wait until a mail with this subject is in the mailbox; return its complete text."""

        def arrived() -> list[str]:
            return [mail for mail in self.mails(mailbox) if f"\nSubject: {subject}\n" in mail]

        wait_until(lambda: bool(arrived()), f"{subject} in the mailbox of {mailbox}", log=lambda: self.log)
        (mail,) = arrived()
        return mail
