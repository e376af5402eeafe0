"""The servers to compare with: ``python -m benchmarks.rivals NAME PORT``, on the loopback interface."""

from __future__ import annotations

import select
import socket
import sys
from typing import Any

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorCore, IReactorTCP
from twisted.internet.protocol import ServerFactory
from twisted.protocols.basic import LineReceiver
from twisted.protocols.postfix import PostfixTCPMapDeferringDictServerFactory

from benchmarks.policies import SAMPLE_KEYS

NOT_FOUND = b"500 not found\n"


class NullServer(LineReceiver):
    """Answers every line with ``500 not found`` and does nothing else: what Twisted and the socket cost."""

    delimiter = b"\n"

    def lineReceived(self, line: bytes) -> None:
        """Answer."""
        assert self.transport is not None
        self.transport.write(NOT_FOUND)


def null_servers() -> ServerFactory[Any]:
    """A factory of null servers."""
    factory: ServerFactory[Any] = ServerFactory()
    factory.protocol = NullServer
    return factory


def twisted_postfix() -> ServerFactory[Any]:
    """Twisted's own server for Postfix, with the answers of the sample configuration in a dictionary."""
    answers = {key.encode(): account.encode() for key, account in SAMPLE_KEYS if account}
    factory: ServerFactory[Any] = PostfixTCPMapDeferringDictServerFactory(answers)
    return factory


def bare_responder(port: int) -> None:
    """The least that Python can do for a request, without Twisted: one read and one write. Never returns.

    It shows how many requests the load generator can make, which costs as much itself.
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
    """Run one of them until the process is told to stop."""
    if name == "bare":
        bare_responder(port)
    factory = {"null": null_servers, "postfix": twisted_postfix}[name]()
    IReactorTCP(reactor).listenTCP(port, factory, backlog=200, interface="127.0.0.1")
    IReactorCore(reactor).run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
