"""A TCP proxy between the worker and the broker, on which everything that goes wrong on a network can be made to happen.

Bytes are forwarded as they are. From the broker's side they are cut into AMQP frames, so that single ones can be kept
back; a frame is then forwarded whole or not at all, unless the link is frozen in the middle of it.
"""

import collections
import contextlib
import queue
import re
import select
import socket
import struct
import threading
import time
import urllib.parse

from .waiting import wait_until

# Methods of AMQP 0-9-1, (class, method).
PUBLISH = (60, 40)
DELIVER = (60, 60)
RETURN = (60, 50)
ACK = (60, 80)
NACK = (60, 120)

ROLE = re.compile(rb"ostler-(\w+)")
BUFFERED_BYTES = 262_144


class Cutter:
    """A stream of bytes in one direction, cut into whole frames. A protocol header, which has no frame, counts as one."""

    def __init__(self):
        self._rest = bytearray()

    def cut(self, data):
        self._rest += data
        whole = []
        while len(self._rest) >= 8:
            is_header = self._rest[:4] == b"AMQP"
            end = 8 if is_header else 8 + struct.unpack(">I", self._rest[3:7])[0]
            if len(self._rest) < end:
                break
            whole.append(bytes(self._rest[:end]))
            del self._rest[:end]
        return whole


class Link:
    """One connection of the worker and its counterpart to the broker."""

    def __init__(self, worker, broker):
        self.worker = worker
        self.broker = broker  # None: nobody is behind the proxy
        self.role = None  # `consumer`, `publisher`, …, as soon as the login has told it
        self.began = time.monotonic()
        self.to_worker = bytearray()
        self.to_broker = bytearray()
        self.is_frozen = False
        self.passes = {}  # side → how many bytes still go there before it freezes
        self._login = bytearray()
        self.from_broker = Cutter()
        self.from_worker = Cutter()
        self.sent = collections.Counter()  # by the worker: method, or type of frame → how many
        self._drops_content = False
        self._kept = []  # frames that wait for `Proxy.release`

    @property
    def is_open(self):
        return self.worker is not None or self.broker is not None

    def said(self, data):
        if self.role is None and len(self._login) < 8192:
            self._login += data
            found = ROLE.search(self._login)
            self.role = found and found.group(1).decode()


def method_of(frame):
    return struct.unpack(">HH", frame[7:11]) if frame[0] == 1 else None


class Proxy:
    """`Proxy(uri)` listens on 127.0.0.1; give the worker `proxy.uri`. Links can be told apart by their role."""

    def __init__(self, uri, cuts_frames=True):
        """`cuts_frames`: not over TLS, where frames cannot be seen, and roles neither."""
        self._cuts_frames = cuts_frames
        parts = urllib.parse.urlsplit(uri)
        self._target = parts.hostname, parts.port
        self._listener = None
        self._port = 0
        self._links = []
        self._calls = queue.Queue()
        self._wake, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._stopped = False
        self._withheld = {}  # role → {method: keep or drop}
        # Settings that may be changed at any time:
        self.swallows_new = False  # new links are accepted and nothing comes of them
        self.bytes_per_second = None  # one byte at a time, in each direction of each link
        self.accepted = []  # when each link began
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._open_listener()
        self.uri = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{self._port}").geturl()
        self._thread.start()

    # --- what a test does; each is done when the call returns

    def links(self, role=None):
        return self._call(lambda: [link for link in self._links if link.is_open and role in (None, link.role)])

    def wait_for_link(self, role, seconds=30, pump=None):
        return wait_until(lambda: self.links(role), f"the worker's {role} is connected", seconds, pump=pump)[0]

    def reset(self, role=None, side=None):
        """RST on both sides, or on that of the `worker` or the `broker` only: the other one is not told."""
        def act():
            for link in self._of(role):
                for name in ("worker", "broker"):
                    if side in (None, name):
                        self._close(link, name, reset=True)
                link.is_frozen = True
        self._call(act)

    def freeze(self, role=None, after=0):
        """Nothing moves any more on the links that there are, and nobody is told: a black hole. `after` so many more bytes
        from the broker, that is, in the middle of a frame."""
        def act():
            for link in self._of(role):
                if after:
                    link.passes["worker"] = after
                else:
                    link.is_frozen = True
        self._call(act)

    def thaw(self):
        def act():
            for link in self._links:
                link.is_frozen = False
                link.passes.clear()
        self._call(act)

    def refuse(self):
        """Connections are refused, as by a host without a broker."""
        self._call(self._close_listener)

    def listen(self):
        self._call(self._open_listener)

    def drop(self, role, *methods):
        """Frames of these methods (with their content) never arrive on links of that role."""
        self._call(lambda: self._withheld.update({role: {method: False for method in methods}}))

    def keep(self, role, *methods):
        """They wait for `release`."""
        self._call(lambda: self._withheld.update({role: {method: True for method in methods}}))

    def release(self):
        """What was kept goes out, and what comes from now on is neither kept nor dropped."""
        def act():
            self._withheld.clear()
            for link in self._links:
                for frame in link._kept:
                    link.to_worker += frame
                link._kept.clear()
        self._call(act)

    def kept(self, role):
        return self._call(lambda: sum(len(link._kept) for link in self._of(role)))

    def sent(self, role):
        """What the worker has sent on links of that role: method, or type of frame without one → how many frames."""
        return self._call(lambda: sum((link.sent for link in self._of(role)), collections.Counter()))

    def close(self):
        self._stopped = True
        self._wake.send(b"x")
        self._thread.join(10)

    # --- the thread

    def _call(self, action):
        answer = queue.Queue(1)
        self._calls.put((action, answer))
        self._wake.send(b"x")
        done, value = answer.get(timeout=10)
        if not done:
            raise value
        return value

    def _of(self, role):
        return [link for link in self._links if link.is_open and role in (None, link.role)]

    def _open_listener(self):
        if self._listener is None:
            self._listener = socket.socket()
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind(("127.0.0.1", self._port))
            self._listener.listen(64)
            self._listener.setblocking(False)
            self._port = self._listener.getsockname()[1]

    def _close_listener(self):
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _close(self, link, side, reset=False):
        end = getattr(link, side)
        if end is not None:
            setattr(link, side, None)
            if reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()

    def _run(self):
        last = time.monotonic()
        while not self._stopped:
            readers, writers = self._interests()
            # Slow links are served every two milliseconds.
            readable, writable, _ = select.select(readers, writers, [], 0.002 if self.bytes_per_second else 1)
            now = time.monotonic()
            share, last = (now - last) * (self.bytes_per_second or 0), now
            if self._woken in readable:
                self._take_calls()
            if self._listener in readable:
                self._accept()
            for link in list(self._links):
                if link.worker in readable:
                    self._read(link, "worker")
                if link.broker in readable:
                    self._read(link, "broker")
                for side in ("worker", "broker"):
                    if getattr(link, side) in writable or self.bytes_per_second:
                        self._write(link, side, share)
            self._links = [link for link in self._links if link.is_open]
        self._close_listener()
        for link in self._links:
            self._close(link, "worker")
            self._close(link, "broker")
        self._take_calls()
        self._woken.close()
        self._wake.close()

    def _interests(self):
        readers = [self._woken, *([self._listener] if self._listener else [])]
        writers = []
        for link in self._links:
            if link.is_frozen:
                continue
            for side, forward, back in (("worker", link.to_broker, link.to_worker), ("broker", link.to_worker, link.to_broker)):
                end = getattr(link, side)
                if end is not None and len(forward) < BUFFERED_BYTES:
                    readers.append(end)
                if end is not None and back and not self.bytes_per_second:
                    writers.append(end)
        return readers, writers

    def _take_calls(self):
        with contextlib.suppress(BlockingIOError, OSError):
            while self._woken.recv(4096):
                pass
        while not self._calls.empty():
            action, answer = self._calls.get()
            try:
                answer.put((True, action()))
            except Exception as error:  # told to the test that asked
                answer.put((False, error))

    def _accept(self):
        with contextlib.suppress(BlockingIOError, OSError):
            worker, _ = self._listener.accept()
            self.accepted.append(time.monotonic())
            worker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            broker = None
            if not self.swallows_new:
                try:
                    broker = socket.create_connection(self._target, 5)
                except OSError:
                    worker.close()
                    return
                broker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                broker.setblocking(False)
            worker.setblocking(False)
            link = Link(worker, broker)
            link.is_frozen = broker is None
            self._links.append(link)

    def _read(self, link, side):
        end = getattr(link, side)
        try:
            data = end.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:  # one side hung up: the other is told once it has what was said
            self._close(link, side)
            other = "broker" if side == "worker" else "worker"
            self._write(link, other, None)
            self._close(link, other)
        elif side == "worker":
            link.said(data)
            link.to_broker += data
            if self._cuts_frames:
                link.sent.update(method_of(frame) or frame[0] for frame in link.from_worker.cut(data))
        elif not self._cuts_frames:
            link.to_worker += data
        else:
            for frame in link.from_broker.cut(data):
                self._pass(link, frame)

    def _pass(self, link, frame):
        withheld = self._withheld.get(link.role)
        if withheld is None:
            link.to_worker += frame
            return
        method = method_of(frame)
        if method is None:
            withhold = link._drops_content and frame[0] in (2, 3)
        else:
            withhold = method in withheld
            link._drops_content = withhold and method in (DELIVER, RETURN)
        if not withhold:
            link.to_worker += frame
        elif method is not None and withheld[method]:
            link._kept.append(frame)

    def _write(self, link, side, share):
        end, waiting = getattr(link, side), getattr(link, "to_" + side)
        if end is None or not waiting or link.is_frozen:
            return
        count = len(waiting)
        if self.bytes_per_second and share is not None:
            count = min(count, max(1, int(share)))
        if side in link.passes:
            count = min(count, link.passes[side])
        try:
            if self.bytes_per_second:
                sent = 0
                while sent < count and end.send(waiting[sent:sent + 1]):
                    sent += 1
            else:
                sent = end.send(waiting[:count])
        except BlockingIOError:
            return
        except OSError:
            self._close(link, side)
            return
        del waiting[:sent]
        if side in link.passes:
            link.passes[side] -= sent
            link.is_frozen = link.passes[side] == 0


def with_port(uri, port):
    parts = urllib.parse.urlsplit(uri)
    return parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}").geturl()
