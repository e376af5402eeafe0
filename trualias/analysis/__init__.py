"""Analysis of policies for people, off the hot path: lint, strength, explanation, composition.

Pure but for the shipped word list: no clocks, no sockets, no Twisted.
"""
