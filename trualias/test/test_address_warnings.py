"""Warnings about addresses in a configuration."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.address_warnings import address_warnings
from trualias.analysis.lint import LintWarning
from trualias.configuration import parse_configuration

POLICY = """\
ALIAS DOMAINS: example.com
ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHARS();
ACCOUNT one MATCHES %alpha%.%code% WITH x;
ACCOUNT two MATCHES %alnum%.%code% WITH x;
"""


def warnings(text: str) -> list[LintWarning]:
    """Return the warnings about a policy and further statements."""
    return list(address_warnings(parse_configuration(POLICY + text, "policy.conf")))


class RefusalTests(SynchronousTestCase):
    """Refused addresses."""

    def test_needless(self) -> None:
        """A refused address that no statement accepts has a warning, one of several accounts has none."""
        text = "REFUSE foo-macys-5, foo-macys-6@example.com, q.x;\n"
        self.assertEqual(
            [
                LintWarning(
                    "needless-refusal",
                    len(POLICY) + text.index("foo-macys-6"),
                    "no statement accepts 'foo-macys-6@example.com', so that there is nothing to refuse",
                    "if it is misspelled, the address that is meant is still accepted",
                    "correct the address, or leave it out",
                    "foo-macys-6",
                )
            ],
            warnings(text),
        )

    def test_hooks(self) -> None:
        """With a PROCESSOR there is no warning, since only its hook says which alias is meant."""
        self.assertEqual([], warnings("REFUSE foo-macys-6;\nPROCESSOR: hooks"))
