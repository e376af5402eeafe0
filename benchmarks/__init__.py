"""Measurements of what a lookup costs, beside a server that does nothing: ``python -m benchmarks`` from the root."""
