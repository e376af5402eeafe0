"""Tests of positions in a text, and of the errors that show them."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.language.source import ConfigurationErrors, PolicyError, Source


class SourceTests(SynchronousTestCase):
    """Lines and columns, both counted from 1."""

    def test_positions(self) -> None:
        """Every offset has a line and a column; the end of a line has the column after its last character."""
        source = Source("ab\n\nc", "test.conf")
        positions = [source.position(offset) for offset in range(6)]
        self.assertEqual([(1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (3, 2)], positions)

    def test_beyond_the_end(self) -> None:
        """An offset after the text has the position of its end."""
        self.assertEqual((1, 3), Source("ab", "test.conf").position(99))
        self.assertEqual((1, 1), Source("", "test.conf").position(99))

    def test_end_of_the_last_line(self) -> None:
        """A text that ends with a line end has one more line, which is empty."""
        source = Source("ab\n", "test.conf")
        self.assertEqual((2, 1), source.position(3))
        self.assertEqual(["ab", ""], [source.line(1), source.line(2)])

    def test_line_without_its_end(self) -> None:
        """A line is returned without its end, LF or CR LF."""
        source = Source("one\r\ntwo\nthree", "test.conf")
        self.assertEqual(["one", "two", "three"], [source.line(number) for number in (1, 2, 3)])

    def test_only_line_feeds_end_lines(self) -> None:
        """Only line feeds end lines, as in editors; other line ends of Python's do not."""
        source = Source("a\fb\vc\x1dd\x85e\u2028f\ng", "test.conf")
        self.assertEqual((1, 11), source.position(10))
        self.assertEqual((2, 1), source.position(12))


class PolicyErrorTests(SynchronousTestCase):
    """The text of an error."""

    def test_text(self) -> None:
        """An error shows its position, the message, the line, and a caret under the column."""
        error = PolicyError(Source("# first\nPORT: x\n", "test.conf"), 14, "not a port")
        self.assertEqual("test.conf:2:7: not a port\nPORT: x\n      ^", str(error))
        self.assertEqual((2, 7, "not a port"), (error.line, error.column, error.message))

    def test_tabs(self) -> None:
        """A tab before the column is a tab before the caret, so that both stand in one column on every screen."""
        error = PolicyError(Source("\tPORT:\tx", "test.conf"), 7, "not a port")
        self.assertEqual("test.conf:1:8: not a port\n\tPORT:\tx\n\t     \t^", str(error))

    def test_carriage_return(self) -> None:
        """The CR at the end of a line is not shown, even if the error is at the end of the line."""
        error = PolicyError(Source("PORT:\r\nHOST: x\r\n", "test.conf"), 5, "no value")
        self.assertEqual("test.conf:1:6: no value\nPORT:\n     ^", str(error))

    def test_no_text(self) -> None:
        """An error about a file without text names the file alone."""
        self.assertEqual("test.conf: cannot be read", str(PolicyError(Source("", "test.conf"), 0, "cannot be read")))

    def test_unprintable(self) -> None:
        """Each character that a terminal would obey or hide is shown as a replacement character."""
        error = PolicyError(Source("a\x1b[31mb\u200bc d", "test.conf"), 9, "here")
        self.assertEqual("test.conf:1:10: here\na\ufffd[31mb\ufffdc d\n         ^", str(error))

    def test_long_line(self) -> None:
        """An error in a very long line shows the part around the column."""
        text = "".join(f"{number:05}," for number in range(40_000))
        error = PolicyError(Source(text, "test.conf"), 120_002, "here")
        shown = text[119_902:120_102]
        self.assertEqual(f"test.conf:1:120003: here\n{shown}\n{' ' * 100}^", str(error))
        self.assertEqual("0", shown[100])

    def test_ends_of_a_long_line(self) -> None:
        """An error near the start of a long line shows its start, one at the end its end."""
        text = "x" * 999 + "y"
        start = PolicyError(Source(text, "test.conf"), 3, "here")
        end = PolicyError(Source(text, "test.conf"), 999, "here")
        self.assertEqual(f"test.conf:1:4: here\n{'x' * 200}\n   ^", str(start))
        self.assertEqual(f"test.conf:1:1000: here\n{'x' * 100}y\n{' ' * 100}^", str(end))

    def test_tabs_in_a_long_line(self) -> None:
        """A tab stays a tab in a part of a line."""
        error = PolicyError(Source("x" * 500 + "\ty", "test.conf"), 501, "here")
        self.assertEqual(f"test.conf:1:502: here\n{'x' * 99}\ty\n{' ' * 99}\t^", str(error))

    def test_longest_whole_line(self) -> None:
        """A line of 200 characters is shown whole."""
        error = PolicyError(Source("x" * 200, "test.conf"), 199, "here")
        self.assertEqual(f"test.conf:1:200: here\n{'x' * 200}\n{' ' * 199}^", str(error))


class ConfigurationErrorsTests(SynchronousTestCase):
    """All errors of a file."""

    def test_in_order(self) -> None:
        """The errors are in the order of the file; those of one offset keep their order."""
        source = Source("a\nb", "test.conf")
        errors = ConfigurationErrors(
            [PolicyError(source, offset, text) for offset, text in ((2, "x"), (0, "z"), (0, "y"))]
        )
        self.assertEqual(["z", "y", "x"], [error.message for error in errors.errors])
        self.assertEqual("test.conf:1:1: z\na\n^\ntest.conf:1:1: y\na\n^\ntest.conf:2:1: x\nb\n^", str(errors))
