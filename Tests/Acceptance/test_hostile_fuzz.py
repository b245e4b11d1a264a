"""failures.md 17 and 18, by chance: hostile messages thrown together by a seed, among ordinary commands.

`scripts/fuzz --broker --seconds N --seed N` runs it for longer. Every message that the broker took must end as exactly one
dead letter with the exact bytes and headers, or as the command that it is; the worker stays the same process, stays
small, and never writes a key anywhere.
"""

import base64
import collections
import hashlib
import json
import os
import time

from judge.broker import control
from judge.case import OwnWorldCase
from judge.hostile import SECRET, Generator, Message, decoded
from judge.wire import RawPublisher, Refused, short
from judge.world import operation

SECONDS = float(os.environ.get("OSTLER_FUZZ_SECONDS", 5))
SEED = int(os.environ.get("OSTLER_FUZZ_SEED", 20261126))
ROUND = 60
# What the process may grow by: bodies and headers that wait for their batch are bounded by bytes in the client (its inbox)
# and in the batch, a body over 1 MiB is never held whole, and a debug build with its allocator's slack is several times
# that. Without these bounds one round with a few bodies of 16 MiB and a prefetch of 1,000 would pass it.
MAX_GROWTH_MIB = 300
PREFIX = 65_536
WHOLE = 1_048_576
BROKER_HEADERS = {"x-delivery-count", "x-acquired-count"}


def memory_mib(pid, name):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name)) / 1024


class HostileFuzz(OwnWorldCase):
    def test_every_message_is_kept_or_decided_and_nobody_is_harmed(self):
        world = self.world = self.make_world(parking__patience="1s", log__level="debug")
        pid = world.worker.process.pid
        before = memory_mib(pid, "VmRSS")
        publisher = RawPublisher()
        self.addCleanup(publisher.close)
        self.are_sorted = publisher.hands_on_sorted_headers()
        deadline = time.monotonic() + SECONDS
        seed, self.sent, self.neighbours, self.refused = SEED, [], [], collections.Counter()
        while True:
            print(f"  hostile messages, seed {seed}", flush=True)
            with self.subTest(seed=seed):
                self.round(publisher, seed)
                self.assertEqual(world.worker.process.pid, pid)
                self.assertTrue(world.worker.is_running, f"seed {seed}: {world.explain()}")
            seed += 1
            if time.monotonic() >= deadline:
                break
        peak = memory_mib(pid, "VmHWM")
        print(f"  {len(self.sent)} hostile messages, {sum(self.refused.values())} refused by the broker, "
              f"{len(self.neighbours)} neighbours, {before:.0f} MiB at first, {peak:.0f} MiB at most", flush=True)
        self.assertLess(peak - before, MAX_GROWTH_MIB, "memory stays bounded")
        self.assertGreater(len(self.sent), ROUND / 2, "the broker takes most of them")
        self.check_letters()
        self.check_neighbours()
        self.check_secrets()
        self.check_queues()

    def round(self, publisher, seed):
        world = self.world
        generator = Generator(seed, world.namespace, world.fresh)
        messages = generator.messages(ROUND)
        if seed == SEED:
            messages.append(self.largest())
        heard = len(world.events)
        expected = 0
        for number, message in enumerate(messages):
            try:
                publisher.publish(message.exchange, message.key, message.wire_properties(), message.body)
                self.sent.append(message)
                expected += message.outcomes
            except Refused as error:
                self.refused[str(error)[:60]] += 1
            if number % 4 == 0:
                self.neighbours.append(self.neighbour())
                expected += 1
            world.broker.pump(0)

        def decided():
            return [event for event in world.events[heard:] if event.name in ("rejected", "deadLettered", "enrolled")]
        world.wait(
            lambda: len(decided()) >= expected,
            lambda: f"{expected} decisions after seed {seed}; there are {len(decided())}{world.explain()}", 60)

    def neighbour(self):
        """An ordinary command, which must be applied whatever comes beside it."""
        server_id = self.world.fresh()
        pending = self.world.send("enroll", {
            "serverId": server_id, "locationId": 1, "instanceTypeId": 1, "operationUuid": operation()})
        return server_id, pending

    def largest(self):
        message = Message("16 MiB")
        message.exchange, message.key = f"{self.world.namespace}.commands", "isolate"
        message.body = b'{"serverId":5,"reason":"' + os.urandom(8).hex().encode() + b"y" * (16 * WHOLE - 100) + b'"}'
        message.properties = {"message_id": short("largest")}
        return message

    def check_letters(self):
        world = self.world
        done = world.installation.command(
            "dead-letters", "export", *[word for state in ("open", "answered", "replaying", "resolved", "discarded")
                                        for word in ("--state", state)], timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        self.export = done.stdout
        by_body = collections.defaultdict(list)
        for line in done.stdout.splitlines():
            row = json.loads(line)
            by_body[row["bodySha256Base64"]].append(row)
        servers = world.servers()
        for message in self.sent:
            digest = hashlib.sha256(message.body).digest()
            rows = by_body.pop(base64.b64encode(digest).decode(), [])
            applied = message.server_id in servers
            with self.subTest(message=repr(message)):
                self.assertEqual(len(rows) + applied, message.outcomes, f"exactly one end: {[row['code'] for row in rows]}")
                for row in rows:
                    self.check_letter(message, row)
        self.assertEqual([row["code"] for rows in by_body.values() for row in rows], [], "letters that nobody sent")

    def check_letter(self, message, row):
        self.assertEqual(row["count"], 1)
        self.assertEqual(row["bodySize"], len(message.body))
        self.assertEqual(decoded(row), message.body if len(message.body) <= WHOLE else message.body[:PREFIX], "the bytes")
        if message.must_be_cut:
            self.assertIs(row["properties"].get("headersWereCut"), True, "it says that headers were cut")
        expected = message.said_headers(self.are_sorted)
        if expected is not None:
            found = [header for header in row["headers"] if header["name"] not in BROKER_HEADERS]
            self.assertEqual(found, expected, "the headers")

    def check_neighbours(self):
        """Replies are best effort (section 4): a forged address closes the connection that they go over. The store knows."""
        servers = self.world.servers()
        for server_id, pending in self.neighbours:
            self.assertEqual(servers.get(server_id, {}).get("version"), 1, pending)
            for reply in pending.replies:
                self.assertVerdict(reply, "applied")

    def check_secrets(self):
        world = self.world
        self.assertNotIn(SECRET, world.worker.output(), "in the log")
        self.assertNotIn(SECRET, self.export, "in a letter")
        for event in world.events:
            self.assertNotIn(SECRET, event.raw.decode(), "in an event")
        folder = world.installation.folder.name
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as file:
                self.assertNotIn(SECRET.encode(), file.read(), f"in {name}")

    def check_queues(self):
        """What was decided was acknowledged: nothing is left, unacknowledged or not."""
        if not os.environ.get("OSTLER_TEST_RABBITMQCTL"):
            return

        def left():
            listing = json.loads(control("list_queues", "--silent", "--formatter", "json", "name", "messages"))
            return {row["name"]: row["messages"] for row in listing if row["messages"]
                    and row["name"].startswith(f"{self.world.namespace}.") and not row["name"].endswith(".events.log")}
        self.world.wait(lambda: not left(), lambda: f"the queues are empty: {left()}", 20)
