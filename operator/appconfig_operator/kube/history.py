"""Kept versions of a source: its `ControllerRevision` objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.core.history import from_revision, revision_name, to_revision
from appconfig_operator.core.managed import FIELD_MANAGER
from appconfig_operator.kube.api import MERGE_PATCH
from appconfig_operator.kube.errors import CONFLICT, NOT_FOUND, ApiError, UnreachableError, target_error

if TYPE_CHECKING:
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.version import Version
    from appconfig_operator.kube.api import Api


class History:
    """Kept versions in the cluster."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def keep(self, source: Source, version: Version, number: int) -> None:
        """Keep a version. One that is kept already gets the new number.

        Raises
        ------
        SourceError
            When it could not be kept. Then it must not be replaced.
        """
        body = to_revision(source, version, number)
        query = {"fieldManager": FIELD_MANAGER}
        try:
            try:
                self._api.call("POST", _collection(source), query=query, body=body)
            except ApiError as error:
                if error.status != CONFLICT:
                    raise
                path = _path(source, version.data.digest)
                self._api.call(
                    "PATCH",
                    path,
                    query=query,
                    body={"metadata": {"annotations": body["metadata"]["annotations"]}, "revision": number},
                    content_type=MERGE_PATCH,
                )
        except (ApiError, UnreachableError) as error:
            raise target_error(error, f"The replaced version of {source.namespace}/{source.name}") from error

    def get(self, source: Source, digest: str) -> Version | None:
        """Return a kept version, or `None`.

        Raises
        ------
        SourceError
            When the API server does not say.
        """
        try:
            return from_revision(self._api.call("GET", _path(source, digest)))
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise target_error(error, f"The kept version {digest}") from error
        except UnreachableError as error:
            raise target_error(error, f"The kept version {digest}") from error

    def drop(self, source: Source, digest: str) -> None:
        """Delete a kept version, if it is there.

        Raises
        ------
        SourceError
            When that could not be done; it is to be tried again.
        """
        try:
            self._api.call("DELETE", _path(source, digest))
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise target_error(error, f"The kept version {digest}") from error
        except UnreachableError as error:
            raise target_error(error, f"The kept version {digest}") from error


def _collection(source: Source) -> str:
    return f"/apis/apps/v1/namespaces/{source.namespace}/controllerrevisions"


def _path(source: Source, digest: str) -> str:
    return f"{_collection(source)}/{revision_name(source, digest)}"
