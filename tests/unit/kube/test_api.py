"""Each call of the API server is reported, whatever its outcome."""

from __future__ import annotations

from contextlib import suppress

import pytest
from kubernetes import client

from appconfig_operator.kube.api import Api
from appconfig_operator.kube.errors import ApiError, UnreachableError, was_authorized
from tests.unit.support.answering import Answering, answering

PATH = "/api/v1/namespaces/shop/configmaps/checkout"


class RecordedRequests(list[tuple[str, str, int | None]]):
    """What was reported."""

    def __call__(self, verb: str, resource: str, code: int | None) -> None:
        self.append((verb, resource, code))


def make(server: Answering, reported: RecordedRequests | None) -> Api:
    configuration = client.Configuration()
    configuration.host = server.url
    configuration.retries = False
    return Api(client.ApiClient(configuration), on_call=reported)


@pytest.mark.parametrize("status", [200, 404, 500])
def test_an_answer(status: int) -> None:
    reported = RecordedRequests()
    with answering((status, b"{}")) as server, suppress(ApiError):
        make(server, reported).call("PUT", PATH, body={})
    assert reported == [("update", "configmaps", status)]


def test_a_response_that_is_not_from_kubernetes() -> None:
    reported = RecordedRequests()
    with answering((200, b"<html>")) as server, pytest.raises(UnreachableError):
        make(server, reported).call("GET", PATH)
    assert reported == [("get", "configmaps", 200)]


def test_no_answer() -> None:
    reported = RecordedRequests()
    with answering(None) as server, pytest.raises(UnreachableError):
        make(server, reported).call("DELETE", PATH)
    assert reported == [("delete", "configmaps", None)]


@pytest.mark.parametrize(("answer", "code"), [((200, b'{"a":1}\n'), 200), ((410, b"{}"), 410), (None, None)])
def test_a_watch(answer: tuple[int, bytes] | None, code: int | None) -> None:
    """It is reported once, when it begins; what becomes of the stream is no call."""
    reported = RecordedRequests()
    with answering(answer) as server, suppress(ApiError, UnreachableError):
        assert list(make(server, reported).stream("/api/v1/configmaps", query={}, accept="*/*")) == [{"a": 1}]
    assert reported == [("watch", "configmaps", code)]


def test_nobody_is_notified() -> None:
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
def test_whether_it_was_authorized(answer: tuple[int, bytes] | None, allowed: bool | None) -> None:  # noqa: FBT001 (expected)
    reported: list[tuple[str, str, str, bool]] = []

    def on_right(verb: str, resource: str, namespace: str, *, allowed: bool) -> None:
        reported.append((verb, resource, namespace, allowed))

    configuration = client.Configuration()
    with answering(answer) as server, suppress(ApiError, UnreachableError):
        configuration.host, configuration.retries = server.url, False
        Api(client.ApiClient(configuration), on_right=on_right).call("PUT", PATH, body={})
    assert reported == [("update", "configmaps", "shop", allowed)] * (allowed is not None)


def test_a_refused_watch_lacks_the_permission() -> None:
    """Quotas and webhooks have no say in it, and its answer is not read yet."""
    assert was_authorized(403, b"") is False
