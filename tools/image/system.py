"""The few operating system files that a server needs."""

from __future__ import annotations

import shutil
from pathlib import Path

from tools.image.libraries import copy_with_links

USER = 10001

_PASSWD = f"""\
root:x:0:0:root:/nonexistent:/nonexistent
appconfig-operator:x:{USER}:{USER}::/home/appconfig-operator:/nonexistent
"""
_GROUP = f"""\
root:x:0:
appconfig-operator:x:{USER}:
"""
_FROM_DEBIAN = (
    # The Debian release: scanners use it to look up packages.
    "/etc/os-release",
    "/etc/debian_version",
    # How to resolve host names: first the file, then DNS.
    "/etc/nsswitch.conf",
    "/etc/ssl/openssl.cnf",
    "/etc/ssl/certs/ca-certificates.crt",
    # The numbers of protocols and services.
    "/etc/protocols",
    "/etc/services",
)
# The licences that the copyright files refer to.
_LICENSES = Path("/usr/share/common-licenses")


def write_system(root: Path) -> list[Path]:
    """Write users, folders and settings, and copy those that Debian has.

    Parameters
    ----------
    root
        The root of the image.

    Returns
    -------
    list of pathlib.Path
        What was copied, by its path in the build stage.
    """
    copied = [place for name in _FROM_DEBIAN for place in copy_with_links(Path(name), root)]
    (root / "etc/passwd").write_text(_PASSWD, encoding="ascii")
    (root / "etc/group").write_text(_GROUP, encoding="ascii")
    # Empty and read-only: a mount point for ~/.aws.
    (root / "home/appconfig-operator").mkdir(parents=True)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    # OpenSSL's own folder, as in Debian: it looks for settings and certificates there.
    openssl = root / "usr/lib/ssl"
    openssl.mkdir(parents=True, exist_ok=True)
    for name, target in (
        ("openssl.cnf", "/etc/ssl/openssl.cnf"),
        ("cert.pem", "/etc/ssl/certs/ca-certificates.crt"),
        ("certs", "/etc/ssl/certs"),
    ):
        (openssl / name).symlink_to(target)
    shutil.copytree(_LICENSES, root / _LICENSES.relative_to("/"), symlinks=True)
    return copied
