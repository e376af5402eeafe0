#!/usr/bin/env python3
"""Say in one line what trial's output, the file named by the first argument, counted; end with 0 if nothing failed."""

import re
import sys
from pathlib import Path


def count(output: str) -> tuple[str, bool]:
    """Return the line and whether all is well. A run that never came to its closing line is a failed one."""
    closing = re.findall(r"^(?:PASSED|FAILED)(?: \((.*)\))?$", output, re.MULTILINE)
    numbers = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", closing[-1])} if closing else {}
    passed = numbers.get("successes", 0) + numbers.get("expectedFailures", 0)
    failed = sum(numbers.get(name, 0) for name in ("failures", "errors", "unexpectedSuccesses"))
    skipped = numbers.get("skips", 0)
    if passed + failed + skipped == 0:
        failed = 1
    line = f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")
    return line, failed == 0


if __name__ == "__main__":
    line, well = count(Path(sys.argv[1]).read_text("utf-8", "replace"))
    print(line)
    sys.exit(0 if well else 1)
