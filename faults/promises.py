"""The promises of the fuzz targets."""


class Broken(Exception):
    """A promise does not hold."""


def promise(holds: bool, what: str, *details: object) -> None:
    """Raise `Broken` with a message and details unless ``holds``."""
    if not holds:
        raise Broken(f"{what}: {details!r}")
