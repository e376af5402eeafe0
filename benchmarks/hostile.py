"""A search for the policy and the key that make one lookup do the most work.

``python -m benchmarks.hostile --minutes 10`` is a hill climbing from random policies and keys over whole
configurations: statements are changed, added and removed, or given siblings that match the same addresses, and names
that are parts of the key. A mutation is kept if the lookup takes at least as many steps as before, or with ``--time``
at least as long. The results join the cases of the tests, each with its number of steps. ``--minutes 0`` only updates
the steps of those cases.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from attrs import asdict, evolve, frozen

from benchmarks.mutations import IDENTIFIERS, Attempt, identifiers, mutate, random_key, random_statement
from benchmarks.report import Row, at_most
from trualias.configuration import ConfigurationErrors, parse_configuration
from trualias.language.tree import Account, unparse
from trualias.matching.policy import Policy

CASES = Path(__file__).resolve().parent.parent / "trualias" / "testing" / "hostile_cases.json"
KEPT = 100
"""The number of cases that are kept, the worst ones."""
SLOWEST = 5.0
"""The bound on one lookup, in milliseconds."""
ROW_REPEATS = 9
"""The lookups of each case for the row, of which the shortest counts."""
PATIENCE = 1500
"""The number of mutations without gain after which a climb ends."""

Cost = Callable[[Policy, str], float]
"""Returns the cost of the lookup of a key, in steps or milliseconds."""


@frozen
class Case:
    """A policy, a key, and the number of steps of the lookup."""

    policy: str
    key: str
    steps: int


def read_cases() -> list[Case]:
    """Return the cases found so far, the worst first."""
    return [Case(**case) for case in json.loads(CASES.read_text(encoding="utf-8"))] if CASES.exists() else []


def write_cases(cases: Iterable[Case]) -> None:
    """Write the worst cases, one for each policy, with the present number of steps."""
    worst: dict[str, Case] = {}
    today = [
        evolve(case, steps=steps_of(parse_configuration(case.policy, "hostile.conf").policy, case.key))
        for case in cases
    ]
    for case in sorted(today, key=lambda case: case.steps, reverse=True):
        worst.setdefault(case.policy, case)
    kept = [asdict(case) for case in list(worst.values())[:KEPT]]
    CASES.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def text_of(statements: Sequence[Account]) -> str:
    """Return a configuration of these statements."""
    return "\n".join(map(unparse, statements))


def policy_of(statements: Sequence[Account]) -> Policy | None:
    """Return the policy; None if the statements have errors or too many identifiers."""
    if any(len(identifiers(statement.expression)) > IDENTIFIERS for statement in statements):
        return None
    try:
        return parse_configuration(text_of(statements), "hostile.conf").policy
    except ConfigurationErrors:
        return None


def steps_of(policy: Policy, key: str) -> int:
    """Return the number of steps of one lookup."""
    return policy.resolve_counting(key)[1]


def milliseconds_of(policy: Policy, key: str, repeats: int = 3) -> float:
    """Return the processor time of one lookup: the shortest of some, since other load only adds to it."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        policy.resolve_counting(key)
        times.append(time.process_time() - start)
    return min(times) * 1000


def begin(chance: random.Random, elite: Sequence[Attempt]) -> Attempt:
    """Return a random attempt, or, more often, one of the worst with several mutations."""
    if not elite or chance.random() < 0.4:
        return Attempt((random_statement(chance, IDENTIFIERS),), random_key(chance))
    attempt = chance.choice(elite)
    for _ in range(chance.randint(1, 8)):
        attempt = mutate(chance, attempt)
    return attempt


def climb(chance: random.Random, elite: Sequence[Attempt], cost: Cost, deadline: float) -> tuple[float, Attempt]:
    """Climb until ``PATIENCE`` or the deadline (``time.monotonic``); return the highest cost and its attempt."""
    policy = None
    while policy is None:
        attempt = begin(chance, elite)
        policy = policy_of(attempt.statements)
    worst = cost(policy, attempt.key)
    idle = 0
    while idle < PATIENCE and time.monotonic() < deadline:
        tried = mutate(chance, attempt)
        other = policy if tried.statements == attempt.statements else policy_of(tried.statements)
        try:
            costs = cost(other, tried.key) if other else -1
        except Exception as error:
            error.add_note(f"{text_of(tried.statements)}\n{tried.key}")
            raise
        idle = 0 if costs > worst else idle + 1
        if other and costs >= worst:
            attempt, policy, worst = tried, other, costs
    return worst, attempt


def run(_folder: Path) -> list[Row]:
    """Return the row of the table: the slowest of the cases."""
    slowest = 0.0
    for case in read_cases():
        policy = parse_configuration(case.policy, "hostile.conf").policy
        slowest = max(slowest, milliseconds_of(policy, case.key, ROW_REPEATS))
    return [at_most("hostile policies and keys: slowest lookup", slowest, SLOWEST, " ms", f"{len(read_cases())} cases")]


def main() -> None:
    """Search, and write the cases that are worse than those so far."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long to search (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random choices (default: 0)")
    parser.add_argument("--time", action="store_true", help="climb to the slowest lookup instead of to the most steps")
    options = parser.parse_args()
    cost, unit = (milliseconds_of, "ms") if options.time else (steps_of, "steps")
    chance, found = random.Random(options.seed), list[tuple[float, Attempt]]()
    deadline = time.monotonic() + options.minutes * 60
    while time.monotonic() < deadline:
        one = climb(chance, [attempt for _, attempt in found], cost, deadline)
        found = sorted([*found, one], key=lambda one: one[0], reverse=True)[:KEPT]
        if one is found[0]:
            sys.stdout.write(f"{one[0]:.4g} {unit}\n{text_of(one[1].statements)}\n{one[1].key}\n\n")
            sys.stdout.flush()
    write_cases([*read_cases(), *(Case(text_of(a.statements), a.key, 0) for _, a in found)])


if __name__ == "__main__":
    main()
