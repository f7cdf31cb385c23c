"""Other sources that ask for the ConfigMap of a source. They are looked up only where the ConfigMap names one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from appconfig_operator.api.v1alpha1 import PLURAL
from appconfig_operator.core.errors import (
    ForbiddenError,
    OutdatedError,
    Reason,
    SourceError,
    SourceGoneError,
    TransientError,
)
from appconfig_operator.core.target import references
from appconfig_operator.core.target.contest import contested
from appconfig_operator.core.target.managed_fields import merge_manager, merging, uid_manager
from appconfig_operator.core.target.rivals import Rival
from appconfig_operator.kube.errors import FORBIDDEN, NOT_FOUND, ApiError, UnreachableError, target_error
from appconfig_operator.kube.pages import METADATA, Pages
from appconfig_operator.kube.paths import resource_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.target.plan import WantedConfigMap
    from appconfig_operator.kube.api import Api

T = TypeVar("T")

PAGE = 100
"""Sources per page of a list."""

LOOKUPS_BY_NAME = 4
"""Field managers that are looked up one by one. With more of them, most are made up, and one list shows all."""

WAITING_LIMIT = 32
"""Sources among the owners of a ConfigMap that are looked up: anyone can add thousands."""


class OtherSources:
    """Looks up other sources. Its methods raise `SourceError` when the API server does not say."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def is_held(self, wanted: WantedConfigMap, observed: Mapping[str, Any]) -> bool:
        """Return whether the source that a ConfigMap was created for is another one, exists and still asks for it.

        When not, the ConfigMap may pass to this source. It is certain to exist then, with this spec: a replica that has
        not heard of its deletion yet would otherwise take the ConfigMap along.

        Raises
        ------
        SourceGoneError, OutdatedError
            When it does not exist, or its spec has changed.
        """
        holder = references.holder(observed["metadata"])
        if holder is None or holder.uid == wanted.owner_uid:
            return False
        if holder.name != wanted.owner_name:
            rival = self._get(wanted.namespace, holder.name)
            if rival is not None and rival.uid == holder.uid and rival.asks_for(wanted.name):
                return True
        self._check_alive(wanted)
        return False

    def _check_alive(self, wanted: WantedConfigMap) -> None:
        now = self._get(wanted.namespace, wanted.owner_name)
        if now is None or now.uid != wanted.owner_uid or now.deleting:
            raise SourceGoneError(wanted.owner_uid)
        if not now.asks_for(wanted.name) or now.policy != wanted.policy:
            raise OutdatedError(wanted.owner_uid)

    def is_held_by_another(self, source: Source, observed: Mapping[str, Any]) -> bool:
        """Return the same for a ConfigMap that a source releases."""
        holder = references.holder(observed["metadata"])
        if holder is None or holder.uid == source.uid:
            return False
        rival = self._get(source.namespace, holder.name)
        return rival is not None and rival.uid == holder.uid and rival.asks_for(observed["metadata"]["name"])

    def waiting(self, source: Source, observed: Mapping[str, Any]) -> frozenset[str]:
        """Return the uids of the other sources among the owners of a ConfigMap that exist and ask for it."""
        metadata = observed["metadata"]
        others = [owner for owner in references.plain_sources(metadata) if owner["uid"] != source.uid]
        return frozenset(
            owner["uid"]
            for owner in others[:WAITING_LIMIT]
            if (rival := self._get(source.namespace, owner["name"])) is not None
            and rival.uid == owner["uid"]
            and rival.asks_for(metadata["name"])
        )

    def last_writer(self, wanted: WantedConfigMap) -> Rival | None:
        """Return the other source that wrote a missing ConfigMap, and still asks for it.

        Someone deleted it, and that source creates it again. One that waits must not be faster.
        """
        own = self._get(wanted.namespace, wanted.owner_name)
        if own is not None and own.uid == wanted.owner_uid and own.made(wanted.name):
            return None  # the common case: no other source has to be looked up

        def pick(item: Mapping[str, Any]) -> Rival | None:
            rival = Rival.from_dict(item)
            return rival if rival.made(wanted.name) else None

        found = self._list(wanted.namespace, pick, accept="application/json")
        first = min(found, key=lambda rival: (rival.created, rival.uid), default=None)
        return None if any(rival.uid == wanted.owner_uid for rival in found) else first

    def rivals(self, wanted: WantedConfigMap, observed: Mapping[str, Any]) -> dict[str, Rival | None]:
        """Return the sources behind the field managers of the fields that this one would write."""
        managers = list(contested(wanted, observed))
        found = {manager: self._named(wanted.namespace, manager) for manager in managers[:LOOKUPS_BY_NAME]}
        if any(found.get(manager) is None for manager in managers):
            # The uid of a source, as earlier versions of the operator had it, or a name that was too long.
            names = self._managers(wanted.namespace)
            for manager in managers:
                if found.get(manager) is None:
                    found[manager] = self._get(wanted.namespace, names[manager]) if manager in names else None
        return found

    def _named(self, namespace: str, manager: str) -> Rival | None:
        name = merging(manager)
        return self._get(namespace, name) if name and "/" not in name else None

    def _managers(self, namespace: str) -> dict[str, str]:
        """Return the names of all sources, by the field managers that they have or had."""

        def pick(item: Mapping[str, Any]) -> tuple[str, str]:
            return item["metadata"]["uid"], item["metadata"]["name"]

        found = self._list(namespace, pick, accept=METADATA)
        return {uid_manager(uid): name for uid, name in found} | {merge_manager(name): name for _, name in found}

    def _get(self, namespace: str, name: str) -> Rival | None:
        try:
            return Rival.from_dict(self._api.call("GET", resource_path(PLURAL, namespace, name)))
        except ApiError as error:
            if error.status == NOT_FOUND and error.reason == "NotFound":
                return None
            raise _lookup_error(error, f"AppConfigSource {namespace}/{name}", "get") from error
        except UnreachableError as error:
            raise _lookup_error(error, f"AppConfigSource {namespace}/{name}", "get") from error

    def _list(self, namespace: str, pick: Callable[[Mapping[str, Any]], T | None], *, accept: str) -> list[T]:
        """List the sources of a namespace, and return what is picked of them."""
        try:
            return Pages(self._api, resource_path(PLURAL, namespace), accept=accept, limit=PAGE).collect(pick)
        except (ApiError, UnreachableError) as error:
            raise _lookup_error(error, f"AppConfigSources of namespace {namespace}", "list") from error


def _lookup_error(error: ApiError | UnreachableError, what: str, verb: str) -> SourceError:
    if isinstance(error, ApiError) and error.status == NOT_FOUND:
        # The kind itself is not served, which says nothing about the sources.
        return TransientError(Reason.TARGET_UNAVAILABLE, f"{what} could not be looked up ({error}).")
    if isinstance(error, ApiError) and error.status == FORBIDDEN:
        return ForbiddenError(
            Reason.TARGET_REJECTED,
            f"{what} could not be looked up to find out who owns the ConfigMap: {error.explanation} "
            f"Allow the operator to {verb} appconfigsources.",
        )
    return target_error(error, what)
