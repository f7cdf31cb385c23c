"""Lists whose objects others have filled: no page is more than its bound, and each object is listed once."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes import client

from appconfig_operator.kube.api import Api
from appconfig_operator.kube.config_map_metadata import ConfigMapMetadata
from appconfig_operator.kube.errors import ApiError, ResponseTooLongError, UnreachableError
from appconfig_operator.kube.pages import CUT, PAGE, PAGE_BYTES, RESTARTS, Pages
from appconfig_operator.kube.responses import RESPONSE_BYTES, json_lines
from appconfig_operator.kube.sources import Sources
from tests.unit.support.answering import answering

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BIG = 1_200_000


@dataclass
class PagedApi:
    """An API server with objects of that many bytes. `forgets` are the numbers of the calls that are answered 410."""

    sizes: Sequence[int]
    forgets: frozenset[int] = frozenset()
    limits: list[int] = field(default_factory=list)
    read: list[int] = field(default_factory=list)
    version: int = 1

    def sized(
        self, _method: str, _path: str, *, query: Mapping[str, str], limit_bytes: int, **_: object
    ) -> tuple[dict[str, Any], int]:
        start, limit = int(query.get("continue", 0)), int(query["limit"])
        self.limits.append(limit)
        if not start:
            self.version += 1
        if len(self.limits) in self.forgets:
            raise ApiError(410, {"kind": "Status", "reason": "Expired", "message": "too old"})
        size = 100 + sum(self.sizes[start : start + limit])
        self.read.append(min(size, limit_bytes))
        if size > limit_bytes:
            raise ResponseTooLongError("an answer of more")
        end = min(start + limit, len(self.sizes))
        items = [
            {"metadata": {"uid": str(number), "namespace": "n", "name": str(number)}} for number in range(start, end)
        ]
        metadata = {"resourceVersion": str(self.version), "continue": str(end) if end < len(self.sizes) else ""}
        return {"metadata": metadata, "items": items}, size


def pages(cluster: PagedApi) -> Pages:
    api: Any = cluster
    return Pages(api, "/x")


def uids(cluster: PagedApi) -> list[int]:
    return [int(item["metadata"]["uid"]) for item in pages(cluster).items()]


def test_small_objects_come_in_full_pages() -> None:
    cluster = PagedApi([1000] * 1200)
    assert uids(cluster) == list(range(1200))
    assert cluster.limits == [PAGE] * 3


def test_large_objects_come_one_by_one() -> None:
    cluster = PagedApi([BIG] * 50)
    assert uids(cluster) == list(range(50))
    assert max(cluster.read) <= PAGE_BYTES
    refused = 3  # 500, 62, 7
    assert PAGE // CUT**refused == 0
    assert len(cluster.limits) == refused + 50


def test_pages_grow_again() -> None:
    cluster = PagedApi([BIG] * 5 + [1000] * 2000)
    assert uids(cluster) == list(range(2005))
    assert cluster.limits[-1] == PAGE
    assert len(cluster.limits) < 30


def test_one_object_passes_whatever_it_has() -> None:
    cluster = PagedApi([10, PAGE_BYTES * 5, 10])
    assert uids(cluster) == [0, 1, 2]


def test_one_object_beyond_what_etcd_stores_is_an_error() -> None:
    with pytest.raises(ResponseTooLongError):
        uids(PagedApi([RESPONSE_BYTES + 1]))


@given(st.lists(st.sampled_from([300, 5_000, 60_000, BIG]), max_size=900))
def test_each_object_is_listed_once_and_no_page_is_too_long(sizes: list[int]) -> None:
    cluster = PagedApi(sizes)
    assert uids(cluster) == list(range(len(sizes)))
    assert max(cluster.read) <= PAGE_BYTES


@given(st.lists(st.sampled_from([300, 5_000, 60_000, BIG]), min_size=1, max_size=900))
def test_as_many_as_fit_are_few_bytes_wherever_they_are(sizes: list[int]) -> None:
    """What Kopf lists at once."""
    all_pages = pages(PagedApi(sizes))
    all_pages.items()
    fit = all_pages.fit
    assert max(sum(sizes[start : start + fit]) for start in range(len(sizes))) <= 3 * PAGE_BYTES


def test_a_list_that_has_expired_starts_over() -> None:
    cluster = PagedApi([1000] * 1200, forgets=frozenset({3}))
    assert uids(cluster) == list(range(1200))
    assert len(cluster.limits) == 3 + 3


def test_a_list_that_always_expires_ends() -> None:
    cluster = PagedApi([1000] * 1200, forgets=frozenset(range(2, 100, 2)))
    with pytest.raises(ApiError, match="410"):
        uids(cluster)
    assert len(cluster.limits) == 2 * (RESTARTS + 1)


def test_a_list_that_cannot_begin_is_refused() -> None:
    with pytest.raises(ApiError, match="410"):
        uids(PagedApi([1], forgets=frozenset({1})))


def test_what_came_before_a_restart_of_the_list_is_void() -> None:
    api: Any = PagedApi([1000] * 1200, forgets=frozenset({3}))
    pages_listed = [(version, len(page)) for version, page in ConfigMapMetadata(api, None).list()]
    assert pages_listed == [("2", 500), ("2", 500), ("3", 500), ("3", 500), ("3", 200)]
    assert len(Sources(api).uids(())) == 1200


def test_of_each_object_is_kept_what_is_picked() -> None:
    def pick(item: Mapping[str, Any]) -> int | None:
        number = int(item["metadata"]["uid"])
        return number if number % 2 else None

    assert pages(PagedApi([1000] * 1200, forgets=frozenset({3}))).collect(pick) == list(range(1, 1200, 2))
    cluster = PagedApi([1000] * 1200)
    assert pages(cluster).collect(pick, pages=2) == list(range(1, 1000, 2))
    assert len(cluster.limits) == 2


@pytest.mark.parametrize(("size", "page"), [(1000, PAGE), (15_000, 99), (BIG, 1)])
def test_sources_say_how_many_to_list_at_once(size: int, page: int) -> None:
    api: Any = PagedApi([size] * 600)
    sources = Sources(api)
    assert sources.page == PAGE
    sources.uids(("a", "b"))
    assert sources.page == page


def api_of(url: str) -> Api:
    configuration = client.Configuration()
    configuration.host = url
    configuration.retries = False
    return Api(client.ApiClient(configuration))


def test_no_more_than_the_bound_is_read() -> None:
    body = json.dumps({"a": "x" * 20_000_000}).encode()
    with answering((200, body)) as server:
        api = api_of(server.url)
        tracemalloc.start()
        try:
            with pytest.raises(ResponseTooLongError, match="more than 1,000,000 bytes"):
                api.sized("GET", "/x", limit_bytes=1_000_000)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 5_000_000


def test_a_response_of_just_the_bound_is_read() -> None:
    body = json.dumps({"a": "x" * 991}).encode()
    with answering((200, body)) as server:
        assert api_of(server.url).sized("GET", "/x", limit_bytes=1000)[1] == 1000


@pytest.mark.parametrize("status", [200, 500])
def test_every_response_has_a_bound(status: int) -> None:
    with answering((status, b'{"a": "' + b"x" * RESPONSE_BYTES + b'"}')) as server, pytest.raises(UnreachableError):
        api_of(server.url).call("GET", "/x")


def test_a_line_of_a_watch_has_a_bound() -> None:
    with pytest.raises(ResponseTooLongError, match="a line"):
        list(json_lines(b"x" * 1_000_000 for _ in range(100)))


def test_endless_nesting_is_not_an_object() -> None:
    with answering((200, b'{"a":' * 100_000)) as server, pytest.raises(UnreachableError, match="not a JSON"):
        api_of(server.url).call("GET", "/x")
