"""A publisher that writes AMQP 0-9-1 byte by byte: what no client library would send. Just enough to log in, publish, and
know that the broker has taken it."""

import re
import socket
import struct
import urllib.parse

from .process import AMQP_URI

FRAME_MAX = 131_072


class Refused(Exception):
    """The broker closed the channel or the connection over a message: it never took it."""


def short(text):
    text = text if isinstance(text, bytes) else text.encode()
    return bytes([len(text)]) + text


def long(value):
    return struct.pack(">I", len(value)) + value


class RawPublisher:
    def __init__(self, uri=AMQP_URI):
        self._uri = urllib.parse.urlparse(uri)
        self._socket = None
        self._greeting = b""

    def close(self):
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def hands_on_sorted_headers(self):
        """Whether the broker (RabbitMQ 4, as seen on 4.0.5) gives a message's headers in the order of their names, and of
        several with one name only the first; tables inside it leaves as they are."""
        if self._socket is None:
            self._open()
        version = re.search(rb"\x07versionS....(\d+)\.", self._greeting, re.DOTALL)
        return int(version[1]) >= 4

    def publish(self, exchange, key, properties, body):
        """`properties` are the bytes of flags and properties. Returns when the message is confirmed; raises `Refused`."""
        if self._socket is None:
            self._open()
        try:
            self._method(1, 60, 40, b"\0\0" + short(exchange) + short(key) + b"\0")
            self._frame(2, 1, struct.pack(">HHQ", 60, 0, len(body)) + properties)
            for start in range(0, len(body), FRAME_MAX - 8):
                self._frame(3, 1, body[start:start + FRAME_MAX - 8])
            self._expect(60, 80)
        except (Refused, OSError) as error:
            self.close()
            raise Refused(str(error)) from None

    def _open(self):
        uri = self._uri
        self._socket = socket.create_connection((uri.hostname, uri.port), 30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(b"AMQP\0\0\x09\x01")
        self._greeting = self._expect(10, 10)
        login = b"\0" + uri.username.encode() + b"\0" + uri.password.encode()
        self._method(0, 10, 11, struct.pack(">I", 0) + short("PLAIN") + long(login) + short("en_US"))
        self._expect(10, 30)
        self._method(0, 10, 31, struct.pack(">HIH", 1, FRAME_MAX, 0))
        self._method(0, 10, 40, short(urllib.parse.unquote(uri.path[1:]) or "/") + b"\0\0")
        self._expect(10, 41)
        self._method(1, 20, 10, b"\0")
        self._expect(20, 11)
        self._method(1, 85, 10, b"\0")
        self._expect(85, 11)

    def _method(self, channel, class_id, method_id, arguments):
        self._frame(1, channel, struct.pack(">HH", class_id, method_id) + arguments)

    def _frame(self, kind, channel, payload):
        self._socket.sendall(struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce")

    def _expect(self, class_id, method_id):
        while True:
            kind, _, size = struct.unpack(">BHI", self._read(7))
            payload = self._read(size + 1)[:-1]
            if kind != 1:
                continue
            found = struct.unpack(">HH", payload[:4])
            if found == (class_id, method_id):
                return payload[4:]
            if found in ((10, 50), (20, 40), (60, 120)):
                raise Refused(payload[4:].decode(errors="replace"))

    def _read(self, count):
        data = b""
        while len(data) < count:
            piece = self._socket.recv(count - len(data))
            if not piece:
                raise Refused("the broker hung up")
            data += piece
        return data
