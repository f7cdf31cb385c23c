"""The proxy's connection to MiniStack."""

from __future__ import annotations

import http.client
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.aws.data_plane.messages import Answer, refusal
from sandbox.aws.ministack import REGION

if TYPE_CHECKING:
    from sandbox.aws.data_plane.messages import Incoming

_ROOT = Credentials("test", "test")

_TIMEOUT = 30.0

# These apply to one connection, not to the message. http.client frames each side itself.
_OF_THE_CONNECTION = {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"}


class Upstream:
    """Forwards requests, one connection each.

    Parameters
    ----------
    url
        Of MiniStack, ``http://host:port``.
    """

    def __init__(self, url: str) -> None:
        self._netloc = urlsplit(url).netloc

    def __call__(self, request: Incoming) -> Answer:
        """Forward a request. If there is no answer, return 502."""
        connection = http.client.HTTPConnection(self._netloc, timeout=_TIMEOUT)
        # The Host header stays unchanged, because the client signed it.
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_THE_CONNECTION}
        try:
            connection.request(request.method, request.target, request.body, headers)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            return refusal(HTTPStatus.BAD_GATEWAY, "BadGateway", f"MiniStack: {type(error).__name__}")
        finally:
            connection.close()
        kept = {name: value for name, value in response.getheaders() if name.lower() not in _OF_THE_CONNECTION}
        return Answer(response.status, kept, body)

    def as_root(self, request: Incoming, region: str = "") -> Answer:
        """Make a request as the root of the account. Parameters: the request, without headers; and its region."""
        signed = AWSRequest(request.method, f"http://{self._netloc}{request.target}", data=request.body or None)
        SigV4Auth(_ROOT, "appconfig", region or REGION).add_auth(signed)
        return self(replace(request, headers=dict(signed.headers.items())))
