"""Configuration files: settings and policy, file locations, change detection, and write permissions."""

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
