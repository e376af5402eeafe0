"""Warnings about addresses in a configuration."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.address_warnings import address_warnings
from trualias.analysis.lint_warning import LintWarning
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


class DeliveryTests(SynchronousTestCase):
    """Targets of ``DELIVER`` statements."""

    def found(self, text: str) -> list[tuple[str, str, str]]:
        """Return the kind, the text at the offset and the message of each warning."""
        whole = POLICY + text
        return [(one.kind, whole[one.offset :].split(";")[0].split(",")[0], one.message) for one in warnings(text)]

    def test_not_found(self) -> None:
        """A target in an alias domain with the shape of an alias and a wrong code has a warning."""
        message = "has the shape of an alias of foo, but its code is wrong"
        for target in ("foo-ab-3", "foo-ab-3@Example.com"):
            expected = [("delivery-not-found", target, f"'{target}' {message}")]
            self.assertEqual(expected, self.found(f"DELIVER one TO x, {target};"))
        self.assertEqual([], self.found("DELIVER one TO foo-ab-2, foo-ab-3@example.net, foo, box@example.com;"))

    def test_imports_only(self) -> None:
        """With a STORE, an account that no other statement has is no error, but has a warning."""
        text = "STORE: sqlite:m\nDEBUG ACCOUNT: root\nDELIVER fooo TO x; DELIVER foo TO y; DELIVER root TO z;"
        expected = [("delivery-imports-only", "fooo TO x", "no other statement has the account 'fooo'")]
        self.assertEqual(expected, self.found(text))

    def test_circle(self) -> None:
        """Statements whose targets are aliases that lead back have a warning each; one that leads into it has none."""
        text = "DELIVER two TO foo-a-1; DELIVER foo TO box; DELIVER one TO x;"
        self.assertEqual([], self.found(text))
        text = "DEBUG ACCOUNT: root\nDELIVER root TO foo-a-1@example.com; DELIVER foo TO q.x; DELIVER one TO foo-b-1;"
        self.assertEqual(
            [
                (
                    "delivery-circle",
                    "root TO foo-a-1@example.com",
                    "the targets of root are aliases that lead back to it",
                ),
                ("delivery-circle", "foo TO q.x", "the targets of foo are aliases that lead back to it"),
            ],
            self.found(text),
        )
        self.assertEqual(1, len(self.found("DELIVER foo TO foo-a-1;")))

    def test_circle_in_a_domain(self) -> None:
        """A statement with AT takes part in a circle in its domains alone."""
        domains = "ALIAS DOMAINS: a.example b.example\n"
        for target, count in (
            ("foo-a-1@a.example", 1),
            ("foo-a-1@b.example", 0),
            ("foo-a-1", 1),
            ("foo-a-1@c.example", 0),
        ):
            text = f"{domains}DELIVER foo AT a.example TO {target};"
            self.assertEqual((target, count), (target, len(self.found(text))))
        # In a.example the statement without AT does not decide.
        text = f"{domains}DELIVER foo TO foo-a-1@a.example; DELIVER foo AT a.example TO box;"
        self.assertEqual([], self.found(text))

    def test_reasons(self) -> None:
        """Each warning has its reason and a fix."""
        (circle,) = warnings("DELIVER foo TO foo-a-1;")
        self.assertEqual(
            "the mail server finds no mailbox among them: it defers the mail each time, or bounces it", circle.reason
        )
        self.assertEqual("name a mailbox that is no alias", circle.fix)
        (lost,) = warnings("DELIVER foo TO foo-a-2;")
        reason = "the mail server looks the target up again, finds nothing, and refuses or bounces the mail"
        self.assertEqual(
            (reason, "correct the code, or name a mailbox", "foo-a-2"), (lost.reason, lost.fix, lost.address)
        )


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
