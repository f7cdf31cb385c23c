"""What an answer says of another source, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from appconfig_operator.core import references
from appconfig_operator.core.errors import RefusedError, SourceGoneError, TransientError
from appconfig_operator.core.plan import Create, WantedConfigMap, plan, wanted_config_map
from appconfig_operator.core.render import Data
from appconfig_operator.core.version import Version
from appconfig_operator.kube.claims import QUEUE, Claims
from appconfig_operator.kube.errors import ApiError, UnreachableError
from tests.unit.builders import source


class FakeApi:
    """Answers each look with the same error."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def call(self, *_: object, **__: object) -> dict[str, Any]:
        self.calls += 1
        raise self.error


def claims(error: Exception) -> tuple[Claims, FakeApi]:
    api: Any = FakeApi(error)
    return Claims(api), api


def want(uid: str) -> WantedConfigMap:
    return wanted_config_map(source(uid=uid), Version(Data(text={"k": "1"}, binary={}), "v1", "text/plain"))


def others() -> dict[str, Any]:
    """Give the ConfigMap of another source of the same name."""
    action = plan(want("another"), None)
    assert isinstance(action, Create)
    return dict(action.body)


NOT_FOUND = ApiError(404, {"kind": "Status", "reason": "NotFound"})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NOT_FOUND, SourceGoneError),
        (ApiError(404, {}), TransientError),  # as the API server says it when there is no such kind
        (ApiError(500, {}), TransientError),
        (ApiError(403, {"kind": "Status", "reason": "Forbidden"}), RefusedError),
        (UnreachableError("cut"), TransientError),
    ],
    ids=["gone", "the CRD is gone", "broken", "forbidden", "unreachable"],
)
def test_only_an_answer_that_it_is_gone_says_so(error: Exception, kind: type[Exception]) -> None:
    looking, _ = claims(error)
    with pytest.raises(kind) as caught:
        looking.held(want("mine"), others())
    assert type(caught.value) is kind


@pytest.mark.parametrize("error", [ApiError(503, {}), ApiError(404, {}), UnreachableError("cut")])
def test_a_list_that_fails_says_nothing(error: Exception) -> None:
    looking, _ = claims(error)
    with pytest.raises(TransientError):
        looking.maker(want("mine"))


def test_a_source_of_its_own_is_looked_up_by_nobody() -> None:
    looking, api = claims(NOT_FOUND)
    assert not looking.held(want("another"), others())
    assert not looking.still_held(source(uid="another"), others())
    assert looking.queue(source(), others()) == frozenset()
    assert looking.rivals(want("mine"), others()) == {}
    assert api.calls == 0


def test_owners_that_somebody_made_up_cost_a_bounded_number_of_looks() -> None:
    looking, api = claims(NOT_FOUND)
    crowded = others()
    crowded["metadata"]["ownerReferences"] += [
        references.reference(f"made-up-{number}", str(number), controls=False) for number in range(1000)
    ]
    assert looking.queue(source(uid="another"), crowded) == frozenset()
    assert api.calls == QUEUE
