"""Mixed traffic through a real Postfix, and the counts of the policy service against those of accepted messages."""

from __future__ import annotations

import random
import time
from collections import Counter
from smtplib import SMTP
from typing import ClassVar

from attrs import define, field, frozen

from trualias.protocols.envelope import envelope_sender, kept_address
from trualias.test.integration.test_postfix_deliveries import ALIAS, LOCKED, OTHER, CountingTestCase

ALIASES = (ALIAS, OTHER, "greyisthenewbeige.411@example.com", "pinky-macys-m5@example.com")
MAILBOX, UNKNOWN = "baz@example.com", "foo-macys-m6@example.com"
FRIEND, STRANGER = "orders@mail.shop.test", "offers@other.test"
SENDERS = (FRIEND, STRANGER, "Bounce-17-8@News.test", "a.b@xn--bcher-kva.example")

KINDS = (
    "one",
    "two",
    "duplicate in other case",
    "unknown among known",
    "RSET",
    "call-out",
    "connection lost in DATA",
    "refused by header_checks",
    "refused by a lock",
    "null sender",
    "plain",
)


@frozen
class Transaction:
    """A transaction: its sender, its recipients, and its end: a message, spam, RSET or the loss of the connection."""

    sender: str
    recipients: tuple[str, ...]
    end: str = "message"

    @classmethod
    def of(cls, kind: str, chance: random.Random) -> Transaction:
        """Return a transaction of a kind, with recipients and a sender by chance."""
        sender = chance.choice(SENDERS)
        one, two = chance.sample(ALIASES, 2)
        some = (one, two)[: chance.randrange(1, 3)]
        if kind == "two":
            return cls(sender, (one, two))
        if kind == "duplicate in other case":
            return cls(sender, (one, one.upper()))
        if kind == "unknown among known":
            return cls(sender, tuple(chance.sample((one, two, UNKNOWN), 3)))
        if kind == "RSET":
            return cls(sender, some, "RSET")
        if kind == "call-out":
            return cls("", (one,), "RSET")
        if kind == "connection lost in DATA":
            return cls(sender, some, "loss")
        if kind == "refused by header_checks":
            return cls(sender, some, "spam")
        if kind == "refused by a lock":
            return cls(STRANGER, tuple(chance.sample((LOCKED, *some), len(some) + 1)))
        if kind == "null sender":
            return cls("", (*some, LOCKED))
        if kind == "plain":
            return cls(FRIEND, chance.choice(((MAILBOX,), (MAILBOX, one), (LOCKED,))))
        return cls(sender, (one,))


@define
class Truth:
    """Mails by alias and sender: accepted, refused by the headers after END-OF-MESSAGE, and refused at RCPT."""

    accepted: Counter[tuple[str, str]] = field(factory=Counter)
    by_headers: Counter[tuple[str, str]] = field(factory=Counter)
    by_lock: Counter[tuple[str, str]] = field(factory=Counter)
    times: dict[str, list[float]] = field(factory=dict)
    """The times before and after each mail of an alias that was not refused at RCPT."""


def _by_alias(mails: Counter[tuple[str, str]]) -> Counter[str]:
    """Return the sums of the mails of all senders by alias."""
    sums: Counter[str] = Counter()
    for (alias, _), number in mails.items():
        sums[alias] += number
    return sums


class MixedTrafficTests(CountingTestCase):
    """Twenty transactions of each of eleven kinds, several in one session."""

    SETTINGS: ClassVar[dict[str, str]] = {
        "header_checks": "regexp:{ { /^Subject: spam/ REJECT } }",
        "smtpd_junk_command_limit": "1000",
        # Otherwise each recipient takes a second after some aborted transactions.
        "in_flow_delay": "0",
        "smtpd_error_sleep_time": "0",
    }

    def run_transaction(self, client: SMTP, transaction: Transaction, truth: Truth) -> bool:
        """Run a transaction, and note its outcome; return whether the session goes on."""
        begun = time.time()
        client.mail(transaction.sender)
        sender = kept_address(envelope_sender(transaction.sender.encode()))
        accepted = set()
        for recipient in transaction.recipients:
            code = client.rcpt(recipient)[0]
            is_kept_out = recipient == LOCKED and transaction.sender == STRANGER
            self.assertEqual(550 if is_kept_out or recipient == UNKNOWN else 250, code, transaction)
            if code == 250:
                accepted.add(recipient.lower())
            elif is_kept_out:
                truth.by_lock[LOCKED, sender] += 1
        if transaction.end == "RSET":
            self.assertEqual(250, client.rset()[0])
            return True
        if transaction.end == "loss":
            self.assertEqual(354, client.docmd("DATA")[0])
            client.send(b"Subject: lost\r\n\r\nhalf a mes")
            client.close()
            return False
        is_spam = transaction.end == "spam"
        subject = "spam" if is_spam else "mail"
        self.assertEqual(550 if is_spam else 250, client.data(f"Subject: {subject}\r\n\r\nA mail.\r\n")[0])
        for alias in accepted - {MAILBOX}:
            (truth.by_headers if is_spam else truth.accepted)[alias, sender] += 1
            truth.times.setdefault(alias, []).extend((begun, time.time()))
        return True

    def test_traffic(self) -> None:
        """Each count is that of accepted messages; only what header_checks refused after the end counts as well."""
        self.lock()
        truth = Truth()
        chance = random.Random(15)
        kinds = [kind for kind in KINDS for _ in range(20)]
        chance.shuffle(kinds)
        while kinds:
            with self.postfix.connect() as client:
                client.ehlo()
                for _ in range(chance.randrange(1, 8)):
                    if not kinds or not self.run_transaction(client, Transaction.of(kinds.pop(), chance), truth):
                        break
        self.server.stop()
        truth.by_lock[LOCKED, "sender@test.invalid"] = self.senders()[LOCKED, "sender@test.invalid"][1]
        self.assert_counts(truth)

    def assert_counts(self, truth: Truth) -> None:
        """Assert that the store has the numbers, the senders and the times."""
        counted = truth.accepted + truth.by_headers
        senders = {pair: (counted[pair], truth.by_lock[pair]) for pair in counted | truth.by_lock}
        self.assertEqual(senders, self.senders())
        entries = self.entries()
        accepted, refused = _by_alias(truth.accepted), _by_alias(truth.by_lock)
        self.assertEqual(refused, Counter({key: entry.refused for key, entry in entries.items() if entry.refused}))
        difference = Counter({key: entry.accepted - accepted[key] for key, entry in entries.items()})
        self.assertEqual(_by_alias(truth.by_headers), difference)
        self.assertEqual({*ALIASES, LOCKED}, set(entries))
        self.assertTrue(all(accepted.values()) and truth.by_headers and truth.by_lock, truth)
        for alias, times in truth.times.items():
            first, last = entries[alias].first_seen, entries[alias].last_seen
            assert first is not None and last is not None
            self.assertTrue(int(times[0]) <= first <= times[1], (alias, first, times[:2]))
            self.assertTrue(int(times[-2]) <= last <= times[-1], (alias, last, times[-2:]))


RELAYED, ELSEWHERE = "you@relay.test", "me@relay.test"


class LaterCheckTests(CountingTestCase):
    """Recipients that a check behind the policy service refuses."""

    LATER = f", check_recipient_access inline:{{ {{ {OTHER} = REJECT }} {{ {ELSEWHERE} = REJECT }} }}"
    SETTINGS: ClassVar[dict[str, str]] = {
        "relay_domains": "relay.test",
        "transport_maps": "inline:{ { relay.test = discard: } }",
    }

    def test_refused_later(self) -> None:
        """Mail for an alias that a later check refuses does not count; what is uncertain is as the documents say."""
        pinky = "pinky-macys-m5@example.com"
        transactions: tuple[tuple[tuple[str, ...], list[int], dict[str, tuple[int, int]]], ...] = (
            # Recipients, replies, and (accepted, refused) of all aliases afterwards.
            ((OTHER, RELAYED), [554, 250], {}),
            ((ALIAS, ELSEWHERE), [250, 554], {ALIAS: (1, 0)}),
            ((ELSEWHERE, RELAYED), [554, 250], {ALIAS: (1, 0)}),
            ((OTHER, ALIAS), [554, 250], {ALIAS: (2, 0)}),
            ((ALIAS, pinky, OTHER), [250, 250, 554], {ALIAS: (2, 0), pinky: (0, 0), OTHER: (0, 0)}),
            # As many were accepted as there are aliases, and Postfix does not say which.
            ((ALIAS, OTHER, RELAYED), [250, 554, 250], {ALIAS: (3, 0), pinky: (0, 0), OTHER: (1, 0)}),
        )
        for recipients, codes, counts in transactions:
            with self.postfix.connect() as client:
                client.ehlo()
                client.mail("shop@shop.test")
                self.assertEqual(codes, [client.rcpt(recipient)[0] for recipient in recipients])
                self.assertEqual(250, client.data("Subject: mail\r\n\r\nA mail.\r\n")[0])
            self.server.stop()
            entries = self.entries()
            self.assertEqual(counts, {key: (entry.accepted, entry.refused) for key, entry in entries.items()})
            self.server.start()
