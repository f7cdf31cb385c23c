"""The boto3 client of the loops, configured the way an experienced user would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_appconfigdata import AppConfigDataClient

THREADS = 10
"""As many as the operator has by default."""


def appconfig() -> AppConfigDataClient:
    """Make a client for all threads: one connection per thread, and no retries, which would send a used token."""
    config = Config(max_pool_connections=THREADS, retries={"total_max_attempts": 1, "mode": "standard"})
    return boto3.client("appconfigdata", config=config)


def start(client: AppConfigDataClient, profile: str) -> str:
    """Start a session, and return its token."""
    started = client.start_configuration_session(
        ApplicationIdentifier="shop",
        EnvironmentIdentifier="production",
        ConfigurationProfileIdentifier=profile,
        RequiredMinimumPollIntervalInSeconds=60,
    )
    return started["InitialConfigurationToken"]
