"""Sessions as a replica hands them over."""

from __future__ import annotations

import random
import string

from appconfig_operator.core.sharding.handover import HandedOver, SavedSession

RANDOM = random.Random(7)
LETTERS = string.ascii_letters + string.digits + "+/="


def handed_over(uid: str = "a") -> HandedOver:
    token = "".join(RANDOM.choices(LETTERS, k=400))
    session = SavedSession(token=token, interval=60, delivered=True)
    return HandedOver(uid, 1, 1_800_000_000.25, 1_800_000_060.5, "sha256:ab", session)
