"""Verifiable mail aliases for Postfix and other mail servers, served by Twisted."""

__version__ = "0.1.0"
