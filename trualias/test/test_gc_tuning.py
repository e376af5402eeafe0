"""Tests of trualias.server.gc_tuning."""

import gc
import weakref

from twisted.trial.unittest import SynchronousTestCase

from trualias.server import gc_tuning as memory


class Thing:
    """Something that can be seen to go away."""

    other: "Thing | None" = None


class MemoryTestCase(SynchronousTestCase):
    """The garbage collector is left as it was found."""

    def setUp(self) -> None:
        """Remember the thresholds."""
        self.addCleanup(gc.set_threshold, *gc.get_threshold())
        self.addCleanup(gc.unfreeze)
        gc.unfreeze()
        gc.set_threshold(700, 10, 10)


class GrowingTests(MemoryTestCase):
    """The garbage collector during a load."""

    def full_collections(self) -> int:
        """How many full collections there were so far."""
        number: int = gc.get_stats()[2]["collections"]
        return number

    def test_no_full_collection(self) -> None:
        """Among ever so many new objects that stay there is no full collection; without this there would be some."""
        before = self.full_collections()
        with memory.growing():
            kept = [[number] for number in range(200_000)]
        self.assertEqual(self.full_collections(), before)
        gc.unfreeze()
        more = [[number] for number in range(400_000)]
        self.assertGreater(self.full_collections(), before)
        del kept, more

    def test_young_garbage(self) -> None:
        """What is in a cycle and young is collected all the same."""
        with memory.growing():
            thing = Thing()
            thing.other = thing
            trace = weakref.ref(thing)
            del thing
            kept = [[number] for number in range(10_000)]
            self.assertIsNone(trace())
        del kept

    def test_afterwards(self) -> None:
        """Afterwards the collector works as before, but passes over what there is."""
        with memory.growing():
            kept = [[number] for number in range(10_000)]
        self.assertEqual(gc.get_threshold(), (700, 10, 10))
        self.assertGreater(gc.get_freeze_count(), len(kept))

    def test_failed(self) -> None:
        """After a failure nothing is passed over, and the collector works as before."""

        def fail() -> None:
            with memory.growing():
                raise ZeroDivisionError

        self.assertRaises(ZeroDivisionError, fail)
        self.assertEqual((gc.get_threshold(), gc.get_freeze_count()), ((700, 10, 10), 0))


class ReleaseTests(MemoryTestCase):
    """Letting go of what is large."""

    def test_little_by_little(self) -> None:
        """At each pause a few more have gone; at the end all."""
        parts: list[object] = [Thing() for _ in range(1001)]
        traces = [weakref.ref(part) for part in parts]
        left: list[int] = []
        memory.release(parts, lambda: left.append(sum(trace() is not None for trace in traces)))
        self.assertEqual(left, [801, 601, 401, 201, 1, 0])

    def test_collect_all(self) -> None:
        """A cycle is found even among what the collector passes over, and it does so again afterwards."""
        with memory.growing():
            thing = Thing()
            thing.other = thing
        trace = weakref.ref(thing)
        del thing
        gc.collect()
        self.assertIsNotNone(trace())
        memory.collect_all()
        self.assertIsNone(trace())
        self.assertGreater(gc.get_freeze_count(), 0)
