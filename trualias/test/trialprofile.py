"""Hypothesis profiles: a tenth of the examples by default, all of them where ``CI=true``.

Both draw the same examples in every run, so that no build fails by chance. ``TRUALIAS_HYPOTHESIS_PROFILE`` selects a
profile by name: ``quick``, ``full``, or ``explore``, which draws new examples each time.
"""

import os

from hypothesis import HealthCheck, settings

_PROFILE = os.environ.get("TRUALIAS_HYPOTHESIS_PROFILE") or ("full" if os.environ.get("CI") == "true" else "quick")


def scaled(number: int) -> int:
    """Return *number*, a count of examples in the full profile or of what they must show, for the selected profile."""
    return max(1, number // 10) if _PROFILE == "quick" else number


def load() -> None:
    """Select the profile. A module with properties calls this before it defines them."""
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
