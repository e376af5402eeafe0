"""What a file says: its settings and its policy; where it is, whether it has changed, and who may write to it."""

from trualias.configuration.reader import Configuration, parse_configuration, read_configuration
from trualias.configuration.settings import SETTINGS, Settings
from trualias.language.source import ConfigurationErrors, PolicyError

__all__ = [
    "SETTINGS",
    "Configuration",
    "ConfigurationErrors",
    "PolicyError",
    "Settings",
    "parse_configuration",
    "read_configuration",
]
