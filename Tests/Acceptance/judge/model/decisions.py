"""Commands one after the other, in the order in which they were decided: dedup, time, rules, and what it all leaves."""

from dataclasses import dataclass

from . import servers
from .quotas import Charge, Quotas
from .reading import quota_row


@dataclass
class Verdict:
    """What must become of a command."""

    outcome: str  # applied, unchanged, rejected; `silent`: it was decided before, and nothing new is said
    code: str = None
    waits: bool = False  # a refusal that comes only when patience is over or there is no room to wait
    event: str = None  # of an applied one: the name of the event that tells of it
    server_id: int = None  # of the server that is changed
    change: object = None
    charge: Charge = None
    limits: tuple = None  # of a set-quota: the limit before, the limit now

    @property
    def takes_key(self):
        return self.outcome in ("applied", "unchanged") or self.code != "operation-conflict"


@dataclass
class Decided:
    """One attempt of an operation, and what became of it."""

    fingerprint: tuple
    outcome: str
    code: str = None
    position: int = None  # of the event that told of it


@dataclass
class Fresh:
    """What a change needs to be told: when and where it happened, and the ids that Ostler drew."""

    position: int
    time: object
    quotas: Quotas
    baseline_id: str = None
    allocation_id: str = None

    def baseline(self):
        return self.baseline_id

    def allocation(self):
        return self.allocation_id


class Model:
    def __init__(self):
        self.servers = {}
        self.quotas = Quotas()
        self.operations = {}  # key → {attempt: Decided}

    # --- what must become of it

    def decide(self, command, time, replay=False):
        """`time` is that of the decision. Changes nothing: see `apply`."""
        verdict = self.dedup(command, replay)
        if verdict is not None:
            return verdict
        if command.not_after is not None and time > command.not_after:
            return Verdict("rejected", "expired")
        if command.name == "allocate":
            return self.allocate(command)
        if command.name == "set-quota":
            row = quota_row(command.fields)
            before, limit = self.quotas.rows.get(row), command.get("limit")
            if before == limit:
                return Verdict("unchanged")
            return Verdict("applied", event="removed" if limit is None else "set", limits=(before, limit))
        if command.name == "snapshot":
            if command.server_id is not None and command.server_id not in self.servers:
                return Verdict("rejected", "unknown-server")
            return Verdict("applied", event="snapshotCompleted")
        decision = servers.decide(command, self.servers.get(command.server_id))
        if decision == servers.UNCHANGED:
            return Verdict("unchanged")
        if isinstance(decision, servers.Rejected):
            return Verdict("rejected", decision.code, decision.waits)
        return Verdict("applied", event=decision.event, server_id=command.server_id, change=decision.apply)

    def dedup(self, command, replay):
        """None where it is to be decided."""
        if command.key is None:
            return None
        attempts = dict(self.operations.get(command.key, {}))
        conflict, silent = Verdict("rejected", "operation-conflict"), Verdict("silent")
        own = attempts.get(command.attempt)
        if replay:
            if any(number > command.attempt and one.outcome != "rejected" for number, one in attempts.items()):
                return silent
            if own is not None and own.outcome == "rejected" and own.fingerprint == command.fingerprint:
                return None if not self.given_before(command, attempts) else silent
        if own is not None:
            return silent if own.fingerprint == command.fingerprint else conflict
        given = self.given_before(command, attempts)
        if given is not None:
            return silent if given.fingerprint == command.fingerprint else conflict
        return conflict if attempts and command.attempt < max(attempts) else None

    @staticmethod
    def given_before(command, attempts):
        """The earlier attempt of an `allocate` that got its server."""
        if command.name != "allocate":
            return None
        return next(
            (one for number, one in attempts.items() if number < command.attempt and one.outcome == "applied"), None)

    def allocate(self, command):
        place, kind, client = command.get("locationId"), command.get("instanceTypeId"), command.get("clientId")
        contract = command.get("contractId")
        charge = self.quotas.charge(client, place, kind, contract, command.get("overflow"))
        if isinstance(charge, str):
            return Verdict("rejected", charge)
        server = self.longest_available(place, kind)
        if server is None:
            return Verdict("rejected", "no-capacity")

        def change(server, fresh):
            servers.leave(server, "allocated")
            server.reason = None
            servers.begin_allocation(server, fresh, client, contract, charge.quota_type, fresh.time)
        return Verdict("applied", event="allocated", server_id=server.id, change=change, charge=charge)

    def longest_available(self, place, kind):
        free = [
            server for server in self.servers.values()
            if server.state == "available" and (server.location_id, server.instance_type_id) == (place, kind)]
        return min(free, key=lambda server: server.available_at, default=None)

    # --- what it leaves

    def apply(self, command, verdict, fresh):
        """Makes the change of an applied verdict; returns the server, if one was changed."""
        if verdict.limits is not None:
            self.quotas.set(quota_row(command.fields), verdict.limits[1])
        if verdict.change is None:
            return None
        server = self.servers.setdefault(verdict.server_id, servers.Server(verdict.server_id))
        server.previous_state, server.ended_now = server.state, None
        verdict.change(server, fresh)
        server.version += 1
        return server

    def remember(self, command, verdict, position):
        """Stores the outcome under the key, where there is one and the outcome takes it."""
        if command.key is not None and verdict.takes_key:
            self.operations.setdefault(command.key, {})[command.attempt] = Decided(
                command.fingerprint, verdict.outcome, verdict.code, position)
