"""The table at the end of a run, and the machine that it ran on."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from attrs import evolve, frozen


@frozen
class Row:
    """A figure, its bound, and whether it holds."""

    case: str
    figure: str
    bound: str
    holds: bool
    processor: str = ""
    """The processor time of a request, where the case sends requests."""

    def with_processor(self, cost: float, null_cost: float) -> "Row":
        """Return the row with a server's processor time for a request beside the null server's, both in seconds."""
        return evolve(self, processor=f"{cost * 1e6:.1f} us ({null_cost * 1e6:.1f} us)")


def fact(case: str, figure: str) -> Row:
    """Return a row for a figure without a bound."""
    return Row(case, figure, "", True)


def at_least(case: str, value: float, bound: float, unit: str = "", note: str = "") -> Row:
    """Return a row for a figure with a lower bound."""
    return Row(case, _figure(value, unit, note), f"at least {bound:g}{unit}", value >= bound)


def at_most(case: str, value: float, bound: float, unit: str = "", note: str = "") -> Row:
    """Return a row for a figure with an upper bound."""
    return Row(case, _figure(value, unit, note), f"at most {bound:g}{unit}", value <= bound)


def _figure(value: float, unit: str, note: str) -> str:
    return f"{value:.3g}{unit}" + (f" ({note})" if note else "")


_COLUMNS = ("case", "figure", "processor (null)")


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table in reStructuredText; without a bound in any, it has no columns about bounds."""
    if not any(row.bound for row in rows):
        return format_table(_COLUMNS, [(row.case, row.figure, row.processor) for row in rows])
    return format_table(
        (*_COLUMNS, "bound", "holds"),
        [(row.case, row.figure, row.processor, row.bound, "yes" if row.holds else "NO") for row in rows],
    )


def format_table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return lines of cells as a table in reStructuredText."""
    widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    head, *text = [
        "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (header, *lines)
    ]
    return "\n".join([rule, head, rule, *text, rule])


def machine() -> str:
    """Return the processor, system and software, in two lines."""
    facts = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(":")[2].strip() for line in facts if line.startswith("model name")), "unknown")
    software = f"Python {platform.python_version()}, Twisted {version('Twisted')}"
    return f"{os.cpu_count()} processors, {model}\n{platform.system()} {platform.release()}, {software}"


@frozen
class ProcessorUse:
    """The processor time of the whole machine since it started, in seconds (proc(5), /proc/stat)."""

    busy: float
    total: float

    @classmethod
    def now(cls) -> "ProcessorUse":
        """Return the figures of this moment."""
        ticks = os.sysconf("SC_CLK_TCK")
        first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
        # user nice system idle iowait irq softirq steal; user includes guest.
        figures = [int(figure) / ticks for figure in first.split()[1:9]]
        return cls(sum(figures) - figures[3] - figures[4], sum(figures))


def other_load(before: ProcessorUse, own_before: float) -> float:
    """Return the share of the machine, 0 to 1, that other processes have used since ``before``.

    Others are all but this process and its finished children; ``own_before`` is the value of ``own_seconds`` at the
    time of ``before``.
    """
    after = ProcessorUse.now()
    return max(0.0, after.busy - before.busy - own_seconds() + own_before) / (after.total - before.total)


def own_seconds() -> float:
    """Return the processor time of this process and its finished children."""
    return sum(os.times()[:4])
