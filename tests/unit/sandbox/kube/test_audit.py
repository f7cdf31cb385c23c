"""The audit log of the API server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.kube.audit import Request, read_requests

if TYPE_CHECKING:
    from pathlib import Path


def entry(identifier: str, user: str, verb: str = "get", code: int = 200) -> str:
    content = {
        "auditID": identifier,
        "verb": verb,
        "user": {"username": user, "extra": {"authentication.kubernetes.io/credential-id": ["JTI=1-2"]}},
        "requestReceivedTimestamp": "1970-01-01T00:01:00.500000Z",
        "requestURI": "/x",
        "objectRef": {"resource": "configmaps", "namespace": "shop", "name": "a", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": code},
    }
    return json.dumps(content, separators=(",", ":")) + "\n"


def test_requests_of_one_user(tmp_path: Path) -> None:
    log = tmp_path / "audit"
    log.write_text(entry("1", "a") + entry("2", "ab") + entry("3", "a", "create", 201))
    assert [(request.verb, request.code) for request in read_requests(log, "a")] == [("get", 200), ("create", 201)]
    assert len(read_requests(log)) == 3


def test_who_is_only_named_did_not_ask(tmp_path: Path) -> None:
    log = tmp_path / "audit"
    content = json.loads(entry("1", "root")) | {"impersonatedUser": {"username": "a"}}
    log.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    assert read_requests(log, "a") == []
    assert len(read_requests(log, "root")) == 1


def test_fields(tmp_path: Path) -> None:
    log = tmp_path / "audit"
    log.write_text(entry("1", "a"))
    assert read_requests(log) == [
        Request(
            user="a",
            verb="get",
            group="",
            resource="configmaps",
            subresource="",
            namespace="shop",
            name="a",
            uri="/x",
            code=200,
            time=60.5,
            credential="1-2",
        )
    ]


def test_a_watch_counts_once(tmp_path: Path) -> None:
    log = tmp_path / "audit"
    log.write_text(entry("1", "a", "watch") + entry("2", "a") + entry("1", "a", "watch"))
    assert [request.verb for request in read_requests(log, "a")] == ["watch", "get"]


def test_a_line_that_is_being_written_is_left_for_later(tmp_path: Path) -> None:
    log = tmp_path / "audit"
    log.write_text(entry("1", "a") + entry("2", "a")[:-1])
    assert len(read_requests(log, "a")) == 1
    log.write_text(entry("1", "a") + entry("2", "a")[:30])
    assert len(read_requests(log)) == 1


def test_no_log_yet(tmp_path: Path) -> None:
    assert read_requests(tmp_path / "audit") == []
