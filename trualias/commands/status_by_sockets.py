"""``trualias status -c``: what the server of a configuration answers at its sockets, and since when it runs."""

from __future__ import annotations

import os
from collections.abc import Sequence

from trualias.commands.listening_process import listening_process
from trualias.commands.output import Output
from trualias.commands.probe import probe, read_metrics
from trualias.commands.serve import served_table
from trualias.commands.status_text import describe, fresh_statuses, shown_time
from trualias.commands.stored_states import with_stored_states
from trualias.commands.terminal import Terminal
from trualias.configuration.listeners import configured_listeners
from trualias.configuration.setting_values import Listener
from trualias.configuration.tables import Table
from trualias.language.source import ConfigurationErrors
from trualias.lookup.loading import load_snapshot
from trualias.monitoring.status import Status


def ask_sockets(path: str, state: str, tables: Sequence[str], terminal: Terminal) -> bool:
    """Print what each listener of a configuration answers, and since when its server runs.

    Return whether all answer as the file says. If the file cannot be used, print the status of its server, and raise
    ``ConfigurationErrors``.
    """
    path = os.path.abspath(path)
    output = Output(terminal.output)
    statuses = [*fresh_statuses(state)]
    own = {table: status for table, status in statuses if status.path == path}
    try:
        snapshot = with_stored_states(load_snapshot(path), terminal)
    except ConfigurationErrors:
        for table, status in own.items():
            output.print(f"{table.value}: {describe(status)}")
        raise
    settings = snapshot.configuration.settings
    table = Table(tables[0]) if tables else next(iter(own), served_table(settings))
    addresses = {endpoint: address for status in own.values() for endpoint, address in status.addresses.items()}
    listeners = [
        (listener, listener._replace(endpoint=addresses.get(listener.endpoint, listener.endpoint)))
        for listener in configured_listeners(snapshot.configuration)
    ]
    findings = [(_name(given, found), probe(found, snapshot, table)) for given, found in listeners]
    is_answered = any(finding.is_good for _, finding in findings)
    metrics = None if settings.metrics is None else read_metrics(settings.metrics, shown_time)
    if metrics is not None:
        findings.append((f"metrics {settings.metrics}", metrics))
    for name, finding in findings:
        output.print(f"{name}: {finding.text}")
    if metrics is None or not metrics.is_good:
        running = _running(statuses, path, [found.endpoint for _, found in listeners])
        if running is not None:
            output.print(f"{running[0] or table.value}: {running[1]}")
        elif is_answered:
            unknown = (
                f"since when it runs is not known: this user can read neither its status in {state} nor its process"
            )
            output.print(f"{table.value}: {unknown}")
    return all(finding.is_good for _, finding in findings)


def _name(given: Listener, found: Listener) -> str:
    """Return the listener for the output, with its address if systemd chose that."""
    return str(given) if given == found else f"{given} ({found.endpoint})"


def _running(statuses: Sequence[tuple[Table, Status]], path: str, endpoints: Sequence[str]) -> tuple[str, str] | None:
    """Return the table, if it is known, and since when the server runs; None if neither status nor process is found."""
    process = listening_process(endpoints)
    for table, status in statuses:
        if process is not None and status.pid == process.pid and status.path != path:
            return table.value, f"{describe(status)}; this is not {path}"
    for table, status in statuses:
        if status.path == path:
            return table.value, describe(status)
    if process is None:
        return None
    return "", f"running since {shown_time(process.started)} (process {process.pid}, {process.name})"
