"""What every event must look like, and what all of them together must tell (sections 6 and the second promise)."""

import datetime
import re
import uuid

ENVELOPE = {
    "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "traceparent", "tracestate",
    "storeid", "epoch", "position", "sequence", "data",
}
SERVER_FIELDS = {
    "serverId", "name", "version", "state", "subState", "reason", "previousState", "locationId", "instanceTypeId",
    "baselineId", "holds", "heldState", "command", "operationUuid", "actor", "allocation", "replayedBy",
}
ALLOCATION_FIELDS = {"id", "clientId", "contractId", "quotaType", "startedAt", "endedAt", "endedBy", "billable"}
SERVER_EVENTS = {
    "enrolled", "allocated", "deallocated", "compensated", "isolated", "isolationUpdated", "unisolated", "available",
    "quarantined", "quarantineUpdated", "unquarantined", "reclassified", "decommissioned", "snapshot",
}
COMMAND_EVENTS = {"rejected", "unchanged", "deadLettered", "replayed"}
STATES = {"new", "backToBaseline", "available", "allocated", "isolated", "quarantined", "decommissioned"}
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")


class Wrong(AssertionError):
    """An event that breaks the contract, or a story with a hole."""


def require(condition, message, event=None):
    if not condition:
        raise Wrong(f"{message}{f' in {event!r}' if event is not None else ''}")


def moment(text):
    """An RFC 3339 time, to the microsecond."""
    text = re.sub(r"(\.\d{1,6})\d*", r"\1", text.replace("Z", "+00:00"))
    fraction = re.search(r"\.(\d+)", text)
    if fraction:  # Python before 3.11 reads three or six digits only
        text = text.replace(fraction.group(0), "." + fraction.group(1).ljust(6, "0"))
    return datetime.datetime.fromisoformat(text)


def is_uuid(text):
    try:
        return str(uuid.UUID(text)) == text.lower()
    except (ValueError, TypeError, AttributeError):
        return False


def check_event(event):
    """One event on its own: envelope, properties, key, data."""
    body, properties = event.body, event.properties
    require(properties.content_type == "application/cloudevents+json", "content type", event)
    require(properties.delivery_mode == 2, "not persistent", event)
    require(properties.message_id == body.get("id"), "message-id is not the id", event)
    require(set(body) <= ENVELOPE, f"unknown attributes {set(body) - ENVELOPE}", event)
    require(body.get("specversion") == "1.0", "specversion", event)
    require(is_uuid(body.get("id")), "id is not a UUID", event)
    require(is_uuid(body.get("storeid")), "storeid is not a UUID", event)
    require(type(body.get("epoch")) is int, "epoch is not an integer", event)
    require(re.fullmatch(r"\d{20}", body.get("position") or ""), "position is not 20 digits", event)
    require(TIME.match(body.get("time") or ""), "time is not RFC 3339", event)
    require(isinstance(body.get("data"), dict), "no data", event)
    require(re.fullmatch(r"ostler\.(server|command|quota)\.[A-Za-z]+\.v1", event.type), "type", event)
    if event.kind == "server" and event.name != "snapshotCompleted":
        check_server_event(event)
    elif event.kind == "command":
        check_command_event(event)
    elif event.kind == "quota":
        check_quota_event(event)


def check_server_event(event):
    body, data = event.body, event.data
    require(event.name in SERVER_EVENTS, "an event that the contract does not know", event)
    require(event.key == f"server.{event.name}.{data.get('state')}.{data.get('locationId')}", "routing key", event)
    require(body.get("source") == f"/servers/{data.get('serverId')}", "source", event)
    require(body.get("subject") == str(data.get("serverId")), "subject", event)
    require(body.get("sequence") == f"{data.get('version'):020d}", "sequence is not the version in 20 digits", event)
    check_server_fields(data, event)


def check_server_fields(data, event=None):
    """The fields of a state event's data, and of `server` in replies."""
    require(set(data) <= SERVER_FIELDS, f"unknown fields {set(data) - SERVER_FIELDS}", event)
    for name in ("serverId", "version", "state", "locationId", "instanceTypeId"):
        require(name in data, f"no {name}", event)
    require(None not in data.values(), "what does not apply is to be left out, not null", event)
    state = data["state"]
    require(state in STATES, "state", event)
    require(("subState" in data) == (state == "isolated"), "subState belongs to isolated, and to nothing else", event)
    require(("heldState" in data) == (state == "quarantined"), "heldState belongs to quarantined", event)
    require(state != "backToBaseline" or is_uuid(data.get("baselineId")), "backToBaseline without a baselineId", event)
    require(state != "allocated" or "allocation" in data, "allocated without an allocation", event)
    allocation = data.get("allocation")
    if allocation is not None:
        require(set(allocation) <= ALLOCATION_FIELDS, f"unknown fields {set(allocation) - ALLOCATION_FIELDS}", event)
        require(is_uuid(allocation.get("id")), "allocation.id", event)
        require(allocation.get("quotaType") in ("commit", "onDemand"), "allocation.quotaType", event)
        require(TIME.match(allocation.get("startedAt") or ""), "allocation.startedAt", event)
        require(allocation.get("billable") is (allocation.get("endedBy") != "compensate"), "allocation.billable", event)
        require(("endedAt" in allocation) == ("endedBy" in allocation), "endedAt and endedBy come together", event)
        require(
            allocation.get("endedBy", "deallocate") in ("deallocate", "compensate", "unquarantine"), "endedBy", event)


REPLY = {
    "command", "operationUuid", "outcome", "duplicate", "server", "current", "quota", "eventIds", "deadLetterId", "error",
}
RETRY = {
    "never": """malformed-json invalid-field unknown-field too-large unsupported-content missing-operation-uuid misrouted
        unknown-command operation-conflict expired server-exists client-mismatch unknown-allocation already-deallocated
        stale-baseline stale-version server-decommissioned""",
    "after-change": """unauthenticated forbidden unknown-server server-allocated server-quarantined held-by-other-case
        server-in-service not-in-baseline delivery-limit broker-rejected worker-crash foreign""",
    "later": "quota-exceeded quota-not-configured contract-unknown no-capacity",
}
RETRY_OF = {code: retry for retry, codes in RETRY.items() for code in codes.split()}


def check_reply(command, reply):
    """One reply on its own (section 4)."""
    body = reply.body
    require(set(body) <= REPLY, f"unknown fields {set(body) - REPLY}", reply)
    require(body.get("command") == command, "command", reply)
    require(reply.outcome in ("applied", "unchanged", "rejected"), "outcome", reply)
    require(type(body.get("duplicate", False)) is bool, "duplicate", reply)
    require(None not in body.values(), "absent parts are to be left out, not null", reply)
    require(("error" in body) == (reply.outcome == "rejected"), "an error, and only then, with `rejected`", reply)
    if reply.outcome == "rejected":
        error = body["error"]
        require(set(error) <= {"code", "message", "retry", "details"}, "fields of the error", reply)
        require(error.get("code") in RETRY_OF, "a code that the contract does not know", reply)
        require(error.get("retry") == RETRY_OF[error["code"]], "retry", reply)
        require(isinstance(error.get("message"), str) and len(error["message"]) > 10, "a message for people", reply)
    if "server" in body:
        server = dict(body["server"])
        server.pop("current", None)
        check_server_fields(server, reply)


def check_command_event(event):
    body, data = event.body, event.data
    command = data.get("command")
    require(event.name in COMMAND_EVENTS, "an event that the contract does not know", event)
    require(event.key == f"command.{command}.{event.name}", "routing key", event)
    require(body.get("source") == f"/commands/{command}", "source", event)
    require("sequence" not in body, "sequence on an event that is not of a server's state", event)
    require("body" not in data and "bodyBase64" not in data, "the body in an event", event)
    if event.name == "rejected":
        error = data.get("error") or {}
        require({"code", "message"} <= set(error), "no error", event)


def check_quota_event(event):
    body, data = event.body, event.data
    require(event.name in ("set", "removed"), "an event that the contract does not know", event)
    require(event.key == f"quota.{event.name}.{data.get('clientId')}", "routing key", event)
    require(body.get("source") == f"/quotas/{data.get('clientId')}", "source", event)
    require("sequence" not in body, "sequence on an event that is not of a server's state", event)


def check(events, servers):
    """All events of one store, in the order of their first arrival, against the servers of the store."""
    positions = []
    by_server = {}
    for event in events:
        check_event(event)
        positions.append(event.body["position"])
        if event.changes_state:
            by_server.setdefault(event.server_id, []).append(event)
    require(positions == sorted(positions), "the first arrivals are not in commit order")
    require(len(set(positions)) == len(positions), "one position twice")
    require(len({event.body["storeid"] for event in events}) <= 1, "more than one storeid")
    for server_id, told in by_server.items():
        versions = [event.data["version"] for event in told]
        require(versions == list(range(1, len(versions) + 1)), f"server {server_id} has the versions {versions}")
        times = [moment(event.body["time"]) for event in told]
        require(times == sorted(times), f"time goes backwards for server {server_id}: {times}")
        for before, after in zip(told, told[1:]):
            require(after.data.get("previousState") == before.data["state"], "previousState", after)
        kept = servers.get(server_id)
        require(kept is not None, f"server {server_id} has events and is not in the store")
        for name in ("state", "version", "locationId", "instanceTypeId"):
            require(kept.get(name) == told[-1].data.get(name),
                    f"server {server_id}: {name} is {kept.get(name)} in the store and {told[-1].data.get(name)} in its last event")
    untold = [server_id for server_id, row in servers.items() if server_id not in by_server]
    require(not untold, f"servers of which nothing was published: {untold[:10]}")
