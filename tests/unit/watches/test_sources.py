"""The watch on sources goes on, whatever ends it."""

from __future__ import annotations

import asyncio

import pytest

from appconfig_operator.kube.errors import ApiError, UnreachableError
from appconfig_operator.watches import sources as module
from tests.unit.support.watching import NO_RIGHT, FakeSources, Watching, eventually, refused

API = FakeSources.server


def test_one_that_was_deleted_between_two_watches_is_noticed(it: Watching) -> None:
    it.start_listed("a", "b")
    it.sources.there = {"b"}
    it.watch.end()
    eventually(lambda: it.kopf.begun == 2)
    assert it.scheduler.uids() == {"b"}


def test_an_api_server_that_asks_for_patience_gets_it(it: Watching) -> None:
    it.sources.error = ApiError(429, {}, retry_after=300.0)
    it.start()
    it.looked(1)
    eventually(lambda: it.sources.lists == 2)
    it.stop.wait(0.1)
    assert it.sources.lists == 2, "by the watch, and by the look for what was deleted"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UnreachableError("no route"), f"The Kubernetes API server {API} cannot be reached (no route); retrying"),
        (
            ApiError(401, {"kind": "Status", "reason": "Unauthorized", "message": "Unauthorized"}),
            (
                "The Kubernetes API server refused to list the sources (HTTP 401 Unauthorized). Check the token of "
                "the kubeconfig, or of the ServiceAccount"
            ),
        ),
        (refused(500), f"The Kubernetes API server refused to list the sources (HTTP 500 Forbidden): {NO_RIGHT}"),
        (refused(), ""),
        (KeyError("metadata"), "The watch ended (KeyError), and is restarted"),
    ],
)
def test_an_api_server_that_is_away_at_first_is_waited_for(
    it: Watching, caplog: pytest.LogCaptureFixture, error: Exception, words: str
) -> None:
    it.sources.error = error
    known = it.start()
    it.looked(6)
    assert it.kopf.begun == 0
    assert not known.listed.is_set()
    it.sources.error = None
    assert known.listed.wait(10)
    assert it.kopf.watching.wait(10)
    assert caplog.messages.count(words) == bool(words), "once, and not at each try"
    assert "403" not in caplog.text, "a missing permission is logged elsewhere"


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("https://api/apis/a/v1/namespaces/cart/appconfigsources?limit=500", ("list", "appconfigsources", "cart")),
        ("https://api/apis/a/v1/appconfigsources?limit=500", ("list", "appconfigsources", "")),
        ("https://api/apis/a/v1/appconfigsources?timeout=9&watch=true&x=y", ("watch", "appconfigsources", "")),
    ],
)
def test_what_kopf_is_refused_is_passed_on(it: Watching, url: str, right: tuple[str, str, str]) -> None:
    it.start_listed("a")
    before = it.sources.lists
    it.kopf.on_refused(url)
    assert it.rights == [(*right, False)]
    if right[0] == "list":
        eventually(lambda: it.sources.lists > before)  # which namespace it is, to leave it out


def test_the_definition_may_come_later(it: Watching, caplog: pytest.LogCaptureFixture) -> None:
    it.sources.crd = False
    known = it.start()
    eventually(lambda: it.sources.looks > 5)
    assert (it.kopf.begun, it.sources.lists, known.listed.is_set()) == (0, 0, False)
    it.sources.crd = True
    assert known.listed.wait(10)
    assert it.kopf.watching.wait(10)
    assert caplog.messages == ["The CRD appconfigsources.appconfig-operator.io is not installed: apply crds/"]


@pytest.mark.parametrize("end", [RuntimeError("404"), None])
def test_a_deleted_definition_is_logged_at_once_and_in_place_of_the_end_of_the_watch(
    it: Watching, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, end: BaseException | None
) -> None:
    def gone() -> bool:
        it.sources.crd = False
        return True

    monkeypatch.setattr(it.sources, "gone", gone, raising=False)
    it.kopf.ends.append(end)
    it.start()
    eventually(lambda: it.sources.looks > 3)
    it.sources.crd = True
    assert it.kopf.watching.wait(10)
    assert caplog.messages == [module.NOT_INSTALLED]


def test_a_proxy_on_the_way_is_named(it: Watching, caplog: pytest.LogCaptureFixture) -> None:
    it.sources.proxy = "http://proxy.example:3128"
    it.sources.errors.append(UnreachableError("ProxyError"))
    it.start()
    assert it.kopf.watching.wait(10)
    assert f"{API} cannot be reached (ProxyError); retrying. It is reached through the proxy" in caplog.text
    assert "http://proxy.example:3128 (HTTPS_PROXY, or proxy-url of the kubeconfig)" in caplog.text


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (None, "The watch ended, and is restarted"),
        (RuntimeError("hunter2"), "The watch ended (RuntimeError), and is restarted"),
        (asyncio.CancelledError(), "The watch ended (CancelledError), and is restarted"),
        (UnreachableError("hunter2"), "The watch ended (UnreachableError), and is restarted"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_watch_goes_on_whatever_ends_it(
    it: Watching,
    caplog: pytest.LogCaptureFixture,
    end: BaseException | None,
    words: str,
) -> None:
    it.kopf.ends = [end]
    it.start()
    assert it.kopf.watching.wait(10)
    assert it.kopf.begun == 2
    assert caplog.messages == [words]


def test_nothing_is_started_after_the_stop(it: Watching) -> None:
    it.start_listed("a")
    assert it.end()
    assert it.kopf.begun == 1
