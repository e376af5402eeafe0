"""The subcommands of the console script ``trualias``, one module each; a command's output is worded in NAME_text.py.

A command's module offers ``add_to(commands)``, which declares its arguments and the function that runs it. Nothing here
imports Twisted's reactor, and slow imports are made where they are used, to start fast.
"""
