"""The report shows what AWS answers, and nothing that is the user's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.support.aws_check import ACCOUNT, ARN, ION, SECRET
from tools.aws_check.safe import Report, content, header, shape


def reported(status: int | None, headers: dict[str, str], body: bytes, *names: str) -> str:
    lines: list[str] = []
    Report(lines.append, names).answer(status, headers, body, "")
    return "".join(lines)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("content-type", "application/json", "application/json"),
        ("content-type", "application/ion; type=AWS.AppConfig.FeatureFlags", None),
        ("content-type", "application/json; charset=utf-8", None),
        ("content-type", "application/x-yaml", None),
        ("content-type", f"text/plain; owner={SECRET}", "another type, */*;*=*"),
        ("content-type", f"application/vnd.{SECRET}+json", "another type, */*+*"),
        ("content-type", f"{SECRET}/json", "another type, */*"),
        ("content-type", f"application/json; charset={SECRET}", "another type, */*;*=*"),
        ("content-type", "/" * 10_000, f"another type, {'/' * 200}"),
        ("content-length", "868", "868"),
        ("next-poll-interval-in-seconds", "60", "60"),
        ("next-poll-configuration-token", "AQIC" * 200, "800 characters"),
        ("x-amzn-errortype", "BadRequestException:", "BadRequestException:"),
        ("x-amzn-errortype", f"{SECRET}:{SECRET}", "15 characters"),
        ("x-amzn-requestid", "0f7b9d3e-0000-4000-8000-000000000000", "36 characters"),
        ("last-modified", "Mon, 28 Sep 2026 12:01:25 GMT", "a date, GMT"),
        ("version-label", SECRET, "7 characters"),
        ("experiment-flags", f"cart={ARN}|t1=__t1__", f"{len(ARN) + 15} characters"),
        (SECRET, SECRET, "7 characters"),
    ],
)
def test_headers(name: str, value: str, shown: str | None) -> None:
    assert header(name, value) == (shown or value)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"", "empty"),
        (b"\xff\xfe" + SECRET.encode(), "9 bytes, neither JSON nor Ion"),
        (b"[" * 100_000, "100000 bytes, neither JSON nor Ion"),
        (b"[]", "2 bytes, JSON: []"),
        (
            json.dumps({SECRET: {"enabled": True, "_variant": SECRET, SECRET: 2}, "b": {"enabled": False}}).encode(),
            "JSON: {*: {enabled: boolean, _variant: string, *: number}, *: {enabled: boolean}}",
        ),
        (json.dumps([SECRET, SECRET, None, 1.5, [1]]).encode(), "JSON: [2 x string, null, number, [number]]"),
        (ION, "binary Ion: 3 flags, imported symbols ops 10-32, anns 33-44"),
    ],
    ids=lambda value: value[:12] if isinstance(value, bytes) else "",
)
def test_bodies(body: bytes, shown: str) -> None:
    assert content(body).endswith(shown)
    assert SECRET not in content(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.just(71_077_345) | st.just(SECRET),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.just(SECRET) | st.just("enabled"), inner, max_size=2)
    ),
)


@given(JSON)
def test_no_value_and_no_name_is_in_a_shape(value: Any) -> None:
    assert not any(secret in shape(value) for secret in (SECRET, "71077345"))


def test_a_refusal_shows_the_words_of_aws_and_nothing_of_the_user() -> None:
    body = {
        "Message": f"The profile {SECRET} of {ACCOUNT} at {ARN} is not shop.",
        "ResourceType": "Configuration",
        "ReferencedBy": {"ConfigurationToken": "AQIC" * 200, f"{SECRET} {ARN}": "x"},
        "Details": {"InvalidParameters": {"ConfigurationToken": {"Problem": "Corrupted"}}, "More": [SECRET]},
        "Reason": "shop",
    }
    text = reported(
        404, {"x-amzn-errortype": "ResourceNotFoundException:"}, json.dumps(body).encode(), "shop", "", SECRET
    )
    assert "status 404" in text
    assert '{Message: "The profile … of … at … is not …", ResourceType: Configuration, ReferencedBy: {' in text
    assert "ConfigurationToken: 800 characters, …: 1 characters}" in text
    assert "Details: {InvalidParameters: {ConfigurationToken: {Problem: Corrupted}}, More: [string]}" in text
    assert "Reason: 4 characters}" in text
    assert not any(secret in text for secret in (SECRET, ACCOUNT, "AQIC", "shop"))


def test_no_answer() -> None:
    lines: list[str] = []
    Report(lines.append).answer(None, {}, b"", "EndpointConnectionError")
    assert lines == ["  no answer: EndpointConnectionError\n"]


@pytest.mark.parametrize("line", [f"x {ACCOUNT}", f"x {ARN}", "AKIAIOSFODNN", f"a {SECRET} b"])
def test_whatever_comes_to_the_report_it_shows_no_secret(line: str) -> None:
    """The last guard, should another one fail."""
    lines: list[str] = []
    report = Report(lines.append)
    report.keep_secret(SECRET)
    report.keep_secret("")
    report.say(line)
    report.say("fine")
    assert lines == ["(a line is left out: it had an account, a key or a token in it)\n", "fine\n"]
