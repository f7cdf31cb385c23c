"""`make aws-check FLAGS=1` finds the IDs of operators, and deletes what it made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.unit.support.aws_check import ARN, ION, SECRET
from tools.aws_check.calls import Answer
from tools.aws_check.flags import RULES, check_flags
from tools.aws_check.safe import Report

if TYPE_CHECKING:
    from mypy_boto3_appconfig import AppConfigClient

    from tools.aws_check.calls import DataPlane


class Control:
    """AppConfig's control plane, which fails where it is reported to."""

    def __init__(self, fails: str = "", error: BaseException | None = None, *, lost: bool = False) -> None:
        self.fails, self.error, self.lost = fails, error, lost
        self.there: set[str] = set()
        self.bypassed = 0

    def _make(self, operation: str, kind: str) -> dict[str, Any]:
        if operation == self.fails and not self.lost:
            self._fail()
        self.there.add(kind)
        if operation == self.fails:
            self._fail()
        return {"Id": kind, "VersionNumber": 1, "DeploymentNumber": 1}

    def _fail(self) -> None:
        assert self.error is not None
        raise self.error

    def create_application(self, Name: str) -> dict[str, Any]:  # noqa: N803 (boto3's)
        self.name = Name
        return self._make("create_application", "application")

    def create_environment(self, **_: Any) -> dict[str, Any]:
        return self._make("create_environment", "environment")

    def create_configuration_profile(self, **_: Any) -> dict[str, Any]:
        return self._make("create_configuration_profile", "profile")

    def create_deployment_strategy(self, **_: Any) -> dict[str, Any]:
        return self._make("create_deployment_strategy", "strategy")

    def create_hosted_configuration_version(self, **_: Any) -> dict[str, Any]:
        return self._make("create_hosted_configuration_version", "version")

    def start_deployment(self, **_: Any) -> dict[str, Any]:
        return self._make("start_deployment", "deployment")

    def get_deployment(self, **_: Any) -> dict[str, Any]:
        self._make("get_deployment", "deployment")
        return {"State": "COMPLETE"}

    def stop_deployment(self, **_: Any) -> None:
        raise refusal("BadRequestException")

    def get_paginator(self, operation: str) -> Control:
        self.listed = operation
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        kind = {
            "list_applications": "application",
            "list_environments": "environment",
            "list_configuration_profiles": "profile",
            "list_hosted_configuration_versions": "version",
            "list_deployment_strategies": "strategy",
        }[self.listed]
        name = "check" if kind in {"environment", "profile"} else self.name
        return [
            {"Items": []},
            {"Items": [{"Id": kind, "Name": name, "VersionNumber": 1}] if kind in self.there else []},
        ]

    def _delete(self, kind: str, *inner: str) -> None:
        assert not self.there & set(inner), "AWS refuses to delete what is not empty"
        if kind not in self.there:
            raise refusal("ResourceNotFoundException")
        self.there.discard(kind)

    def delete_hosted_configuration_version(self, **_: Any) -> None:
        self._delete("version")

    def delete_configuration_profile(self, **options: Any) -> None:
        self.bypassed += options["DeletionProtectionCheck"] == "BYPASS"
        self._delete("profile", "version")

    def delete_environment(self, **options: Any) -> None:
        self.bypassed += options["DeletionProtectionCheck"] == "BYPASS"
        self._delete("environment")

    def delete_application(self, **_: Any) -> None:
        self._delete("application", "profile", "environment")

    def delete_deployment_strategy(self, **_: Any) -> None:
        self._delete("strategy")


class Plane:
    """A data plane that has the flags."""

    def __init__(self, body: bytes = ION, refusals: int = 0) -> None:
        self.body, self.refusals = body, refusals

    def start(self, what: str, *_: str) -> str:
        assert what
        self.refusals -= 1
        return "" if self.refusals >= 0 else "token"

    def latest(self, what: str, token: str, *, accept: str) -> Answer:
        assert (what, token) == ("latest: the flags, Ion accepted", "token")
        assert "application/ion" in accept
        return Answer(200, {}, self.body)


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"{SECRET} {ARN}"}}, "Operation")


def check(control: Control, plane: Plane) -> tuple[bool, str]:
    lines: list[str] = []
    report = Report(lines.append)
    try:
        good = check_flags(cast("DataPlane", plane), cast("AppConfigClient", control), report, lambda _: None)
    except (KeyboardInterrupt, SystemExit):
        good = False
    return good, "".join(lines)


def test_the_ids_of_operators_are_found_and_all_is_deleted() -> None:
    control = Control()
    good, text = check(control, Plane(refusals=2))
    assert good
    assert "gt             14       14" in text
    assert "not            12       12 24                 43" in text
    assert "other" not in text
    assert "symbols 10-32: the table ops" in text
    assert control.there == {"deployment"}
    assert control.bypassed == 2


CREATES = [
    "create_application",
    "create_environment",
    "create_configuration_profile",
    "create_deployment_strategy",
    "create_hosted_configuration_version",
    "start_deployment",
    "get_deployment",
]


@pytest.mark.parametrize("lost", [False, True], ids=["refused", "answer lost"])
@pytest.mark.parametrize(
    "error",
    [
        refusal("AccessDeniedException"),
        EndpointConnectionError(endpoint_url=SECRET),
        KeyboardInterrupt(),
        SystemExit(1),
    ],
    ids=["denied", "unreachable", "Ctrl-C", "SIGTERM"],
)
@pytest.mark.parametrize("fails", CREATES)
def test_whatever_fails_what_was_made_is_deleted(fails: str, error: BaseException, *, lost: bool) -> None:
    control = Control(fails, error, lost=lost)
    good, text = check(control, Plane())
    assert not good
    assert control.there <= {"deployment"}
    assert "deleted again" in text
    assert SECRET not in text


@pytest.mark.parametrize(
    ("plane", "words"),
    [(Plane(b"{}"), "the answer is not binary Ion"), (Plane(refusals=1000), "no session for the new profile")],
)
def test_without_an_answer_in_ion_all_is_deleted_too(plane: Plane, words: str) -> None:
    control = Control()
    good, text = check(control, plane)
    assert not good
    assert words in text
    assert control.there == {"deployment"}


def test_what_cannot_be_deleted_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control()

    def refuse(**_: Any) -> None:
        raise refusal("ConflictException")

    monkeypatch.setattr(control, "delete_deployment_strategy", refuse)
    good, text = check(control, Plane())
    assert not good
    assert f"DELETE BY HAND: deployment strategy {control.name}" in text


def test_what_is_left_is_told_where_it_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control()

    def refuse(**_: Any) -> None:
        raise refusal("ConflictException")

    monkeypatch.setattr(control, "delete_deployment_strategy", refuse)
    lines: list[str] = []
    alarms: list[str] = []
    report = Report(lines.append, (), alarms.append)
    assert not check_flags(cast("DataPlane", Plane()), cast("AppConfigClient", control), report, lambda _: None)
    assert alarms == [f"  DELETE BY HAND: deployment strategy {control.name}\n"]
    assert "BY HAND" not in "".join(lines)


def test_rules_that_aws_does_not_accept_are_named_and_the_others_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control()
    stored: list[set[str]] = []

    def store(**request: Any) -> dict[str, Any]:
        names = set(json.loads(request["Content"])["values"])
        if "check_matches" in names:
            raise refusal("BadRequestException")
        stored.append(names)
        return {"VersionNumber": len(stored)}

    monkeypatch.setattr(control, "create_hosted_configuration_version", store)
    good, text = check(control, Plane())
    assert good
    assert "matches: AWS does not accept the rule (BadRequestException)" in text
    assert stored[-1] == {f"check_{operator}" for operator in RULES} - {"check_matches"}


def test_each_operator_of_the_user_guide_has_a_rule() -> None:
    operators = "gt gte lt lte begins_with ends_with contains matches or and not eq in split exists"
    assert set(RULES) == set(operators.split())
    assert all(rule.startswith(f"({operator} ") for operator, rule in RULES.items())
