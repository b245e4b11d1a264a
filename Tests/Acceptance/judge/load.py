"""A mixed load of commands, and the check of both promises over it."""

import json
import random

from .broker import held_messages
from .storefile import StoreFile
from .waiting import TimedOut
from .world import operation

KIND = 3


class Load:
    """Commands for a small fleet, many of them in each other's way, every one with a key."""

    def __init__(self, world, seed, servers=24, clients=4):
        self.world = world
        self.random = random.Random(seed)
        self.place = world.fresh()
        self.servers = [world.fresh() for _ in range(servers)]
        self.clients = [world.fresh() for _ in range(clients)]
        self.sent = {}  # (command, operationUuid) → body
        world.must_all([
            ("enroll", world.enrollment(server_id, "available", self.place, KIND)) for server_id in self.servers])
        for client in self.clients:
            world.quota(client, self.place, KIND, 4)

    def next(self):
        choose = self.random.choice
        server = {"serverId": choose(self.servers)}
        client = {"clientId": choose(self.clients)}
        command, body = choose([
            ("allocate", {"locationId": self.place, "instanceTypeId": KIND, **client}),
            ("allocate", {"locationId": self.place, "instanceTypeId": KIND, **client}),
            ("deallocate", {**server, **client}),
            ("compensate", {**server, **client}),
            ("isolate", {**server, "subState": choose(["reserved", "brokenHardware"])}),
            ("unisolate", server),
            ("available", server),
            ("available", server),
            ("quarantine", server),
            ("unquarantine", {**server, "outcome": choose(["restore", "baseline"]), "reason": "load"}),
        ])
        return command, {**body, "operationUuid": operation()}

    def publish(self, count):
        for _ in range(count):
            command, body = self.next()
            self.sent[command, body["operationUuid"]] = body
            self.world.publish(command, body)
            if self.random.random() < 0.1:
                self.world.publish(command, body)  # a sender that was not sure

    def check(self):
        """Both promises. The durable answer is to send each command again with its key."""
        world = self.world
        self.wait_until_told()
        replies = self.ask_again()
        world.settle()
        letters = world.letters(all_states=True)
        crashed = self.crashed()
        said = {}
        for event in world.events:
            key = event.data.get("command"), event.operation
            if key in self.sent and event.name != "deadLettered":
                said.setdefault(key, []).append(event)
        refused = {row["operationUuid"].lower(): row for row in letters if row.get("operationUuid")}
        for (key, reply) in zip(self.sent, replies):
            if key[1] in crashed:
                continue
            assert reply.is_duplicate, f"{key} had not been decided: {reply}"
            events = said.get(key, [])
            assert len(events) == 1, f"{key} was to be told once: {events}"
            event = events[0]
            outcome = {"rejected": "rejected", "unchanged": "unchanged"}.get(event.name, "applied")
            assert outcome == reply.outcome, f"{key} was told as {event.name} and is kept as {reply}"
            assert (key[1] in refused) == (outcome == "rejected"), f"{key}: a letter where refused, and only there: {reply}"
        assert len(crashed) <= 3, f"healthy messages were given up: {crashed}"
        world.check_story()
        self.check_quotas()

    def wait_until_told(self):
        """In = out: an event tells what became of each command. Only then may they be asked about: a broker gives back
        what a dead worker had in hand when it gets to it, and a copy that came earlier would be decided in its place."""
        def missing():
            told = {(event.data.get("command"), event.operation) for event in self.world.events}
            untold = [key for key in self.sent if key not in told]
            crashed = self.crashed() if untold else set()
            return [key for key in untold if key[1] not in crashed]
        self.world.wait(
            lambda: not missing(),
            lambda: f"every command is told of; missing are {len(missing())}, such as {missing()[:3]}; "
                    f"of the first {self.whereabouts(missing()[0])}{self.world.explain()}",
            60)

    def crashed(self):
        """Operations of messages that were in hand at three ends of the worker in a row: kept, and not looked into."""
        store = StoreFile(self.world.installation.settings["store.path"])
        try:
            bodies = [row.body for row in store.rows("SELECT body FROM dead_letters WHERE code = 'worker-crash'")]
        finally:
            store.close()
        return {json.loads(body)["operationUuid"].lower() for body in bodies}

    def whereabouts(self, key):
        """What is known of a command that nobody was told of: where to look for what went wrong."""
        world, (_, identifier) = self.world, key
        store = StoreFile(world.installation.settings["store.path"])
        try:
            operations = store.rows(
                f"SELECT id, attempt, outcome, decided_at, event_position FROM operations WHERE hex(key) LIKE "
                f"'%{identifier.replace('-', '').upper()}%'")
            history = store.rows(f"SELECT position, server_id, version, event FROM history WHERE operation = '{identifier}'")
            letters = store.rows(f"SELECT hex(id) AS id, state, code FROM dead_letters WHERE operation = '{identifier}'")
            outbox = store.rows("SELECT count(*) AS waiting, min(position) AS first, max(position) AS last FROM outbox")
            meta = store.rows("SELECT epoch, last_position FROM meta")
        finally:
            store.close()
        held = {name: count for name, count in held_messages(f"{world.namespace}.").items() if count}
        heard = sorted(int(event.body["position"]) for event in world.events)
        gaps = [now + 1 for now, after in zip(heard, heard[1:]) if after > now + 1]
        return (f"the store has {operations} {history} {letters} {outbox} {meta}; the queues hold {held}; "
                f"heard {len(heard)} events, {heard[:1]} to {heard[-1:]}, gaps at {gaps[:5]}")

    def ask_again(self):
        """What became of each command. An answer has one try only: what is not answered is asked once more."""
        answers = {}
        for _ in range(5):
            pendings = {
                key: self.world.send(key[0], body) for key, body in self.sent.items() if key not in answers}
            try:
                self.world.wait_all(pendings.values(), 6)
            except TimedOut:
                pass
            answers.update({key: pending.replies[0] for key, pending in pendings.items() if pending.is_answered})
        missing = [key for key in self.sent if key not in answers]
        assert not missing, f"{len(missing)} commands are never answered, such as {missing[:3]}{self.world.explain()}"
        return [answers[key] for key in self.sent]

    def check_quotas(self):
        """Quota use equals the live allocations."""
        live = {client: 0 for client in self.clients}
        for row in self.world.servers().values():
            allocation = row.get("allocation")
            if allocation and "endedAt" not in allocation and allocation["clientId"] in live:
                live[allocation["clientId"]] += 1
        used = {row["clientId"]: row["used"] for row in self.world.installation.rows("quotas") if row["clientId"] in live}
        assert used == live, f"charged {used}, allocated {live}"
