"""What a subscriber knows of the fleet by now: so that most commands make sense when they are sent."""

import json
import threading


class View:
    def __init__(self):
        self.lock = threading.Lock()
        self.servers = {}  # id → data of the last event
        self.allocations = {}  # server → [(id, client)]
        self.baselines = {}  # server → [id]
        self.newest = 0  # position
        self.arrived = 0  # copies included
        self.said_of = set()  # traces
        self.runs = 0  # snapshots that ended

    def take(self, _row, body):
        event = json.loads(body)
        data, kind = event.get("data", {}), event["type"]
        with self.lock:
            self.arrived += 1
            self.said_of.add(event.get("traceparent"))
            position = int(event["position"])
            if position <= self.newest:
                return
            self.newest = position
            if kind.startswith("ostler.server.") and ".snapshot" not in kind:
                self.servers[data["serverId"]] = data
                self.learn(data)

    def learn(self, data):
        server = data["serverId"]
        if data.get("baselineId"):
            self.baselines.setdefault(server, []).append(data["baselineId"])
        if data.get("allocation"):
            known = self.allocations.setdefault(server, [])
            entry = data["allocation"]["id"], data["allocation"]["clientId"]
            if entry not in known:
                known.append(entry)

    def state(self, server):
        data = self.servers.get(server)
        return data["state"] if data else None
