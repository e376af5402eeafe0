"""Test support that the benchmarks and fault tests share with the tests: real servers, a private Postfix, requirements.

Production code does not import it, and the wheel does not contain it.
"""
