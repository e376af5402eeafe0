"""The servers to compare with: ``python -m benchmarks.reference_servers NAME PORT``, on the loopback interface."""

from __future__ import annotations

import select
import socket
import sys
from typing import Any

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorCore, IReactorTCP
from twisted.internet.protocol import ServerFactory
from twisted.protocols.basic import LineReceiver

NOT_FOUND = b"500 not found\n"


class NullServer(LineReceiver):
    """Answers every line with ``500 not found``: the cost of Twisted and the socket."""

    delimiter = b"\n"

    def lineReceived(self, line: bytes) -> None:
        """Send the reply."""
        assert self.transport is not None
        self.transport.write(NOT_FOUND)


def null_server() -> ServerFactory[Any]:
    """Return a factory of null servers."""
    factory: ServerFactory[Any] = ServerFactory()
    factory.protocol = NullServer
    return factory


DUNNO = b"action=DUNNO\n\n"


class NullPolicyServer(LineReceiver):
    """Answers ``DUNNO`` at every empty line: the cost of Twisted and the socket for the policy protocol."""

    delimiter = b"\n\n"

    def lineReceived(self, line: bytes) -> None:
        """Send the reply to a request."""
        assert self.transport is not None
        self.transport.write(DUNNO)


def null_policy_server() -> ServerFactory[Any]:
    """Return a factory of null policy servers."""
    factory: ServerFactory[Any] = ServerFactory()
    factory.protocol = NullPolicyServer
    return factory


def twisted_postfix() -> ServerFactory[Any]:
    """Return Twisted's own server for Postfix, with the answers of the sample configuration in a dictionary."""
    # Imported here, they do not delay the start of the null server.
    from twisted.protocols.postfix import PostfixTCPMapDeferringDictServerFactory

    from benchmarks.policies import SAMPLE_KEYS

    answers = {key.encode(): account.encode() for key, account in SAMPLE_KEYS if account}
    factory: ServerFactory[Any] = PostfixTCPMapDeferringDictServerFactory(answers)
    return factory


def serve_without_twisted(port: int) -> None:
    """Serve with one read and one write a request, which is the least that Python can do; never return.

    It shows how many requests the load generator, whose own cost is the same, can make.
    """
    with socket.create_server(("127.0.0.1", port), backlog=200) as listening, select.epoll() as poller:
        poller.register(listening.fileno(), select.EPOLLIN)
        connected: dict[int, socket.socket] = {}
        while True:
            for number, _ in poller.poll():
                client = connected.get(number)
                if client is None:
                    client, _ = listening.accept()
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connected[client.fileno()] = client
                    poller.register(client.fileno(), select.EPOLLIN)
                elif client.recv(4096):
                    client.send(NOT_FOUND)
                else:
                    poller.unregister(number)
                    connected.pop(number).close()


def main(name: str, port: int) -> None:
    """Run a server until the process is stopped."""
    if name == "bare":
        serve_without_twisted(port)
    factory = {"null": null_server, "policy": null_policy_server, "postfix": twisted_postfix}[name]()
    IReactorTCP(reactor).listenTCP(port, factory, backlog=200, interface="127.0.0.1")
    IReactorCore(reactor).run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
