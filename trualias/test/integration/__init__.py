"""Integration tests: they start processes, build packages, or measure times and ratios."""
