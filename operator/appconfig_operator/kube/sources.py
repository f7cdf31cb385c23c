"""`AppConfigSource` resources: which there are, and their status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appconfig_operator.api.labels import FIELD_MANAGER
from appconfig_operator.api.status import Status
from appconfig_operator.api.v1alpha1 import API_VERSION, PLURAL
from appconfig_operator.core.errors import OutdatedError, Reason, SourceGoneError, TransientError
from appconfig_operator.kube.api import JSON_PATCH
from appconfig_operator.kube.errors import FORBIDDEN, INVALID, NOT_FOUND, UNAUTHORIZED, ApiError, UnreachableError
from appconfig_operator.kube.pages import PAGE, Pages
from appconfig_operator.kube.paths import resource_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.kube.api import Api


class Sources:
    """`AppConfigSource` resources of the cluster."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._fit: dict[str, int] = {}

    @property
    def page(self) -> int:
        """How many resources to list at once, so that they are a few MB, judging by the last list of all."""
        return min(tuple(self._fit.values()), default=PAGE)

    @property
    def server(self) -> str:
        """The address of the API server."""
        return self._api.server

    @property
    def proxy(self) -> str:
        """The address of the proxy in front of it, or empty."""
        return self._api.proxy

    def served(self) -> bool:
        """Return whether the API server knows the resource: whether the CRD is installed.

        Raises
        ------
        ApiError, UnreachableError
            When it does not say.
        """
        try:
            resources = self._api.call("GET", f"/apis/{API_VERSION}").get("resources") or ()
        except ApiError as error:
            if error.status == NOT_FOUND:
                return False
            raise
        return any(resource["name"] == PLURAL for resource in resources)

    def gone(self) -> bool:
        """Return whether the API server says that it does not know the resource: without a response, it is there."""
        try:
            return not self.served()
        except Exception:  # noqa: BLE001 (whatever it is: the caller has an error to report already)
            return False

    def uids(self, namespaces: Sequence[str]) -> set[str]:
        """List the uids of all resources, in pages, metadata only.

        Parameters
        ----------
        namespaces
            Where to look, empty for everywhere.

        Raises
        ------
        ApiError, UnreachableError
            When the list cannot be read as a whole.
        """
        return {uid for namespace in namespaces or [""] for uid in self._uids(resource_path(PLURAL, namespace))}

    def _uids(self, path: str) -> list[str]:
        pages = Pages(self._api, path, limit=PAGE)
        found = pages.collect(lambda item: str(item["metadata"]["uid"]))
        self._fit[path] = pages.fit
        return found

    def status(self, source: Source) -> Status:
        """Read the status as it is now: what a watch reports lags a little behind.

        Raises
        ------
        SourceGoneError
            When the resource was deleted or is being deleted, or another one has its name now.
        OutdatedError
            When the spec has changed since: another replica may have carried that out already.
        TransientError
            When the API server does not say.
        """
        try:
            answer = self._api.call("GET", _path(source))
        except ApiError as error:
            if error.status == NOT_FOUND and error.reason == "NotFound":
                raise SourceGoneError(source.uid) from error
            if error.status != FORBIDDEN:
                raise _failure(error, source) from error
            # The permission to get it is missing. A patch of its status returns all of it, too.
            answer = self._patch(source, [])
        except UnreachableError as error:
            raise _failure(error, source) from error
        if answer["metadata"]["uid"] != source.uid or "deletionTimestamp" in answer["metadata"]:
            raise SourceGoneError(source.uid)
        if answer["metadata"]["generation"] > source.generation:
            raise OutdatedError(source.uid)
        return Status.from_dict(answer.get("status") or {})

    def update_status(self, source: Source, status: Status) -> str:
        """Write the status, and return the resource's new `resourceVersion`.

        Raises
        ------
        SourceGoneError
            When the resource was deleted, or another one has its name now.
        TransientError
            When the write failed; try again.
        """
        # A JSON Patch, for its test: as for a metadata.uid in a merge patch or an apply of a status, the API server
        # (1.36.3) passes over it, and the status of a deleted resource would land on one that was created again.
        parts = status.to_dict().items()
        answer = self._patch(
            source, [{"op": "add", "path": f"/status/{part}", "value": value} for part, value in parts]
        )
        return str(answer["metadata"]["resourceVersion"])

    def _patch(self, source: Source, changes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        patch = [{"op": "test", "path": "/metadata/uid", "value": source.uid}, *changes]
        try:
            return self._api.call(
                "PATCH",
                _path(source, "status"),
                query={"fieldManager": FIELD_MANAGER},
                body=patch,
                content_type=JSON_PATCH,
            )
        except ApiError as error:
            # A failed test, a webhook that refuses and a status that the CRD does not allow may look alike.
            if error.status in {INVALID, NOT_FOUND} and not self._there(source, error):
                raise SourceGoneError(source.uid) from error
            raise _failure(error, source) from error
        except UnreachableError as error:
            raise _failure(error, source) from error

    def _there(self, source: Source, refused: ApiError) -> bool:
        """Return whether the resource is still the same one. When that is unknown, it may well be."""
        try:
            answer = self._api.call("GET", _path(source))
        except ApiError as error:
            if error.status == FORBIDDEN:
                # The refusal has to show it: a failed test has no explanation, unlike a policy or a field.
                return bool(refused.message)
            return not (error.status == NOT_FOUND and error.reason == "NotFound")
        except UnreachableError:
            return True
        return bool(answer["metadata"]["uid"] == source.uid)


def _failure(error: ApiError | UnreachableError, source: Source) -> TransientError:
    what = f"AppConfigSource {source.namespace}/{source.name}"
    if isinstance(error, UnreachableError):
        return TransientError(
            Reason.TARGET_UNAVAILABLE, f"{what}: the Kubernetes API server could not be reached ({error})."
        )
    said = f": {error.explanation}" if error.message else "."
    return TransientError(
        Reason.TARGET_UNAVAILABLE,
        f"{what}: the Kubernetes API server answered {error}{said}",
        retry_after=error.retry_after,
    )


def _path(source: Source, *subresource: str) -> str:
    return resource_path(PLURAL, source.namespace, source.name, *subresource)


def list_refusal(error: ApiError) -> str:
    """Say that a list of the sources was refused; empty where a permission is missing."""
    if error.status == FORBIDDEN:
        return ""  # `rights` logs it, with the namespace and the verb
    advice = ". Check the token of the kubeconfig, or of the ServiceAccount" if error.status == UNAUTHORIZED else ""
    said = f": {error.explanation.rstrip('.')}" if error.message else ""
    return f"The Kubernetes API server refused to list the sources ({error}){said}{advice}"


def unreachable(error: UnreachableError, server: str, proxy: str) -> str:
    """Say that the API server cannot be reached, and name the proxy if there is one."""
    words = f"The Kubernetes API server {server} cannot be reached ({error}); retrying"
    if not proxy:
        return words
    return (
        f"{words}. It is reached through the proxy {proxy} (HTTPS_PROXY, or proxy-url of the kubeconfig): check that "
        "it is up and allows the operator. If no proxy is needed, add the API server's address to NO_PROXY"
    )
