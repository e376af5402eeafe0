"""Rate-limited warnings about hooks that take long, for which all lookups wait."""

import time
from collections.abc import Callable

from trualias.log import RepetitionLimit, logger
from trualias.messages import others_since

_log = logger(__name__)

WARNING_SECONDS = 600.0
"""Seconds between two warnings about slow calls of the same hook."""


class SlowHookWarnings:
    """Logs the first slow call of a hook, then one in ten minutes. ``clock`` returns seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = RepetitionLimit(WARNING_SECONDS, clock)

    def warn(self, function: str, module: str, seconds: float) -> None:
        """Handle a call of a function of a module, which took so many seconds."""
        withheld = self._limit.withheld((function, module))
        if withheld is not None:
            _log.warn(
                "{function}() of the PROCESSOR module {module} took {seconds} s, and all lookups waited{others}",
                function=function,
                module=module,
                seconds=f"{seconds:.1f}",
                others=others_since(withheld),
            )
