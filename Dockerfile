# Makes the image of the operator. docs/image.md says what is in it, why, and how to pin the base by its digest.
ARG BASE=docker.io/library/python:3.13-slim-trixie

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build

# The dependencies first: they change less often than the operator. pip installs, with the settings in /etc/pip.conf if
# the builder gives it any, and takes nothing whose digest is not in uv.lock: not uv, which reads uv.lock for the rest,
# and not what builds the wheel.
COPY pyproject.toml uv.lock tools/image/locked.py ./
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca.pem,target=/run/secrets/ca.pem \
    python3 locked.py uv > uv.txt \
    && python3 -m pip install --quiet --require-hashes --no-deps --only-binary :all: --requirement uv.txt \
    && uv export --quiet --frozen --only-group build --output-file build.txt \
    && python3 -m pip install --quiet --require-hashes --no-deps --only-binary :all: --requirement build.txt \
    && uv export --quiet --frozen --no-dev --no-emit-project --output-file requirements.txt \
    && python3 -m pip install --quiet --require-hashes --no-deps --only-binary :all: --no-compile \
       --ignore-installed --root /build/root --prefix /usr/local --requirement requirements.txt

COPY LICENSE ./
COPY operator operator
# The README would be the long description of the package, which nothing reads in the image.
RUN touch README.md \
    && python3 -m pip install --quiet --no-index --no-build-isolation --no-deps --no-compile \
       --root /build/root --prefix /usr/local .

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
