"""JSON between processes: messages over a connection, none lost; progress in datagrams, which may be.

Messages are JSON rather than pickles, so that a payload reaches an entry as plain lists and dicts.
"""

import json
import socket
from multiprocessing.connection import Connection
from typing import Any

Message = dict[str, Any]

_CHUNK = 1 << 16
_MOST_AT_ONCE = 10_000
"""Datagrams read in one go; a flood must not keep the reader from its other work."""


def send(connection: Connection, message: Message) -> None:
    """Send one message whole. Raises OSError where the other end is gone."""
    connection.send_bytes(json.dumps(message).encode())


def receive(connection: Connection) -> Message:
    """The next message; waits for all of it. Raises EOFError where the other end is gone."""
    try:
        message: Message = json.loads(connection.recv_bytes())
    except OSError:
        raise EOFError from None
    return message


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
