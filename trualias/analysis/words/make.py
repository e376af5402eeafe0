"""Makes the list of names that trualias ships, ``names.txt``, from the npm package simple-icons.

    npm pack simple-icons
    python -m trualias.analysis.words.make simple-icons-*.tgz > trualias/analysis/words/names.txt

simple-icons has the names of brands and, for each, the web page that its logo was taken from; its data are dedicated to
the public domain (CC0 1.0). A name becomes a word as somebody would say it at a counter: accents are dropped, then all
that is no ASCII letter or digit, and the rest is in lower case (*Aldi Süd* becomes ``aldisud``, *7-Zip* ``7zip``). A
page becomes the name of its site, without a leading ``www.`` (``booking.com``, ``design.example.org``).
"""

import json
import sys
import tarfile
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

_LONGEST = 30
_HEADER = """\
# Names of companies and sites, one a line: {words} words for identifiers without a dot, {sites} sites for %fqdn%.
#
# Source: the npm package simple-icons {version} (https://simpleicons.org), the titles of its brands and the hosts of
# the web pages that it gives as their sources. Licence: CC0 1.0 Universal, dedicated to the public domain. The brands
# themselves are their owners' trademarks; they stand here as words that people say.
# Made by trualias/analysis/words/make.py.
"""


def word(title: str) -> str:
    """Write a brand's name as a plain word; empty where nothing of it is a letter or digit of ASCII."""
    plain = unicodedata.normalize("NFKD", title).lower()
    return "".join(character for character in plain if character.isascii() and character.isalnum())


def site(address: str) -> str:
    """Give the host of a web page, without ``www.``; empty where it is none of two or more labels, or very long."""
    host = (urlsplit(address).hostname or "").removeprefix("www.")
    return host if "." in host and host.isascii() and len(host) <= _LONGEST else ""


def names(icons: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Give all words in alphabetical order, then all sites; each once."""
    brands = list(icons)
    yield from sorted({word(brand["title"]) for brand in brands} - {""})
    pages = [brand[kind] for brand in brands for kind in ("source", "guidelines") if kind in brand]
    yield from sorted(set(map(site, pages)) - {""})


def made(package: str) -> str:
    """Make the list of the package, a ``.tgz`` file as npm packs it."""
    with tarfile.open(package) as archive:
        every = list(names(_json(archive, "package/data/simple-icons.json")))
        version = _json(archive, "package/package.json")["version"]
    sites = sum("." in name for name in every)
    return _HEADER.format(words=len(every) - sites, sites=sites, version=version) + "".join(f"{n}\n" for n in every)


def _json(archive: tarfile.TarFile, name: str) -> Any:
    member = archive.extractfile(name)
    assert member is not None, f"{name} is no file"
    return json.load(member)


if __name__ == "__main__":
    sys.stdout.write(made(sys.argv[1]))
