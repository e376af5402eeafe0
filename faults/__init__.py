"""What the servers survive: a programme that does to them what goes wrong in years, and prints figures.

``python -m faults`` runs all of it, ``python -m faults NAME ...`` some.
"""
