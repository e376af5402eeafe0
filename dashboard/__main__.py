"""Draw the panels of the dashboard for the documentation, from the data of a run of some minutes."""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from dashboard.observation import observe
from dashboard.pictures import draw
from trualias.testing.requirements import find_program

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dashboard", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="how long the server gets requests (120)")
    parser.add_argument(
        "--into", metavar="DIR", type=Path, default=ROOT / "docs" / "dashboard", help="the folder of the pictures"
    )
    options = parser.parse_args()
    program = find_program("prometheus", (ROOT / "build" / "prometheus",))
    if program is None:
        sys.stderr.write("prometheus is not installed: .ci/unpack-prometheus build/prometheus gets it\n")
        return 1
    with TemporaryDirectory(prefix="trualias-dashboard-") as folder:
        observation = observe(program, Path(folder), options.seconds, 2)
    options.into.mkdir(exist_ok=True)
    for panel, data in observation.panels:
        path = options.into / f"panel-{panel.number}.svg"
        draw(panel, data, observation.start, path)
        sys.stdout.write(f"{path}: {panel.title}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
