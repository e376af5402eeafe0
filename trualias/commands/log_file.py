"""Reads log files in bounded memory: compressed or not, in UTF-8 or UTF-16, in blocks of whole lines."""

from __future__ import annotations

import codecs
import gzip
import os
import sys
from collections.abc import Iterator
from io import BufferedReader, RawIOBase
from itertools import pairwise
from typing import BinaryIO, cast
from zlib import error as ZlibError

LONGEST_LINE = 256 * 1024
"""Octets of a line that are always read. Syslog daemons cut lines at some KiB, so a longer one is no log's."""

BLOCK = 256 * 1024
"""Octets that are read of a file at once."""

# A zstd block of 4 octets can stand for 128 KiB (RFC 8878, section 3.1.1.2.3): this much input gives at most 8 MiB.
_ZSTD_INPUT = 256

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
# The byte order mark of UTF-32 begins with that of UTF-16.
_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_NOT_DIVISIBLE = (_GZIP, _ZSTD, *(mark for mark, _ in _ENCODINGS))


class UnreadableLog(Exception):
    """A log cannot be read; ``str()`` says why."""


class LogFile:
    """A log that may be compressed by gzip or zstd, which its first octets tell.

    ``name`` is what errors call it. ``cut_lines`` counts the lines so far that were too long to be read to their end.
    ``size`` are the octets of a file when it was opened, None for another stream. With a ``part``, the offsets of its
    first octet and of the first behind it, only that part of a file is read: see `parts`.
    """

    def __init__(
        self, stream: BinaryIO, name: str, size: int | None = None, part: tuple[int, int] | None = None
    ) -> None:
        self.name = name
        self.size = size
        self.cut_lines = 0
        self._stream = stream if isinstance(stream, BufferedReader) else BufferedReader(cast(RawIOBase, stream))
        self._part = part

    def blocks(self) -> Iterator[bytes]:
        """Yield the log as UTF-8, without a byte order mark, in blocks of whole lines; each ends with a newline.

        Raises:
            UnreadableLog: it cannot be read, is damaged or ends too soon.
        """
        from zstandard import ZstdError

        try:
            yield from self._whole_lines(self._pieces())
        except (OSError, EOFError, ZlibError, ZstdError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UnreadableLog(f"{self.name}: cannot be read: {reason}") from error
        except UnicodeDecodeError as error:
            encoding = error.encoding.upper()
            reason = f"it begins with the byte order mark of {encoding}, but is not {encoding}: {error.reason}"
            raise UnreadableLog(f"{self.name}: cannot be read: {reason}") from error

    def parts(self, size: int) -> list[LogFile]:
        """Return the parts of a file, each of about ``size`` octets, a multiple of ``BLOCK``, or only the log itself.

        Together the parts have the same blocks as the log. Several processes can read them at the same time, because
        the position of the file stays. The last part reaches to the end, for the file may grow. A file that is
        compressed, or in UTF-16 or UTF-32, is not divided.
        """
        if self.size is None or self.size <= size:
            return [self]
        descriptor = self._stream.fileno()
        borders = [0]
        try:
            if self._stream.peek(4).startswith(_NOT_DIVISIBLE):
                return [self]
            for offset in range(size, self.size, size):
                # A border is where a block ends: behind the last line that is whole when this much has been read.
                newline = os.pread(descriptor, BLOCK, offset - BLOCK).rfind(b"\n")
                if newline >= 0:
                    borders.append(offset - BLOCK + newline + 1)
        except OSError:  # reading the blocks has the same error, and reports it
            return [self]
        return [LogFile(self._stream, self.name, self.size, part) for part in pairwise([*borders, sys.maxsize])]

    @property
    def position(self) -> int:
        """The octets of the file that have been read, compressed or not; 0 for a pipe."""
        return self._stream.tell() if self._stream.seekable() else 0

    def skip(self) -> None:
        """Move the position of the file to the end of this part, which another process has read."""
        if self.size is not None and self._part is not None:
            self._stream.seek(min(self._part[1], self.size))

    def _pieces(self) -> Iterator[bytes]:
        """Yield the content as UTF-8, in pieces of bounded size."""
        if self._part is None:
            return _decoded(_decompressed(self._stream))
        start, end = self._part
        pieces = _pieces_between(self._stream.fileno(), start, end)
        return pieces if start else _decoded(pieces)

    def _whole_lines(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        unfinished = b""
        is_cut = False
        for piece in pieces:
            lines, newline, last = piece.rpartition(b"\n")
            if newline:
                if is_cut:
                    _, end, following = lines.partition(b"\n")
                    lines = end + following
                yield unfinished + lines + newline
                unfinished, is_cut = last, False
            elif not is_cut:
                unfinished += last
                if len(unfinished) > LONGEST_LINE:
                    unfinished, is_cut = unfinished[:LONGEST_LINE], True
                    self.cut_lines += 1
        if unfinished:
            yield unfinished + b"\n"


def _decompressed(stream: BufferedReader) -> Iterator[bytes]:
    """Yield the content of a file in pieces of bounded size, none of them empty."""
    magic = stream.peek(len(_ZSTD))[: len(_ZSTD)]
    if magic == _ZSTD:
        yield from _joined(_zstd_pieces(stream))
        return
    content = gzip.GzipFile(fileobj=stream) if magic.startswith(_GZIP) else stream
    while piece := content.read(BLOCK):
        yield piece


def _pieces_between(descriptor: int, start: int, end: int) -> Iterator[bytes]:
    """Yield a part of a file in the pieces in which the whole file is read, without moving its position."""
    while start < end and (piece := os.pread(descriptor, min(BLOCK - start % BLOCK, end - start), start)):
        yield piece
        start += len(piece)


def _zstd_pieces(stream: BufferedReader) -> Iterator[bytes]:
    """Decompress frames, one after the other; raises EOFError where the last one is not complete."""
    from zstandard import ZstdDecompressor

    decompressor = ZstdDecompressor()
    frame = decompressor.decompressobj()
    while data := stream.read(_ZSTD_INPUT):
        while data:
            if frame.eof:
                frame = decompressor.decompressobj()
            if piece := frame.decompress(data):
                yield piece
            data = frame.unused_data
    if not frame.eof:
        raise EOFError("Compressed file ended before the end of its last frame")


def _joined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Join small pieces into larger ones."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= BLOCK:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _decoded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Drop a byte order mark, and turn UTF-16 and UTF-32 into UTF-8; raises UnicodeDecodeError."""
    first = b""
    for piece in pieces:
        first += piece
        if len(first) >= 4:
            break
    for mark, encoding in _ENCODINGS:
        if first.startswith(mark):
            decoder = codecs.getincrementaldecoder(encoding)()
            yield decoder.decode(first).encode()
            for piece in pieces:
                yield decoder.decode(piece).encode()
            yield decoder.decode(b"", final=True).encode()
            return
    yield first.removeprefix(codecs.BOM_UTF8)
    yield from pieces
