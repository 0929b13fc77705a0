# syntax=docker/dockerfile:1
# Two stages: what builds stays behind; what runs holds Python, the locked packages and Lawgate.
# Everything that pip installs here is checked against the hashes in requirements/.

FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# The packages first: this layer changes only when a lock does.
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv /opt/lawgate \
    && /opt/lawgate/bin/pip install --no-cache-dir --require-hashes --only-binary=:all: -r requirements/runtime.txt \
    && python -m pip install --no-cache-dir --require-hashes --only-binary=:all: -r requirements/build.txt

# Then Lawgate, built by the backend just installed, without the network; pip itself does not ship.
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN python -m pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/lawgate/bin/pip install --no-cache-dir --no-index --no-deps --find-links /wheels lawgate \
    && /opt/lawgate/bin/python -m compileall -q /opt/lawgate/lib \
    && /opt/lawgate/bin/pip uninstall --yes pip

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="lawgate" \
      org.opencontainers.image.description="A gateway in front of AI inference endpoints that leaves GDPR evidence" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/lawgate/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

# Evidence and keys are two directories so that they can be two volumes, with two backups. A new volume
# takes its owner from here.
RUN groupadd --system --gid 10001 lawgate \
    && useradd --system --uid 10001 --gid lawgate --no-create-home --shell /usr/sbin/nologin lawgate \
    && install -d -o lawgate -g lawgate -m 0700 /var/lib/lawgate /var/lib/lawgate-keys \
    && install -d -o root -g root -m 0755 /etc/lawgate
COPY --from=build /opt/lawgate /opt/lawgate

USER 10001:10001
WORKDIR /var/lib/lawgate
VOLUME ["/var/lib/lawgate", "/var/lib/lawgate-keys"]
EXPOSE 8443 9443
STOPSIGNAL SIGTERM

# Alive, not ready: a full disk must not restart the gateway in a circle. With TLS on the control port
# give the container a health check of your own.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9443/livez', timeout=2)"]

ENTRYPOINT ["lawgate"]
CMD ["serve", "--config", "/etc/lawgate/lawgate.yaml"]
