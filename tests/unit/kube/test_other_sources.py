"""What a response says of another source, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from appconfig_operator.api.v1alpha1 import PLURAL
from appconfig_operator.core.errors import ForbiddenError, SourceGoneError, TransientError
from appconfig_operator.core.formats.render import Data
from appconfig_operator.core.target import references
from appconfig_operator.core.target.plan import Create, WantedConfigMap, plan, wanted_config_map
from appconfig_operator.core.target.rendered_version import RenderedVersion
from appconfig_operator.kube.errors import ApiError, UnreachableError
from appconfig_operator.kube.other_sources import WAITING_LIMIT, OtherSources
from appconfig_operator.kube.pages import PAGE_BYTES
from tests.support.builders import source


class FailingApi:
    """Answers each look with the same error."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def call(self, *_: object, **__: object) -> dict[str, Any]:
        self.calls += 1
        raise self.error

    sized = call


def claims(error: Exception) -> tuple[OtherSources, FailingApi]:
    api: Any = FailingApi(error)
    return OtherSources(api), api


def want(uid: str) -> WantedConfigMap:
    return wanted_config_map(source(uid=uid), RenderedVersion(Data(text={"k": "1"}, binary={}), "v1", "text/plain"))


def others() -> dict[str, Any]:
    """Return the ConfigMap of another source of the same name."""
    action = plan(want("another"), None)
    assert isinstance(action, Create)
    return dict(action.body)


NOT_FOUND = ApiError(404, {"kind": "Status", "reason": "NotFound"})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NOT_FOUND, SourceGoneError),
        (ApiError(404, {}), TransientError),  # as the API server says it when there is no such kind
        (ApiError(500, {}), TransientError),
        (ApiError(403, {"kind": "Status", "reason": "Forbidden"}), ForbiddenError),
        (UnreachableError("cut"), TransientError),
    ],
    ids=["gone", "the CRD is gone", "broken", "forbidden", "unreachable"],
)
def test_only_a_response_that_says_so_means_that_it_is_gone(error: Exception, kind: type[Exception]) -> None:
    looking, _ = claims(error)
    with pytest.raises(kind) as caught:
        looking.is_held(want("mine"), others())
    assert type(caught.value) is kind


def test_a_forbidden_lookup_is_not_a_refused_write() -> None:
    looking, _ = claims(ApiError(403, {"kind": "Status", "reason": "Forbidden", "message": "geheim"}))
    with pytest.raises(ForbiddenError) as caught:
        looking.is_held(want("mine"), others())
    assert caught.value.message == (
        "AppConfigSource shop/another could not be looked up to find out who owns the ConfigMap: HTTP 403 Forbidden. "
        "Allow the operator to get appconfigsources."
    )


def made(name: str, uid: str, *, asks: str = "checkout-config", written: str = "checkout-config") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "uid": uid, "creationTimestamp": f"2026-01-01T00:00:0{uid[-1]}Z"},
        "spec": {"target": {"name": asks}},
        "status": {"target": {"name": written}},
    }


class ListedSources:
    """Has these sources: the lists one after the other, the last of them again and again; a page has a source."""

    def __init__(self, *lists: list[dict[str, Any]], gone_at: int = 0, error: Exception | None = None) -> None:
        self.lists = list(lists)
        self.gone_at = gone_at
        self.error = error
        self.gets: list[str] = []
        self.pages = 0
        self.limits: list[int] = []

    def call(self, method: str, path: str, **_: object) -> dict[str, Any]:
        assert method == "GET"
        name = path.rpartition(f"/{PLURAL}/")[2]
        self.gets.append(name)
        for one in self.lists[0]:
            if one["metadata"]["name"] == name:
                return one
        raise NOT_FOUND

    def sized(
        self, _method: str, _path: str, *, query: dict[str, str], limit_bytes: int, **_: object
    ) -> tuple[dict[str, Any], int]:
        if self.error is not None:
            raise self.error
        self.pages += 1
        self.limits.append(limit_bytes)
        if self.pages == self.gone_at:
            self.lists.pop(0)
            raise ApiError(410, {"kind": "Status", "reason": "Expired"})
        start = int(query.get("continue", 0))
        there = self.lists[0]
        token = str(start + 1) if start + 1 < len(there) else ""
        metadata = {"resourceVersion": str(len(self.lists)), "continue": token}
        return {"metadata": metadata, "items": there[start : start + 1] or None}, 100


def last_writer(api: Any) -> str | None:
    found = OtherSources(api).last_writer(want("mine"))
    return None if found is None else found.name


MINE = made("mine", "mine")


def test_what_the_source_itself_created_costs_one_lookup() -> None:
    api = ListedSources([MINE, made("other", "1")])
    assert last_writer(api) is None
    assert (api.gets, api.pages) == (["mine"], 0)


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ([], None),
        ([made("other", "1")], "other"),
        ([made("mine", "again-2"), made("other", "1")], "other"),
        ([made("mine", "mine", written=""), made("younger", "3"), made("other", "2")], "other"),
        ([made("mine", "mine", asks="another"), made("other", "2")], "other"),
        ([made("mine", "mine", written=""), made("other", "1", written="")], None),
        ([made("mine", "mine", written=""), made("other", "1", asks="another")], None),
    ],
    ids=["none", "mine is gone", "mine is another", "the older", "mine asks no more", "both wait", "gave it up"],
)
def test_another_source_that_made_it_makes_it_again(sources: list[dict[str, Any]], expected: str | None) -> None:
    api = ListedSources(sources)
    assert last_writer(api) == expected
    assert set(api.limits) == {PAGE_BYTES}, "no page fills the memory"


def test_what_a_list_said_before_it_started_over_is_void() -> None:
    before = [made("other", "1"), made("more", "2")]
    assert last_writer(ListedSources(before, [made("more", "2")], gone_at=2)) == "more"
    assert last_writer(ListedSources(before, [], gone_at=2)) is None


@pytest.mark.parametrize("error", [ApiError(503, {}), ApiError(404, {}), UnreachableError("cut")])
def test_a_list_that_fails_says_nothing(error: Exception) -> None:
    with pytest.raises(TransientError):
        last_writer(ListedSources([], error=error))


def test_a_forbidden_list_names_the_missing_permission() -> None:
    with pytest.raises(ForbiddenError, match="Allow the operator to list appconfigsources"):
        last_writer(ListedSources([], error=ApiError(403, {"kind": "Status", "reason": "Forbidden"})))


def test_no_source_looks_itself_up() -> None:
    looking, api = claims(NOT_FOUND)
    assert not looking.is_held(want("another"), others())
    assert not looking.is_held_by_another(source(uid="another"), others())
    assert looking.waiting(source(), others()) == frozenset()
    assert looking.rivals(want("mine"), others()) == {}
    assert api.calls == 0


def test_made_up_owners_cost_a_bounded_number_of_lookups() -> None:
    looking, api = claims(NOT_FOUND)
    crowded = others()
    crowded["metadata"]["ownerReferences"] += [
        references.reference(f"made-up-{number}", str(number), controls=False) for number in range(1000)
    ]
    assert looking.waiting(source(uid="another"), crowded) == frozenset()
    assert api.calls == WAITING_LIMIT
