"""``make aws-check``: show what AWS AppConfig answers for a profile, without values, names, tokens and accounts.

APPLICATION, ENVIRONMENT and PROFILE (names or IDs) come from the environment, and so do region and credentials. Nothing
is created or changed, except with ``--flags``: this creates an application, and deletes it again.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError

from sandbox.processes.output import say
from tools.aws_check.calls import CONFIG, DataPlane
from tools.aws_check.flags import check_flags
from tools.aws_check.profile import Place, check_profile
from tools.aws_check.safe import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_USAGE = 2


def run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    write: Callable[[str], object],
    sleep: Callable[[float], None],
    alarm: Callable[[str], object] | None = None,
) -> int:
    """Check, and return the exit status: 0 if all requests could be made.

    Parameters
    ----------
    arguments
        The arguments of the command line.
    environment
        The environment variables, which name the profile.
    write
        Gets the report, one line at a time.
    sleep
        Waits.
    alarm
        Gets the line that names what is left in the account. Default: `write`.
    """
    parser = argparse.ArgumentParser(prog="aws-check", description=__doc__)
    parser.add_argument("--flags", action="store_true", help="find the symbol id of each operator of a flag's rule")
    options = parser.parse_args(arguments)
    names = [environment.get(name, "") for name in ("APPLICATION", "ENVIRONMENT", "PROFILE")]
    report = Report(write, names, alarm)
    if not all(names) and (any(names) or not options.flags):
        report.say("aws-check: set APPLICATION, ENVIRONMENT and PROFILE, names or IDs of what exists")
        return _USAGE
    good = True
    try:
        session = boto3.session.Session(region_name=environment.get("AWS_REGION") or None)
        plane = DataPlane(report, session.client("appconfigdata", config=CONFIG))
        if all(names):
            good = check_profile(plane, report, Place(*names), sleep)
        if options.flags:
            good = check_flags(plane, session.client("appconfig", config=CONFIG), report, sleep) and good
    except BotoCoreError as error:
        report.say(f"aws-check: {type(error).__name__}. Set AWS_REGION, and AWS_PROFILE or other credentials")
        return 1
    return 0 if good else 1


def _stop(*_: object) -> None:
    sys.exit(1)  # so that what was created is deleted


def _write(line: str) -> None:
    say(line.removesuffix("\n"))


def _alarm(line: str) -> None:
    with suppress(OSError):  # `2>&1 | head`: this is not read either, and the cleanup has already happened
        sys.stderr.write(line)
        sys.stderr.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _stop)
    sys.exit(run(sys.argv[1:], os.environ, _write, time.sleep, _alarm))
