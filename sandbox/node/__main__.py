"""``python -m sandbox.node``: install what a node needs on this machine, and report what is missing."""

from __future__ import annotations

import sys

from sandbox.node.packages import PackagesError, ensure_packages

if __name__ == "__main__":
    try:
        ensure_packages()
    except PackagesError as error:
        sys.exit(f"sandbox: {error}")
