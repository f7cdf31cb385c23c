"""``python tests/side_by_side.py ARGUMENTS``: all tests, those of e2e beside the others, as they mostly wait.

The arguments are for pytest. The e2e tests are told of when the others are done.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import IO

NO_TESTS = 5  # pytest: nothing was collected, as arguments may have it for one of the two
INTERRUPTED = 130


def pytest(arguments: list[str], output: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    """Start pytest."""
    return subprocess.Popen([sys.executable, "-m", "pytest", *arguments], stdout=output, stderr=output)


def main(arguments: list[str]) -> int:
    """Run both, and return the worse exit status."""
    with tempfile.TemporaryFile() as output:
        # The basetemp of pytest is numbered for runs side by side; the cache is not, and only one may write it.
        e2e = pytest(["tests/e2e", "-p", "no:cacheprovider", *arguments], output)
        others = pytest(["tests/unit", "tests/integration", *arguments])
        try:
            codes = [others.wait(), e2e.wait()]
        except KeyboardInterrupt:
            # Both have got it from the terminal, and end what they started.
            others.wait()
            e2e.wait()
            return INTERRUPTED
        output.seek(0)
        sys.stdout.buffer.write(output.read())
    if arguments and sorted(codes) == [0, NO_TESTS]:
        return 0
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
