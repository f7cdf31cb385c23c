"""Finds the number of each rule operator in AWS's Ion, with its own profile, which is deleted again."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from appconfig_operator.aws.client_errors import code_of, word_or
from tools.aws_check.calls import ION
from tools.aws_check.symbols import NotIonError, Symbols, symbols_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_appconfig import AppConfigClient

    from tools.aws_check.calls import DataPlane
    from tools.aws_check.safe import Report

# The operators in the user guide, in its words:
# https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-creating-multi-variant-feature-flags-rules-operators.html
RULES = {
    "gt": "(gt $age 65)",
    "gte": "(gte $age 65)",
    "lt": "(lt $age 65)",
    "lte": "(lte $age 65)",
    "begins_with": '(begins_with $state "A")',
    "ends_with": '(ends_with $email "example.com")',
    "contains": '(contains $code "WIN")',
    "matches": '(matches in::$greeting pattern::"h.*y")',
    "and": '(and (exists key::"a") (exists key::"b"))',
    "or": '(or (exists key::"a") (exists key::"b"))',
    "not": '(not (exists key::"a"))',
    "eq": '(eq $state "Virginia")',
    "in": '(in $userId ["123", "456"])',
    "split": '(split pct::10 by::$userId seed::"abc")',
    "exists": '(exists key::"country")',
}
"""A rule for each operator, which is that of the outermost expression."""

_PREFIX = "check_"
_ATTEMPTS = 30
_PAUSE = 2.0
_FAILED = (ClientError, BotoCoreError, KeyError)


class ChecksError(Exception):
    """The numbers could not be determined. The message is safe to show."""


@dataclass
class Made:
    """What was created and has to be deleted: identifiers, as far as AWS has returned them."""

    name: str
    application: str = ""
    environment: str = ""
    profile: str = ""
    strategy: str = ""
    deployment: int = 0
    versions: list[int] = field(default_factory=list)


def check_flags(plane: DataPlane, control: AppConfigClient, report: Report, sleep: Callable[[float], None]) -> bool:
    """Create a profile, request it as Ion, report the symbols, and delete it, whatever fails."""
    made = Made(f"appconfig-operator-check-{secrets.token_hex(4)}")
    report.say(f"flags: an application of its own, {made.name}")
    found: Symbols | None = None
    try:
        _make(control, made, report, sleep)
        found = _ask(plane, made, sleep)
    except ChecksError as error:
        report.say(f"  {error}")
    except _FAILED as error:
        report.say(f"  it failed: {_reason(error)}")
    finally:
        left = _delete(control, made, sleep)
        if left:
            report.alarm(f"  DELETE BY HAND: {', '.join(left)}")
        else:
            report.say(f"  deleted again: {made.name}")
    if found is not None:
        _tell(found, report)
    return found is not None and not left


def _make(control: AppConfigClient, made: Made, report: Report, sleep: Callable[[float], None]) -> None:
    made.application = control.create_application(Name=made.name)["Id"]
    made.environment = control.create_environment(ApplicationId=made.application, Name="check")["Id"]
    made.profile = control.create_configuration_profile(
        ApplicationId=made.application, Name="check", LocationUri="hosted", Type="AWS.AppConfig.FeatureFlags"
    )["Id"]
    # At once and without bake time: AppConfig.AllAtOnce would block the environment for ten minutes.
    made.strategy = control.create_deployment_strategy(
        Name=made.name,
        DeploymentDurationInMinutes=0,
        FinalBakeTimeInMinutes=0,
        GrowthFactor=100.0,
        ReplicateTo="NONE",
    )["Id"]
    version = _accepted(control, made, report)
    made.deployment = control.start_deployment(
        ApplicationId=made.application,
        EnvironmentId=made.environment,
        DeploymentStrategyId=made.strategy,
        ConfigurationProfileId=made.profile,
        ConfigurationVersion=str(version),
    )["DeploymentNumber"]
    for _ in range(_ATTEMPTS):
        state = control.get_deployment(
            ApplicationId=made.application, EnvironmentId=made.environment, DeploymentNumber=made.deployment
        )["State"]
        if state == "COMPLETE":
            return
        sleep(_PAUSE)
    raise ChecksError("the deployment did not complete")


def _accepted(control: AppConfigClient, made: Made, report: Report) -> int:
    """Store a version with all rules that AWS accepts, and return its number."""
    with suppress(ClientError):
        return _store(control, made, list(RULES))
    good = []
    for operator in RULES:
        try:
            _store(control, made, [operator])
        except ClientError as error:
            report.say(f"  {operator}: AWS does not accept the rule ({_reason(error)})")
        else:
            good.append(operator)
    if not good:
        raise ChecksError("AWS accepted none of the rules")
    return _store(control, made, good)


def _store(control: AppConfigClient, made: Made, operators: Sequence[str]) -> int:
    version = control.create_hosted_configuration_version(
        ApplicationId=made.application,
        ConfigurationProfileId=made.profile,
        Content=json.dumps(document(operators)).encode(),
        ContentType="application/json",
    )["VersionNumber"]
    made.versions.append(version)
    return version


def document(operators: Sequence[str]) -> dict[str, Any]:
    """Return the stored form of a profile: a multi-variant flag for each operator."""
    names = {operator: _PREFIX + operator for operator in operators}
    return {
        "version": "1",
        "flags": {name: {"name": name} for name in names.values()},
        "values": {
            name: {
                "_variants": [
                    {"name": "ruled", "enabled": True, "rule": RULES[operator]},
                    {"name": "otherwise", "enabled": False},
                ]
            }
            for operator, name in names.items()
        },
    }


def _ask(plane: DataPlane, made: Made, sleep: Callable[[float], None]) -> Symbols:
    token = ""
    for _ in range(_ATTEMPTS):  # a deployment becomes visible some seconds after it is complete
        token = plane.start("start: the profile of flags", made.application, made.environment, made.profile)
        if token:
            break
        sleep(_PAUSE)
    if not token:
        raise ChecksError("no session for the new profile")
    answer = plane.latest("latest: the flags, Ion accepted", token, accept=ION)
    try:
        return symbols_of(answer.body)
    except NotIonError:
        raise ChecksError("the answer is not binary Ion") from None


def _tell(found: Symbols, report: Report) -> None:
    for table in found.imports:
        report.say(f"symbols {table.first}-{table.last}: the table {word_or(table.name, '…')}")
    report.say("operator       its id   all ids in its rule   ids of annotations")
    for flag in found.flags:
        operator = flag.flag.removeprefix(_PREFIX)
        if operator in RULES:
            ids = " ".join(map(str, flag.operators))
            annotations = " ".join(map(str, flag.annotations))
            first = str(flag.operators[0]) if flag.operators else "none"
            report.say(f"{operator:<14} {first:<8} {ids:<21} {annotations}".rstrip())


def _delete(control: AppConfigClient, made: Made, sleep: Callable[[float], None]) -> list[str]:
    """Delete what was created, from the inside out, and return what is left."""
    _find(control, made)
    application, environment, profile = made.application, made.environment, made.profile
    if made.deployment:
        with suppress(*_FAILED):  # usually, it has completed
            control.stop_deployment(
                ApplicationId=application, EnvironmentId=environment, DeploymentNumber=made.deployment
            )
    inner: dict[str, Any] = {"ApplicationId": application}
    of_profile = inner | {"ConfigurationProfileId": profile}
    # Otherwise, AppConfig protects what was polled within the last hour.
    unprotected: dict[str, Any] = {"DeletionProtectionCheck": "BYPASS"}
    steps: list[tuple[str, Callable[[], object]]] = [
        (
            f"version {version} of its profile",
            partial(control.delete_hosted_configuration_version, **of_profile, VersionNumber=version),
        )
        for version in made.versions
    ]
    if profile:
        steps.append(("its profile", partial(control.delete_configuration_profile, **of_profile, **unprotected)))
    if environment:
        of_environment = inner | {"EnvironmentId": environment}
        steps.append(("its environment", partial(control.delete_environment, **of_environment, **unprotected)))
    if application:
        steps.append((f"application {made.name}", partial(control.delete_application, **inner)))
    if made.strategy:
        delete_strategy = partial(control.delete_deployment_strategy, DeploymentStrategyId=made.strategy)
        steps.append((f"deployment strategy {made.name}", delete_strategy))
    return [what for what, delete in steps if not _deleted(delete, sleep)]


def _find(control: AppConfigClient, made: Made) -> None:
    """Find what was created even though the answer was lost, by its unique name."""
    with suppress(*_FAILED):
        if not made.application:
            made.application = _named(control.get_paginator("list_applications").paginate(), made.name)
        if made.application and not made.environment:
            environments = control.get_paginator("list_environments").paginate(ApplicationId=made.application)
            made.environment = _named(environments, "check")
        if made.application and not made.profile:
            profiles = control.get_paginator("list_configuration_profiles").paginate(ApplicationId=made.application)
            made.profile = _named(profiles, "check")
        if made.profile:
            versions = control.get_paginator("list_hosted_configuration_versions").paginate(
                ApplicationId=made.application, ConfigurationProfileId=made.profile
            )
            made.versions = [item["VersionNumber"] for page in versions for item in page["Items"]]
    with suppress(*_FAILED):
        if not made.strategy:
            made.strategy = _named(control.get_paginator("list_deployment_strategies").paginate(), made.name)


def _named(pages: Any, name: str) -> str:  # noqa: ANN401 (an iterator of a type of its own for each list)
    return next((str(item["Id"]) for page in pages for item in page["Items"] if item.get("Name") == name), "")


def _deleted(delete: Callable[[], object], sleep: Callable[[float], None]) -> bool:
    for _ in range(3):
        try:
            delete()
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return True
        except BotoCoreError:
            pass
        else:
            return True
        sleep(_PAUSE)
    return False


def _reason(error: Exception) -> str:
    return word_or(code_of(error), "an error") if isinstance(error, ClientError) else type(error).__name__
