"""What can be said of a policy besides its answers: for people, off the hot path.

Pure but for the shipped word list: no clocks, no sockets, no Twisted.
"""
