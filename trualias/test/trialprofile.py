"""Hypothesis profiles: a tenth of the examples by default, all of them with ``CI=true``.

Both draw the same examples in every run, so that no build fails by chance. ``TRUALIAS_HYPOTHESIS_PROFILE`` selects a
profile by name: ``quick``, ``full``, or ``explore``, which draws new examples each time.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

_PROFILE = os.environ.get("TRUALIAS_HYPOTHESIS_PROFILE") or ("full" if os.environ.get("CI") == "true" else "quick")


def scaled(examples: int) -> int:
    """Return the number of examples for the selected profile, given that of the full one."""
    return max(1, examples // 10) if _PROFILE == "quick" else examples


def least(occurrences: int) -> int:
    """Return the least number of occurrences among the scaled examples, given that of the full profile.

    The quick profile requires a fiftieth, since the counts of few examples vary more.
    """
    return occurrences // 50 if _PROFILE == "quick" else occurrences


def load() -> None:
    """Select the profile. A module calls this before it defines properties."""
    settings.register_profile(
        "full",
        derandomize=True,
        max_examples=100,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],  # a busy machine is not a fault of the code
    )
    settings.register_profile("quick", settings.get_profile("full"), max_examples=scaled(100))
    settings.register_profile("explore", settings.get_profile("full"), derandomize=False)
    settings.load_profile(_PROFILE)
    if _PROFILE != "explore":
        # Hypothesis also draws constants from the source of the local modules that happen to be loaded. Without this,
        # the examples would depend on the tests that ran before in the same process, and on unrelated source.
        vars(providers)["_get_local_constants"] = Constants
