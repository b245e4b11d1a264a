"""What was seen of one run from outside: what was sent and confirmed, what a subscriber and an asker received, what was
done to the worker, and the store as it was left.

All of it is written down line by line while it happens (a message before it is sent, an event before it is acknowledged),
so that a run that went wrong is there to be looked at, and can be judged again: `python3 -m judge.checker FOLDER`.
"""

import base64
import json
import os
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from types import SimpleNamespace

from .world import Event


@dataclass
class Sent:
    """One message as its sender wrote it. Sent more than once, it is the same message to the last byte."""

    trace: str  # the traceparent that it carries: Ostler hands it on to what it says of it
    exchange: str
    key: str
    properties: dict  # names as pika spells them; `headers` without the traceparent
    body: bytes
    expected: str = None  # the code of its refusal, where its maker knows it
    first_at: float = 0.0
    times: int = 0
    confirmed: int = 0

    def as_json(self):
        return {
            "trace": self.trace, "exchange": self.exchange, "key": self.key, "properties": self.properties,
            "body": base64.b64encode(self.body).decode(), "expected": self.expected, "at": self.first_at}

    @staticmethod
    def from_json(row):
        return Sent(
            row["trace"], row["exchange"], row["key"], row["properties"], base64.b64decode(row["body"]), row["expected"],
            row["at"])


@dataclass
class Record:
    """Everything that the checker is given. `store` is the path of a copy of the store."""

    settings: dict
    sent: dict = field(default_factory=dict)  # trace → Sent
    events: list = field(default_factory=list)  # judge.world.Event, in the order of arrival, copies included
    replies: list = field(default_factory=list)  # (trace, body)
    deeds: list = field(default_factory=list)  # {"at", "deed", …}
    store: str = None

    @staticmethod
    def load(folder):
        record = Record(json.loads(read(folder, "settings.json")), store=os.path.join(folder, "store.sqlite"))
        for row in lines(folder, "sent.jsonl"):
            if "again" in row:
                record.sent[row["again"]].times += 1
            elif "confirmed" in row:
                record.sent[row["confirmed"]].confirmed += 1
            else:
                sent = Sent.from_json(row)
                sent.times = 1
                record.sent[sent.trace] = sent
        record.events = [event_from(row) for row in lines(folder, "events.jsonl")]
        record.replies = [(row["trace"], row["body"]) for row in lines(folder, "replies.jsonl")]
        record.deeds = list(lines(folder, "deeds.jsonl"))
        return record


class Journal:
    """The same, being written. Several threads write; nothing is kept in memory only."""

    def __init__(self, folder, settings):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.lock = threading.Lock()
        with open(os.path.join(folder, "settings.json"), "w") as file:
            json.dump(settings, file)
        self.files = {
            name: open(os.path.join(folder, name + ".jsonl"), "a", buffering=1)
            for name in ("sent", "events", "replies", "deeds")}

    def write(self, name, row):
        line = json.dumps(row) + "\n"
        with self.lock:
            self.files[name].write(line)

    def deed(self, deed, **more):
        self.write("deeds", {"at": time.time(), "deed": deed, **more})

    def keep_store(self, path):
        """A copy of the store, made with SQLite's own means and read-only access."""
        target = os.path.join(self.folder, "store.sqlite")
        if os.path.exists(target):
            os.remove(target)
        source, copy = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30), sqlite3.connect(target)
        with source, copy:
            source.backup(copy)
        source.close()
        copy.close()

    def close(self):
        for file in self.files.values():
            file.close()


def event_row(method, properties, body):
    return {
        "key": method.routing_key, "body": base64.b64encode(body).decode(), "content_type": properties.content_type,
        "delivery_mode": properties.delivery_mode, "message_id": properties.message_id}


def event_from(row):
    properties = SimpleNamespace(
        content_type=row["content_type"], delivery_mode=row["delivery_mode"], message_id=row["message_id"])
    return Event(SimpleNamespace(routing_key=row["key"]), properties, base64.b64decode(row["body"]))


def read(folder, name):
    with open(os.path.join(folder, name)) as file:
        return file.read()


def lines(folder, name):
    with open(os.path.join(folder, name)) as file:
        for line in file:
            yield json.loads(line)
