"""Bytes in, bytes out: one connection, any protocol."""
