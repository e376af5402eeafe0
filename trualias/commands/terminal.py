"""Where a command reads and writes."""

from typing import BinaryIO, TextIO

from attrs import frozen


@frozen
class Terminal:
    """The standard streams of a command; `input` is in bytes because nobody promises what they are."""

    input: BinaryIO
    output: TextIO
    errors: TextIO
