"""Each call of the API server is told, whatever comes of it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from kubernetes import client

from appconfig_operator.kube.api import Api
from appconfig_operator.kube.errors import ApiError, UnreachableError, was_authorized
from tests.unit.support.answering import Answering, answering

PATH = "/api/v1/namespaces/shop/configmaps/checkout"


class RecordedRequests(list[tuple[str, str, int | None]]):
    """What was told."""

    def __call__(self, verb: str, resource: str, code: int | None) -> None:
        self.append((verb, resource, code))


def make(server: Answering, told: RecordedRequests | None) -> Api:
    configuration = client.Configuration()
    configuration.host = server.url
    configuration.retries = False
    return Api(client.ApiClient(configuration), on_call=told)


@pytest.mark.parametrize("status", [200, 404, 500])
def test_an_answer(status: int) -> None:
    told = RecordedRequests()
    with answering((status, b"{}")) as server, suppress(ApiError):
        make(server, told).call("PUT", PATH, body={})
    assert told == [("update", "configmaps", status)]


def test_an_answer_that_is_none_of_kubernetes() -> None:
    told = RecordedRequests()
    with answering((200, b"<html>")) as server, pytest.raises(UnreachableError):
        make(server, told).call("GET", PATH)
    assert told == [("get", "configmaps", 200)]


def test_no_answer() -> None:
    told = RecordedRequests()
    with answering(None) as server, pytest.raises(UnreachableError):
        make(server, told).call("DELETE", PATH)
    assert told == [("delete", "configmaps", None)]


@pytest.mark.parametrize(("answer", "code"), [((200, b'{"a":1}\n'), 200), ((410, b"{}"), 410), (None, None)])
def test_a_watch(answer: tuple[int, bytes] | None, code: int | None) -> None:
    """It is told once, when it begins; what becomes of the stream is no call."""
    told = RecordedRequests()
    with answering(answer) as server, suppress(ApiError, UnreachableError):
        assert list(make(server, told).stream("/api/v1/configmaps", query={}, accept="*/*")) == [{"a": 1}]
    assert told == [("watch", "configmaps", code)]


def test_nobody_is_told() -> None:
    with answering((200, b"{}")) as server:
        assert make(server, None).call("GET", PATH) == {}


NO_RIGHT = (
    b'{"kind":"Status","reason":"Forbidden","message":"configmaps is forbidden: User \\"system:serviceaccount:a:b\\" '
    b'cannot update resource \\"configmaps\\" in API group \\"\\" in the namespace \\"shop\\""}'
)
QUOTA = b'{"kind":"Status","reason":"Forbidden","message":"configmaps \\"x\\" is forbidden: exceeded quota: few"}'


@pytest.mark.parametrize(
    ("answer", "allowed"),
    [
        ((200, b"{}"), True),
        ((404, b"{}"), True),
        ((409, b"{}"), True),
        ((422, b"{}"), True),
        ((403, NO_RIGHT), False),
        ((403, QUOTA), None),
        ((401, b"{}"), None),
        ((429, b"{}"), None),
        ((500, b"{}"), None),
        (None, None),
    ],
)
def test_whether_it_was_let_through(answer: tuple[int, bytes] | None, allowed: bool | None) -> None:  # noqa: FBT001 (expected)
    told: list[tuple[str, str, str, bool]] = []

    def on_right(verb: str, resource: str, namespace: str, *, allowed: bool) -> None:
        told.append((verb, resource, namespace, allowed))

    configuration = client.Configuration()
    with answering(answer) as server, suppress(ApiError, UnreachableError):
        configuration.host, configuration.retries = server.url, False
        Api(client.ApiClient(configuration), on_right=on_right).call("PUT", PATH, body={})
    assert told == [("update", "configmaps", "shop", allowed)] * (allowed is not None)


def test_a_watch_that_is_refused_lacks_the_right() -> None:
    """Quotas and webhooks have no say in it, and its answer is not read yet."""
    assert was_authorized(403, b"") is False
