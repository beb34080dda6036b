"""What runs along the sockets: JSON lines for orders and answers, JSON datagrams for progress."""

import json
import socket
from typing import Any

Message = dict[str, Any]

_CHUNK = 1 << 16
_MOST_AT_ONCE = 10_000
"""Datagrams read in one go; a flood must not keep the reader from its other work."""


class Lines:
    """One JSON object a line over a stream socket; no message is lost while both ends live."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._unread = b""

    def send(self, message: Message) -> None:
        """Raises OSError where the other end is gone."""
        self.connection.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> list[Message]:
        """Whole messages that have arrived; waits for bytes, perhaps of half a message only.

        Raises EOFError where the other end is gone.
        """
        try:
            chunk = self.connection.recv(_CHUNK)
        except ConnectionError:
            chunk = b""
        if not chunk:
            raise EOFError
        *lines, self._unread = (self._unread + chunk).split(b"\n")
        return [json.loads(line) for line in lines]


def datagrams() -> tuple[socket.socket, socket.socket]:
    """(reading end, writing end) of a lossy channel that many processes may write to at once."""
    reader, writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
    writer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
    return reader, writer


def post(writer: socket.socket, message: Message) -> bool:
    """Send one datagram if it can be done at once; False where it was lost. Never raises OSError.

    MSG_DONTWAIT rather than a non-blocking socket: that flag would be shared with every sibling.
    """
    try:
        writer.send(json.dumps(message, default=float).encode(), socket.MSG_DONTWAIT)
    except OSError:
        return False
    return True


def collect(reader: socket.socket) -> list[Message]:
    """Every datagram that has arrived; never waits."""
    found: list[Message] = []
    while len(found) < _MOST_AT_ONCE:
        try:
            datagram = reader.recv(_CHUNK, socket.MSG_DONTWAIT)
        except OSError:
            break
        if not datagram:
            break
        found.append(json.loads(datagram))
    return found
