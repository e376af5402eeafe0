"""Faults that occur in years of service, done to the servers in minutes.

``python -m faults`` runs all cases, ``python -m faults NAME ...`` some of them; they print figures.
"""
