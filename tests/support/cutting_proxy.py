"""A line to a server that breaks in the middle of a commit, on the side that is asked for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

COMMIT = b"COMMIT"


class CuttingProxy:
    """Passes bytes on until it is armed and a client says COMMIT.

    Attributes:
        port: Where clients connect.
        delivers: Whether that COMMIT still reaches the server; its answer never comes back.
        armed: Whether the next COMMIT breaks the line.
    """

    def __init__(self, server_port: int) -> None:
        self.delivers = True
        self.armed = False
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._server_port))
            cut = threading.Event()
            for work in ((self._ask, client, server, cut), (self._answer, server, client, cut)):
                threading.Thread(target=work[0], args=work[1:], daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, cut: threading.Event) -> None:
        while data := _receive(client):
            if self.armed and COMMIT in data:
                self.armed = False
                cut.set()
                if not self.delivers:
                    break
            server.sendall(data)
        _close(client, server)

    def _answer(self, server: socket.socket, client: socket.socket, cut: threading.Event) -> None:
        while data := _receive(server):
            if cut.is_set():
                break  # the answer to COMMIT, which nobody hears
            client.sendall(data)
        _close(client, server)


@contextmanager
def cutting_proxy(server_port: int) -> Iterator[CuttingProxy]:
    """Give a proxy before a server on loopback, and close it at the end."""
    proxy = CuttingProxy(server_port)
    try:
        yield proxy
    finally:
        proxy.close()


def _receive(end: socket.socket) -> bytes:
    try:
        return end.recv(65_536)
    except OSError:
        return b""


def _close(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
