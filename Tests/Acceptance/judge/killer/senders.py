"""A sender that knows what the broker confirmed, and a subscriber that writes down before it acknowledges.

Each has a thread and a connection of its own, and goes on by itself after the broker was away: what was not confirmed is
sent again, as a careful sender does, to the last byte.
"""

import collections
import json
import threading
import time

import pika
import pika.exceptions

from ..record import event_row
from ..waiting import wait_until

RETRY_SECONDS = 0.2


def parameters(uri, name):
    found = pika.URLParameters(uri)
    found.heartbeat = 0
    found.socket_timeout = 10
    found.client_properties = {"connection_name": name}
    return found


class Sender(threading.Thread):
    WINDOW = 200

    def __init__(self, uri, journal):
        super().__init__(name="sender", daemon=True)
        self.uri = uri
        self.journal = journal
        self.waiting = collections.deque()
        self.under_way = {}  # delivery tag → Sent
        self.lock = threading.Lock()
        self.is_closing = False
        self.connection = self.channel = None
        self.next_tag = 1
        self.confirmed = 0
        self.failure = None
        self.start()

    def send(self, messages):
        with self.lock:
            self.waiting.extend(messages)
        self._poke()

    @property
    def is_idle(self):
        with self.lock:
            return not self.waiting and not self.under_way

    def wait_idle(self, seconds=60):
        def look():
            if self.failure:
                raise AssertionError(f"the sender failed: {self.failure!r}")
            return self.is_idle
        wait_until(look, "everything that was sent is confirmed", seconds)

    def close(self):
        self.is_closing = True
        connection = self.connection
        if connection is not None:
            connection.ioloop.add_callback_threadsafe(connection.ioloop.stop)
        self.join(20)

    # --- on its own thread

    def run(self):
        while not self.is_closing:
            try:
                self.connection = pika.SelectConnection(
                    parameters(self.uri, "killer's sender"), on_open_callback=self._opened,
                    on_open_error_callback=lambda connection, _: connection.ioloop.stop(),
                    on_close_callback=lambda connection, _: connection.ioloop.stop())
                self.connection.ioloop.start()
            except pika.exceptions.AMQPError:
                pass
            except Exception as error:  # said by wait_idle
                self.failure = error
                return
            self._lost()
            if not self.is_closing:
                time.sleep(RETRY_SECONDS)  # the broker is away; there is nothing to look at

    def _opened(self, connection):
        connection.channel(on_open_callback=self._channel_opened)

    def _channel_opened(self, channel):
        channel.add_on_close_callback(lambda *_: self.connection.ioloop.stop())
        self.next_tag = 1
        self.channel = channel
        channel.confirm_delivery(self._confirmed, callback=lambda _: self._pump())

    def _poke(self):
        connection = self.connection
        if connection is not None and self.channel is not None:
            connection.ioloop.add_callback_threadsafe(self._pump)

    def _pump(self):
        while self.channel is not None and self.channel.is_open and len(self.under_way) < self.WINDOW:
            with self.lock:
                if not self.waiting:
                    return
                sent = self.waiting.popleft()
                self.under_way[self.next_tag] = sent
                self.next_tag += 1
            self._note(sent)
            self.channel.basic_publish(sent.exchange, sent.key, sent.body, properties_of(sent))

    def _note(self, sent):
        """Written down before it is sent."""
        sent.times += 1
        if sent.times == 1:
            sent.first_at = time.time()
            self.journal.write("sent", sent.as_json())
        else:
            self.journal.write("sent", {"again": sent.trace})

    def _confirmed(self, frame):
        method = frame.method
        with self.lock:
            tags = [tag for tag in self.under_way if tag <= method.delivery_tag] if method.multiple else [method.delivery_tag]
            done = [self.under_way.pop(tag) for tag in tags if tag in self.under_way]
            if not isinstance(method, pika.spec.Basic.Ack):
                self.waiting.extendleft(reversed(done))
                done = []
        for sent in done:
            sent.confirmed += 1
            self.confirmed += 1
            self.journal.write("sent", {"confirmed": sent.trace})
        self._pump()

    def _lost(self):
        self.channel = None
        with self.lock:
            self.waiting.extendleft(reversed([self.under_way[tag] for tag in sorted(self.under_way)]))
            self.under_way.clear()


def properties_of(sent):
    properties = dict(sent.properties)
    headers = {**(properties.pop("headers", None) or {}), "traceparent": sent.trace}
    return pika.BasicProperties(**properties, headers=headers)


class Subscriber(threading.Thread):
    """Takes all events, and the replies, each from a durable queue of its own."""

    def __init__(self, uri, namespace, journal, taken):
        """`taken(event_row)` is called for every event that arrives, copies included."""
        super().__init__(name="subscriber", daemon=True)
        self.uri = uri
        self.journal = journal
        self.taken = taken
        self.exchange = f"{namespace}.events"
        self.events_queue, self.replies_queue = queue_names(namespace)
        self.is_closing = False
        self.is_listening = threading.Event()
        self.failure = None
        self.start()
        if not self.is_listening.wait(30):
            raise AssertionError(f"no queue to listen on: {self.failure!r}")

    def close(self):
        self.is_closing = True
        self.join(20)

    def run(self):
        while not self.is_closing:
            try:
                self._listen()
            except (pika.exceptions.AMQPError, OSError) as error:
                self.failure = error
                time.sleep(RETRY_SECONDS)
            except Exception as error:
                self.failure = error
                raise

    def _listen(self):
        connection = pika.BlockingConnection(parameters(self.uri, "killer's subscriber"))
        channel = connection.channel()
        channel.exchange_declare(self.exchange, "topic", durable=True)
        for queue in (self.events_queue, self.replies_queue):
            channel.queue_declare(queue, durable=True, arguments={"x-expires": 600_000})
        channel.queue_bind(self.events_queue, self.exchange, "#")
        channel.basic_qos(prefetch_count=500)
        channel.basic_consume(self.events_queue, self._event)
        channel.basic_consume(self.replies_queue, self._reply)
        self.is_listening.set()
        while not self.is_closing:
            connection.process_data_events(time_limit=0.1)
        connection.close()

    def _event(self, channel, method, properties, body):
        row = event_row(method, properties, body)
        self.journal.write("events", row)
        channel.basic_ack(method.delivery_tag)
        self.taken(row, body)

    def _reply(self, channel, method, properties, body):
        self.journal.write("replies", {"trace": properties.correlation_id, "body": json.loads(body)})
        channel.basic_ack(method.delivery_tag)


def queue_names(namespace):
    return f"killer.{namespace}.events", f"killer.{namespace}.replies"
