"""The memory: the aliases that a person has taken back or paused, kept on disk behind one interface."""
