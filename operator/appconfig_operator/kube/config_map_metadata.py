"""A watch on the metadata of the ConfigMaps that the operator made: no content is read or kept.

The label selector is the API server's work, so that ConfigMaps of others are not even sent.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from appconfig_operator.api.labels import SOURCE_UID
from appconfig_operator.kube.errors import GONE, ApiError
from appconfig_operator.kube.pages import METADATA, Pages
from appconfig_operator.kube.paths import resource_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from appconfig_operator.kube.api import Api

WATCH_SECONDS = 290
"""How long one watch request lasts, in seconds: short enough for proxies, long enough to be cheap."""

SHORTEST_WATCH_SECONDS = 1.0
"""A watch that ends sooner is not one: something in between closes it, and must not be asked in a loop."""

_WATCH = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


class ConfigMapMetadata:
    """Lists and watches the metadata of ConfigMaps: by default, of those with the label of a source.

    Parameters
    ----------
    api
        The API server.
    namespace
        Where to watch, or `None` for everywhere.
    selector
        Which: a selector of labels, empty for all.
    """

    def __init__(self, api: Api, namespace: str | None, *, selector: str = SOURCE_UID) -> None:
        self.namespace = namespace
        self._selector = selector
        self._api = api
        self._path = resource_path("configmaps", namespace or "")

    def list(self) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
        """List the metadata, page by page, each with the `resourceVersion` of the list, to watch from.

        Another version than before says that the list has started over: what came until then is void.

        Raises
        ------
        ApiError, UnreachableError
            When the list cannot be read as a whole.
        """
        for version, items in Pages(self._api, self._path, query={"labelSelector": self._selector}):
            yield version, [item["metadata"] for item in items]
            del items  # or it would be there beside the next page

    def now(self) -> str:
        """Return the `resourceVersion` of now, to watch from.

        Raises
        ------
        ApiError, UnreachableError
            When the API server does not say.
        """
        query = {"labelSelector": self._selector, "limit": "1"}
        return str(self._api.call("GET", self._path, query=query, accept=METADATA)["metadata"]["resourceVersion"])

    def watch(self, version: str) -> Iterator[tuple[Mapping[str, Any], bool]]:
        """Yield changes, without end: the metadata, and whether the ConfigMap is still there.

        Ends when the API server no longer has the events since that version, or closes at once: list again then.

        Raises
        ------
        ApiError, UnreachableError
            When the API server refuses, or does not answer.
        """
        while True:
            query = {
                "labelSelector": self._selector,
                "watch": "true",
                "allowWatchBookmarks": "true",
                "resourceVersion": version,
                "timeoutSeconds": str(WATCH_SECONDS),
            }
            began = monotonic()
            try:
                for event in self._api.stream(self._path, query=query, accept=_WATCH):
                    metadata = _metadata(event)
                    version = metadata["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        yield metadata, event["type"] != "DELETED"
            except ApiError as error:
                if error.status != GONE:
                    raise
                return
            if monotonic() - began < SHORTEST_WATCH_SECONDS:
                return


def _metadata(event: Mapping[str, Any]) -> Mapping[str, Any]:
    if event["type"] == "ERROR":
        raise ApiError(event["object"].get("code", 0), event["object"])
    metadata: Mapping[str, Any] = event["object"]["metadata"]
    return metadata
