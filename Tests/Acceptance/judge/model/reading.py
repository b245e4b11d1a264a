"""Section 2: a message becomes a command, or the code of its refusal."""

import json
import re
import uuid
from dataclasses import dataclass, field

from .moments import parse_moment

MAX_ID = 2 ** 53 - 1
MAX_DEPTH = 32
SUB_STATES = {
    "backToBaseline", "excluded", "reserved", "brokenHardware", "incompleteData", "failedOsInstall", "unknownError",
    "rentedLegacy",
}
ENROLLED = {"new", "backToBaseline", "available", "allocated", "isolated", "quarantined"}
# Field → whether it must be there. What every command may have comes on top.
FIELDS = {
    "allocate": {"locationId": 1, "instanceTypeId": 1, "clientId": 1, "contractId": 0, "overflow": 0},
    "deallocate": {"serverId": 1, "clientId": 1, "allocationId": 0, "ifVersion": 0},
    "compensate": {"serverId": 1, "clientId": 1, "allocationId": 0, "reason": 0, "ifVersion": 0},
    "isolate": {"serverId": 1, "subState": 1, "reason": 0, "baselineId": 0, "ifVersion": 0},
    "unisolate": {"serverId": 1, "ifVersion": 0},
    "available": {"serverId": 1, "baselineId": 0, "ifVersion": 0},
    "quarantine": {"serverId": 1, "caseId": 0, "reason": 0, "ifVersion": 0},
    "unquarantine": {"serverId": 1, "outcome": 1, "reason": 1, "caseId": 0, "ifVersion": 0},
    "enroll": {
        "serverId": 1, "locationId": 1, "instanceTypeId": 1, "name": 0, "state": 0, "subState": 0, "reason": 0,
        "clientId": 0, "contractId": 0, "quotaType": 0, "since": 0},
    "reclassify": {"serverId": 1, "locationId": 0, "instanceTypeId": 0, "name": 0, "reason": 0, "ifVersion": 0},
    "decommission": {"serverId": 1, "reason": 0, "ifVersion": 0},
    "set-quota": {"clientId": 1, "contractId": 0, "locationId": 1, "instanceTypeId": 1, "limit": 1},
    "snapshot": {"serverId": 0, "locationId": 0},
}
COMMON = {"operationUuid": 0, "attempt": 0, "notAfter": 0}


class Refused(Exception):
    """The message itself is wrong; its code is all there is to it."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


@dataclass
class Rules:
    """The settings that decide what a message may be."""

    namespace: str
    max_bytes: int = 65536
    require_key: bool = False
    require_baseline: bool = False


@dataclass
class Command:
    name: str
    fields: dict  # without the common ones, absent ones left out, defaults filled in
    attempt: int = 1
    not_after: object = None
    operation: str = None  # whatever served as the key, as events write it
    key: tuple = None
    fingerprint: tuple = field(default=())

    def get(self, name):
        return self.fields.get(name)

    @property
    def server_id(self):
        return self.fields.get("serverId")


def read(message, rules):
    """`message` has exchange, key, properties (a dict) and body. Raises Refused."""
    name, came_right = where_from(message, rules)
    properties = message.properties
    if not came_right or (properties.get("type") or name) != name:
        raise Refused("misrouted")
    check_content(properties)
    if len(message.body) > rules.max_bytes:
        raise Refused("too-large")
    document = parse(message.body)
    if set(document) - set(FIELDS[name]) - set(COMMON):
        raise Refused("unknown-field")
    if "limit" in document and document["limit"] is None and name == "set-quota":
        removes = True
        document = {**document, "limit": 0}
    else:
        removes = False
    document = {key: value for key, value in document.items() if value is not None}
    common = {key: check_field(name, key, document.pop(key)) for key in COMMON if key in document}
    fields = {key: check_field(name, key, value) for key, value in document.items()}
    if any(needed and key not in fields for key, needed in FIELDS[name].items()):
        raise Refused("invalid-field")
    if removes:
        fields["limit"] = None
    finish(name, fields, rules)
    command = Command(name, fields, common.get("attempt", 1), common.get("notAfter"))
    take_key(command, common.get("operationUuid"), properties.get("message_id"), rules)
    command.fingerprint = tuple(sorted((key, repr(value)) for key, value in fields.items()))
    return command


def where_from(message, rules):
    """(command of the queue, whether it came by the right way)."""
    exchange = f"{rules.namespace}.commands"
    if message.exchange == exchange:
        return message.key, True
    return message.key.removeprefix(exchange + "."), False


def check_content(properties):
    kind = (properties.get("content_type") or "application/json").lower().replace(" ", "").replace('"', "")
    if kind not in ("application/json", "application/json;charset=utf-8"):
        raise Refused("unsupported-content")
    if (properties.get("content_encoding") or "identity").lower() not in ("utf-8", "identity"):
        raise Refused("unsupported-content")


def parse(body):
    def pairs(items):
        names = [name for name, _ in items]
        if len(set(names)) != len(names):
            raise ValueError("a name twice")
        return dict(items)

    def no_constant(text):
        raise ValueError(text)

    try:
        text = body.decode("utf-8")
        if depth_of(text) > MAX_DEPTH:
            raise ValueError("too deep")
        document = json.loads(text, object_pairs_hook=pairs, parse_constant=no_constant)
        json.dumps(document, ensure_ascii=False).encode("utf-8")  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise Refused("malformed-json") from None
    if not isinstance(document, dict):
        raise Refused("malformed-json")
    return document


def depth_of(text):
    """How deep objects and arrays are nested, strings left out."""
    deepest = depth = 0
    for character in re.sub(r'"(\\.|[^"\\])*"', "", text, flags=re.S):
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def check_field(command, name, value):
    """The value as it counts; raises Refused."""
    checker = CHECKS.get(name) or CHECKS["id"]
    low = 0 if command == "set-quota" else 1
    checked = checker(value, low) if checker is number else checker(value)
    if checked is None:
        raise Refused("invalid-field")
    return checked


def number(value, low, high=MAX_ID):
    return value if type(value) is int and low <= value <= high else None


def text(low, high):
    def check(value):
        return value if isinstance(value, str) and low <= len(value) <= high and "\0" not in value else None
    return check


def one_of(*values):
    return lambda value: value if isinstance(value, str) and value in values else None


def check_uuid(value):
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value):
        return None
    return value.lower()


def check_contract(value):
    return value if isinstance(value, str) and re.fullmatch(r"[A-Z0-9_\-.]{0,240}", value) else None


def check_time(value):
    try:
        return parse_moment(value) if isinstance(value, str) else None
    except ValueError:
        return None


CHECKS = {
    "id": number,
    "operationUuid": check_uuid, "allocationId": check_uuid, "baselineId": check_uuid,
    "attempt": lambda value: number(value, 1, 1000), "ifVersion": lambda value: number(value, 1),
    "notAfter": check_time, "since": check_time,
    "contractId": check_contract,
    "overflow": lambda value: value if isinstance(value, bool) else None,
    "subState": one_of(*SUB_STATES), "outcome": one_of("restore", "baseline"), "state": one_of(*ENROLLED),
    "quotaType": one_of("commit", "onDemand"),
    "limit": lambda value: number(value, 0, 32767),
    "reason": text(0, 1000), "name": text(1, 200), "caseId": text(1, 200),
}


def finish(name, fields, rules):
    """What fields ask of each other; defaults are filled in."""
    if fields.get("contractId") == "":
        del fields["contractId"]
    if name == "allocate":
        fields.setdefault("overflow", False)
    elif name == "unquarantine":
        require(fields["reason"] != "")
    elif name == "available":
        require("baselineId" in fields or not rules.require_baseline)
    elif name == "snapshot":
        require(len(fields) < 2)
    elif name == "set-quota":
        client, place, kind = fields["clientId"], fields["locationId"], fields["instanceTypeId"]
        require(place > 0 or kind == 0)
        require("contractId" not in fields or (client > 0 and place > 0 and kind > 0))
    elif name == "enroll":
        finish_enroll(fields)


def finish_enroll(fields):
    state = fields.setdefault("state", "new")
    require(("subState" in fields) == (state == "isolated"))
    require(state != "allocated" or "clientId" in fields)
    has_client = "clientId" in fields
    require(not has_client or state in ("allocated", "quarantined"))
    require(has_client or not {"contractId", "quotaType"} & set(fields))
    require(fields.get("quotaType") != "commit" or "contractId" in fields)
    require("since" not in fields or has_client or state == "available")


def require(condition):
    if not condition:
        raise Refused("invalid-field")


def take_key(command, operation, message_id, rules):
    """The key of the operation: the body's uuid, else the message-id, by its value where it is a UUID."""
    identity = operation
    if identity is None and message_id:
        identity = check_uuid(message_id) or message_id
    if identity is None:
        if command.name == "allocate" or rules.require_key:
            raise Refused("missing-operation-uuid")
        return
    command.operation = identity
    if command.name == "allocate":
        subject = None
    elif command.name == "set-quota":
        subject = quota_row(command.fields)
    else:
        subject = command.server_id
    command.key = command.name, identity, subject


def quota_row(fields):
    return fields["clientId"], fields.get("contractId", ""), fields["locationId"], fields["instanceTypeId"]


def is_uuid(text):
    try:
        return str(uuid.UUID(text)) == text
    except (ValueError, AttributeError, TypeError):
        return False
