"""Command line: `appconfig-operator run`, `appconfig-operator version`."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import click

from appconfig_operator import logs
from appconfig_operator.settings import PREFIX, Settings, SettingsError, check_variables, check_way_to_aws

USAGE_ERROR = 2


VERSION_LINE = "appconfig-operator %(version)s"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="appconfig-operator", message=VERSION_LINE, help="Print the version.")
def cli() -> None:
    """Write AWS AppConfig configuration into ConfigMaps."""


@cli.command()
@click.option(
    "--namespace",
    "namespaces",
    multiple=True,
    envvar=f"{PREFIX}NAMESPACE",
    show_envvar=True,
    help="Serve only this namespace. Can be repeated (in the variable: separated by spaces). Default: all.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=10,
    show_default=True,
    envvar=f"{PREFIX}WORKERS",
    show_envvar=True,
    help="Quick polls at once. Those that take longer than 0.5 s have six times as many slots of their own.",
)
@click.option(
    "--shards",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    envvar=f"{PREFIX}SHARDS",
    show_envvar=True,
    help="Number of shards that the sources are split into. Replicas share them.",
)
@click.option(
    "--lease-namespace",
    type=str,
    envvar=f"{PREFIX}LEASE_NAMESPACE",
    show_envvar=True,
    help="Namespace in which replicas keep their Leases and hand over sessions. Default: the operator's own.",
)
@click.option(
    "--lease-duration",
    type=click.IntRange(5, 300),
    default=15,
    show_default=True,
    envvar=f"{PREFIX}LEASE_DURATION",
    show_envvar=True,
    help="Lease duration in seconds. A replica that has not renewed for this long is considered dead.",
)
@click.option(
    "--aws-quota-percent",
    type=click.IntRange(1, 10_000),
    default=80,
    show_default=True,
    envvar=f"{PREFIX}AWS_QUOTA_PERCENT",
    show_envvar=True,
    help="Maximum percentage of AppConfig's default quotas to use, per account and region.",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65_535),
    default=8080,
    show_default=True,
    envvar=f"{PREFIX}METRICS_PORT",
    show_envvar=True,
    help="Port for Prometheus metrics, at /metrics. 0 disables them.",
)
@click.option(
    "--health-port",
    type=click.IntRange(0, 65_535),
    default=8081,
    show_default=True,
    envvar=f"{PREFIX}HEALTH_PORT",
    show_envvar=True,
    help="Port for the probes, at /healthz and /readyz. 0 disables them.",
)
@click.option(
    "--policy-file",
    type=click.Path(path_type=Path),
    envvar=f"{PREFIX}POLICY_FILE",
    show_envvar=True,
    help="YAML file of rules for which namespaces can use which applications and roles. Default: no restrictions.",
)
@click.option(
    "--log-format",
    type=click.Choice(logs.FORMATS),
    default="json",
    show_default=True,
    envvar=f"{PREFIX}LOG_FORMAT",
    show_envvar=True,
    help="Log format.",
)
@click.option(
    "--log-level",
    type=click.Choice(logs.LEVELS),
    default="info",
    show_default=True,
    envvar=f"{PREFIX}LOG_LEVEL",
    show_envvar=True,
    help="Minimum log level.",
)
def run(log_format: str, log_level: str, **settings: Any) -> None:  # noqa: ANN401 (the flags, as click has checked them)
    """Run the operator until it gets SIGTERM or SIGINT.

    Kubernetes: the ServiceAccount of the Pod, else the file named by KUBECONFIG. AWS: the variables of the AWS SDK
    (AWS_REGION, AWS_ENDPOINT_URL_APPCONFIGDATA, ...).
    """
    check_variables(os.environ)
    check_way_to_aws(os.environ)
    checked = Settings(**settings)
    logs.configure(log_format=log_format, level=log_level)
    from appconfig_operator import app  # noqa: PLC0415 (boto3 and Kopf take a second, which --help need not wait for)

    app.run(checked)


@cli.command()
def version() -> None:
    """Print the version."""
    click.echo(VERSION_LINE % {"version": installed_version("appconfig-operator")})


def main() -> None:
    """Run the command line. What is wrong with a setting is one line on standard error, and exit status 2."""
    try:
        sys.exit(cli.main(prog_name="appconfig-operator", standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(USAGE_ERROR)
    except (click.ClickException, SettingsError) as error:
        text = error.format_message() if isinstance(error, click.ClickException) else str(error)
        click.echo(f"appconfig-operator: {' '.join(text.split())}", err=True)
        sys.exit(USAGE_ERROR)
    except click.Abort:
        sys.exit(130)


if __name__ == "__main__":
    main()
