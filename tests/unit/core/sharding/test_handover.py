"""Saved sessions: they are read as they were written, damage is ignored, and clocks that differ do no harm."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appconfig_operator.core.backoff import JITTER_CAP_SECONDS
from appconfig_operator.core.sharding.handover import (
    CHUNK_BYTES,
    RESERVE_SECONDS,
    SKEW_SECONDS,
    TOKEN_SECONDS,
    Chunk,
    HandedOver,
    SavedSession,
    decode,
    delay,
    encode,
    usable,
)
from tests.support.builders import UID, source

SECRET = "AQICAHh-hunter2-not-to-be-shown"
NOW = 1_800_000_000.0

sessions = st.builds(
    HandedOver,
    uid=st.text(),
    generation=st.integers(0),
    issued=st.floats(0, 1e11),
    due=st.floats(0, 1e11),
    latest_data_digest=st.text(),
    session=st.builds(
        SavedSession,
        token=st.text(min_size=1),
        interval=st.integers(1, 86400),
        delivered=st.booleans(),
    ),
)


def handed_over(**changes: Any) -> HandedOver:
    session = SavedSession(token=SECRET, interval=60, delivered=True)
    return replace(HandedOver(UID, 1, NOW - 30, NOW + 30, "sha256:ab", session), **changes)


def lengths(chunks: list[bytes]) -> list[int]:
    return [len(chunk) for chunk in chunks]


def decoded(chunks: list[bytes]) -> list[HandedOver]:
    read = [decode(chunk) for chunk in chunks]
    return [session for chunk in read if chunk is not None for session in chunk.sessions]


@given(handed=st.lists(sessions), set_id=st.text())
def test_what_is_handed_over_comes_back(handed: list[HandedOver], set_id: str) -> None:
    chunks = encode(handed, set_id)
    assert decoded(chunks) == handed
    assert {chunk.set_id for chunk in map(decode, chunks) if chunk is not None} == ({set_id} if handed else set())


def test_many_are_split_into_chunks_that_fit_into_a_secret() -> None:
    many = [
        handed_over(uid=str(number), session=SavedSession("t" * 400, 60, delivered=True)) for number in range(10_000)
    ]
    chunks = encode(many, "a")
    assert decoded(chunks) == many
    assert max(lengths(chunks)) <= CHUNK_BYTES
    assert min(lengths(chunks)[:-1]) > CHUNK_BYTES - 1_000, "and are filled"


@given(st.lists(st.integers(1, 400_000), max_size=8))
def test_no_chunk_is_too_long(tokens: list[int]) -> None:
    many = [handed_over(session=SavedSession("t" * length, 60, delivered=True)) for length in tokens]
    chunks = encode(many, "a")
    assert all(length <= CHUNK_BYTES for length in lengths(chunks))
    assert len(decoded(chunks)) == len(many)


def test_a_session_that_is_longer_than_a_chunk_stands_alone() -> None:
    long = handed_over(latest_data_digest="x" * CHUNK_BYTES)
    assert [len(decoded([chunk])) for chunk in encode([handed_over(), long, handed_over()], "a")] == [1, 1, 1]


@given(st.binary() | st.text().map(str.encode) | st.integers().map(lambda n: json.dumps(n).encode()))
def test_what_is_not_a_chunk_is_ignored(chunk: bytes) -> None:
    assert decode(chunk) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda chunk: chunk[:-1],
        lambda chunk: b"[" * 100_000,  # noqa: ARG005
        lambda chunk: chunk.replace(b'"version":1', b'"version":2'),
        lambda chunk: chunk.replace(b'"set":"a"', b'"set":7'),
        lambda chunk: chunk.replace(b'"sessions":[', b'"sessions":{"a":[') + b"}",
        lambda chunk: chunk.replace(b'"sessions"', b'"other"'),
        lambda chunk: b"[" + chunk + b"]",
        lambda chunk: chunk.replace(b",1,", b"," + b"9" * 5_000 + b","),
    ],
    ids=["cut", "deep", "version", "set", "object", "missing", "list", "long number"],
)
def test_a_damaged_chunk_is_ignored(damage: Any) -> None:
    (chunk,) = encode([handed_over()], "a")
    assert decode(chunk) is not None
    assert decode(damage(chunk)) is None


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, 7),
        (1, "1"),
        (2, "yesterday"),
        (2, float("nan")),
        (2, 10**400),
        (3, -1),
        (3, float("inf")),
        (4, None),
        (5, ""),
        (5, None),
        (6, 0),
        (6, 1.5),
        (7, 1),
        (8, None),
    ],
)
def test_a_damaged_session_is_left_out(place: int, value: Any) -> None:
    (chunk,) = encode([handed_over(), handed_over(uid="whole")], "a")
    read = json.loads(chunk)
    read["sessions"][0][place] = value
    assert decode(json.dumps(read).encode()) == Chunk("a", (handed_over(uid="whole"),))
    del read["sessions"][0][place]
    assert decode(json.dumps(read).encode()) == Chunk("a", (handed_over(uid="whole"),))


@pytest.mark.parametrize(
    ("age", "good"),
    [
        (0, True),
        (TOKEN_SECONDS - RESERVE_SECONDS - 1, True),
        (TOKEN_SECONDS - RESERVE_SECONDS, False),
        (TOKEN_SECONDS, False),
        (-SKEW_SECONDS, True),
        (-SKEW_SECONDS - 1, False),
    ],
)
def test_a_token_is_good_for_a_day(age: float, *, good: bool) -> None:
    assert usable(handed_over(issued=NOW - age), source(), NOW) is good


@pytest.mark.parametrize("changes", [{"uid": "another"}, {"generation": 2}, {"generation": 0}])
def test_a_session_is_for_one_spec_of_one_source(changes: dict[str, Any]) -> None:
    assert usable(handed_over(), source(), NOW)
    assert not usable(handed_over(), source(**changes), NOW)


def test_the_interval_goes_on() -> None:
    assert delay(handed_over(due=NOW + 30), NOW) == 30


@given(due=st.floats(0, 1e11), now=st.floats(0, 1e11))
def test_clocks_that_differ_do_no_harm(due: float, now: float) -> None:
    assert 0 <= delay(handed_over(due=due), now) <= 60 + JITTER_CAP_SECONDS


def test_no_token_is_shown() -> None:
    (chunk,) = encode([handed_over()], "a")
    assert SECRET not in f"{decode(chunk)!r}{handed_over()!r}{handed_over().session}"


@pytest.mark.parametrize("interval", [0, -1, 86_401, 10**400])
def test_an_interval_that_appconfig_never_gives_is_damage(interval: int) -> None:
    good = handed_over()
    damaged = replace(good, session=replace(good.session, interval=interval))
    assert decoded(encode([damaged, good], "set")) == [good]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), 10**400, -1.0])
@pytest.mark.parametrize("field", ["issued", "due"])
def test_a_value_that_is_not_a_time_is_damage(field: str, number: float) -> None:
    assert decoded(encode([handed_over(**{field: number}), handed_over()], "set")) == [handed_over()]
