"""What one namespace can do to the others: hundreds of sources that occupy workers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.data_plane import manners

if TYPE_CHECKING:
    from collections.abc import Callable

NOWHERE = "eu-north-1"
"""The region in which no connection to AWS succeeds."""

Spec = dict[str, object]

_ACCOUNT = "arn:aws:iam::111122223333"


def role(name: str) -> Spec:
    """Return the credentials of a source that assumes a role."""
    return {"credentials": {"assumeRole": {"roleArn": f"{_ACCOUNT}:role/{name}"}}}


def _calm(_number: int) -> Spec:
    return {"application": "shop"}


def _hangs(number: int) -> Spec:
    # Those that hang at their first call never get a session; the others hang during one.
    return {"application": (manners.HANGS, manners.HANGS_LATER)[number % 2]}


def _unreachable(_number: int) -> Spec:
    return {"application": "shop", "region": NOWHERE}


def _slow(_number: int) -> Spec:
    return {"application": manners.SLOW}


def _roles(number: int) -> Spec:
    return {"application": "shop", **role(f"hangs-{number:05d}")}


def _one_role(_number: int) -> Spec:
    return {"application": "shop", **role("hangs")}


@dataclass(frozen=True)
class Storm:
    """Sources in one namespace that occupy workers."""

    words: str
    """A description that can follow "next to"."""
    spec: Callable[[int], Spec]
    """What is in the spec of a source, by its number, in addition to the profile."""
    size: int = 1000
    replaced: int = 0
    """How many are deleted each second, and replaced by new ones."""


STORMS = {
    "calm": Storm("1,000 more healthy sources", _calm),
    "hang": Storm("1,000 sources that hang", _hangs),
    "unreachable": Storm("1,000 sources in an unreachable region", _unreachable),
    "slow": Storm(f"1,000 sources answered in {manners.SLOW_SECONDS:g} s", _slow),
    "roles": Storm("1,000 sources with 1,000 roles for which STS hangs", _roles),
    "one-role": Storm("1,000 sources with one role for which STS hangs", _one_role),
    "replaced": Storm("20 hanging sources replaced each second", _hangs, size=20, replaced=20),
}
"""The storms, by name."""


def mixed(number: int) -> Spec:
    """Return one of each kind in turn."""
    kinds = (_hangs, _unreachable, _slow, _roles, _one_role)
    return kinds[number % len(kinds)](number // len(kinds))
