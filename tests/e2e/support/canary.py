"""Nothing that the operator shows has a value in it: looked for in all that all tests make it show.

Each content that is deployed has the canary in its values. What is searched: each state of each source and each Event,
as the API server shows them while the tests run, each answer of a probe or of the metrics, and in the end the log of
each operator process.
"""

from __future__ import annotations

import base64
import json
import threading
from contextlib import contextmanager
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from tests.e2e.support.scene import CANARY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.kube.rest import Rest

SHOWN = ("/apis/appconfig-operator.io/v1alpha1/appconfigsources", "/apis/events.k8s.io/v1/events")
WATCH_SECONDS = 3
AGAIN_SECONDS = 0.5


def forms(canary: str = CANARY) -> set[str]:
    """Return the canary as it is, and what is sure to be in the base64 of any text with it."""
    inner = {
        base64.b64encode(b"x" * shift + canary.encode()).decode().rstrip("=")[shift and 4 : -1] for shift in range(3)
    }
    return {canary, *inner}


class Lookout:
    """Searches, from whatever thread, and keeps account."""

    def __init__(self) -> None:
        self._forms = forms()
        self._lock = threading.Lock()
        self._hits: dict[str, str] = {}
        self._searched: dict[str, int] = {}

    def look(self, where: str, text: str) -> None:
        """Search a text."""
        at = next((text.index(form) for form in self._forms if form in text), None)
        with self._lock:
            kind = where.split(maxsplit=1)[0]
            self._searched[kind] = self._searched.get(kind, 0) + 1
            if at is not None:
                self._hits.setdefault(where, text[max(0, at - 300) : at + 100])

    def look_into_logs(self, folder: Path) -> None:
        """Search the log of each operator process below a folder, line by line."""
        for path in sorted(folder.rglob("operator.log")):
            for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
                self.look(f"log {path.relative_to(folder)}:{number}", line)

    @contextmanager
    def over(self, api: Rest) -> Iterator[None]:
        """Search all that is reported in a cluster for as long as it takes."""
        stop = threading.Event()
        threads = [
            threading.Thread(target=self._follow, args=(api, path, stop), name="lookout", daemon=True) for path in SHOWN
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(4 * WATCH_SECONDS)
            for path in SHOWN:
                try:
                    self._list(api, path)
                except OSError:
                    continue  # a story may have ended the API server, or the CRD

    def _follow(self, api: Rest, path: str, stop: threading.Event) -> None:
        version = ""
        while not stop.is_set():
            try:
                version = self._watch(api, path, version) if version else self._list(api, path)
            except (OSError, ValueError, HTTPException):
                version = ""  # away, or not installed yet: the list has what was missed
                stop.wait(AGAIN_SECONDS)

    def _list(self, api: Rest, path: str) -> str:
        found = api.json("GET", path)
        for item in found["items"]:
            self._look_at(path, item)
        return str(found["metadata"]["resourceVersion"])

    def _watch(self, api: Rest, path: str, version: str) -> str:
        query = f"watch=true&resourceVersion={version}&timeoutSeconds={WATCH_SECONDS}&allowWatchBookmarks=true"
        for line in api.request("GET", f"{path}?{query}").splitlines():
            change = json.loads(line)
            if change["type"] == "ERROR":
                return ""
            self._look_at(path, change["object"])
            version = change["object"]["metadata"]["resourceVersion"]
        return version

    def _look_at(self, path: str, item: dict[str, Any]) -> None:
        metadata = item["metadata"]
        where = f"{path.rpartition('/')[2]} {metadata.get('namespace')}/{metadata.get('name')}"
        self.look(where, json.dumps(item, ensure_ascii=False))

    def check(self) -> None:
        """Check that nothing was found, and that not nothing was searched."""
        with self._lock:
            assert not self._hits, f"values were shown, here: {json.dumps(self._hits, indent=2, ensure_ascii=False)}"
            assert "log" not in self._searched or len(self._searched) > 1, self._searched


LOOKOUT = Lookout()
"""One for the whole run: stories in threads have it, too."""
