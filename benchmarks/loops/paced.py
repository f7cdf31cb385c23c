"""``python -m benchmarks.loops.paced COUNT SCHEDULE RESULT``: replays the polls of a window, and does nothing else.

It starts the sessions, fetches each configuration once, reports that, and waits for SIGUSR1. Then it polls as the file
`SCHEDULE` says, JSON with ``[seconds, profile]`` in order, and writes the cost to `RESULT`.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.loops.client import THREADS, appconfig, start
from benchmarks.sources import names

READY = "ready"


class Replay:
    """Sessions, and a schedule that all threads take from."""

    def __init__(self) -> None:
        self._client = appconfig()
        self._lock = threading.Lock()
        self._tokens: dict[str, str] = {}

    def begin(self, profile: str) -> None:
        """Start a session, and fetch its configuration."""
        self._tokens[profile] = start(self._client, profile)
        self._poll(profile)

    def run(self, schedule: list[tuple[float, str]]) -> None:
        """Poll according to a schedule, in as many threads as the operator has."""
        began = time.monotonic()
        rest = iter(schedule)

        def work() -> None:
            while True:
                with self._lock:
                    entry = next(rest, None)
                if entry is None:
                    return
                time.sleep(max(0.0, began + entry[0] - time.monotonic()))
                self._poll(entry[1])

        with ThreadPoolExecutor(THREADS) as threads:
            for worker in [threads.submit(work) for _ in range(THREADS)]:
                worker.result()

    def _poll(self, profile: str) -> None:
        answer = self._client.get_latest_configuration(ConfigurationToken=self._tokens[profile])
        answer["Configuration"].read()
        self._tokens[profile] = answer["NextPollConfigurationToken"]


def main(count: int, schedule: Path, result: Path) -> None:
    """Start the sessions, wait for the signal, and replay."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    replay = Replay()
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(replay.begin, names(count)))
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    signal.sigwait([signal.SIGUSR1])
    polls = [(float(when), str(profile)) for when, profile in json.loads(schedule.read_text(encoding="utf-8"))]
    began, used = time.monotonic(), time.process_time()
    replay.run(polls)
    figures = {
        "cpu_seconds": time.process_time() - used,
        "seconds": time.monotonic() - began,
        "polls": len(polls),
    }
    result.write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
