"""A refused status: one more read shows why."""

from __future__ import annotations

from typing import Any

import pytest

from appconfig_operator.api.status import Status
from appconfig_operator.core.errors import SourceGoneError, TransientError
from appconfig_operator.kube.errors import ApiError, UnreachableError
from appconfig_operator.kube.sources import Sources
from tests.support.builders import UID, source

STATUS = Status(observed_generation=1)
REFUSED = {"kind": "Status", "reason": "Invalid", "message": 'admission webhook "p.example.com" denied the request: no'}


class StatusRefusingApi:
    """Refuses the status, and answers what a test says to whoever looks."""

    def __init__(self, refusal: Exception, look: object = None) -> None:
        self.refusal, self.look = refusal, look
        self.calls: list[str] = []

    def call(self, method: str, *_: object, **__: object) -> Any:
        self.calls.append(method)
        answer = self.refusal if method == "PATCH" else self.look
        if isinstance(answer, Exception):
            raise answer
        return answer


def there(uid: str = UID) -> dict[str, Any]:
    return {"metadata": {"uid": uid, "generation": 1}}


def missing(reason: str = "NotFound") -> ApiError:
    return ApiError(404, {"kind": "Status", "reason": reason})


def update(api: Any) -> None:
    Sources(api).update_status(source(), STATUS)


@pytest.mark.parametrize("code", [422, 404])
@pytest.mark.parametrize("look", [missing(), there("another")], ids=["missing", "another"])
def test_gone(code: int, look: object) -> None:
    api = StatusRefusingApi(ApiError(code, REFUSED), look)
    with pytest.raises(SourceGoneError):
        update(api)
    assert api.calls == ["PATCH", "GET"]


@pytest.mark.parametrize("code", [422, 404])
@pytest.mark.parametrize(
    "look",
    [there(), missing(""), ApiError(403, {}), UnreachableError("ReadTimeoutError")],
    ids=["there", "a 404 of something else", "refused", "away"],
)
def test_refused_is_not_gone(code: int, look: object) -> None:
    """A webhook answers 422 without causes, as a failed test of the patch does."""
    api = StatusRefusingApi(ApiError(code, REFUSED, retry_after=9.0), look)
    with pytest.raises(TransientError) as error:
        update(api)
    assert error.value.message.startswith(
        f"AppConfigSource shop/checkout: the Kubernetes API server answered HTTP {code}"
    )
    assert 'the admission webhook "p.example.com" denied it.' in error.value.message
    assert error.value.retry_after == 9


def test_any_other_refusal_costs_no_further_call() -> None:
    api = StatusRefusingApi(ApiError(403, {}))
    with pytest.raises(TransientError):
        update(api)
    assert api.calls == ["PATCH"]


def test_a_part_that_is_refused_is_named() -> None:
    causes = [{"reason": "FieldValueTooLong", "field": "status.history[3].versionLabel", "message": "Too long: x"}]
    refused = ApiError(422, {"kind": "Status", "reason": "Invalid", "details": {"causes": causes}})
    with pytest.raises(TransientError, match=r"status\.history\[3\]\.versionLabel: FieldValueTooLong"):
        update(StatusRefusingApi(refused, there()))
