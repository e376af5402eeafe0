"""The configurations that are measured, and questions to them whose answers are known without asking.

Codes are computed here from the words of the language's reference, not by the project's own code: a server that
answers wrongly is noticed.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import count, cycle, islice
from pathlib import Path

from benchmarks.load import Exchange

SAMPLES = Path(__file__).resolve().parent.parent / "conf"
DOMAIN = "example.com"

SAMPLE_KEYS = (
    ("samissexy.34", "baz"),
    ("samissexy.43", ""),
    ("griselda-google-g6", "foo"),
    ("foo-google-g6", ""),
    ("foo-23skidoo-2k3", "foo"),
    ("foo", ""),
    ("ameliawantschips.6k5", "amelia"),
    ("ameliawantschips.6a5", ""),
    ("greyisthenewbeige.411", "baz"),
    ("postmaster", ""),
)
"""Ten keys for the sample configuration with the account of each; none for those that are not found."""

ALNUM = "0123456789bcdfghjklmnpqrstvwxyz"
ALPHA = ALNUM[10:]
"""Without vowels, so that no `is` comes about by chance."""

Answer = tuple[str, str]
"""A key and the account that it belongs to, `''` where it is not found."""


def exchange(answer: Answer, domain: str = "") -> Exchange:
    """The line that asks, and the reply; with a domain as the virtual server is asked and answers."""
    key, account = answer
    at = f"@{domain}" if domain else ""
    return f"get {key}{at}\n".encode(), f"200 {account}{at}\n".encode() if account else b"500 not found\n"


def exchanges(answers: Iterable[Answer], domain: str = "") -> Iterator[Exchange]:
    """See `exchange`."""
    return (exchange(answer, domain) for answer in answers)


def with_settings(text: str, port: int, logging: str = "error") -> str:
    """A configuration with the settings that are measured, in the place of its own."""
    text = re.sub(r"(?m)^(HOST|PORT|LOGGING|STATISTICS):.*\n", "", text)
    return f"HOST: 127.0.0.1\nPORT: {port}\nLOGGING: {logging}\nSTATISTICS: 0\n{text}"


def sample(*, virtual: bool = False) -> str:
    """The sample configuration that the project ships."""
    name = "tcp_virtual_server.conf.sample" if virtual else "tcp_table_server.conf.sample"
    return (SAMPLES / name).read_text(encoding="utf-8")


def word(number: int, letters: str) -> str:
    """A word for a number, 0 or more, another one for each: at least five letters."""
    spelled = ""
    while number or len(spelled) < 5:
        number, index = divmod(number, len(letters))
        spelled += letters[index]
    return spelled


def distinct_sample_answers() -> Iterator[Answer]:
    """Different keys for the sample configuration without end, half of them found."""
    for number in count():
        name, first, second = word(number, ALNUM), word(number, ALPHA), word(number * 7, ALPHA)
        digits = sum(map(str.isdigit, name))
        yield f"foo-{name}-{digits}{name[0]}0", "foo"
        yield f"foo-{name}-{digits + 1}{name[0]}0", ""
        yield f"griselda-{name}-{name[0]}{len(name)}", "foo"
        yield f"nobody-{name}-{name[0]}{len(name)}", ""
        yield f"{first}is{second}.{len(first)}{len(second)}", "baz"
        yield f"{first}is{second}.{len(first)}{len(second) + 1}", ""
        yield f"ameliawants{first}.6k{len(first)}", "amelia"
        yield f"{name}-{name}", ""
        yield f"fred.morris+{name}+x{len(name)}", "fred.morris"
        yield f"fred.morris+{name}+{len(name)}", ""


def many_accounts(number: int) -> str:
    """One statement with so many accounts."""
    names = ",\n    ".join(f"user{index:06}" for index in range(number))
    return f"ACCOUNT {names}\nMATCHES %account%-%alnum%-%code% WITH CHAR(1,-), CHARS();\n"


def many_accounts_answers(number: int) -> Iterator[Answer]:
    """Different keys for `many_accounts` without end, half of them found."""
    for index in count():
        account, name = f"user{index * 7919 % number:06}", word(index, ALNUM)
        yield f"{account}-{name}-{name[0]}{len(name)}", account
        if index % 2:
            yield f"{account}-{name}-{name[0]}{len(name) + 1}", ""
        else:
            yield f"nobody-{name}-{name[0]}{len(name)}", ""


def many_statements(number: int, sign: str = "x") -> str:
    """So many statements, a third of each of three shapes.

    Statements with another sign take other codes, or give other accounts: no reply is the same for two signs.
    """
    shapes = (
        "ACCOUNT f{0:05} MATCHES %account%-%alnum%-%code% WITH {1}, CHARS();\n",
        "ACCOUNT g{0:05} ALIASED a{0:05}, b{0:05} MATCHES %alias%.%ident%.%code% WITH {1}, CHAR(1,-);\n",
        "ACCOUNT {1}{0:05} MATCHES %alpha%shop{2}%alpha%.%code% WITH CHARS(1), CHARS(2);\n",
    )
    return "".join(
        shape.format(index, sign, word(index, ALPHA)) for index, shape in islice(zip(count(), cycle(shapes)), number)
    )


def many_statements_answers(number: int, sign: str = "x") -> Iterator[Answer]:
    """Different keys for `many_statements` without end, half of them found."""
    for index in count():
        third = index * 2371 % (number // 3) * 3
        name, first = word(index, ALNUM), word(index, ALPHA)
        yield f"f{third:05}-{name}-{sign}{len(name)}", f"f{third:05}"
        yield f"f{third:05}-{name}-{sign}{len(name) + 1}", ""
        yield f"{'ab'[index % 2]}{third + 1:05}.{name}.{sign}{name[0]}", f"g{third + 1:05}"
        yield f"c{third + 1:05}.{name}.{sign}{name[0]}", ""
        shop = f"{first}shop{word(third + 2, ALPHA)}pen"
        yield f"{shop}.{len(first)}3", f"{sign}{third + 2:05}"
        yield f"{shop}.{len(first)}4", ""
