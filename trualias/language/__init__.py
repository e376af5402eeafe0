"""What a text means: from text to statements, to a syntax tree, to checked rules.

Pure: no files but the package's own grammar, no clocks, no sockets, no Twisted.
"""
