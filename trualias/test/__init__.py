"""Unit tests, run by trial: in memory and in seconds, one module of tests for each module of trualias."""
