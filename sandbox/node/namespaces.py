"""The namespaces of a cluster, and the process that holds them."""

from __future__ import annotations

import os
import select
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.kube.command_lines import KUBERNETES_SERVICE
from sandbox.node.settings import BRIDGE
from sandbox.processes.hosts import Host
from sandbox.processes.process import Process, ProcessError
from sandbox.processes.started import Started
from sandbox.processes.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack

    from sandbox.node.claim import Claim

_START_TIMEOUT = 60.0
_END_TIMEOUT = 60.0
_INNER_LINK = "machine"
_BRIDGE_ADDRESS = "02:00:00:00:00:01"

# The script of process 1 before it turns into pause. $1 is our folder, $2 is pause.
#
# The node gets its own /run. /var/lib and /var/log, where the kubelet and the network plug-ins insist on their own
# folders, keep their content, but writes go elsewhere. The kubelet writes these kernel settings,
# which affect the whole machine, so it finds plain files in their place.
_PREPARE = """
mount -t tmpfs tmpfs /run
mkdir -p /run/lock
for name in lib log; do
    mkdir -p "$1/$name/upper" "$1/$name/work"
    mount -t overlay -o "lowerdir=/var/$name,upperdir=$1/$name/upper,workdir=$1/$name/work" overlay "/var/$name"
done
for name in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops \
        kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
    mkdir -p "$1/sys/$name"
    cat "/proc/sys/$name" > "$1/sys/$name/value"
    mount --bind "$1/sys/$name/value" "/proc/sys/$name"
done
exec "$2"
"""


class Namespaces(Started):
    """Mount, network and process namespaces as a context manager.

    One process holds them, as process 1 of its own process namespace. It dies when we die, and all other processes in
    the namespace die with it. With the last of them, the mounts and network interfaces disappear and, a moment later,
    this machine's end of the cable.

    Parameters
    ----------
    claim
        The addresses to use.
    folder
        A folder for them, which is kept. Neither it nor anything below it is reached through a symbolic link.
    pause
        The program that holds them, in that folder.
    """

    def __init__(self, claim: Claim, folder: Path, pause: Path) -> None:
        self._claim = claim
        self._folder = folder
        self._pause = pause

    def _start(self, stack: ExitStack) -> None:
        own = self._folder / "namespaces"
        own.mkdir()
        command = ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child=KILL"]
        command += ["sh", "-euc", _PREPARE, "sh", str(own), str(self._pause)]
        self._holder = holder = Process("namespaces", command, self._folder, ready_timeout=_START_TIMEOUT)
        holder.ready = lambda: self._holds(holder.pid)
        holder.start()
        watch = os.pidfd_open(self.pid)
        stack.callback(os.close, watch)
        stack.callback(self._end, watch)
        self._connect()

    def kill(self) -> None:
        """Kill all processes in them, without waiting."""
        # Not SIGTERM, which unshare ignores. When unshare is killed, the kernel kills process 1, and so all others.
        self._holder.kill()

    def _holds(self, parent: int) -> bool:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
        # Before it becomes pause, it is unshare, a shell and mount.
        if not children or Path(f"/proc/{children[0]}/exe").readlink() != self._pause:
            return False
        self.pid = int(children[0])
        return True

    def _connect(self) -> None:
        claim, length = self._claim, self._claim.subnet.prefixlen
        _ip(
            [],
            f"link add {claim.link} type veth peer name {_INNER_LINK} netns {self.pid}",
            f"address add {claim.outer_address}/{length} dev {claim.link}",
            f"link set {claim.link} up",
        )
        _ip(
            self.host.prefix,
            "link set lo up",
            # Without a fixed address, the bridge takes that of a Pod. It changes with the Pods, and anyone who has
            # cached it gets no answer for a while.
            f"link add {BRIDGE} address {_BRIDGE_ADDRESS} type bridge",
            f"link set {_INNER_LINK} master {BRIDGE} up",
            f"address add {claim.address}/{length} dev {BRIDGE}",
            # Pods reach the API server here. It listens on all addresses, so no kube-proxy is needed.
            f"address add {KUBERNETES_SERVICE}/32 dev {BRIDGE}",
            f"link set {BRIDGE} up",
        )

    def _end(self, watch: int) -> None:
        self.kill()
        # Process 1 ends only after all others.
        if not select.select([watch], [], [], _END_TIMEOUT)[0]:
            message = f"the processes of the node still run after {_END_TIMEOUT:g} s"
            raise ProcessError(message)
        _remove(self._claim.link)

    @property
    def host(self) -> Host:
        """The network only: servers started this way otherwise run on this machine, and keep their process IDs."""
        return Host(self._claim.address, ("nsenter", f"--net=/proc/{self.pid}/ns/net", "--"), self._folder)

    def enter(self, command: Sequence[str | Path]) -> list[str]:
        """Return the command that runs another command in all of the namespaces, as its child."""
        return ["nsenter", f"--target={self.pid}", "--mount", "--net", "--pid", "--", *map(str, command)]


def _ip(prefix: Sequence[str], *lines: str) -> None:
    command = [*prefix, "ip", "-batch", "-"]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"{' '.join(command)} failed:\n{done.stderr.strip()}"
        raise ProcessError(message)


def _remove(link: str) -> None:
    # The kernel also removes it some time after the last process. If it has already started to, this fails.
    subprocess.run(["ip", "link", "delete", link], capture_output=True, check=False)
    wait_until(lambda: link not in {name for _, name in socket.if_nameindex()}, _END_TIMEOUT, f"{link} gone")
