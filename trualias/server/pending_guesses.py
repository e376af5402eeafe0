"""The guesses on their way to the store, summed in bounded memory."""

from __future__ import annotations

from attrs import Factory, define

from trualias.store.guesses import Guesses

MOST_PENDING = 5_000
"""The most sums that wait for the store: some 5 MB."""

MOST_EXAMPLES = 10
"""The addresses that a sum keeps."""

_DAY = 86_400


@define
class _Sum:
    count: int = 0
    at: float = 0.0
    examples: dict[str, None] = Factory(dict)


class PendingGuesses:
    """Guesses, summed by account, network and day; ``dropped`` counts those for which there was no room."""

    def __init__(self, most: int = MOST_PENDING) -> None:
        self.dropped = 0
        self._most = most
        self._sums: dict[tuple[str, str, int], _Sum] = {}

    def __len__(self) -> int:
        """Return the number of sums."""
        return len(self._sums)

    def add(self, account: str, network: str, address: str, at: float) -> None:
        """Add a guess, or drop it."""
        self._put(Guesses(account, network, int(at // _DAY), 1, at, (address,)))

    def put_back(self, guesses: list[Guesses]) -> None:
        """Add sums that could not be written."""
        for one in guesses:
            self._put(one)

    def take(self, most: int) -> list[Guesses]:
        """Remove and return at most so many sums."""
        keys = list(self._sums)[:most]
        taken = [(key, self._sums.pop(key)) for key in keys]
        return [Guesses(*key, found.count, found.at, tuple(found.examples)) for key, found in taken]

    def clear(self) -> None:
        """Drop all."""
        self.dropped += sum(found.count for found in self._sums.values())
        self._sums.clear()

    def _put(self, guesses: Guesses) -> None:
        key = (guesses.account, guesses.network, guesses.day)
        found = self._sums.get(key)
        if found is None:
            if len(self._sums) >= self._most:
                self.dropped += guesses.count
                return
            found = self._sums[key] = _Sum()
        found.count += guesses.count
        found.at = max(found.at, guesses.at)
        for example in guesses.examples:
            found.examples.pop(example, None)
            found.examples[example] = None
        while len(found.examples) > MOST_EXAMPLES:
            del found.examples[next(iter(found.examples))]
