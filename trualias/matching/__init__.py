"""From a local part to its account: the hot path, bounded in time and memory for every input.

Pure: no files, no clocks, no sockets, no Twisted.
"""
