"""How many of something, in words."""


def number_of(count: int, one: str, several: str = "", zero: str = "0") -> str:
    """Say a number with its noun: ``1 word``, ``2 words``; ``several`` is the plural that takes more than an s."""
    return f"{count or zero} {one if count == 1 else several or one + 's'}"
