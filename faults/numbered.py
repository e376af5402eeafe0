"""Configurations whose account is named after their number, and what they answer.

So it is known of each reply by which configuration it was given: by none that is older than one that somebody has
already heard, and by none that was never whole. Their keys are found under every one of them, so that "not found" is
wrong at any time.
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
    """The statement that is asked for in the configuration of this number."""
    return f"ACCOUNT number{number} MATCHES shop-%ident%-%code% WITH CHAR(1,-), CHARS();\n"


def configuration(number: int) -> str:
    """The configuration of this number, without settings."""
    return statement(number) + OTHERS


def answers(server: LiveServer, number: int) -> None:
    """Wait until the server answers by the configuration of this number."""
    expected = f"200 number{number}\n".encode()
    wait_until(lambda: server.ask(KEY) == expected, f"the reply {expected!r}", log=lambda: server.log)


@define
class Numbers:
    """Which configurations were written, and which of them answer.

    ``written`` is the last that may answer, ``heard`` the last that did, and ``in_force`` how many did after the first.
    """

    written: int = 0
    heard: int = 0
    in_force: int = 0
    # What nearly always comes: the last that was heard.
    _usual: bytes = b"200 number0\n"

    def check(self, request: bytes, lowest: int, reply: bytes) -> None:
        """Raise `Fault` unless a reply names a configuration from the lowest that may answer to the last written."""
        if reply == self._usual:
            return
        found = re.fullmatch(rb"200 number(\d+)\n", reply)
        if found is None or not lowest <= int(found.group(1)) <= self.written:
            raise Fault(f"asked {request!r}, expected a number from {lowest} to {self.written}, got {reply!r}")
        if (number := int(found.group(1))) > self.heard:
            self.heard = number
            self.in_force += 1
            self._usual = reply
