"""Snapshots: states as they are, in ascending order, all of them, and the right count at the end."""

from ..model.decisions import Decided, Verdict


class Snapshots:
    def __init__(self, telling):
        self.telling = telling
        self.problems = telling.problems
        self.decided_by = {}  # (key, attempt) → trace
        self.shown = []  # servers of the run that is under way
        self.wanted = None  # servers that it has to show
        self.completed = {}  # trace → how many runs

    def foresee(self, events):
        """That a snapshot was noted, no event says; its end does. Who takes the key is looked up beforehand."""
        for event in events:
            if event.name != "snapshotCompleted":
                continue
            trace = event.body.get("traceparent")
            command = self.telling.readings.get(trace)
            if command is None or isinstance(command, str) or command.key is None:
                continue
            place = command.key, command.attempt
            self.problems.require(place not in self.decided_by, "one snapshot ran twice", repr(event))
            self.decided_by[place] = trace

    def conflict(self, command, verdict):
        """Whether it may have found its key taken by a snapshot whose events came later."""
        for (key, attempt), trace in self.decided_by.items():
            other = self.telling.readings[trace]
            if key == command.key and (
                    attempt > command.attempt or (attempt == command.attempt and other.fingerprint != command.fingerprint)):
                return Verdict("rejected", "operation-conflict")
        return verdict

    def take(self, event, trace):
        command = self.telling.readings[trace]
        if getattr(command, "name", None) != "snapshot":
            self.problems.add("a snapshot that nobody asked for", repr(event))
        elif event.name == "snapshot":
            self.show(event, command)
        else:
            self.complete(event, trace, command)

    def show(self, event, command):
        server = self.telling.model.servers.get(event.server_id)
        last = server and self.telling.data.get((server.id, server.version))
        if last is None or last.data != event.data:
            self.problems.add("a snapshot shows another state than the last event", f"{last}: {event}")
            return
        self.problems.require(in_scope(server, command), "a snapshot shows what was not asked for", repr(event))
        if not self.shown:
            self.wanted = {one.id for one in self.telling.model.servers.values() if in_scope(one, command)}
        elif event.server_id <= self.shown[-1]:
            self.problems.add("a snapshot is not in ascending order", f"after {self.shown[-1]}: {event}")
        self.shown.append(event.server_id)

    def complete(self, event, trace, command):
        scope = {name: command.get(name) for name in ("serverId", "locationId") if command.get(name)}
        word = "server" if "serverId" in scope else "location" if scope else "all"
        servers = self.telling.model.servers
        wanted = self.wanted if self.shown else {one.id for one in servers.values() if in_scope(one, command)}
        missing = {one for one in wanted if in_scope(servers[one], command)} - set(self.shown)
        data = event.data
        self.problems.require(not missing, "a snapshot leaves servers out", lambda: f"{sorted(missing)[:10]}: {event}")
        self.problems.require(
            data.get("count") == len(self.shown) and data.get("scope") == word, "a snapshot's end is wrong",
            lambda: f"{word}, {len(self.shown)} were shown: {event}")
        self.shown, self.wanted = [], None
        self.completed[trace] = self.completed.get(trace, 0) + 1
        if command.key is not None:
            attempts = self.telling.model.operations.setdefault(command.key, {})
            attempts[command.attempt] = Decided(command.fingerprint, "applied")
        self.telling.letters.succeeded(command)


def in_scope(server, command):
    return command.get("serverId") in (None, server.id) and command.get("locationId") in (None, server.location_id)
