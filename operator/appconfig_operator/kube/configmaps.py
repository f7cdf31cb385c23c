"""The ConfigMap of a source: read, decide, write with a precondition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.core.drift import source_uid
from appconfig_operator.core.errors import AwaitedError, Reason, TransientError
from appconfig_operator.core.history import replaced_version
from appconfig_operator.core.managed import FIELD_MANAGER, merge_manager
from appconfig_operator.core.merge import plan_merge
from appconfig_operator.core.plan import Create, Replace, WantedConfigMap, plan
from appconfig_operator.core.release import Delete, Withdraw, become_shared, release
from appconfig_operator.kube.api import APPLY_PATCH
from appconfig_operator.kube.errors import CONFLICT, INVALID, NOT_FOUND, ApiError, UnreachableError, target_error
from appconfig_operator.kube.words import said_of_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.version import Version
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
    created
        Whether there was none of that name before.
    """

    resource_version: str
    changed: bool
    created: bool = False


class ConfigMaps:
    """ConfigMaps of the cluster."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def sync(
        self, wanted: WantedConfigMap, *, known: bool, keep: Callable[[Version], None] = lambda _: None
    ) -> Written:
        """Bring a ConfigMap to what is wanted, with no write when it is so already.

        Parameters
        ----------
        wanted
            The ConfigMap as the source wants it.
        known
            Whether it was written before. When not, the first write is tried without a read: the API server refuses it
            if a ConfigMap of that name exists, so that nothing foreign is overwritten, not even in a race.
        keep
            Called with the version that is about to be replaced by another.

        Raises
        ------
        SourceError
            `TargetNotOwned`, `TargetMissing`, `TargetConflict`, `TargetRejected` or `TargetUnavailable`.
        """
        try:
            if wanted.policy is CreationPolicy.MERGE:
                return self._merge(wanted)
            return self._sync(wanted, known=known, keep=keep)
        except (ApiError, UnreachableError) as error:
            raise target_error(error, str(wanted)) from error

    def _sync(self, wanted: WantedConfigMap, *, known: bool, keep: Callable[[Version], None]) -> Written:
        observed = self._read(wanted.namespace, wanted.name) if known else None
        for _ in range(ATTEMPTS):
            action = plan(wanted, observed)
            if action is None:
                return Written(_resource_version(observed or {}), changed=False)
            if observed is not None:
                replaced = replaced_version(observed)
                if replaced is not None and replaced.data.digest != wanted.data.digest:
                    keep(replaced)
            try:
                written = self._write(wanted, action)
                return Written(_resource_version(written), changed=True, created=isinstance(action, Create))
            except ApiError as error:
                if not _overtaken(error, action):
                    raise
            observed = self._read(wanted.namespace, wanted.name)
        raise _too_busy(wanted)

    def _merge(self, wanted: WantedConfigMap) -> Written:
        for _ in range(ATTEMPTS):
            observed = self._read(wanted.namespace, wanted.name)
            body = plan_merge(wanted, observed)
            if body is None:
                return Written(_resource_version(observed or {}), changed=False)
            try:
                shared = become_shared(wanted, observed or {})
                if shared is not None:
                    self._write(wanted, shared)
                return Written(_resource_version(self._apply(wanted.owner_uid, body)), changed=True)
            except ApiError as error:
                _check_conflict(wanted, error)
                # Somebody deleted it, or made another, since it was read.
                if error.status not in {CONFLICT, INVALID} or not error.other_uid:
                    raise
        raise _too_busy(wanted)

    def holds(self, source: Source, name: str, digest: str) -> bool:
        """Tell whether a ConfigMap holds that version, and carries the mark of the source.

        Raises
        ------
        SourceError
            When the API server does not say.
        """
        observed = self._look(source, name)
        if observed is None or source_uid(observed["metadata"]) != source.uid:
            return False
        version = replaced_version(observed)
        return version is not None and version.data.digest == digest

    def current(self, source: Source, name: str) -> Version | None:
        """Return the version that the ConfigMap of a source holds, or `None` when it holds none of the operator's.

        Raises
        ------
        SourceError
            When the API server does not say.
        """
        observed = self._look(source, name)
        return replaced_version(observed) if observed is not None else None

    def release(self, source: Source, name: str) -> None:
        """Let go of a ConfigMap that a source wrote before and wants no more, as far as it is the source's.

        Raises
        ------
        SourceError
            When that could not be done; it is to be tried again.
        """
        try:
            observed = self._read(source.namespace, name)
            match release(source, observed) if observed is not None else None:
                case Delete(body):
                    self._api.call("DELETE", f"{_collection(source.namespace)}/{name}", body=body)
                case Withdraw(body):
                    self._apply(source.uid, body)
        except ApiError as error:
            # Gone, or changed since it was read: then the next look decides.
            if error.status == NOT_FOUND:
                return
            raise target_error(error, f"ConfigMap {source.namespace}/{name}") from error
        except UnreachableError as error:
            raise target_error(error, f"ConfigMap {source.namespace}/{name}") from error

    def _look(self, source: Source, name: str) -> dict[str, Any] | None:
        try:
            return self._read(source.namespace, name)
        except (ApiError, UnreachableError) as error:
            raise target_error(error, f"ConfigMap {source.namespace}/{name}") from error

    def _read(self, namespace: str, name: str) -> dict[str, Any] | None:
        try:
            return self._api.call("GET", f"{_collection(namespace)}/{name}")
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def _write(self, wanted: WantedConfigMap, action: Create | Replace) -> dict[str, Any]:
        manager = {"fieldManager": FIELD_MANAGER}
        collection = _collection(wanted.namespace)
        match action:
            case Create(body):
                return self._api.call("POST", collection, query=manager, body=body)
            case Replace(body):
                return self._api.call("PUT", f"{collection}/{wanted.name}", query=manager, body=body)

    def _apply(self, uid: str, body: Mapping[str, Any]) -> dict[str, Any]:
        metadata = body["metadata"]
        return self._api.call(
            "PATCH",
            f"{_collection(metadata['namespace'])}/{metadata['name']}",
            query={"fieldManager": merge_manager(uid)},
            body=body,
            content_type=APPLY_PATCH,
        )


def _check_conflict(wanted: WantedConfigMap, error: ApiError) -> None:
    conflicts = [cause for cause in error.details if cause.get("reason") == "FieldManagerConflict"]
    if conflicts:
        what = said_of_fields(conflicts)
        raise AwaitedError(
            Reason.TARGET_CONFLICT,
            f"{wanted} has keys that another field manager holds ({what}). Use another key, or have it given up there.",
        ) from error


def _too_busy(wanted: WantedConfigMap) -> TransientError:
    return TransientError(Reason.TARGET_UNAVAILABLE, f"{wanted} is changed by others faster than it can be written.")


def _overtaken(error: ApiError, action: Create | Replace) -> bool:
    """Tell whether somebody created, changed or deleted the ConfigMap since it was read."""
    return error.status == CONFLICT or (error.status == NOT_FOUND and isinstance(action, Replace))


def _collection(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


def _resource_version(config_map: Mapping[str, Any]) -> str:
    return str(config_map["metadata"]["resourceVersion"])
