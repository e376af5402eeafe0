"""The two servers for twistd's plugin search: data alone, so that finding one imports neither."""

from twisted.application.service import ServiceMaker

trualias_table = ServiceMaker(
    "trualias-table",
    "trualias.tap_table",
    "Verifiable mail aliases: answers tcp_table(5) lookups of a local part with the account.",
    "trualias-table",
)

trualias_virtual = ServiceMaker(
    "trualias-virtual",
    "trualias.tap_virtual",
    "Verifiable mail aliases: answers tcp_table(5) lookups of a whole address, as virtual_alias_maps asks.",
    "trualias-virtual",
)
