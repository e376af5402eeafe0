"""A script that makes the shipped word list, ``names.txt``, from the npm package simple-icons.

    npm pack simple-icons
    python -m trualias.analysis.words.make simple-icons-*.tgz > trualias/analysis/words/names.txt

simple-icons has the names of brands and, the web pages of their logos. Its data are dedicated to the public domain
(CC0 1.0). A name becomes a word without accents, in lower case, reduced to ASCII letters and digits (*Aldi Süd* becomes
``aldisud``, *7-Zip* ``7zip``). A page becomes its host name, without a leading ``www.`` (``booking.com``,
``design.example.org``).
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
    """Convert a brand's name to a plain word, empty if none of its characters is an ASCII letter or digit."""
    plain = unicodedata.normalize("NFKD", title).lower()
    return "".join(character for character in plain if character.isascii() and character.isalnum())


def site(address: str) -> str:
    """Return the host name of a web page without ``www.``; empty if it has fewer than two labels or is too long."""
    host = (urlsplit(address).hostname or "").removeprefix("www.")
    return host if "." in host and host.isascii() and len(host) <= _LONGEST else ""


def names(icons: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the distinct words in alphabetical order, then the distinct sites."""
    brands = list(icons)
    yield from sorted({word(brand["title"]) for brand in brands} - {""})
    pages = [brand[kind] for brand in brands for kind in ("source", "guidelines") if kind in brand]
    yield from sorted(set(map(site, pages)) - {""})


def word_list(package: str) -> str:
    """Return the text of the word list for the path of a package, a ``.tgz`` file as npm packs it."""
    with tarfile.open(package) as archive:
        every = list(names(_json(archive, "package/data/simple-icons.json")))
        version = _json(archive, "package/package.json")["version"]
    sites = sum("." in name for name in every)
    return _HEADER.format(words=len(every) - sites, sites=sites, version=version) + "".join(f"{n}\n" for n in every)


def _json(archive: tarfile.TarFile, name: str) -> Any:
    member = archive.extractfile(name)
    assert member is not None, f"{name} is not a file"
    return json.load(member)


if __name__ == "__main__":
    sys.stdout.write(word_list(sys.argv[1]))
