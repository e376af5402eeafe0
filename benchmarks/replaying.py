"""How fast ``trualias replay`` is, beside simpler programs that read the same log.

Reading alone is compared to counting the lines, which touches every octet once, as any reader must. The whole command
is compared, on one processor, to a loop over the lines that searches each for a recipient and counts it, the least that
a script in Python does. Both are measured in turn, by processor time. The rate of the whole command on all processors
is by elapsed time, the best of its runs, and depends on the machine.
"""

import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from benchmarks.policies import ALNUM, DOMAIN, sample, word
from benchmarks.report import Row, at_least
from benchmarks.servers import ROOT, with_compiled_modules
from trualias.commands.log_file import LogFile
from trualias.commands.maillog import Recipients

ROUNDS = 7
LINES = 200_000
SENDERS = 3_000
BOUND = 0.02
WHOLE_ROUNDS = 3
WHOLE_OCTETS = 200_000_000
WHOLE_RATE = 90
WHOLE_BOUND = 0.18
"""By processor time. It is 0.23 where the loop reads 390 MB/s; with other load on the machine it has been 0.21."""

_REFUSED = """\
Nov 25 {time} mail postfix/smtpd[{pid}]: connect from unknown[192.0.2.1]
Nov 25 {time} mail postfix/smtpd[{pid}]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 550 5.1.1 \
<foo-{name}-x9@{domain}>: Recipient address rejected: User unknown in virtual mailbox table; from=<{name}@example.org> \
to=<foo-{name}-x9@{domain}> proto=ESMTP helo=<mail.example.org>
Nov 25 {time} mail postfix/smtpd[{pid}]: disconnect from unknown[192.0.2.1] ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4
"""
_SENT = """\
Nov 25 {time} mail postfix/smtpd[{pid}]: connect from mail.example.org[192.0.2.2]
Nov 25 {time} mail postfix/smtpd[{pid}]: 4dF{pid}: client=mail.example.org[192.0.2.2]
Nov 25 {time} mail postfix/cleanup[{pid}]: 4dF{pid}: message-id=<{pid}.{name}@example.org>
Nov 25 {time} mail postfix/qmgr[700]: 4dF{pid}: from=<bounce-{pid}@example.org>, size=4711, nrcpt=1 (queue active)
Nov 25 {time} mail postfix/smtpd[{pid}]: disconnect from mail.example.org[192.0.2.2] ehlo=2 mail=1 rcpt=1 data=1 \
quit=1 commands=6
Nov 25 {time} mail postfix/virtual[{pid}]: 4dF{pid}: to=<foo@{domain}>, orig_to=<foo-{name}-{name[0]}5@{domain}>, \
relay=virtual, delay=0.12, delays=0.05/0/0/0.07, dsn=2.0.0, status=sent (delivered to maildir)
Nov 25 {time} mail postfix/qmgr[700]: 4dF{pid}: removed
"""


def postfix_log() -> Iterator[str]:
    """Lines as Postfix writes them, without end; every third mail is refused."""
    for number, mail in enumerate(cycle((_SENT, _REFUSED, _SENT))):
        seconds = number // 4
        time_of_day = f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        name = word(number * 7919 % SENDERS, ALNUM)
        text = mail.format(time=time_of_day, pid=10_000 + number % 20_000, name=name, domain=DOMAIN)
        yield from text.splitlines(keepends=True)


def _seconds(action: Callable[[], object]) -> float:
    before = time.process_time()
    action()
    return time.process_time() - before


def _search_lines(path: Path) -> dict[bytes, int]:
    """Count the recipients of a log as a short script does."""
    search = re.compile(rb"to=<([^>]*)>").search
    counts: dict[bytes, int] = {}
    with path.open("rb") as log:
        for line in log:
            if found := search(line):
                counts[found[1]] = counts.get(found[1], 0) + 1
    return counts


def _seconds_of_command(
    configuration: Path, log: Path, environment: Mapping[str, str], processors: Collection[int]
) -> tuple[float, float]:
    """Return the elapsed and the processor time of a whole command that compares a configuration with itself."""
    before = os.times()
    subprocess.run(
        [sys.executable, "-m", "trualias", "replay", "--virtual", configuration, "--against", configuration, log],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        preexec_fn=partial(os.sched_setaffinity, 0, processors),
        check=True,
    )
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return after.elapsed - before.elapsed, processor


def _whole_command(folder: Path) -> list[Row]:
    configuration, path = folder / "replayed.conf", folder / "replayed.log"
    configuration.write_text(sample(virtual=True), encoding="utf-8")
    environment = with_compiled_modules(folder)
    lines = postfix_log()
    path.write_text("".join(islice(lines, 17)), encoding="utf-8")
    processors = os.sched_getaffinity(0)
    _seconds_of_command(configuration, path, environment, processors)  # compiles the modules
    with path.open("w", encoding="utf-8") as log:
        while log.tell() < WHOLE_OCTETS:
            log.writelines(islice(lines, LINES))
    elapsed = min(_seconds_of_command(configuration, path, environment, processors)[0] for _ in range(WHOLE_ROUNDS))
    # On one processor, since two that share a core take more processor time than one of them for the same work. Sums,
    # since the least time of a long command is no match for that of a short loop where other load varies.
    rounds = [
        (
            _seconds_of_command(configuration, path, environment, [min(processors)])[1],
            _seconds(lambda: _search_lines(path)),
        )
        for _ in range(WHOLE_ROUNDS)
    ]
    processor, loop = (sum(seconds) for seconds in zip(*rounds, strict=True))
    megabytes = path.stat().st_size / 1e6
    path.unlink()
    case = f"trualias replay of {WHOLE_OCTETS // 1_000_000} MB"
    return [
        at_least(case, megabytes / elapsed, WHOLE_RATE, unit=" MB/s"),
        at_least(f"{case} on one processor, to a loop that searches its lines", loop / processor, WHOLE_BOUND),
    ]


def run(folder: Path) -> list[Row]:
    """The rows of the table."""
    log = "".join(islice(postfix_log(), LINES)).encode()

    def replay() -> None:
        recipients = Recipients(frozenset({DOMAIN}), bare=False, today=date(2026, 12, 1))
        recipients.read(LogFile(io.BytesIO(log), "log").blocks())

    rounds = [(_seconds(replay), _seconds(lambda: log.count(b"\n"))) for _ in range(ROUNDS)]
    reading, counting = (min(seconds) for seconds in zip(*rounds, strict=True))
    rate = f"{len(log) / reading / 1e6:.0f} MB/s"
    return [
        at_least("replay reads Postfix' log, to counting its lines", counting / reading, BOUND, note=rate),
        *_whole_command(folder),
    ]


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as temporary:
        print(*run(Path(temporary)), sep="\n")
