"""The standard streams of a command."""

import os
import sys
from contextlib import suppress
from io import BufferedReader, BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Self, TextIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class InputError(OSError):
    """Standard input cannot be read."""


class OutputError(Exception):
    """Standard output cannot be written; ``str()`` says why. No OSError, which may come from any other file."""


class _StandardStream(TextIOWrapper):
    """A standard stream in UTF-8, which is closed when it cannot be written."""

    @classmethod
    def in_place_of(cls, stream: TextIOWrapper) -> Self:
        """Take over the file of a stream, which is of no use afterwards."""
        errors, by_lines, at_once = stream.errors, stream.line_buffering, stream.write_through
        return cls(stream.detach(), "utf-8", errors, line_buffering=by_lines, write_through=at_once)

    def _close(self) -> None:
        # Else the interpreter would try to write the rest when it exits, and print a traceback.
        with suppress(OSError):
            self.buffer.close()


class StandardOutput(_StandardStream):
    """Standard output; raises OutputError where it cannot be written."""

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
        self._close()
        return OutputError(f"cannot write to standard output: {error.strerror}")


class StandardErrors(_StandardStream):
    """Standard error; what cannot be written is dropped, so that the exit status of the command remains."""

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        try:
            return len(text) if self.closed else super().write(text)
        except OSError:
            self._close()
            return len(text)

    def flush(self) -> None:
        """Write what is buffered, or drop it."""
        try:
            if not self.closed:
                super().flush()
        except OSError:
            self._close()


class _RawInput(FileIO):
    """The file of standard input; raises InputError where it cannot be read."""

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        """Read as many octets as there are, at most as many as fit."""
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise InputError(error.errno, error.strerror) from error

    def readall(self) -> bytes:
        """Read to the end."""
        try:
            return super().readall()
        except OSError as error:
            raise InputError(error.errno, error.strerror) from error


class Terminal(NamedTuple):
    """The standard streams of a command; ``input`` is binary because it may not be valid UTF-8.

    ``program`` is the path or the name by which the program was called.

    It is no attrs class, as other values are: the import of attrs takes longer than ``trualias --version``.
    """

    input: BinaryIO
    output: TextIO
    errors: TextIO
    program: str = "trualias"

    @classmethod
    def of_process(cls) -> "Terminal":
        """Take the standard streams of the process, and make them those of ``sys`` as well.

        Input that is closed cannot be read, output that is closed cannot be written, and errors are dropped then.
        """
        # As in stdopen() of the GNU coreutils: opened the wrong way round, so that using them is an error. Left closed,
        # the next file would get the number, and the output of the command with it.
        for number, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDWR)):
            try:
                os.fstat(number)
            except OSError:
                # The server that serve runs in this process has them as well.
                os.set_inheritable(os.open(os.devnull, flags), True)
        sys.stdout = StandardOutput.in_place_of(_text_stream(sys.stdout, 1))
        # shutil.get_terminal_size, which argparse folds its help by, reads the width there.
        sys.__stdout__ = sys.stdout  # type: ignore[misc]
        sys.stderr = StandardErrors.in_place_of(_text_stream(sys.stderr, 2))
        return cls(BufferedReader(_RawInput(0, closefd=False)), sys.stdout, sys.stderr, sys.argv[0])


def prompt_for_lines(terminal: Terminal, what: str) -> None:
    """Write what is read from standard input, if that is a terminal, on which a command seems to hang otherwise."""
    if terminal.input.isatty():
        terminal.errors.write(f"Type {what}, one a line; Ctrl-D ends them.\n")


def _text_stream(stream: TextIO | None, descriptor: int) -> TextIOWrapper:
    """Return a stream of ``sys``, or make the one that is None because its descriptor was closed."""
    if isinstance(stream, TextIOWrapper):
        return stream
    return TextIOWrapper(BufferedWriter(FileIO(descriptor, "w", closefd=False)), "utf-8", line_buffering=True)
