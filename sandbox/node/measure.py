"""``python -m sandbox.node.measure``: how long a node's stages take, and how soon a changed ConfigMap is in a file.

With the kubelet's default it takes some minutes.
"""

from __future__ import annotations

import argparse
import queue
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from sandbox.kubectl import Kubectl
from sandbox.node.cluster import Cluster
from sandbox.node.packages import PackagesError
from sandbox.node.pods import restricted_pod
from sandbox.process import ProcessError

if TYPE_CHECKING:
    from types import TracebackType

_PATH = "/api/v1/namespaces/default"
_TIMEOUT = 180.0
_READERS = 5
_ROUNDS = 3

# The shell's own read: no process for each look.
_READ = """
old=
while :; do
    read -r new < /mounted/value
    [ "$new" = "$old" ] || echo "$new"
    old=$new
    sleep 0.02
done
"""


class Reader:
    """A Pod that mounts a ConfigMap and says at once what is new in the file, as a context manager.

    Parameters
    ----------
    cluster
        Where.
    name
        Of the Pod and of the ConfigMap.
    """

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._api = cluster.control_plane.admin
        self._kubectl = Kubectl(cluster.kubeconfig)
        self._name = name
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._number = 0

    def __enter__(self) -> Self:
        """Start it and wait until it is ready."""
        config_map = {"metadata": {"name": self._name}, "data": {"value": "0\n"}}
        self._api.request("POST", f"{_PATH}/configmaps", config_map)
        command = ["sh", "-c", _READ]
        self._kubectl("create", "-f", "-", stdin=restricted_pod(self._name, command, mounts={"/mounted": self._name}))
        started = time.monotonic()
        self._kubectl("wait", "--for=condition=Ready", f"pod/{self._name}", "--timeout=60s")
        self.seconds_to_ready = time.monotonic() - started
        follow = self._kubectl.command(["logs", "--follow", self._name])
        self._follow = subprocess.Popen(follow, stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._listen, name=self._name)
        self._thread.start()
        self._wait("0")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more. The Pod ends with its cluster."""
        self._follow.kill()
        self._follow.wait()
        self._thread.join()

    def _listen(self) -> None:
        for line in self._follow.stdout or ():
            self._lines.put(line.strip())

    def _wait(self, value: str) -> None:
        try:
            while self._lines.get(timeout=_TIMEOUT) != value:
                pass
        except queue.Empty:
            message = f"Pod {self._name} did not read {value} within {_TIMEOUT:g} s"
            raise TimeoutError(message) from None

    def change(self, *, annotate: bool = False) -> float:
        """Change the ConfigMap, and wait until the container has read it.

        Parameters
        ----------
        annotate
            Whether the Pod gets an annotation right after it: the kubelet then looks at it.

        Returns
        -------
        float
            Seconds.
        """
        self._number += 1
        value = str(self._number)
        self._api.request("PATCH", f"{_PATH}/configmaps/{self._name}", {"data": {"value": f"{value}\n"}})
        started = time.monotonic()
        if annotate:
            self._api.request("PATCH", f"{_PATH}/pods/{self._name}", {"metadata": {"annotations": {"changed": value}}})
        self._wait(value)
        return time.monotonic() - started


def _changes(readers: list[Reader]) -> list[float]:
    """Change all at the same time, so that minutes of waiting are spent once."""
    with ThreadPoolExecutor(len(readers)) as threads:
        rounds = threads.map(lambda reader: [reader.change() for _ in range(_ROUNDS)], readers)
        return [seconds for of_reader in rounds for seconds in of_reader]


def _say(what: str, seconds: list[float]) -> None:
    spread = f"{min(seconds):6.2f} {statistics.median(seconds):6.2f} {max(seconds):6.2f}"
    print(f"{spread}  {len(seconds):3}  {what}", flush=True)


def _measure(sync_seconds: float | None) -> None:
    name = "the default, 1 min" if sync_seconds is None else f"{sync_seconds:g} s"
    print(f"\nsyncFrequency {name}: least, median, most, times", flush=True)
    with Cluster(sync_seconds=sync_seconds) as cluster, ExitStack() as stack:
        for stage, seconds in cluster.seconds.items():
            _say(stage, [seconds])
        _say("all of the start", [sum(cluster.seconds.values())])
        readers = [stack.enter_context(Reader(cluster, f"reader-{number}")) for number in range(_READERS)]
        _say("Pod applied to Ready", [reader.seconds_to_ready for reader in readers])
        _say("ConfigMap changed to file changed", _changes(readers))
        annotated = [reader.change(annotate=True) for reader in readers for _ in range(_ROUNDS)]
        _say("the same, and an annotation put on the Pod right after", annotated)
        stack.close()
        began = time.monotonic()
    _say("down", [time.monotonic() - began])


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        After the name of the program. Default: the process's own.

    Returns
    -------
    int
        The exit code: 1 if something failed.
    """
    parser = argparse.ArgumentParser(prog="python -m sandbox.node.measure", description=__doc__)
    parser.add_argument("--fast", action="store_true", help="only with a kubelet that looks every second")
    options = parser.parse_args(arguments)
    try:
        for sync_seconds in (1.0,) if options.fast else (1.0, None):
            _measure(sync_seconds)
    except (PackagesError, ProcessError, OSError) as error:
        sys.stderr.write(f"measure: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
