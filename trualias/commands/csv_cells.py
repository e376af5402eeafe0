"""Cells of CSV files that spreadsheets do not take for formulas (OWASP, "CSV Injection")."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def with_guard(text: str) -> str:
    """Return a cell, with a ``'`` before a text that a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def without_guard(text: str) -> str:
    """Return the text of a cell that `with_guard` made."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text
