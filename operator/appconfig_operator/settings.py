"""Settings of the operator, from flags and environment."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PREFIX = "APPCONFIG_OPERATOR_"

# Kubernetes puts these into every Pod of a namespace that has a Service called appconfig-operator, or so and more.
_SERVICE_LINK = re.compile(rf"{PREFIX}(.*_)?(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_.*)?)")
_ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_APPCONFIGDATA", "AWS_ENDPOINT_URL_STS")
_IGNORED = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
_CA_BUNDLE = "AWS_CA_BUNDLE"
_URL = re.compile(r"https?://[^/?#\s]+", re.IGNORECASE)
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class SettingsError(Exception):
    """A setting is wrong. The message says which, and what it may be."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the operator.

    Attributes
    ----------
    namespaces
        Namespaces to serve, empty for all.
    workers
        Quick polls at once.
    shards
        Parts that the sources are split into. Each is polled by one replica at a time.
    lease_namespace
        Where the Leases and the Secrets of the handover are, or `None`: the operator's own namespace.
    lease_duration
        Seconds. A replica that has not renewed its Leases for this long is considered dead.
    aws_quota_percent
        How much of AppConfig's default quotas is used at most, for each account and region.
    metrics_port, health_port
        TCP ports, 0 for none.
    policy_file
        Which namespaces may use what, or `None`: all may use all.
    log_format, log_level
        Format of the log, and its minimum level.
    """

    namespaces: tuple[str, ...] = ()
    workers: int = 10
    shards: int = 1
    lease_namespace: str | None = None
    lease_duration: int = 15
    aws_quota_percent: int = 80
    metrics_port: int = 8080
    health_port: int = 8081
    policy_file: Path | None = None
    log_format: str = "json"
    log_level: str = "info"

    def __post_init__(self) -> None:
        """Check what the command line cannot.

        Raises
        ------
        SettingsError
            When a namespace has no valid name, or the ports do not differ.
        """
        for namespace in self.namespaces:
            _check_namespace("--namespace", namespace)
        if self.lease_namespace is not None:
            _check_namespace("--lease-namespace", self.lease_namespace)
        if self.metrics_port and self.metrics_port == self.health_port:
            message = f"--metrics-port and --health-port are both {self.health_port}: they must differ"
            raise SettingsError(message)


def _check_namespace(flag: str, namespace: str) -> None:
    if not _NAMESPACE.fullmatch(namespace):
        message = f"{flag}: {namespace!r} is not the name of a namespace"
        raise SettingsError(message)


def check_variables(variables: Mapping[str, str], known: Sequence[str]) -> None:
    """Refuse environment variables that look like a setting and are not one: a typo must not go unnoticed.

    An empty one is refused, too: an empty list of namespaces would mean all of them.

    Parameters
    ----------
    variables
        The environment.
    known
        Names of the variables that set something.

    Raises
    ------
    SettingsError
        When there is one.
    """
    for name in sorted(variables):
        if name in known:
            if not variables[name].strip():
                message = f"environment variable {name} is empty: set a value, or remove it"
                raise SettingsError(message)
        elif name.startswith(PREFIX) and not _SERVICE_LINK.fullmatch(name):
            # Without the prefix, which they all share: with it everything looks alike.
            settings = [variable.removeprefix(PREFIX) for variable in known]
            close = difflib.get_close_matches(name.removeprefix(PREFIX), settings, n=1)
            hint = f"did you mean {PREFIX}{close[0]}?" if close else f"known variables are {', '.join(known)}"
            message = f"unknown environment variable {name}: {hint}"
            raise SettingsError(message)


def check_aws_variables(variables: Mapping[str, str]) -> None:
    """Refuse variables of the AWS SDK that cannot work. It would report them at each call, as a network failure.

    Raises
    ------
    SettingsError
        When there is one. Its text has no value that may hold a password.
    """
    for name in _ENDPOINTS if variables.get(_IGNORED, "").lower() != "true" else ():
        url = variables.get(name, "").lstrip(" ")
        if url and not _URL.match(url):
            message = (
                f"environment variable {name} is not a URL: it must begin with https:// or http://, and name a host"
            )
            raise SettingsError(message)
    bundle = variables.get(_CA_BUNDLE)
    if bundle and not (os.path.isfile(bundle) and os.access(bundle, os.R_OK)):  # noqa: PTH113 (it never raises)
        message = f"environment variable {_CA_BUNDLE}: the file {bundle} does not exist or cannot be read"
        raise SettingsError(message)
