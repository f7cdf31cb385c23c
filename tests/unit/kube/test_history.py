"""Kept versions where the list starts over, and where something other than the API server responds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.api.status import KeptVersion
from appconfig_operator.core.errors import TransientError
from appconfig_operator.core.formats.render import Data
from appconfig_operator.core.target.rendered_version import RenderedVersion
from appconfig_operator.core.target.revision import to_revision
from appconfig_operator.kube.errors import ApiError, UnreadableError
from appconfig_operator.kube.history import PAGES, History
from appconfig_operator.kube.pages import PAGE_BYTES
from tests.support.builders import source

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = "2026-01-01T00:00:00Z"
NO_JSON = UnreadableError("an answer that is not a JSON object")


def version(text: str) -> RenderedVersion:
    return RenderedVersion(Data(text={"k": text}, binary={}), "v1", "text/plain")


def entry(text: str, number: int) -> KeptVersion:
    return KeptVersion(version(text).data.data_digest, "v1", number, NOW)


def revision(text: str, number: int) -> dict[str, Any]:
    body = to_revision(source(), version(text), entry(text, number))
    body["metadata"] |= {"uid": str(number), "resourceVersion": "1", "creationTimestamp": NOW}
    return body


class FakeRevisions:
    """Has these revisions, one a page. `wrong` are the errors of the reads, one after the other, by what is read."""

    def __init__(
        self, *there: dict[str, Any], later: list[dict[str, Any]] | None = None, endless: bool = False
    ) -> None:
        self.there = list(there)
        self.later = later
        self.endless = endless
        self.whole: list[Exception | None] = []
        self.metadata: list[Exception | None] = []
        self.pages: list[int] = []

    def call(self, method: str, path: str, *, accept: str = "application/json") -> dict[str, Any]:
        assert method == "GET"
        errors = self.metadata if "PartialObjectMetadata" in accept else self.whole
        error = errors.pop(0) if errors else None
        if error is not None:
            raise error
        for one in self.there:
            if path.endswith(f"/{one['metadata']['name']}"):
                return one
        raise ApiError(404, {"kind": "Status", "reason": "NotFound"})

    def sized(
        self, _method: str, _path: str, *, query: Mapping[str, str], limit_bytes: int, **_: object
    ) -> tuple[dict[str, Any], int]:
        self.pages.append(limit_bytes)
        start = int(query.get("continue", 0))
        if start and self.later is not None:
            self.there, self.later = self.later, None
            raise ApiError(410, {"kind": "Status", "reason": "Expired"})
        token = str(start + 1) if self.endless or start + 1 < len(self.there) else ""
        items = [{"metadata": one["metadata"]} for one in self.there[start : start + 1]]
        return {"metadata": {"resourceVersion": str(id(self.there)), "continue": token}, "items": items or None}, 100


def kept(api: Any, *known: KeptVersion) -> list[KeptVersion]:
    return sorted(History(api).kept(source(), known), key=lambda one: one.revision)


def test_what_is_listed_is_kept_page_by_page() -> None:
    api = FakeRevisions(revision("a", 1), revision("b", 2))
    assert kept(api, entry("a", 1)) == [entry("a", 1), entry("b", 2)]
    assert api.pages == [PAGE_BYTES] * 2


def test_what_a_list_said_before_it_started_over_is_void() -> None:
    api = FakeRevisions(revision("a", 1), revision("b", 2), later=[revision("b", 2), revision("c", 3)])
    assert kept(api) == [entry("b", 2), entry("c", 3)]


def test_a_search_ends() -> None:
    api = FakeRevisions(endless=True)
    assert kept(api) == []
    assert len(api.pages) == PAGES


def test_one_response_of_a_gateway_takes_no_version_out_of_the_history() -> None:
    api = FakeRevisions(revision("a", 1))
    api.whole = [NO_JSON]
    assert kept(api) == [entry("a", 1)]


def test_while_a_gateway_responds_it_is_unknown_what_is_kept() -> None:
    api = FakeRevisions(revision("a", 1))
    api.whole, api.metadata = [NO_JSON] * 2, [NO_JSON]
    with pytest.raises(TransientError, match="an answer that is not a JSON object"):
        kept(api)
    api.whole, api.metadata = [NO_JSON] * 2, [NO_JSON]
    with pytest.raises(TransientError):
        History(api).get(source(), entry("a", 1).data_digest, entry("a", 1))  # type: ignore[arg-type]


def test_what_is_too_deep_to_be_parsed_is_not_kept() -> None:
    api = FakeRevisions(revision("a", 1), revision("b", 2))
    api.whole = [NO_JSON] * 2
    assert kept(api) == [entry("b", 2)]


def test_one_that_went_meanwhile_is_not_kept() -> None:
    api = FakeRevisions(revision("a", 1))
    api.whole, api.metadata = [NO_JSON], [ApiError(404, {"kind": "Status", "reason": "NotFound"})]
    assert kept(api) == []
