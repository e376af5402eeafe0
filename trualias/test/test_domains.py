"""Tests of ``trualias.language.domains``."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.language.domains import LONGEST_DOMAIN, fold_domain, is_domain


class DomainTests(SynchronousTestCase):
    """The spelling by which domains are compared, and the syntax of a domain name."""

    def test_folded(self) -> None:
        """A-labels and U-labels, in any case and in any normal form, have one spelling."""
        for domain, folded in (
            ("Example.COM", "example.com"),
            ("foo_bar.example", "foo_bar.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.Example", "xn--bcher-kva.example"),
            ("b\u00fccher.example", "xn--bcher-kva.example"),
            ("B\u00dcCHER.EXAMPLE", "xn--bcher-kva.example"),
            ("bu\u0308cher.example", "xn--bcher-kva.example"),
            ("foo_bar.b\u00fccher.example", "foo_bar.xn--bcher-kva.example"),
            ("stra\u00dfe.example", "xn--strae-oqa.example"),
            ("\u4f8b\u3048.\u30c6\u30b9\u30c8", "xn--r8jz45g.xn--zckzah"),
            ("", ""),
        ):
            self.assertEqual(folded, fold_domain(domain), domain)
            self.assertEqual(folded, fold_domain(folded))

    def test_no_conversion(self) -> None:
        """What cannot be converted stays as it is, and is no domain name."""
        for domain in (
            "\u212a.example",  # the Kelvin sign, whose lower case is k
            "\uff45xample.com",
            "b\u00fc cher.example",
            "\u00fc-.example",
            "\u2028.example",
            "\u0300a.example",
            "\udcff.example",
            f"{chr(0xFC) * 64}.example",
            f"{'x.' * 126}\u00fc",
            "\u00fc\u3002example",
        ):
            self.assertEqual(domain, fold_domain(domain))
            self.assertFalse(is_domain(fold_domain(domain)), domain)

    def test_longest(self) -> None:
        """A domain has at most 253 octets, in UTF-8 as it is written and in ASCII as it is compared."""
        for domain, fits in (
            ("x." * 126 + "x", True),
            ("x." * 126 + "xx", False),
            ("x." * 125 + "\u00fc", False),
            ("x." * 121 + "\u00fc", True),
        ):
            self.assertEqual(fits, is_domain(fold_domain(domain)), len(domain))
        self.assertEqual(LONGEST_DOMAIN, len("x." * 126 + "x"))

    def test_syntax(self) -> None:
        """A label has letters, digits, hyphens and underscores, and no hyphen at its ends."""
        for domain in ("a", "a.b", "_x.a-b", "xn--bcher-kva.example", "x" * 63):
            self.assertTrue(is_domain(domain), domain)
        for domain in ("", ".a", "a.", "a..b", "-a", "a-", "a.-b", "a b", "*.a", "x" * 64):
            self.assertFalse(is_domain(domain), domain)
