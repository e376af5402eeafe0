"""Expected senders."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup.expected_senders import is_expected, registrable_domain


class ExpectedSenderTests(SynchronousTestCase):
    """The senders from which an alias is expected to get mail."""

    def test_expected(self) -> None:
        """A label has the word in it, or the owner of the domain wrote early."""
        for expected, words, domain, early in (
            (True, ["macys"], "macys.com", []),
            (True, ["macys"], "mail.e-macys.example", []),
            (True, ["big-shop"], "bigshop.example", []),
            (True, ["Macys"], "x.macys.co.uk", []),
            (False, ["macys"], "spam.example", []),
            (False, ["macys"], "ma.cys.example", []),
            (True, ["macys"], "b.ses.example.com", ["bounce.example.com"]),
            (False, ["macys"], "a.co.uk", ["b.co.uk"]),
            (True, [], "b.shop.co.uk", ["a.shop.co.uk"]),
            (False, [], "shop.example", []),
            (False, ["-"], "shop.example", []),
        ):
            self.assertEqual(expected, is_expected(words, domain, early), (words, domain, early))

    def test_registrable_domain(self) -> None:
        """The public suffix and one label; names of hosts that give subdomains away count as suffixes."""
        for domain, found in (
            ("a.b.co.uk", "b.co.uk"),
            ("shop.xn--p1ai", "shop.xn--p1ai"),
            ("x.alice.github.io", "alice.github.io"),
            ("co.uk", None),
            ("[192.0.2.1]", None),
        ):
            self.assertEqual(found, registrable_domain(domain))
