"""The policies that ``trualias init`` offers, and the configurations that it writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from textwrap import fill

from attrs import frozen

from trualias.analysis.composition import ComposedAddress, compose, targets_named
from trualias.configuration import parse_configuration
from trualias.configuration.tables import Table
from trualias.language.fields import fits
from trualias.language.tree import FieldClass
from trualias.lookup import Found, Snapshot
from trualias.messages import quoted


@frozen
class OfferedPolicy:
    """A policy that can be chosen by its name.

    ``rule`` explains the code for the address of ``words``; ``strength`` has the figures of ``trualias strength``.
    ``is_anonymous``: the addresses do not contain the account, so that there can be just one.
    """

    name: str
    expression: str
    items: str
    words: tuple[str, ...]
    others: tuple[str, ...]
    rule: str
    strength: str
    is_anonymous: bool = False


POLICIES = (
    OfferedPolicy(
        "first",
        "%account%.%alnum%.%code%",
        "CHAR(1,-), CHARS()",
        ("macys",),
        ("bestbuy",),
        "the first character of the word, and how many it has: m, 5",
        "1 of 358 blind guesses gets through; the best constant code for 1.3 % of names; "
        "3 leaked addresses show 9 codes in 10",
    ),
    OfferedPolicy(
        "third",
        "%account%.%alnum%.%code%",
        "CHAR(3,x), CHARS()",
        ("macys",),
        ("bestbuy",),
        "the third character of the word (x if it has none), and how many it has: c, 5",
        "1 of 357 blind guesses gets through; the best constant code for 1.4 % of names; "
        "8 leaked addresses show 9 codes in 10",
    ),
    OfferedPolicy(
        "three",
        "%account%.%alnum%.%code%",
        "CHAR(-1,x), CHARS(), CHAR(3,x)",
        ("macys",),
        ("bestbuy",),
        "the last character of the word, how many it has, and the third (x if it has none): s, 5, c",
        "1 of 9425 blind guesses gets through; the best constant code for 0.49 % of names; "
        "8 leaked addresses show 9 codes in 10",
    ),
    OfferedPolicy(
        "hidden",
        "%alnum%.%code%",
        "CHAR(-1,x), CHARS(), CHAR(3,x)",
        ("macys",),
        ("bestbuy",),
        "as three, and the address does not show the account, of which there can be only one",
        "1 of 9425 blind guesses gets through; the best constant code for 0.49 % of names; "
        "8 leaked addresses show 9 codes in 10",
        is_anonymous=True,
    ),
    OfferedPolicy(
        "sentence",
        "%account%.%alpha%is%alpha%.%code%",
        "CHARS(1), CHARS(2)",
        ("sam", "happy"),
        ("grey", "lovely"),
        "something is something; how many letters the first word has, and the second: 3, 5",
        "about 1 of 185 blind guesses gets through; the best constant code for about 2.2 % of names; "
        "5 leaked addresses show 9 codes in 10",
    ),
)
"""The offered policies, in order; the chapter about inventing a policy has the reasons."""

DEFAULT_POLICY = "third"


_NAME = re.compile(r"[A-Za-z0-9_.-]+")
"""Names that need no thought about the characters of the policy language; USING mailbox allows more."""

_LONGEST_NAME = 40
"""Characters of an account, which leave enough of the 64 of a local part to the words and the code of each policy."""


def account_problem(name: str) -> str:
    """Describe why a name cannot be an account of an offered policy; return an empty text if it can."""
    if len(name) > _LONGEST_NAME:
        return f"{quoted(name)} is too long for an account here; expected at most {_LONGEST_NAME} characters"
    if _NAME.fullmatch(name) and fits(FieldClass.MAILBOX, name):
        return ""
    return f"{quoted(name)} cannot be an account here; expected letters, digits, '_', '-', and single dots between them"


def combination_problem(policy: OfferedPolicy, accounts: Sequence[str]) -> str:
    """Describe why a policy is not one for so many accounts; return an empty text if it is."""
    if policy.is_anonymous and len(accounts) > 1:
        return f"the policy {policy.name} is for one account, since its addresses do not show whose they are"
    return ""


def example_address(policy: OfferedPolicy, account: str, domain: str | None) -> str:
    """Return the address of the policy's example words."""
    snapshot = Snapshot(parse_configuration("\n".join(_settings_and_policy(domain, [account], policy)), "example"))
    return _compose(snapshot, account, policy.words).local_part + (f"@{domain}" if domain else "")


def make_configuration(domain: str | None, accounts: Sequence[str], policy: OfferedPolicy, path: str) -> str:
    """Return the text of a configuration; without a domain it is one for the table server.

    It has an ``EXPECT`` statement for an address of each account, and one for addresses that must not be found.
    """
    text = "\n".join(_settings_and_policy(domain, accounts, policy))
    snapshot = Snapshot(parse_configuration(text, path))
    suffix = f"@{domain}" if domain else ""
    expectations = []
    refused = []
    for account in accounts:
        right = _compose(snapshot, account, policy.words)
        other = _compose(snapshot, account, policy.others)
        parts = list(right.parts)
        parts[right.code_index] = other.parts[other.code_index]
        expectations.append(f"EXPECT {right.local_part}{suffix} {account};")
        refused += ["".join(parts) + suffix, account + suffix]
    closing = [
        "# The answers that this file must give, checked each time it is loaded. Add addresses as you give them out.",
        *expectations,
        f"EXPECT {', '.join(refused)} NOTHING;",
        "",
        "# The file is complete. Only blank lines and comments may follow.",
        "END",
        "",
    ]
    return text + "\n".join(closing)


def _compose(snapshot: Snapshot, account: str, words: Sequence[str]) -> ComposedAddress:
    policy = snapshot.configuration.policy
    for target in targets_named(policy, account):
        composed = compose(policy, target, words)
        if isinstance(composed, ComposedAddress) and isinstance(composed.outcome, Found):
            return composed
    raise AssertionError(f"no address of {account}")


def _settings_and_policy(domain: str | None, accounts: Sequence[str], policy: OfferedPolicy) -> Iterator[str]:
    table = Table.VIRTUAL if domain else Table.LOCAL_PART
    port = 3048 if table is Table.VIRTUAL else 3047
    yield f"# Configuration of twistd trualias-{table.value}, which trualias serve runs. The manual page"
    yield "# trualias.conf(5) describes all settings and the policy language. A saved change takes effect within"
    yield "# three seconds."
    yield ""
    if domain:
        yield f"ALIAS DOMAINS: {domain}"
    yield "HOST: 127.0.0.1"
    yield f"PORT: {port}"
    yield "# Mail servers look up in lower case at times, and at times as the sender wrote the address."
    yield "CASE SENSITIVE: no"
    yield "LOGGING: info"
    yield ""
    yield from fill(f"The code: {policy.rule}.", 96, initial_indent="# ", subsequent_indent="# ").split("\n")
    plain = [name for name in accounts if fits(FieldClass.IDENT, name)]
    dotted = [name for name in accounts if name not in plain]
    for names, using in ((plain, ""), (dotted, " USING mailbox")):
        if names:
            yield f"ACCOUNT {', '.join(names)}{using}"
            yield f"MATCHES {policy.expression}"
            yield f"WITH {policy.items};"
            yield ""
    yield ""
