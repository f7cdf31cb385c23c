"""The key that signs ServiceAccount tokens, and the certificate by which the kubelet recognizes the API server."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# The order of the curve P-256 (FIPS 186-5, SP 800-186): a private key is a number below it.
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P256_BYTES = 32

# An ECPrivateKey (RFC 5915) in DER, around the number: version 1, the key, and the name of the curve. The public key is
# optional, and readers compute it. So creating a key needs no arithmetic here, no OpenSSL and no package.
_BEFORE_KEY = bytes.fromhex("30310201010420")
_AFTER_KEY = bytes.fromhex("a00a06082a8648ce3d030107")

_PEM_LINE = 64


def ec_private_key() -> str:
    """Make a private key on the curve P-256.

    Returns
    -------
    str
        The key in PEM, as from ``openssl ecparam -genkey``.
    """
    number = secrets.randbelow(_P256_ORDER - 1) + 1
    der = _BEFORE_KEY + number.to_bytes(_P256_BYTES, "big") + _AFTER_KEY
    text = base64.b64encode(der).decode("ascii")
    lines = [text[start : start + _PEM_LINE] for start in range(0, len(text), _PEM_LINE)]
    return "\n".join(["-----BEGIN EC PRIVATE KEY-----", *lines, "-----END EC PRIVATE KEY-----", ""])


def write_private(path: Path, text: str) -> Path:
    """Write a file that only its owner can read.

    Parameters
    ----------
    path
        The file.
    text
        Its content.

    Returns
    -------
    pathlib.Path
        The file.
    """
    # Private from the start, not only after a chmod.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path


def write_client_certificate(certificate: Path, key: Path, name: str, group: str) -> None:
    """Make a key and a self-signed certificate for a TLS client.

    Parameters
    ----------
    certificate, key
        The files to write.
    name, group
        The user and the group that Kubernetes sees in it.
    """
    write_private(key, ec_private_key())
    command: list[str | Path] = ["openssl", "req", "-x509", "-batch", "-days", "7", "-key", key, "-out", certificate]
    command += ["-subj", f"/O={group}/CN={name}", "-addext", "extendedKeyUsage=clientAuth"]
    subprocess.run(command, check=True)
