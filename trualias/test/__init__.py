"""Tests, run by trial: one module of tests for each module of trualias."""
