"""Tables of cases: what happened in each, the bound on it, and whether it was kept."""

from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import Factory, define, frozen

from faults.case import Fault, Say


@frozen
class Row:
    """One bound of a case."""

    case: str
    happened: str
    bound: str
    holds: bool


@define
class Table:
    """The bounds that were compared so far; each is printed at once."""

    _say: Say
    rows: list[Row] = Factory(list)

    def add(self, case: str, happened: str, bound: str, holds: bool) -> None:
        """Add a bound, and print it."""
        row = Row(case, happened, bound, holds)
        self.rows.append(row)
        self._say(f"{row.case:30}  {row.happened:54}  {row.bound:16}  {'kept' if row.holds else 'BROKEN'}")

    def at_most(self, case: str, what: str, value: float, bound: float, unit: str = "s") -> None:
        """Add an upper bound on a figure."""
        self.add(case, f"{what}: {value:.3g} {unit}", f"at most {bound:g} {unit}", value <= bound)

    def require(self, case: str, what: str, holds: bool) -> None:
        """Add a promise without a figure."""
        self.add(case, what if holds else f"not: {what}", "must hold", holds)

    def omit(self, case: str, reason: str) -> None:
        """Print that a case was not run, and why."""
        self._say(f"{case:30}  left out: {reason}")

    def finish(self) -> None:
        """Raise `Fault` if a bound was broken."""
        broken = [row for row in self.rows if not row.holds]
        if broken:
            raise Fault("; ".join(f"{row.case}: {row.happened}, {row.bound}" for row in broken))


def run_cases(
    cases: Sequence[Callable[[Path, Table], None]], elsewhere: Sequence[tuple[str, str]], folder: Path, say: Say
) -> None:
    """Run cases, a fault in one of them being a broken bound; raise `Fault` at the end if a bound was broken.

    ``elsewhere`` are the cases that tests show, each with the name of the test's module.
    """
    table = Table(say)
    for case in cases:
        try:
            case(folder, table)
        except (Fault, AssertionError) as error:
            table.add(case.__name__, str(error).splitlines()[0], "no fault", False)
    for name, module in elsewhere:
        say(f"{name:30}  shown by {module}")
    table.finish()
