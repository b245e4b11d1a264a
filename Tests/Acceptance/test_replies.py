"""Section 4: answers."""

import json
import urllib.parse
import uuid

import pika

from judge.broker import DIRECT_REPLY_TO
from judge.case import SharedWorldCase
from judge.process import AMQP_URI
from judge.world import operation


class Replies(SharedWorldCase):
    def named_queue(self, name=None):
        """A queue of the sender's own; returns its name and the list that fills with what arrives there."""
        world = self.world
        name = name or f"acceptance.{world.namespace}.{uuid.uuid4().hex[:8]}"
        world.broker.sure.queue_declare(name, durable=True, arguments={"x-expires": 600_000})
        self.addCleanup(lambda: world.broker.sure.queue_delete(name))
        heard = []
        world.broker.consume(
            name, lambda _channel, _method, properties, body: heard.append((properties, json.loads(body))), auto_ack=True)
        return name, heard

    def test_a_named_queue_and_a_correlation_id(self):
        world = self.world
        name, heard = self.named_queue()
        server_id = world.server("new")
        world.publish("isolate", {"serverId": server_id, "subState": "reserved", "operationUuid": operation()},
                      reply_to=name, correlation_id="any text, 7")
        world.broker.wait(lambda: heard, "the reply")
        properties, body = heard[0]
        self.assertEqual(properties.correlation_id, "any text, 7")
        self.assertEqual((body["command"], body["outcome"]), ("isolate", "applied"))

    def test_no_correlation_id(self):
        world = self.world
        name, heard = self.named_queue()
        world.publish("quarantine", {"serverId": world.server("new")}, reply_to=name)
        world.broker.wait(lambda: heard, "the reply")
        self.assertFalse(heard[0][0].correlation_id)

    def test_the_answer_to_an_applied_command(self):
        world = self.world
        op = operation()
        server_id = world.server("new")
        reply = world.ask("isolate", {"serverId": server_id, "subState": "reserved", "reason": "why", "operationUuid": op})
        self.assertEqual((reply["command"], reply["outcome"], reply.is_duplicate), ("isolate", "applied", False))
        self.assertEqual(reply["operationUuid"].lower(), op)
        self.assertEqual(len(reply["eventIds"]), 1)
        self.assertEqual(
            {key: reply.server.get(key) for key in (
                "serverId", "state", "subState", "reason", "version", "previousState", "locationId", "instanceTypeId",
                "command")},
            {"serverId": server_id, "state": "isolated", "subState": "reserved", "reason": "why", "version": 2,
             "previousState": "new", "locationId": 1, "instanceTypeId": 1, "command": "isolate"})
        self.assertEqual(world.event_by_id(reply["eventIds"][0]).data, reply.server, "with the fields of the event")

    def test_the_answer_to_a_refusal(self):
        world = self.world
        reply = world.ask("available", {"serverId": world.server("new"), "operationUuid": operation()})
        self.assertEqual(reply["error"]["code"], "not-in-baseline")
        event = world.event_by_id(reply["eventIds"][0])
        self.assertEqual(event.data["deadLetterId"], reply["deadLetterId"])
        rows = world.letters("--state", "answered", "--operation", reply["operationUuid"])
        self.assertEqual([row["id"] for row in rows], [reply["deadLetterId"]])

    def test_a_worker_name_is_not_answered(self):
        world = self.world
        name, heard = self.named_queue(f"{world.namespace}.stolen")
        reply_to = {"exists": name, "a queue of ours": f"{world.namespace}.commands.isolate"}
        for note, address in reply_to.items():
            server_id = world.server("new")
            world.publish("quarantine", {"serverId": server_id}, reply_to=address, correlation_id=note)
            world.event(lambda event: event.server_id == server_id and event.name == "quarantined")
        # Replies go out in order on one connection: an answered command later, they would have been there.
        world.settle()
        self.assertEqual(heard, [])
        world.must("isolate", {"serverId": world.server("new"), "subState": "reserved"})

    def test_forged_addresses_do_no_harm(self):
        world = self.world
        addresses = [
            f"{DIRECT_REPLY_TO}.forged", f"{DIRECT_REPLY_TO}.g2dkABByYWJiaXRAbG9jYWxob3N0AAAB.AAAA==", DIRECT_REPLY_TO + ".",
            "no.such.queue", "x" * 255, "amq.gen-nobody", " ",
        ]
        servers = [world.server("new") for _ in addresses]
        last = world.server("new")
        for address, server_id in zip(addresses, servers):
            world.publish("quarantine", {"serverId": server_id}, reply_to=address, correlation_id="forged")
        for address, server_id in zip(addresses, servers):
            with self.subTest(address):
                world.event(lambda event: event.server_id == server_id and event.name == "quarantined", "it was applied")
        # One try each: a reply may be lost while that connection is made anew; the key gives the answer again.
        body = {"serverId": last, "subState": "reserved", "operationUuid": operation()}

        def answered():
            pending = world.send("isolate", body)
            try:
                return world.wait_all([pending], 2)
            except AssertionError:
                return None
        reply = world.broker.wait(answered, "replies are sent again", 30)[0]
        self.assertVerdict(reply, "applied")

    def test_a_reply_is_json_and_no_request(self):
        world = self.world
        reply = world.ask("quarantine", {"serverId": world.server("new")})
        self.assertIn("json", reply.properties.content_type or "json")
        self.assertIsNone(reply.properties.reply_to)

    def test_the_answer_to_what_is_not_json(self):
        reply = self.world.ask("isolate", b"\xff\xfe not json")
        self.assertEqual((reply["command"], reply.code), ("isolate", "malformed-json"))
        self.assertNotIn("operationUuid", reply.body)
        self.assertIn("deadLetterId", reply.body)

    def test_properties_of_the_command_do_not_matter(self):
        world = self.world
        user = urllib.parse.urlparse(AMQP_URI).username or "guest"
        properties = pika.BasicProperties(
            content_type="application/json", delivery_mode=2, reply_to=DIRECT_REPLY_TO, app_id="billing", user_id=user,
            timestamp=1_700_000_000, expiration="600000", priority=3, type="quarantine", cluster_id="c",
            headers={"anything": [1, {"deep": True}], "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
        server_id = world.server("new")
        world.publish("quarantine", {"serverId": server_id}, properties=properties, channel=world.broker.quick)
        event = world.event(lambda event: event.server_id == server_id and event.name == "quarantined")
        self.assertIn(user, json.dumps(event.data.get("actor")), "the verified user is the actor")
        self.assertEqual(
            event.body.get("traceparent"), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
