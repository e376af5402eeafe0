"""Configurations whose account is named after their number, and a check of their replies.

So each reply shows which configuration it is from: it must be no older than that of an earlier reply, and one that was
written completely. Every configuration finds their keys, so that "not found" is wrong at any time.
"""

import re

from attrs import define

from benchmarks import policies
from faults.case import Fault
from trualias.testing.live import LiveServer, wait_until

STATEMENTS = 300
KEY = b"get shop-google-g6"

OTHERS = policies.many_statements(STATEMENTS)


def statement(number: int) -> str:
    """Return the statement that matches `KEY` in the configuration of this number."""
    return f"ACCOUNT number{number} MATCHES shop-%ident%-%code% WITH CHAR(1,-), CHARS();\n"


def configuration(number: int) -> str:
    """Return the configuration of this number, without settings."""
    return statement(number) + OTHERS


def wait_for_number(server: LiveServer, number: int) -> None:
    """Wait until the server's replies are from the configuration of this number."""
    expected = f"200 number{number}\n".encode()
    wait_until(lambda: server.ask(KEY) == expected, f"the reply {expected!r}", log=lambda: server.log)


@define
class Numbers:
    """The configurations that were written, and those that replies have come from.

    ``written`` is the number of the last one written, ``seen`` that of the newest one with a reply, and ``in_force``
    the number of those with a reply, apart from the first.
    """

    written: int = 0
    seen: int = 0
    in_force: int = 0
    # Nearly all replies are equal to the last one.
    _usual: bytes = b"200 number0\n"

    def check(self, request: bytes, lowest: int, reply: bytes) -> None:
        """Raise `Fault` unless a reply names a configuration from the number ``lowest`` up to the last one written."""
        if reply == self._usual:
            return
        found = re.fullmatch(rb"200 number(\d+)\n", reply)
        if found is None or not lowest <= int(found.group(1)) <= self.written:
            raise Fault(f"sent {request!r}, expected a number from {lowest} to {self.written}, got {reply!r}")
        if (number := int(found.group(1))) > self.seen:
            self.seen = number
            self.in_force += 1
            self._usual = reply
