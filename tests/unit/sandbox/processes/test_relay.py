"""The relay that can be cut."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from sandbox import LOOPBACK
from sandbox.processes.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A relay in front of a server that sends back what it gets."""
    with socket.create_server((LOOPBACK, 0)) as listener:

        def echo(connection: socket.socket) -> None:
            with connection:
                while data := connection.recv(100):
                    connection.sendall(data)

        def accept() -> None:
            while True:
                connection, _ = listener.accept()
                if ending.is_set():
                    connection.close()
                    return
                threading.Thread(target=echo, args=(connection,)).start()

        ending = threading.Event()
        thread = threading.Thread(target=accept)
        thread.start()
        with Relay(f"tcp://{LOOPBACK}:{listener.getsockname()[1]}") as running:
            yield running
        ending.set()
        socket.create_connection(listener.getsockname()).close()
        thread.join()


def connect(relay: Relay) -> socket.socket:
    address = urlsplit(relay.url)
    return socket.create_connection((address.hostname, address.port), timeout=5)


def hears(connection: socket.socket) -> bytes:
    connection.sendall(b"hello")
    return connection.recv(100)


def test_what_is_sent_goes_through(relay: Relay) -> None:
    with connect(relay) as one, connect(relay) as other:
        assert hears(one) == b"hello"
        assert hears(other) == b"hello"


def test_a_cut_ends_connections_and_new_ones_hear_nothing_until_it_is_mended(relay: Relay) -> None:
    with connect(relay) as before:
        assert hears(before) == b"hello"
        relay.cut()
        assert before.recv(100) == b""
        with connect(relay) as during:
            during.settimeout(0.2)
            with pytest.raises(TimeoutError):
                hears(during)
            during.settimeout(5)
            relay.restore()
            assert during.recv(100) == b"", "what it sent is lost"
        with connect(relay) as after:
            assert hears(after) == b"hello"
