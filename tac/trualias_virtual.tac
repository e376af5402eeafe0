"""The virtual server without its plugin: twistd --nodaemon --python tac/trualias_virtual.tac"""

from twisted.application.service import Application

from trualias.tap_virtual import Options, makeService

options = Options()
# As the options of twistd trualias-virtual:
# options["config"] = "/etc/trualias/trualias.conf"
# options["endpoints"].append("unix:/run/trualias.sock:mode=660")

application = Application("trualias-virtual")
makeService(options).setServiceParent(application)
