"""``python tests/side_by_side.py ARGUMENTS``: all tests, those of e2e beside the others, as they mostly wait.

The arguments are for pytest. The e2e tests are reported of when the others are done.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from typing import IO

NO_TESTS = 5  # pytest: nothing was collected, as arguments may have it for some of them
INTERRUPTED = 130

PATIENT = ["tests/e2e/test_rights.py", "tests/e2e/test_status.py"]
"""They wait for back-offs of a minute, so they have a cluster of their own and run beside the other e2e tests."""

BESIDE = [["tests/e2e", *(f"--ignore={path}" for path in PATIENT)], PATIENT]


def pytest(arguments: list[str], output: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    """Start pytest."""
    return subprocess.Popen([sys.executable, "-m", "pytest", *arguments], stdout=output, stderr=output)


def main(arguments: list[str]) -> int:
    """Run all of them, and return the worst exit status."""
    with ExitStack() as stack:
        outputs = [stack.enter_context(tempfile.TemporaryFile()) for _ in BESIDE]
        # The basetemp of pytest is numbered for runs side by side; the cache is not, and only one may write it.
        running = [
            pytest([*paths, "-p", "no:cacheprovider", *arguments], output)
            for paths, output in zip(BESIDE, outputs, strict=True)
        ]
        running.insert(0, pytest(["tests/unit", "tests/integration", *arguments]))
        try:
            codes = [process.wait() for process in running]
        except KeyboardInterrupt:
            # All have got it from the terminal, and end what they started.
            for process in running:
                process.wait()
            return INTERRUPTED
        for output in outputs:
            output.seek(0)
            sys.stdout.buffer.write(output.read())
    if arguments and 0 in codes:
        codes = [code for code in codes if code != NO_TESTS]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
