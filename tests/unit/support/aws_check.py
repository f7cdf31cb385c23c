"""What AWS could answer, with a secret in it."""

from __future__ import annotations

from tests.unit.support import ion

SECRET = "hunter2"
ACCOUNT = "111122223333"
ARN = f"arn:aws:appconfig:eu-west-1:{ACCOUNT}:application/abc1234"
ION = ion.document({
    "check_gt": ion.expression(14, ion.symbol(50), ion.integer(65)),
    "check_not": ion.expression(12, ion.expression(24, ion.annotated(43, ion.string(SECRET)))),
    "other": ion.expression(13, ion.symbol(50), ion.string(SECRET)),
})  # fmt: skip
