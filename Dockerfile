# Makes the image of the operator. docs/image.md says what is in it, why, and how to pin the base by its digest.
ARG BASE=docker.io/library/python:3.13-slim-trixie

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build

# The dependencies first: they change less often than the operator. uv only reads uv.lock here. pip installs, with the
# settings in /etc/pip.conf if the builder gives it any, and takes nothing whose digest is not in uv.lock.
COPY pyproject.toml uv.lock ./
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca.pem,target=/run/secrets/ca.pem \
    python3 -m pip install --quiet --target /build/uv "uv$(sed -n 's/^required-version = "\(.*\)"/\1/p' pyproject.toml)" \
    && /build/uv/bin/uv export --quiet --frozen --no-dev --no-emit-project --output-file requirements.txt \
    && python3 -m pip install --quiet --require-hashes --no-deps --only-binary :all: --no-compile \
       --ignore-installed --root /build/root --prefix /usr/local --requirement requirements.txt

COPY README.md LICENSE ./
COPY operator operator
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca.pem,target=/run/secrets/ca.pem \
    python3 -m pip install --quiet --no-deps --no-compile --root /build/root --prefix /usr/local .

COPY tools tools
ARG VERSION=0.1.0
RUN python3 -m tools.image /build/root "${VERSION}"

FROM scratch
COPY --from=build /build/root /
ARG VERSION=0.1.0
# Whoever publishes the image knows these: the commit, the time (RFC 3339) and where the sources are.
ARG REVISION=""
ARG CREATED=""
ARG SOURCE=""
LABEL org.opencontainers.image.title="appconfig-operator" \
      org.opencontainers.image.description="Kubernetes operator that writes AWS AppConfig configuration into ConfigMaps" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
# PYTHONSAFEPATH: no module is ever taken from the folder that a program is in, or was started in.
ENV PATH=/usr/local/bin \
    LANG=C.UTF-8 \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# As numbers, so that the kubelet can see that it is not root (runAsNonRoot).
USER 10001:10001
WORKDIR /
# Metrics; health and readiness.
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
# No HEALTHCHECK: Kubernetes does not read it. The probes of the Deployment ask /healthz and /readyz.
ENTRYPOINT ["appconfig-operator"]
CMD ["run", "--log-format=json"]
