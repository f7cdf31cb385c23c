"""Which other sources ask for the ConfigMap of a source: looked up only where the ConfigMap names one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appconfig_operator.api.v1alpha1 import API_VERSION, PLURAL
from appconfig_operator.core import references
from appconfig_operator.core.contest import contested
from appconfig_operator.core.errors import OutdatedError, SourceGoneError
from appconfig_operator.core.managed import merge_manager, merging
from appconfig_operator.core.rivals import Rival
from appconfig_operator.kube.errors import NOT_FOUND, ApiError, UnreachableError, target_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.plan import WantedConfigMap
    from appconfig_operator.kube.api import Api

PAGE = 100

_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class Claims:
    """Looks other sources up. Its methods raise `SourceError` when the API server does not say."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def held(self, wanted: WantedConfigMap, observed: Mapping[str, Any]) -> bool:
        """Tell whether the source that a ConfigMap was made for is another one, lives and still asks for it.

        When not, the ConfigMap may pass to the source that asks. That is certain to exist then, with this spec: else
        a replica that has not heard of its deletion yet would take the ConfigMap along.

        Raises
        ------
        SourceGoneError, OutdatedError
            When it does not, or wants something else by now.
        """
        holder = references.holder(observed["metadata"])
        if holder is None or holder.uid == wanted.owner_uid:
            return False
        if holder.name != wanted.owner_name:
            rival = self._rival(wanted.namespace, holder.name)
            if rival is not None and rival.uid == holder.uid and rival.asks_for(wanted.name):
                return True
        self._check_alive(wanted)
        return False

    def _check_alive(self, wanted: WantedConfigMap) -> None:
        now = self._rival(wanted.namespace, wanted.owner_name)
        if now is None or now.uid != wanted.owner_uid or now.deleting:
            raise SourceGoneError(wanted.owner_uid)
        if not now.asks_for(wanted.name) or now.policy != wanted.policy:
            raise OutdatedError(wanted.owner_uid)

    def still_held(self, source: Source, observed: Mapping[str, Any]) -> bool:
        """Tell the same of a ConfigMap that a source gives up."""
        holder = references.holder(observed["metadata"])
        if holder is None or holder.uid == source.uid:
            return False
        rival = self._rival(source.namespace, holder.name)
        return rival is not None and rival.uid == holder.uid and rival.asks_for(observed["metadata"]["name"])

    def queue(self, source: Source, observed: Mapping[str, Any]) -> frozenset[str]:
        """Return the uids of the other sources among the owners of a ConfigMap that live and ask for it."""
        metadata = observed["metadata"]
        return frozenset(
            owner["uid"]
            for owner in references.plain_sources(metadata)
            if owner["uid"] != source.uid
            and (rival := self._rival(source.namespace, owner["name"])) is not None
            and rival.uid == owner["uid"]
            and rival.asks_for(metadata["name"])
        )

    def rivals(self, wanted: WantedConfigMap, observed: Mapping[str, Any]) -> dict[str, Rival | None]:
        """Return the sources behind the field managers that own fields which this one would write."""
        return {manager: self._behind(wanted.namespace, manager) for manager in contested(wanted, observed)}

    def _behind(self, namespace: str, manager: str) -> Rival | None:
        name = merging(manager) or ""
        found = self._rival(namespace, name) if name and "/" not in name else None
        if found is not None:
            return found
        # The uid of a source, as earlier versions of the operator had it, or a name that was too long: the list tells.
        listed = self._find(namespace, lambda metadata: metadata["uid"] == name or _manages(metadata, manager))
        return self._rival(namespace, listed) if listed is not None else None

    def _rival(self, namespace: str, name: str) -> Rival | None:
        try:
            return Rival.from_dict(self._api.call("GET", f"{_collection(namespace)}/{name}"))
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise target_error(error, f"AppConfigSource {namespace}/{name}") from error
        except UnreachableError as error:
            raise target_error(error, f"AppConfigSource {namespace}/{name}") from error

    def _find(self, namespace: str, matches: Callable[[Mapping[str, Any]], bool]) -> str | None:
        query = {"limit": str(PAGE)}
        try:
            while True:
                page = self._api.call("GET", _collection(namespace), query=query, accept=_METADATA_ONLY)
                for item in page["items"] or ():
                    if matches(item["metadata"]):
                        return str(item["metadata"]["name"])
                token = page["metadata"].get("continue")
                if not token:
                    return None
                query["continue"] = token
        except (ApiError, UnreachableError) as error:
            raise target_error(error, f"AppConfigSources of {namespace}") from error


def _manages(metadata: Mapping[str, Any], manager: str) -> bool:
    return merge_manager(metadata["name"]) == manager


def _collection(namespace: str) -> str:
    return f"/apis/{API_VERSION}/namespaces/{namespace}/{PLURAL}"
