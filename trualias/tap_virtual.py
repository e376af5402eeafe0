"""``twistd trualias-virtual``: the server that answers a whole address with the account's address."""

from trualias.server.early_sighup import hold_sighup

# Before all else is imported, which takes a while.
hold_sighup()

from trualias.server.gc_tuning import import_uncollected

with import_uncollected():
    from twisted.application.service import IService

    from trualias.configuration.tables import Table
    from trualias.tap import ServerOptions, make_service


class Options(ServerOptions):
    """The options of ``twistd trualias-virtual``."""

    kind = Table.VIRTUAL
    longdesc = (
        "Answers tcp_table(5) lookups of a whole address, of a domain in ALIAS DOMAINS, with the address that it is an "
        "alias of: for virtual_alias_maps of Postfix."
    )


def makeService(options: Options) -> IService:
    """Make the server; raise SystemExit with a message for the user if it cannot start."""
    return make_service(options)
