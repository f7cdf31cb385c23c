"""The operator's own region, for each source that names none."""

from __future__ import annotations

import os

import botocore.session

VARIABLE = "AWS_REGION"


def new_session() -> botocore.session.Session:
    """Make a session of botocore that knows `AWS_REGION`.

    botocore itself reads `AWS_DEFAULT_REGION` only, and the configuration file. The other AWS SDKs read `AWS_REGION`,
    and the AWS CLI prefers it, so people set this one.

    Notes
    -----
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html
    """
    made = botocore.session.get_session()
    if region := os.environ.get(VARIABLE):
        made.set_config_variable("region", region)
    return made
