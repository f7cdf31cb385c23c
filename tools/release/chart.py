"""The published chart: packaged, with the image from the registry."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import yaml

from sandbox.toolchain.provision import program

if TYPE_CHECKING:
    from pathlib import Path

_DIGEST = re.compile(r"^Digest: (sha256:[0-9a-f]{64})$", re.MULTILINE)


def with_value(text: str, path: list[str], value: str) -> str:
    """Change one value in a YAML text, and nothing else: its comments document the chart.

    Parameters
    ----------
    text
        The YAML.
    path
        The keys that lead to the value.
    value
        The new value.

    Returns
    -------
    str
        The changed text.

    Raises
    ------
    ValueError
        If there is no such string value, or something else would change, too.
    """
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    for key in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((child for name, child in pairs if name.value == key), None)
    if not isinstance(node, yaml.ScalarNode):
        raise ValueError(f"there is no string at {'.'.join(path)}")  # noqa: TRY004 (the document is wrong, not the caller)
    changed = text[: node.start_mark.index] + value + text[node.end_mark.index :]
    expected: Any = yaml.safe_load(text)
    part = expected
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    if yaml.safe_load(changed) != expected:
        raise ValueError(f"{value!r} cannot be written at {'.'.join(path)} as it is")
    return changed


def package(chart: Path, image: str, out: Path, work: Path) -> Path:
    """Package a chart with an image from a registry as the default.

    Parameters
    ----------
    chart
        The chart in the repository, which is not changed.
    image
        The image, without its tag: the chart uses its ``appVersion``.
    out
        The folder for the package.
    work
        An empty folder for the changed copy.

    Returns
    -------
    pathlib.Path
        The package.
    """
    copy = work / chart.name
    shutil.copytree(chart, copy)
    values = copy / "values.yaml"
    values.write_text(with_value(values.read_text(encoding="utf-8"), ["image", "repository"], image), encoding="utf-8")
    # The table of values in it names the default.
    readme = [f"--chart-search-root={copy}", "--sort-values-order=file", "--log-level=warning"]
    subprocess.run([program("helm-docs"), *readme], check=True)
    before = set(out.glob("*.tgz"))
    subprocess.run([program("helm"), "package", copy, "--destination", out], check=True, stdout=subprocess.DEVNULL)
    (made,) = set(out.glob("*.tgz")) - before
    return made


def push(file: Path, registry: str, *options: str) -> str:
    """Push a packaged chart.

    Parameters
    ----------
    file
        The package.
    registry
        Where to, such as ``oci://ghcr.io/someone/charts``. Docker or Helm has to be logged in.
    *options
        Options for ``helm push``.

    Returns
    -------
    str
        Its digest in the registry.

    Raises
    ------
    ValueError
        If Helm did not print the digest.
    """
    done = subprocess.run(
        [program("helm"), "push", file, registry, *options],
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return digest_of(done.stdout)


def digest_of(said: str) -> str:
    """Read the digest from the output of ``helm push``.

    Parameters
    ----------
    said
        Its output.

    Returns
    -------
    str
        Such as ``sha256:…``.

    Raises
    ------
    ValueError
        If there is none.
    """
    found = _DIGEST.findall(said)
    if len(found) != 1:
        raise ValueError(f"helm push named {len(found)} digests:\n{said}")
    return str(found[0])
