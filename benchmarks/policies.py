"""Configurations to measure, and lookup keys with their right answers.

The codes are computed here from the language's reference, and not by the code under test, so that a wrong answer is
noticed.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import count, cycle, islice, product
from pathlib import Path

from benchmarks.load import Exchange

SAMPLES = Path(__file__).resolve().parent.parent / "conf"
DOMAIN = "example.com"

SAMPLE_KEYS = (
    ("samissexy.34", "baz"),
    ("samissexy.43", ""),
    ("griselda-google-g6", "foo"),
    ("foo-google-g7", ""),
    ("foo-23skidoo-2k3", "foo"),
    ("foo", ""),
    ("ameliawantschips.6k5", "amelia"),
    ("ameliawantschips.6a5", ""),
    ("greyisthenewbeige.411", "baz"),
    ("postmaster", ""),
)
"""Ten keys for the sample configuration, each with its account; ``""`` for a key that is not found."""

ALNUM = "0123456789bcdfghjklmnpqrstvwxyz"
ALPHA = ALNUM[10:]
"""Without vowels, so that no ``is`` occurs by chance."""

Answer = tuple[str, str]
"""A key and its account; ``""`` for a key that is not found."""


_DELIVERED = {"amelia": "amelia@mailbox.example.net"}
"""Accounts whose mail the virtual server's sample configuration delivers to another address."""


def exchange(answer: Answer, domain: str = "") -> Exchange:
    """Return the request line for a key and the reply to it; for the virtual server's sample with a domain."""
    key, account = answer
    at = f"@{domain}" if domain else ""
    value = _DELIVERED.get(account, account + at) if domain else account
    return f"get {key}{at}\n".encode(), f"200 {value}\n".encode() if account else b"500 not found\n"


def socketmap_exchange(answer: Answer) -> Exchange:
    """Return the netstring that requests a key of the map ``table``, and the netstring of the reply."""
    key, account = answer
    return netstring(f"table {key}"), netstring(f"OK {account}" if account else "NOTFOUND ")


def netstring(text: str) -> bytes:
    """Return an ASCII text as a netstring."""
    return f"{len(text)}:{text},".encode("ascii")


def exchanges(answers: Iterable[Answer], domain: str = "") -> Iterator[Exchange]:
    """Return the exchange for each answer."""
    return (exchange(answer, domain) for answer in answers)


def with_settings(text: str, port: int, logging: str = "error") -> str:
    """Return a configuration with the settings for a measurement in place of its own."""
    text = re.sub(r"(?m)^(HOST|PORT|LOGGING|STATISTICS):.*\n", "", text)
    return f"HOST: 127.0.0.1\nPORT: {port}\nLOGGING: {logging}\nSTATISTICS: 0\n{text}"


def sample(*, virtual: bool = False, folder: Path = SAMPLES) -> str:
    """Return the text of a sample configuration."""
    name = "tcp_virtual_server.conf.sample" if virtual else "tcp_table_server.conf.sample"
    return (folder / name).read_text(encoding="utf-8")


def word(number: int, letters: str) -> str:
    """Return a different word of at least five letters for each number from 0."""
    spelled = ""
    while number or len(spelled) < 5:
        number, index = divmod(number, len(letters))
        spelled += letters[index]
    return spelled


def distinct_sample_answers() -> Iterator[Answer]:
    """Yield different keys for the sample configuration without end, half of them found."""
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
    """Return one statement with ``number`` accounts."""
    names = ",\n    ".join(f"user{index:06}" for index in range(number))
    return f"ACCOUNT {names}\nMATCHES %account%-%alnum%-%code% WITH CHAR(1,-), CHARS();\n"


def many_accounts_answers(number: int) -> Iterator[Answer]:
    """Yield different keys for ``many_accounts`` without end, half of them found."""
    for index in count():
        account, name = f"user{index * 7919 % number:06}", word(index, ALNUM)
        yield f"{account}-{name}-{name[0]}{len(name)}", account
        if index % 2:
            yield f"{account}-{name}-{name[0]}{len(name) + 1}", ""
        else:
            yield f"nobody-{name}-{name[0]}{len(name)}", ""


def many_statements(number: int, sign: str = "x") -> str:
    """Return ``number`` statements, a third of each of three shapes.

    The statements of two signs have different codes or different accounts, so that no reply is the same for both.
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
    """Yield different keys for ``many_statements`` without end, half of them found."""
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


def many_domains(number: int, domains: int) -> str:
    """Return ``number`` statements, each for one of ``domains`` alias domains; each name is in several of them."""
    names = number // domains
    return (
        "ALIAS DOMAINS: "
        + " ".join(map(_domain, range(domains)))
        + "\n"
        + "".join(
            f"ACCOUNT u{index // domains % names:05} AT {_domain(index % domains)} "
            f"MATCHES %account%-%alnum%-%code% WITH {word(index % domains, ALPHA)}, CHARS();\n"
            for index in range(number)
        )
    )


def _domain(number: int) -> str:
    return f"d{number:04}.example"


def many_domains_exchanges(number: int, domains: int) -> Iterator[Exchange]:
    """Yield exchanges with different keys for ``many_domains`` without end, half of them found."""
    for index in count():
        statement = index * 2371 % number
        name, own = word(index, ALNUM), word(statement % domains, ALPHA)
        account = f"u{statement // domains % (number // domains):05}"
        yield exchange((f"{account}-{name}-{own}{len(name)}", account), _domain(statement % domains))
        yield exchange((f"{account}-{name}-{own}{len(name)}", ""), _domain((statement + 1) % domains))


_CLASSES = (("alpha", "alpha"), ("alpha", "alnum"), ("alnum", "alpha"), ("alnum", "alnum"))
_ITEMS: tuple[tuple[str, Callable[[str, str], str]], ...] = (
    ("CHARS(1)", lambda first, second: str(len(first))),
    ("CHARS(2)", lambda first, second: str(len(second))),
    ("CHAR(1,1,-)", lambda first, second: first[0]),
    ("CHAR(1,2,-)", lambda first, second: first[1]),
    ("CHAR(1,-1,-)", lambda first, second: first[-1]),
    ("CHAR(2,1,-)", lambda first, second: second[0]),
    ("CHAR(2,2,-)", lambda first, second: second[1]),
    ("CHAR(2,-1,-)", lambda first, second: second[-1]),
)


def _items(number: int) -> list[tuple[str, Callable[[str, str], str]]]:
    """Return the items of the code of one statement: a literal that no other has, and two functions."""
    literal = word(number, ALPHA)
    functions = (_ITEMS[number % len(_ITEMS)], _ITEMS[number // len(_ITEMS) % len(_ITEMS)])
    return [(literal, lambda first, second: literal), *functions]


def many_shapes(number: int) -> str:
    """Return ``number`` statements, no two of which have the same expression or the same items."""
    return "".join(
        f"ACCOUNT s{index:05} MATCHES {word(index, ALPHA)}-%{first}%-%{second}%.%code% "
        f"WITH {', '.join(text for text, _ in _items(index))};\n"
        for index, (first, second) in islice(zip(count(), cycle(_CLASSES)), number)
    )


def many_shapes_answers(number: int) -> Iterator[Answer]:
    """Yield different keys for ``many_shapes`` without end, half of them found."""
    for index in count():
        statement = index * 2371 % number
        letters = [ALPHA if name == "alpha" else ALNUM for name in _CLASSES[statement % len(_CLASSES)]]
        first, second = word(index, letters[0]), word(index * 7, letters[1])
        code = "".join(evaluate(first, second) for _, evaluate in _items(statement))
        key = f"{word(statement, ALPHA)}-{first}-{second}."
        yield key + code, f"s{statement:05}"
        yield key + code[:-1] + ("z" if code[-1] != "z" else "y"), ""


def many_classes(identifiers: int) -> str:
    """Return a statement for each choice of four classes for that many identifiers; most share their addresses."""
    return "".join(
        f"ACCOUNT n{number:05} MATCHES {'.'.join(f'%{name}%' for name in names)}.%code% WITH CHARS(1), u, CHARS(2);\n"
        for number, names in enumerate(product(("alpha", "number", "alnum", "ident"), repeat=identifiers))
    )


def many_codes(number: int) -> str:
    """Return up to 18,392 statements of one shape, no two of which have the same functions and arguments."""
    counts = ("CHARS", "VOWELS", "DIGITS", "ALPHAS")
    defaults = "abcdefghijklmnopqrstuvwxyz0123456789.-"
    statements = []
    for index in range(number):
        rest, first = divmod(index, 11)
        rest, last = divmod(rest, 11)
        rest, count = divmod(rest, len(counts))
        default = defaults[rest]
        items = f"CHAR({first + 1},{default}), {counts[count]}(), CHAR(-{last + 1},{default})"
        statements.append(f"ACCOUNT c{index:05} MATCHES {word(index, ALPHA)}.%ident%.%code% WITH {items};\n")
    return "".join(statements)
