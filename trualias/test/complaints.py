"""The complete text of a configuration's errors."""

from __future__ import annotations

Complaint = tuple[int, int, str]
"""The line and column of an error, both counted from 1, and its message."""


def complaints(text: str, *found: Complaint) -> str:
    """Return the text of errors about ``test.conf``, a text without tabs."""
    lines = text.split("\n")
    return "\n".join(
        f"test.conf:{line}:{column}: {message}\n{lines[line - 1]}\n{' ' * (column - 1)}^"
        for line, column, message in found
    )
