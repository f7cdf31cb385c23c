"""What of the installed packages the operator never uses."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# 25 MB of botocore are descriptions of services. AppConfig is ours. The others are those that the default chain asks
# for credentials: roles, IRSA (STS), IAM Identity Center, and `aws login` (signin), which gives none here, as it wants
# `awscrt` too. A test reads them out of botocore's source.
SERVICES = frozenset({"appconfigdata", "signin", "sso", "sso-oidc", "sts"})

# The only program of the image.
_SCRIPT = "appconfig-operator"


def version_of(packages: Path, name: str) -> str:
    """Say which version of a package is installed.

    Parameters
    ----------
    packages
        The folder ``site-packages``.
    name
        The package, as its ``dist-info`` spells it.

    Returns
    -------
    str
        The version.
    """
    (found,) = packages.glob(f"{name}-*.dist-info")
    return found.name.removeprefix(f"{name}-").removesuffix(".dist-info")


def prune(packages: Path, scripts: Path) -> None:
    """Remove what the operator never uses.

    Parameters
    ----------
    packages
        The folder ``site-packages``.
    scripts
        The folder of the commands that packages bring.
    """
    for service in (packages / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)
    # Descriptions of boto3's resources, which are not used, for services that are not there.
    shutil.rmtree(packages / "boto3" / "data")
    shutil.rmtree(packages / "boto3" / "examples", ignore_errors=True)
    # A second client for the same API, with asyncio, which nothing imports: 20 MB, and as much byte-code.
    shutil.rmtree(packages / "kubernetes" / "aio")
    for script in scripts.iterdir():
        if script.name != _SCRIPT:
            script.unlink()
