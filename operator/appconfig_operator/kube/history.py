"""Kept versions of a source: its `ControllerRevision` objects. They are made and deleted, and never changed."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from appconfig_operator.api.labels import FIELD_MANAGER, SOURCE_UID
from appconfig_operator.core.target.revision import (
    belongs_to,
    from_revision,
    name_prefix,
    noted,
    revision_names,
    to_revision,
)
from appconfig_operator.kube.errors import (
    CONFLICT,
    NOT_FOUND,
    ApiError,
    UnreachableError,
    UnreadableError,
    target_error,
)
from appconfig_operator.kube.pages import METADATA, Pages

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from appconfig_operator.api.status import KeptVersion
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.errors import SourceError
    from appconfig_operator.core.target.rendered_version import RenderedVersion
    from appconfig_operator.core.target.revision import Revision
    from appconfig_operator.kube.api import Api

PAGE = 5
"""Metadata a page of a list. Anybody with the right to make revisions can give each 1.2 MB of it."""

PAGES = 200
READS = 100
"""How far a look goes, in pages of metadata and in objects that are read whole. A history has 51 revisions at most, and
what is beyond was put there by somebody else."""

_METADATA_OF_ONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


class History:
    """Kept versions in the cluster."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def kept(self, source: Source, known: Sequence[KeptVersion]) -> Collection[KeptVersion]:
        """Return what is really kept, in no order; one version may be there under two numbers.

        Parameters
        ----------
        source
            Whose.
        known
            What is known to be kept, and is not read again when its metadata is still there.

        Raises
        ------
        SourceError
            When the API server does not say.
        """
        told = {(kept.data_digest, kept.revision): kept for kept in known}
        # By what tells them apart: one that appears twice is not a second one, of which one could go.
        found: dict[tuple[str, int], KeptVersion] = {}
        reads, since = 0, ""
        try:
            for version, metadata in self._listed(source):
                if version != since:  # the list has begun, or begun anew
                    found, since = {}, version
                key = noted(metadata)
                if key in told:
                    found[key] = told[key]
                elif reads < READS:
                    reads += 1
                    revision = self._read(source, metadata["name"])
                    if revision is not None:
                        key = (revision.kept.data_digest, revision.kept.revision)
                        found[key] = told.get(key, revision.kept)
        except (ApiError, UnreachableError) as error:
            raise _error(error, source, "list") from error
        return found.values()

    def keep(self, source: Source, version: RenderedVersion, kept: KeptVersion) -> None:
        """Keep a version, unless it is kept already under that number.

        Raises
        ------
        SourceError
            When it could not be kept.
        """
        body = to_revision(source, version, kept)
        try:
            try:
                self._create(source, body)
            except ApiError as error:
                if (error.status, error.reason) != (CONFLICT, "AlreadyExists"):
                    raise
                if self._find(source, kept) is None:
                    # Somebody else has taken the name. It is found by its label then.
                    del body["metadata"]["name"]
                    body["metadata"]["generateName"] = name_prefix(source)
                    self._create(source, body)
        except (ApiError, UnreachableError) as error:
            raise _error(error, source, "create") from error

    def get(self, source: Source, data_digest: str, known: KeptVersion | None) -> RenderedVersion | None:
        """Return a kept version, or `None`.

        Parameters
        ----------
        source, data_digest
            Which.
        known
            What is known of it: where to look first.

        Raises
        ------
        SourceError
            When the API server does not say.
        """
        number = known.revision if known is not None else None
        try:
            found = next(self._copies(source, data_digest, number), None)
        except (ApiError, UnreachableError) as error:
            raise _error(error, source, "get") from error
        return found.version if found is not None else None

    def drop(self, source: Source, kept: KeptVersion) -> None:
        """Delete a kept version, if it is there.

        Raises
        ------
        SourceError
            When that could not be done; it is to be tried again.
        """
        try:
            found = self._find(source, kept)
            if found is not None:
                self._api.call("DELETE", f"{_collection(source)}/{found.name}", body=found.deletion())
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise _error(error, source, "delete") from error
        except UnreachableError as error:
            raise _error(error, source, "delete") from error

    def _create(self, source: Source, body: Mapping[str, Any]) -> None:
        self._api.call("POST", _collection(source), query={"fieldManager": FIELD_MANAGER}, body=body)

    def _find(self, source: Source, kept: KeptVersion) -> Revision | None:
        copies = self._copies(source, kept.data_digest, kept.revision)
        return next((copy for copy in copies if copy.kept.revision == kept.revision), None)

    def _copies(self, source: Source, data_digest: str, number: int | None) -> Iterator[Revision]:
        """Look for a version: where it should be, and then in all that is the source's."""
        names = revision_names(source, data_digest, number)
        for name in names:
            revision = self._read(source, name)
            if revision is not None and revision.kept.data_digest == data_digest:
                yield revision
        reads = 0
        for _, metadata in self._listed(source):
            if noted(metadata)[0] != data_digest or metadata["name"] in names:
                continue
            if reads == READS:
                return
            reads += 1
            revision = self._read(source, metadata["name"])
            if revision is not None and revision.kept.data_digest == data_digest:
                yield revision

    def _listed(self, source: Source) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """List the metadata of the source's revisions, as far as it is their controller.

        Each comes with the version of the list: another one than before says that the list has begun anew.
        """
        query = {"labelSelector": f"{SOURCE_UID}={source.uid}"}
        pages = Pages(self._api, _collection(source), query=query, accept=METADATA, limit=PAGE)
        for version, items in islice(pages, PAGES):
            for item in items:
                if belongs_to(source.uid, item["metadata"]):
                    yield version, item["metadata"]
            del items  # or it would be there beside the next page

    def _read(self, source: Source, name: str) -> Revision | None:
        path = f"{_collection(source)}/{name}"
        try:
            try:
                body = self._api.call("GET", path)
            except UnreadableError:
                # A gateway has answered, and nobody knows; or its data is too deep to be parsed. Metadata never is.
                self._api.call("GET", path, accept=_METADATA_OF_ONE)
                try:
                    body = self._api.call("GET", path)
                except UnreadableError:
                    return None
            return from_revision(source, body)
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise


def _collection(source: Source) -> str:
    return f"/apis/apps/v1/namespaces/{source.namespace}/controllerrevisions"


def _error(error: ApiError | UnreachableError, source: Source, verb: str) -> SourceError:
    """Say what failed. Not in the API server's words: they may quote what was to be kept."""
    what = f"Kept versions of {source.namespace}/{source.name}"
    kind = target_error(error, what)
    return type(kind)(kind.reason, f"{what} (ControllerRevisions, {verb}): {error}.", retry_after=kind.retry_after)
