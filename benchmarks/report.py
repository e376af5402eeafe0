"""The table that a run ends with, and the machine that it ran on."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from attrs import frozen


@frozen
class Row:
    """One figure, what is asked of it, and whether it holds."""

    case: str
    figure: str
    bound: str
    holds: bool


def fact(case: str, figure: str) -> Row:
    """A row for a figure of which nothing is asked."""
    return Row(case, figure, "", True)


def at_least(case: str, value: float, bound: float, unit: str = "", note: str = "") -> Row:
    """A row for a figure that must not be smaller."""
    return Row(case, _figure(value, unit, note), f"at least {bound:g}{unit}", value >= bound)


def at_most(case: str, value: float, bound: float, unit: str = "", note: str = "") -> Row:
    """A row for a figure that must not be larger."""
    return Row(case, _figure(value, unit, note), f"at most {bound:g}{unit}", value <= bound)


def _figure(value: float, unit: str, note: str) -> str:
    return f"{value:.3g}{unit}" + (f" ({note})" if note else "")


def table(rows: Sequence[Row]) -> str:
    """The rows as a table, in the notation of reStructuredText."""
    lines = [("case", "figure", "bound", "holds")]
    lines += [(row.case, row.figure, row.bound, "yes" if row.holds else "NO") for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    text = ["  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([rule, text[0], rule, *text[1:], rule])


def machine() -> str:
    """The processor, system and software, in one line each."""
    facts = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(":")[2].strip() for line in facts if line.startswith("model name")), "unknown")
    software = f"Python {platform.python_version()}, Twisted {version('Twisted')}"
    return f"{os.cpu_count()} processors, {model}\n{platform.system()} {platform.release()}, {software}"


@frozen
class Processors:
    """How much the machine's processors have worked since it started, in seconds; proc(5), /proc/stat."""

    busy: float
    total: float

    @classmethod
    def now(cls) -> "Processors":
        """As of this moment."""
        ticks = os.sysconf("SC_CLK_TCK")
        first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
        # user nice system idle iowait irq softirq steal; guest time stands in user already.
        figures = [int(figure) / ticks for figure in first.split()[1:9]]
        return cls(sum(figures) - figures[3] - figures[4], sum(figures))


def others(before: Processors, own_before: float) -> float:
    """The part of the machine, 0 to 1, that has been kept busy by others than this process and its finished children.

    `own_before`: what `own_seconds` said at the same time as `before`.
    """
    after = Processors.now()
    return max(0.0, after.busy - before.busy - own_seconds() + own_before) / (after.total - before.total)


def own_seconds() -> float:
    """Processor time of this process and its finished children."""
    return sum(os.times()[:4])
