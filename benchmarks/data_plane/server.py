"""The sockets of the data plane: one thread, a handwritten HTTP/1.1 parser, persistent connections."""

from __future__ import annotations

import asyncio
import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from benchmarks.data_plane.manners import NEVER, Reply
from benchmarks.data_plane.service import Answer, Service
from benchmarks.data_plane.sts import assume_role
from sandbox.processes.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.data_plane.documents import Kind

CALLS = "/bench/calls?since="
"""GET: the calls from that number on, as JSON."""
COUNT = "/bench/count"
"""GET: the number of calls so far."""
DEPLOY = "/bench/deploy"
"""POST with a list of profiles in JSON: deploys a new version of each."""

_END_OF_HEAD = b"\r\n\r\n"
_TOKEN = "/configuration?configuration_token="  # noqa: S105 - a path
_CREDENTIAL = b"Credential="
_LENGTH = b"\r\ncontent-length:"
_BACKLOG = 1024
"""Length of the accept queue: a storm of new connections must not look like a failing network."""


class Connection(asyncio.Protocol):
    """A client's connection.

    Parameters
    ----------
    answer
        Returns the answer for a method and target, caller and body.
    """

    def __init__(self, answer: Callable[[str, str, bytes], Reply]) -> None:
        self._answer = answer
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the answers."""
        if isinstance(transport, asyncio.WriteTransport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each complete request."""
        self._received += data
        while (end := self._received.find(_END_OF_HEAD)) >= 0:
            head = self._received[:end]
            stop = end + len(_END_OF_HEAD) + _length(head)
            if len(self._received) < stop:
                return
            body, self._received = self._received[end + len(_END_OF_HEAD) : stop], self._received[stop:]
            self._send(self._answer(head[: head.find(b" HTTP/")].decode("latin-1"), _caller(head), body))

    def _send(self, reply: Reply) -> None:
        if self._transport is None or reply.after == NEVER:
            return
        if reply.after:
            # If the client is gone by then, nothing is sent: a closed transport would only log it.
            asyncio.get_running_loop().call_later(reply.after, self._transport.write, reply.answer)
        else:
            self._transport.write(reply.answer)


def _length(head: bytes) -> int:
    start = head.lower().find(_LENGTH)
    return 0 if start < 0 else int(head[start + len(_LENGTH) :].split(b"\r\n", 1)[0])


def _caller(head: bytes) -> str:
    start = head.find(_CREDENTIAL) + len(_CREDENTIAL)
    return head[start : head.find(b"/", start)].decode("latin-1") if start >= len(_CREDENTIAL) else ""


def router(service: Service) -> Callable[[str, str, bytes], Reply]:
    """Make the function that answers requests."""
    others: dict[str, Callable[[str, bytes], Reply]] = {
        "POST /": assume_role,
        f"GET {COUNT}": lambda _caller, _body: _json(len(service.calls)),
        f"POST {DEPLOY}": lambda _caller, body: _json(service.deploy(json.loads(body))),
    }

    def answer(request: str, caller: str, body: bytes) -> Reply:
        target = request.partition(" ")[2]
        if target.startswith(_TOKEN):
            return service.latest(caller, target[len(_TOKEN) :])
        if target == "/configurationsessions":
            return service.start(caller, body)
        if target.startswith(CALLS):
            return _json(service.calls[int(target[len(CALLS) :]) :])
        other = others.get(request)
        return Reply(Answer.of(HTTPStatus.NOT_FOUND)) if other is None else other(caller, body)

    return answer


def _json(value: object) -> Reply:
    return Reply(Answer.of(HTTPStatus.OK, "Content-Type: application/json\r\n", json.dumps(value).encode()))


async def serve(port: int, kind: Kind, interval: float | None = None) -> None:
    """Serve on the loopback interface, until the process is stopped.

    Parameters
    ----------
    port
        The port to listen on.
    kind
        The kind of configuration to deliver.
    interval
        Seconds between two polls. Default: what a session requests.
    """
    answer = router(Service(time.time, interval, kind))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answer), LOOPBACK, port, backlog=_BACKLOG)
    async with server:
        await server.serve_forever()
