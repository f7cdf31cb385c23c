"""Command line: `appconfig-operator run`, `appconfig-operator version`."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appconfig_operator import logs
from appconfig_operator.settings import PREFIX, Settings, SettingsError, check_aws_variables, check_variables

if TYPE_CHECKING:
    from collections.abc import Callable

USAGE_ERROR = 2

VERSION_LINE = "appconfig-operator %(version)s"

_DEFAULTS = Settings()
_PORT = click.IntRange(0, 65_535)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="appconfig-operator", message=VERSION_LINE, help="Print the version.")
def cli() -> None:
    """Write AWS AppConfig configuration into ConfigMaps."""


def _setting(
    name: str, kind: click.ParamType[Any], description: str, *, flag: str = "", multiple: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a flag and a variable set a field of `Settings`, with the default that the field has."""
    flag = flag or name
    return click.option(
        f"--{flag.replace('_', '-')}",
        name,
        type=kind,
        multiple=multiple,
        default=getattr(_DEFAULTS, name),
        show_default=True,
        # Not by auto_envvar_prefix: click's messages would not name the variable.
        envvar=f"{PREFIX}{flag.upper()}",
        show_envvar=True,
        help=description,
    )


@cli.command()
@_setting(
    "namespaces",
    click.STRING,
    "Serve only this namespace. Can be repeated (in the variable: separated by spaces). Default: all.",
    flag="namespace",
    multiple=True,
)
@_setting(
    "workers",
    click.IntRange(1, 256),
    "Quick polls at once. Those that take longer than 0.5 s have six times as many slots of their own.",
)
@_setting("shards", click.IntRange(1, 64), "Number of shards that the sources are split into. Replicas share them.")
@_setting(
    "lease_namespace",
    click.STRING,
    "Namespace in which replicas keep their Leases and hand over sessions. Default: the operator's own.",
)
@_setting(
    "lease_duration",
    click.IntRange(5, 300),
    "Lease duration in seconds. A replica that has not renewed for this long is considered dead.",
)
@_setting(
    "aws_quota_percent",
    click.IntRange(1, 10_000),
    "Maximum percentage of AppConfig's default quotas to use, per account and region.",
)
@_setting("metrics_port", _PORT, "Port for Prometheus metrics, at /metrics. 0 disables them.")
@_setting("health_port", _PORT, "Port for the probes, at /healthz and /readyz. 0 disables them.")
@_setting(
    "policy_file",
    click.Path(path_type=Path),
    "YAML file of rules for which namespaces can use which applications and roles. Default: no restrictions.",
)
@_setting("log_format", click.Choice(logs.FORMATS), "Log format.")
@_setting("log_level", click.Choice(logs.LEVELS), "Minimum log level.")
def run(**flags: Any) -> None:  # noqa: ANN401 (as click has checked them)
    """Run the operator until it gets SIGTERM or SIGINT.

    Kubernetes: the ServiceAccount of the Pod, else the file named by KUBECONFIG. AWS: the variables of the AWS SDK
    (AWS_REGION, AWS_ENDPOINT_URL_APPCONFIGDATA, ...).
    """
    check_variables(os.environ, VARIABLES)
    check_aws_variables(os.environ)
    settings = Settings(**flags)
    logs.configure(log_format=settings.log_format, level=settings.log_level)
    from appconfig_operator import app  # noqa: PLC0415 (boto3 and Kopf take a second, which --help need not wait for)

    app.run(settings)


VARIABLES = tuple(str(setting.envvar) for setting in run.params)
"""The environment variables that set something."""


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
