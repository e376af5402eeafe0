"""The standard streams of a command."""

from typing import BinaryIO, TextIO

from attrs import frozen


@frozen
class Terminal:
    """The standard streams of a command; ``input`` is binary because it may not be valid UTF-8."""

    input: BinaryIO
    output: TextIO
    errors: TextIO
