"""What the kernel says of a process."""

from __future__ import annotations

import os

from benchmarks.usage import cpu_seconds, resident_bytes


def test_the_kernel_knows_this_process() -> None:
    assert cpu_seconds(os.getpid()) > 0
    assert resident_bytes(os.getpid()) > 1_000_000
