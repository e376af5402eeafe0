"""Log files: compression, encodings, long lines."""

import codecs
import gzip
import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from zstandard import ZstdCompressor

from trualias.commands.log_file import BLOCK, LONGEST_LINE, LogFile, UnreadableLog
from trualias.test import trialprofile

trialprofile.load()

_zstd = ZstdCompressor().compress
_COMPRESSIONS = (bytes, gzip.compress, _zstd)


def _read(content: bytes) -> bytes:
    return b"".join(LogFile(BytesIO(content), "mail.log").blocks())


class _Tracked(BytesIO):
    """A file that knows the most octets that were read from it at once."""

    largest = 0

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        self.largest = max(self.largest, len(buffer))
        return super().readinto(buffer)


class ContentTests(SynchronousTestCase):
    """The content of a log, compressed or not."""

    def test_plain(self) -> None:
        """A log that is not compressed is read as it is; its last line ends with a newline in any case."""
        self.assertEqual(b"a\nb\n", _read(b"a\nb\n"))
        self.assertEqual(b"a\nb\n", _read(b"a\nb"))
        self.assertEqual(b"", _read(b""))

    def test_compressed(self) -> None:
        """Compressed logs are read, also where several were joined."""
        for compress in _COMPRESSIONS:
            self.assertEqual(b"a\nb\n", _read(compress(b"a\n") + compress(b"b\n")))

    def test_cut_short(self) -> None:
        """A compressed log that ends too soon is an error, and not a shorter log."""
        content = b"".join(b"line %d\n" % number for number in range(100_000))
        for compressed, reason in (
            (gzip.compress(content), "Compressed file ended before the end-of-stream marker was reached"),
            (_zstd(content), "Compressed file ended before the end of its last frame"),
        ):
            error = self.assertRaises(UnreadableLog, _read, compressed[:-6])
            self.assertEqual(f"mail.log: cannot be read: {reason}", str(error))

    def test_damaged(self) -> None:
        """A damaged log is an error that names it."""
        content = gzip.compress(bytes(range(256)) * 100)
        for damaged, reason in (
            (content[:20] + b"\xff\xff" + content[22:], "Error -3 while decompressing data: "),
            (_zstd(b"x" * 1000)[:8] + b"\xff" * 20, "zstd decompressor error: "),
        ):
            error = self.assertRaises(UnreadableLog, _read, damaged)
            self.assertTrue(str(error).startswith(f"mail.log: cannot be read: {reason}"), str(error))

    @given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line)), st.sampled_from(_COMPRESSIONS))
    def test_whole_lines(self, lines: list[bytes], compress: Callable[[bytes], bytes]) -> None:
        """Blocks are whole lines, and nothing is lost."""
        content = b"".join(b"." + line + b"\n" for line in lines) * 5_000
        blocks = list(LogFile(BytesIO(compress(content)), "mail.log").blocks())
        self.assertTrue(all(block.endswith(b"\n") for block in blocks))
        self.assertEqual(content, b"".join(blocks))


class EncodingTests(SynchronousTestCase):
    """Byte order marks, and encodings other than UTF-8."""

    def test_byte_order_mark(self) -> None:
        """The byte order mark of UTF-8 is dropped at the beginning, and nowhere else."""
        self.assertEqual(b"a\n\xef\xbb\xbfb\n", _read(codecs.BOM_UTF8 + b"a\n" + codecs.BOM_UTF8 + b"b\n"))
        self.assertEqual(b"a\n", _read(gzip.compress(codecs.BOM_UTF8 + b"a\n")))
        self.assertEqual(b"", _read(codecs.BOM_UTF8))

    def test_utf_16(self) -> None:
        """UTF-16 and UTF-32 are known by their byte order marks, and read in either byte order."""
        text = "caf\N{LATIN SMALL LETTER E WITH ACUTE}@example.com\r\n" * 50_000
        for mark, encoding in (
            (codecs.BOM_UTF16_LE, "utf-16-le"),
            (codecs.BOM_UTF16_BE, "utf-16-be"),
            (codecs.BOM_UTF32_LE, "utf-32-le"),
            (codecs.BOM_UTF32_BE, "utf-32-be"),
        ):
            content = mark + text.encode(encoding)
            self.assertEqual(text.encode(), _read(content), encoding)
            self.assertEqual(text.encode(), _read(_zstd(content)), encoding)

    def test_not_utf_16(self) -> None:
        """A log that only begins as UTF-16 is an error that names the encoding."""
        for content, reason in (
            ("a\n".encode("utf-16-le") + b"\x00", "truncated data"),
            (b"\x00\xd8\x00\xd8", "illegal UTF-16 surrogate"),
        ):
            error = self.assertRaises(UnreadableLog, _read, codecs.BOM_UTF16_LE + content)
            expected = f"it begins with the byte order mark of UTF-16-LE, but is not UTF-16-LE: {reason}"
            self.assertEqual(f"mail.log: cannot be read: {expected}", str(error))


class LongLineTests(SynchronousTestCase):
    """Lines without end."""

    def test_cut(self) -> None:
        """The beginning of a very long line is read, the rest is skipped, and what follows is read again."""
        long = b"x" * (10 * LONGEST_LINE)
        for end, expected in ((b"", b""), (b"\nb\nc\n", b"b\nc\n")):
            log = LogFile(BytesIO(b"a\n" + long + end), "mail.log")
            content = b"".join(log.blocks())
            self.assertEqual((b"a\n" + long[:LONGEST_LINE] + b"\n" + expected, 1), (content, log.cut_lines))

    def test_not_cut(self) -> None:
        """A line of the greatest length is read whole, wherever it begins."""
        for before in (b"", b"a\n", b"a\n" * 100_000):
            content = before + b"x" * LONGEST_LINE + b"\nb\n"
            log = LogFile(BytesIO(content), "mail.log")
            self.assertEqual((content, 0), (b"".join(log.blocks()), log.cut_lines))

    def test_bounded_memory(self) -> None:
        """A block is of bounded size, however well a line without end is compressed."""
        for compressed in (gzip.compress(bytes(50_000_000), 1), _zstd(bytes(50_000_000))):
            log = LogFile(BytesIO(compressed), "mail.log")
            self.assertEqual([LONGEST_LINE + 1], [len(block) for block in log.blocks()])
            self.assertEqual(1, log.cut_lines)
        tracked = _Tracked(bytes(5_000_000))
        for _ in LogFile(tracked, "mail.log").blocks():
            pass
        self.assertLessEqual(tracked.largest, 2 * LONGEST_LINE)


# The lengths of lines with the number of such lines.
_LINES = st.tuples(
    st.sampled_from((0, 1, 99, BLOCK // 2, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK)), st.sampled_from((1, 2, 5000))
).filter(lambda lines: lines[0] * lines[1] < 4 * BLOCK)
_BEGINNINGS = (b"", codecs.BOM_UTF8, b"\x1f\x8b", b"\x28\xb5\x2f\xfd", codecs.BOM_UTF16_LE, b"\0")


class PartTests(SynchronousTestCase):
    """The parts of a log, which several processes can read."""

    def setUp(self) -> None:
        """Name a file."""
        self.path = Path(self.mktemp())

    def opened(self, content: bytes) -> LogFile:
        """Write a log and open it."""
        self.path.write_bytes(content)
        stream = self.path.open("rb")
        self.addCleanup(stream.close)
        return LogFile(stream, "mail.log", len(content))

    @given(st.lists(st.tuples(_LINES, st.sampled_from(_BEGINNINGS)), max_size=6), st.booleans(), st.integers(1, 3))
    def test_same_blocks(self, lines: list[tuple[tuple[int, int], bytes]], is_ended: bool, size: int) -> None:
        """The parts have the same blocks, and as many lines that are cut, as the whole log."""
        content = b"a\r\n" + b"".join((begin + b"x" * length + b"\n") * number for (length, number), begin in lines)
        parts = self.opened(content if is_ended else content[:-1]).parts(size * BLOCK)
        blocks = [block for part in parts for block in part.blocks()]
        with self.path.open("rb") as stream:
            whole = LogFile(stream, "mail.log")
            self.assertEqual(list(whole.blocks()), blocks)
        self.assertEqual(whole.cut_lines, sum(part.cut_lines for part in parts))

    def test_number(self) -> None:
        """There are as many parts as the size fits into the log, and fewer where a line reaches from one to another."""
        for content, expected in (
            (b"", 1),
            (b"a\n" * (BLOCK // 2), 1),
            (b"a\n" * (BLOCK // 2) + b"b", 2),
            (b"a\n" * (2 * BLOCK), 4),
            (b"a\n" * BLOCK + b"b" * BLOCK + b"a\n" * BLOCK, 4),
            (b"a" * (4 * BLOCK), 1),
        ):
            self.assertEqual(expected, len(self.opened(content).parts(BLOCK)), content[:1])

    def test_not_divided(self) -> None:
        """A log that is compressed or in UTF-16 or UTF-32 is not divided, and no stream without a file."""
        content = os.urandom(3 * BLOCK) + b"\n"
        for whole in (
            gzip.compress(content),
            _zstd(content),
            *(mark + content for mark in (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF32_BE)),
        ):
            log = self.opened(whole)
            self.assertEqual([log], log.parts(BLOCK), whole[:4])
        stream = LogFile(BytesIO(b"a\n" * BLOCK), "standard input")
        self.assertEqual([stream], stream.parts(BLOCK))

    def test_byte_order_mark(self) -> None:
        """A byte order mark is dropped at the beginning of the log alone, and not at that of a part."""
        content = (codecs.BOM_UTF8 + b"a\n") * BLOCK
        parts = self.opened(content).parts(BLOCK)
        self.assertEqual(5, len(parts))
        self.assertEqual(content[len(codecs.BOM_UTF8) :], b"".join(block for part in parts for block in part.blocks()))

    def test_growing(self) -> None:
        """Lines that are written after the log was divided are in the last part."""
        log = self.opened(b"a\n" * BLOCK)
        parts = log.parts(BLOCK)
        with self.path.open("ab") as more:
            more.write(b"b\n")
        self.assertEqual(b"a\n" * BLOCK + b"b\n", b"".join(block for part in parts for block in part.blocks()))

    def test_removed(self) -> None:
        """A log that is renamed, removed or replaced while it is read is read to its end."""
        parts = self.opened(b"a\n" * BLOCK).parts(BLOCK)
        self.path.unlink()
        self.path.write_bytes(b"b\n" * BLOCK)
        self.assertEqual(b"a\n" * BLOCK, b"".join(block for part in parts for block in part.blocks()))

    def test_position(self) -> None:
        """Reading a part leaves the position of the file, and skipping it moves the position to its end."""
        log = self.opened(b"a\n" * BLOCK)
        positions = []
        for part in log.parts(BLOCK):
            self.assertNotEqual([], list(part.blocks()))
            positions.append(log.position)
            part.skip()
        self.assertEqual([0, BLOCK, 2 * BLOCK], [*positions, log.position])

    def test_error(self) -> None:
        """A part that cannot be read is an error that names the log."""
        reading, writing = os.pipe()
        self.addCleanup(os.close, writing)
        with os.fdopen(reading, "rb") as stream:
            part = LogFile(stream, "mail.log", 1, (0, 1))
            error = self.assertRaises(UnreadableLog, list, part.blocks())
        self.assertEqual("mail.log: cannot be read: Illegal seek", str(error))
