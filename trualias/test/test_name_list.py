"""The names of a statement: what a list of them returns, and what it is equal to."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.language.name_list import NO_NAMES, Name, NameList, name_list

_NAMES = (Name("ann", 8), Name("Bob", 13), Name("ann", 70_000))


class NameListTests(SynchronousTestCase):
    """Lists of names, made of objects or of texts and offsets."""

    def test_names(self) -> None:
        """A list returns its names, by number from either end and in order, with their offsets."""
        names = NameList(["ann", "Bob", "ann"], [8, 13, 70_000])
        self.assertEqual(3, len(names))
        self.assertEqual(("ann", "Bob", "ann"), names.texts)
        self.assertEqual([("ann", 8), ("Bob", 13), ("ann", 70_000)], [(name.text, name.offset) for name in names])
        self.assertEqual((13, 70_000, "ann"), (names[1].offset, names[-1].offset, names[-1].text))
        self.assertEqual([13, 70_000], [name.offset for name in names[1:]])
        with self.assertRaises(IndexError):
            names[3]

    def test_largest_offset(self) -> None:
        """An offset may be as large as the file and all that it includes."""
        (name,) = NameList(["ann"], [2**32 - 1])
        self.assertEqual(2**32 - 1, name.offset)

    def test_from_names(self) -> None:
        """A list made of names keeps their offsets; one made of a list is that list; without names it is shared."""
        names = name_list(_NAMES)
        self.assertEqual([8, 13, 70_000], [name.offset for name in names])
        self.assertIs(names, name_list(names))
        self.assertIs(NO_NAMES, name_list(()))
        self.assertFalse(NO_NAMES)

    def test_equality(self) -> None:
        """A list is equal to a sequence of the same texts in the same order, wherever these stand; and to no other."""
        names = name_list(_NAMES)
        for equal in (NameList(names.texts, [0, 0, 0]), _NAMES, [Name("ann"), Name("Bob"), Name("ann")]):
            self.assertEqual(names, equal)
        self.assertEqual(hash(names), hash(_NAMES))
        for other in (names[:2], NameList(["ann", "bob", "ann"], [8, 13, 70_000]), _NAMES[1:], "ann", None):
            self.assertNotEqual(names, other)

    def test_repr(self) -> None:
        """A failed test shows a list like the tuple of its names."""
        self.assertEqual("(Name(text='ann'),)", repr(NameList(["ann"], [8])))
