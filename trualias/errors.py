"""The base of the errors that end a command with their text. Its import takes no time, for ``trualias --version``."""


class NoUsableConfiguration(Exception):
    """The configuration is missing or has errors; ``str()`` is the text for people."""
