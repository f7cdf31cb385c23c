"""Kept versions of a source: its `ControllerRevision` objects. They are created and deleted, and never changed."""

from __future__ import annotations

from itertools import chain, islice
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
from appconfig_operator.kube.paths import resource_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from appconfig_operator.api.status import KeptVersion
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.errors import SourceError
    from appconfig_operator.core.target.rendered_version import RenderedVersion
    from appconfig_operator.core.target.revision import Revision
    from appconfig_operator.kube.api import Api

PAGE = 5
"""Objects per page of a list. Anyone who may create revisions can put 1.2 MB of metadata into each."""

PAGES = 200
READS = 100
"""Bounds of a search, in pages of metadata and in objects that are read as a whole. A history has 51 revisions at most:
someone else put the rest there."""

_METADATA_OF_ONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


class History:
    """Kept versions in the cluster."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def kept(self, source: Source, known: Sequence[KeptVersion]) -> Collection[KeptVersion]:
        """Return what is really kept, in no particular order; one version may be there under two numbers.

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
        by_key = {(kept.data_digest, kept.revision): kept for kept in known}

        def recognized(item: Mapping[str, Any]) -> KeptVersion | str | None:
            """Return a known version, or the name of a revision to read. The rest of the metadata may be large."""
            metadata = item["metadata"]
            return by_key.get(noted(metadata), metadata["name"]) if belongs_to(source.uid, metadata) else None

        try:
            listed: list[KeptVersion | str] = self._pages(source).collect(recognized, pages=PAGES)
            unknown = [name for name in listed if isinstance(name, str)][:READS]
            read = {name: revision.kept for name in unknown if (revision := self._read(source, name)) is not None}
        except (ApiError, UnreachableError) as error:
            raise _error(error, source, "list") from error
        # By digest and number: the same one listed twice must not look like a duplicate to delete.
        found = (read.get(each) if isinstance(each, str) else each for each in listed)
        there = {(kept.data_digest, kept.revision): kept for kept in found if kept is not None}
        return [by_key.get(key, kept) for key, kept in there.items()]

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
                    # Someone else has taken the name. The revision is found by its label then.
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
            What is known of it, so where to look first.

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
                self._api.call("DELETE", _path(source, found.name), body=found.deletion())
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise _error(error, source, "delete") from error
        except UnreachableError as error:
            raise _error(error, source, "delete") from error

    def _create(self, source: Source, body: Mapping[str, Any]) -> None:
        self._api.call("POST", _path(source), query={"fieldManager": FIELD_MANAGER}, body=body)

    def _find(self, source: Source, kept: KeptVersion) -> Revision | None:
        copies = self._copies(source, kept.data_digest, kept.revision)
        return next((copy for copy in copies if copy.kept.revision == kept.revision), None)

    def _copies(self, source: Source, data_digest: str, number: int | None) -> Iterator[Revision]:
        """Find a version: by the names it should have, and then among all revisions of the source."""
        named = revision_names(source, data_digest, number)
        others = (name for name in self._names(source, data_digest) if name not in named)
        for name in chain(named, islice(others, READS)):
            revision = self._read(source, name)
            if revision is not None and revision.kept.data_digest == data_digest:
                yield revision

    def _names(self, source: Source, data_digest: str) -> Iterator[str]:
        """List the names of the source's revisions that are annotated with a digest."""
        for _, items in islice(self._pages(source), PAGES):
            for item in items:
                metadata = item["metadata"]
                if noted(metadata)[0] == data_digest and belongs_to(source.uid, metadata):
                    yield metadata["name"]
            del items  # or it would be there beside the next page

    def _pages(self, source: Source) -> Pages:
        query = {"labelSelector": f"{SOURCE_UID}={source.uid}"}
        return Pages(self._api, _path(source), query=query, accept=METADATA, limit=PAGE)

    def _read(self, source: Source, name: str) -> Revision | None:
        path = _path(source, name)
        try:
            try:
                body = self._api.call("GET", path)
            except UnreadableError:
                # A gateway sent this, or the data is too deep to be parsed. Metadata never is, so it shows which.
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


def _path(source: Source, *name: str) -> str:
    return resource_path("controllerrevisions", source.namespace, *name)


def _error(error: ApiError | UnreachableError, source: Source, verb: str) -> SourceError:
    """Say what failed, without the API server's own text, which may quote the version."""
    what = f"Kept versions of {source.namespace}/{source.name}"
    kind = target_error(error, what)
    return type(kind)(kind.reason, f"{what} (ControllerRevisions, {verb}): {error}.", retry_after=kind.retry_after)
