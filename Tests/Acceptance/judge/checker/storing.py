"""The store, as it was left, against the events and the model."""

from ..model.moments import parse_moment
from ..storefile import StoreFile


def check_store(telling):
    store = StoreFile(telling.record.store)
    try:
        for check in (
                whole, last_events, servers, allocations, quotas, operations, letters, history):
            check(telling, store)
    finally:
        store.close()


def whole(telling, store):
    problems = telling.problems
    for line in store.damage():
        problems.add("the store is damaged", line)
    left = {
        "events not published": "outbox", "snapshots not finished": "snapshot_runs", "messages under suspicion": "suspects"}
    for what, table in left.items():
        count = store.number(f"SELECT count(*) FROM {table}")
        problems.require(count == 0, f"after a clean end the store has {what}", str(count))
    running = store.number("SELECT count(*) FROM replays WHERE state IN ('asked', 'published')")
    problems.require(running == 0, "a replay does not come to an end", str(running))
    last = store.number("SELECT last_position FROM meta")
    problems.require(last == len(telling.events), "events are missing", f"{last} were given out, {len(telling.events)} arrived")


def last_events(telling, store):
    """The second promise without any model: the last event of a server is what the store says."""
    last = {}
    for event in telling.events:
        if event.changes_state:
            before = last.get(event.server_id)
            due = before.data["version"] + 1 if before else 1
            telling.problems.require(
                event.data["version"] == due, "a version is missing or there twice", lambda: f"{due} was next: {event}")
            last[event.server_id] = event
    found = store.servers()
    for server_id in {*last, *found}:
        event, row = last.get(server_id), found.get(server_id)
        said = event and (
            event.data["version"], event.data["state"], event.data["locationId"], event.data["instanceTypeId"])
        kept = row and (row.version, row.state, row.location_id, row.instance_type_id)
        telling.problems.require(
            said == kept, "the store and the last event differ", lambda: f"server {server_id}: {kept}, {event}")


def servers(telling, store):
    found, model = store.servers(), telling.model.servers
    for server_id in {*found, *model}:
        row, due = found.get(server_id), model.get(server_id)
        if row is None or due is None:
            telling.problems.add("a server only the store or only the model knows", str(server_id))
            continue
        held = due.held
        expected = {
            "version": due.version, "name": due.name, "location_id": due.location_id,
            "instance_type_id": due.instance_type_id, "state": due.state, "previous_state": due.previous_state,
            "baseline_id": due.baseline_id, "available_position": due.available_at, "holds": due.holds,
            "sub_state": due.sub_state or (held and held.sub_state),
            "isolation_reason": due.cause_reason or (held and held.reason),
            "live_allocation": 1 if due.allocation else None,
        }
        wrong = {name: (value, getattr(row, name)) for name, value in expected.items() if getattr(row, name) != value}
        telling.problems.require(not wrong, "a server in the store is not as the model has it (due, there)",
                                 lambda: f"server {server_id}: {wrong}")


def allocations(telling, store):
    rows = store.allocations()
    live = {row.id: (row.client_id, row.contract_id, row.quota_type, row.server_id) for row in rows if row.ended_at is None}
    due = {
        server.allocation.id: (
            server.allocation.client_id, server.allocation.contract_id, server.allocation.quota_type, server.id)
        for server in telling.model.servers.values() if server.allocation}
    telling.problems.require(live == due, "the live allocations differ (due, there)", lambda: difference(due, live))
    past = {one.id: one for server in telling.model.servers.values() for one in server.past}
    for row in rows:
        one = past.get(row.id)
        if one is not None:  # those before the last enrolment are nobody's any more
            ended = None if one.ended_at is None else int(one.ended_at * 1000)
            telling.problems.require(
                (row.ended_at, row.ended_by) == (ended, one.ended_by), "an allocation ended otherwise", lambda: f"{one}: {row}")


def quotas(telling, store):
    rows = {
        (row.client_id, row.contract_id, row.location_id, row.instance_type_id): row.row_limit
        for row in store.rows("SELECT * FROM quotas")}
    due = telling.model.quotas.rows
    telling.problems.require(rows == due, "the rows of quotas differ (due, there)", lambda: difference(due, rows))
    used = {
        (row.client_id, row.contract_id, row.location_id, row.instance_type_id): row.used
        for row in store.rows("SELECT * FROM quota_use WHERE used > 0")}
    counted = {}
    for row in store.allocations():
        if row.ended_at is not None:
            continue
        places = [(row.contract_id, row.location_id, row.instance_type_id)]
        if row.quota_type == "onDemand":
            places = [("", row.location_id, row.instance_type_id), ("", row.location_id, 0), ("", 0, 0)]
        for place in places:
            counted[row.client_id, *place] = counted.get((row.client_id, *place), 0) + 1
    telling.problems.require(
        used == counted, "quota use is not the live allocations (counted, said)", lambda: difference(counted, used))
    due = telling.model.quotas.use()
    telling.problems.require(used == due, "quota use is not the model's (due, there)", lambda: difference(due, used))


def operations(telling, store):
    """One outcome for each attempt of each key, and the event that told of it."""
    problems = telling.problems
    due = {
        (key, attempt): decided for key, attempts in telling.model.operations.items() for attempt, decided in attempts.items()}
    seen = set()
    for place, row in store.operations():
        problems.require(place not in seen, "a key has two outcomes", str(place))
        seen.add(place)
        decided = due.get(place)
        if decided is None:
            problems.add("an outcome under a key that nothing was said of", f"{place}: {row.outcome}")
            continue
        problems.require(
            (row.outcome, row.event_position) == (decided.outcome, decided.position),
            "the outcome under a key is not what was told", lambda: f"{place}: {row}: {decided}")
    for place in set(due) - seen:
        problems.add("an outcome was told and is not kept under its key", f"{place}: {due[place]}")


def letters(telling, store):
    """Dead letters exactly where something was refused, with the very bytes, and in the right state."""
    problems, due, found = telling.problems, telling.letters.by_id, store.letters()
    for identifier in set(due) ^ set(found):
        problems.add("a letter without an event, or an event without its letter", f"{due.get(identifier)} {found.get(identifier)}"[:500])
    asked = {identifier for deed in telling.deeds("replay") for identifier in deed["letters"]}
    reopened = {identifier for deed in telling.deeds("reopen") for identifier in deed["letters"]}
    for identifier in set(due) & set(found):
        letter, row = due[identifier], found[identifier]
        sent = telling.record.sent[letter.trace]
        problems.require(bytes(row.body) == sent.body, "a letter has other bytes than its message", identifier)
        problems.require(letter.trace in row.headers, "a letter lost a header", identifier)
        problems.require(row.code == letter.code, "a letter has another code than its event", lambda: f"{letter}: {row.code}")
        allowed = {letter.state}
        if identifier in telling.letters.discarded:
            allowed.add("discarded")
        if identifier in asked and would_be_silent(telling, letter):
            allowed.add("resolved")  # a replay found that it had been applied
        if identifier in reopened and letter.state == "answered":
            allowed.add("open")
        problems.require(
            row.state in allowed, "a letter is in the wrong state", lambda: f"{allowed}: {row.state}: {letter}")


def would_be_silent(telling, letter):
    """Whether a replay finds it applied already, by itself or by a later attempt, and says nothing."""
    reading = telling.reading_of(letter.trace, is_replay=True)
    verdict = telling.model.dedup(reading, replay=True) if hasattr(reading, "key") else None
    return verdict is not None and verdict.outcome == "silent"


def history(telling, store):
    """Every change is there, and every refusal of a quarantined server, with what was published."""
    rows = {row.position: row for row in store.rows("SELECT * FROM history")}
    for event in telling.events:
        row = rows.pop(int(event.body["position"]), None)
        if event.changes_state:
            kept = row and (row.server_id, row.version, row.event, row.at)
            said = event.server_id, event.data["version"], event.name, int(parse_moment(event.body["time"]) * 1000)
            telling.problems.require(kept == said, "the history differs from the events", lambda: f"{kept}: {event}")
        elif row is not None or int(event.body["position"]) in telling.refused_frozen:
            code = (event.data.get("error") or {}).get("code")
            telling.problems.require(
                row is not None and event.name == "rejected" and row.code == code, "the history differs from the events", lambda: f"{row}: {event}")
    telling.problems.require(not rows, "the history has what was never told", lambda: str(list(rows.values())[:2]))


def difference(due, there):
    return str({key: (due.get(key), there.get(key)) for key in {*due, *there} if due.get(key) != there.get(key)})[:600]
