"""What is shown of the API server's error messages: what helps, and nothing that could be a value."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.kube.errors import ApiError, target_error
from appconfig_operator.kube.events import Events
from appconfig_operator.kube.sources import Sources
from tests.support.builders import source

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = "hunter2"
OBJECT = 'configmaps "checkout" is forbidden: '


def status(message: str, *causes: Mapping[str, Any], reason: str = "Invalid", code: int = 422) -> ApiError:
    return ApiError(code, {"kind": "Status", "reason": reason, "message": message, "details": {"causes": list(causes)}})


def cause(reason: str = "", field: str = "", message: str = "") -> dict[str, str]:
    return {"reason": reason, "field": field, "message": message}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        pytest.param(
            f'admission webhook "policy.example.com" denied the request: {SECRET}',
            'the admission webhook "policy.example.com" denied it',
            id="webhook",
        ),
        pytest.param(
            f"{OBJECT}ValidatingAdmissionPolicy 'no-x.example.com' with binding 'all' denied request: {SECRET}",
            'the ValidatingAdmissionPolicy "no-x.example.com" denied it',
            id="policy",
        ),
        pytest.param(
            f"{OBJECT}policy 'no-x' with binding 'all' denied request: {SECRET}",
            'the MutatingAdmissionPolicy "no-x" denied it',
            id="mutating policy",
        ),
        pytest.param(
            f'{OBJECT}User "system:serviceaccount:op:operator" cannot update resource "configmaps" in API group "" '
            f'in the namespace "shop": RBAC: {SECRET}',
            'ServiceAccount op/operator cannot update resource "configmaps" in API group "" in the namespace "shop"',
            id="right",
        ),
        pytest.param(
            f'appconfigsources.appconfig-operator.io "x" is forbidden: User "{SECRET}" cannot patch resource '
            '"appconfigsources/status" in API group "appconfig-operator.io" at the cluster scope',
            'the operator cannot patch resource "appconfigsources/status" in API group "appconfig-operator.io" '
            "in all namespaces",
            id="right everywhere",
        ),
        pytest.param(
            f"{OBJECT}exceeded quota: small, requested: {SECRET}, used: 1, limited: 1",
            "exceeded quota: small",
            id="quota",
        ),
        pytest.param(
            f"{OBJECT}unable to create new content in namespace shop because it is being terminated",
            "its namespace is being terminated",
            id="namespace ends",
        ),
        pytest.param('namespaces "shop" not found', 'the namespace "shop" was not found', id="no namespace"),
        pytest.param(
            f'Internal error occurred: failed calling webhook "p.example.com": Post "https://{SECRET}"',
            'the admission webhook "p.example.com" could not be called',
            id="webhook away",
        ),
        pytest.param(
            'Operation cannot be fulfilled on configmaps "x": uid mismatch: the provided object specified uid 1',
            "its UID has changed",
            id="another uid",
        ),
        pytest.param(
            'Operation cannot be fulfilled on configmaps "x": the object has been modified; please apply your changes',
            "it was changed in the meantime",
            id="changed",
        ),
    ],
)
def test_facts(message: str, words: str) -> None:
    error = status(message)
    assert error.message == words
    assert SECRET not in error.explanation


@pytest.mark.parametrize(
    ("causes", "words"),
    [
        pytest.param(
            [cause("FieldValueInvalid", "data", f'Invalid value: {{"a": "{SECRET}"}}: field is immutable')],
            "data: field is immutable",
            id="immutable",
        ),
        pytest.param(
            [cause("FieldValueForbidden", "data", "Forbidden: field is immutable when `immutable` is set")],
            "data: field is immutable when `immutable` is set",
            id="immutable by choice",
        ),
        pytest.param(
            [cause("FieldValueTooLong", "", "Too long: may not be more than 1048576 bytes")],
            "may not be more than 1048576 bytes",
            id="too long",
        ),
        pytest.param(
            [cause("FieldValueInvalid", "data[a.b_c-d]", f"Invalid value: {SECRET}")],
            "data[a.b_c-d]: FieldValueInvalid",
            id="a key",
        ),
        pytest.param([cause("FieldValueInvalid", f'data["{SECRET}"]', SECRET)], "FieldValueInvalid", id="no field"),
        pytest.param([cause(SECRET, SECRET * 100, SECRET)], "", id="nothing known"),
        pytest.param(
            [cause("FieldManagerConflict", ".data.a", 'conflict with "helm" using v1')],
            '.data.a: conflict with "helm"',
            id="manager",
        ),
        pytest.param(
            [cause("FieldManagerConflict", ".data.a", f'conflict with "a\\x1b[2J{SECRET}" using v1')],
            ".data.a: FieldManagerConflict",
            id="hostile manager",
        ),
        pytest.param(
            [cause("FieldValueRequired", f"f{number}") for number in range(8)],
            "; ".join(f"f{number}: FieldValueRequired" for number in range(5)) + "; and 3 more",
            id="many",
        ),
        pytest.param(["text", None, {"reason": 7, "field": None, "message": []}], "", id="no causes at all"),
    ],
)
def test_fields(causes: list[Any], words: str) -> None:
    error = status(f"it is invalid: {SECRET}", *causes)
    assert error.message == words
    assert SECRET not in repr(error.details)


def test_an_immutable_config_map_has_a_remedy() -> None:
    error = target_error(status("x", cause("", "data", "Forbidden: field is immutable when `immutable` is set")), "It")
    assert error.message.endswith(
        "`immutable` is set. Delete it so that it is created again, or set a different spec.target.name."
    )


def test_causes_of_a_webhook_are_not_shown() -> None:
    error = status('admission webhook "p.example.com" denied the request: no', cause("FieldValueInvalid", SECRET))
    assert (error.details, error.causes, error.reason) == ((), frozenset(), "Invalid")
    assert not error.other_uid


@pytest.mark.parametrize("reason", [SECRET, "", None, 7, ["Invalid"]])
def test_a_reason_that_kubernetes_does_not_have_is_not_shown(reason: object) -> None:
    assert str(ApiError(422, {"kind": "Status", "reason": reason})) == "HTTP 422"


@pytest.mark.parametrize(
    ("error", "other"),
    [
        (status("x", cause("FieldValueInvalid", "metadata.uid", "Invalid value: 1: field is immutable")), True),
        (status('Operation cannot be fulfilled on configmaps "x": uid mismatch: the', code=409), True),
        (status('Operation cannot be fulfilled on configmaps "x": Precondition failed: UID in', code=409), True),
        (status('admission webhook "uid.example.com" denied the request: uid'), False),
        (status("uid", cause("FieldValueInvalid", "data")), False),
    ],
)
def test_the_uid_of_another(error: ApiError, *, other: bool) -> None:
    assert error.other_uid is other


def test_whatever_the_response_no_value_is_shown() -> None:
    """The value in each place of an answer, between pieces of what is known."""
    chance = random.Random(4)
    pieces = [f'"{SECRET}"', SECRET, f"\n{SECRET}", OBJECT, "\x1b[2J"]
    pieces += ["denied the request: ", 'admission webhook "', "exceeded quota: ", "ValidatingAdmissionPolicy '"]
    pieces += ["field is immutable", "Forbidden: ", ": ", 'conflict with "', "data[", "]", "uid mismatch: ", "User "]
    pieces += ["' with binding '", "Too long: may not be more than ", " bytes"]

    def text() -> str:
        return "".join(chance.choice(pieces) for _ in range(chance.randrange(8)))

    for _ in range(3000):
        causes = [cause(text(), f"{text()} ", text()) for _ in range(chance.randrange(4))]
        error = status(f"{SECRET}{text()}", *causes, reason=text(), code=chance.choice([400, 403, 409, 422, 500]))
        shown = [error.message, error.explanation, str(error), repr(error.details), target_error(error, "x").message]
        assert not any(SECRET in part or "\x1b" in part for part in shown), shown


class ScriptedApi:
    """Answers one call after the other."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)

    def call(self, *_: object, **__: object) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_events_that_are_not_written_quote_nothing(caplog: pytest.LogCaptureFixture) -> None:
    api: Any = ScriptedApi(status(f"note: Invalid value: {SECRET}", cause("FieldValueInvalid", "note", SECRET)))
    Events(api, instance="pod").emit(source(), kind="Normal", reason="Synced", note=SECRET)
    assert caplog.messages == ["Event Synced not written: note: FieldValueInvalid."]


def test_names_in_events_rule_no_terminal() -> None:
    api: Any = ScriptedApi({})
    event = Events(api, instance="pod").prepare(source(), kind="Normal", reason="Synced", note="a\x1b[2J\u202eb")
    assert event.body["note"] == r"a\x1b[2J\u202eb"
    assert json.dumps(event.body).isprintable()


def test_sources_quote_nothing() -> None:
    api: Any = ScriptedApi(status(f"status: Invalid value: {SECRET}", code=400))
    with pytest.raises(Exception, match=r"^AppConfigSource shop/checkout: .* answered HTTP 400 Invalid\.$"):
        Sources(api).status(source())
