"""The standard Prometheus metrics of a process, read in bounded time."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator

from prometheus_client import ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class BoundedProcessCollector(Collector):
    """Makes the families of ``ProcessCollector`` without listing the open file descriptors where Linux counts them.

    With 18,000 descriptors the list takes 14 ms. It is still made before Linux 6.2. Nothing is read but ``/proc/self``,
    which is in the kernel's memory; without it, nothing is yielded.
    """

    def __init__(self) -> None:
        constant = "process_start_time_seconds"
        self._families = [family for family in ProcessCollector(registry=None).collect() if family.name == constant]

    def collect(self) -> Iterator[Metric]:
        """Yield all families."""
        if not self._families:
            return
        yield from self._families
        with open("/proc/self/statm", "rb") as file:  # proc_pid_statm(5)
            virtual, resident, *_ = [int(pages) * resource.getpagesize() for pages in file.read().split()]
        yield GaugeMetricFamily("process_virtual_memory_bytes", "Virtual memory size in bytes.", value=virtual)
        yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory size in bytes.", value=resident)
        times = os.times()
        yield CounterMetricFamily(
            "process_cpu_seconds", "Total user and system CPU time spent in seconds.", value=times.user + times.system
        )
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        yield GaugeMetricFamily("process_max_fds", "Maximum number of open file descriptors.", value=limit)
        # proc_pid_fd(5): the size is the number of open descriptors from Linux 6.2 on, and 0 before.
        number = os.stat("/proc/self/fd").st_size or len(os.listdir("/proc/self/fd"))
        yield GaugeMetricFamily("process_open_fds", "Number of open file descriptors.", value=number)
