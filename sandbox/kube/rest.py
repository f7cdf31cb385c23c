"""The few requests to the API server that the sandbox makes itself."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT = 10.0


class RestError(OSError):
    """The API server did not answer with success."""

    def __init__(self, method: str, path: str, status: int, body: str) -> None:
        super().__init__(f"{method} {path}: {status}: {body[:500]}")
        self.status = status


@dataclass(frozen=True)
class Rest:
    """Makes requests as one user."""

    url: str
    """The URL of the server, ``https://host:port``."""
    ca_file: Path | None
    """The certificates to trust; None: any, for a server with an unknown certificate."""
    token: str | None = None
    """The token of the user; None: anonymous."""

    def _context(self) -> ssl.SSLContext:
        if self.ca_file is not None:
            return ssl.create_default_context(cafile=self.ca_file)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    def request(self, method: str, path: str, body: object = None) -> str:
        """Make one request.

        Parameters
        ----------
        method
            ``GET``, ``POST``, …
        path
            The path and the query.
        body
            The body to send as JSON, if any.

        Returns
        -------
        str
            The body of the answer.

        Raises
        ------
        RestError
            If the answer is not a success.
        OSError
            If there is no answer.
        """
        headers = {"Content-Type": "application/merge-patch+json" if method == "PATCH" else "application/json"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        connection = http.client.HTTPSConnection(urlsplit(self.url).netloc, timeout=_TIMEOUT, context=self._context())
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", errors="replace")
        finally:
            connection.close()
        if response.status >= http.client.MULTIPLE_CHOICES:
            raise RestError(method, path, response.status, text)
        return text

    def json(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON is anything
        """Make one request, and parse the answer as JSON. Parameters and errors: as `request`."""
        return json.loads(self.request(method, path, body))

    def exists(self, path: str) -> bool:
        """Return whether something exists.

        Parameters
        ----------
        path
            Its path.

        Returns
        -------
        bool
            False if the answer is 404.
        """
        try:
            self.request("GET", path)
        except RestError as error:
            if error.status == http.client.NOT_FOUND:
                return False
            raise
        return True
