"""Lists in pages that are bounded in bytes: what others put into objects must not fill the memory of this process.

The API server counts objects only, and one may have 1.5 MB of nothing but metadata. So a response that grows beyond
the bound is abandoned and requested again with fewer objects; the next number follows from the size of the last page.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from appconfig_operator.kube.errors import GONE, ApiError, ResponseTooLongError
from appconfig_operator.kube.responses import RESPONSE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from appconfig_operator.kube.api import Api

T = TypeVar("T")

PAGE = 500
"""Objects per page at most."""

PAGE_BYTES = 2_000_000
"""Bytes per page, unless a single object has more. In Python they take up to 24 times as much: a field manager that
owns keys of a letter each is an empty dict for each of them."""

FILLED = 0.75
"""The part of a page that is planned to be filled, as objects differ in size."""

CUT = 8
"""By how much the number of objects falls when a page was too long."""

RESTARTS = 3
"""How often a list starts over when the API server has forgotten how it began."""

METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class Pages:
    """The pages of a list.

    Parameters
    ----------
    api
        The API server.
    path
        Of the list.
    query
        The selectors.
    accept
        Metadata only, or whole objects.
    timeout
        Seconds that each wait for the network may take, in place of those of all calls.
    limit
        Objects per page at first and at most.

    Attributes
    ----------
    fit
        How many objects fit into a page where they are largest, judging by the pages so far.
    """

    def __init__(  # noqa: PLR0913 (each is needed, and most have a default)
        self,
        api: Api,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        accept: str = METADATA,
        timeout: float | None = None,
        limit: int = PAGE,
    ) -> None:
        self._api = api
        self._path = path
        self._query = dict(query or {})
        self._accept = accept
        self._timeout = timeout
        self._most = limit
        self._limit = limit
        self.fit = limit

    def items(self) -> list[Mapping[str, Any]]:
        """List all at once, where the objects are few and small.

        Raises
        ------
        ApiError, UnreachableError
            When the list cannot be read as a whole.
        """
        return self.collect(lambda item: item)

    def collect(self, pick: Callable[[Mapping[str, Any]], T | None], *, pages: int | None = None) -> list[T]:
        """List all, and keep of each object only what is picked: the objects may be many, and large.

        Parameters
        ----------
        pick
            Returns what to keep of an object, `None` for nothing.
        pages
            How many pages to read at most.

        Raises
        ------
        ApiError, UnreachableError
            When the list cannot be read as a whole.
        """
        found: list[T] = []
        began = ""
        for version, items in islice(self, pages):
            if version != began:  # the list has begun, or started over
                found, began = [], version
            found += [one for item in items if (one := pick(item)) is not None]
            del items  # or it would stay in memory beside the next page
        return found

    def __iter__(self) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
        """Yield page by page, each with the `resourceVersion` of the list, to watch from.

        When the version changes, the list has started over: discard what came before.

        Raises
        ------
        ApiError, UnreachableError
            When the list cannot be read as a whole.
        """
        restarts = 0
        token = ""
        while True:
            try:
                page = self._page(token)
            except ApiError as error:
                if error.status != GONE or not token or restarts == RESTARTS:
                    raise
                restarts, token = restarts + 1, ""
                continue
            token = page["metadata"].get("continue") or ""
            # In an empty list of metadata, `items` is null. The version is that of the first page.
            version, items = page["metadata"]["resourceVersion"], page["items"] or []
            del page
            yield version, items
            del items  # or both would be in memory
            if not token:
                return

    def _page(self, token: str) -> dict[str, Any]:
        while True:
            query = {**self._query, "limit": str(self._limit), **({"continue": token} if token else {})}
            # A single object always passes: the bound of all responses is beyond what etcd stores.
            bound = PAGE_BYTES if self._limit > 1 else RESPONSE_BYTES
            try:
                page, size = self._api.sized(
                    "GET", self._path, query=query, accept=self._accept, timeout=self._timeout, limit_bytes=bound
                )
            except ResponseTooLongError:
                if self._limit == 1:
                    raise
                self._limit = max(1, self._limit // CUT)
                continue
            self._plan(len(page["items"] or ()), size)
            return page

    def _plan(self, count: int, size: int) -> None:
        """Choose how many objects to request next: as many as fit if they are like the last, at most twice as many."""
        if count:
            fit = max(1, min(self._most, int(FILLED * PAGE_BYTES * count / size)))
            self.fit = min(self.fit, fit)
            self._limit = min(2 * self._limit, fit)
