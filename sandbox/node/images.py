"""The two images that every node has: the pause container of Pods, and a busybox that reads what is mounted."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sandbox.node.archive import Image
from sandbox.node.settings import PAUSE_IMAGE

BUSYBOX_IMAGE = "localhost/busybox:1"

_PAUSE_SOURCE = Path(__file__).with_name("pause.c")


def build_pause(folder: Path) -> Path:
    """Compile the pause program, which does nothing.

    Parameters
    ----------
    folder
        The output folder.

    Returns
    -------
    pathlib.Path
        The program, statically linked.
    """
    program = folder / "pause"
    subprocess.run(["cc", "-Os", "-static", "-s", "-Wall", "-Werror", "-o", program, _PAUSE_SOURCE], check=True)
    return program


def pause_image(program: Path, folder: Path) -> Path:
    """Pack the pause program into an archive.

    Parameters
    ----------
    program
        The program from `build_pause`.
    folder
        The output folder.

    Returns
    -------
    pathlib.Path
        The archive of `PAUSE_IMAGE`.
    """
    archive = folder / "pause.tar"
    Image(PAUSE_IMAGE, {"/pause": program}, command=["/pause"]).write(archive)
    return archive


def busybox_image(program: Path, folder: Path) -> Path:
    """Pack a busybox into an archive, with a link for each of its tools.

    Parameters
    ----------
    program
        The busybox, statically linked.
    folder
        The output folder.

    Returns
    -------
    pathlib.Path
        The archive of `BUSYBOX_IMAGE`.
    """
    archive = folder / "busybox.tar"
    tools = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    links = {f"/bin/{tool}": "busybox" for tool in tools if tool != "busybox"}
    Image(BUSYBOX_IMAGE, {"/bin/busybox": program}, links, ["/bin/sh"]).write(archive)
    return archive
