"""Tests of the words of aliases."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration
from trualias.lookup.alias_words import words_of
from trualias.lookup.snapshot import Snapshot
from trualias.matching.outcome import Found

CONFIGURATION = """
ALIAS DOMAINS: example.com example.org
CASE SENSITIVE: yes
ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
ACCOUNT bar MATCHES %account%+%fqdn%+%code% WITH x;
ACCOUNT baz MATCHES %alpha%is%alpha%.%code% WITH CHARS(1), CHARS(2);
ACCOUNT qux AT example.org MATCHES %account%.%number%%alpha%.%code% WITH x, CHARS(2);
ACCOUNT pam MATCHES mail%alnum%.%code% WITH x;
ACCOUNT tom MATCHES %alnum%.%code% WITH x;
"""


class WordsTests(SynchronousTestCase):
    """The function `words_of`."""

    def setUp(self) -> None:
        """Make a snapshot."""
        self.snapshot = Snapshot(parse_configuration(CONFIGURATION, "policy.conf"))

    def test_words(self) -> None:
        """An alias has the words of its identifiers, in lower case, and each once."""
        words = {
            "foo-Macys-M5": ("macys",),
            "foo-macys-m5@": ("macys",),
            "foo-macys-m5@Example.com": ("macys",),
            "foo-best_buy-b8": ("best_buy",),
            "foo-ab-a2": (),  # too short
            "bar+shop.macys.com+x": ("shop", "macys"),
            "bar+News.Macys.COM.AU+x": ("news", "macys"),
            "bar+t.co+x": (),
            "samissexy.34": ("sam", "sexy"),
            "qux.12macys.x5@example.org": ("macys",),
            "mailmacys.x": ("macys",),  # of pam, and mailmacys of tom: the first reading that is right
        }
        self.assertEqual(words, {address: words_of(self.snapshot, address) for address in words})

    def test_not_accepted(self) -> None:
        """An alias that no statement accepts has its runs of letters and digits, as imported ones do."""
        words = {
            "foo-macys-m6": ("foo", "macys"),
            "FOO-MACYS-M5": ("foo", "macys"),  # the letters of codes are compared
            "qux.12macys.x5@example.com": ("qux", "12macys"),
            "j.p_newsletter+Straße@example.net": ("newsletter", "straße"),
            "a.b": (),
            "": (),
        }
        self.assertEqual(words, {address: words_of(self.snapshot, address) for address in words})

    def test_bounded(self) -> None:
        """Of an address with very many readings few are examined; if none of these is right, it has its runs."""
        expression = "x".join(["%ident%"] * 8)
        text = f"ACCOUNT a MATCHES {expression}.%code% WITH CHARS(1);"
        snapshot = Snapshot(parse_configuration(text, "policy.conf"))
        local_part = f"{'x' * 50}.9"  # millions of readings; those with a short first identifier come first
        self.assertIsInstance(snapshot.configuration.policy.resolve(local_part), Found)
        self.assertEqual(("x" * 50,), words_of(snapshot, local_part))
