"""The alias language: pure, without Twisted, files or clocks."""
