"""The events, one after the other, against the model: who decided what, and was it right?"""

import json
from dataclasses import dataclass, field, replace

from .. import story
from ..model import Model, Refused, Rules, read
from ..model.decisions import Fresh
from ..model.documents import quota_data, quota_event_data, server_data, with_moments
from ..model.moments import parse_moment
from ..model.reading import FIELDS
from ..storefile import StoreFile
from .letters import Letters
from .snapshots import Snapshots


@dataclass
class Told:
    """What was said of one message."""

    decisions: list = field(default_factory=list)  # events: a change, unchanged, rejected
    letters: list = field(default_factory=list)  # ids


class Telling:
    def __init__(self, record, problems):
        self.record = record
        self.problems = problems
        self.rules = Rules(record.settings["namespace"], record.settings.get("max_bytes", 65536))
        self.model = Model()
        self.events = []  # each once, by position
        self.by_id = {}
        self.told = {trace: Told() for trace in record.sent}
        self.as_replayed = {}  # trace → reading, where a replay is read otherwise than the message itself
        self.readings = {trace: self.read(sent) for trace, sent in record.sent.items()}
        self.data = {}  # (server, version) → (event, data) of the change that led there
        self.quotas = {}  # position → the `quota` of a reply
        self.refused_frozen = set()  # positions of refusals of a quarantined server's commands
        self.unique = set()  # allocation ids and baseline ids
        self.counted_again = self.count_again()
        self.letters = Letters(self)
        self.snapshots = Snapshots(self)

    def read(self, sent):
        """A command, the code of its refusal, or None where it never reached a queue of commands."""
        commands = f"{self.rules.namespace}.commands"
        if sent.exchange == f"{self.rules.namespace}.dead-letters" or (sent.exchange == commands and sent.key not in FIELDS):
            return None
        command = self.command_or_code(sent)
        if sent.exchange == "":
            # A replay comes by the right way, whichever way the message came itself.
            self.as_replayed[sent.trace] = self.command_or_code(
                replace(sent, exchange=commands, key=sent.key.removeprefix(commands + ".")))
        if "x-ostler-replay" in (sent.properties.get("headers") or {}):
            # Its sender may not claim to be a replay; replayed by an operator it loses that claim.
            self.as_replayed[sent.trace] = command
            command = "forbidden"
        if sent.expected is not None and command != sent.expected:
            self.problems.add("the model reads a message otherwise than its maker", f"{sent} is {command}")
        return command

    def command_or_code(self, sent):
        try:
            return read(sent, self.rules)
        except Refused as refused:
            return refused.code

    def reading_of(self, trace, is_replay):
        return self.as_replayed.get(trace, self.readings[trace]) if is_replay else self.readings[trace]

    def run(self):
        self.take_once()
        self.snapshots.foresee(self.events)
        for event in self.events:
            trace = event.body.get("traceparent")
            if not self.problems.require(trace in self.record.sent, "an event about a message that nobody sent", repr(event)):
                continue
            self.tell(event, trace)

    def take_once(self):
        """Copies by id dropped; they must be the same, byte for byte, and first arrivals in commit order."""
        for event in self.record.events:
            first = self.by_id.get(event.id)
            if first is None:
                self.by_id[event.id] = event
                self.events.append(event)
                try:
                    story.check_event(event)
                except story.Wrong as wrong:
                    self.problems.add("an event is not as the contract says", str(wrong)[:600])
            elif first.raw != event.raw or first.key != event.key:
                self.problems.add("one id, two contents", f"{first} and {event}")
        for place, event in enumerate(self.events, 1):
            if int(event.body["position"]) != place:
                self.problems.add(
                    "the story has a hole, a position twice, or is not in commit order",
                    f"at place {place} of those that arrived is {event}")
                break
        self.events.sort(key=lambda event: int(event.body["position"]))

    def count_again(self):
        """Message → how often its letter was counted up: that is said by no event."""
        store = StoreFile(self.record.store)
        try:
            counted = {}
            for letter in store.letters().values():
                trace = next((row["value"] for row in json.loads(letter.headers) if row["name"] == "traceparent"), None)
                counted[trace] = counted.get(trace, 0) + letter.count - 1
            return counted
        finally:
            store.close()

    # --- one event

    def tell(self, event, trace):
        if event.kind == "server" and event.name.startswith("snapshot"):
            return self.snapshots.take(event, trace)
        if event.name == "deadLettered":
            return self.letters.take_in(event, trace)
        if event.name == "replayed":
            return self.letters.replayed(event, trace)
        self.told[trace].decisions.append(event)
        is_replay = "replayedBy" in event.data
        reading = self.reading_of(trace, is_replay)
        if isinstance(reading, str):
            self.expect_refusal(event, reading, self.record.sent[trace])
        elif reading is None:
            self.problems.add("a message that went to no command's queue was decided", repr(event))
        else:
            self.decide(event, trace, reading, is_replay)
        if event.name == "rejected":
            self.letters.refused(event, trace, is_replay)

    def expect_refusal(self, event, code, sent):
        is_right = event.name == "rejected" and code_of(event) == code
        self.problems.require(is_right, "a message was to be refused", lambda: f"{code}: {sent.key} {sent.body[:300]}: {event}")

    def decide(self, event, trace, command, is_replay):
        time, position = parse_moment(event.body["time"]), int(event.body["position"])
        verdict = self.model.decide(command, time, is_replay)
        if command.name == "snapshot" and code_of(event) == "operation-conflict":
            verdict = self.snapshots.conflict(command, verdict)
        if not self.expect_verdict(event, command, verdict, is_replay):
            return  # what follows from a wrong decision is told by the comparison with the store
        self.expect_facts(event, trace, command)
        server = self.model.servers.get(command.server_id)
        if verdict.outcome == "rejected" and server is not None and server.state == "quarantined":
            self.refused_frozen.add(position)
        allocation = event.data.get("allocation") or {}
        fresh = Fresh(position, time, self.model.quotas, event.data.get("baselineId"), allocation.get("id"))
        server = self.model.apply(command, verdict, fresh)
        self.model.remember(command, verdict, position)
        if server is not None:
            self.expect_data(event, command, server)
        elif verdict.limits is not None:
            actor, replayed_by = event.data.get("actor"), event.data.get("replayedBy")
            self.same("a quota event", quota_event_data(command, verdict.limits, actor, replayed_by), event.data, event)
        if verdict.charge is not None:
            self.quotas[position] = quota_data(verdict.charge, command)
        if verdict.outcome in ("applied", "unchanged"):
            self.letters.succeeded(command)

    def expect_verdict(self, event, command, verdict, is_replay):
        said = (
            ("rejected", code_of(event)) if event.name == "rejected" else
            ("unchanged", None) if event.name == "unchanged" else ("applied", event.name))
        expected = verdict.outcome, verdict.event if verdict.outcome == "applied" else verdict.code
        if verdict.outcome == "silent":
            return self.problems.require(
                False, "an operation was decided a second time", f"{command}: {event}")
        if said == expected and verdict.server_id in (None, event.server_id):
            return True
        server = self.model.servers.get(command.server_id or event.server_id)
        self.problems.add(
            "decided otherwise than the contract says",
            f"{'replay of ' if is_replay else ''}{command}: {expected} {verdict.server_id or ''} was due on {server}: {event}")
        return False

    def expect_facts(self, event, trace, command):
        sent = self.record.sent[trace]
        said = {name: event.data.get(name) for name in ("command", "operationUuid", "actor")}
        operation = said["operationUuid"]
        said["operationUuid"] = operation.lower() if operation and len(operation) == 36 else operation
        due = {"command": command.name, "operationUuid": command.operation, "actor": sent.properties.get("user_id")}
        self.problems.require(said == due, "an event names another operation", lambda: f"{due}: {event}")

    def expect_data(self, event, command, server):
        actor, replayed_by = event.data.get("actor"), event.data.get("replayedBy")
        due = server_data(server, command, actor, replayed_by)
        due["operationUuid"] = event.data.get("operationUuid")  # compared before, by its value
        if due["operationUuid"] is None:
            del due["operationUuid"]
        self.same("a state event", due, with_moments(event.data), event)
        self.data[server.id, server.version] = event
        for identifier in fresh_ids(event, server):
            self.problems.require(identifier not in self.unique, "an id was drawn twice", repr(event))
            self.unique.add(identifier)

    def same(self, what, due, said, event):
        if due == said:
            return
        wrong = {name: (due.get(name), said.get(name)) for name in {*due, *said} if due.get(name) != said.get(name)}
        self.problems.add(f"{what} says something else than the model (due, said)", f"{wrong} in {event}")

    # --- for the others

    def kills_after(self, moment):
        return sum(1 for deed in self.record.deeds if deed["deed"] == "kill" and deed["at"] >= moment)

    def deeds(self, name):
        return [deed for deed in self.record.deeds if deed["deed"] == name]


def code_of(event):
    return (event.data.get("error") or {}).get("code")


def fresh_ids(event, server):
    """Ids that this very change drew."""
    if event.data.get("baselineId") and (event.data.get("previousState") != "backToBaseline" or event.name == "enrolled"):
        yield event.data["baselineId"]
    allocation = event.data.get("allocation")
    if allocation and event.name in ("allocated", "enrolled"):
        yield allocation["id"]
