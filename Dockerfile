# Either server as a user without rights, on a root filesystem that nobody writes to:
#
#     docker build -t trualias .
#     docker run --read-only --cap-drop=ALL --security-opt=no-new-privileges --network=host \
#         --volume /etc/trualias:/etc/trualias:ro trualias
#
# It listens where the configuration says, on the loopback address unless ALLOW is there too: hence the host's network.
# --env KIND=table makes it the table server. Of the volume, everybody must be able to read the files.

FROM debian:12-slim AS build
# The newest that Debian 12 has: its fixes are wanted, and no older version stays to be had.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# The versions are those of the Debian package. Twisted's list of plugins is written here, since later nothing
# can be; plugins of the same second as the list would be newer to Twisted.
RUN python3 -m venv --without-pip /opt/trualias \
    && python3 -m venv /tools \
    && PIP_CONSTRAINT=/source/debian/constraints.txt /tools/bin/pip --python /opt/trualias/bin/python install --no-cache-dir . \
    && touch --date=2000-01-01Z /opt/trualias/lib/python3.11/site-packages/twisted/plugins/*.py \
    && /opt/trualias/bin/twistd --help >/dev/null

FROM debian:12-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/trualias /opt/trualias
COPY debian/tcp_table_server.conf debian/tcp_virtual_server.conf /etc/trualias/
ENV KIND=virtual PATH=/opt/trualias/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 65534:65534
WORKDIR /
# Healthy is what replies to a request over the line protocol, at the HOST and PORT of the configuration.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["python3", "-c", "import os, socket\nfrom trualias.configuration import read\nsettings = read(f'/etc/trualias/tcp_{os.environ[\"KIND\"]}_server.conf').settings\nwith socket.create_connection((settings.host, settings.port), 3) as client:\n    client.sendall(b'get healthcheck@invalid\\n')\n    assert client.recv(4)[:3] in (b'200', b'500')"]
# twistd becomes process 1, so that it is the one which SIGTERM and SIGHUP reach.
CMD ["sh", "-c", "exec twistd --nodaemon --pidfile= --logger trualias.observers.journal \"trualias-$KIND\" --config \"/etc/trualias/tcp_${KIND}_server.conf\""]
