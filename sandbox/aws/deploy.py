"""``python -m sandbox.aws.deploy``: deploy a version in the sandbox's AppConfig, at once and to everyone."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.aws.appconfig import AppConfig
from sandbox.processes.output import say as to_output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ENDPOINT = "AWS_ENDPOINT_URL"

# These would lead boto3 elsewhere, or nowhere.
_SURROUNDINGS = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def main(
    arguments: list[str] | None = None,
    environment: Mapping[str, str] | None = None,
    say: Callable[[str], None] = to_output,
) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        After the name of the program. Default: the process's own.
    environment
        The environment variables. Default: ours. ``AWS_ENDPOINT_URL`` is required: this never deploys to the real AWS.
        Profiles and proxies in ours are ignored.
    say
        Gets the line that says what was done.

    Returns
    -------
    int
        The exit code: 0 if the deployment is complete, 1 if it failed.
    """
    parser = argparse.ArgumentParser(prog="python -m sandbox.aws.deploy", description=__doc__)
    for name in ("application", "environment", "profile"):
        parser.add_argument(name, help="its name; created if it does not exist")
    parser.add_argument("label", help="the label of the new version, unique within the profile")
    parser.add_argument("content", help="the configuration")
    parser.add_argument("--content-type", default="application/json", help="default: %(default)s")
    options = parser.parse_args(arguments)
    url = (os.environ if environment is None else environment).get(_ENDPOINT)
    if not url:
        parser.error(f"{_ENDPOINT} is not set: run the export lines that the sandbox printed")
    for name in _SURROUNDINGS:
        os.environ.pop(name, None)
    os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    try:
        version = AppConfig(url).deploy(
            options.application,
            options.environment,
            options.profile,
            options.content.encode(),
            content_type=options.content_type,
            version_label=options.label,
        )
    except (BotoCoreError, ClientError, TimeoutError, ValueError) as error:
        sys.stderr.write(f"sandbox.aws.deploy: {error}\n")
        return 1
    say(f"Version {version}, with the label {options.label}, is deployed to {options.environment}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
