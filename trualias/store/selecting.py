"""The SQL of lists of aliases."""

from __future__ import annotations

from trualias.store.records import Order, Selection

_ORDERS = {
    Order.NAME: "key",
    Order.LAST: "last_seen DESC, key",  # those never seen come last: NULL is less than any number
    Order.FIRST: "first_seen DESC, key",
    Order.COUNT: "accepted DESC, key",
}


def selecting(query: str, selection: Selection) -> tuple[str, list[str | float]]:
    """Return a query of the table of aliases with the conditions and the order of a selection, and its parameters."""
    conditions, parameters = conditions_of(selection)
    return f"{query} WHERE {conditions} ORDER BY {_ORDERS[selection.order]}", parameters


def conditions_of(selection: Selection) -> tuple[str, list[str | float]]:
    """Return the conditions of a selection on the table of aliases, and their parameters."""
    conditions = ["NOT forgotten"]
    parameters: list[str | float] = []
    if selection.account is not None:
        conditions.append("account IN (?, '')")
        parameters.append(selection.account)
    if selection.states is not None:
        conditions.append(f"state IN ({', '.join('?' * len(selection.states))})")
        parameters += sorted(state.value for state in selection.states)
    if selection.domain is not None:
        conditions.append("(key LIKE '%@' OR substr(key, -length(?)) = ?)")
        parameters += [f"@{selection.domain}"] * 2
    if selection.since is not None:
        conditions.append("alias.last_seen >= ?")
        parameters.append(selection.since)
    return " AND ".join(conditions), parameters
