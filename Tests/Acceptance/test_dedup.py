"""Section 2, dedup: the key, the fingerprint, attempts, and the order of decision."""

import json

from judge.case import PATIENCE, SharedWorldCase
from judge.world import operation

PAST, FUTURE, LATER = "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "2999-06-01T12:00:00+02:00"


class DedupCase(SharedWorldCase):
    def setUp(self):
        super().setUp()
        self.location = self.world.fresh()
        self.client = self.world.fresh()

    def allocate_body(self, op=None, **more):
        return {"operationUuid": op or operation(), "locationId": self.location, "instanceTypeId": 7,
                "clientId": self.client, **more}

    def stock(self, count, limit=100):
        """Servers to allocate, and the quota for them."""
        world = self.world
        bodies = [world.enrollment(world.fresh(), "available", self.location, 7) for _ in range(count)]
        world.must_all([("enroll", body) for body in bodies])
        world.quota(self.client, self.location, 7, limit)
        return [body["serverId"] for body in bodies]

    def assertNothingNew(self, mark, op):
        self.world.settle()
        new = [event for event in self.world.events[mark:] if event.operation == op]
        self.assertEqual(new, [], "a duplicate says nothing")


class SameAttempt(DedupCase):
    def test_the_stored_outcome_again(self):
        world = self.world
        servers = self.stock(2)
        body = self.allocate_body()
        first = world.ask("allocate", body)
        self.assertVerdict(first, "applied")
        self.assertFalse(first.is_duplicate)
        mark = world.mark()
        again = world.ask("allocate", body)
        self.assertVerdict(again, "applied")
        self.assertTrue(again.is_duplicate)
        self.assertEqual(again.server["serverId"], servers[0])
        self.assertEqual(again.server, first.server)
        self.assertEqual(again["eventIds"], first["eventIds"])
        self.assertNothingNew(mark, body["operationUuid"])

    def test_bodies_that_mean_the_same(self):
        world = self.world
        self.stock(2)
        op = operation()
        body = self.allocate_body(op)
        self.assertVerdict(world.ask("allocate", body), "applied")
        turned = {key: body[key] for key in reversed(list(body))}
        same = {
            "field order": json.dumps(turned),
            "white space": json.dumps(body, indent=8) + "\n\n",
            "spelling of the UUID": json.dumps({**body, "operationUuid": op.upper()}),
            "the default, said": json.dumps({**body, "overflow": False}),
            "null": json.dumps({**body, "contractId": None, "overflow": None}),
            "empty contract": json.dumps({**body, "contractId": ""}),
            "attempt, said": json.dumps({**body, "attempt": 1}),
            "notAfter": json.dumps({**body, "notAfter": FUTURE}),
            "another notAfter": json.dumps({**body, "notAfter": LATER}),
            "a notAfter that has passed": json.dumps({**body, "notAfter": PAST}),
            "escapes": json.dumps(body).replace("clientId", "client\\u0049d"),
        }
        for note, text in same.items():
            with self.subTest(note):
                reply = world.ask("allocate", text)
                self.assertVerdict(reply, "applied")
                self.assertTrue(reply.is_duplicate)

    def test_conflict(self):
        world = self.world
        self.stock(2)
        body = self.allocate_body()
        first = world.ask("allocate", body)
        other = world.ask("allocate", {**body, "overflow": True})
        self.assertVerdict(other, "operation-conflict")
        again = world.ask("allocate", body)
        self.assertVerdict(again, "applied", "the first outcome is untouched")
        self.assertEqual(again.server["serverId"], first.server["serverId"])
        self.assertTrue(again.is_duplicate)

    def test_a_rejection_is_kept(self):
        """A redelivery cannot succeed after a refusal was reported."""
        world = self.world
        body = self.allocate_body()
        self.assertVerdict(world.ask("allocate", body), "quota-not-configured")
        self.stock(1)
        again = world.ask("allocate", body)
        self.assertVerdict(again, "quota-not-configured")
        self.assertTrue(again.is_duplicate)

    def test_unchanged_is_kept(self):
        world = self.world
        server_id = world.server("backToBaseline")
        body = {"serverId": server_id, "operationUuid": operation()}
        self.assertVerdict(world.ask("unisolate", body), "unchanged")
        world.must("isolate", {"serverId": server_id, "subState": "reserved"})
        again = world.ask("unisolate", body)
        self.assertVerdict(again, "unchanged")
        self.assertTrue(again.is_duplicate)
        self.assertEqual(world.servers()[server_id]["state"], "isolated")

    def test_two_copies_at_once(self):
        world = self.world
        self.stock(5)
        body = self.allocate_body()
        replies = world.ask_all([("allocate", body)] * 5)
        self.assertEqual([reply.verdict for reply in replies], ["applied"] * 5)
        self.assertEqual(len({reply.server["serverId"] for reply in replies}), 1)
        self.assertEqual(sum(not reply.is_duplicate for reply in replies), 1)

    def test_current_is_added_when_the_server_has_moved_on(self):
        world = self.world
        server_id = world.fresh()
        body = {**world.enrollment(server_id), "operationUuid": operation()}
        self.assertVerdict(world.ask("enroll", body), "applied")
        world.must("isolate", {"serverId": server_id, "subState": "reserved"})
        again = world.ask("enroll", body)
        self.assertEqual((again.state, again.version), ("new", 1), "as that operation left it")
        current = again.get("current") or again.server.get("current")
        self.assertEqual(current, {"state": "isolated", "version": 2})


class Keys(DedupCase):
    def test_one_uuid_for_several_commands_and_servers(self):
        world = self.world
        op = operation()
        first, second = world.server("new"), world.server("new")
        for command, server_id, fields in (
                ("isolate", first, {"subState": "reserved"}), ("isolate", second, {"subState": "excluded"}),
                ("unisolate", first, {}), ("unisolate", second, {}), ("available", first, {})):
            with self.subTest(command, server=server_id):
                reply = world.ask(command, {"serverId": server_id, "operationUuid": op, **fields})
                self.assertVerdict(reply, "applied")
                self.assertFalse(reply.is_duplicate)

    def test_one_uuid_for_several_quota_rows(self):
        world = self.world
        op = operation()
        row = {"clientId": self.client, "locationId": self.location, "operationUuid": op}
        for kind in (1, 2):
            self.assertVerdict(world.ask("set-quota", {**row, "instanceTypeId": kind, "limit": 3}), "applied")
        again = world.ask("set-quota", {**row, "instanceTypeId": 1, "limit": 3})
        self.assertTrue(again.is_duplicate)
        self.assertVerdict(world.ask("set-quota", {**row, "instanceTypeId": 1, "limit": 4}), "operation-conflict")

    def test_message_id_serves(self):
        world = self.world
        server_id = world.server("new")
        body = {"serverId": server_id, "subState": "reserved"}
        self.assertVerdict(world.ask("isolate", body, message_id="m-1"), "applied")
        world.must("unisolate", {"serverId": server_id})
        again = world.ask("isolate", body, message_id="m-1")
        self.assertVerdict(again, "applied")
        self.assertTrue(again.is_duplicate)
        self.assertVerdict(world.ask("isolate", {**body, "reason": "x"}, message_id="m-1"), "operation-conflict")
        self.assertEqual(world.servers()[server_id]["state"], "backToBaseline")

    def test_operation_uuid_comes_before_message_id(self):
        world = self.world
        server_id = world.server("new")
        body = {"serverId": server_id, "subState": "reserved", "operationUuid": operation()}
        self.assertVerdict(world.ask("isolate", body, message_id="m-a"), "applied")
        self.assertTrue(world.ask("isolate", body, message_id="m-b").is_duplicate)
        self.assertFalse(world.ask("isolate", {**body, "operationUuid": operation()}, message_id="m-a").is_duplicate)

    def test_no_key(self):
        """At least once: each copy is decided on its own."""
        world = self.world
        body = {"serverId": world.server("new"), "subState": "reserved"}
        self.assertVerdict(world.ask("isolate", body), "applied")
        again = world.ask("isolate", body)
        self.assertVerdict(again, "unchanged")
        self.assertFalse(again.is_duplicate)

    def test_a_refused_message_leaves_the_key_free(self):
        world = self.world
        op = operation()
        server_id = world.server("new")
        self.assertVerdict(world.ask("isolate", {"serverId": server_id, "operationUuid": op}), "invalid-field")
        self.assertVerdict(
            world.ask("isolate", {"serverId": server_id, "operationUuid": op, "subState": "reserved"}, type="enroll"),
            "misrouted")
        self.assertVerdict(
            world.ask("isolate", {"serverId": server_id, "operationUuid": op, "subState": "reserved"}), "applied")


class Attempts(DedupCase):
    def test_a_retry_after_a_rejection(self):
        world = self.world
        body = self.allocate_body()
        self.assertVerdict(world.ask("allocate", body), "quota-not-configured")
        self.stock(1)
        second = world.ask("allocate", {**body, "attempt": 2})
        self.assertVerdict(second, "applied")
        self.assertFalse(second.is_duplicate)
        first_again = world.ask("allocate", body)
        self.assertVerdict(first_again, "quota-not-configured", "every attempt keeps its own outcome")
        self.assertTrue(first_again.is_duplicate)
        self.assertTrue(world.ask("allocate", {**body, "attempt": 2}).is_duplicate)

    def test_an_applied_allocate_answers_later_attempts(self):
        world = self.world
        self.stock(3)
        body = self.allocate_body()
        first = world.ask("allocate", body)
        self.assertVerdict(first, "applied")
        later = world.ask("allocate", {**body, "attempt": 4})
        self.assertVerdict(later, "applied")
        self.assertTrue(later.is_duplicate)
        self.assertEqual(later.server["serverId"], first.server["serverId"])
        self.assertVerdict(world.ask("allocate", {**body, "attempt": 5, "overflow": True}), "operation-conflict")

    def test_other_commands_are_decided_afresh(self):
        world = self.world
        body = {"serverId": world.server("new"), "subState": "reserved", "operationUuid": operation()}
        self.assertVerdict(world.ask("isolate", body), "applied")
        world.must("unisolate", {"serverId": body["serverId"]})
        second = world.ask("isolate", {**body, "attempt": 2})
        self.assertVerdict(second, "applied")
        self.assertFalse(second.is_duplicate)
        self.assertEqual(second.version, 4)
        self.assertVerdict(world.ask("isolate", {**body, "attempt": 3}), "unchanged")

    def test_a_later_attempt_may_have_another_body(self):
        world = self.world
        body = {"serverId": world.server("new"), "subState": "reserved", "operationUuid": operation()}
        self.assertVerdict(world.ask("isolate", body), "applied")
        self.assertVerdict(world.ask("isolate", {**body, "attempt": 2, "subState": "excluded"}), "applied")
        self.assertTrue(world.ask("isolate", body).is_duplicate)
        self.assertVerdict(world.ask("isolate", {**body, "subState": "excluded"}), "operation-conflict")

    def test_an_attempt_below_the_highest_that_was_never_seen(self):
        world = self.world
        body = {"serverId": world.server("new"), "subState": "reserved", "operationUuid": operation()}
        self.assertVerdict(world.ask("isolate", {**body, "attempt": 5}), "applied")
        self.assertVerdict(world.ask("isolate", {**body, "attempt": 3}), "operation-conflict")
        self.assertTrue(world.ask("isolate", {**body, "attempt": 5}).is_duplicate)

    def test_the_letters_of_earlier_attempts_are_resolved(self):
        world = self.world
        body = self.allocate_body()
        op = body["operationUuid"]
        world.publish("allocate", body)
        event = world.event(lambda event: event.operation == op and event.name == "rejected", "the refusal")
        letter = event.data["deadLetterId"]
        self.assertEqual([row["id"] for row in world.letters("--operation", op)], [letter])
        self.stock(1)
        self.assertVerdict(world.ask("allocate", {**body, "attempt": 2}), "applied")
        self.assertEqual(world.letters("--operation", op), [])
        rows = world.letters("--operation", op, "--state", "resolved")
        self.assertEqual([row["id"] for row in rows], [letter])


class Order(DedupCase):
    """Envelope and body, dedup, notAfter, unknown server, ifVersion, state table, baselineId."""

    def test_not_after(self):
        world = self.world
        body = {"serverId": world.server("new"), "operationUuid": operation(), "notAfter": PAST}
        self.assertVerdict(world.ask("quarantine", body), "expired")
        again = world.ask("quarantine", {**body, "notAfter": FUTURE})
        self.assertVerdict(again, "expired", "it took the key")
        self.assertTrue(again.is_duplicate)
        self.assertVerdict(world.ask("quarantine", {**body, "notAfter": FUTURE, "attempt": 2}), "applied")

    def test_not_after_comes_before_the_unknown_server(self):
        pending = self.world.send("quarantine", {"serverId": self.world.fresh(), "notAfter": PAST})
        self.assertVerdict(self.world.wait_all([pending])[0], "expired")
        self.assertLess(pending.seconds, PATIENCE, "nothing to wait for")

    def test_if_version(self):
        world = self.world
        server_id = world.server("new")
        self.assertVerdict(world.ask("isolate", {"serverId": server_id, "subState": "reserved", "ifVersion": 1}), "applied")
        self.assertVerdict(world.ask("unisolate", {"serverId": server_id, "ifVersion": 1}), "stale-version")
        self.assertVerdict(world.ask("unisolate", {"serverId": server_id, "ifVersion": 2}), "applied")

    def test_if_version_comes_before_the_state_table(self):
        world = self.world
        server_id = world.server("new")
        world.must("quarantine", {"serverId": server_id})
        self.assertVerdict(world.ask("available", {"serverId": server_id, "ifVersion": 1}), "stale-version")
        self.assertVerdict(world.ask("available", {"serverId": server_id, "ifVersion": 2}), "server-quarantined")

    def test_the_state_table_comes_before_the_baseline_id(self):
        world = self.world
        self.assertVerdict(
            world.ask("available", {"serverId": world.server("new"), "baselineId": operation()}), "not-in-baseline")
