"""``twistd trualias-table``: the server that answers a local part with the account of that alias."""

from trualias.server.early_sighup import hold_sighup

# Before all else is imported, which takes a while.
hold_sighup()

from trualias.server.gc_tuning import import_uncollected

with import_uncollected():
    from twisted.application.service import IService

    from trualias.configuration.tables import Table
    from trualias.tap import ServerOptions, make_service


class Options(ServerOptions):
    """The options of ``twistd trualias-table``."""

    kind = Table.LOCAL_PART
    longdesc = (
        "Answers tcp_table(5) lookups of a local part with the account that it is an alias of: for postmap, Exim and "
        "scripts. (Postfix asks for whole addresses; its server is trualias-virtual.)"
    )


def makeService(options: Options) -> IService:
    """Make the server; raise SystemExit with a message for the user if it cannot start."""
    return make_service(options)
