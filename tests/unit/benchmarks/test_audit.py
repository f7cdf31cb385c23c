"""What the audit log says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.audit import AuditLog

if TYPE_CHECKING:
    from pathlib import Path


def entry(verb: str, resource: str, name: str = "", *, user: str = "me", **fields: Any) -> str:
    return json.dumps(
        {
            "stage": "ResponseComplete",
            "user": {"username": user},
            "verb": verb,
            "requestURI": f"/apis/{resource}",
            "objectRef": {"resource": resource, "name": name},
            "responseStatus": {"code": 200},
            "stageTimestamp": "2026-01-01T00:00:01.500000Z",
            **fields,
        },
        separators=(",", ":"),
    )


def write(path: Path, *lines: str, end: str = "\n") -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + end)


def test_requests_are_told_once_and_only_when_they_are_there_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path, "me")
    write(path, entry("get", "configmaps", "a"), entry("get", "configmaps", "b", user="other"))
    write(path, entry("update", "configmaps", "c")[:30], end="")
    (first,) = log.read()
    assert (first.verb, first.resource, first.name, first.code) == ("get", "configmaps", "a", 200)
    assert first.answered == 1767225601.5
    write(path, entry("update", "configmaps", "c")[30:])
    assert [request.name for request in log.read()] == ["c"]
    assert log.read() == []


def test_a_watch_counts_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    write(path, entry("watch", "configmaps", stage="ResponseStarted"), entry("watch", "configmaps"))
    assert len(AuditLog(path, "me").read()) == 1


@pytest.mark.parametrize(
    ("verb", "resource", "kind"),
    [
        ("create", "events", "write"),
        ("patch", "appconfigsources", "write"),
        ("get", "configmaps", "read"),
        ("update", "leases", "handed_over"),
        ("create", "secrets", "handed_over"),
        ("get", "leases", ""),
        ("list", "configmaps", ""),
        ("get", "", ""),
    ],
)
def test_kinds_of_requests(tmp_path: Path, verb: str, resource: str, kind: str) -> None:
    path = tmp_path / "audit.jsonl"
    write(path, entry(verb, resource))
    (request,) = AuditLog(path, "me").read()
    assert [name for name in ("write", "read", "handed_over") if getattr(request, name)] == ([kind] if kind else [])
