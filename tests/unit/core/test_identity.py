"""Identities: which sources share one, what they are called in CloudTrail and in messages, and what never shows."""

from __future__ import annotations

import re
from typing import Any

import pytest

from appconfig_operator.api.v1alpha1 import AssumeRole, Credentials
from appconfig_operator.core.identity import OPERATOR, AccessKeys, account_of, identity_of, session_name
from tests.support.builders import source, spec

ROLE = "arn:aws:iam::111122223333:role/shop"
ROLE_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)


def of(namespace: str = "shop", name: str = "checkout", **credentials: Any) -> object:
    return identity_of(source(namespace=namespace, name=name, spec=spec(credentials=Credentials(**credentials))))


def test_the_operator_is_one_identity_for_all() -> None:
    assert of("shop") == of("stock") == OPERATOR
    assert OPERATOR.is_operator


@pytest.mark.parametrize(
    "credentials",
    [{"service_account": "shop"}, {"secret": "shop"}, {"assume_role": AssumeRole(ROLE)}],
    ids=["service-account", "secret", "role"],
)
def test_sources_of_a_namespace_share_and_namespaces_do_not(credentials: dict[str, Any]) -> None:
    """With a role on the operator's own identity, too: the session name has the namespace."""
    one = of("shop", "checkout", **credentials)
    assert one == of("shop", "other", **credentials)
    assert hash(one) == hash(of("shop", "other", **credentials))
    assert one != of("stock", "checkout", **credentials)
    assert one != OPERATOR


def test_all_of_the_spec_distinguishes_identities() -> None:
    wanted: list[dict[str, Any]] = [
        {"service_account": "shop"},
        {"secret": "shop"},
        {"assume_role": AssumeRole(ROLE)},
        {"assume_role": AssumeRole(ROLE, "external")},
        {"assume_role": AssumeRole(f"{ROLE}2")},
        {"service_account": "shop", "assume_role": AssumeRole(ROLE)},
        {"service_account": "shop2"},
    ]
    assert len({of(**credentials) for credentials in wanted}) == len(wanted)


@pytest.mark.parametrize(
    ("credentials", "words", "session"),
    [
        ({"service_account": "cart"}, "ServiceAccount shop/cart", "shop@cart"),
        ({"secret": "keys"}, "Secret shop/keys", "shop@keys"),
        (
            {"assume_role": AssumeRole(ROLE, "hidden-id")},
            f"role {ROLE} assumed by the operator",
            "shop@appconfig-operator",
        ),
        (
            {"secret": "keys", "assume_role": AssumeRole(ROLE, "hidden-id")},
            f"role {ROLE} assumed by Secret shop/keys",
            "shop@keys",
        ),
    ],
)
def test_names(credentials: dict[str, Any], words: str, session: str) -> None:
    identity = identity_of(source(spec=spec(credentials=Credentials(**credentials))))
    assert str(identity) == words
    assert identity.session_name == session
    assert "hidden-id" not in repr(identity)


@pytest.mark.parametrize("namespace", ["n", "n" * 53, "n" * 54, "n" * 62, "n" * 63])
@pytest.mark.parametrize("name", ["s", "a.b-c", "s" * 253])
def test_session_names_fit(namespace: str, name: str) -> None:
    made = session_name(namespace, name)
    assert ROLE_SESSION_NAME.fullmatch(made)
    assert made == session_name(namespace, name)
    if "@" in made:
        assert made.partition("@")[0] == namespace
    else:
        assert len(namespace) > 53
    assert len(made) >= 63 or made == f"{namespace}@{name}"


def test_cut_session_names_differ() -> None:
    made = {session_name("n" * length, "s" * other) for length in (10, 53, 54, 63) for other in range(60, 254)}
    assert len(made) == 4 * 194


def test_keys_do_not_show() -> None:
    keys = AccessKeys("AKIAEXAMPLE", "hunter2", "session-token")
    assert repr(keys) == str(keys) == "AccessKeys()"
    assert keys != AccessKeys("AKIAEXAMPLE", "hunter3", "session-token")


@pytest.mark.parametrize(("arn", "account"), [(ROLE, "111122223333"), ("", ""), ("role/shop", "")])
def test_the_account_of_a_role(arn: str, account: str) -> None:
    assert account_of(arn) == account
