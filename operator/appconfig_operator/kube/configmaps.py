"""The ConfigMap of a source: read, decide, write with a precondition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appconfig_operator.core.errors import Reason, TransientError
from appconfig_operator.core.plan import FIELD_MANAGER, Create, Replace, WantedConfigMap, plan
from appconfig_operator.kube.errors import CONFLICT, NOT_FOUND, ApiError, UnreachableError, target_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appconfig_operator.kube.api import Api

ATTEMPTS = 5
"""Rounds of read and write before others who write the same ConfigMap are given time."""


@dataclass(frozen=True, slots=True)
class Written:
    """The ConfigMap as it is now.

    Attributes
    ----------
    resource_version
        Its `resourceVersion`.
    changed
        Whether this call wrote it.
    """

    resource_version: str
    changed: bool


class ConfigMaps:
    """ConfigMaps of the cluster."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def sync(self, wanted: WantedConfigMap, *, known: bool) -> Written:
        """Bring a ConfigMap to what is wanted, with no write when it is so already.

        Parameters
        ----------
        wanted
            The ConfigMap as the source wants it.
        known
            Whether it was written before. When not, the first write is tried without a read: the API server refuses it
            if a ConfigMap of that name exists, so that nothing foreign is overwritten, not even in a race.

        Raises
        ------
        SourceError
            `TargetNotOwned`, `TargetRejected` or `TargetUnavailable`.
        """
        what = f"ConfigMap {wanted.namespace}/{wanted.name}"
        try:
            observed = self._read(wanted) if known else None
            for _ in range(ATTEMPTS):
                action = plan(wanted, observed)
                if action is None:
                    return Written(_resource_version(observed or {}), changed=False)
                try:
                    return Written(_resource_version(self._write(wanted, action)), changed=True)
                except ApiError as error:
                    if not _overtaken(error, action):
                        raise
                observed = self._read(wanted)
        except (ApiError, UnreachableError) as error:
            raise target_error(error, what) from error
        raise TransientError(Reason.TARGET_UNAVAILABLE, f"{what} is changed by others faster than it can be written.")

    def _read(self, wanted: WantedConfigMap) -> dict[str, Any] | None:
        try:
            return self._api.call("GET", f"{_collection(wanted)}/{wanted.name}")
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def _write(self, wanted: WantedConfigMap, action: Create | Replace) -> dict[str, Any]:
        manager = {"fieldManager": FIELD_MANAGER}
        match action:
            case Create(body):
                return self._api.call("POST", _collection(wanted), query=manager, body=body)
            case Replace(body):
                return self._api.call("PUT", f"{_collection(wanted)}/{wanted.name}", query=manager, body=body)


def _overtaken(error: ApiError, action: Create | Replace) -> bool:
    """Tell whether somebody created, changed or deleted the ConfigMap since it was read."""
    return error.status == CONFLICT or (error.status == NOT_FOUND and isinstance(action, Replace))


def _collection(wanted: WantedConfigMap) -> str:
    return f"/api/v1/namespaces/{wanted.namespace}/configmaps"


def _resource_version(config_map: Mapping[str, Any]) -> str:
    return str(config_map["metadata"]["resourceVersion"])
