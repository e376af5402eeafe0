"""Word lists: the shipped one, the script that makes it, and lists in files."""

import io
import json
import tarfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.words.lists import UnusableWordList, read_word_list, shipped_word_list
from trualias.analysis.words.make import names, site, word, word_list
from trualias.language.fields import fits
from trualias.language.tree import FieldClass


class MakeTests(SynchronousTestCase):
    """The script that makes the shipped list."""

    def test_word(self) -> None:
        """A name becomes a word in lower case, without accents, signs and blanks."""
        self.assertEqual(
            ["aldisud", "7zip", "att", "macys", ""], list(map(word, ["Aldi Süd", "7-Zip", "AT&T", "Macy's", "爱发电"]))
        )

    def test_site(self) -> None:
        """A page becomes its host name, unless that has only one label or is too long."""
        self.assertEqual("booking.com", site("https://www.booking.com/logo?x=1"))
        self.assertEqual("design.example.org", site("http://Design.example.org:8080/"))
        self.assertEqual("", site("https://localhost/"))
        self.assertEqual("", site("https://" + "a" * 27 + ".com/"))
        self.assertEqual("", site("not a page"))

    def test_names(self) -> None:
        """Words come first, then sites, each of them once and in alphabetical order."""
        icons = [
            {"title": "Müller", "source": "https://www.mueller.de"},
            {"title": "C++", "source": "https://github.com/isocpp", "guidelines": "https://isocpp.org/logo"},
            {"title": "C", "source": "https://github.com/"},
        ]
        self.assertEqual(["c", "muller", "github.com", "isocpp.org", "mueller.de"], list(names(icons)))

    def test_word_list(self) -> None:
        """A package as npm packs it becomes a list that names its source."""
        package = Path(self.mktemp())
        with tarfile.open(package, "w:gz") as archive:
            for name, value in (
                ("package/package.json", {"version": "1.2.3"}),
                ("package/data/simple-icons.json", [{"title": "Foo Bar", "source": "https://foo.example/"}]),
            ):
                content = json.dumps(value).encode()
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        lines = word_list(str(package)).splitlines()
        self.assertIn("1 words for identifiers without a dot, 1 sites for %fqdn%.", lines[0])
        self.assertTrue(any("simple-icons 1.2.3" in line for line in lines))
        self.assertEqual(["foobar", "foo.example"], [line for line in lines if not line.startswith("#")])


class ShippedTests(SynchronousTestCase):
    """The shipped list."""

    def test_every_word_is_usable(self) -> None:
        """The shipped list has thousands of words for identifiers, and thousands of sites."""
        self.assertEqual("3462 names of companies and 2592 of sites", shipped_word_list().name)
        words = shipped_word_list().words
        self.assertEqual(3462, len(words.of(FieldClass.ALNUM, True)))
        self.assertEqual(2592, len(words.of(FieldClass.FQDN, True)))
        self.assertTrue(all(fits(FieldClass.IDENT, word) for word in words.of(FieldClass.ALNUM, True)))


class ReadTests(SynchronousTestCase):
    """Lists in files."""

    def write(self, content: bytes) -> str:
        """Write a list and return its path."""
        path = Path(self.mktemp())
        path.write_bytes(content)
        return str(path)

    def test_words(self) -> None:
        """A file has one word a line; surrounding blanks, empty lines and comments are ignored."""
        path = self.write(b"\xef\xbb\xbf# shops\n macys \r\n\ngoogle\n")
        found = read_word_list(path)
        self.assertEqual(f"2 words of {path}", found.name)
        self.assertEqual(("macys", "google"), found.words.of(FieldClass.ALPHA, True))

    def test_unusable(self) -> None:
        """An unusable list raises an error with the reason."""
        for path, reason in (
            ("nowhere/words", "cannot be read: No such file or directory"),
            (self.write(b"caf\xe9\n"), "this is not UTF-8 text"),
            (self.write(b"# none\n"), "there is no word in it; write one a line"),
            ("/dev/zero", "is longer than 64 MiB"),
        ):
            self.assertEqual(f"{path}: {reason}", str(self.assertRaises(UnusableWordList, read_word_list, path)))
        error = self.assertRaises(UnusableWordList, read_word_list, "a\x1b[31m")
        self.assertEqual("a\\x1b[31m: cannot be read: No such file or directory", str(error))
