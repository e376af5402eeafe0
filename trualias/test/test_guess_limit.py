"""The limit on guesses."""

from __future__ import annotations

from ipaddress import ip_network

from attrs import Factory, define
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import ConfigurationErrors, parse_configuration
from trualias.configuration.guess_limits import GuessLimits
from trualias.lookup import CurrentSnapshot, Snapshot
from trualias.lookup.alias_states import AliasRecord, AliasState, AliasStates
from trualias.lookup.known_aliases import KnownAliases
from trualias.lookup.recipients import Recipient, WrongCode
from trualias.monitoring.memory_counters import MemoryCounters
from trualias.protocols.clients import Clients
from trualias.protocols.guess_limit import GuessLimit, client_address, network_of
from trualias.protocols.policy_delegation import PolicyFactory, PolicyProtocol
from trualias.protocols.transactions import InterruptedTransactions, Outcome
from trualias.server.pending_guesses import MOST_EXAMPLES, PendingGuesses
from trualias.store.guesses import Guesses
from trualias.test.conversation import NarrowTransport
from trualias.test.lookups import Hooks

DUNNO = b"action=DUNNO\n\n"
TOO_MANY = b"action=450 4.7.1 Too many unknown addresses were tried from your network, try again later\n\n"
UNKNOWN = b"action=550 5.1.1 User unknown in virtual mailbox table\n\n"
CONFIGURATION = """
STORE: sqlite:memory.sqlite
LISTEN: policy tcp:3049:interface=127.0.0.1
ALIAS DOMAINS: example.com
GUESSES: 3 PER HOUR EXCEPT 192.0.2.0/24 2001:db8::/32
ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
"""
RIGHT, WRONG = "foo-macys-m5@example.com", "foo-macys-x9@example.com"


class LimitTests(SynchronousTestCase):
    """The counts by network."""

    def setUp(self) -> None:
        """Make a limit."""
        self.clock = Clock()
        self.limit = GuessLimit(self.clock.seconds, 4)

    def test_hour(self) -> None:
        """So many guesses are answered at once, and then as many an hour; those past the limit do not count."""
        limits = GuessLimits(4)

        def guess(number: int, network: str = "a") -> list[bool]:
            past = []
            for _ in range(number):
                past.append(self.limit.is_past(network, limits))
                self.limit.count(network, limits)
            return past

        self.assertEqual([False] * 4 + [True] * 20, guess(24))
        self.assertEqual([False], guess(1, "b"))
        self.clock.advance(900)
        self.assertEqual([False, True], guess(2))
        self.clock.advance(899)
        self.assertEqual([True], guess(1))
        self.clock.advance(7200)
        self.assertEqual([False] * 4 + [True], guess(5))

    def test_lowered(self) -> None:
        """A limit that became lower counts no more than so many guesses of the hour before."""
        for _ in range(1_000):
            self.limit.count("a", GuessLimits(1_000))
        past = []
        for _ in range(2):
            past.append(self.limit.is_past("a", GuessLimits(4)))
            self.clock.advance(900)
        self.assertEqual([True, False], past)

    def test_bounded(self) -> None:
        """Of too many networks, the one whose last guess is the longest ago is given up."""
        limits = GuessLimits(1)
        for network in "abcdae":
            self.clock.advance(1)
            self.limit.count(network, GuessLimits(9))
        self.assertEqual(4, len(self.limit))
        self.assertEqual(
            {"a": True, "b": False, "c": True, "d": True, "e": True},
            {network: self.limit.is_past(network, limits) for network in "abcde"},
        )

    def test_networks(self) -> None:
        """Clients of one /24 or /56 are one network; an IPv4-mapped address is the IPv4 one."""
        for address, network in (
            (b"198.51.100.7", "198.51.100.0/24"),
            (b"::ffff:198.51.100.9", "198.51.100.0/24"),
            (b"2001:db8:0:1ff::1", "2001:db8:0:100::/56"),
            (b"unknown", None),
            (b"", None),
            (b"198.51.100.7\xff", None),
            (b"1" * 10_000, None),
        ):
            found = client_address(address)
            self.assertEqual(network, None if found is None else network_of(found))


class SettingTests(SynchronousTestCase):
    """The setting."""

    def test_value(self) -> None:
        """A limit, and networks without one."""
        for value, expected in (
            ("20 PER HOUR", GuessLimits(20)),
            (
                "1 PER HOUR EXCEPT 192.0.2.0/24 2001:db8::/32",
                GuessLimits(1, (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))),
            ),
        ):
            text = CONFIGURATION.replace("3 PER HOUR EXCEPT 192.0.2.0/24 2001:db8::/32", value)
            settings = parse_configuration(text, "a.conf").settings
            self.assertEqual((expected, value), (settings.guesses, str(settings.guesses)))

    def test_invalid(self) -> None:
        """Anything else is an error, and so is a limit without a store or the policy service."""
        for old, new, message in (
            (
                "3 PER HOUR EXCEPT",
                "x PER HOUR EXCEPT",
                "GUESSES: 'x PER HOUR EXCEPT 192.0",
            ),
            ("EXCEPT 192.0.2.0/24 2001:db8::/32", "EXCEPT", "GUESSES: '3 PER HOUR EXCEPT' is no limit, such as 20 PER"),
            ("3 PER HOUR", "0 PER HOUR", "GUESSES: '0 PER HOUR"),
            ("3 PER HOUR", "3 PER DAY", "GUESSES: '3 PER DAY"),
            ("2001:db8::/32", "nowhere", "GUESSES: 'nowhere' is not a network"),
            ("STORE", "# STORE", "GUESSES spares the aliases that a STORE knows, and there is none"),
            ("STORE: ", "STORE: elsewhere:", "STORE: "),
            ("LISTEN: policy tcp:3049:interface=127.0.0.1", "LISTEN: policy", "LISTEN: policy where? Expected an "),
            ("LISTEN: policy", "LISTEN: polcy", "LISTEN: unknown protocol 'polcy'; expected "),
            ("127.0.0.1", "127.0.0.1 virtual", "LISTEN: policy takes no table after its endpoint: leave out 'virtual'"),
            ("LISTEN: policy", "LISTEN:\nLISTEN: socketmap", "LISTEN has no value"),
            ("policy", "socketmap", "GUESSES limits the policy service, and there is no LISTEN: policy ENDPOINT"),
        ):
            text = CONFIGURATION.replace(old, new)
            [error] = self.assertRaises(ConfigurationErrors, parse_configuration, text, "a.conf").errors
            self.assertTrue(error.message.startswith(message), error.message)


class PendingTests(SynchronousTestCase):
    """The guesses that wait for the store."""

    def test_sums(self) -> None:
        """Guesses are summed by account, network and day, with the last addresses."""
        pending = PendingGuesses()
        for number in range(20):
            pending.add("foo", "n", f"a{number}", 86_400 + number)
        pending.add("bar", "n", "b", 5)
        examples = tuple(f"a{number}" for number in range(20 - MOST_EXAMPLES, 20))
        taken = pending.take(1)
        self.assertEqual([Guesses("foo", "n", 1, 20, 86_419, examples)], taken)
        pending.put_back(taken)
        self.assertEqual([Guesses("bar", "n", 0, 1, 5, ("b",)), *taken], pending.take(9))
        self.assertEqual((0, 0), (len(pending), pending.dropped))

    def test_bounded(self) -> None:
        """What has no room is dropped and counted."""
        pending = PendingGuesses(2)
        for network in "abcab":
            pending.add("foo", network, "x", 1)
        self.assertEqual((2, 1), (len(pending), pending.dropped))
        pending.clear()
        self.assertEqual((0, 5), (len(pending), pending.dropped))


@define
class Collected:
    """A sink that keeps the guesses."""

    counters: MemoryCounters = Factory(MemoryCounters)
    interrupted: InterruptedTransactions = Factory(InterruptedTransactions)
    guesses: list[tuple[str, tuple[str, ...], str]] = Factory(list)

    def add(self, recipient: Recipient, sender: str, outcome: Outcome) -> None:
        """Ignore a delivery."""

    def add_guess(self, guess: WrongCode, network: str) -> None:
        """Keep a guess."""
        self.guesses.append((guess.address, guess.accounts, network))


class PolicyTests(SynchronousTestCase):
    """Conversations of guessers."""

    def setUp(self) -> None:
        """Connect a client."""
        self.connect()

    def connect(self, more: str = "", hooks: Hooks | None = None) -> None:
        """Connect a client of a service with more of a configuration, and hooks."""
        self.known = KnownAliases(["foo-known-k5@example.com"], is_complete=True)
        states = {
            "foo-gone-g4@example.com": AliasRecord(AliasState.REVOKED),
            "foo-kept@example.com": AliasRecord(kept_for="foo"),
        }
        for key in states:
            self.known.put(key, is_known=True)
        made = Snapshot(parse_configuration(CONFIGURATION + more, "a.conf"), hooks)
        made = made.with_states(AliasStates(states, self.known))
        self.sink = Collected()
        self.clock = Clock()
        factory = PolicyFactory(self.clock, CurrentSnapshot(made), self.clock.seconds, Clients(), self.sink)
        protocol = factory.buildProtocol(None)
        assert isinstance(protocol, PolicyProtocol)
        self.transport = NarrowTransport()
        self.protocol = protocol
        protocol.makeConnection(self.transport)

    def ask(self, recipient: str, client: str = "198.51.100.7", state: str = "RCPT", user: str = "") -> bytes:
        """Return the reply about a recipient."""
        self.protocol.dataReceived(
            f"request=smtpd_access_policy\nprotocol_state={state}\nclient_address={client}\nsender=a@b.test\n"
            f"recipient={recipient}\nrecipient_count=0\ninstance=1\nsasl_username={user}\n\n".encode()
        )
        return self.transport.empty()

    def guess(self, number: int = 3, **more: str) -> None:
        """Try wrong codes."""
        for index in range(number):
            self.assertEqual(DUNNO, self.ask(f"foo-macys-x{index}@example.com", **more))

    def test_no_oracle(self) -> None:
        """Past the limit, right and wrong codes get the same bytes; all else gets what it always does."""
        self.guess()
        for key in (RIGHT, WRONG, "foo-new-n3@example.com"):
            self.assertEqual(TOO_MANY, self.ask(key), key)
        for key, reply in (
            ("foo-known-k5@example.com", DUNNO),
            ("Foo-Known-K5@example.com", DUNNO),
            ("foo-gone-g4@example.com", UNKNOWN),
            ("foo-kept@example.com", DUNNO),
            ("foo@example.com", DUNNO),
            ("stranger@example.com", DUNNO),
            ("x@example.net", DUNNO),
        ):
            self.assertEqual(reply, self.ask(key), key)
        self.assertEqual(DUNNO, self.ask(RIGHT, client="203.0.113.9"))
        self.known.put(RIGHT, is_known=True)
        self.assertEqual(DUNNO, self.ask(RIGHT))
        self.assertEqual(3, self.sink.counters.slowed)
        self.clock.advance(1_200)
        self.assertEqual(DUNNO, self.ask("foo-new-n3@example.com"))

    def test_no_oracle_without_owner(self) -> None:
        """Past the limit, a right code gets the bytes of a wrong one though its mail would be of no account.

        It is right for several accounts, or ``postprocess`` refuses the account.
        """

        def postprocess(account: str, domain: str | None) -> tuple[str, str | None] | None:
            return None if account == "bar" else (account, domain)

        ambiguous = (
            "ACCOUNT ann MATCHES %ident%+%code% WITH CHAR(1,-);\nACCOUNT bob MATCHES %alpha%+%code% WITH CHAR(1,-);\n"
        )
        refused = "ACCOUNT bar MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();\n"
        for more, hooks, right, wrong in (
            (ambiguous, None, "macys+m@example.com", "macys+x@example.com"),
            ("DEBUG ACCOUNT: dbg\n" + ambiguous, None, "macys+m@example.com", "macys+x@example.com"),
            (refused, Hooks(postprocess=postprocess), "bar-macys-m5@example.com", "bar-macys-x9@example.com"),
        ):
            self.connect(more, hooks)
            self.assertEqual(DUNNO, self.ask(right))
            self.guess()
            for state in ("RCPT", "VRFY"):
                self.assertEqual([TOO_MANY, TOO_MANY], [self.ask(right, state=state), self.ask(wrong, state=state)])
            self.assertEqual(DUNNO, self.ask(right, client="192.0.2.9"))

    def test_counted(self) -> None:
        """Each wrong code counts with its account and network, by RCPT and by VRFY."""
        self.guess(1)
        self.guess(2, state="VRFY")
        self.assertEqual(TOO_MANY, self.ask(RIGHT, state="VRFY"))
        expected = [(f"foo-macys-x{number}@example.com", ("foo",), "198.51.100.0/24") for number in (0, 0, 1)]
        self.assertEqual(expected, self.sink.guesses)
        self.assertEqual(DUNNO, self.ask("", state="CONNECT"))

    def test_exempt(self) -> None:
        """Clients of exempt networks, those that have logged in, and those without an address are not counted."""
        for more in (
            {"client": "192.0.2.9"},
            {"client": "::ffff:192.0.2.9"},
            {"client": "2001:db8::1"},
            {"client": "unknown"},
            {"client": ""},
            {"user": "foo"},
        ):
            self.guess(9, **more)
            self.assertEqual(DUNNO, self.ask(RIGHT, **more))
        self.assertEqual([], self.sink.guesses)

    def test_not_read(self) -> None:
        """While the store was not read, nothing is counted: any alias may be a known one."""
        self.known.is_complete = False
        self.guess(9)
        self.assertEqual((DUNNO, []), (self.ask(RIGHT), self.sink.guesses))
