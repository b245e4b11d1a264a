"""The broker as a sender and a subscriber see it, over one pika connection and one thread."""

import os
import re
import subprocess

import pika
import pika.exceptions

from . import raw  # noqa: F401  (teaches pika raw tables)
from .process import AMQP_URI
from .waiting import wait_until

DIRECT_REPLY_TO = "amq.rabbitmq.reply-to"
COMMANDS = [
    "allocate", "deallocate", "compensate", "isolate", "unisolate", "available", "quarantine", "unquarantine", "enroll",
    "reclassify", "decommission", "set-quota", "snapshot",
]


def control(*arguments, timeout=60):
    """rabbitmqctl against the broker under test; None where the suite was not given one."""
    program = os.environ.get("OSTLER_TEST_RABBITMQCTL")
    if not program:
        return None
    done = subprocess.run([program, *arguments], text=True, capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise AssertionError(f"rabbitmqctl {' '.join(arguments)}: {done.stderr or done.stdout}")
    return done.stdout


# What every queue has whose name begins so: ready or with a consumer. A quorum queue is asked by its leader.
HELD = """
[{{element(4, amqqueue:get_name(Q)), N}} || Q <- rabbit_amqqueue:list(<<"/">>),
  string:prefix(element(4, amqqueue:get_name(Q)), <<"{prefix}">>) =/= nomatch,
  N <- case amqqueue:get_type(Q) of
    rabbit_quorum_queue ->
      case catch ra:leader_query(amqqueue:get_pid(Q), fun rabbit_fifo:query_messages_total/1) of
        {{ok, {{_, Total}}, _}} -> [Total];
        _ -> [-1]
      end;
    rabbit_classic_queue -> [Total || {{messages, Total}} <- rabbit_amqqueue:info(Q, [messages])];
    _ -> []
  end].
"""


def held_messages(prefix):
    """Queue → messages in it that nobody has acknowledged yet, for names that begin so; streams are left out. As it is now:
    what `list_queues` says of a quorum queue is up to five seconds old, and nothing at all after a restart. Of one whose
    leader does not answer -1."""
    said = control("eval", HELD.format(prefix=prefix), timeout=120)
    return {name: int(count) for name, count in re.findall(r'\{<<"([^"]+)">>,(-?\d+)\}', said)}


class Broker:
    """A connection with two channels: one whose publishes are confirmed, one that is quick and takes replies."""

    def __init__(self, uri=AMQP_URI):
        self.uri = uri
        self._consumers = []
        self._open()

    def _open(self):
        parameters = pika.URLParameters(self.uri)
        parameters.heartbeat = 0
        parameters.socket_timeout = 10
        parameters.blocked_connection_timeout = 60
        parameters.client_properties = {"connection_name": "acceptance suite"}
        self.connection = pika.BlockingConnection(parameters)
        self.sure = self.connection.channel()
        self.sure.confirm_delivery()
        self.quick = self.connection.channel()
        for queue, handler, keywords in self._consumers:
            self._consume(queue, handler, keywords)

    def reopen(self):
        """After somebody closed the connection: the same channels and consumers again."""
        try:
            self.connection.close()
        except pika.exceptions.AMQPError:
            pass
        self._open()

    def reconnect_after(self, action, seconds=60):
        """`action()`, and then this connection again as soon as the broker takes it and its queues are back."""
        action()

        def again():
            try:
                self.reopen()
                return True
            except pika.exceptions.AMQPError:
                return False
        wait_until(again, "the broker takes connections again", seconds, idle=0.3)

    def close(self):
        try:
            self.connection.close()
        except pika.exceptions.AMQPError:
            pass  # such as: pika wants to return what it had not handed out yet, and a stream takes nothing back

    # --- subscribing

    def consume(self, queue, handler, **keywords):
        """`handler(channel, method, properties, body)` for every message that arrives while pumping."""
        self._consumers.append((queue, handler, keywords))
        self._consume(queue, handler, keywords)

    def _consume(self, queue, handler, keywords):
        self.quick.basic_consume(queue, handler, **keywords)

    def pump(self, seconds=0.02):
        self.connection.process_data_events(time_limit=seconds)

    def wait(self, condition, what, seconds=15.0):
        return wait_until(condition, what, seconds, pump=self.pump)

    # --- looking, on a channel of its own, because the broker closes it over a question it does not like

    def probe(self, action):
        """`action(channel)`; None, or the (code, text) with which the broker closed the channel."""
        channel = self.connection.channel()
        try:
            action(channel)
        except pika.exceptions.ChannelClosed as error:
            return error.reply_code, error.reply_text
        channel.close()
        return None

    def queue_exists(self, name):
        return self.probe(lambda channel: channel.queue_declare(name, passive=True)) is None

    def exchange_exists(self, name):
        return self.probe(lambda channel: channel.exchange_declare(name, passive=True)) is None

    def ready_messages(self, queue):
        """Messages of the queue that no consumer has."""
        return self.sure.queue_declare(queue, passive=True).method.message_count

    def consumers(self, queue):
        return self.sure.queue_declare(queue, passive=True).method.consumer_count

    def remove_topology(self, namespace, *more_queues):
        exchanges = [f"{namespace}.{name}" for name in ("commands", "dead-letters", "events")]
        queues = [f"{namespace}.commands.{command}" for command in COMMANDS]
        queues += [f"{namespace}.{name}" for name in ("dead-letters", "events.log", "worker")]
        for queue in [*queues, *more_queues]:
            self.probe(lambda channel, queue=queue: channel.queue_delete(queue))
        for exchange in exchanges:
            self.probe(lambda channel, exchange=exchange: channel.exchange_delete(exchange))
