"""The administrator's requests, on persistent connections: a benchmark makes thousands of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import urllib3

from sandbox.kube.rest import RestError

if TYPE_CHECKING:
    from sandbox import ControlPlane

_TIMEOUT = 60.0


class Api:
    """The API server as the administrator. Safe to share between threads.

    Parameters
    ----------
    control_plane
        The control plane of the API server.
    connections
        The maximum number of concurrent calls.
    """

    def __init__(self, control_plane: ControlPlane, connections: int) -> None:
        (user,) = json.loads(control_plane.kubeconfig.read_text(encoding="utf-8"))["users"]
        self._url = control_plane.url
        self._headers = {"Authorization": f"Bearer {user['user']['token']}", "Content-Type": "application/json"}
        self._pool = urllib3.PoolManager(
            maxsize=connections, ca_certs=str(control_plane.ca_file), timeout=_TIMEOUT, retries=False
        )

    def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON is anything
        """Make one call, and return the answer.

        Raises
        ------
        RestError
            If the answer is not a success.
        """
        sent = None if body is None else json.dumps(body)
        response = self._pool.request(method, f"{self._url}{path}", body=sent, headers=self._headers)
        if response.status >= 300:  # noqa: PLR2004 (HTTP: no success)
            raise RestError(method, path, response.status, response.data.decode(errors="replace"))
        return json.loads(response.data)
