"""``python -m benchmarks.data_plane PORT KIND [INTERVAL]``: the data plane, until the process is stopped."""

from __future__ import annotations

import asyncio
import sys

from benchmarks.data_plane.documents import Kind
from benchmarks.data_plane.server import serve

if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Kind(sys.argv[2]), *map(float, sys.argv[3:])))
