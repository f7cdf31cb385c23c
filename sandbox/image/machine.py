"""How this machine reaches the package index, for a pip that runs in a build.

The build gets it as secrets, so that nothing of it ends up in a layer.
"""

from __future__ import annotations

import ast
import re
import ssl
import subprocess
import sys
from pathlib import Path

# The path in the Dockerfile.
CA_SECRET = "/run/secrets/ca.pem"  # noqa: S105 (a path)

_PASSED_ON = ("extra-index-url", "index-url", "no-index", "proxy", "retries", "timeout", "trusted-host")
# Later ones win, as in pip.
_LEVELS = ("global", "install", ":env:")
_LINE = re.compile(r"^(global|install|:env:)\.([a-z-]+)=('.*'|\".*\")$", re.MULTILINE)


def settings(listing: str) -> dict[str, str]:
    """Read what ``pip config list`` prints.

    Parameters
    ----------
    listing
        Its output.

    Returns
    -------
    dict of str to str
        The settings for ``pip install``, by their names.
    """
    found = {
        (level, name.removeprefix("default-")): ast.literal_eval(text) for level, name, text in _LINE.findall(listing)
    }
    return {name: value for wanted in _LEVELS for (level, name), value in found.items() if level == wanted}


def pip_conf(known: dict[str, str]) -> str:
    """Write the settings that a build needs.

    Parameters
    ----------
    known
        The settings of this machine.

    Returns
    -------
    str
        A ``pip.conf`` with the path of the certificates in the Dockerfile.
    """
    # In pip's file format, further lines of a value are indented.
    lines = [f"{name} = " + "\n  ".join(known[name].splitlines()) for name in _PASSED_ON if name in known]
    return "\n".join(["[global]", f"cert = {CA_SECRET}", *lines, ""])


def secrets() -> tuple[str, Path]:
    """Return the secrets of a build.

    Returns
    -------
    tuple of str and pathlib.Path
        The content of ``pip.conf``, and the file with the trusted certificates.
    """
    known = settings(_python("-m", "pip", "config", "list"))
    # If OpenSSL has no file of its own, pip uses the one that it ships with.
    bundle = known.get("cert") or ssl.get_default_verify_paths().cafile or _python("-m", "pip._vendor.certifi")
    return pip_conf(known), Path(bundle.strip())


def _python(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True).stdout
