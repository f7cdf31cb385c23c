"""The cost of a process, from the kernel's own counters (Linux)."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

# Fields of /proc/<pid>/stat after the name of the program, which may contain spaces (proc(5): utime is the 14th field).
_USER_TIME, _SYSTEM_TIME = 11, 12


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used in all its threads, to 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[_USER_TIME]) + int(fields[_SYSTEM_TIME])) / _TICKS_PER_SECOND


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process."""
    return _bytes(pid, "VmRSS")


def peak_bytes(pid: int) -> int:
    """Return the peak resident memory of a process."""
    return _bytes(pid, "VmHWM")


def _bytes(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (line,) = (line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
