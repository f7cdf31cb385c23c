"""The policy file: which namespaces may use which applications, environments and roles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import yaml

from appconfig_operator.core.errors import Reason, StallingError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from appconfig_operator.api.v1alpha1 import Source

_ANY = ("*",)
_FIELDS = ("namespaces", "applications", "environments", "roleArns")
_REQUIRED = ("namespaces", "applications")
_BRACKETS = re.compile(r"\[!?+\]?+[^\]]*\]")
"""What `fnmatch` takes for a set of characters. A `[` without an end stands for itself there: a typo here."""


class PolicyError(ValueError):
    """The file is not a policy. The message says where, and what it must be."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What some namespaces may use. Each pattern is a glob: `*`, `?` and `[…]`, case matters, `*` also stands for `/`.

    Attributes
    ----------
    namespaces, applications, environments
        Patterns for the namespace of a source, and for what it names, which may be a name or an ID.
    role_arns
        Patterns for the role of `spec.credentials.assumeRole`. Without one, a source that assumes a role is not
        allowed by this rule.
    """

    namespaces: tuple[str, ...]
    applications: tuple[str, ...]
    environments: tuple[str, ...] = _ANY
    role_arns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """A source is allowed when at least one rule allows all that it names."""

    rules: tuple[Rule, ...]

    def check(self, source: Source) -> None:
        """Let a source pass.

        Raises
        ------
        StallingError
            `ForbiddenByPolicy`, when no rule allows it. The message names the first thing that is not allowed.
        """
        spec = source.spec
        role = spec.credentials.assume_role
        left = [rule for rule in self.rules if _matches(source.namespace, rule.namespaces)]
        if not left:
            raise _forbidden(f"The operator's policy has no rule for namespace {source.namespace}")
        left = [rule for rule in left if _matches(spec.application, rule.applications)]
        if not left:
            raise _forbidden(_not_allowed(source, f"use application {spec.application}"))
        left = [rule for rule in left if _matches(spec.environment, rule.environments)]
        if not left:
            what = f"use environment {spec.environment} of application {spec.application}"
            raise _forbidden(_not_allowed(source, what))
        if role is not None and not any(_matches(role.role_arn, rule.role_arns) for rule in left):
            what = f"assume role {role.role_arn} for environment {spec.environment} of application {spec.application}"
            raise _forbidden(_not_allowed(source, what))


def _matches(text: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _not_allowed(source: Source, what: str) -> str:
    return f"The operator's policy does not allow namespace {source.namespace} to {what}"


def _forbidden(what: str) -> StallingError:
    return StallingError(
        Reason.FORBIDDEN_BY_POLICY, f"{what}. Ask your operator's administrators to add a rule to its policy file."
    )


def parse(text: str) -> Policy:
    """Read a policy from YAML.

    Raises
    ------
    PolicyError
        When it is not a policy: a typo must not go unnoticed.
    """
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 (it derives from the safe one)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise PolicyError(f"{where}{getattr(error, 'problem', None) or 'this is not YAML'}") from error
    except RecursionError as error:
        raise PolicyError("this is nested too deeply") from error
    if not isinstance(document, dict):
        raise PolicyError("must be a mapping with the key rules")
    _only(document, ("rules",), "")
    rules = document.get("rules")
    if not isinstance(rules, list):
        raise PolicyError("rules: must be a list")
    return Policy(tuple(_rule(rule, f"rules[{number}]") for number, rule in enumerate(rules)))


def _rule(rule: object, where: str) -> Rule:
    if not isinstance(rule, dict):
        raise PolicyError(f"{where}: must be a mapping")
    _only(rule, _FIELDS, f"{where}.")
    for name in _REQUIRED:
        if name not in rule:
            raise PolicyError(f"{where}.{name}: is required")
    return Rule(
        namespaces=_patterns(rule, "namespaces", where),
        applications=_patterns(rule, "applications", where),
        environments=_patterns(rule, "environments", where) if "environments" in rule else _ANY,
        role_arns=_patterns(rule, "roleArns", where) if "roleArns" in rule else (),
    )


def _patterns(rule: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    patterns = rule[name]
    if not isinstance(patterns, list) or not patterns:
        raise PolicyError(f"{where}.{name}: must be a list with at least one pattern")
    for number, pattern in enumerate(patterns):
        if not isinstance(pattern, str) or not pattern:
            raise PolicyError(f"{where}.{name}[{number}]: must be a non-empty string; put it in quotes")
        if "[" in _BRACKETS.sub("", pattern):
            raise PolicyError(f"{where}.{name}[{number}]: has a [ without a ]; write [[] for a literal bracket")
    return tuple(patterns)


def _only(mapping: Mapping[Any, Any], known: tuple[str, ...], where: str) -> None:
    for key in mapping:
        if key not in known:
            raise PolicyError(f"{where}{key}: is unknown; known keys are {', '.join(known)}")


class _Loader(yaml.SafeLoader):
    """The safe loader, which also refuses a key that appears twice: YAML's own silently drops the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 (as its parent)
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                problem = f"the key {key.value} appears twice"
                raise yaml.constructor.ConstructorError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)
