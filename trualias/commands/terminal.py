"""The standard streams of a command."""

from contextlib import suppress
from io import TextIOWrapper
from typing import BinaryIO, TextIO

from attrs import frozen


class OutputError(Exception):
    """Standard output cannot be written; ``str()`` says why. No OSError, which may come from any other file."""


class StandardOutput(TextIOWrapper):
    """Standard output in UTF-8; raises OutputError where it cannot be written, and is closed after that."""

    @classmethod
    def in_place_of(cls, stream: TextIOWrapper) -> "StandardOutput":
        """Take over the file of a stream, which is of no use afterwards."""
        errors, by_lines, at_once = stream.errors, stream.line_buffering, stream.write_through
        return cls(stream.detach(), "utf-8", errors, line_buffering=by_lines, write_through=at_once)

    def write(self, text: str) -> int:
        """Write a text."""
        try:
            return super().write(text)
        except OSError as error:
            raise self._closed_for(error) from error

    def flush(self) -> None:
        """Write what is buffered."""
        try:
            super().flush()
        except OSError as error:
            raise self._closed_for(error) from error

    def _closed_for(self, error: OSError) -> OutputError:
        # Else the interpreter would try to write the rest when it exits, and print a traceback.
        with suppress(OSError):
            self.buffer.close()
        return OutputError(f"cannot write to standard output: {error.strerror}")


@frozen
class Terminal:
    """The standard streams of a command; ``input`` is binary because it may not be valid UTF-8."""

    input: BinaryIO
    output: TextIO
    errors: TextIO
