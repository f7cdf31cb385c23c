# Builds the operator's image. docs/image.md explains what is in it, why, and how to pin the base by its digest.
ARG BASE=docker.io/library/python:3.13-slim-trixie

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build

# The dependencies come first, because they change less often than the operator. pip uses the settings in /etc/pip.conf
# if the builder provides any, and accepts only packages with a digest in uv.lock: this includes uv, which reads uv.lock
# for the rest, and the packages that build the wheel.
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
# The README would become the long description of the package, which nothing in the image reads.
RUN touch README.md \
    && python3 -m pip install --quiet --no-index --no-build-isolation --no-deps --no-compile \
       --root /build/root --prefix /usr/local .

COPY tools tools
ARG VERSION=0.1.0
RUN python3 -m tools.image /build/root "${VERSION}"

FROM scratch
COPY --from=build /build/root /
ARG VERSION=0.1.0
# Only the publisher of the image knows these: the commit, the time (RFC 3339) and the location of the sources.
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
# PYTHONSAFEPATH: no module is ever imported from the folder of a program, or from the current directory.
ENV PATH=/usr/local/bin \
    LANG=C.UTF-8 \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# As numbers, so that the kubelet can verify that it is not root (runAsNonRoot).
USER 10001:10001
WORKDIR /
# Metrics; health and readiness.
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
# No HEALTHCHECK: Kubernetes ignores it. The probes of the Deployment use /healthz and /readyz.
ENTRYPOINT ["appconfig-operator"]
CMD ["run", "--log-format=json"]
