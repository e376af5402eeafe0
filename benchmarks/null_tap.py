"""The null server as a service of twistd, which starts as the alias servers do."""

from __future__ import annotations

from twisted.application.internet import StreamServerEndpointService
from twisted.application.service import IService
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.python.usage import Options as UsageOptions

from benchmarks.reference_servers import null_server

PLUGIN = """\
from twisted.application.service import ServiceMaker

null = ServiceMaker("null", "benchmarks.null_tap", "Answers every line with 500 not found.", "benchmark-null")
"""
"""The text of the module that makes the service known to twistd, for ``twisted/plugins``."""


class Options(UsageOptions):
    """The options of ``twistd benchmark-null``."""

    optParameters = [["endpoint", "e", None, "Where to listen."]]


def makeService(options: Options) -> IService:
    """Make the server."""
    return StreamServerEndpointService(serverFromString(reactor, options["endpoint"]), null_server())
