"""The checker itself is checked: a recorded run is corrupted in every way that it must notice. And the model it judges by
says of every cell of the state table what the suite's own table says."""

import copy
import json
import os
import shutil
import sqlite3
import tempfile
import types
import unittest
import uuid

from judge import checker
from judge.killer.run import execute
from judge.model import Model, Rules, read
from judge.model.decisions import Fresh
from judge.record import Record, Sent
from test_state_table import BODIES, STATES, STRANGER, TABLE

ENROLLED_WITH = {"allocated": {"clientId": 5}, "isolated": {"subState": "excluded"}}


class ModelCase(unittest.TestCase):
    def setUp(self):
        self.model, self.position = Model(), 0

    def say(self, command, fields, **more):
        """Decides a command and makes its change; returns `applied`, `unchanged` or the code."""
        body = json.dumps({"operationUuid": str(uuid.uuid4()), **fields}).encode()
        message = types.SimpleNamespace(exchange="s.commands", key=command, properties=more, body=body)
        command = read(message, Rules("s"))
        verdict = self.model.decide(command, self.position)
        if verdict.outcome != "silent":
            self.position += 1
            fresh = Fresh(self.position, self.position, self.model.quotas, str(uuid.uuid4()), str(uuid.uuid4()))
            self.model.apply(command, verdict, fresh)
            self.model.remember(command, verdict, self.position)
        return verdict

    def enroll(self, server, state="new", **more):
        return self.say("enroll", {
            "serverId": server, "locationId": 1, "instanceTypeId": 1, "state": state, **ENROLLED_WITH.get(state, {}), **more})


class TheModel(ModelCase):
    def test_every_cell_of_the_state_table(self):
        server_id = 0
        for command, row in TABLE.items():
            for state, cell in zip(STATES, row):
                server_id += 1
                if state == "decommissioned":
                    self.enroll(server_id)
                    self.say("decommission", {"serverId": server_id})
                elif state != "unknown":
                    self.enroll(server_id, state)
                verdict = self.say(command, {"serverId": server_id, **BODIES[command]})
                how, _, rest = cell.partition(" ")
                with self.subTest(command=command, state=state):
                    if how == ">":
                        server = self.model.servers[server_id]
                        self.assertEqual(("applied", rest), (verdict.outcome, f"{server.state} {verdict.event}"))
                    elif how == "=":
                        self.assertEqual(verdict.outcome, "unchanged")
                    else:
                        self.assertEqual((verdict.code, verdict.waits), (rest, how == "wait"))

    def test_who_gave_back_what(self):
        self.enroll(1, "allocated")
        first = self.model.servers[1].allocation.id
        self.assertEqual(self.say("deallocate", {"serverId": 1, "clientId": STRANGER}).code, "client-mismatch")
        self.assertEqual(
            self.say("deallocate", {"serverId": 1, "clientId": 5, "allocationId": str(uuid.uuid4())}).code, "unknown-allocation")
        self.assertEqual(self.say("deallocate", {"serverId": 1, "clientId": 5}).event, "deallocated")
        self.assertEqual(self.say("deallocate", {"serverId": 1, "clientId": 5, "allocationId": first}).outcome, "unchanged")
        self.assertEqual(self.say("compensate", {"serverId": 1, "clientId": 5}).code, "already-deallocated")

    def test_the_quarantine_ends_where_it_began(self):
        for state, outcome, after in (
                ("allocated", "restore", "allocated"), ("isolated", "restore", "isolated"), ("new", "restore", "new"),
                ("available", "restore", "backToBaseline"), ("allocated", "baseline", "backToBaseline")):
            server = self.position + 1
            self.enroll(server, state)
            self.say("quarantine", {"serverId": server, "caseId": "a"})
            self.say("quarantine", {"serverId": server, "caseId": "b"})
            end = {"serverId": server, "outcome": outcome, "reason": "over"}
            self.assertEqual(self.say("unquarantine", end).outcome, "unchanged", "no such hold")
            self.assertEqual(self.say("unquarantine", {**end, "outcome": "baseline", "caseId": "a"}).code, "held-by-other-case")
            self.assertEqual(self.say("unquarantine", {**end, "outcome": "restore", "caseId": "a"}).event, "quarantineUpdated")
            self.assertEqual(self.say("unquarantine", {**end, "caseId": "b"}).event, "unquarantined")
            self.assertEqual(self.model.servers[server].state, after)

    def test_the_longest_available_is_given(self):
        self.say("set-quota", {"clientId": 0, "locationId": 1, "instanceTypeId": 1, "limit": 5})
        for server in (7, 3, 5):
            self.enroll(server, "available")
        body = {"locationId": 1, "instanceTypeId": 1, "clientId": 9}
        self.assertEqual([self.say("allocate", body).server_id for _ in range(3)], [7, 3, 5])
        self.assertEqual(self.say("allocate", body).code, "no-capacity")

    def test_quotas(self):
        for number in range(1, 7):
            self.enroll(number, "available")
        place = {"locationId": 1, "instanceTypeId": 1, "clientId": 4}
        self.assertEqual(self.say("allocate", place).code, "quota-not-configured")
        self.assertEqual(self.say("allocate", {**place, "contractId": "A"}).code, "contract-unknown")
        self.say("set-quota", {**place, "contractId": "A", "limit": 1})
        self.say("set-quota", {**place, "clientId": 0, "limit": 2})
        self.assertEqual(self.say("allocate", {**place, "contractId": "A"}).charge.quota_type, "commit")
        self.assertEqual(self.say("allocate", {**place, "contractId": "A"}).code, "quota-exceeded")
        over = self.say("allocate", {**place, "contractId": "A", "overflow": True}).charge
        self.assertEqual((over.quota_type, over.row, over.used), ("onDemand", (0, "", 1, 1), 1))
        self.say("set-quota", {**place, "locationId": 0, "instanceTypeId": 0, "limit": 1})
        self.assertEqual(self.say("allocate", place).code, "quota-exceeded", "the cap of the client")

    def test_attempts(self):
        self.enroll(1)
        body = {"serverId": 1, "subState": "reserved", "operationUuid": str(uuid.uuid4())}
        self.assertEqual(self.say("isolate", {**body, "attempt": 2}).outcome, "applied")
        self.assertEqual(self.say("isolate", {**body, "attempt": 2}).outcome, "silent")
        self.assertEqual(self.say("isolate", {**body, "attempt": 2, "reason": "x"}).code, "operation-conflict")
        self.assertEqual(self.say("isolate", body).code, "operation-conflict")
        self.assertEqual(self.say("isolate", {**body, "attempt": 3}).outcome, "unchanged")


def rewritten(event, change, **more):
    """The event with another body; `change(body)` changes it in place."""
    event = copy.copy(event)
    event.body = copy.deepcopy(event.body)
    change(event.body)
    event.properties = types.SimpleNamespace(**{**vars(event.properties), "message_id": event.body["id"]})
    event.raw, event.data, event.id = json.dumps(event.body).encode(), event.body["data"], event.body["id"]
    event.type = event.body["type"]
    event.key = more.get("key", event.key)
    return event


@unittest.skipUnless(os.environ.get("OSTLER_TEST_RABBITMQCTL"), "OSTLER_TEST_RABBITMQCTL is not set")
class Corrupted(unittest.TestCase):
    """A run of the real worker, killed a few times; right as it is, and wrong after any of these changes."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ostler-checker-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        folder = os.path.join(cls.folder, "run")
        outcome = execute(seed=5, rounds=6, folder=folder, broker_trouble=False, keep=True)
        assert not outcome.problems, outcome.problems
        cls.run_folder = folder

    def setUp(self):
        self.record = Record.load(self.run_folder)
        self.events = self.record.events

    # --- means

    def change_store(self, sql, *values):
        path = os.path.join(self.folder, f"{uuid.uuid4()}.sqlite")
        shutil.copy(self.record.store, path)
        store = sqlite3.connect(path)
        changed = store.execute(sql, values).rowcount
        store.commit()
        store.close()
        self.assertGreater(changed, 0, "nothing was corrupted")
        self.record.store = path

    def first(self, condition):
        return next(index for index, event in enumerate(self.events) if condition(event))

    def change_event(self, condition, change, **more):
        """In all its copies."""
        identifier = self.events[self.first(condition)].id
        self.record.events = [
            rewritten(event, change, **more) if event.id == identifier else event for event in self.events]

    def assertNoticed(self, *kinds):
        problems = checker.check(self.record)
        for kind in kinds:
            self.assertTrue(any(line.startswith(kind) for line in problems), f"{kind!r} was to be noticed: {problems}")

    # --- what was lost, or came twice

    def test_it_was_right_before(self):
        self.assertEqual(checker.check(self.record), [])

    def test_a_command_that_was_lost(self):
        body = json.dumps({"serverId": 3, "operationUuid": str(uuid.uuid4())}).encode()
        namespace = self.record.settings["namespace"]
        self.record.sent["lost"] = Sent("lost", f"{namespace}.commands", "unisolate", {}, body, confirmed=1)
        self.assertNoticed("a confirmed command is lost")

    def test_a_message_without_a_key_that_was_lost(self):
        namespace = self.record.settings["namespace"]
        self.record.sent["lost"] = Sent("lost", f"{namespace}.commands", "unisolate", {}, b'{"serverId": 3}', confirmed=1)
        self.assertNoticed("a confirmed message is lost")

    def test_one_of_two_that_was_lost(self):
        trace = next(
            trace for trace, sent in self.record.sent.items() if sent.expected == "malformed-json" and sent.confirmed)
        self.record.sent[trace].confirmed += 1000
        self.assertNoticed("a confirmed message is lost")

    def test_a_command_that_was_applied_twice(self):
        applied = next(event for event in reversed(self.events) if event.changes_state and event.operation)
        last = max(int(event.body["position"]) for event in self.events)

        def again(body):
            body["id"] = str(uuid.uuid4())
            body["position"] = f"{last + 1:020d}"
            body["data"]["version"] += 1
            body["sequence"] = f"{body['data']['version']:020d}"
        self.events.append(rewritten(applied, again))
        self.assertNoticed("an operation was decided a second time", "the store and the last event differ")

    def test_a_refusal_with_two_letters(self):
        refused = next(event for event in self.events if event.name == "rejected" and event.data["error"]["code"] == "malformed-json")
        last = max(int(event.body["position"]) for event in self.events)

        def again(body):
            body["id"], body["position"] = str(uuid.uuid4()), f"{last + 1:020d}"
            body["data"]["deadLetterId"] = str(uuid.uuid4())
        self.events.append(rewritten(refused, again))
        self.assertNoticed("a message that was kept already has a second letter and event")

    def test_an_event_of_nobodys_command(self):
        trace = next(event.body["traceparent"] for event in self.events if event.changes_state)
        del self.record.sent[trace]
        self.assertNoticed("an event about a message that nobody sent")

    # --- the story

    def test_an_event_that_never_came(self):
        gone = self.events[len(self.events) // 2].id
        self.record.events = [event for event in self.events if event.id != gone]
        self.assertNoticed("the story has a hole")

    def test_the_last_event_that_never_came(self):
        gone = max(self.events, key=lambda event: event.body["position"]).id
        self.record.events = [event for event in self.events if event.id != gone]
        self.assertNoticed("events are missing")

    def test_events_out_of_order(self):
        seen, firsts = set(), []
        for event in self.events:
            if event.id not in seen:
                firsts.append(event)
                seen.add(event.id)
        firsts[3], firsts[4] = firsts[4], firsts[3]
        self.record.events = firsts
        self.assertNoticed("the story has a hole")

    def test_a_version_that_is_missing(self):
        def skip(body):
            body["data"]["version"] += 1
            body["sequence"] = f"{body['data']['version']:020d}"
        self.change_event(lambda event: event.changes_state and event.data["version"] == 2, skip)
        self.assertNoticed("a version is missing or there twice")

    def test_other_bytes_the_second_time(self):
        event = self.events[0]
        self.events.append(rewritten(event, lambda body: body.update(time="2020-01-01T00:00:00.000Z")))
        self.assertNoticed("one id, two contents")

    # --- the rules

    def test_another_code(self):
        self.change_event(
            lambda event: event.name == "rejected" and event.data["error"]["code"] == "unknown-server",
            lambda body: body["data"]["error"].update(code="server-allocated"))
        self.assertNoticed("decided otherwise than the contract says")

    def test_another_server_was_given(self):
        giving = self.first(lambda event: event.name == "allocated")
        other = next(
            event for event in self.events[:giving] if event.name == "enrolled" and event.data["state"] == "available"
            and event.server_id != self.events[giving].server_id)

        def swap(body):
            body["data"]["serverId"] = other.server_id
            body["source"], body["subject"] = f"/servers/{other.server_id}", str(other.server_id)
        identifier = self.events[giving].id
        self.change_event(lambda event: event.id == identifier, swap)
        self.assertNoticed("decided otherwise than the contract says")

    def test_a_refusal_that_was_due(self):
        """An event says that something was applied which the rules refuse."""
        def enrolled(event):
            return event.name == "enrolled" and event.data["version"] == 1
        self.change_event(enrolled, lambda body: body["data"].update(locationId=99), key="server.enrolled.available.99")
        self.assertNoticed("a state event says something else than the model")

    def test_the_wrong_allocation(self):
        self.change_event(
            lambda event: event.name == "allocated", lambda body: body["data"]["allocation"].update(quotaType="commit", contractId="X"))
        self.assertNoticed("a state event says something else than the model")

    def test_a_healthy_message_as_a_dead_letter(self):
        def dead(body):
            body["type"] = "ostler.command.deadLettered.v1"
            body["data"]["error"]["code"] = "delivery-limit"
        index = self.first(lambda event: event.name == "rejected" and event.data["error"]["code"] == "unknown-server")
        event = self.events[index]
        self.change_event(
            lambda other: other.id == event.id, dead, key=event.key.replace("rejected", "deadLettered"))
        self.assertNoticed("a healthy message is a dead letter")

    def test_a_message_that_was_to_be_refused(self):
        trace = next(trace for trace, sent in self.record.sent.items() if sent.expected == "unknown-field")
        sent = self.record.sent[trace]
        sent.body, sent.expected = b"{", "malformed-json"
        self.assertNoticed("a message was to be refused", "a letter has other bytes than its message")

    def test_a_snapshot_that_leaves_one_out(self):
        runs = [event for event in self.events if event.name == "snapshotCompleted"]
        self.assertTrue(runs, "the run has a snapshot")
        shown = next(event for event in self.events if event.name == "snapshot")
        self.record.events = [event for event in self.events if event.id != shown.id]
        self.assertNoticed("a snapshot's end is wrong")

    # --- the store

    def test_another_state_in_the_store(self):
        self.change_store("UPDATE servers SET location_id = location_id + 1 WHERE id = (SELECT min(id) FROM servers)")
        self.assertNoticed("the store and the last event differ", "a server in the store is not as the model has it")

    def test_another_version_in_the_store(self):
        self.change_store("UPDATE servers SET version = version + 1 WHERE id = (SELECT min(id) FROM servers)")
        self.assertNoticed("the store and the last event differ")

    def test_quota_use_that_leaks(self):
        self.change_store("UPDATE quota_use SET used = used + 1 WHERE client_id = (SELECT min(client_id) FROM quota_use)")
        self.assertNoticed("quota use is not the live allocations")

    def test_an_allocation_that_leaks(self):
        self.change_store("DELETE FROM allocations WHERE ended_at IS NULL")
        self.assertNoticed("the live allocations differ")

    def test_another_limit(self):
        self.change_store("UPDATE quotas SET row_limit = row_limit + 1")
        self.assertNoticed("the rows of quotas differ")

    def test_an_outcome_that_was_forgotten(self):
        self.change_store("DELETE FROM operations WHERE id = (SELECT max(id) FROM operations)")
        self.assertNoticed("an outcome was told and is not kept under its key")

    def test_another_outcome(self):
        self.change_store("UPDATE operations SET outcome = 'applied' WHERE outcome = 'unchanged'")
        self.assertNoticed("the outcome under a key is not what was told")

    def test_two_outcomes(self):
        self.change_store(
            "INSERT INTO operations SELECT id + 100000, key, attempt, fingerprint, outcome, decided_at, server_id, "
            "server_version, event_position, dead_letter_id, reply FROM operations LIMIT 1")
        self.assertNoticed("a key has two outcomes")

    def test_a_letter_that_is_gone(self):
        self.change_store("DELETE FROM dead_letters WHERE number = (SELECT max(number) FROM dead_letters)")
        self.assertNoticed("a letter without an event, or an event without its letter")

    def test_a_letter_with_other_bytes(self):
        self.change_store("UPDATE dead_letters SET body = x'7b7d' WHERE body_size > 10 AND number = (SELECT max(number) FROM dead_letters WHERE body_size > 10)")
        self.assertNoticed("a letter has other bytes than its message")

    def test_a_letter_that_is_closed(self):
        self.change_store("UPDATE dead_letters SET state = 'resolved' WHERE state = 'open'")
        self.assertNoticed("a letter is in the wrong state")

    def test_a_letter_with_another_code(self):
        self.change_store("UPDATE dead_letters SET code = 'foreign' WHERE code = 'malformed-json'")
        self.assertNoticed("a letter has another code than its event")

    def test_events_that_wait_for_ever(self):
        self.change_store("INSERT INTO outbox SELECT 1, 1, 0, '', NULL, body FROM dead_letters LIMIT 1")
        self.assertNoticed("after a clean end the store has events not published")

    def test_history_that_is_gone(self):
        for kind in ("event", "code"):
            with self.subTest(kind):
                self.change_store(f"DELETE FROM history WHERE position = (SELECT max(position) FROM history WHERE {kind} IS NOT NULL)")
                self.assertNoticed("the history differs from the events")

    # --- replies

    def change_reply(self, condition, change):
        index = next(index for index, (_, body) in enumerate(self.record.replies) if condition(body))
        trace, body = self.record.replies[index]
        body = copy.deepcopy(body)
        change(body)
        self.record.replies[index] = trace, body

    def test_a_reply_with_another_outcome(self):
        self.change_reply(
            lambda body: body["outcome"] == "unchanged" and body.get("eventIds"), lambda body: body.update(outcome="applied"))
        self.assertNoticed("a reply has another outcome than its event")

    def test_a_reply_with_another_state(self):
        self.change_reply(
            lambda body: body["outcome"] == "applied" and "server" in body and body["command"] != "allocate",
            lambda body: body["server"].update(state="available", version=77))
        self.assertNoticed("a reply")

    def test_a_reply_with_another_code(self):
        self.change_reply(
            lambda body: body.get("error") and body.get("eventIds"),
            lambda body: body["error"].update(code="foreign", retry="after-change"))
        self.assertNoticed("a reply has another code than its event")

    def test_a_reply_that_shows_another_quota(self):
        self.change_reply(lambda body: "quota" in body, lambda body: body["quota"].update(used=body["quota"]["used"] + 1))
        self.assertNoticed("a reply shows another quota than the model's")

    def test_a_reply_about_another_message(self):
        trace, body = next(
            (trace, body) for trace, body in self.record.replies if body.get("eventIds") and not body["duplicate"])
        other = next(
            one for one, sent in self.record.sent.items() if one != trace and sent.key == self.record.sent[trace].key)
        self.record.replies.append((other, body))
        self.assertNoticed("a reply names the event of another message")
