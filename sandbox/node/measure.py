"""``python -m sandbox.node.measure``: how long a node takes to start, and a changed ConfigMap to reach a file.

With the kubelet's default interval, this takes some minutes.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from sandbox.kube.kubectl import Kubectl
from sandbox.node.cluster import Cluster
from sandbox.node.packages import PackagesError
from sandbox.node.pods import restricted_pod
from sandbox.processes.output import say
from sandbox.processes.process import ProcessError

_PATH = "/api/v1/namespaces/default"
_TIMEOUT = 180
_READERS = 5
_ROUNDS = 3

# The shell's built-in read, which needs no new process. It reports when it starts and when it has seen the value.
_WAIT = """
echo
until read -r value < /mounted/value && [ "$value" = "$1" ]; do sleep 0.02; done
echo "$value"
"""


class Reader:
    """A Pod that mounts a ConfigMap.

    Parameters
    ----------
    cluster
        The cluster.
    name
        The name of the Pod and the ConfigMap.
    """

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._api = cluster.control_plane.admin
        self._kubectl = Kubectl(cluster.kubeconfig)
        self._name = name
        self._number = 0
        config_map = {"metadata": {"name": name}, "data": {"value": "0\n"}}
        self._api.request("POST", f"{_PATH}/configmaps", config_map)
        self._kubectl("create", "-f", "-", stdin=restricted_pod(name, mounts={"/mounted": name}))
        started = time.monotonic()
        self._kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
        self.seconds_to_ready = time.monotonic() - started

    def change(self, *, annotate: bool = False) -> float:
        """Change the ConfigMap, and wait until a process in the container has read it.

        Parameters
        ----------
        annotate
            Whether to annotate the Pod right afterwards, which makes the kubelet sync it.

        Returns
        -------
        float
            Seconds.

        Raises
        ------
        TimeoutError
            If the process did not read it.
        """
        self._number += 1
        value = str(self._number)
        # Not through its log: when following a log, a line may arrive up to a second late.
        command = ["exec", self._name, "--", "timeout", str(_TIMEOUT), "sh", "-c", _WAIT, "sh", value]
        with subprocess.Popen(self._kubectl.command(command), stdout=subprocess.PIPE, text=True) as waiting:
            lines = iter(waiting.stdout or ())
            next(lines, None)
            self._api.request("PATCH", f"{_PATH}/configmaps/{self._name}", {"data": {"value": f"{value}\n"}})
            started = time.monotonic()
            if annotate:
                annotation = {"metadata": {"annotations": {"changed": value}}}
                self._api.request("PATCH", f"{_PATH}/pods/{self._name}", annotation)
            if next(lines, "").strip() != value:
                message = f"Pod {self._name} did not read {value} within {_TIMEOUT} s"
                raise TimeoutError(message)
            return time.monotonic() - started


def _changes(readers: list[Reader]) -> list[float]:
    """Change all at the same time, to wait for minutes only once."""
    with ThreadPoolExecutor(len(readers)) as threads:
        rounds = threads.map(lambda reader: [reader.change() for _ in range(_ROUNDS)], readers)
        return [seconds for of_reader in rounds for seconds in of_reader]


def _say(what: str, seconds: list[float]) -> None:
    spread = f"{min(seconds):6.2f} {statistics.median(seconds):6.2f} {max(seconds):6.2f}"
    say(f"{spread}  {len(seconds):3}  {what}")


def _measure(sync_seconds: float | None) -> None:
    name = "the default, 1 min" if sync_seconds is None else f"{sync_seconds:g} s"
    say(f"\nsyncFrequency {name}: minimum, median, maximum, samples")
    with Cluster(sync_seconds=sync_seconds) as cluster:
        for stage, seconds in cluster.seconds.items():
            _say(stage, [seconds])
        _say("the whole startup", [sum(cluster.seconds.values())])
        readers = [Reader(cluster, f"reader-{number}") for number in range(_READERS)]
        _say("Pod applied to Ready", [reader.seconds_to_ready for reader in readers])
        _say("ConfigMap changed to file changed", _changes(readers))
        annotated = [reader.change(annotate=True) for reader in readers for _ in range(_ROUNDS)]
        _say("the same, and an annotation put on the Pod right after", annotated)
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
    parser.add_argument("--fast", action="store_true", help="only with a kubelet that checks every second")
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
