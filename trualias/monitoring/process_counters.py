"""Counters of a whole process, which count also without METRICS."""

from attrs import define


@define
class ProcessCounters:
    """Counters that count in any thread. ``log_messages_dropped`` counts the messages that are missing from the log."""

    log_messages_dropped: int = 0


process_counters = ProcessCounters()
"""The counters of this process."""
