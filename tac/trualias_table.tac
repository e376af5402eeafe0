"""The table server without its plugin: twistd --nodaemon --python tac/trualias_table.tac"""

from twisted.application.service import Application

from trualias.tap_table import Options, makeService

options = Options()
# As the options of twistd trualias-table:
# options["config"] = "/etc/trualias/trualias.conf"
# options["endpoints"].append("unix:/run/trualias.sock:mode=660")

application = Application("trualias-table")
makeService(options).setServiceParent(application)
