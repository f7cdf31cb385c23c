"""The parts of the installed packages that the operator never uses."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# 25 MB of botocore are descriptions of services. The operator uses AppConfig. The default chain uses the others to get
# credentials: roles, IRSA (STS), IAM Identity Center, and `aws login` (signin), which does not work here because it
# also needs `awscrt`. A test reads them from botocore's source.
SERVICES = frozenset({"appconfigdata", "signin", "sso", "sso-oidc", "sts"})

# The only command in the image.
_SCRIPT = "appconfig-operator"


def version_of(packages: Path, name: str) -> str:
    """Return the installed version of a package.

    Parameters
    ----------
    packages
        The folder ``site-packages``.
    name
        The package, as spelled in its ``dist-info``.

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
        The folder of the commands that packages install.
    """
    for service in (packages / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)
    # Descriptions of boto3's resources, which are not used, for services that are left out.
    shutil.rmtree(packages / "boto3" / "data")
    shutil.rmtree(packages / "boto3" / "examples", ignore_errors=True)
    # A second client for the same API, with asyncio, which nothing imports: 20 MB, and as much byte-code.
    shutil.rmtree(packages / "kubernetes" / "aio")
    for script in scripts.iterdir():
        if script.name != _SCRIPT:
            script.unlink()
