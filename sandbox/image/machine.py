"""How this machine reaches the package index, for a pip that runs in a build.

It is given to the build as secrets: nothing of it gets into a layer.
"""

from __future__ import annotations

import ast
import re
import ssl
import subprocess
import sys
from pathlib import Path

# As the Dockerfile names it.
CA_SECRET = "/run/secrets/ca.pem"  # noqa: S105 (a path)

_PASSED_ON = ("extra-index-url", "index-url", "no-index", "proxy", "retries", "timeout", "trusted-host")
# Later ones win, as they do in pip.
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
        A ``pip.conf``, whose certificates are where the Dockerfile has them.
    """
    # More lines of a value are set in by pip's own file format.
    lines = [f"{name} = " + "\n  ".join(known[name].splitlines()) for name in _PASSED_ON if name in known]
    return "\n".join(["[global]", f"cert = {CA_SECRET}", *lines, ""])


def write_secrets(folder: Path) -> dict[str, Path]:
    """Write the secrets of a build.

    Parameters
    ----------
    folder
        Where they go. It must be nobody else's, and be removed after the build.

    Returns
    -------
    dict of str to pathlib.Path
        The file of each secret, by its id.
    """
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    known = settings(listing)
    bundle = known.get("cert") or ssl.get_default_verify_paths().cafile
    secrets = {"pip.conf": folder / "pip.conf", "ca.pem": folder / "ca.pem"}
    secrets["pip.conf"].write_text(pip_conf(known), encoding="utf-8")
    if bundle is None:
        message = "No file of certificates is known: set pip's cert, or SSL_CERT_FILE"
        raise OSError(message)
    secrets["ca.pem"].write_bytes(Path(bundle).read_bytes())
    return secrets
