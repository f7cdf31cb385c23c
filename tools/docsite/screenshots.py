"""``python -m tools.docsite.screenshots``: pictures of the built site, for somebody to look at.

They are made by a Chromium on ``PATH``, on a phone and on a desk, light and dark, into ``build/screenshots``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox.processes.output import say

_BUILD = Path(__file__).parents[2] / "build"
_PAGES = (".", "getting-started", "resource", "reasons", "performance", "architecture", "consumers")
_SIZES = {"phone": "390,2400", "desk": "1280,1600"}
_SCHEMES = {"dark": 0, "light": 1}
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=5000",
    # Whatever a page might ask another host for is missing in the picture.
    "--host-resolver-rules=MAP * ~NOTFOUND",
]


def take(browser: str, page: str, size: str, scheme: str, to: Path) -> None:
    """Take one picture.

    Parameters
    ----------
    browser
        The program.
    page
        The folder of the page in the site.
    size
        Width and height in pixels.
    scheme
        ``light`` or ``dark``.
    to
        The file to write.
    """
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser,
            *_FLAGS,
            f"--user-data-dir={profile}",
            f"--blink-settings=preferredColorScheme={_SCHEMES[scheme]}",
            f"--window-size={size}",
            f"--screenshot={to}",
            (_BUILD / "site" / page / "index.html").as_uri(),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=120)


def main() -> int:
    """Take all pictures.

    Returns
    -------
    int
        The exit code: 1 when there is no Chromium.
    """
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        print("There is no chromium on PATH.", file=sys.stderr)
        return 1
    folder = _BUILD / "screenshots"
    folder.mkdir(exist_ok=True)
    for page in _PAGES:
        for device, size in _SIZES.items():
            for scheme in _SCHEMES:
                name = "home" if page == "." else page
                take(browser, page, size, scheme, folder / f"{name}-{device}-{scheme}.png")
    say(f"{len(_PAGES) * len(_SIZES) * len(_SCHEMES)} pictures: build/screenshots")
    return 0


if __name__ == "__main__":
    sys.exit(main())
