"""The cgroups that contain all of a node's Pods: one with the same name in each mounted hierarchy."""

from __future__ import annotations

import os
from pathlib import Path

from sandbox.processes.waiting import wait_until

_MOUNTS = Path("/proc/self/mounts")
_TYPES = {"cgroup", "cgroup2"}
_TIMEOUT = 30.0
_OFFERED, _ENABLED = "cgroup.controllers", "cgroup.subtree_control"
_CONTROLLERS = ("cpu", "cpuset", "memory", "hugetlb", "pids")


def hierarchies(mounts: str) -> list[Path]:
    """Find where cgroups are mounted: several hierarchies with version 1, one with version 2.

    Parameters
    ----------
    mounts
        The content of ``/proc/self/mounts``.

    Returns
    -------
    list of pathlib.Path
        The root of each hierarchy.
    """
    lines = [line.split() for line in mounts.splitlines()]
    return [Path(fields[1]) for fields in lines if fields[2] in _TYPES]


def _roots() -> list[Path]:
    return hierarchies(_MOUNTS.read_text(encoding="utf-8"))


def create(name: str) -> None:
    """Create the cgroup with that name in every hierarchy.

    Raises
    ------
    OSError
        If the machine does not allow it.
    """
    for root in _roots():
        if (root / _ENABLED).exists():
            _enable_controllers(root)
        (root / name).mkdir(exist_ok=True)


def _enable_controllers(root: Path) -> None:
    """With version 2, enable the controllers that the kubelet requires below this cgroup, if the root has them.

    They stay enabled, because other programs may rely on them by the time we end.
    """
    offered, enabled = ((root / name).read_text(encoding="ascii").split() for name in (_OFFERED, _ENABLED))
    missing = [f"+{name}" for name in _CONTROLLERS if name in offered and name not in enabled]
    if not missing:
        return
    try:
        (root / _ENABLED).write_text(" ".join(missing), encoding="ascii")
    except OSError as error:
        message = f"{root / _ENABLED} does not take {' '.join(missing)}, which the kubelet needs: {error}"
        raise OSError(message) from error


def names(prefix: str) -> set[str]:
    """Find the cgroups with names that start with a prefix."""
    return {path.name for root in _roots() for path in root.glob(f"{prefix}*") if path.is_dir()}


def remove(name: str, timeout: float = _TIMEOUT) -> None:
    """Remove the cgroup with that name, and all below it. Its processes must be dead, or about to die.

    Parameters
    ----------
    name
        The name of the cgroup.
    timeout
        Seconds for its processes to die.

    Raises
    ------
    TimeoutError
        If a process in it is still alive.
    """
    wait_until(lambda: all(_removed(root / name) for root in _roots()), timeout, f"cgroup {name} empty")


def _removed(cgroup: Path) -> bool:
    # A cgroup's files disappear with it; only the groups below have to be removed first. One in use raises OSError.
    for folder, _, _ in os.walk(cgroup, topdown=False):
        Path(folder).rmdir()
    return True
