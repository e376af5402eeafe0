"""The subcommands of the console script `trualias`, a module each.

A command's module offers `add_to(commands)`, which declares its arguments and names the function that runs it. Nothing
in here imports Twisted's reactor: a command starts in the time that a person does not notice.
"""
