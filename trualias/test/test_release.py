"""Tests of the release of a snapshot after a load."""

from __future__ import annotations

import weakref

from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup import Found
from trualias.server.load import release
from trualias.test.lookups import snapshot

SETTINGS = "LISTEN: policy tcp:1\nSTORE: sqlite:unused\nALIAS DOMAINS: a.example"
STATEMENTS = (
    "ACCOUNT foo, bar MATCHES %account%-%code% WITH x;\n"
    "ACCOUNT foo AT a.example MATCHES %account%.%code% WITH x;\n"
    "ACCOUNT foo MATCHES %account%-%code% WITH old RETIRED;\n"
)


class ReleaseTests(SynchronousTestCase):
    """The release of a snapshot."""

    def setUp(self) -> None:
        """Make a snapshot, with the last reference to it in a list."""
        self.last_references = [snapshot(SETTINGS, STATEMENTS)]

    def test_unused(self) -> None:
        """The policies of a snapshot that nothing else uses are freed, and all their indexes are emptied."""
        policy = self.last_references[0].configuration.policy
        assert policy.retired is not None
        indexes = [*policy.indexes, *policy.retired.indexes]
        references = [weakref.ref(each) for each in (policy, policy.retired)]
        self.assertEqual([False] * 3, [index.is_empty for index in indexes])
        del policy
        release(self.last_references)
        self.assertEqual([None] * 2, [reference() for reference in references])
        self.assertEqual([True] * 3, [index.is_empty for index in indexes])

    def test_used(self) -> None:
        """A policy that another thread still uses gives the same answers as before."""
        policy = self.last_references[0].configuration.policy
        release(self.last_references)
        self.assertEqual(Found("foo", "foo"), policy.resolve("foo-x"))
        self.assertEqual(Found("bar", "bar"), policy.resolve("bar-x"))
        self.assertEqual(Found("foo", "foo"), policy.resolve("foo.x", "a.example"))
        assert policy.retired is not None
        self.assertEqual(1, len(policy.retired.accepting("foo-old")))

    def test_retired_used(self) -> None:
        """So does the policy of the retired statements, used by itself."""
        retired = self.last_references[0].configuration.policy.retired
        assert retired is not None
        release(self.last_references)
        self.assertEqual(1, len(retired.accepting("foo-old")))
