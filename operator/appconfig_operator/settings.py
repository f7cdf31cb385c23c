"""Settings of the operator, from flags and environment."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "APPCONFIG_OPERATOR_"

VARIABLES = (f"{PREFIX}NAMESPACE", f"{PREFIX}WORKERS", f"{PREFIX}LOG_FORMAT", f"{PREFIX}LOG_LEVEL")

# Kubernetes puts these into every Pod of a namespace that has a Service called appconfig-operator.
_SERVICE_LINK = re.compile(rf"{PREFIX}(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_.*)?)")
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
        Calls to AWS at once.
    """

    namespaces: tuple[str, ...] = ()
    workers: int = 10

    def __post_init__(self) -> None:
        """Check what the command line cannot.

        Raises
        ------
        SettingsError
            When a namespace has no valid name.
        """
        for namespace in self.namespaces:
            if not _NAMESPACE.fullmatch(namespace):
                message = f"--namespace: {namespace!r} is not the name of a namespace"
                raise SettingsError(message)


def check_variables(names: Iterable[str]) -> None:
    """Refuse environment variables that look like a setting and are none: a typing error must not pass in silence.

    Raises
    ------
    SettingsError
        When there is one.
    """
    for name in sorted(names):
        if name.startswith(PREFIX) and name not in VARIABLES and not _SERVICE_LINK.fullmatch(name):
            close = difflib.get_close_matches(name, VARIABLES, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(VARIABLES)}"
            message = f"unknown environment variable {name}: {hint}"
            raise SettingsError(message)
