"""How Hypothesis runs: the same examples every time, so that a build never fails by chance.

``TRUALIAS_HYPOTHESIS_PROFILE=explore`` looks for new examples.
"""

import os

from hypothesis import HealthCheck, settings


def load() -> None:
    """Choose the profile. A module with properties calls this before it defines them."""
    settings.register_profile(
        "ci",
        derandomize=True,
        max_examples=100,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no fault of the code
    )
    settings.register_profile("explore", settings.get_profile("ci"), derandomize=False)
    settings.load_profile(os.environ.get("TRUALIAS_HYPOTHESIS_PROFILE", "ci"))
