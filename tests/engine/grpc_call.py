"""One gRPC call by hand: HTTP/2 without a library, as far as an empty message and its answer go."""

from __future__ import annotations

import socket

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS = 0, 1, 4
_END_STREAM, _END_HEADERS = 1, 4


def call(port: int, method: str = "/shop.Shop/Hello") -> bytes:
    """The messages of the answer, frames and all; raises OSError if the other end does not speak HTTP/2."""
    # Indexed: POST, http. Literal by an indexed name: path, authority, content-type. Then `te: trailers`, all of it new.
    headers = b"\x83\x86" + b"".join(
        name + _text(value)
        for name, value in (
            (b"\x44", method),
            (b"\x41", "localhost"),
            (b"\x5f", "application/grpc"),
            (b"\x40" + _text("te"), "trailers"),
        )
    )
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(
            _PREFACE
            + _frame(_SETTINGS, 0, 0, b"")
            + _frame(_HEADERS, _END_HEADERS, 1, headers)
            + _frame(_DATA, _END_STREAM, 1, b"\0" * 5)
        )
        return _messages(connection)


def _text(value: str) -> bytes:
    return bytes([len(value)]) + value.encode()


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def _messages(connection: socket.socket) -> bytes:
    """Data of the stream until its end."""
    found, stream = b"", connection.makefile("rb")
    while len(head := stream.read(9)) == 9:
        payload = stream.read(int.from_bytes(head[:3]))
        kind, flags, number = head[3], head[4], int.from_bytes(head[5:])
        found += payload if kind == _DATA else b""
        if number == 1 and flags & _END_STREAM and kind in (_DATA, _HEADERS):
            return found
    raise ConnectionError("the connection ended before the answer did")
