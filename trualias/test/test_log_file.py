"""Log files: compression, encodings, long lines."""

import codecs
import gzip
from collections.abc import Callable
from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from zstandard import ZstdCompressor

from trualias.commands.log_file import LONGEST_LINE, LogFile, UnreadableLog
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
