"""What is safe to show of the API server's error messages.

They quote what was sent, which is configuration, and a webhook adds whatever its author likes. So no message is passed
on as it is: reasons have to be known ones, fields have to look like fields, and from the message regular expressions
take a few facts that help the reader, which go into sentences of our own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_LONGEST_READ = 2048
"""Characters of a message that are read: the facts are at its beginning."""

_MOST_CAUSES = 5

# https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#StatusReason
_REASONS = frozenset(
    {
        "AlreadyExists",
        "BadRequest",
        "Conflict",
        "Expired",
        "Forbidden",
        "Gone",
        "InternalError",
        "Invalid",
        "MethodNotAllowed",
        "NotAcceptable",
        "NotFound",
        "RequestEntityTooLarge",
        "ServerTimeout",
        "ServiceUnavailable",
        "StorageReadError",
        "Timeout",
        "TooManyRequests",
        "Unauthorized",
        "UnsupportedMediaType",
    }
)

# https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#CauseType, and those of k8s.io/apimachinery/…/field
_CAUSES = frozenset(
    {
        "FieldManagerConflict",
        "FieldValueDuplicate",
        "FieldValueForbidden",
        "FieldValueInvalid",
        "FieldValueNotFound",
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooFew",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTooShort",
        "FieldValueTypeInvalid",
        "InternalError",
        "NamespaceTerminating",
        "ResourceVersionTooLarge",
        "UnexpectedServerResponse",
    }
)

_FIELD = re.compile(r"\.?[A-Za-z][-\w./\[\]]{0,299}", re.ASCII)
_MANAGER = re.compile(r'conflict with "([A-Za-z0-9][-\w.:/]{0,127})"', re.ASCII)
_LIMIT = re.compile(r"Too long: (may not be more than \d{1,12} (?:bytes|characters))")
_IMMUTABLE = ("field is immutable when `immutable` is set", "field is immutable")

_NAME = r"[a-z0-9][-a-z0-9.]{0,252}"
# The object that was refused, which the API server puts before the message of a plug-in or webhook.
_OBJECT = rf'(?:{_NAME}(?: "[^"]{{0,253}}")? is forbidden: )'


ANOTHER_UID = "its UID has changed"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a call was refused, and what to do about it.

    Attributes
    ----------
    text
        In the middle of a sentence.
    remedy
        A sentence, or empty.
    foreign
        Whether the message is that of a webhook or policy, whose causes are free text, too.
    """

    text: str
    remedy: str = ""
    foreign: bool = False


def known_reason(answer: Mapping[str, Any]) -> str:
    """Return the machine-readable reason of an error, empty where it is not one of Kubernetes."""
    reason = answer.get("reason")
    return reason if isinstance(reason, str) and reason in _REASONS else ""


def known_causes(answer: Mapping[str, Any]) -> tuple[Mapping[str, str], ...]:
    """Return what an error says of each field: `reason`, `field`, and a safe `message`, each possibly empty."""
    details = answer.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    return tuple(_cause(cause) for cause in causes if isinstance(cause, dict)) if isinstance(causes, list) else ()


def _cause(cause: Mapping[str, Any]) -> Mapping[str, str]:
    reason, field, message = (_text(cause.get(name)) for name in ("reason", "field", "message"))
    return {
        "reason": reason if reason in _CAUSES else "",
        "field": field if _FIELD.fullmatch(field) else "",
        "message": _of_manager(message) if reason == "FieldManagerConflict" else _of_field(message),
    }


def _of_manager(message: str) -> str:
    found = _MANAGER.match(message)
    return "" if found is None else f'conflict with "{found[1]}"'


def _of_field(message: str) -> str:
    limit = _LIMIT.fullmatch(message)
    if limit is not None:
        return limit[1]
    # The value may come before it.
    return next((words for words in _IMMUTABLE if message.endswith(words)), "")


def explain(answer: Mapping[str, Any]) -> Explanation | None:
    """Explain a refusal by its message, or return `None` when it is not a known one."""
    message = _text(answer.get("message"))[:_LONGEST_READ]
    for pattern, known in _EXPLANATIONS:
        found = pattern.match(message)
        if found is not None:
            return known(found)
    return None


def describe_causes(causes: Iterable[Mapping[str, str]]) -> str:
    """Describe causes, or return an empty string."""
    said = []
    for cause in causes:
        what = cause["message"] or cause["reason"]
        words = ": ".join(filter(None, (cause["field"], what)))
        if words and words not in said:
            said.append(words)
    rest = len(said) - _MOST_CAUSES
    return "; ".join(said[:_MOST_CAUSES]) + (f"; and {rest} more" if rest > 0 else "")


def _webhook(found: re.Match[str]) -> Explanation:
    return Explanation(
        f'the admission webhook "{found[1]}" denied it',
        "Its message is not shown because it may quote the content: ask whoever runs it what it requires.",
        foreign=True,
    )


def _webhook_away(found: re.Match[str]) -> Explanation:
    return Explanation(f'the admission webhook "{found[1]}" could not be called', foreign=True)


def _policy(found: re.Match[str]) -> Explanation:
    kind, name = found[1] or "MutatingAdmissionPolicy", found[2]
    return Explanation(
        f'the {kind} "{name}" denied it',
        "Its message is not shown because it may quote the content: "
        f"`kubectl get {kind.lower()} {name} -o yaml` shows what it requires.",
        foreign=True,
    )


def _right(found: re.Match[str]) -> Explanation:
    account, verb, resource, group, namespace = found.groups()
    who = f"ServiceAccount {account.replace(':', '/')}" if account else "the operator"
    where = f'the namespace "{namespace}"' if namespace else "all namespaces"
    return Explanation(
        f'{who} cannot {verb} resource "{resource}" in API group "{group}" in {where}',
        "Grant it with the operator's manifests or Helm chart.",
    )


def _quota(found: re.Match[str]) -> Explanation:
    return Explanation(
        f"exceeded quota: {found[1]}", "Delete what is not needed, or have that ResourceQuota increased."
    )


_EXPLANATIONS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Explanation]], ...] = (
    (re.compile(rf'admission webhook "({_NAME})" denied the request'), _webhook),
    (re.compile(rf'(?:Internal error occurred: )?failed calling webhook "({_NAME})"'), _webhook_away),
    (
        re.compile(
            rf"{_OBJECT}?(?:(ValidatingAdmissionPolicy)|policy) ['\"]({_NAME})['\"]"
            rf"(?: with binding '{_NAME}')? denied request"
        ),
        _policy,
    ),
    (
        re.compile(
            rf'{_OBJECT}User "(?:system:serviceaccount:([-a-z0-9]{{1,63}}:{_NAME})|[^"]{{1,512}})" cannot '
            r'([a-z]{1,32}) resource "([a-z0-9./-]{1,128})" in API group "([a-z0-9.-]{0,253})" '
            r'(?:in the namespace "([-a-z0-9]{1,63})"|at the cluster scope)'
        ),
        _right,
    ),
    (re.compile(rf"{_OBJECT}exceeded quota: ({_NAME}),"), _quota),
    (
        re.compile(rf"{_OBJECT}unable to create new content in namespace {_NAME} because it is being terminated"),
        lambda _: Explanation("its namespace is being terminated"),
    ),
    (
        re.compile(r'namespaces "([-a-z0-9]{1,63})" not found'),
        lambda found: Explanation(f'the namespace "{found[1]}" was not found'),
    ),
    (
        re.compile(r"(?:Request entity too large: )?limit is (\d{1,12})"),
        lambda found: Explanation(f"the limit is {found[1]} bytes"),
    ),
    # Server-side apply with the uid of an object that is gone or was replaced by another one.
    (
        re.compile(r"Operation cannot be fulfilled on [^:]{1,512}: (?:uid mismatch|Precondition failed: UID)"),
        lambda _: Explanation(ANOTHER_UID),
    ),
    (
        re.compile(r"Operation cannot be fulfilled on [^:]{1,512}: the object has been modified"),
        lambda _: Explanation("it was changed in the meantime"),
    ),
)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
