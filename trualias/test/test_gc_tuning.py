"""Tests of ``trualias.server.gc_tuning``."""

import gc
import weakref

from twisted.trial.unittest import SynchronousTestCase

from trualias.server.gc_tuning import (
    collect_frozen,
    full_collections_suspended,
    import_uncollected,
    release_in_steps,
    resume_full_collections,
)


class Node:
    """An object with weak references."""

    other: "Node | None" = None


class CollectorTestCase(SynchronousTestCase):
    """Restores the garbage collector after each test."""

    def setUp(self) -> None:
        """Set the thresholds."""
        self.addCleanup(gc.set_threshold, *gc.get_threshold())
        self.addCleanup(gc.unfreeze)
        gc.unfreeze()
        gc.set_threshold(700, 10, 10)


class ImportTests(CollectorTestCase):
    """The start, while modules are imported."""

    def test_no_collection(self) -> None:
        """No object is examined, neither then nor by the first collection of new objects afterwards."""
        before = [generation["collections"] for generation in gc.get_stats()]
        with import_uncollected():
            kept = [[number] for number in range(10_000)]
            self.assertFalse(gc.isenabled())
        self.assertEqual(before, [generation["collections"] for generation in gc.get_stats()])
        self.assertTrue(gc.isenabled())
        self.assertGreater(gc.get_freeze_count(), len(kept))

    def test_failed_import(self) -> None:
        """Collections go on after an import that fails."""

        def fail() -> None:
            with import_uncollected():
                raise ImportError

        self.assertRaises(ImportError, fail)
        self.assertTrue(gc.isenabled())

    def test_disabled(self) -> None:
        """Where collections are disabled, they stay so."""
        gc.disable()
        self.addCleanup(gc.enable)
        with import_uncollected():
            pass
        self.assertFalse(gc.isenabled())


class SuspendedTests(CollectorTestCase):
    """The suspension of full collections."""

    def full_collections(self) -> int:
        """Return the number of full collections so far."""
        number: int = gc.get_stats()[2]["collections"]
        return number

    def test_no_full_collection(self) -> None:
        """200,000 lasting objects cause no full collection; without the suspension they do."""
        before = self.full_collections()
        with full_collections_suspended():
            kept = [[number] for number in range(200_000)]
        self.assertEqual(self.full_collections(), before)
        gc.unfreeze()
        more = [[number] for number in range(400_000)]
        self.assertGreater(self.full_collections(), before)
        del kept, more

    def test_young_garbage(self) -> None:
        """Young objects in reference cycles are collected all the same."""
        with full_collections_suspended():
            node = Node()
            node.other = node
            reference = weakref.ref(node)
            del node
            kept = [[number] for number in range(10_000)]
            self.assertIsNone(reference())
        del kept

    def test_afterwards(self) -> None:
        """Afterwards the thresholds are restored, and the existing objects are excluded."""
        with full_collections_suspended():
            kept = [[number] for number in range(10_000)]
        self.assertEqual(gc.get_threshold(), (700, 10, 10))
        self.assertGreater(gc.get_freeze_count(), len(kept))

    def test_failed(self) -> None:
        """After an exception the thresholds are restored, and no objects are excluded."""

        def fail() -> None:
            with full_collections_suspended():
                raise ZeroDivisionError

        self.assertRaises(ZeroDivisionError, fail)
        self.assertEqual((gc.get_threshold(), gc.get_freeze_count()), ((700, 10, 10), 0))

    def test_resumed(self) -> None:
        """Full collections are resumed while a load hangs; a second load restores the thresholds as well."""
        with full_collections_suspended():
            resume_full_collections()
            self.assertEqual((700, 10, 10), gc.get_threshold())
            resume_full_collections()
            self.assertEqual((700, 10, 10), gc.get_threshold())
            with full_collections_suspended():
                self.assertNotEqual((700, 10, 10), gc.get_threshold())
            self.assertEqual((700, 10, 10), gc.get_threshold())


class ReleaseTests(CollectorTestCase):
    """The release of many objects, and of excluded ones."""

    def test_in_steps(self) -> None:
        """A few objects are freed before each pause, and in the end all."""
        parts: list[object] = [Node() for _ in range(1001)]
        references = [weakref.ref(part) for part in parts]
        left: list[int] = []
        release_in_steps(parts, lambda: left.append(sum(reference() is not None for reference in references)))
        self.assertEqual(left, [801, 601, 401, 201, 1, 0])

    def test_collect_frozen(self) -> None:
        """A cycle of excluded objects is collected, and the others are excluded again."""
        with full_collections_suspended():
            node = Node()
            node.other = node
        reference = weakref.ref(node)
        del node
        gc.collect()
        self.assertIsNotNone(reference())
        collect_frozen()
        self.assertIsNone(reference())
        self.assertGreater(gc.get_freeze_count(), 0)
