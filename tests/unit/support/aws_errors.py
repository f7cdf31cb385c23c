"""What botocore raises, and what a test expects to become of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore import exceptions as botocore

from tests.unit.support.aws_stubs import SECRET

if TYPE_CHECKING:
    from botocore.exceptions import _ClientErrorResponseTypeDef

    from appconfig_operator.core.errors import Reason, SourceError

LATEST = "GetLatestConfiguration"
START = "StartConfigurationSession"


def refusal(
    code: str | None, status: int = 400, *, message: object = SECRET, operation: str = LATEST, **members: Any
) -> botocore.ClientError:
    """Make what botocore raises when the service refuses."""
    response: dict[str, Any] = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **members,
    }
    typed: _ClientErrorResponseTypeDef = response  # type: ignore[assignment]
    return botocore.ClientError(typed, operation)


def assert_error(error: SourceError, kind: type[SourceError], reason: Reason, *words: str) -> None:
    assert type(error) is kind
    assert error.reason is reason
    assert error.message == str(error)
    for word in words:
        assert word in error.message
    assert SECRET not in f"{error} {error!r} {error.args}"
