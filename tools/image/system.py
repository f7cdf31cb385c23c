"""The few files of an operating system that a server needs."""

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
    # Which Debian it is: scanners look the packages up by it.
    "/etc/os-release",
    "/etc/debian_version",
    # Where host names are looked for: the file first, then DNS.
    "/etc/nsswitch.conf",
    "/etc/ssl/openssl.cnf",
    "/etc/ssl/certs/ca-certificates.crt",
    # Which protocols and services have which numbers.
    "/etc/protocols",
    "/etc/services",
)
# Where the licences are whose names stand in the copyright files.
_LICENSES = Path("/usr/share/common-licenses")


def write_system(root: Path) -> list[Path]:
    """Write users, folders and settings, and copy what Debian has of them.

    Parameters
    ----------
    root
        The root of the image.

    Returns
    -------
    list of pathlib.Path
        What was copied, by where it is in the build stage.
    """
    copied = [place for name in _FROM_DEBIAN for place in copy_with_links(Path(name), root)]
    (root / "etc/passwd").write_text(_PASSWD, encoding="ascii")
    (root / "etc/group").write_text(_GROUP, encoding="ascii")
    # Empty, and not to be written: a place to mount ~/.aws at.
    (root / "home/appconfig-operator").mkdir(parents=True)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    # OpenSSL's own folder, as Debian has it: settings and certificates are looked for there.
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
