"""Section 3: a server, and what each command does to it in each state."""

from dataclasses import dataclass, field


@dataclass
class Allocation:
    id: str
    client_id: int
    contract_id: str
    quota_type: str
    location_id: int
    instance_type_id: int
    started_at: object
    ended_at: object = None
    ended_by: str = None


@dataclass
class Held:
    """What a quarantined server was when it was frozen."""

    state: str
    sub_state: str = None
    reason: str = None


@dataclass
class Server:
    id: int
    version: int = 0
    name: str = None
    location_id: int = 0
    instance_type_id: int = 0
    state: str = None
    previous_state: str = None
    sub_state: str = None
    cause_reason: str = None  # of the isolation
    reason: str = None  # given with the last change, or with the freeze
    baseline_id: str = None
    holds: list = field(default_factory=list)
    held: Held = None
    available_at: int = None  # position of the change that made it available
    allocation: Allocation = None  # the live one
    past: list = field(default_factory=list)  # all since the last enrolment, in order
    ended_now: Allocation = None  # ended by the very last change


@dataclass
class Change:
    event: str
    apply: object  # a function of (server, fresh) that makes the change


UNCHANGED = "="


@dataclass
class Rejected:
    code: str
    waits: bool = False  # only when patience is over, or there is no room to wait


def decide(command, server):
    """Change, UNCHANGED or Rejected. `server` is None where it is unknown."""
    if command.name == "enroll":
        return enroll(command, server)
    if server is None:
        return Rejected("unknown-server", waits=True)
    expected = command.get("ifVersion")
    if expected is not None and expected != server.version:
        return Rejected("stale-version", waits=expected > server.version)
    return TABLE[command.name](command, server)


# --- the rows of the table

def give_back(command, server):
    """deallocate, compensate; note 1."""
    client, wanted = command.get("clientId"), command.get("allocationId")
    live = server.allocation
    if live is not None and live.client_id == client and wanted in (None, live.id):
        def change(server, fresh):
            end_allocation(server, fresh, command.name)
            if server.state == "quarantined":
                take_reason(server, command)
            else:
                to_baseline(server, fresh)
                server.reason = command.get("reason")
        return Change({"deallocate": "deallocated", "compensate": "compensated"}[command.name], change)
    if wanted is not None:
        named = next((one for one in server.past if one.id == wanted), None)
        if named is None:
            return Rejected("unknown-allocation")
        if named.client_id != client:
            return Rejected("client-mismatch")
    else:
        named = next((one for one in reversed(server.past) if one.client_id == client), None)
        if named is None:
            return Rejected("client-mismatch")
    if command.name == "compensate" and named.ended_by == "deallocate":
        return Rejected("already-deallocated")
    return UNCHANGED


def isolate(command, server):
    cause, reason = command.get("subState"), command.get("reason")
    if server.state == "allocated":
        return Rejected("server-allocated", waits=True)
    if server.state == "quarantined":
        return Rejected("server-quarantined")
    if server.state == "decommissioned":
        return Rejected("server-decommissioned")
    if server.state == "isolated" and (server.sub_state, server.cause_reason) == (cause, reason):
        return UNCHANGED
    if server.state == "backToBaseline" and is_stale(command, server):
        return Rejected("stale-baseline")

    def change(server, _fresh):
        leave(server, "isolated")
        server.sub_state, server.cause_reason, server.reason = cause, reason, reason
    return Change("isolationUpdated" if server.state == "isolated" else "isolated", change)


def unisolate(command, server):
    if server.state in ("backToBaseline", "available", "allocated"):
        return UNCHANGED
    if server.state == "quarantined":
        return Rejected("server-quarantined")
    if server.state == "decommissioned":
        return Rejected("server-decommissioned")

    def change(server, fresh):
        to_baseline(server, fresh)
        server.reason = None
    return Change("unisolated", change)


def available(command, server):
    if server.state == "available":
        return UNCHANGED
    if server.state == "quarantined":
        return Rejected("server-quarantined")
    if server.state == "decommissioned":
        return Rejected("server-decommissioned")
    if server.state != "backToBaseline":
        return Rejected("not-in-baseline")
    if is_stale(command, server):
        return Rejected("stale-baseline")

    def change(server, fresh):
        leave(server, "available")
        server.available_at, server.reason = fresh.position, None
    return Change("available", change)


def quarantine(command, server):
    case, reason = command.get("caseId"), command.get("reason")
    if server.state == "decommissioned":
        return Rejected("server-decommissioned")
    if server.state == "quarantined":
        if case in server.holds:
            return UNCHANGED

        def hold(server, _fresh):
            server.holds.append(case)
            take_reason(server, command)
        return Change("quarantineUpdated", hold)

    def change(server, _fresh):
        held = Held(server.state, server.sub_state, server.cause_reason)
        leave(server, "quarantined")
        server.held, server.holds, server.reason = held, [case], reason
    return Change("quarantined", change)


def unquarantine(command, server):
    case, outcome = command.get("caseId"), command.get("outcome")
    if server.state == "decommissioned":
        return Rejected("server-decommissioned")
    if server.state != "quarantined" or case not in server.holds:
        return UNCHANGED
    if len(server.holds) > 1:
        if outcome == "baseline":
            return Rejected("held-by-other-case")

        def release(server, _fresh):
            server.holds.remove(case)
            take_reason(server, command)
        return Change("quarantineUpdated", release)

    def change(server, fresh):
        held = server.held
        if outcome == "restore" and held.state == "allocated" and server.allocation is not None:
            leave(server, "allocated")
        elif outcome == "restore" and held.state == "isolated":
            leave(server, "isolated")
            server.sub_state, server.cause_reason = held.sub_state, held.reason
        elif outcome == "restore" and held.state == "new":
            leave(server, "new")
        else:
            if server.allocation is not None:
                end_allocation(server, fresh, "unquarantine")
            to_baseline(server, fresh)
        server.reason = held.reason if server.state == "isolated" else command.get("reason")
    return Change("unquarantined", change)


def reclassify(command, server):
    if server.state in ("available", "allocated"):
        return Rejected("server-in-service")
    if server.state == "quarantined":
        return Rejected("server-quarantined")
    if server.state == "decommissioned":
        return Rejected("server-decommissioned")
    after = (
        command.get("locationId") or server.location_id, command.get("instanceTypeId") or server.instance_type_id,
        command.get("name") or server.name)
    if after == (server.location_id, server.instance_type_id, server.name):
        return UNCHANGED

    def change(server, _fresh):
        server.location_id, server.instance_type_id, server.name = after
        if server.state != "isolated":
            server.reason = command.get("reason")
    return Change("reclassified", change)


def decommission(command, server):
    if server.state == "allocated":
        return Rejected("server-allocated", waits=True)
    if server.state == "quarantined":
        return Rejected("server-quarantined")
    if server.state == "decommissioned":
        return UNCHANGED

    def change(server, _fresh):
        leave(server, "decommissioned")
        server.reason = command.get("reason")
    return Change("decommissioned", change)


def enroll(command, server):
    if server is not None and server.state != "decommissioned":
        same = (server.location_id, server.instance_type_id) == (command.get("locationId"), command.get("instanceTypeId"))
        if same and command.get("name") in (None, server.name):
            return UNCHANGED
        return Rejected("server-exists")

    def change(server, fresh):
        state = command.get("state")
        leave(server, state)
        server.name = command.get("name")
        server.location_id, server.instance_type_id = command.get("locationId"), command.get("instanceTypeId")
        server.past, server.reason = [], command.get("reason")
        if state == "isolated":
            server.sub_state, server.cause_reason = command.get("subState"), command.get("reason")
        if state == "backToBaseline":
            server.baseline_id = fresh.baseline()
        if state == "available":
            server.available_at = fresh.position
        client = command.get("clientId")
        if client is not None:
            contract = command.get("contractId")
            row = client, contract or "", server.location_id, server.instance_type_id
            kind = command.get("quotaType") or ("commit" if contract and row in fresh.quotas.rows else "onDemand")
            since = command.get("since")
            started = fresh.time if since is None else min(since, fresh.time)
            begin_allocation(server, fresh, client, contract, kind, started)
        if state == "quarantined":
            server.holds = [None]
            server.held = Held("allocated" if client is not None else "new")
    return Change("enrolled", change)


TABLE = {
    "deallocate": give_back, "compensate": give_back, "isolate": isolate, "unisolate": unisolate, "available": available,
    "quarantine": quarantine, "unquarantine": unquarantine, "reclassify": reclassify, "decommission": decommission,
}


# --- what the rows share

def is_stale(command, server):
    wanted = command.get("baselineId")
    return wanted is not None and wanted != server.baseline_id


def leave(server, state):
    """Into another state; what belonged to the old one is gone, an allocation stays."""
    server.state = state
    server.sub_state = server.cause_reason = server.baseline_id = server.available_at = server.held = None
    server.holds = []


def to_baseline(server, fresh):
    leave(server, "backToBaseline")
    server.baseline_id = fresh.baseline()


def take_reason(server, command):
    """A frozen server keeps the reason of its freeze until a change gives another."""
    if command.get("reason") is not None:
        server.reason = command.get("reason")


def begin_allocation(server, fresh, client, contract, quota_type, started):
    one = Allocation(
        fresh.allocation(), client, contract, quota_type, server.location_id, server.instance_type_id, started)
    server.allocation = one
    server.past.append(one)
    fresh.quotas.live[one.id] = one


def end_allocation(server, fresh, by):
    one = server.allocation
    one.ended_at, one.ended_by = fresh.time, by
    server.ended_now, server.allocation = one, None
    del fresh.quotas.live[one.id]
