"""The policy file: what a rule allows, what is said when none does, and which files are not policies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appconfig_operator.api.v1alpha1 import AssumeRole, Credentials
from appconfig_operator.core.errors import Reason, StallingError
from appconfig_operator.core.policy import PolicyError, parse
from tests.support.builders import source, spec

POLICY = """
rules:
- namespaces: [shop, "team-?"]
  applications: [shop, "cart-*"]
  environments: [production]
  roleArns: ["arn:aws:iam::111122223333:role/shop-*"]
- namespaces: [stock]
  applications: ["*"]
- namespaces: ["*"]
  applications: [public]
  roleArns: ["arn:aws:iam::*:role/public"]
"""


def check(namespace: str, application: str, environment: str = "production", role: str | None = None) -> None:
    credentials = Credentials(assume_role=AssumeRole(f"arn:aws:iam::111122223333:role/{role}") if role else None)
    wanted: dict[str, Any] = {"application": application, "environment": environment, "credentials": credentials}
    parse(POLICY).check(source(namespace=namespace, spec=spec(**wanted)))


@pytest.mark.parametrize(
    "arguments",
    [
        ("shop", "shop"),
        ("team-a", "cart-1"),
        ("shop", "shop", "production", "shop-reader"),
        ("shop", "shop", "production", "shop-/deep/reader"),
        ("stock", "anything", "anywhere"),
        ("nobody-named-it", "public", "anywhere"),
        ("shop", "public", "production", "public"),
    ],
)
def test_allowed(arguments: tuple[str, ...]) -> None:
    check(*arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("other", "shop"), "does not allow namespace other to use application shop"),
        (("team-ab", "shop"), "does not allow namespace team-ab to use application shop"),
        (("shop", "Shop"), "does not allow namespace shop to use application Shop"),
        (("shop", "cart"), "does not allow namespace shop to use application cart"),
        (("shop", "shop", "test"), "does not allow namespace shop to use environment test of application shop"),
        (
            ("shop", "shop", "production", "admin"),
            "does not allow namespace shop to assume role arn:aws:iam::111122223333:role/admin",
        ),
        (("stock", "any", "any", "shop-reader"), "does not allow namespace stock to assume role"),
        # Not put together of several rules: the role is allowed for another application.
        (("shop", "shop", "production", "public"), "does not allow namespace shop to assume role"),
    ],
)
def test_forbidden(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(StallingError) as forbidden:
        check(*arguments)
    assert forbidden.value.reason is Reason.FORBIDDEN_BY_POLICY
    assert words in forbidden.value.message
    assert "policy file" in forbidden.value.message


def test_a_policy_with_no_rules_allows_nothing() -> None:
    with pytest.raises(StallingError, match="no rule for namespace shop"):
        parse("rules: []").check(source())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be a mapping with the key rules"),
        ("- a", "must be a mapping with the key rules"),
        ("rule: []", "rule: is unknown; known keys are rules"),
        ("rules:", "rules: must be a list"),
        ("rules: [a]", "rules[0]: must be a mapping"),
        ("rules: [{namespaces: [a]}]", "rules[0].applications: is required"),
        ("rules: [{applications: [a]}]", "rules[0].namespaces: is required"),
        (
            "rules: [{namespaces: [a], applications: [b]}, {namespaces: [a], applications: b}]",
            "rules[1].applications: must be a list",
        ),
        ("rules: [{namespaces: [], applications: [b]}]", "rules[0].namespaces: must be a list with at least one"),
        ("rules: [{namespaces: [a, 12], applications: [b]}]", "rules[0].namespaces[1]: must be a non-empty string"),
        ("rules: [{namespaces: [''], applications: [b]}]", "rules[0].namespaces[0]: must be a non-empty string"),
        ("rules: [{namespaces: ['[a'], applications: [b]}]", "rules[0].namespaces[0]: has a [ without a ]"),
        ("rules: [{namespaces: [a], applications: ['b]c[d']}]", "rules[0].applications[0]: has a [ without a ]"),
        ("rules: [{namespaces: ['[]'], applications: [b]}]", "rules[0].namespaces[0]: has a [ without a ]"),
        ("rules: [{namespaces: [a], applications: [b], roles: [c]}]", "rules[0].roles: is unknown"),
        ("rules: [{namespaces: [a], applications: [b], roleArns: null}]", "rules[0].roleArns: must be a list"),
        ("rules: [{namespaces: [a], applications: [b], namespaces: [c]}]", "line 1: the key namespaces appears twice"),
        ("rules: []\nrules: []", "line 2: the key rules appears twice"),
        ("rules: [", "line 1: "),
        ("rules: !!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("? [a]\n: b", "line 1: found unhashable key"),
        ("? {a: b}\n: c", "line 1: "),
        ("[" * 3000, "nested too deeply"),
        ("\0", ""),
    ],
)
def test_files_that_are_not_policies(text: str, words: str) -> None:
    with pytest.raises(PolicyError) as wrong:
        parse(text)
    assert words in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_the_example_of_the_documentation_is_a_policy() -> None:
    page = (Path(__file__).parents[3] / "docs" / "policy.md").read_text(encoding="utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    assert [rule.namespaces for rule in parse(example).rules] == [("shop", "shop-*"), ("*",)]


@pytest.mark.parametrize("pattern", ["[ab]", "[!a]", "[[]", "[]]", "[!]]", "a[b]c[d]", "]", "a]"])
def test_brackets_that_are_closed(pattern: str) -> None:
    (rule,) = parse(f"rules: [{{namespaces: ['{pattern}'], applications: [b]}}]").rules
    assert rule.namespaces == (pattern,)
