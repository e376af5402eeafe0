"""Aliases and their states, for the tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trualias.lookup.alias_states import RECORDS, AliasKey, AliasRecord, AliasState, AliasStates


def records_of(states: Mapping[AliasKey, AliasState]) -> AliasStates:
    """Return the records of aliases that have a state, and nothing else."""
    return AliasStates({key: RECORDS[state] for key, state in states.items()})


def states_of(records: AliasStates) -> dict[AliasKey, AliasState]:
    """Return the states of aliases whose records are not the plain one."""
    return {key: record.state for key, record in records.items()}


def pairs_of(records: Iterable[tuple[AliasKey, AliasRecord]]) -> list[tuple[AliasKey, AliasState]]:
    """Return aliases with the states of their records."""
    return [(key, record.state) for key, record in records]
