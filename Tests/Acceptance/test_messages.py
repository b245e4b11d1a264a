"""Section 2: what a command must look like, and what is said of one that does not."""

import json

from judge.case import OwnWorldCase, SharedWorldCase
from judge.world import operation

BIGGEST = 2 ** 53 - 1


class Bodies(SharedWorldCase):
    def check(self, cases, **more):
        """[(note, command, body, verdict, field or None)]: all sent at once."""
        sent = [self.world.send(command, body, **more) for _, command, body, _, _ in cases]
        for (note, command, body, verdict, field), reply in zip(cases, self.world.wait_all(sent)):
            with self.subTest(note, command=command):
                self.assertVerdict(reply, verdict, str(body)[:200])
                if field is not None:
                    self.assertIn(field, json.dumps(reply["error"].get("details")), f"the details name the field: {reply}")

    def test_not_json(self):
        bodies = {
            "empty": b"", "white space": b"  ", "cut off": b'{"serverId": 5', "two values": b'{"serverId":5} {}',
            "not a value": b"server 5", "comma at the end": b'{"serverId":5,}', "single quotes": b"{'serverId':5}",
            "broken UTF-8": b'{"serverId":5,"reason":"\xff\xfe"}', "NaN": b'{"serverId":NaN}',
            "overlong UTF-8": b'{"serverId":5,"reason":"\xc0\x80"}', "UTF-16": '{"serverId":5}'.encode("utf-16"),
            "control character in a string": b'{"serverId":5,"reason":"a\x00b"}',
        }
        self.check([(note, "quarantine", body, "malformed-json", None) for note, body in bodies.items()])

    def test_json_but_no_object(self):
        bodies = {"array": b"[]", "string": b'"x"', "number": b"5", "null": b"null", "true": b"true"}
        self.check([
            (note, "quarantine", body, {"malformed-json", "invalid-field"}, None) for note, body in bodies.items()])

    def test_a_field_given_twice(self):
        refused = {"malformed-json", "invalid-field", "unknown-field"}
        self.check([
            ("same value", "quarantine", b'{"serverId":5,"serverId":5}', refused, None),
            ("other value", "quarantine", b'{"serverId":5,"serverId":6}', refused, None),
            ("one escaped", "quarantine", b'{"serverId":5,"server\\u0049d":6}', refused, None),
        ])

    def test_unknown_fields(self):
        op = operation()
        allocate = {"operationUuid": op, "locationId": 1, "instanceTypeId": 1, "clientId": 1}
        self.check([
            ("misspelt", "allocate", {**allocate, "overflwo": True}, "unknown-field", "overflwo"),
            ("case matters", "quarantine", {"serverid": 5, "serverId": 5}, "unknown-field", "serverid"),
            ("of another command", "unisolate", {"serverId": 5, "clientId": 5}, "unknown-field", "clientId"),
            ("ifVersion on allocate", "allocate", {**allocate, "ifVersion": 1}, "unknown-field", "ifVersion"),
            ("ifVersion on enroll", "enroll",
             {"serverId": 5, "locationId": 1, "instanceTypeId": 1, "ifVersion": 1}, "unknown-field", "ifVersion"),
            ("null does not make it known", "quarantine", {"serverId": 5, "x": None}, "unknown-field", "x"),
        ])

    def test_ids(self):
        wrong = [0, -1, 2 ** 53, 10 ** 40, 1.5, "5", True, None, [5], {"id": 5}]
        self.check([(repr(value), "unisolate", {"serverId": value}, "invalid-field", "serverId") for value in wrong])
        self.check([("missing", "unisolate", {}, "invalid-field", "serverId")])
        allocate = {"locationId": 1, "instanceTypeId": 1, "clientId": 1}
        self.check([
            (f"{field} = {value!r}", "allocate", {**allocate, "operationUuid": operation(), field: value}, "invalid-field",
             field)
            for field in allocate for value in (0, -3, "1", 1.25, None)])

    def test_the_biggest_id(self):
        world = self.world
        reply = world.ask("enroll", {"serverId": BIGGEST, "locationId": BIGGEST, "instanceTypeId": BIGGEST})
        self.assertVerdict(reply, {"applied", "unchanged"})

    def test_common_fields(self):
        body = {"serverId": 5}
        cases = [("attempt", value) for value in (0, 1001, -1, 1.5, "1", True)]
        cases += [("operationUuid", value) for value in ("", "5", 5, "x" * 36, "0" * 35, "{" + operation() + "}")]
        cases += [("notAfter", value) for value in ("tomorrow", "2026-13-01T00:00:00Z", "2026-01-01", 1_700_000_000, "")]
        cases += [("ifVersion", value) for value in (-1, 1.5, "1")]
        self.check([
            (f"{field} = {value!r}", "quarantine", {**body, field: value}, "invalid-field", field) for field, value in cases])

    def test_attempt_1000_and_times_with_an_offset_are_fine(self):
        world = self.world
        first, second = world.server("new"), world.server("new")
        self.assertVerdict(
            world.ask("quarantine", {"serverId": first, "operationUuid": operation(), "attempt": 1000}), "applied")
        self.assertVerdict(
            world.ask("quarantine", {"serverId": second, "notAfter": "2999-12-31T23:59:59.123456+02:00"}), "applied")

    def test_null_means_absent(self):
        world = self.world
        reply = world.ask("enroll", {
            "serverId": world.fresh(), "locationId": 1, "instanceTypeId": 1, "name": None, "state": None, "subState": None,
            "reason": None, "clientId": None, "contractId": None, "quotaType": None, "since": None, "operationUuid": None,
            "attempt": None, "notAfter": None})
        self.assertVerdict(reply, "applied")
        self.assertEqual(reply.state, "new")

    def test_lengths_and_patterns(self):
        world = self.world
        op = operation
        allocate = {"locationId": 1, "instanceTypeId": 1, "clientId": 1}
        self.check([
            ("reason of 1,001", "quarantine", {"serverId": 5, "reason": "x" * 1001}, "invalid-field", "reason"),
            ("caseId of 201", "quarantine", {"serverId": 5, "caseId": "x" * 201}, "invalid-field", "caseId"),
            ("name of 201", "enroll", {"serverId": 5, "locationId": 1, "instanceTypeId": 1, "name": "x" * 201},
             "invalid-field", "name"),
            ("contract in lower case", "allocate", {**allocate, "operationUuid": op(), "contractId": "jd-1"},
             "invalid-field", "contractId"),
            ("contract of 241", "allocate", {**allocate, "operationUuid": op(), "contractId": "A" * 241},
             "invalid-field", "contractId"),
            ("contract with a line feed", "allocate", {**allocate, "operationUuid": op(), "contractId": "A\n"},
             "invalid-field", "contractId"),
            ("overflow is no number", "allocate", {**allocate, "operationUuid": op(), "overflow": 1},
             "invalid-field", "overflow"),
            ("no such subState", "isolate", {"serverId": 5, "subState": "tired"}, "invalid-field", "subState"),
            ("subState missing", "isolate", {"serverId": 5}, "invalid-field", "subState"),
            ("subState in other case", "isolate", {"serverId": 5, "subState": "Excluded"}, "invalid-field", "subState"),
            ("baselineId", "available", {"serverId": 5, "baselineId": "x"}, "invalid-field", "baselineId"),
            ("allocationId", "deallocate", {"serverId": 5, "clientId": 5, "allocationId": 7}, "invalid-field", "allocationId"),
            ("clientId missing", "deallocate", {"serverId": 5}, "invalid-field", "clientId"),
            ("outcome", "unquarantine", {"serverId": 5, "outcome": "free", "reason": "x"}, "invalid-field", "outcome"),
            ("outcome missing", "unquarantine", {"serverId": 5, "reason": "x"}, "invalid-field", "outcome"),
            ("reason missing", "unquarantine", {"serverId": 5, "outcome": "restore"}, "invalid-field", "reason"),
            ("both", "snapshot", {"serverId": 5, "locationId": 5}, "invalid-field", None),
        ])
        server_id = world.server("new", name="n" * 200)
        long = world.ask("quarantine", {"serverId": server_id, "reason": "é" * 1000, "caseId": "c" * 200})
        self.assertVerdict(long, "applied", "as long as allowed")
        self.assertEqual(long.server["reason"], "é" * 1000)
        known = world.ask("allocate", {**allocate, "operationUuid": op(), "contractId": "AZ09_-." + "B" * 233})
        self.assertVerdict(known, "contract-unknown", "a contract of 240 characters")

    def test_enroll_fields_must_fit_the_state(self):
        def body(**fields):
            return {"serverId": 5, "locationId": 1, "instanceTypeId": 1, **fields}
        self.check([
            ("allocated to nobody", "enroll", body(state="allocated"), "invalid-field", "clientId"),
            ("allocated to client 0", "enroll", body(state="allocated", clientId=0), "invalid-field", "clientId"),
            ("isolated without a cause", "enroll", body(state="isolated"), "invalid-field", "subState"),
            ("decommissioned", "enroll", body(state="decommissioned"), "invalid-field", "state"),
            ("no such state", "enroll", body(state="idle"), "invalid-field", "state"),
            ("a cause for a new one", "enroll", body(state="new", subState="excluded"), "invalid-field", "subState"),
            ("a cause for a frozen one", "enroll", body(state="quarantined", subState="excluded"), "invalid-field", "subState"),
            ("a client for an available one", "enroll", body(state="available", clientId=5), "invalid-field", "clientId"),
            ("a contract without a client", "enroll", body(state="available", contractId="A"), "invalid-field", "contractId"),
            ("quota type without a client", "enroll", body(state="quarantined", quotaType="commit"), "invalid-field",
             "quotaType"),
            ("no such quota type", "enroll", body(state="allocated", clientId=5, quotaType="free"), "invalid-field",
             "quotaType"),
            ("since", "enroll", body(state="available", since="long ago"), "invalid-field", "since"),
        ])

    def test_quota_rows(self):
        def body(**fields):
            return {"clientId": 5, "locationId": 1, "instanceTypeId": 1, "limit": 1, **fields}
        without_limit = body()
        del without_limit["limit"]
        self.check([
            ("limit missing", "set-quota", without_limit, "invalid-field", "limit"),
            ("limit −1", "set-quota", body(limit=-1), "invalid-field", "limit"),
            ("limit 32768", "set-quota", body(limit=32768), "invalid-field", "limit"),
            ("limit as text", "set-quota", body(limit="5"), "invalid-field", "limit"),
            ("type without a location", "set-quota", body(locationId=0), "invalid-field", None),
            ("contract of client 0", "set-quota", body(clientId=0, contractId="A"), "invalid-field", None),
            ("contract for all types", "set-quota", body(contractId="A", instanceTypeId=0), "invalid-field", None),
            ("contract for all locations", "set-quota", body(contractId="A", instanceTypeId=0, locationId=0),
             "invalid-field", None),
            ("clientId −1", "set-quota", body(clientId=-1), "invalid-field", "clientId"),
        ])

    def test_missing_key(self):
        world = self.world
        body = {"locationId": world.fresh(), "instanceTypeId": 1, "clientId": 1}
        self.assertVerdict(world.ask("allocate", body), "missing-operation-uuid")
        self.assertVerdict(world.ask("allocate", body, message_id="order 7"), "quota-not-configured", "a message-id serves")

    def test_details_say_what_is_allowed(self):
        error = self.world.ask("isolate", {"serverId": 5, "subState": "tired"})["error"]
        text = json.dumps(error)
        self.assertIn("brokenHardware", text, "what is allowed")
        self.assertIn("string", json.dumps(error["details"]).lower(), "the kind of the value")


class Envelope(SharedWorldCase):
    def isolate(self):
        return "isolate", {"serverId": self.world.server("new"), "subState": "reserved"}

    def test_content_types(self):
        for content_type, verdict in (
                (None, "applied"), ("application/json", "applied"), ("application/json; charset=utf-8", "applied"),
                ("text/plain", "unsupported-content"), ("application/xml", "unsupported-content"),
                ("application/octet-stream", "unsupported-content")):
            with self.subTest(content_type):
                self.assertVerdict(self.world.ask(*self.isolate(), content_type=content_type), verdict)

    def test_encodings(self):
        for encoding, verdict in (
                ("utf-8", "applied"), ("identity", "applied"), ("gzip", "unsupported-content"),
                ("deflate", "unsupported-content"), ("utf-16", "unsupported-content")):
            with self.subTest(encoding):
                self.assertVerdict(self.world.ask(*self.isolate(), content_encoding=encoding), verdict)

    def test_size(self):
        command, body = self.isolate()
        fits = json.dumps(body).encode().ljust(65536)
        self.assertVerdict(self.world.ask(command, fits), "applied", "exactly 64 KiB")
        for size in (65537, 1_000_000, 3_000_000):
            with self.subTest(size=size):
                self.assertVerdict(self.world.ask(command, json.dumps(body).encode().ljust(size)), "too-large")

    def test_type_property(self):
        self.assertVerdict(self.world.ask(*self.isolate(), type="isolate"), "applied")
        self.assertVerdict(self.world.ask(*self.isolate(), type="unisolate"), "misrouted")
        self.assertVerdict(self.world.ask(*self.isolate(), type="no such thing"), "misrouted")

    def test_past_the_exchange(self):
        command, body = self.isolate()
        queue = f"{self.world.namespace}.commands.isolate"
        self.assertVerdict(self.world.ask(command, body, exchange="", key=queue), "misrouted")

    def test_carbon_copy(self):
        """A CC header brings a message into a queue that its routing key did not name."""
        world = self.world
        command, body = self.isolate()
        pending = world.send(command, body, headers={"CC": ["quarantine"]})
        world.broker.wait(lambda: len(pending.replies) == 2, "both copies are answered")
        verdicts = {reply.get("command"): reply.verdict for reply in pending.replies}
        self.assertEqual(verdicts, {"isolate": "applied", "quarantine": "misrouted"})

    def test_any_delivery_mode_and_priority(self):
        self.assertVerdict(self.world.ask(*self.isolate(), delivery_mode=1, priority=9), "applied")


class Settings(OwnWorldCase):
    """What the settings change in what is accepted."""

    def test_strict_settings(self):
        world = self.make_world(
            commands__maxBytes="1024", commands__requireKey="true", baseline__requireId="true")
        server_id = world.fresh()
        body = {"serverId": server_id, "locationId": 1, "instanceTypeId": 1}
        self.assertVerdict(world.ask("enroll", body), "missing-operation-uuid")
        self.assertVerdict(world.ask("enroll", body, message_id="enroll-1"), "applied")
        run = world.must("unisolate", {"serverId": server_id}).server["baselineId"]
        refused = world.ask("available", {"serverId": server_id, "operationUuid": operation()})
        self.assertEqual(refused.outcome, "rejected", "baseline.requireId demands it from available")
        self.assertVerdict(
            world.ask("available", {"serverId": server_id, "operationUuid": operation(), "baselineId": run}), "applied")
        self.assertVerdict(world.ask("quarantine", json.dumps({"serverId": server_id}).ljust(1025), message_id="q"), "too-large")
