"""What a disk does to the worker (failures 11, 20, 21), with both promises checked from outside after each."""

import errno
import os
import random
import sqlite3
import time

from judge.broker import COMMANDS
from judge.case import OwnWorldCase
from judge.disk import SmallDisk
from judge.faults import Faults
from judge.load import Load
from judge.world import operation


class DiskCase(OwnWorldCase):
    def paused(self, world, reason, seconds=60):
        """Readiness is false and says why; nothing is acknowledged any more."""
        def look():
            status, text = world.worker.get("/readyz")
            return status == 503 and reason in text and "consumer: paused" in text
        world.wait(look, lambda: f"it is paused, because of «{reason}»: {world.worker.get('/readyz')}{world.explain()}", seconds)

    def held_back(self, world):
        """Messages that are with the broker again."""
        queues = [f"{world.namespace}.commands.{command}" for command in COMMANDS] + [f"{world.namespace}.dead-letters"]
        return sum(world.broker.ready_messages(queue) for queue in queues)

    def stays_paused(self, world):
        """Tries again and again, and takes nothing meanwhile."""
        self.backs_off(world)
        before = self.held_back(world)
        self.assertGreater(before, 0, "what was not acknowledged is with the broker")
        self.backs_off(world)
        self.assertEqual(self.held_back(world), before)

    def backs_off(self, world):
        """Two more tries, each after a longer pause, and with every pause the messages go back to the broker, which counts:
        that must not be often. (On a full disk there may be room for the try and none for the batch.)"""
        def tries():
            said = world.worker.output()
            return said.count("the store still has trouble") + said.count("consuming is paused")
        before, began = tries(), time.monotonic()
        world.wait(lambda: tries() >= before + 2, lambda: f"it tries again{world.explain()}", 40)
        self.assertLess(tries() - before, 3 + 2 * (time.monotonic() - began), world.explain())
        self.assertTrue(world.worker.is_running)

    def goes_on(self, world):
        world.worker.wait_ready(60, pump=world.broker.pump)

    def nothing_healthy_was_given_up(self, world, kills=0):
        """`kills`: the worker was killed so often that one message may have been in hand at three ends in a row."""
        codes = {row["code"] for row in world.letters(all_states=True)}
        given_up = {"delivery-limit", "broker-rejected", "foreign"} | (set() if kills >= 3 else {"worker-crash"})
        self.assertFalse(codes & given_up, codes)

    def until_paused(self, world, load, reason):
        """The log of the store may have room for a while on a disk that is full."""
        for _ in range(40):
            load.publish(25)
            world.broker.pump(0.1)
            if not world.worker.is_ready:
                break
        self.paused(world, reason)


class Full(DiskCase):
    def test_under_load(self):
        """Consuming pauses, nothing is acknowledged, nothing healthy is dead-lettered; goes on by itself (failure 20)."""
        disk = SmallDisk(self, megabytes=8)
        world = self.make_world(store__path=disk.store, parking__patience="1s")
        load = Load(world, seed=201)
        for _ in range(2):
            load.publish(40)
            disk.fill()
            self.until_paused(world, load, "No space is left")
            self.backs_off(world)
            disk.free()
            self.goes_on(world)
        load.check()
        self.nothing_healthy_was_given_up(world)

    def test_a_small_one(self):
        """The log of the store does not fill a small disk by itself, also where no worker lives long enough to end well."""
        disk = SmallDisk(self, megabytes=16)
        world = self.make_world(store__path=disk.store, parking__patience="1s")
        load = Load(world, seed=202)
        for number in range(60):
            load.publish(12)
            heard = len(world.events)
            world.wait(lambda heard=heard: len(world.events) > heard, lambda: f"it works{world.explain()}", 30)
            self.assertLess(os.path.getsize(disk.store + "-wal"), 8 << 20)
            if number % 20 == 19:
                world.worker.kill()
                self.assertNotIn("No space is left", world.worker.output())
                world.start()
        load.check()

    def test_while_dead_letters_are_taken_in(self):
        """What the broker dead-lettered stays with the broker until it can be kept."""
        disk = SmallDisk(self, megabytes=8)
        world = self.make_world(store__path=disk.store)
        world.settle()
        disk.fill()
        marks = [f"misspelt {number}" for number in range(60)]
        for mark in marks:
            world.publish("alocate", {"reason": "x" * 20_000}, message_id=mark)
        self.paused(world, "No space is left")
        self.backs_off(world)
        disk.free()
        self.goes_on(world)

        def kept():
            return sorted(row["properties"]["messageId"] for row in world.letters("--code", "unknown-command"))
        world.wait(lambda: len(kept()) >= len(marks), lambda: f"all are kept, not {len(kept())}{world.explain()}", 60)
        self.assertEqual(kept(), sorted(marks), "each of them, once")
        self.nothing_healthy_was_given_up(world)
        world.check_story()

    def test_at_the_start(self):
        disk = SmallDisk(self, megabytes=8)
        disk.fill()
        world = self.make_world(start=False, store__path=disk.store)
        world.listen()
        world.worker = world.installation.worker()
        world.wait(lambda: "the store cannot be opened yet" in world.worker.output(), "it says so", 20)
        self.assertFalse(world.worker.is_ready)
        disk.free()
        self.goes_on(world)
        world.check_story()


class ReadOnly(DiskCase):
    def test_at_the_start(self):
        """Waits with the reason, and goes on when it may write (failure 20)."""
        disk = SmallDisk(self, megabytes=8)
        world = self.make_world(store__path=disk.store)
        world.settle()
        self.assertEqual(world.worker.terminate(pump=world.broker.pump), 0)
        disk.remount("ro")
        body = {"serverId": world.fresh(), "locationId": 1, "instanceTypeId": 1, "operationUuid": operation()}
        world.publish("enroll", body)
        world.worker = world.installation.worker()
        world.wait(lambda: "the store cannot be opened yet" in world.worker.output(), "it says so", 20)
        self.assertRegex(world.worker.output(), "may not be written|[Rr]ead-only|unable to open")
        disk.remount("rw")
        self.goes_on(world)
        world.event(lambda event: event.server_id == body["serverId"], "what waited is applied")
        world.check_story()

    def test_while_it_runs(self):
        world = self.make_world(start=False, parking__patience="1s")
        faults = Faults(world.installation)
        world.start()
        load = Load(world, seed=202)
        load.publish(40)
        faults.set(write_error=errno.EROFS)
        self.until_paused(world, load, "could not be read or written")
        self.stays_paused(world)
        faults.set(write_error=0)
        self.goes_on(world)
        load.check()
        self.nothing_healthy_was_given_up(world)


class Failing(DiskCase):
    def test_input_and_output_errors(self):
        """EIO of write, and of fsync, whose outcome nobody knows: not acknowledged, and decided once (failure 20)."""
        world = self.make_world(start=False, parking__patience="1s")
        faults = Faults(world.installation)
        world.start()
        load = Load(world, seed=203)
        for fault in ("write_error", "sync_error"):
            with self.subTest(fault):
                load.publish(40)
                faults.set(**{fault: errno.EIO})
                try:
                    self.until_paused(world, load, "could not be read or written")
                    self.stays_paused(world)
                finally:
                    faults.set(**{fault: 0})
                self.goes_on(world)
        load.check()
        self.nothing_healthy_was_given_up(world)

    def test_killed_while_it_fails(self):
        world = self.make_world(start=False, parking__patience="1s")
        faults = Faults(world.installation)
        world.start()
        load = Load(world, seed=204)
        load.publish(40)
        faults.set(sync_error=errno.EIO)
        self.until_paused(world, load, "could not be read or written")
        world.worker.kill()
        faults.set(sync_error=0)
        world.start()
        load.check()
        self.nothing_healthy_was_given_up(world)


class Slow(DiskCase):
    def metric(self, world, name):
        return next((line.split()[1] for line in world.worker.get("/metrics")[1].splitlines() if line.startswith(name + " ")), "0")

    def test_slower_than_the_heartbeat(self):
        """Every commit takes more than two heartbeats: the connections live all the same (failure 11)."""
        world = self.make_world(start=False, amqp__heartbeat="2s", parking__patience="1s", events__log__enabled="false")
        faults = Faults(world.installation)
        world.start()
        load = Load(world, seed=211)
        faults.set(sync_delay=5)
        load.publish(40)
        began = time.monotonic()
        load.wait_until_told()
        self.assertGreater(time.monotonic() - began, 5, "it was that slow")
        faults.set(sync_delay=0)
        for metric in ('ostler_connection_reconnects{connection="consumer"}', "ostler_events_restarted",
                       "ostler_consumer_pauses", "ostler_consumer_deaf"):
            self.assertIn(self.metric(world, metric), ("0", "0.0"), metric)
        load.check()


class Locked(DiskCase):
    def test_busy(self):
        """Somebody else writes for long: consuming pauses, readiness is false, and it goes on by itself (failure 20)."""
        world = self.make_world()
        server_id = world.server("new")
        blocker = sqlite3.connect(world.installation.settings["store.path"], isolation_level=None, timeout=10)
        self.addCleanup(blocker.close)
        blocker.execute("BEGIN IMMEDIATE")
        pending = world.send("isolate", {"serverId": server_id, "subState": "reserved", "operationUuid": operation()})
        self.paused(world, "is locked by another process")
        self.assertFalse(pending.is_answered)
        self.assertTrue(world.worker.is_running)
        blocker.execute("ROLLBACK")
        self.assertVerdict(world.wait_all([pending], 60)[0], "applied")
        self.goes_on(world)
        self.assertEqual(world.letters(), [])
        world.check_story()


class PowerCut(DiskCase):
    def test_what_was_acknowledged_is_on_disk(self):
        """After each cut there is what was synchronised, and of the rest some, torn or whole (failure 21)."""
        world = self.make_world(start=False, parking__patience="1s")
        faults = Faults(world.installation, journal=True)
        chance = random.Random(221)
        faults.set(sync_delay=0.02)
        world.start()
        load = Load(world, seed=222)
        gone = 0
        for _ in range(8):
            heard, enough = len(world.events), chance.randint(1, 40)
            load.publish(60)
            world.wait(
                lambda: len(world.events) >= heard + enough, lambda: f"the worker works{world.explain()}", 30)
            world.worker.kill()
            gone += faults.cut_power(chance)
            world.worker = world.installation.worker()
        self.assertGreater(gone, 0, "the cuts took something")
        world.worker.wait_ready(pump=world.broker.pump)
        load.check()
        self.nothing_healthy_was_given_up(world, kills=8)
