"""Each identity, with the operator's own rights on a real API server, at an STS and an AppConfig that verify."""

from __future__ import annotations

import base64
import json
import uuid
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from appconfig_operator.api.v1alpha1 import AssumeRole, Credentials
from appconfig_operator.aws.service import AppConfig as Service
from appconfig_operator.core.errors import ForbiddenError, Reason, SourceError, StallingError
from appconfig_operator.kube.errors import NOT_FOUND, ApiError
from appconfig_operator.kube.identity_reader import IdentityReader
from sandbox.aws.appconfig import AppConfig
from sandbox.aws.data_plane import AppConfigProxy, Fault, Operation, Rules
from sandbox.aws.iam import trust_in, trust_in_service_account
from sandbox.processes.waiting import wait_until
from tests.integration.support.aws_access import lead, new_place
from tests.integration.support.kube_access import api_of, api_of_operator
from tests.support.builders import source, spec
from tests.support.identities import EACH, grant, secret, service_account

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from appconfig_operator.aws.session import Session
    from appconfig_operator.kube.api import Api
    from sandbox import ControlPlane, MiniStack, Place
    from sandbox.aws.iam import Iam

ROOT = "arn:aws:iam::000000000000:root"


class IdentityNamespace:
    """A namespace with identities in it, and something to receive."""

    def __init__(self, administrator: Api, operator: Api, namespace: str, place: Place, iam: Iam) -> None:
        self.namespace = namespace
        self.place = place
        self.iam = iam
        self.administrator = administrator
        self.operator = operator
        self.identities = IdentityReader(operator)
        self.clock = 0.0
        self.service = Service(workers=2, user_agent="test", identities=self.identities)
        others = self.service._clients._pool
        assert others is not None
        others._monotonic = lambda: self.clock

    def create(self, collection: str, body: Mapping[str, Any]) -> object:
        return self.administrator.call("POST", collection, body=body)

    def put(self, kind: str, body: Mapping[str, Any], method: str = "POST") -> None:
        name = "" if method == "POST" else f"/{body['metadata']['name']}"
        self.administrator.call(method, f"/api/v1/namespaces/{self.namespace}/{kind}{name}", body=body)

    def may_read_secrets(self) -> bool:
        """Return whether the API server knows of the rights that were granted last."""
        try:
            self.operator.call("GET", f"/api/v1/namespaces/{self.namespace}/secrets/none")
        except ApiError as error:
            return error.status == NOT_FOUND
        return True

    def session(self, **credentials: Any) -> Session:
        place = self.place
        wanted = spec(
            application=place.application,
            environment=place.environment,
            configuration_profile=place.profile,
            credentials=Credentials(**credentials),
        )
        return self.service.session(source(namespace=self.namespace, spec=wanted))

    def receives(self, session: Session) -> None:
        content = session.poll()
        assert content is not None
        assert content.body == b"x"

    def refuses(self, session: Session, kind: type[SourceError], reason: Reason, *words: str) -> None:
        with pytest.raises(SourceError) as refused:
            session.poll()
        assert (type(refused.value), refused.value.reason) == (kind, reason), refused.value.message
        for word in words:
            assert word in refused.value.message


@pytest.fixture
def strict_proxy(strict_ministack: MiniStack) -> Iterator[AppConfigProxy]:
    """AppConfig's data plane, and all of STS as it is."""
    with AppConfigProxy(strict_ministack.url, Rules(enforce_interval=False)) as running:
        yield running


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def bare(  # noqa: PLR0913, PLR0917 - fixtures
    installed: ControlPlane,
    strict_ministack: MiniStack,
    strict_proxy: AppConfigProxy,
    iam: Iam,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> IdentityNamespace:
    """A namespace in which the operator has the rights of the base, and no AWS credentials of its own."""
    environment = strict_ministack.environment() | strict_proxy.environment()
    del environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
    lead(monkeypatch, environment)
    place = new_place()
    AppConfig(strict_ministack.url).deploy(place.application, place.environment, place.profile, b"x")
    return IdentityNamespace(api_of(installed.kubeconfig), api_of_operator(installed), namespace, place, iam)


@pytest.fixture
def scene(bare: IdentityNamespace) -> IdentityNamespace:
    """A namespace in which the operator also has the rights of the components, in that namespace."""
    grant(bare.create, bare.namespace, *EACH)
    wait_until(bare.may_read_secrets, 10, "the rights to be known")
    return bare


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def test_token_of_a_service_account(scene: IdentityNamespace) -> None:
    scene.put("serviceaccounts", service_account("cart", None))
    found = claims(scene.identities.token(scene.namespace, "cart"))
    assert found["aud"] == ["sts.amazonaws.com"]
    assert found["sub"] == f"system:serviceaccount:{scene.namespace}:cart"
    assert found["exp"] - found["iat"] == 600


def test_service_account(scene: IdentityNamespace) -> None:
    role = scene.iam.role(unique("cart"), trust_in_service_account(scene.namespace, "cart"))
    scene.put("serviceaccounts", service_account("cart", role))
    session = scene.session(service_account="cart")
    scene.receives(session)
    assert session.poll() is None


def test_a_service_account_that_the_role_does_not_trust(scene: IdentityNamespace) -> None:
    role = scene.iam.role(unique("cart"), trust_in_service_account(scene.namespace, "other"))
    scene.put("serviceaccounts", service_account("cart", role))
    subject = f"system:serviceaccount:{scene.namespace}:cart"
    words = (f"ServiceAccount {scene.namespace}/cart", "sts:AssumeRoleWithWebIdentity", role, subject)
    scene.refuses(scene.session(service_account="cart"), StallingError, Reason.ACCESS_DENIED, *words)


def test_a_role_that_may_not_read_and_then_may(scene: IdentityNamespace, strict_proxy: AppConfigProxy) -> None:
    """MiniStack knows no policies about the data plane, so its answer is that of the proxy."""
    name = unique("cart")
    role = scene.iam.role(name, trust_in_service_account(scene.namespace, "cart"))
    scene.put("serviceaccounts", service_account("cart", role))
    session = scene.session(service_account="cart")
    caller = f"arn:aws:sts::000000000000:assumed-role/{name}/{scene.namespace}@cart"
    strict_proxy.fail(Operation.START, Fault.access_denied("appconfig:StartConfigurationSession", caller))
    who = f"{caller} (ServiceAccount {scene.namespace}/cart with role {role})"
    words = f"{who} is not allowed to call appconfig:StartConfigurationSession. Allow it in an IAM policy"
    scene.refuses(session, StallingError, Reason.ACCESS_DENIED, words)
    scene.receives(session)


def test_a_role_that_was_refused_a_minute_later_is_assumed_anew(
    scene: IdentityNamespace, strict_proxy: AppConfigProxy
) -> None:
    trust = trust_in_service_account(scene.namespace, "cart")
    scene.put("serviceaccounts", service_account("cart", scene.iam.role(unique("wrong"), trust)))
    session = scene.session(service_account="cart")
    scene.receives(session)
    right = scene.iam.role(unique("right"), trust)
    scene.put("serviceaccounts", service_account("cart", right), method="PUT")
    scene.clock += 30
    strict_proxy.fail(Operation.LATEST, Fault.access_denied())
    scene.refuses(session, StallingError, Reason.ACCESS_DENIED, "wrong")
    scene.clock += 30
    strict_proxy.fail(Operation.LATEST, Fault.access_denied())
    # Looked at again and found changed, so what is refused now is the new role, which is a moment old.
    scene.refuses(session, StallingError, Reason.ACCESS_DENIED, f"with role {right}")
    assert session.poll() is None
    assert strict_proxy.sessions() == 1


@pytest.mark.parametrize(
    ("credentials", "made", "words"),
    [
        ({"service_account": "cart"}, False, "ServiceAccount {}/cart does not exist"),
        ({"service_account": "cart"}, True, "ServiceAccount {}/cart has no annotation eks.amazonaws.com/role-arn"),
        ({"secret": "aws"}, False, "Secret {}/aws does not exist"),
        ({"secret": "aws"}, True, "Secret {}/aws has no key aws_access_key_id"),
    ],
    ids=["no-service-account", "no-annotation", "no-secret", "no-keys"],
)
def test_references_that_lead_nowhere(
    scene: IdentityNamespace, credentials: dict[str, str], words: str, *, made: bool
) -> None:
    if made:
        scene.put("serviceaccounts", service_account("cart", None))
        scene.put("secrets", {"metadata": {"name": "aws"}})
    expected = words.format(scene.namespace)
    scene.refuses(scene.session(**credentials), StallingError, Reason.CREDENTIALS_UNAVAILABLE, expected)


@pytest.mark.parametrize(
    ("credentials", "component"),
    [({"service_account": "cart"}, "service-accounts"), ({"secret": "aws"}, "secrets")],
    ids=["service-account", "secret"],
)
def test_without_the_right(bare: IdentityNamespace, credentials: dict[str, str], component: str) -> None:
    """The rights of the base are not enough, and the message names what is."""
    bare.put("serviceaccounts", service_account("cart", "arn:aws:iam::000000000000:role/x"))
    bare.put("secrets", secret("aws", "a", "b"))
    words = f"manifests/components/identities/{component}"
    bare.refuses(bare.session(**credentials), ForbiddenError, Reason.CREDENTIALS_UNAVAILABLE, words)


def test_secret_and_keys_that_are_replaced(scene: IdentityNamespace, strict_proxy: AppConfigProxy) -> None:
    user = unique("user")
    first = scene.iam.user(user)
    scene.put("secrets", secret("aws", *first))
    session = scene.session(secret="aws")
    scene.receives(session)
    second = scene.iam.new_keys(user)
    scene.put("secrets", secret("aws", *second), method="PUT")
    scene.clock += 60
    assert session.poll() is None
    scene.iam.delete_keys(user, first[0])
    assert session.poll() is None
    scene.clock += 61
    assert session.poll() is None
    # Now in a hurry: the old ones are not known any more, a moment after the Secret was read.
    third = scene.iam.new_keys(user)
    scene.put("secrets", secret("aws", *third), method="PUT")
    scene.iam.delete_keys(user, second[0])
    scene.clock += 1
    # The same poll gets on with the new ones: in a new session, as they may be those of another account.
    scene.receives(session)
    assert strict_proxy.sessions() == 2


def test_keys_that_nobody_knows(scene: IdentityNamespace) -> None:
    scene.put("secrets", secret("aws", "AKIAIOSFODNN7EXAMPLE", "hunter2"))
    words = (f"credentials of Secret {scene.namespace}/aws", "appconfig:StartConfigurationSession")
    scene.refuses(scene.session(secret="aws"), StallingError, Reason.ACCESS_DENIED, *words)


def test_temporary_keys(scene: IdentityNamespace, strict_ministack: MiniStack) -> None:
    role = scene.iam.role(unique("reader"), trust_in(ROOT))
    sts = boto3.client(
        "sts",
        endpoint_url=strict_ministack.url,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    made = sts.assume_role(RoleArn=role, RoleSessionName="by-hand")["Credentials"]
    scene.put("secrets", secret("aws", made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]))
    scene.receives(scene.session(secret="aws"))


@pytest.fixture
def own(scene: IdentityNamespace, monkeypatch: pytest.MonkeyPatch) -> IdentityNamespace:
    """A namespace in which the operator has credentials of its own, those of the root of the account."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return scene


def test_a_role_on_top_of_the_operators_own_identity(own: IdentityNamespace) -> None:
    """Its trust policy may rely on the namespace in the session name, and on the external ID."""
    conditions = {
        "StringLike": {"sts:RoleSessionName": f"{own.namespace}@*"},
        "StringEquals": {"sts:ExternalId": "shop/1"},
    }
    role = own.iam.role(unique("reader"), trust_in(ROOT, **conditions))
    own.receives(own.session(assume_role=AssumeRole(role, "shop/1")))
    for wrong in (AssumeRole(role), AssumeRole(role, "shop/2")):
        words = (f"{ROOT} (the operator)", "sts:AssumeRole", role, "external ID")
        own.refuses(own.session(assume_role=wrong), StallingError, Reason.ACCESS_DENIED, *words)
    theirs = own.iam.role(unique("theirs"), trust_in(ROOT, StringLike={"sts:RoleSessionName": "other@*"}))
    own.refuses(own.session(assume_role=AssumeRole(theirs)), StallingError, Reason.ACCESS_DENIED, theirs)


def test_a_role_on_top_without_an_identity_of_the_operator(scene: IdentityNamespace) -> None:
    role = scene.iam.role(unique("reader"), trust_in(ROOT))
    words = "The operator has no AWS credentials"
    session = scene.session(assume_role=AssumeRole(role))
    scene.refuses(session, StallingError, Reason.CREDENTIALS_UNAVAILABLE, words)


def test_a_role_that_does_not_exist(own: IdentityNamespace) -> None:
    role = "arn:aws:iam::000000000000:role/nobody"
    own.refuses(own.session(assume_role=AssumeRole(role)), StallingError, Reason.ACCESS_DENIED, role, "exists")


def test_a_role_on_top_of_a_secret(scene: IdentityNamespace) -> None:
    user = unique("user")
    scene.put("secrets", secret("aws", *scene.iam.user(user, actions=["sts:AssumeRole"])))
    role = scene.iam.role(unique("reader"), trust_in(f"arn:aws:iam::000000000000:user/{user}"))
    session = scene.session(secret="aws", assume_role=AssumeRole(role))
    scene.receives(session)
    assert session._caller == f"role {role} assumed by Secret {scene.namespace}/aws"
    untrusted = scene.iam.role(unique("reader"), trust_in("arn:aws:iam::000000000000:user/other"))
    words = (f"user/{user} (Secret {scene.namespace}/aws) to call sts:AssumeRole for role {untrusted}",)
    wrong = scene.session(secret="aws", assume_role=AssumeRole(untrusted))
    scene.refuses(wrong, StallingError, Reason.ACCESS_DENIED, *words)


def test_a_role_on_top_of_a_service_account(scene: IdentityNamespace) -> None:
    name = unique("cart")
    trust = trust_in_service_account(scene.namespace, "cart")
    scene.put("serviceaccounts", service_account("cart", scene.iam.role(name, trust, actions=["sts:AssumeRole"])))
    role = scene.iam.role(unique("reader"), trust_in(f"arn:aws:iam::000000000000:role/{name}"))
    session = scene.session(service_account="cart", assume_role=AssumeRole(role))
    scene.receives(session)
    assert session._caller == f"role {role} assumed by ServiceAccount {scene.namespace}/cart"
