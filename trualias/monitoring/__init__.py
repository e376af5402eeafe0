"""Counters and statistics: plain numbers, without Twisted."""
