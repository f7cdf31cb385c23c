"""What botocore raises is translated: class, reason, and a message that names the thing and quotes nothing secret."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import exceptions as botocore

from appconfig_operator.aws.errors import Identifiers, TokenProblem, not_aws, not_deployed, token_problem, translate
from appconfig_operator.aws.responses import SlowBodyError, UnreadableAnswerError
from appconfig_operator.core.errors import (
    BlockedError,
    Reason,
    SourceError,
    StallingError,
    TransientError,
    WaitingError,
)
from tests.unit.support.aws_errors import LATEST, START, assert_error, refusal
from tests.unit.support.aws_stubs import IDENTIFIERS, SECRET, problem

ROLE = "arn:aws:sts::111122223333:assumed-role/x/y"
RESOURCE = "arn:aws:appconfig:eu-west-1:111122223333:application/a/environment/e/configuration/p"


@pytest.mark.parametrize(
    "code",
    [
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "SlowDown",
        "TooManyRequestsException",
    ],
)
def test_throttled(code: str) -> None:
    error = translate(refusal(code), IDENTIFIERS)
    assert_error(error, TransientError, Reason.THROTTLED, f"throttled appconfig:{LATEST}")


def test_throttled_by_status_alone() -> None:
    assert_error(translate(refusal("429", 429)), TransientError, Reason.THROTTLED)


@pytest.mark.parametrize(
    ("code", "status"),
    [("InternalServerException", 500), ("503", 503), ("302", 302), ("403", 403), (None, 502), (SECRET, 400)],
)
def test_other_refusals(code: str | None, status: int) -> None:
    error = translate(refusal(code, status, operation=START), IDENTIFIERS)
    assert_error(error, TransientError, Reason.SERVICE_UNAVAILABLE, f"appconfig:{START}", f"HTTP {status}")


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "AccessDenied", "NotAuthorized", "UnauthorizedOperation", "OptInRequired"]
)
def test_access_denied(code: str) -> None:
    message = f"User: {ROLE} is not authorized to perform: appconfig:{LATEST} on resource: {RESOURCE} {SECRET}"
    error = translate(refusal(code, 403, message=message), IDENTIFIERS)
    assert_error(
        error,
        StallingError,
        Reason.ACCESS_DENIED,
        f"{ROLE} is not allowed to call appconfig:{LATEST}.",
        f"appconfig:{START}",
    )
    assert RESOURCE not in error.message


@pytest.mark.parametrize("message", [SECRET, "", None, {"a": 1}], ids=["words", "empty", "null", "object"])
def test_access_denied_with_other_words(message: object) -> None:
    error = translate(refusal("AccessDeniedException", 403, message=message), IDENTIFIERS)
    assert_error(
        error,
        StallingError,
        Reason.ACCESS_DENIED,
        f"The identity of the operator is not allowed to call appconfig:{LATEST}.",
    )


@pytest.mark.parametrize(
    "identity",
    [
        "arn:aws-us-gov:sts::111122223333:assumed-role/AppConfig+Reader=1,a.b@c-d/session_1",
        "arn:aws-cn:iam::111122223333:user/path/to/someone",
        "arn:aws-iso-b:sts::111122223333:federated-user/someone",
        "arn:aws-eusc:iam::111122223333:root",
    ],
)
def test_identities_of_all_partitions(identity: str) -> None:
    message = f"User: {identity} is not authorized to perform: appconfig:{LATEST} with an explicit deny"
    error = translate(refusal("AccessDeniedException", 403, message=message), IDENTIFIERS)
    assert error.message.startswith(f"{identity} is not allowed to call")


def test_access_to_key_denied() -> None:
    message = f"User: {ROLE} is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:1:key/k"
    error = translate(refusal("AccessDeniedException", 403, message=message), IDENTIFIERS)
    assert_error(error, StallingError, Reason.ACCESS_DENIED, f"{ROLE} is not allowed to call kms:Decrypt.")
    assert "appconfig:" not in error.message, "it would not help"


@pytest.mark.parametrize(
    "code",
    [
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    ],
)
def test_credentials_not_accepted(code: str) -> None:
    error = translate(refusal(code, 403), IDENTIFIERS)
    assert_error(
        error, StallingError, Reason.ACCESS_DENIED, f"credentials of the operator for appconfig:{LATEST}", code
    )


@pytest.mark.parametrize(
    ("resource_type", "message", "words"),
    [
        ("Application", SECRET, "The application shop does not exist. Check spec.application, the region"),
        ("Environment", SECRET, "The environment production does not exist in application shop. Check spec.env"),
        ("ConfigurationProfile", SECRET, "The configuration profile checkout does not exist in application shop."),
        (None, f"Application {SECRET} not found", "The application shop does not exist."),
        (None, f"Environment {SECRET} not found", "The environment production does not exist in application shop."),
        (None, f"Configuration profile {SECRET} not found", "The configuration profile checkout does not exist in"),
        (None, SECRET, "One of these does not exist: application shop, environment production, configuration pro"),
        ("Flag", SECRET, "One of these does not exist: application shop"),
    ],
)
def test_not_found(resource_type: str | None, message: str, words: str) -> None:
    error = refusal("ResourceNotFoundException", 404, message=message, operation=START, ResourceType=resource_type)
    assert_error(translate(error, IDENTIFIERS), BlockedError, Reason.NOT_FOUND, words)


@pytest.mark.parametrize(
    ("resource_type", "message"), [("Deployment", SECRET), ("Configuration", SECRET), (None, "Deployment not found")]
)
def test_not_deployed(resource_type: str | None, message: str) -> None:
    error = refusal("ResourceNotFoundException", 404, message=message, ResourceType=resource_type)
    words = "configuration profile checkout in environment production of application shop"
    assert_error(translate(error, IDENTIFIERS), WaitingError, Reason.NOT_DEPLOYED, words)


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (("Checkout", "production", "store-flags"), ""),
        (
            ("shop", "production", "checkout"),
            " If shop is an ID, check it: AWS gives the same answer when an ID does not exist.",
        ),
        (("abc1234", "def5678", "checkout"), " If def5678 or abc1234 is an ID, check it: AWS"),
        (("abc1234", "def5678", "0a1b2c3"), " If 0a1b2c3, def5678 or abc1234 is an ID, check it: AWS"),
        (("same", "same", "same"), " If same is an ID, check it: AWS"),
    ],
)
def test_not_deployed_with_what_may_be_ids(names: tuple[str, str, str], hint: str) -> None:
    """AWS answers so for IDs of what does not exist, too. A name may look like an ID."""
    translated = not_deployed(Identifiers(*names, poll_interval_seconds=60))
    assert translated.reason is Reason.NOT_DEPLOYED
    before, _, after = translated.message.partition("Start a deployment in AWS AppConfig.")
    assert before.startswith("Nothing is deployed")
    assert after.startswith(hint)
    assert bool(after) is bool(hint)


@pytest.mark.parametrize("kind", [["Application"], {"a": 1}, 7, SECRET])
def test_a_resource_type_that_is_not_a_word(kind: object) -> None:
    error = refusal("ResourceNotFoundException", 404, ResourceType=kind)
    assert_error(translate(error, IDENTIFIERS), BlockedError, Reason.NOT_FOUND, "One of these does not exist")


def test_not_found_without_identifiers() -> None:
    assert_error(translate(refusal("ResourceNotFoundException", 404)), StallingError, Reason.NOT_FOUND)


@pytest.mark.parametrize(
    ("parameter", "shown"),
    [
        ("ApplicationIdentifier", "spec.application (Corrupted)"),
        ("EnvironmentIdentifier", "spec.environment (Corrupted)"),
        ("ConfigurationProfileIdentifier", "spec.configurationProfile (Corrupted)"),
        ("RequiredMinimumPollIntervalInSeconds", "spec.pollIntervalSeconds (Corrupted)"),
        ("SomethingNew", "SomethingNew (Corrupted)"),
        (SECRET, "a parameter (Corrupted)"),
    ],
)
def test_invalid_parameter(parameter: str, shown: str) -> None:
    error = refusal("BadRequestException", operation=START, **problem("Corrupted", parameter))
    assert_error(translate(error, IDENTIFIERS), StallingError, Reason.INVALID_SOURCE, f"appconfig:{START}", shown)


@pytest.mark.parametrize("detail", [{"Problem": SECRET}, {"Problem": None}, {}, None])
def test_invalid_parameter_with_strange_details(detail: object) -> None:
    members: dict[str, Any] = {"Details": {"InvalidParameters": {"ApplicationIdentifier": detail}}}
    error = translate(refusal("BadRequestException", operation=START, **members), IDENTIFIERS)
    assert_error(error, StallingError, Reason.INVALID_SOURCE, "spec.application (invalid)")


@pytest.mark.parametrize("code", ["BadRequestException", "ValidationException", "ValidationError"])
@pytest.mark.parametrize("members", [{}, {"Details": None}, {"Details": {"InvalidParameters": None}}])
def test_invalid_without_details(code: str, members: dict[str, Any]) -> None:
    error = translate(refusal(code, operation=START, **members), IDENTIFIERS)
    assert_error(error, StallingError, Reason.INVALID_SOURCE, "Check application, environment and configurationProfile")


@pytest.mark.parametrize(
    ("behind", "kind", "reason"),
    [
        ("Status Code: 400; Error Code: AccessDeniedException;", StallingError, Reason.INVALID_SOURCE),
        ("Status Code: 400; Error Code: ThrottlingException;", TransientError, Reason.SERVICE_UNAVAILABLE),
        ("Status Code: 500; Error Code: KMSInternalException;", TransientError, Reason.SERVICE_UNAVAILABLE),
    ],
)
def test_another_service_behind_a_bad_request(behind: str, kind: type[SourceError], reason: Reason) -> None:
    message = f"No way (Service: AWSKMS; {behind} Request ID: {SECRET}; Proxy: null)"
    translated = translate(refusal("BadRequestException", message=message), IDENTIFIERS)
    assert_error(translated, kind, reason, f"{behind} Request ID: … Proxy: null)")


def test_a_denial_behind_a_bad_request_names_identity_and_action() -> None:
    message = (
        f"User: {ROLE} is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/k "
        "because no identity-based policy allows it (Service: AWSKMS; Status Code: 400; Error Code: "
        f"AccessDeniedException; Request ID: {SECRET}; Proxy: null)"
    )
    translated = translate(refusal("BadRequestException", message=message), IDENTIFIERS)
    assert_error(translated, StallingError, Reason.INVALID_SOURCE)
    assert translated.message == (
        f"AWS AppConfig found appconfig:{LATEST} invalid: {ROLE} is not allowed to call kms:Decrypt. Allow it in an "
        "IAM policy of that identity and in the policy of the KMS key."
    )
    nobody = message.replace(ROLE, SECRET)
    translated = translate(refusal("BadRequestException", message=nobody), IDENTIFIERS, "the role")
    assert_error(
        translated, StallingError, Reason.INVALID_SOURCE, "The identity of the role is not allowed to call kms:Decrypt."
    )


@pytest.mark.parametrize(
    ("message", "members", "shown"),
    [
        (SECRET, problem("Corrupted"), "ConfigurationToken (Corrupted)."),
        ("Token not valid", {}, '"Token not valid".'),
    ],
)
def test_the_token_of_a_new_session_is_not_the_fault_of_the_spec(
    message: str, members: dict[str, Any], shown: str
) -> None:
    translated = translate(refusal("BadRequestException", message=message, **members), IDENTIFIERS)
    assert_error(
        translated, TransientError, Reason.SERVICE_UNAVAILABLE, f"rejected the token of a new session: {shown}"
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refusal("BadRequestException", **problem("Corrupted")), TokenProblem.BAD),
        (refusal("BadRequestException", **problem("Expired")), TokenProblem.BAD),
        (refusal("BadRequestException", **problem("PollIntervalNotSatisfied")), TokenProblem.TOO_EARLY),
        (refusal("BadRequestException", message="Request too early"), TokenProblem.TOO_EARLY),
        (refusal("BadRequestException", message="Token not valid"), TokenProblem.BAD),
        (refusal("BadRequestException", message="Configuration token has expired"), TokenProblem.BAD),
        (refusal("BadRequestException"), TokenProblem.UNEXPLAINED),
        (refusal("BadRequestException", message="The security token is expired"), TokenProblem.UNEXPLAINED),
        (refusal("BadRequestException", message="Unexpected token } in JSON"), TokenProblem.UNEXPLAINED),
        (refusal("BadRequestException", message=None), TokenProblem.UNEXPLAINED),
        (refusal("ResourceNotFoundException", 404, ResourceType="Configuration"), TokenProblem.GONE),
        (refusal("ThrottlingException", 429, **problem("Corrupted")), None),
    ],
)
def test_token_problem(error: botocore.ClientError, expected: TokenProblem | None) -> None:
    assert token_problem(error) is expected


@pytest.mark.parametrize(
    ("error", "kind", "reason", "words"),
    [
        (botocore.NoRegionError(), StallingError, Reason.INVALID_SOURCE, "set spec.region, or AWS_REGION"),
        (botocore.InvalidRegionError(region_name=SECRET), StallingError, Reason.INVALID_SOURCE, "not an AWS region"),
        (botocore.ParamValidationError(report=SECRET), StallingError, Reason.INVALID_SOURCE, "a parameter"),
        (ValueError(SECRET), TransientError, Reason.SERVICE_UNAVAILABLE, "could not be reached (ValueError)"),
        (
            botocore.ReadTimeoutError(endpoint_url=SECRET),
            TransientError,
            Reason.SERVICE_UNAVAILABLE,
            "could not be reached (ReadTimeoutError)",
        ),
        (SlowBodyError(seconds=30.0), TransientError, Reason.SERVICE_UNAVAILABLE, "not arrive within 30 seconds."),
        (UnreadableAnswerError(kind="KeyError"), TransientError, Reason.SERVICE_UNAVAILABLE, "be read (KeyError)."),
        (botocore.NoCredentialsError(), StallingError, Reason.CREDENTIALS_UNAVAILABLE, "(NoCredentialsError)"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_no_answer(error: Exception, kind: type[SourceError], reason: Reason, words: str) -> None:
    assert_error(translate(error, IDENTIFIERS), kind, reason, words)


def test_not_aws() -> None:
    assert_error(not_aws(), TransientError, Reason.SERVICE_UNAVAILABLE, "Check for a proxy in between.")
