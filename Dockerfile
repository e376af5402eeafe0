# One of the two servers as an unprivileged user, on a read-only root filesystem:
#
#     docker build -t trualias .
#     docker run --read-only --cap-drop=ALL --security-opt=no-new-privileges --network=host \
#         --volume /etc/trualias:/etc/trualias:ro --volume trualias:/var/lib/trualias trualias
#
# It listens at the endpoints of the configuration, which are on the loopback address unless ALLOW is set: hence the
# host's network. --env KIND=table selects the table server. The files of the volume must be readable for every user.

FROM debian:12-slim AS build
# The newest versions in Debian 12: they have the fixes, and Debian does not keep older ones.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# The versions are those of the Debian package. Twisted's plugin cache is written here, because the filesystem is
# read-only later. A plugin file of the same second would count as newer than the cache.
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
# The copy of the last good configuration, and the status.
RUN install -d -m 700 -o 65534 -g 65534 /var/lib/trualias
VOLUME /var/lib/trualias
USER 65534:65534
WORKDIR /
# A healthy server has written its status within 30 seconds, and listens.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["sh", "-c", "exec trualias status --state /var/lib/trualias \"$KIND\""]
# twistd becomes process 1, so that SIGTERM and SIGHUP reach it.
CMD ["sh", "-c", "exec twistd --nodaemon --pidfile= --logger trualias.observers.journal \"trualias-$KIND\" --config \"/etc/trualias/tcp_${KIND}_server.conf\" --state /var/lib/trualias"]
