"""Calls to the data plane, with unmodified answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_appconfigdata import AppConfigDataClient

    from tools.aws_check.safe import Report

ION = "application/ion;type=AWS.AppConfig.FeatureFlags;q=1.0,*/*;q=0.1"
"""What the AppConfig Agent accepts."""

CONFIG = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"total_max_attempts": 1, "mode": "standard"},  # a retry would be a call that is missing in the report
    parameter_validation=False,  # AWS's answer to a wrong parameter is of interest
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. `status` is `None` if there was none; `error` then says why."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    error: str = ""
    members: Mapping[str, Any] = field(default_factory=dict, repr=False)


class DataPlane:
    """Makes calls, and reports each.

    Parameters
    ----------
    report
        Gets each call.
    client
        A client with `CONFIG`.
    """

    def __init__(self, report: Report, client: AppConfigDataClient) -> None:
        self._report = report
        self._client = client
        self._seen: dict[str, Any] = {}
        self._accept = ""
        self._client.meta.events.register("before-call.appconfigdata.GetLatestConfiguration", self._set_accept)
        self._client.meta.events.register("after-call.appconfigdata", self._note)

    def start(self, what: str, application: str, environment: str, profile: str, *, interval: int = 15) -> str:
        """Start a session, and return its token, or an empty string."""
        answer = self._call(
            what,
            self._client.start_configuration_session,
            ApplicationIdentifier=application,
            EnvironmentIdentifier=environment,
            ConfigurationProfileIdentifier=profile,
            RequiredMinimumPollIntervalInSeconds=interval,
        )
        return str(answer.members.get("InitialConfigurationToken", ""))

    def latest(self, what: str, token: str, *, accept: str = "") -> Answer:
        """Request the latest configuration."""
        self._report.keep_secret(token)
        self._accept = accept
        return self._call(what, self._client.get_latest_configuration, ConfigurationToken=token)

    def _call(self, what: str, method: Callable[..., Any], **parameters: object) -> Answer:
        self._report.say(what)
        self._seen = {}
        try:
            members = method(**parameters)
            body = members["Configuration"].read() if "Configuration" in members else self._seen["content"]
            answer = Answer(self._seen["status"], self._seen["headers"], body, members=members)
        except ClientError:
            answer = Answer(self._seen.get("status"), self._seen.get("headers", {}), self._seen.get("content", b""))
        except BotoCoreError as error:
            answer = Answer(error=type(error).__name__)
        for name in ("InitialConfigurationToken", "NextPollConfigurationToken"):
            self._report.keep_secret(str(answer.members.get(name) or ""))
        self._report.answer(answer.status, answer.headers, answer.body, answer.error)
        return answer

    def _set_accept(self, params: dict[str, Any], **_: object) -> None:
        if self._accept:
            params["headers"]["Accept"] = self._accept

    def _note(self, http_response: Any, model: Any, **_: object) -> None:  # noqa: ANN401 (what botocore hands to handlers)
        refused = http_response.status_code >= 300  # noqa: PLR2004 (where botocore draws the line)
        streams = model.has_streaming_output and not refused
        self._seen = {
            "status": http_response.status_code,
            "headers": dict(http_response.headers),
            "content": b"" if streams else http_response.content,
        }
