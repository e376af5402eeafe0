"""The tables of a snapshot give the answers of naive ones."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration
from trualias.configuration.tables import Table
from trualias.language.name_list import Name
from trualias.language.tree import Account, Deliver, Refuse, Setting, Statement, unparse
from trualias.lookup import Ambiguous, Answer, Deferred, Found, NotFound, NotFoundReason, Snapshot
from trualias.lookup.alias_states import AliasRecord, AliasStates
from trualias.matching.policy import is_local_part
from trualias.test import trialprofile
from trualias.test.addresses import RANDOMS, local_part
from trualias.test.naive_tables import DEFERRED, NaiveTables
from trualias.test.strategies import at_domains, policies, tangles

trialprofile.load()

DOMAINS = ("example.com", "Example.ORG")
DEBUG_ACCOUNT = "debug"


def value(answer: Answer) -> str | None:
    """Return the value of an answer, None if the key is not found."""
    match answer:
        case Found(found) | Ambiguous(_, found):
            return found
        case NotFound():
            return None
        case Deferred():
            return DEFERRED
        case _:
            raise AssertionError(answer)


def addresses(random: Random, policy: tuple[Account, ...], case_sensitive: bool, number: int) -> list[str]:
    """Choose local parts, and addresses in the alias domains and in others, spelled in any case."""
    chosen = []
    for _ in range(number):
        text = local_part(random, policy, case_sensitive)
        text = random.choice([text, text, text.swapcase()])
        chosen.append(text + random.choice(["", "@example.com", "@EXAMPLE.com", "@example.org", "@example.net"]))
    return chosen


def refusal(random: Random, policy: tuple[Account, ...], keys: list[str]) -> Refuse | None:
    """Choose addresses to refuse among some keys; None if none of them can be refused."""
    mailboxes = {name.text.lower() for statement in policy for name in statement.accounts} | {DEBUG_ACCOUNT}
    refused = []
    for key in keys:
        text, _, domain = key.partition("@")
        text = random.choice([text, text.swapcase()])
        if (
            is_local_part(text)
            and text.lower() not in mailboxes
            and domain.lower() in ("", "example.com", "example.org")
            and random.random() < 0.4
        ):
            refused.append(Name(random.choice([text, f"{text}@{domain}" if domain else text])))
    return Refuse(tuple(refused)) if refused else None


def chosen_deliveries(random: Random, policy: tuple[Account, ...], case_sensitive: bool) -> list[Statement]:
    """Choose ``DELIVER`` statements for accounts, each once in a domain."""
    fold = str if case_sensitive else str.lower
    accounts = {fold(name.text): name for statement in policy for name in statement.accounts}
    accounts[fold(DEBUG_ACCOUNT)] = Name(DEBUG_ACCOUNT)
    statements: list[Statement] = []
    for account in accounts.values():
        held = {name.text.lower() for s in policy for name in s.domains if account in s.accounts}
        for domains in ((), ("EXAMPLE.com",), ("example.org", "example.com")):
            if random.random() < 0.4 and (not domains or {domain.lower() for domain in domains} <= held):
                targets = random.sample(["box", "%@box.example", "q@q.example", "r@example.com"], random.randint(1, 3))
                statements.append(Deliver(account, tuple(map(Name, domains)), tuple(map(Name, targets))))
                if domains:
                    break
    return statements


def kept_aliases(random: Random, policy: tuple[Account, ...], keys: list[str]) -> dict[str, str]:
    """Choose addresses among some keys, and mailboxes, that a store keeps for accounts."""
    accounts = [name.text for statement in policy for name in statement.accounts]
    kept = {}
    for key in [*keys, *accounts]:
        text, _, domain = key.partition("@")
        if is_local_part(text) and random.random() < 0.4:
            where = random.choice(["", domain.lower() or random.choice(["example.com", "example.org"])])
            kept[f"{text.lower()}@{where}"] = random.choice(accounts)
    return kept


class AgreementTests(SynchronousTestCase):
    """The tables answer as the reference says."""

    def test_tables(self) -> None:
        """Both tables agree with the naive ones for drawn statements and addresses."""
        seen: Counter[object] = Counter()

        @settings(max_examples=trialprofile.scaled(300))
        @given(at_domains(st.one_of(policies(), tangles()), DOMAINS), st.booleans(), st.booleans(), RANDOMS)
        def agree(policy: tuple[Account, ...], case_sensitive: bool, debug: bool, random: Random) -> None:
            keys = addresses(random, policy, case_sensitive, 12)
            statements: list[Statement] = list(policy)
            refused = refusal(random, policy, keys)
            if refused is not None:
                statements.append(refused)
            if debug:
                statements += chosen_deliveries(random, policy, case_sensitive)
            options = [
                Setting("ALIAS DOMAINS", " ".join(DOMAINS)),
                Setting("CASE SENSITIVE", "yes" if case_sensitive else "no"),
                *([Setting("DEBUG ACCOUNT", DEBUG_ACCOUNT)] if debug else []),
            ]
            text = "\n".join(map(unparse, [*options, *random.sample(statements, len(statements))]))
            kept = kept_aliases(random, policy, keys) if random.random() < 0.5 else {}
            states = AliasStates({key: AliasRecord(kept_for=account) for key, account in kept.items()})
            snapshot = Snapshot(parse_configuration(text, "drawn.conf")).with_states(states if kept else None)
            # The order of the file decides how an account is spelled.
            ordered = [rule.statement for rule in snapshot.configuration.policy.rules]
            domains = frozenset(map(str.lower, DOMAINS))
            naive = NaiveTables(
                [*ordered, *snapshot.configuration.refusals, *snapshot.configuration.deliveries],
                domains,
                case_sensitive,
                DEBUG_ACCOUNT if debug else None,
                kept,
            )
            for key in keys:
                for table, wanted in ((Table.LOCAL_PART, naive.local_part(key)), (Table.VIRTUAL, naive.virtual(key))):
                    answer = snapshot.tables[table](key)
                    self.assertEqual((text, kept, table, key, wanted), (text, kept, table, key, value(answer)))
                    seen["kept"] += isinstance(answer, Found) and answer.is_kept
                    seen["several targets"] += ", " in (wanted or "")
                    seen[answer.reason if isinstance(answer, NotFound) else type(answer)] += 1

        agree()
        for kind in (Found, NotFoundReason.REFUSED, NotFoundReason.WRONG_CODE, NotFoundReason.UNKNOWN_DOMAIN):
            self.assertGreater(seen[kind], trialprofile.least(40), seen)
        for what in ("several targets", "kept"):
            self.assertGreater(seen[what], trialprofile.least(40), seen)
        self.assertGreater(seen[Deferred], trialprofile.least(10), seen)
