"""The ConfigMap of a source: read, plan, and write unless someone else has changed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appconfig_operator.api.labels import FIELD_MANAGER
from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.core.errors import BlockedError, OvertakenError, Reason
from appconfig_operator.core.target import references
from appconfig_operator.core.target.drift import source_uid
from appconfig_operator.core.target.history import replaced_version
from appconfig_operator.core.target.managed_fields import merge_manager, uid_manager
from appconfig_operator.core.target.merge import Apply, empty_apply, plan_merge
from appconfig_operator.core.target.plan import Create, Replace, WantedConfigMap, belongs_to
from appconfig_operator.core.target.planned_write import PlannedWrite, WriteResult, planned_write
from appconfig_operator.core.target.release import (
    Delete,
    SetOwners,
    Withdraw,
    become_shared,
    release,
    start_waiting,
    stop_waiting,
)
from appconfig_operator.kube.api import APPLY_PATCH, MERGE_PATCH
from appconfig_operator.kube.errors import CONFLICT, INVALID, NOT_FOUND, ApiError, target_errors
from appconfig_operator.kube.other_sources import OtherSources
from appconfig_operator.kube.paths import resource_path
from appconfig_operator.kube.safe_messages import describe_causes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.target.rendered_version import RenderedVersion
    from appconfig_operator.kube.api import Api

ATTEMPTS = 5
"""Rounds of read and write before others who write the same ConfigMap are given time."""


class ConfigMaps:
    """ConfigMaps of the cluster."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._others = OtherSources(api)

    def plan(self, wanted: WantedConfigMap, *, known: bool) -> PlannedWrite:
        """Read a ConfigMap under `Owner` or `Orphan`, and decide what to write.

        A source that cannot have it waits for it from now on, as one of its owners.

        Parameters
        ----------
        wanted
            The ConfigMap as the source wants it.
        known
            Whether it was written before. When not, it is created without a read: the API server refuses that if a
            ConfigMap of that name exists, so that nothing foreign is overwritten, not even in a race.

        Raises
        ------
        OvertakenError
            When someone else was faster.
        SourceError
            `TargetNotOwned`, `TargetRejected` or `TargetUnavailable`.
        """
        with target_errors(str(wanted)):
            observed = self._read(wanted.namespace, wanted.name) if known else None
            if known and observed is None and (writer := self._others.last_writer(wanted)) is not None:
                raise belongs_to(wanted, writer.name)
            held = observed is not None and self._others.is_held(wanted, observed)
            try:
                return planned_write(wanted, observed, held=held)
            except BlockedError:
                if observed is not None and not self._set_owners(wanted, start_waiting(wanted, observed)):
                    raise _overtaken(wanted) from None
                raise

    def write(self, planned: PlannedWrite) -> WriteResult:
        """Carry out a plan. When nothing differs, there is no call.

        Raises
        ------
        OvertakenError
            When someone created, changed or deleted the ConfigMap since it was read.
        SourceError
            `TargetRejected` or `TargetUnavailable`.
        """
        wanted, action = planned.wanted, planned.action
        if action is None:
            return WriteResult(planned.resource_version, changed=False)
        with target_errors(str(wanted)):
            try:
                written = self._write(wanted, action)
            except ApiError as error:
                if error.status == CONFLICT or (error.status == NOT_FOUND and isinstance(action, Replace)):
                    raise _overtaken(wanted) from error
                raise
        return WriteResult(_resource_version(written), changed=True, created=isinstance(action, Create))

    def merge(self, wanted: WantedConfigMap) -> WriteResult:
        """Bring the keys of a source to what is wanted, under `Merge`.

        Raises
        ------
        SourceError
            `TargetMissing`, `TargetConflict`, `TargetRejected` or `TargetUnavailable`.
        """
        with target_errors(str(wanted)):
            return self._merge(wanted)

    def _set_owners(self, wanted: WantedConfigMap, action: Delete | SetOwners | None) -> bool:
        """Change the owners of a ConfigMap, and return whether it was still the one that was read."""
        try:
            self._carry_out(wanted.namespace, wanted.name, action)
        except ApiError as error:
            # When this is refused for good, the source waits all the same; there will only be a gap.
            return error.status not in {CONFLICT, NOT_FOUND}
        return True

    def _merge(self, wanted: WantedConfigMap) -> WriteResult:
        refused: BlockedError | None = None
        for attempt in range(ATTEMPTS):
            observed = self._read(wanted.namespace, wanted.name)
            held = observed is not None and self._others.is_held(wanted, observed)
            waited = stop_waiting(wanted.owner_uid, observed, held=held) if observed is not None else None
            if waited is not None and attempt == 0:
                self._set_owners(wanted, waited)  # its policy has changed since
                continue
            try:
                shared = become_shared(wanted, observed) if observed is not None else None
                if shared is not None:
                    observed = self._write(wanted, shared)
                rivals = self._others.rivals(wanted, observed) if observed is not None else {}
                action = plan_merge(wanted, observed, rivals, held=held)
                if action is None:
                    return WriteResult(_resource_version(observed or {}), changed=shared is not None)
                return WriteResult(self._apply_merge(wanted, action, observed or {}), changed=True)
            except ApiError as error:
                refused = _conflict(wanted, error)
                # Since it was read, someone deleted it, created another or took a key.
                if error.status != CONFLICT and not (error.status == INVALID and error.other_uid):
                    raise
        raise refused or _overtaken(wanted)

    def _apply_merge(self, wanted: WantedConfigMap, action: Apply, observed: Mapping[str, Any]) -> str:
        written = self._apply(merge_manager(wanted.owner_name), action.body, force=action.force)
        if action.legacy:
            # Afterwards, so that no key is ever without one of the two managers.
            written = self._apply(uid_manager(wanted.owner_uid), empty_apply(observed))
        return _resource_version(written)

    def holds(self, source: Source, name: str, data_digest: str) -> bool:
        """Return whether a ConfigMap holds that version and has the label of the source.

        Raises
        ------
        SourceError
            When the API server does not say.
        """
        observed = self._look(source, name)
        if observed is None or source_uid(observed["metadata"]) != source.uid:
            return False
        owner = source.spec.target.creation_policy is CreationPolicy.OWNER
        if owner and not references.controls(observed["metadata"], source.uid):
            return False
        version = replaced_version(observed)
        return version is not None and version.data.data_digest == data_digest

    def current(self, source: Source, name: str) -> RenderedVersion | None:
        """Return the version that the ConfigMap of a source holds, or `None` when its data is not the operator's.

        Raises
        ------
        SourceError
            When the API server does not say.
        """
        observed = self._look(source, name)
        return replaced_version(observed) if observed is not None else None

    def release(self, source: Source, name: str) -> None:
        """Release a ConfigMap that a source wrote before and no longer asks for, as far as it is the source's.

        Raises
        ------
        SourceError
            When that failed; try again.
        """
        with target_errors(f"ConfigMap {source.namespace}/{name}"):
            self._release(source, name)

    def _release(self, source: Source, name: str) -> None:
        for attempt in range(ATTEMPTS):
            observed = self._read(source.namespace, name)
            if observed is None:
                return
            queue, held = self._others.waiting(source, observed), self._others.is_held_by_another(source, observed)
            action = release(source, observed, queue=queue, held=held)
            try:
                self._carry_out(source.namespace, name, action)
            except ApiError as error:
                # Someone changed it since it was read: another source may wait for it now. Or it is gone.
                if error.status not in {CONFLICT, NOT_FOUND} or attempt == ATTEMPTS - 1:
                    raise
            else:
                return

    def _carry_out(self, namespace: str, name: str, action: Delete | SetOwners | Withdraw | None) -> None:
        path = _path(namespace, name)
        match action:
            case Delete(body):
                self._api.call("DELETE", path, body=body)
            case SetOwners(body):
                query = {"fieldManager": FIELD_MANAGER}
                self._api.call("PATCH", path, query=query, body=body, content_type=MERGE_PATCH)
            case Withdraw(body, managers):
                for manager in managers:
                    self._apply(manager, body)

    def _look(self, source: Source, name: str) -> dict[str, Any] | None:
        with target_errors(f"ConfigMap {source.namespace}/{name}"):
            return self._read(source.namespace, name)

    def _read(self, namespace: str, name: str) -> dict[str, Any] | None:
        try:
            return self._api.call("GET", _path(namespace, name))
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def _write(self, wanted: WantedConfigMap, action: Create | Replace) -> dict[str, Any]:
        manager = {"fieldManager": FIELD_MANAGER}
        match action:
            case Create(body):
                return self._api.call("POST", _path(wanted.namespace), query=manager, body=body)
            case Replace(body):
                return self._api.call("PUT", _path(wanted.namespace, wanted.name), query=manager, body=body)

    def _apply(self, manager: str, body: Mapping[str, Any], *, force: bool = False) -> dict[str, Any]:
        metadata = body["metadata"]
        return self._api.call(
            "PATCH",
            _path(metadata["namespace"], metadata["name"]),
            query={"fieldManager": manager} | ({"force": "true"} if force else {}),
            body=body,
            content_type=APPLY_PATCH,
        )


def _conflict(wanted: WantedConfigMap, error: ApiError) -> BlockedError | None:
    conflicts = [cause for cause in error.details if cause.get("reason") == "FieldManagerConflict"]
    if not conflicts:
        return None
    return BlockedError(
        Reason.TARGET_CONFLICT,
        f"{wanted} has keys that another field manager holds ({describe_causes(conflicts)}). Use a different "
        "spec.target.key, or remove that manager's ownership of it.",
    )


def _overtaken(wanted: WantedConfigMap) -> OvertakenError:
    return OvertakenError(Reason.TARGET_UNAVAILABLE, f"{wanted} is changed by others faster than it can be written.")


def _path(namespace: str, *name: str) -> str:
    return resource_path("configmaps", namespace, *name)


def _resource_version(config_map: Mapping[str, Any]) -> str:
    return str(config_map["metadata"]["resourceVersion"])
