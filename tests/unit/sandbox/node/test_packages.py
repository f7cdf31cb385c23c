"""What a node installs on this machine, and what it only unpacks."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from sandbox.node import packages
from sandbox.node.packages import PACKAGES, UNPACKED, PackagesError, check_machine, ensure_packages
from sandbox.toolchain import persistence

if TYPE_CHECKING:
    from pathlib import Path

# They write down how they are called. `apt-get download` leaves an archive of each name, which dpkg-deb unpacks.
APT_GET = """#!/bin/sh
echo "$@" >> "$LOG"
names=
for word; do
    test -z "$names" || touch "${word}_1_all.deb"
    test "$word" != download || names=follow
done
"""
DPKG_DEB = """#!/bin/sh
for file in %s; do mkdir -p "$3/$(dirname $file)"; touch "$3/$file"; done
"""
FILES = {
    "busybox-static": "bin/busybox",
    "containerd": "usr/bin/containerd",
    "containernetworking-plugins": "usr/lib/cni/bridge",
    "runc": "usr/sbin/runc",
}


@pytest.fixture
def _root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")


class Machine:
    """One whose apt-get and dpkg-deb are ours, with nothing installed."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.cache = folder / "cache"
        self.log = folder / "log"
        self._programs = folder / "programs"
        for made in (self.root, self._programs):
            made.mkdir()
        self.write("apt-get", APT_GET)
        self.write("dpkg-deb", DPKG_DEB % " ".join(FILES.values()))

    def write(self, name: str, text: str) -> None:
        (self._programs / name).write_text(text)
        (self._programs / name).chmod(0o755)

    def variables(self) -> dict[str, str]:
        return {"PATH": f"{self._programs}:{os.environ['PATH']}", "LOG": str(self.log)}

    def ensure(self) -> packages.Programs:
        return ensure_packages({"XDG_CACHE_HOME": str(self.cache)})

    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(_root: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr(packages, "_ROOT", made.root)
    monkeypatch.setattr(persistence, "PAUSES", (0.0,))
    for name, value in made.variables().items():
        monkeypatch.setenv(name, value)
    return made


def test_nothing_of_this_machine_is_removed(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.ensure()
    (install,) = (call for call in machine.calls() if " install " in call)
    options, _, names = install.partition(" install ")
    assert options.startswith("-q ")
    assert set(names.split()) == {"--yes", "--no-install-recommends", "--no-remove", *PACKAGES}
    assert set(PACKAGES).isdisjoint(UNPACKED)
    assert {"containerd", "runc", "busybox-static"} <= set(UNPACKED)
    assert "installing buildah, debian-archive-keyring, " in capsys.readouterr().err


def test_what_is_there_is_not_asked_for(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    for pattern in PACKAGES.values():
        file = machine.root / pattern.replace("*", "any")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    machine.ensure()
    assert not any(" install " in call for call in machine.calls())
    before = machine.calls()
    capsys.readouterr()

    machine.ensure()
    assert machine.calls() == before
    assert capsys.readouterr() == ("", "")


def test_unpacked_programs_are_found(machine: Machine) -> None:
    programs = machine.ensure()
    unpacked = machine.cache / "appconfig-operator/programs/debian"
    assert programs == packages.Programs(
        busybox=unpacked / "busybox-static/bin/busybox",
        containerd=unpacked / "containerd/usr/bin",
        network=unpacked / "containernetworking-plugins/usr/lib/cni",
        runc=unpacked / "runc/usr/sbin/runc",
    )
    assert sorted(path.name for path in unpacked.iterdir()) == sorted([*UNPACKED, "lock"])


def test_what_has_been_damaged_is_unpacked_again(machine: Machine) -> None:
    runc = machine.ensure().runc
    runc.unlink()
    assert machine.ensure().runc.exists()
    downloads = [call.partition(" download ")[2].split() for call in machine.calls() if " download " in call]
    assert downloads == [[*UNPACKED], ["runc"]]


def test_package_without_its_program_is_an_error(machine: Machine) -> None:
    machine.write("dpkg-deb", DPKG_DEB % FILES["runc"])
    with pytest.raises(PackagesError, match=r"the package busybox-static has no \*\*/bin/busybox"):
        machine.ensure()


def test_sources_of_which_nothing_is_needed_may_fail(machine: Machine) -> None:
    machine.write("apt-get", APT_GET.replace("\n", '\ncase "$*" in *update) echo elsewhere >&2; exit 100;; esac\n', 1))
    assert machine.ensure().runc.exists()


def test_apt_get_that_fails_is_run_again(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    broken = f"{machine.log}.failed"
    once = f'\ncase "$*" in *" install "*) test -e {broken} || {{ touch {broken}; exit 100; }};; esac\n'
    machine.write("apt-get", APT_GET.replace("\n", once, 1))
    machine.ensure()
    assert [call for call in machine.calls() if " install " in call] != []
    assert "sandbox: apt-get failed:\n" in capsys.readouterr().err


def test_apt_get_that_fails_is_quoted(machine: Machine) -> None:
    machine.write("apt-get", "#!/bin/sh\necho no network >&2; exit 100\n")
    with pytest.raises(PackagesError, match=r"apt-get -q .* update failed:\nno network"):
        machine.ensure()


def test_who_is_not_root_is_told_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "apt-get" else f"/usr/bin/{name}")
    with pytest.raises(PackagesError, match=r"a node needs root, apt-get\. It runs as root on Debian or Ubuntu"):
        check_machine()


@pytest.mark.usefixtures("_root")
def test_root_on_debian_is_all_that_is_needed() -> None:
    check_machine()
