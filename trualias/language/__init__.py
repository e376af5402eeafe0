"""From the text of a configuration to statements, a syntax tree and checked rules.

Pure: no files, no clocks, no sockets, no Twisted.
"""
