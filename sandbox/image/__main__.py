"""Builds the image, and says where it is and how large."""

from __future__ import annotations

import sys

from sandbox.image import IMAGE, Archive, ImageError, build_image
from sandbox.processes.output import say

_MEGABYTE = 1_000_000


def main() -> int:
    """Build, and print.

    Returns
    -------
    int
        The exit code.
    """
    try:
        path = build_image()
    except ImageError as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 1
    archive = Archive(path)
    say(str(path))
    say(f"{IMAGE}: {archive.compressed / _MEGABYTE:.1f} MB compressed, {archive.unpacked / _MEGABYTE:.1f} MB unpacked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
