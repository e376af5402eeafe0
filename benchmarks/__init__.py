"""Measurements of the cost of lookups, compared with a null server: ``python -m benchmarks`` from the root."""
