"""Addresses in the statements of a configuration."""

from __future__ import annotations


def split_address(text: str) -> tuple[str, str | None]:
    """Return the local part, and the domain after the last ``@``; None where there is none."""
    local_part, at, domain = text.rpartition("@")
    return (local_part, domain) if at else (text, None)
