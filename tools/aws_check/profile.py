"""What AWS answers for an existing profile. Nothing is created or changed."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.aws_check.calls import ION

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.aws_check.calls import DataPlane
    from tools.aws_check.safe import Report

_LONGEST_WAIT = 120.0


@dataclass(frozen=True, slots=True)
class Place:
    """An application, an environment and a profile: names or IDs."""

    application: str
    environment: str
    profile: str


def check_profile(plane: DataPlane, report: Report, place: Place, sleep: Callable[[float], None]) -> bool:
    """Make the calls, and return whether there was a configuration."""
    token = plane.start("start: a new session", place.application, place.environment, place.profile)
    if not token:
        return False
    first = plane.latest("latest: the first time", token)
    following = str(first.members.get("NextPollConfigurationToken", ""))
    if not following:
        return False
    plane.latest("latest: too early", following)
    plane.latest("latest: the initial token a second time", token)
    wait = min(float(first.members.get("NextPollIntervalInSeconds", 15)) + 1.0, _LONGEST_WAIT)
    report.say(f"(waiting for {wait:.0f} s: the interval)")
    sleep(wait)
    plane.latest("latest: unchanged, with the token that came too early", following)
    plane.latest("latest: a token a second time, after the interval", following)
    plane.latest("latest: a token with a character changed", _mangled(following))
    again = plane.start("start: another session", place.application, place.environment, place.profile)
    if again:
        plane.latest("latest: Ion accepted, as the Agent does", again, accept=ION)
    _check_identifiers(plane, place)
    return True


def _check_identifiers(plane: DataPlane, place: Place) -> None:
    """Request what does not exist, or cannot exist."""
    application, environment, profile = place.application, place.environment, place.profile
    like_an_id = "".join(random.choices(string.ascii_lowercase + string.digits, k=7))  # noqa: S311 (no secret)
    nowhere = f"Not-there-{like_an_id}"
    for kind, name in (("a name", nowhere), ("what looks like an ID", like_an_id)):
        plane.start(f"start: an application that does not exist, by {kind}", name, environment, profile)
        plane.start(f"start: an environment that does not exist, by {kind}", application, name, profile)
        plane.start(f"start: a profile that does not exist, by {kind}", application, environment, name)
    plane.start("start: all by what looks like an ID", like_an_id, like_an_id, like_an_id)
    plane.start("start: a blank profile", application, environment, " ")
    plane.start("start: a profile of 129 characters", application, environment, "x" * 129)
    plane.start("start: an interval of 1 s", application, environment, profile, interval=1)


def _mangled(token: str) -> str:
    place = len(token) // 2
    return token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
