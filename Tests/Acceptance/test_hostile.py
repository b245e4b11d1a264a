"""failures.md 17 and 18: hostile bodies and envelopes harm nobody but themselves."""

import base64
import json
import os
import uuid

import pika
import pika.exceptions

from judge import raw
from judge.case import OwnWorldCase
from judge.world import operation


def resident_megabytes(process):
    with open(f"/proc/{process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2 ** 20


class Hostile(OwnWorldCase):
    def setUp(self):
        self.world = self.make_world()

    def neighbours_are_fine(self):
        world = self.world
        self.assertTrue(world.worker.is_running, world.explain())
        server_id = world.server("new")
        self.assertVerdict(
            world.ask("isolate", {"serverId": server_id, "subState": "reserved", "operationUuid": operation()}), "applied")

    def test_bodies(self):
        """Each is a dead letter with the exact bytes; the worker goes on."""
        world = self.world
        deep = 30_000
        bodies = {
            "deep arrays": b'{"serverId":' + b"[" * deep + b"]" * deep + b"}",
            "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
            "never closed": b"[" * 65_000,
            "huge number": b'{"serverId":1e999999}',
            "huge integer": b'{"serverId":' + b"9" * 60_000 + b"}",
            "huge exponent": b'{"serverId":1E-99999999999999999999}',
            "minus zero": b'{"serverId":-0}',
            "number with a leading zero": b'{"serverId":007}',
            "lone surrogate": b'{"serverId":5,"reason":"\\ud800"}',
            "surrogates the wrong way round": b'{"serverId":5,"reason":"\\udc00\\ud800"}',
            "surrogate as UTF-8": b'{"serverId":5,"reason":"\xed\xa0\x80"}',
            "beyond Unicode": b'{"serverId":5,"reason":"\xf4\x90\x80\x80"}',
            "NUL": b'{"serverId":5,\x00}',
            "only NULs": b"\x00" * 1000,
            "a key of NUL": b'{"\\u0000":1,"serverId":5}',
            "long key": b'{"' + b"k" * 60_000 + b'":1}',
            "many keys": ("{" + ",".join(f'"k{n}":{n}' for n in range(5_000)) + "}").encode(),
            "duplicate keys": b"{" + b'"serverId":5,' * 4_000 + b'"serverId":5}',
            "byte order mark": b'\xef\xbb\xbf{"serverId":0}',
            "wrong types": b'{"serverId":{"serverId":5},"reason":[],"attempt":"1"}',
            "format string": b'{"serverId":"%s%n%x\'; DROP TABLE servers; --"}',
        }
        sent = {}
        for note, body in bodies.items():
            sent[note] = world.send("quarantine", body, message_id=note)
        for note, reply in zip(bodies, world.wait_all(sent.values(), 30)):
            with self.subTest(note):
                self.assertEqual(reply.outcome, "rejected")
                self.assertIn(reply.code, {"malformed-json", "invalid-field", "unknown-field", "unknown-server"})
        self.neighbours_are_fine()
        kept = {base64.b64decode(row["bodyBase64"]) for row in world.letters(all_states=True)}
        for note, body in bodies.items():
            with self.subTest(f"kept: {note}"):
                self.assertIn(body, kept)

    def test_strings_that_are_allowed(self):
        world = self.world
        for text in ("\u0000 inside", "\U0001f40e" * 50, "\u202eright to left", "a\tb\nc", "'; DROP TABLE servers; --", "é" * 1000):
            with self.subTest(text[:20]):
                server_id = world.server("new")
                reply = world.ask("isolate", {"serverId": server_id, "subState": "reserved", "reason": text})
                self.assertIn(reply.verdict, {"applied", "invalid-field"})
                if reply.outcome == "applied":
                    self.assertEqual(reply.server["reason"], text)
        self.neighbours_are_fine()

    def test_big_bodies(self):
        world = self.world
        body = b'{"serverId":5,"reason":"' + os.urandom(3 * 2 ** 20).hex().encode() + b'"}'
        before = resident_megabytes(world.worker.process)
        for number in range(10):
            world.publish("quarantine", body, message_id=f"big {number}")
        letters = world.broker.wait(
            lambda: [event for event in world.events if event.name == "rejected"][9:], "ten refusals", 60)
        self.assertEqual(letters[0].data["error"]["code"], "too-large")
        self.neighbours_are_fine()
        self.assertLess(resident_megabytes(world.worker.process) - before, 200, "memory stays bounded")
        row = world.letters("--code", "too-large", "--limit", "1")[0]
        self.assertEqual(base64.b64decode(row["bodyBase64"]), body[:65536], "above 1 MiB the first 64 KiB")

    def test_memory_under_a_flood_of_big_bodies(self):
        """Prefetched by the hundred, each kept whole, and one as large as a broker takes: the peak stays bounded."""
        world = self.world
        self.assertEqual(world.worker.terminate(pump=world.broker.pump), 0)
        for number in range(80):
            world.publish("quarantine", b" " * 2 ** 20, message_id=f"whole {number}")
        large = 0
        try:
            world.publish("isolate", b" " * 60 * 2 ** 20, message_id="large")
            large = 1
        except pika.exceptions.AMQPError:  # 4.x takes 16 MiB
            world.broker.reopen()
        world.start()
        world.broker.wait(
            lambda: sum(event.name == "rejected" for event in world.events) == 80 + large, "all are refused", 60)
        with open(f"/proc/{world.worker.process.pid}/status") as file:
            peak = next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))
        self.assertLess(peak, 250, "megabytes at the most")
        self.neighbours_are_fine()

    def test_headers(self):
        world = self.world
        hundreds = {f"header-{number}": "x" * 100 for number in range(500)}
        headers = {
            "hundreds": hundreds,
            "one that fills the frame": raw.table_of(131_000),
            "nested 21,800 deep": raw.nested_tables(21_800),
            "every type": raw.every_field_type(),
            "twice the same name": raw.RawTable(raw.field("a", "t", b"\x01") * 2),
            "no name": raw.RawTable(raw.field("", "t", b"\x01")),
            "not UTF-8": raw.RawTable(b"\x02\xff\xfeS" + raw.long_string(b"\xff\xfe\xfd")),
            "arrays in arrays": {"a": [[[[[[[[[[[["deep"]]]]]]]]]]]]},
            "a forged x-death": {"x-death": "not even a list"},
            "an x-death of many": {"x-death": [{"queue": f"q{n}", "reason": "rejected", "count": n} for n in range(300)]},
            "a CC that is no list": {"CC": [""]},
            "x-delivery-count": {"x-delivery-count": 10 ** 12},
            "a traceparent that is none": {"traceparent": "x" * 1000},
            "a replay that is none": {"x-ostler-replay": "\u0000/999999999999999999999"},
            "an api key of 10,000": {"x-api-key": "k" * 10_000},
            "an api key that is no text": {"x-api-key": [1, 2, 3]},
        }
        before = resident_megabytes(world.worker.process)
        pendings = []
        for note, table in headers.items():
            body = {"serverId": world.fresh(), "locationId": 1, "instanceTypeId": 1}
            pending = self.publish_with(body, table, note)
            pendings.append((note, body["serverId"], pending))
        for note, server_id, _ in pendings:
            with self.subTest(note):
                # Applied, or refused with a reason: but decided, every one.
                world.event(
                    lambda event: event.server_id == server_id or event.data.get("operationUuid") == note
                    or event.name in ("rejected", "deadLettered") and str(server_id) in json.dumps(event.data),
                    f"«{note}» was decided", 30)
        self.neighbours_are_fine()
        self.assertLess(resident_megabytes(world.worker.process) - before, 200, "memory stays bounded")

    def publish_with(self, body, headers, note):
        properties = pika.BasicProperties(
            content_type="application/json", delivery_mode=2, headers=headers, message_id=note)
        self.world.publish("enroll", body, properties=properties)

    def test_odd_properties(self):
        world = self.world
        for note, fields in {
                "long names": {name: "x" * 255 for name in ("message_id", "type", "app_id", "correlation_id", "reply_to")},
                "not UTF-8": {"message_id": "\udcff"},
                "empty": {name: "" for name in ("message_id", "type", "app_id", "correlation_id", "reply_to", "content_type")},
                "a time in year 584942417355": {"timestamp": 2 ** 63},
                "content type": {"content_type": "application/json" + ";x" * 100},
                "a NUL": {"content_encoding": "\x00"}}.items():
            with self.subTest(note):
                fields = {"delivery_mode": 2, **fields}
                try:
                    properties = pika.BasicProperties(**fields)
                    world.publish(
                        "quarantine", {"serverId": world.server("new"), "operationUuid": operation()}, properties=properties)
                except (UnicodeEncodeError, AssertionError, ValueError):
                    pass  # pika would not send it
        self.neighbours_are_fine()

    def test_a_message_in_the_dead_letter_queue_can_be_hostile_too(self):
        world = self.world
        exchange = f"{world.namespace}.dead-letters"
        for number, headers in enumerate((raw.nested_tables(20_000), raw.table_of(131_000), {"x-death": [5, "a", None]})):
            world.publish(
                "x", os.urandom(1000), exchange=exchange, key="x" * 255, message_id=uuid.uuid4().hex, headers=headers)
        events = world.broker.wait(
            lambda: [event for event in world.events if event.name == "deadLettered"][2:], "three are taken in", 30)
        self.assertEqual(events[0].data["error"]["code"], "foreign")
        self.neighbours_are_fine()
