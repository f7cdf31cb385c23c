"""Sessions on their way between two replicas, as Secrets: whoever has their tokens can fetch configurations.

The permissions to list, create and delete Secrets are enough. A Secret is deleted before its sessions are used, so that
no token is used twice.
"""

from __future__ import annotations

import base64
import binascii
import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from appconfig_operator.api.labels import FIELD_MANAGER, MANAGED_BY
from appconfig_operator.api.v1alpha1 import GROUP
from appconfig_operator.core.sharding.handover import HandoverError, decode, encode
from appconfig_operator.kube.errors import CONFLICT, FORBIDDEN, NOT_FOUND, ApiError, UnreachableError
from appconfig_operator.kube.pages import METADATA, Pages
from appconfig_operator.kube.paths import resource_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from appconfig_operator.core.sharding.handover import HandedOver
    from appconfig_operator.kube.api import Api

SHARD = f"{GROUP}/shard"
"""The label that says whose sessions a Secret holds."""

_KEY = "sessions"
_PAGE = 10

_LIST = "application/json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Stored:
    """A Secret with a chunk that can be read. `since` orders chunks by when they were stored."""

    metadata: Mapping[str, Any]
    since: tuple[str, int, str]
    set_id: str
    sessions: tuple[HandedOver, ...]


class Handovers:
    """Sessions that wait in the cluster for the next replica.

    Parameters
    ----------
    api
        The API server.
    namespace
        Where the Secrets are.
    new_set
        Returns an ID that was never used before.
    timeout
        Seconds that each wait for the network may take, in place of those of all calls.
    shards
        How many there are, or `None` where it is unknown. Secrets of others are left over from when there were more.
    owned
        Returns metadata for each Secret that say who owns it.
    """

    def __init__(  # noqa: PLR0913 (each is needed, and most have a default)
        self,
        api: Api,
        namespace: str,
        new_set: Callable[[], str] = lambda: uuid.uuid4().hex,
        *,
        timeout: float | None = None,
        shards: int | None = None,
        owned: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._shards = shards
        self._owned = owned
        self._timeout = timeout
        self._api = api
        self._namespace = namespace
        self._new_set = new_set
        self._path = resource_path("secrets", namespace)

    def put(self, shard: int, sessions: Sequence[HandedOver]) -> None:
        """Store the sessions of a shard in place of all that are stored.

        Raises
        ------
        HandoverError
            When that failed, maybe halfway: some of the sessions may be stored, so do not use any of them anymore.
        """
        try:
            # First, so that old ones are never beside new ones.
            for old in self._list(f"={shard}", METADATA):
                self._delete(old["metadata"])
            for number, chunk in enumerate(encode(sessions, self._new_set())):
                self._api.call(
                    "POST",
                    self._path,
                    query={"fieldManager": FIELD_MANAGER},
                    body=self._secret(shard, number, chunk),
                    timeout=self._timeout,
                )
        except (ApiError, UnreachableError) as error:
            raise self._error(error, shard, "stored") from error

    def take(self, shard: int) -> list[HandedOver]:
        """Delete what is stored for a shard, and return the sessions that were stored last.

        What another replica deletes meanwhile belongs to that one.

        Raises
        ------
        HandoverError
            When there are sessions, and none could be taken.
        """
        taken: list[HandedOver] = []
        try:
            if shard == 0 and self._shards is not None:
                self._sweep(self._shards)
            secrets = self._list(f"={shard}", _LIST)
            newest, others = _newest(secrets)
            for stored in newest:
                if self._delete(stored.metadata):
                    taken.extend(stored.sessions)
            for metadata in others:
                self._delete(metadata)
        except (ApiError, UnreachableError) as error:
            failure = self._error(error, shard, "taken over")
            if not taken:
                raise failure from error
            # Each session is independent of the others, and those that were deleted belong to this replica.
            logger.warning("%s", failure)
        return taken

    def _sweep(self, shards: int) -> None:
        """Delete what is stored for shards that no longer exist: the replica that has the first one does it."""
        for stale in self._list(f" notin ({','.join(map(str, range(shards)))})", METADATA):
            self._delete(stale["metadata"])

    def _list(self, which: str, accept: str) -> list[Mapping[str, Any]]:
        """List the Secrets of some shards, except those that are being deleted."""
        query = {"labelSelector": f"{MANAGED_BY}={FIELD_MANAGER},{SHARD},{SHARD}{which}"}
        pages = Pages(self._api, self._path, query=query, accept=accept, timeout=self._timeout, limit=_PAGE)
        return [item for item in pages.items() if "deletionTimestamp" not in item["metadata"]]

    def _delete(self, metadata: Mapping[str, Any]) -> bool:
        """Delete a Secret as it was listed, and return whether this very call did it."""
        preconditions = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        try:
            self._api.call(
                "DELETE", resource_path("secrets", self._namespace, metadata["name"]), body=body, timeout=self._timeout
            )
        except ApiError as error:
            if error.status not in {NOT_FOUND, CONFLICT}:
                raise
            return False
        return True

    def _secret(self, shard: int, number: int, chunk: bytes) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": f"{FIELD_MANAGER}-sessions-{shard}-{number}",
                "labels": {MANAGED_BY: FIELD_MANAGER, SHARD: str(shard)},
                **self._owned(),
            },
            "type": "Opaque",
            "immutable": True,
            "data": {_KEY: base64.b64encode(chunk).decode()},
        }

    def _error(
        self, error: ApiError | UnreachableError, shard: int, done: Literal["stored", "taken over"]
    ) -> HandoverError:
        """Say what went wrong, without the words of the API server: they could quote what it was sent."""
        what = f"The sessions of shard {shard} could not be {done}"
        if isinstance(error, UnreachableError):
            return HandoverError(f"{what}: the Kubernetes API server could not be reached ({error}).")
        if error.status == FORBIDDEN:
            return HandoverError(
                f"{what}: the operator is not allowed to list, create and delete Secrets in namespace "
                f"{self._namespace}."
            )
        return HandoverError(f"{what} in namespace {self._namespace}: the Kubernetes API server answered {error}.")


def _newest(secrets: Sequence[Mapping[str, Any]]) -> tuple[list[_Stored], list[Mapping[str, Any]]]:
    """Return what was stored last, and the metadata of everything else."""
    readable = [stored for stored in map(_stored, secrets) if stored is not None]
    set_id = max(readable, key=lambda stored: stored.since).set_id if readable else ""
    newest = [stored for stored in readable if stored.set_id == set_id]
    names = {stored.metadata["name"] for stored in newest}
    return newest, [secret["metadata"] for secret in secrets if secret["metadata"]["name"] not in names]


def _stored(secret: Mapping[str, Any]) -> _Stored | None:
    try:
        chunk = decode(base64.b64decode((secret.get("data") or {}).get(_KEY, ""), validate=True))
    except binascii.Error:
        return None
    if chunk is None:
        return None
    metadata = secret["metadata"]
    version = metadata["resourceVersion"]
    # Times are given to the second. Within one the version decides: it grows, as a number.
    since = (metadata["creationTimestamp"], len(version), version)
    return _Stored(metadata, since, chunk.set_id, chunk.sessions)
