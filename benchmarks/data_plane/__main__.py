"""``python -m benchmarks.data_plane PORT [INTERVAL]``: the data plane, until the process is stopped."""

from __future__ import annotations

import asyncio
import sys

from benchmarks.data_plane.server import serve

if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), *map(float, sys.argv[2:])))
