"""Pictures of the panels, in SVG."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from dashboard.panels import Panel, Series

# In inches, at 72 units of the picture: two pictures fit beside each other on a page of the documentation.
WIDTH, HEIGHT, STAT_HEIGHT = 5.6, 2.4, 1.3
GROUND, INK, FAINT = "#181b1f", "#ccccdc", "#3a3d44"
COLOURS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff")

NAMED_COLOURS = {"green": COLOURS[0], "red": COLOURS[4]}

# Its keys have a type of their own, which differs between versions of matplotlib.
STYLE: Any = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "trualias",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.facecolor": GROUND,
    "axes.labelcolor": INK,
    "figure.facecolor": GROUND,
    "grid.color": FAINT,
    "xtick.color": INK,
    "ytick.color": INK,
}


def draw(panel: Panel, data: list[Series], start: float, path: Path) -> None:
    """Write the picture of a panel; *start*, in seconds since 1970, is 0 on its axis."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, STAT_HEIGHT if panel.kind == "stat" else HEIGHT), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(panel.title, loc="left", fontsize=11, fontweight="bold")
        {"stat": _stat, "timeseries": _lines, "heatmap": _heatmap}[panel.kind](axes, panel, data, start)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _stat(axes: Axes, panel: Panel, data: list[Series], start: float) -> None:
    """Draw the last value of each series, or the names of the series."""
    axes.set_axis_off()
    if panel.title == "Version":
        lines = [part.strip() for part in data[0].name.split(",")]
    else:
        lines = [f"{one.samples[-1][1]:.3g}  {one.name}" for one in data]
    if panel.unit == "dateTimeFromNow":
        at, value = data[0].samples[-1]
        lines = [f"{at - value / 1000:.0f} seconds ago"]
    colour = "green"
    for least, name in panel.thresholds:
        if data[0].samples[-1][1] >= least:
            colour = name
    for number, line in enumerate(lines):
        y = 0.95 - 0.33 * number
        axes.text(0.02, y, line, fontsize=14, color=NAMED_COLOURS[colour], transform=axes.transAxes, va="top")


def _lines(axes: Axes, panel: Panel, data: list[Series], start: float) -> None:
    for number, one in enumerate(data):
        at, values = zip(*one.samples, strict=True)
        colour = COLOURS[number % len(COLOURS)]
        axes.plot([time - start for time in at], values, label=one.name, linewidth=1.5, color=colour)
    axes.grid(linewidth=0.6)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(_UNITS[panel.unit]))
    if panel.unit == "bytes":
        axes.yaxis.set_major_locator(MultipleLocator(2**24))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} s"))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    columns = 3 if max(len(one.name) for one in data) < 24 else 2
    rows = math.ceil(len(data) / columns)
    figure.set_size_inches(WIDTH, HEIGHT + 0.2 * rows)
    figure.legend(loc="outside lower left", ncols=columns, frameon=False, fontsize=9)


def _heatmap(axes: Axes, panel: Panel, data: list[Series], start: float) -> None:
    """Draw the number of requests of each bucket over the time; a bucket of Prometheus contains those below it."""
    buckets = sorted(data, key=lambda one: float(one.labels["le"]))
    times = sorted({at for one in buckets for at, _ in one.samples})
    below = dict.fromkeys(times, 0.0)
    rows = []
    for one in buckets:
        values = dict(one.samples)
        rows.append([max(0.0, values.get(at, 0.0) - below[at]) or math.nan for at in times])
        below.update(values)
    shades = LinearSegmentedColormap.from_list("shades", [FAINT, COLOURS[3], COLOURS[1]])
    extent = (times[0] - start, times[-1] - start, 0, len(rows))
    axes.imshow(rows, aspect="auto", origin="lower", cmap=shades, extent=extent, interpolation="nearest")
    axes.set_yticks(
        range(1, len(rows) + 1, 3), [_seconds(float(one.labels["le"]), 0) for one in buckets[::3]], fontsize=9
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} s"))


def _seconds(value: float, _: object) -> str:
    """Return a time with its unit."""
    if math.isinf(value):
        return "more"
    for size, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= size:
            return f"{value / size:g} {unit}"
    return "0"


_UNITS: dict[str, Callable[[float, object], str]] = {
    "short": lambda value, _: f"{value:g}",
    "reqps": lambda value, _: f"{value:g} req/s",
    "cpm": lambda value, _: f"{value:g} /min",
    "s": _seconds,
    "percentunit": lambda value, _: f"{100 * value:g} %",
    "bytes": lambda value, _: f"{value / 2**20:.3g} MiB",
}
