"""Messages that are no command, each with the code that the contract has for it."""

import json


def message(load):
    """One of them, drawn with the load's random numbers."""
    return load.random.choice(KINDS)(load)


def of(load, body, expected, command=None, **properties):
    command = command or load.random.choice(["isolate", "enroll", "allocate", "snapshot", "set-quota"])
    if load.random.random() < 0.2:
        properties.setdefault("reply_to", f"killer.{load.namespace}.replies")
    return load.raw(f"{load.namespace}.commands", command, body, properties, expected)


def isolate(load, **more):
    return {"serverId": load.random.choice(load.servers), "subState": "reserved", "operationUuid": load.uuid(), **more}


BROKEN = [
    b"", b"{", b"null", b"[]", b"\x00", b"\xff\xfe{}", b'{"serverId":1,}', b'{"serverId":1}{"serverId":2}', b'{"serverId":NaN}',
    b'{"serverId":01}', b'{"serverId":1,"serverId":2}', b'{"reason":"\xc3\x28"}', b'{"reason":"\\ud800"}', b"{'serverId':1}",
    b'{"reason":"a\nb"}', b"[" * 40 + b"]" * 40, b'{"a":' * 33 + b"1" + b"}" * 33, b"not json at all", b"\xef\xbb\xbf{}",
]


def broken(load):
    return of(load, load.random.choice(BROKEN), "malformed-json")


def wrong_value(load):
    body = isolate(load, **load.random.choice([
        {"serverId": 0}, {"serverId": -1}, {"serverId": 2 ** 53}, {"serverId": "7"}, {"serverId": 1.5}, {"serverId": True},
        {"serverId": None}, {"subState": "lost"}, {"subState": []}, {"reason": "x" * 1001}, {"reason": "a\0b"}, {"reason": 5},
        {"attempt": 0}, {"attempt": 1001}, {"operationUuid": "no uuid"}, {"notAfter": "tomorrow"}, {"ifVersion": 0},
        {"baselineId": "x"}, {"serverId": 10 ** 400}]))
    return of(load, json.dumps(body).encode(), "invalid-field", "isolate")


def unknown_field(load):
    return of(load, json.dumps(isolate(load, overFlow=True)).encode(), "unknown-field", "isolate")


def unfit(load):
    command, body = load.random.choice([
        ("enroll", {"serverId": 5, "locationId": 1, "instanceTypeId": 1, "state": "isolated"}),
        ("enroll", {"serverId": 5, "locationId": 1, "instanceTypeId": 1, "state": "available", "clientId": 3}),
        ("enroll", {"serverId": 5, "locationId": 1, "instanceTypeId": 1, "state": "decommissioned"}),
        ("snapshot", {"serverId": 5, "locationId": 1}),
        ("set-quota", {"clientId": 1, "locationId": 1, "instanceTypeId": 1}),
        ("set-quota", {"clientId": 0, "contractId": "A", "locationId": 1, "instanceTypeId": 1, "limit": 4}),
        ("set-quota", {"clientId": 1, "locationId": 0, "instanceTypeId": 1, "limit": 4}),
        ("unquarantine", {"serverId": 5, "outcome": "restore", "reason": ""}),
    ])
    return of(load, json.dumps({**body, "operationUuid": load.uuid()}).encode(), "invalid-field", command)


def too_large(load):
    return of(load, json.dumps(isolate(load, reason="y" * 70_000)).encode(), "too-large", "isolate")


def keyless_allocate(load):
    body = {"locationId": 18, "instanceTypeId": 126, "clientId": 1}
    return of(load, json.dumps(body).encode(), "missing-operation-uuid", "allocate")


def other_content(load):
    properties = load.random.choice([
        {"content_type": "text/plain"}, {"content_type": "application/xml"}, {"content_encoding": "gzip"},
        {"content_type": "application/json; charset=latin1"}])
    return of(load, json.dumps(isolate(load)).encode(), "unsupported-content", "isolate", **properties)


def other_type(load):
    return of(load, json.dumps(isolate(load)).encode(), "misrouted", "isolate", type="quarantine")


def around_the_exchange(load):
    queue = f"{load.namespace}.commands.isolate"
    return load.raw("", queue, json.dumps(isolate(load)).encode(), {}, "misrouted")


def forged_replay(load):
    headers = {"x-ostler-replay": load.random.choice(["x", f"{load.uuid()}/1", f"{load.uuid()}/0"])}
    return of(load, json.dumps(isolate(load)).encode(), "forbidden", "isolate", headers=headers)


def misspelt(load):
    key = load.random.choice(["alocate", "Isolate", "isolate.now", "reboot"])
    return load.raw(f"{load.namespace}.commands", key, json.dumps(isolate(load)).encode(), {})


def foreign(load):
    return load.raw(f"{load.namespace}.dead-letters", "whatever", load.random.choice(BROKEN), {})


KINDS = [
    broken, broken, broken, wrong_value, wrong_value, unknown_field, unfit, too_large, keyless_allocate, other_content,
    other_type, around_the_exchange, forged_replay, misspelt, foreign,
]
