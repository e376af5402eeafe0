"""The server is killed several times while mail goes through a real Postfix; needs root."""

import smtplib
import time
from collections import Counter
from pathlib import Path
from threading import Event, get_ident

from attrs import Factory, define

from faults.case import Fault, Say, beside
from trualias.testing.live import LiveServer, free_port, wait_until
from trualias.testing.postfix import DOMAIN, Postfix

_CONFIGURATION = f"""\
ALIAS DOMAINS: {DOMAIN}
CASE SENSITIVE: no
ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
"""
KILLS = 5
SENDERS = 4


@define
class _Sent:
    """The fates of the mails; a deferred one is sent again, as by any mail server."""

    accepted: list[str] = Factory(list)
    deferred: int = 0
    refused: list[str] = Factory(list)
    by_sender: Counter[int] = Factory(Counter)
    """The number of accepted mails of each thread."""


def _send(postfix: Postfix, sent: _Sent, end: Event) -> None:
    while not end.is_set():
        try:
            sent.accepted.append(postfix.send(f"foo-google-g6@{DOMAIN}"))
            sent.by_sender[get_ident()] += 1
        except smtplib.SMTPRecipientsRefused as error:
            [(code, text)] = error.recipients.values()
            if code < 500:
                sent.deferred += 1
            else:
                sent.refused.append(f"{code} {text!r}")
        except smtplib.SMTPResponseException as error:
            if error.smtp_code < 500:
                sent.deferred += 1
            else:
                sent.refused.append(str(error))
        except (smtplib.SMTPException, OSError) as error:
            raise Fault(f"Postfix failed a sender: {error!r}") from error


def run(folder: Path, say: Say, kills: int = KILLS) -> None:
    """Send mails, kill and start the server; then compare accepted and delivered mails."""
    port = free_port()
    path = folder / "faults.conf"
    path.write_text(_CONFIGURATION, encoding="utf-8")
    server = LiveServer(("trualias-virtual", "-c", str(path), "-e", f"tcp:{port}:interface=127.0.0.1"), folder, port)
    postfix = Postfix(f"tcp:127.0.0.1:{port}", mailboxes=("foo",))
    sent = _Sent()
    try:
        server.start()
        postfix.start()
        with beside(lambda end: _send(postfix, sent, end), SENDERS) as raised:
            _wait_for_mail(sent, raised)
            for _ in range(kills):
                server.kill()
                time.sleep(0.5)
                server.start()
                _wait_for_mail(sent, raised)
        wait_until(
            lambda: len(postfix.mails("foo")) >= len(sent.accepted), "all mails", log=lambda: postfix.log[-5000:]
        )
        _compare(postfix, sent)
    finally:
        server.stop()
        postfix.stop()
    say(
        f"{kills} times killed: {len(sent.accepted)} mails accepted and each delivered once, "
        f"{sent.deferred} deferred by 4xx, none refused, none bounced"
    )


def _wait_for_mail(sent: _Sent, raised: list[Exception]) -> None:
    """Wait for 1.5 seconds, and until each sender has had another mail accepted."""
    before = sent.by_sender.copy()
    time.sleep(1.5)
    wait_until(lambda: bool(raised) or len(sent.by_sender - before) == SENDERS, "a mail of each sender accepted")


def _compare(postfix: Postfix, sent: _Sent) -> None:
    delivered = [
        line[9:] for mail in postfix.mails("foo") for line in mail.splitlines() if line.startswith("Subject: ")
    ]
    if sorted(delivered) != sorted(sent.accepted):
        raise Fault(f"{len(sent.accepted)} mails were accepted, {len(delivered)} delivered")
    if sent.refused:
        raise Fault(f"mails were refused for good: {sent.refused[:3]}")
    if "status=bounced" in postfix.log:
        raise Fault("a mail was bounced")
