"""A mixed load: all thirteen commands, most of them sensible, many in each other's way, some of them hostile.

What is drawn depends on the seed alone; what a subscriber has learnt by the time of sending (who has which server, which
run of Back to Baseline is the current one) is filled in then."""

import json
import random
import time
import uuid

from ..record import Sent
from . import hostile
from .senders import queue_names

PLACES = [(18, 126), (18, 127), (44, 126)]
CONTRACTS = ["SALES-1", "SALES-2"]
CAUSES = ["excluded", "reserved", "brokenHardware", "unknownError"]
CASES = ["case-1", "case-2", None]
WEIGHTS = {
    "allocate": 22, "deallocate": 12, "compensate": 4, "isolate": 7, "unisolate": 7, "available": 16, "quarantine": 5,
    "unquarantine": 7, "enroll": 9, "reclassify": 4, "decommission": 3, "set-quota": 4, "snapshot": 1,
}
# States in which a command does something: half of them look for such a server.
FITTING = {
    "deallocate": {"allocated", "quarantined"}, "compensate": {"allocated"}, "isolate": {"new", "available", "backToBaseline"},
    "unisolate": {"isolated", "new"}, "available": {"backToBaseline"}, "quarantine": {"allocated", "available", "isolated"},
    "unquarantine": {"quarantined"}, "enroll": {None, "decommissioned"}, "reclassify": {"new", "backToBaseline", "isolated"},
    "decommission": {"isolated", "new"},
}


class Load:
    def __init__(self, seed, namespace, view, servers=40, clients=5, user="guest"):
        self.random = random.Random(f"load {seed}")
        self.namespace = namespace
        self.view = view
        self.servers = list(range(1, servers + 1))
        self.clients = list(range(1, clients + 1))
        self.user = user
        self.copied = []  # (command, body, properties) of which copies may follow
        self.later = []  # messages that are held back, to come out of order

    # --- what goes out

    def beginning(self):
        """Quotas, and most servers: the others are enrolled on the way, overtaken by what comes for them."""
        bodies = []
        for client in [0, *self.clients]:
            for place, kind in PLACES[:1] if client else PLACES:
                bodies.append(("set-quota", {"clientId": client, "locationId": place, "instanceTypeId": kind, "limit": 6}))
        bodies.append(("set-quota", {"clientId": 1, "locationId": 18, "instanceTypeId": 0, "limit": 7}))
        bodies.append(("set-quota", {"clientId": 0, "locationId": 0, "instanceTypeId": 0, "limit": 9}))
        for client in self.clients[:3]:
            place, kind = PLACES[0]
            bodies.append(("set-quota", {
                "clientId": client, "contractId": CONTRACTS[0], "locationId": place, "instanceTypeId": kind, "limit": 2}))
        for server in self.servers:
            if server % 5 == 0:
                continue  # enrolled on the way
            bodies.append(("enroll", {**self.enrollment(server), "state": "available"}))
        bodies.append(("snapshot", {}))
        return [self.message(command, {**body, "operationUuid": self.uuid()}) for command, body in bodies]

    def next(self, count):
        """At least `count` messages, in an order of their own."""
        messages = []
        while len(messages) < count:
            messages += self.some()
        take = self.random.randint(0, len(self.later))
        self.random.shuffle(self.later)
        messages += self.later[:take]
        del self.later[:take]
        if self.random.random() < 0.5:
            self.random.shuffle(messages)
        return messages

    def rest(self):
        messages, self.later = self.later, []
        return messages

    def some(self):
        chance = self.random.random()
        if chance < 0.06:
            return [hostile.message(self)]
        if chance < 0.22 and self.copied:
            return self.again(*self.random.choice(self.copied[-200:]))
        command = self.random.choices(list(WEIGHTS), WEIGHTS.values())[0]
        body, properties = getattr(self, command.replace("-", "_"))(), {}
        self.add_key(command, body, properties)
        self.add_conditions(command, body)
        self.add_properties(properties)
        self.copied.append((command, body, properties))
        message = self.message(command, body, properties)
        if self.random.random() < 0.1:
            self.later.append(message)
            return []
        return [message, message] if self.random.random() < 0.04 else [message]

    def again(self, command, body, properties):
        """A copy, a retry or a conflict of an earlier command."""
        chance, body = self.random.random(), dict(body)
        if chance < 0.5:
            items = list(body.items())
            self.random.shuffle(items)
            body = dict(items)
        elif chance < 0.75:
            body["attempt"] = min(1000, body.get("attempt", 1) + self.random.choice([1, 1, 1, 2]))
        elif chance < 0.8:
            body["attempt"] = max(1, body.get("attempt", 1) - 1)
        else:
            self.change(command, body)
        if body.get("attempt", 1) > 1:
            self.copied.append((command, body, properties))
        return [self.message(command, body, properties)]

    def change(self, command, body):
        """Another content under the same key."""
        if command == "allocate":
            body["overflow"] = not body.get("overflow", False)
        elif command == "set-quota":
            body["limit"] = self.random.randint(10, 20)
        elif command == "snapshot":
            body["locationId"] = self.random.choice([18, 44, 45])
        elif command in ("unisolate", "available", "deallocate"):
            body["ifVersion"] = self.random.randint(1, 5)
        else:
            body["reason"] = self.text()

    def message(self, command, body, properties=None):
        raw = body if isinstance(body, bytes) else json.dumps(body, separators=self.random.choice([(",", ":"), (", ", ": ")])).encode()
        return self.raw(f"{self.namespace}.commands", command, raw, properties)

    def raw(self, exchange, key, body, properties=None, expected=None):
        trace = f"00-{self.random.getrandbits(128) | 1:032x}-{self.random.getrandbits(64) | 1:016x}-01"
        properties = {"delivery_mode": 2, "content_type": "application/json", **(properties or {})}
        if "reply_to" in properties:
            properties["correlation_id"] = trace
        return Sent(trace, exchange, key, properties, body, expected)

    # --- what may be added to any command

    def add_key(self, command, body, properties):
        chance = self.random.random()
        if chance < 0.76 or (command == "allocate" and chance > 0.9):
            body["operationUuid"] = self.uuid()
        elif chance < 0.84:
            properties["message_id"] = self.uuid()
        elif chance < 0.9:
            properties["message_id"] = f"order-{self.random.getrandbits(40)}"

    def add_conditions(self, command, body):
        chance = self.random.random()
        if chance < 0.01:
            body["notAfter"] = "2020-01-01T00:00:00Z"
        elif chance < 0.025:
            body["notAfter"] = moment(time.time() + self.random.choice([0.05, 0.3, 1.0]))
        elif chance < 0.05:
            body["notAfter"] = "2999-01-01T00:00:00Z"
        data = self.view.servers.get(body.get("serverId"))
        if self.random.random() < 0.07 and data and command not in ("enroll", "snapshot"):
            body["ifVersion"] = max(1, data["version"] + self.random.choice([-1, 0, 0, 0, 1, 1]))

    def add_properties(self, properties):
        if self.random.random() < 0.3:
            properties["reply_to"] = queue_names(self.namespace)[1]
        if self.random.random() < 0.1:
            properties["user_id"] = self.user
        if self.random.random() < 0.05:
            properties["priority"] = self.random.randint(0, 9)
        if self.random.random() < 0.02:
            properties["expiration"] = str(self.random.choice([1, 50, 60000]))
        if self.random.random() < 0.05:
            properties["headers"] = {"team": self.random.randint(1, 9), "odd": [1, None, True, {"deep": "yes"}]}

    # --- the commands

    def allocate(self):
        place, kind = self.random.choice(PLACES)
        body = {"locationId": place, "instanceTypeId": kind, "clientId": self.random.choice(self.clients)}
        if self.random.random() < 0.35:
            body["contractId"] = self.random.choice(CONTRACTS)
        if self.random.random() < 0.3:
            body["overflow"] = self.random.choice([True, False])
        return body

    def deallocate(self):
        return self.give_back("deallocate")

    def compensate(self):
        return {**self.give_back("compensate"), **self.maybe_reason()}

    def give_back(self, command):
        server = self.pick(command)
        chance, guess = self.random.random(), self.random.choice(self.clients)
        named, wrong = self.random.random(), self.uuid()
        known = self.view.allocations.get(server, [])
        body = {"serverId": server, "clientId": known[-1][1] if known and chance < 0.8 else guess}
        if named < 0.3:
            body["allocationId"] = known[-1][0] if known and named < 0.2 else known[0][0] if known and named < 0.27 else wrong
        return body

    def isolate(self):
        body = {"serverId": self.pick("isolate"), "subState": self.random.choice(CAUSES), **self.maybe_reason()}
        return self.maybe_baseline(body)

    def unisolate(self):
        return {"serverId": self.pick("unisolate")}

    def available(self):
        return self.maybe_baseline({"serverId": self.pick("available")})

    def quarantine(self):
        return {"serverId": self.pick("quarantine"), **self.maybe_case(), **self.maybe_reason()}

    def unquarantine(self):
        server = self.pick("unquarantine")
        case, chance = self.random.choice(CASES), self.random.random()
        holds = (self.view.servers.get(server) or {}).get("holds")
        if holds and chance < 0.8:
            case = holds[0]
        body = {"serverId": server, "outcome": self.random.choice(["restore", "restore", "baseline"]), "reason": self.text()}
        if case is not None:
            body["caseId"] = case
        return body

    def enroll(self):
        server = self.pick("enroll")
        body = self.enrollment(server)
        state = self.random.choice(["new", "available", "available", "backToBaseline", "allocated", "isolated", "quarantined", None])
        if state is not None:
            body["state"] = state
        if state == "isolated":
            body["subState"] = self.random.choice(CAUSES)
        if state == "allocated" or (state == "quarantined" and self.random.random() < 0.5):
            body["clientId"] = self.random.choice(self.clients)
            if self.random.random() < 0.5:
                body["contractId"] = self.random.choice(CONTRACTS)
                if self.random.random() < 0.3:
                    body["quotaType"] = self.random.choice(["commit", "onDemand"])
            if self.random.random() < 0.3:
                body["since"] = "2024-05-06T07:08:09.125Z"
        if self.random.random() < 0.3:
            body["name"] = f"rack {server}"
        return {**body, **self.maybe_reason()}

    def enrollment(self, server):
        place, kind = PLACES[server % len(PLACES)]
        return {"serverId": server, "locationId": place, "instanceTypeId": kind}

    def reclassify(self):
        place, kind = self.random.choice(PLACES)
        body = {"serverId": self.pick("reclassify"), **self.maybe_reason()}
        chance = self.random.random()
        if chance < 0.8:
            body["locationId"] = place
        if chance > 0.4:
            body["instanceTypeId"] = kind
        if chance > 0.8:
            body["name"] = self.text()
        return body

    def decommission(self):
        return {"serverId": self.pick("decommission"), **self.maybe_reason()}

    def set_quota(self):
        place, kind = self.random.choice([*PLACES, (18, 0), (0, 0)])
        body = {
            "clientId": self.random.choice([0, *self.clients]), "locationId": place, "instanceTypeId": kind,
            "limit": self.random.choice([None, 0, 1, 2, 4, 6, 8, 10, 12])}
        if body["clientId"] and kind and self.random.random() < 0.5:
            body["contractId"] = self.random.choice(CONTRACTS)
        return body

    def snapshot(self):
        return self.random.choice([{}, {"locationId": 18}, {"locationId": 44}, {"serverId": self.random.choice(self.servers)}])

    # --- what they are made of

    def pick(self, command):
        """A server; with luck one that the command fits."""
        start, wants_fitting = self.random.randrange(len(self.servers)), self.random.random() < 0.65
        turned = self.servers[start:] + self.servers[:start]
        if wants_fitting:
            return next((one for one in turned if self.view.state(one) in FITTING[command]), turned[0])
        return turned[0]

    def maybe_reason(self):
        return {"reason": self.text()} if self.random.random() < 0.4 else {}

    def maybe_case(self):
        case = self.random.choice(CASES)
        return {} if case is None else {"caseId": case}

    def maybe_baseline(self, body):
        chance, wrong = self.random.random(), self.uuid()
        known = self.view.baselines.get(body["serverId"])
        if chance < 0.3:
            body["baselineId"] = known[-1] if known and chance < 0.2 else known[0] if known and chance < 0.26 else wrong
        return body

    def text(self):
        return self.random.choice(["disk 3", "é — ü", "tor: \"x\"", "no network", "case closed"])

    def uuid(self):
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))


def moment(seconds):
    whole = int(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int((seconds - whole) * 1000):03d}Z"
