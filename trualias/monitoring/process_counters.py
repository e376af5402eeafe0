"""Counters of a whole process, which count also without METRICS."""


class ProcessCounters:
    """Counters that count in any thread. ``log_messages_dropped`` counts the messages that are missing from the log."""

    def __init__(self) -> None:
        self.log_messages_dropped = 0


process_counters = ProcessCounters()
"""The counters of this process."""
