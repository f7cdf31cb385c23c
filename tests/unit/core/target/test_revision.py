from __future__ import annotations

import base64
import gzip
import json
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appconfig_operator.api.status import KeptVersion
from appconfig_operator.core.formats.render import Data
from appconfig_operator.core.target.rendered_version import RenderedVersion
from appconfig_operator.core.target.revision import (
    UNPACKED_LIMIT_BYTES,
    from_revision,
    name_prefix,
    noted,
    revision_names,
    to_revision,
)
from tests.support.builders import UID, source

ETCD_LIMIT = 1_572_864
NOW = "2026-01-01T00:00:00Z"
READ_ONLY = {"uid": "1-2", "resourceVersion": "7", "creationTimestamp": "2025-12-31T23:59:59Z"}
"""What the API server adds."""


def version(text: str = "x", binary: str | None = None) -> RenderedVersion:
    return RenderedVersion(Data(text={"k": text}, binary={"b": binary} if binary else {}), "v1", "text/plain")


def revision(kept: RenderedVersion | None = None, number: int = 7) -> dict[str, Any]:
    """Make one as the API server sends it."""
    kept = kept or version()
    entry = KeptVersion(kept.data.data_digest, kept.label, number, NOW)
    body: dict[str, Any] = json.loads(json.dumps(to_revision(source(), kept, entry)))
    body["metadata"] |= READ_ONLY
    return body


def packed(raw: bytes) -> dict[str, str]:
    return {"gzip": base64.b64encode(gzip.compress(raw)).decode()}


@pytest.mark.parametrize(
    "kept",
    [
        version(),
        version('ü\x00\\"', "/w=="),
        version("a=1&b=<2>\u2028\u2029"),
        version("x" * 1_000_000),
        version("\x01" * 1_000_000),
        RenderedVersion(Data({}, {}), "", ""),
        RenderedVersion(Data({f"{number}": "" for number in range(50_000)}, {}), "", ""),
    ],
    ids=["plain", "binary", "re-encoded by Go", "large", "long escapes", "nothing", "many keys"],
)
def test_a_kept_version_comes_back_as_it_was(kept: RenderedVersion) -> None:
    body = revision(kept)
    found = from_revision(source(), body)
    assert found is not None
    assert found.version == kept
    assert found.kept == KeptVersion(kept.data.data_digest, kept.label, 7, NOW)
    assert found.deletion()["preconditions"] == {"uid": "1-2", "resourceVersion": "7"}
    assert len(json.dumps(body)) < ETCD_LIMIT


@given(st.dictionaries(st.text(), st.text()), st.dictionaries(st.text(), st.text()))
def test_whatever_is_kept_is_read_again(text: dict[str, str], binary: dict[str, str]) -> None:
    kept = RenderedVersion(Data(text, binary), "", "")
    try:
        body = revision(kept)
    except UnicodeEncodeError:  # half of a surrogate pair: no content has one
        return
    found = from_revision(source(), body)
    assert found is not None
    assert found.version == kept


@pytest.mark.parametrize("kept", [version(), version("<&>" * 100_000)])
def test_there_is_nothing_to_re_encode(kept: RenderedVersion) -> None:
    (data,) = revision(kept)["data"].values()
    assert set(data) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


def test_what_a_release_before_kept_is_read() -> None:
    body = revision() | {"data": {"data": {"k": "x"}}}
    for name in ("revision", "replaced-time"):
        del body["metadata"]["annotations"][f"appconfig-operator.io/{name}"]
    found = from_revision(source(), body)
    assert found is not None
    assert found.version == version()
    assert (found.kept.revision, found.kept.replaced_time) == (7, READ_ONLY["creationTimestamp"])
    assert noted(body["metadata"]) == (version().data.data_digest, 0)


def test_a_revision_belongs_to_its_source() -> None:
    metadata = revision()["metadata"]
    (owner,) = metadata["ownerReferences"]
    assert (owner["uid"], owner["blockOwnerDeletion"]) == (UID, False)
    assert noted(metadata) == (version().data.data_digest, 7)


@pytest.mark.parametrize(
    "damage",
    [
        {"data": {"data": {"k": "changed"}}},
        {"data": {"gzip": "no base64"}},
        {"data": {"gzip": "bm8gZ3ppcA=="}},
        {"data": {"gzip": "H4sIAAAAAAACA////w=="}},
        {"data": {"gzip": revision()["data"]["gzip"][:-8] + "AAAAAA=="}},
        {"data": {"gzip": 7}},
        {"data": packed(b"{}" + b" " * UNPACKED_LIMIT_BYTES)},
        {"data": packed(b"[" * 100_000)},
        {"data": packed(b'{"data": {"k": ["x"]}}')},
        {"data": packed(b'{"data": {"k": "\\ud800"}}')},
        {"data": packed(b'{"data": {"k": "\\x"}}')},
        {"data": {"data": 7}},
        {"data": {"data": {"k": 7}}},
        {"data": ["data"]},
        {"data": None},
        {"metadata": {}},
        {"metadata": {"ownerReferences": [{"uid": UID}]}},
        {"metadata": revision()["metadata"] | {"annotations": {}}},
        {"revision": 0},
        {"revision": 2**63 - 1},
        {"revision": "7"},
    ],
)
def test_what_is_damaged_or_forged_is_not_a_version(damage: dict[str, Any]) -> None:
    assert from_revision(source(), revision() | damage) is None


def test_what_belongs_to_another_source_is_not_a_version() -> None:
    assert from_revision(source(uid="another"), revision()) is None


@pytest.mark.parametrize("number", ["", "x", "-1", "0", "1" * 17])
def test_an_invalid_number_is_0(number: str) -> None:
    metadata = {"annotations": {"appconfig-operator.io/revision": number}}
    assert noted(metadata) == ("", 0)


@pytest.mark.parametrize("time", ["", "tomorrow", "2026-13-01T00:00:00Z", "x" * 100])
def test_an_invalid_time_is_that_of_the_object(time: str) -> None:
    body = revision()
    body["metadata"]["annotations"]["appconfig-operator.io/replaced-time"] = time
    found = from_revision(source(), body)
    assert found is not None
    assert found.kept.replaced_time == READ_ONLY["creationTimestamp"]


@pytest.mark.parametrize(
    "bomb",
    [
        b"0" * 100_000_000,
        b'{"data": {' + b", ".join(b'"%x": ""' % number for number in range(600_000)) + b"}}",
        b'{"data": {"k": ' + b"[" * 4_000_000,
        b'{"data": {"k": [' + b"[]," * 2_000_000,
    ],
    ids=["zeros", "many keys", "deep", "many lists"],
)
def test_a_bomb_stays_small(bomb: bytes) -> None:
    body = revision() | {"data": packed(bomb)}
    del bomb
    tracemalloc.start()
    assert from_revision(source(), body) is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 * 1024 * 1024


@given(name=st.from_regex(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?", fullmatch=True))
def test_the_name_of_a_revision_is_valid_and_tells_versions_and_numbers_apart(name: str) -> None:
    called = source(name=name)
    names = {
        revision_names(called, version(text).data.data_digest, number)[0]
        for text in ("1", "2")
        for number in (1, 2**53)
    }
    assert len(names) == 4
    for one in names:
        assert one.startswith(name_prefix(called))
        assert len(one) <= 253
        assert (
            all(part and part.strip("-") == part for part in one.split("."))
            or ".-" in name
            or "-." in name
            or ".." in name
        )


def test_a_name_without_a_number_is_that_of_releases_before() -> None:
    data_digest = version().data.data_digest
    numbered, plain = revision_names(source(), data_digest, 3)
    assert numbered == f"{plain}-3"
    assert revision_names(replace(source()), data_digest, None) == [plain]
