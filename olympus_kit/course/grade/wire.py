"""Frames over a socket: what the judge and a process in the jail say to each other.

The judge sends pickles, which are as trustworthy as the judge. From the jail comes JSON alone, in
frames of bounded length and before a deadline: nothing that a student's process sends is ever run.
"""

import contextlib
import json
import secrets
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from ...checks import TookTooLong

MOST_BYTES = 32 * 2**20  # of one frame from the jail
PIECE = 2**20  # bytes that are read at a time
MOST_PIECES = 64  # that come without being asked for
NUMBER = 32  # characters of the number of a request
SLOW = "took too long"
HEAD = struct.Struct("<Q")


class Gone(TookTooLong):
    """The other side has ended, takes too long, or says what it may not say.

    As an answer that takes too long it passes through the engine, which holds on to exceptions of
    answers.
    """


class Channel:
    """One side of a conversation."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end

    def send(self, payload: bytes, seconds: float | None = None) -> None:
        """Send one frame. Gone where nobody reads it within `seconds`."""
        self.end.settimeout(seconds)
        try:
            self.end.sendall(HEAD.pack(len(payload)) + payload)
        except OSError as error:
            raise Gone(_reason(error)) from None

    def drain(self) -> None:
        """Forget what came without being asked for. Gone where it does not end."""
        self.end.settimeout(0)
        with contextlib.suppress(OSError):  # nothing more, or nobody there
            for _ in range(MOST_PIECES):
                if not self.end.recv(PIECE):
                    return
            raise Gone("talks without being asked")

    def receive(
        self,
        seconds: float | None = None,
        most: int = MOST_BYTES,
    ) -> bytes:
        """The next frame, of at most `most` bytes. Gone where it does not come."""
        deadline = None if seconds is None else time.monotonic() + seconds
        (length,) = HEAD.unpack(self._exactly(HEAD.size, deadline))
        if length > most:
            raise Gone(
                f"sent a frame of {length:,} bytes; {most:,} are allowed"
            )
        return self._exactly(length, deadline)

    def send_json(self, data: Any) -> None:
        """Send plain data."""
        self.send(json.dumps(data).encode())

    def receive_json(self, seconds: float | None = None) -> Any:
        """The next frame as plain data. Gone where it is something else."""
        try:
            return json.loads(self.receive(seconds))
        except (ValueError, RecursionError):
            raise Gone("sent something that is not JSON") from None

    def ask(
        self,
        payload: bytes,
        seconds: float,
    ) -> Any:
        """Send a request, and return the reply to it. Gone where none comes.

        A reply repeats the request's number, so that nobody who did not read that one can give it,
        and what another request was answered, late, is not taken for it.
        """
        number = secrets.token_hex(NUMBER // 2)
        deadline = time.monotonic() + seconds
        self.send(number.encode() + payload, seconds)
        for _ in range(MOST_PIECES):
            word = self.receive_json(max(deadline - time.monotonic(), 1e-3))
            if isinstance(word, dict) and word.get("to") == number:
                return word.get("reply")
        raise Gone("talks without being asked")

    def answer(self, reply: Callable[[bytes], Any]) -> None:
        """Wait for a request, and send what it comes to."""
        request = self.receive()
        number, payload = request[:NUMBER].decode(), request[NUMBER:]
        self.send_json({"to": number, "reply": reply(payload)})

    def _exactly(self, length: int, deadline: float | None) -> bytes:
        pieces = []
        left = length
        while left:
            if deadline is not None:
                # a sender that trickles gets no new time with each byte
                self.end.settimeout(max(deadline - time.monotonic(), 1e-3))
            try:
                piece = self.end.recv(min(left, PIECE))
            except OSError as error:
                raise Gone(_reason(error)) from None
            if not piece:
                raise Gone("ended")
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)


def _reason(error: OSError) -> str:
    return SLOW if isinstance(error, TimeoutError) else "ended"
