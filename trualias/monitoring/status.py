"""The status that a running server writes every few seconds, and the check that a status read is recent."""

from __future__ import annotations

import json
import time
from datetime import datetime

from attrs import asdict, field, frozen

FRESH_SECONDS = 30
"""A server with an older status hangs or has ended."""


class UnusableStatus(Exception):
    """A text is no status."""


@frozen
class Status:
    """The status of one server.

    ``written`` is a time of CLOCK_MONOTONIC, which nothing sets, of the boot with the id ``boot``; ``started`` and
    ``loaded_at`` are in seconds since 1970. ``problem`` says why it does not listen, and is empty if it does;
    ``fallback`` names the kept copy in use, and ``current`` is whether the last load succeeded. ``addresses`` has, for
    each endpoint whose address systemd chose, the endpoint with that address.
    """

    pid: int
    boot: str
    written: float
    started: float
    path: str
    loaded_at: float
    size: str
    current: bool
    fallback: str
    problem: str
    addresses: dict[str, str] = field(factory=dict)

    def to_json(self) -> bytes:
        """Return the text of the file, which has one line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_json(cls, content: bytes) -> Status:
        """Read the text of a file; raise ``UnusableStatus``."""
        try:
            status = cls(**json.loads(content))
            for seconds in (status.started, status.loaded_at):
                datetime.fromtimestamp(float(seconds))  # raises for a number that is no time
            return cls(
                int(status.pid),
                str(status.boot),
                float(status.written),
                float(status.started),
                str(status.path),
                float(status.loaded_at),
                str(status.size),
                bool(status.current),
                str(status.fallback),
                str(status.problem),
                {str(endpoint): str(address) for endpoint, address in status.addresses.items()},
            )
        except (ValueError, TypeError, AttributeError, OverflowError, OSError, RecursionError) as error:
            raise UnusableStatus from error

    def is_fresh(self, boot: str, monotonic: float, age: float) -> bool:
        """Return whether it was written within ``FRESH_SECONDS``, in this boot.

        ``age`` is that of the file by the time of day, in seconds. It decides where the ids of the boot differ: in a
        container of systemd-nspawn, services with ``ProtectProc=`` see another id than a shell does.
        """
        is_this_boot = self.boot == boot or 0 <= age <= FRESH_SECONDS
        return is_this_boot and 0 <= monotonic - self.written <= FRESH_SECONDS


def boot_id() -> str:
    """Return the id of this boot, proc_sys_kernel(5); empty on other systems than Linux."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def status_clock() -> float:
    """Return the time of CLOCK_MONOTONIC, which is the same in all processes."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)
