"""Sets of trials with a lane for each run of leaks, against sets of numbers."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.leaks import MOST_LEAKS, RUNS, Runs
from trualias.test import trialprofile

trialprofile.load()


class RunsTests(SynchronousTestCase):
    """Operations on the leaks of all runs."""

    @given(st.integers(1, MOST_LEAKS + 20), st.integers(0, 1_000))
    def test_all_runs(self, number: int, seed: int) -> None:
        """Each operation has in each run the result that it has there alone."""
        random = Random(seed)
        runs = Runs(random, number)
        trials = set(random.sample(range(number), random.choice([number, random.randrange(number + 1)])))
        explained = sum(1 << bit for bit, trial in enumerate(runs.numbers) if trial in trials)
        self.assertEqual(len(trials), runs.count_trials(explained))
        leaked = runs.through_unexplained(explained)
        needed = [
            next((count for count, trial in enumerate(leaks, 1) if trial not in trials), None) for leaks in runs.leaks
        ]
        self.assertEqual(needed, runs.count_leaks(leaked))
        leaks = explained & runs.first
        outside = [leaks[0] not in trials for leaks in runs.leaks]
        self.assertEqual(not any(outside), runs.is_in_all(leaks))
        self.assertEqual([0] if any(outside) else [], runs.not_in_all([leaks]))
        of_all = [None if is_outside else 0 for is_outside in outside]
        self.assertEqual(of_all, runs.count_leaks(runs.outside(leaks)))

    def test_next_leaks(self) -> None:
        """A leak is followed by the next one of its run, the last one by none."""
        runs = Runs(Random(1), 3)
        leaks = runs.outside(0)
        self.assertEqual([3] * RUNS, runs.count_leaks(runs.followed(leaks)))
        self.assertEqual(leaks, runs.followed(leaks) | runs.followed(leaks) << 1)
