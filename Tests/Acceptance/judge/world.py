"""One namespace of its own with a worker in it, and everything that the worker was heard to say."""

import json
import time
import uuid

import pika
import pika.exceptions

from . import story
from .broker import Broker, DIRECT_REPLY_TO
from .process import AMQP_URI, Installation


def operation():
    """A fresh operationUuid."""
    return str(uuid.uuid4())


class Reply:
    """The answer to one command: the JSON object, and its parts by name."""

    def __init__(self, body, properties):
        self.body = body
        self.properties = properties

    def __getitem__(self, key):
        return self.body[key]

    def get(self, key, default=None):
        return self.body.get(key, default)

    @property
    def outcome(self):
        return self.body.get("outcome")

    @property
    def code(self):
        return (self.body.get("error") or {}).get("code")

    @property
    def verdict(self):
        """`applied`, `unchanged`, or the code of the refusal: what the tables of the contract speak of."""
        return self.code if self.outcome == "rejected" else self.outcome

    @property
    def is_duplicate(self):
        return self.body.get("duplicate") is True

    @property
    def server(self):
        return self.body.get("server") or {}

    @property
    def state(self):
        return self.server.get("state")

    @property
    def version(self):
        return self.server.get("version")

    @property
    def allocation(self):
        return self.server.get("allocation") or {}

    def __repr__(self):
        return f"Reply({json.dumps(self.body)})"


class Event:
    """One message from `<ns>.events`."""

    def __init__(self, method, properties, body):
        self.key = method.routing_key
        self.properties = properties
        self.raw = body
        self.body = json.loads(body)
        self.id = self.body.get("id")
        self.type = self.body.get("type", "")
        self.data = self.body.get("data") or {}

    @property
    def name(self):
        """`isolated` of `ostler.server.isolated.v1`."""
        parts = self.type.split(".")
        return parts[2] if len(parts) == 4 else self.type

    @property
    def kind(self):
        """`server`, `command` or `quota`."""
        return self.type.split(".")[1] if self.type.count(".") else self.type

    @property
    def changes_state(self):
        return self.kind == "server" and not self.name.startswith("snapshot")

    @property
    def server_id(self):
        return self.data.get("serverId")

    @property
    def operation(self):
        value = self.data.get("operationUuid")
        return value.lower() if isinstance(value, str) else value

    def __repr__(self):
        return f"Event({self.key} {json.dumps(self.body)})"


class Pending:
    """A command on its way. `replies` fills while the world is pumped."""

    def __init__(self, command, body, correlation):
        self.command = command
        self.body = body
        self.correlation = correlation
        self.replies = []
        self.sent_at = time.monotonic()
        self.answered_at = None

    @property
    def seconds(self):
        """From being sent to being answered."""
        return self.answered_at - self.sent_at

    @property
    def is_answered(self):
        return bool(self.replies)

    def __repr__(self):
        return f"{self.command} {self.body!r:.300}"


class World:
    """A namespace, a store, a connection to the broker, and (unless told otherwise) a running worker."""

    _next_id = 1000

    def __init__(self, start=True, uri=AMQP_URI, **settings):
        """`uri`: the broker of sender and subscriber; the worker takes another way to it where `amqp__uri` says so."""
        self.namespace = "acc" + uuid.uuid4().hex[:10]
        self.installation = Installation(self.namespace, **{"amqp__uri": uri, **settings})
        self.broker = Broker(uri)
        self.worker = None
        self.events = []  # distinct, in the order of their first arrival
        self.event_copies = {}  # id → how often it arrived
        self._events_by_id = {}
        self._pending = {}
        self._listening = False
        self._replies_queue = f"acceptance.{self.namespace}.replies"
        self._events_queue = f"acceptance.{self.namespace}.events"
        self.broker.consume(DIRECT_REPLY_TO, self._take_reply, auto_ack=True)
        if start:
            self.start()

    # --- the worker

    def start(self, **settings):
        """Starts a worker and waits until it is ready. What it says is heard from the first event on."""
        self.listen()
        self.worker = self.installation.worker(**settings)
        self.worker.wait_ready(pump=self.broker.pump)
        return self.worker

    def listen(self):
        if self._listening:
            return
        self._listening = True
        channel = self.broker.sure
        channel.exchange_declare(f"{self.namespace}.events", "topic", durable=True)
        channel.queue_declare(self._events_queue, durable=True, arguments={"x-expires": 600_000})
        channel.queue_bind(self._events_queue, f"{self.namespace}.events", "#")
        self.broker.consume(self._events_queue, self._take_event)

    def close(self):
        """Ends the worker politely, which must succeed, and removes what was made on the broker."""
        status = None
        try:
            if self.worker is not None and self.worker.is_running:
                status = self.worker.terminate(pump=self.broker.pump)
        finally:
            said = self.explain()
            if self.worker is not None:
                self.worker.kill()
            self.broker.remove_topology(self.namespace, self._events_queue, self._replies_queue)
            self.broker.close()
            self.installation.remove()
        assert status in (None, 0), f"asked to stop, the worker ended with {status}:{said}"

    def explain(self):
        return "" if self.worker is None or not self._listening else f"\n--- worker\n{self._safe_tail()}"

    def _safe_tail(self):
        try:
            return self.worker.tail(12)
        except OSError:
            return ""

    def wait(self, condition, what, seconds=15.0):
        """Waits for something that the worker does; does not wait for a dead one."""
        def look():
            value = condition()
            if not value and self.worker is not None and not self.worker.is_running:
                raise AssertionError(f"the worker ended with {self.worker.process.returncode}:\n{self.worker.tail()}")
            return value
        return self.broker.wait(look, what, seconds)

    # --- names that no other test has

    def fresh(self):
        World._next_id += 1
        return World._next_id

    # --- sending

    def publish(self, command, body, *, properties=None, key=None, exchange=None, headers=None, channel=None, **more):
        """One message, confirmed by the broker before this returns (unless `channel` says otherwise)."""
        if not isinstance(body, bytes):
            body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        properties = properties or pika.BasicProperties(
            **{"delivery_mode": 2, "content_type": "application/json", **more, "headers": headers})
        (channel or self.broker.sure).basic_publish(
            f"{self.namespace}.commands" if exchange is None else exchange, command if key is None else key, body,
            properties)

    def send(self, command, body, **more):
        """Publishes a command that wants an answer; does not wait for it."""
        pending = Pending(command, body, uuid.uuid4().hex)
        self._pending[pending.correlation] = pending
        self.publish(
            command, body, reply_to=DIRECT_REPLY_TO, correlation_id=pending.correlation, channel=self.broker.quick, **more)
        return pending

    def wait_all(self, pendings, seconds=15.0):
        """The replies, in the order in which the commands were given."""
        pendings = list(pendings)

        def missing():
            open_ones = [pending for pending in pendings if not pending.is_answered]
            shown = "\n  ".join(map(repr, open_ones[:5]))
            return f"{len(open_ones)} of {len(pendings)} commands were not answered, first:\n  {shown}{self.explain()}"

        self.wait(lambda: all(pending.is_answered for pending in pendings), missing, seconds)
        for pending in pendings:
            story.check_reply(pending.command, pending.replies[0])
        return [pending.replies[0] for pending in pendings]

    def ask(self, command, body, seconds=15.0, **more):
        """Sends a command and returns its reply."""
        return self.wait_all([self.send(command, body, **more)], seconds)[0]

    def ask_all(self, commands, seconds=15.0):
        """Sends [(command, body), …] at once and returns the replies in that order."""
        return self.wait_all([self.send(command, body) for command, body in commands], seconds)

    def must(self, command, body, **more):
        """Sends a command that has to be applied: the setting of a scene."""
        reply = self.ask(command, {"operationUuid": operation(), **body}, **more)
        assert reply.outcome == "applied", f"{command} {body} was to be applied: {reply}{self.explain()}"
        return reply

    def must_all(self, commands, **more):
        commands = [(command, {"operationUuid": operation(), **body}) for command, body in commands]
        replies = self.ask_all(commands, **more)
        for (command, body), reply in zip(commands, replies):
            assert reply.outcome == "applied", f"{command} {body} was to be applied: {reply}{self.explain()}"
        return replies

    def _take_reply(self, _channel, _method, properties, body):
        pending = self._pending.get(properties.correlation_id)
        if pending is not None:
            pending.answered_at = pending.answered_at or time.monotonic()
            pending.replies.append(Reply(json.loads(body), properties))

    # --- hearing

    def _take_event(self, channel, method, properties, body):
        event = Event(method, properties, body)
        channel.basic_ack(method.delivery_tag)
        self.event_copies[event.id] = self.event_copies.get(event.id, 0) + 1
        earlier = self._events_by_id.get(event.id)
        if earlier is None:
            self._events_by_id[event.id] = event
            self.events.append(event)
        else:
            assert earlier.raw == event.raw, f"one id, two contents:\n{earlier}\n{event}"

    def event(self, condition, what="an event", seconds=15.0, after=0):
        """The first event (from index `after` on) that meets the condition; waits for it."""
        def look():
            return next((event for event in self.events[after:] if condition(event)), None)
        return self.wait(look, lambda: f"{what} was published{self.explain()}", seconds)

    def event_by_id(self, identifier, seconds=15.0):
        self.wait(lambda: identifier in self._events_by_id, lambda: f"event {identifier} was published", seconds)
        return self._events_by_id[identifier]

    def events_of(self, server_id):
        return [event for event in self.events if event.server_id == server_id]

    def mark(self):
        """Everything said so far has been heard; returns where what comes next begins."""
        self.settle()
        return len(self.events)

    def settle(self):
        """Sends one harmless command and waits for its event: events are published in commit order, so all earlier ones
        are then heard."""
        reply = self.must("enroll", {"serverId": self.fresh(), "locationId": 1, "instanceTypeId": 1})
        self.event_by_id(reply["eventIds"][0])

    # --- the setting of a scene

    def server(self, state="new", location=None, kind=None, **fields):
        """Enrolls a server in a state; returns its id."""
        server_id = self.fresh()
        self.must("enroll", self.enrollment(server_id, state, location, kind, **fields))
        return server_id

    def enrollment(self, server_id, state="new", location=None, kind=None, **fields):
        body = {
            "serverId": server_id, "locationId": location or 1, "instanceTypeId": kind or 1, "state": state, **fields}
        if state == "allocated":
            body.setdefault("clientId", self.fresh())
        if state == "isolated":
            body.setdefault("subState", "excluded")
        return body

    def quota(self, client, location, kind, limit, contract=None):
        body = {"clientId": client, "locationId": location, "instanceTypeId": kind, "limit": limit}
        if contract is not None:
            body["contractId"] = contract
        return self.must("set-quota", body)

    # --- the command line

    def letters(self, *filters, all_states=False):
        """Dead letters as the command line prints them."""
        if all_states:
            for state in ("open", "answered", "replaying", "resolved", "discarded"):
                filters += ("--state", state)
        return self.installation.rows("dead-letters", "list", *filters)

    def servers(self):
        return {row["serverId"]: row for row in self.installation.rows("servers")}

    # --- the two promises

    def check_story(self):
        self.settle()
        story.check(self.events, self.servers())
