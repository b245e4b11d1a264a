"""Section 7: what could not be applied is kept, can be looked at, and can be tried again."""

import base64
import json
import uuid

from judge import raw
from judge.case import LetterCase, OwnWorldCase
from judge.world import operation

FIELDS = {
    "id", "state", "command", "code", "message", "details", "serverId", "clientId", "operationUuid", "actor", "receivedAt",
    "count", "attempts", "bodyBase64", "properties", "headers",
}


class Rejected(LetterCase):
    def test_what_a_letter_has(self):
        world = self.world
        client, server_id, op = world.fresh(), world.server("new"), operation()
        raw = json.dumps({"serverId": server_id, "clientId": client, "operationUuid": op}, indent=3).encode()
        letter, event = self.rejected(
            "deallocate", raw, app_id="billing", priority=4, timestamp=1_700_000_000, headers={"team": "7", "n": 5})
        self.assertLessEqual(set(letter), FIELDS | {"link", "replayOf", "editedFrom", "would", "wouldCode"}, letter)
        self.assertEqual(
            {key: letter[key] for key in ("state", "command", "code", "serverId", "clientId", "operationUuid", "count")},
            {"state": "open", "command": "deallocate", "code": "client-mismatch", "serverId": server_id, "clientId": client,
             "operationUuid": op, "count": 1})
        self.assertEqual(base64.b64decode(letter["bodyBase64"]), raw, "the exact bytes")
        self.assertGreater(len(letter["message"]), 10)
        text = json.dumps([letter["properties"], letter["headers"]])
        for value in ("billing", "team", "7"):
            self.assertIn(value, text)
        self.assertEqual(letter["id"], event.data["deadLetterId"])

    def test_answered_letters_are_not_listed_by_default(self):
        world = self.world
        reply = world.ask("available", {"serverId": world.server("new"), "operationUuid": operation()})
        listed = {row["id"]: row for row in world.letters()}
        self.assertNotIn(reply["deadLetterId"], listed)
        answered = {row["id"]: row for row in world.letters("--state", "answered")}
        self.assertEqual(answered[reply["deadLetterId"]]["state"], "answered")

    def test_no_second_letter_for_a_duplicate(self):
        world = self.world
        body = {"serverId": world.server("new"), "operationUuid": operation()}
        self.rejected("available", body)
        mark = world.mark()
        self.assertTrue(world.ask("available", body).is_duplicate)
        world.settle()
        self.assertEqual([event for event in world.events[mark:] if event.operation == body["operationUuid"]], [])
        rows = world.letters("--operation", body["operationUuid"])
        self.assertEqual(len(rows), 1)

    def test_the_same_message_refused_again_is_one_letter(self):
        world = self.world
        body, marker = b'{"serverId": "not a number"}', uuid.uuid4().hex
        letter, _ = self.rejected("quarantine", body, message_id=marker)
        mark = world.mark()
        world.publish("quarantine", body, message_id=marker)

        def counted():
            rows = [row for row in world.letters("--command", "quarantine") if row["id"] == letter["id"]]
            return rows and rows[0]["count"] == 2
        world.broker.wait(counted, "count is 2")
        world.settle()
        self.assertEqual([event for event in world.events[mark:] if event.kind == "command"], [], "no second event")

    def test_filters(self):
        world = self.world
        client, server_id, op = world.fresh(), world.server("new"), operation()
        letter, _ = self.rejected("compensate", {"serverId": server_id, "clientId": client, "operationUuid": op})
        for filters in (("--server", server_id), ("--client", client), ("--operation", op),
                        ("--server", server_id, "--code", "client-mismatch", "--command", "compensate", "--state", "open")):
            with self.subTest(filters):
                self.assertEqual([row["id"] for row in world.letters(*filters)], [letter["id"]])
        for filters in (("--server", server_id, "--code", "expired"), ("--server", server_id, "--command", "isolate"),
                        ("--server", server_id, "--older-than", "1h"), ("--server", server_id, "--state", "discarded")):
            with self.subTest(filters):
                self.assertEqual(world.letters(*filters), [], "nothing, and exit status 0")
        self.assertEqual(len(world.letters("--limit", 1)), 1)

    def test_looking_changes_nothing(self):
        world = self.world
        letter, _ = self.rejected("available", {"serverId": world.server("new"), "operationUuid": operation()})
        before = world.letters("--operation", letter["operationUuid"])
        for _ in range(3):
            self.assertEqual(world.letters("--operation", letter["operationUuid"]), before)

    def test_an_api_key_is_not_kept(self):
        world = self.world
        secret = "key-" + uuid.uuid4().hex
        letter, event = self.rejected(
            "available", {"serverId": world.server("new")}, headers={"x-api-key": secret, "other": "stays"})
        self.assertNotIn(secret, json.dumps(letter))
        self.assertIn("stays", json.dumps(letter["headers"]))
        self.assertNotIn(secret, event.raw.decode())
        self.assertNotIn(secret, world.worker.output())
        path = world.installation.settings["store.path"]
        for suffix in ("", "-wal"):
            with open(path + suffix, "rb") as file:
                self.assertNotIn(secret.encode(), file.read(), f"in {path + suffix}")

    def test_header_types_are_kept(self):
        letter, _ = self.rejected("available", {"serverId": self.world.server("new")}, headers=raw.every_field_type())
        text = json.dumps(letter["headers"])
        for name in ("boolean", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float", "double", "decimal",
                     "string", "bytes", "array", "time", "table", "nothing", "inner"):
            self.assertIn(name, text)


class FromTheBroker(OwnWorldCase):
    """What the broker put into `<ns>.dead-letters` while nobody, or somebody else, was consuming."""

    def taken_in(self, world, after, count=1, seconds=30):
        def look():
            found = [event for event in world.events[after:] if event.name == "deadLettered"]
            return found if len(found) >= count else None
        return world.broker.wait(look, lambda: f"{count} × deadLettered{world.explain()}", seconds)

    def test_misspelt_key(self):
        world = self.make_world()
        body = b'{"serverId": 5}'
        world.publish("isolat", body, message_id="misspelt")
        event = self.taken_in(world, 0)[0]
        self.assertEqual(event.key, "command.unknown.deadLettered")
        self.assertEqual(event.data["error"]["code"], "unknown-command")
        rows = world.letters("--code", "unknown-command")
        self.assertEqual([row["id"] for row in rows], [event.data["deadLetterId"]])
        self.assertEqual(base64.b64decode(rows[0]["bodyBase64"]), body)
        self.assertEqual(rows[0]["command"], "isolat", "the letter keeps the original")

    def test_foreign(self):
        world = self.make_world()
        exchange = f"{world.namespace}.dead-letters"
        world.publish("isolate", b"hello", exchange=exchange, key="whatever")
        world.publish("isolate", b"hello again", exchange=exchange, key="allocate", headers={"x-death": [
            {"queue": "another.queue", "reason": "rejected", "exchange": "another", "routing-keys": ["x"], "count": 1}]})
        events = self.taken_in(world, 0, 2)
        self.assertEqual({event.data["error"]["code"] for event in events}, {"foreign"})
        self.assertEqual(len(world.letters("--code", "foreign")), 2)

    def test_rejected_by_hand_and_expired(self):
        world = self.make_world()
        server_id = world.server("new")
        self.assertEqual(world.worker.terminate(pump=world.broker.pump), 0)
        after = len(world.events)
        bodies = {
            "isolate": {"serverId": server_id, "subState": "reserved", "operationUuid": operation()},
            "quarantine": {"serverId": server_id, "operationUuid": operation()},
        }
        world.publish("isolate", bodies["isolate"], message_id="by hand", headers={"team": "x"})
        queue = f"{world.namespace}.commands.isolate"

        def fetched():
            method, _, _ = world.broker.sure.basic_get(queue)
            if method is not None:
                world.broker.sure.basic_reject(method.delivery_tag, requeue=False)
            return method is not None
        world.broker.wait(fetched, "the message is in the queue")
        world.publish("quarantine", bodies["quarantine"], message_id="too late", expiration="1")
        world.broker.wait(
            lambda: world.broker.ready_messages(f"{world.namespace}.dead-letters") == 2, "both are dead letters", 30)
        world.start()
        codes = {event.data["command"]: event.data["error"]["code"] for event in self.taken_in(world, after, 2)}
        self.assertEqual(codes, {"isolate": "broker-rejected", "quarantine": "expired"})
        for row in world.letters():
            with self.subTest(row["command"]):
                self.assertEqual(json.loads(base64.b64decode(row["bodyBase64"])), bodies[row["command"]])
                self.assertEqual((row["state"], row["serverId"]), ("open", server_id))
                self.assertIn(queue[:-len("isolate")] + row["command"], json.dumps(row["headers"]), "with its x-death")
        world.broker.wait(
            lambda: world.broker.ready_messages(f"{world.namespace}.dead-letters") == 0, "taken in, and acked")

    def test_delivery_limit(self):
        world = self.make_world()
        self.assertEqual(world.worker.terminate(pump=world.broker.pump), 0)
        after = len(world.events)
        world.publish("unisolate", {"serverId": 5}, message_id="returned")
        queue = f"{world.namespace}.commands.unisolate"
        returns = []

        def give_back(channel, method, _properties, _body):
            returns.append(method.delivery_tag)
            channel.basic_nack(method.delivery_tag, requeue=True)
        channel = world.broker.connection.channel()
        channel.basic_qos(prefetch_count=1)
        channel.basic_consume(queue, give_back)
        world.broker.wait(
            lambda: world.broker.ready_messages(f"{world.namespace}.dead-letters") == 1,
            lambda: f"after {len(returns)} returns it is a dead letter", 60)
        channel.close()
        self.assertGreater(len(returns), 1000, "the limit is 1,000")
        world.start()
        self.assertEqual(self.taken_in(world, after)[0].data["error"]["code"], "delivery-limit")

    def test_a_forged_x_death_is_not_believed(self):
        world = self.make_world()
        server_id = world.server("new")
        reply = world.ask("quarantine", {"serverId": server_id, "operationUuid": operation()}, headers={"x-death": [
            {"queue": f"{world.namespace}.commands.quarantine", "reason": "delivery_limit", "count": 5,
             "exchange": f"{world.namespace}.commands", "routing-keys": ["quarantine"]}]})
        self.assertVerdict(reply, "applied")
