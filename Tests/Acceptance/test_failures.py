"""failures.md: both promises, checked from outside after failures.

In = out: every confirmed command ends as exactly one of applied, unchanged, rejected, or kept as a dead letter.
The story is whole: events without duplicates carry the versions 1..n, and the last equals the store.
"""

import os
import random
import signal
import sqlite3

from judge.broker import control
from judge.case import OwnWorldCase
from judge.process import Installation
from judge.waiting import TimedOut, wait_until
from judge.world import operation

KIND = 3


class Load:
    """Commands for a small fleet, many of them in each other's way, every one with a key."""

    def __init__(self, world, seed, servers=24, clients=4):
        self.world = world
        self.random = random.Random(seed)
        self.place = world.fresh()
        self.servers = [world.fresh() for _ in range(servers)]
        self.clients = [world.fresh() for _ in range(clients)]
        self.sent = {}  # (command, operationUuid) → body
        world.must_all([
            ("enroll", world.enrollment(server_id, "available", self.place, KIND)) for server_id in self.servers])
        for client in self.clients:
            world.quota(client, self.place, KIND, 4)

    def next(self):
        choose = self.random.choice
        server = {"serverId": choose(self.servers)}
        client = {"clientId": choose(self.clients)}
        command, body = choose([
            ("allocate", {"locationId": self.place, "instanceTypeId": KIND, **client}),
            ("allocate", {"locationId": self.place, "instanceTypeId": KIND, **client}),
            ("deallocate", {**server, **client}),
            ("compensate", {**server, **client}),
            ("isolate", {**server, "subState": choose(["reserved", "brokenHardware"])}),
            ("unisolate", server),
            ("available", server),
            ("available", server),
            ("quarantine", server),
            ("unquarantine", {**server, "outcome": choose(["restore", "baseline"]), "reason": "load"}),
        ])
        return command, {**body, "operationUuid": operation()}

    def publish(self, count):
        for _ in range(count):
            command, body = self.next()
            self.sent[command, body["operationUuid"]] = body
            self.world.publish(command, body)
            if self.random.random() < 0.1:
                self.world.publish(command, body)  # a sender that was not sure

    def check(self):
        """Both promises. The durable answer is to send each command again with its key."""
        world = self.world
        self.wait_until_told()
        replies = self.ask_again()
        world.settle()
        letters = world.letters(all_states=True)
        crashed = {row["operationUuid"].lower() for row in letters if row["code"] == "worker-crash" and row.get("operationUuid")}
        said = {}
        for event in world.events:
            key = event.data.get("command"), event.operation
            if key in self.sent and event.name != "deadLettered":
                said.setdefault(key, []).append(event)
        refused = {row["operationUuid"].lower(): row for row in letters if row.get("operationUuid")}
        for (key, reply) in zip(self.sent, replies):
            if key[1] in crashed:
                continue
            assert reply.is_duplicate, f"{key} had not been decided: {reply}"
            events = said.get(key, [])
            assert len(events) == 1, f"{key} was to be told once: {events}"
            event = events[0]
            outcome = {"rejected": "rejected", "unchanged": "unchanged"}.get(event.name, "applied")
            assert outcome == reply.outcome, f"{key} was told as {event.name} and is kept as {reply}"
            assert (key[1] in refused) == (outcome == "rejected"), f"{key}: a letter where refused, and only there: {reply}"
        assert len(crashed) <= 3, f"healthy messages were given up: {crashed}"
        world.check_story()
        self.check_quotas()

    def wait_until_told(self):
        """In = out: an event tells what became of each command. Only then may they be asked about: a broker gives back
        what a dead worker had in hand when it gets to it, and a copy that came earlier would be decided in its place."""
        def missing():
            told = {(event.data.get("command"), event.operation) for event in self.world.events}
            return [key for key in self.sent if key not in told]
        self.world.wait(
            lambda: not missing(),
            lambda: f"every command is told of; missing are {len(missing())}, such as {missing()[:3]}{self.world.explain()}",
            60)

    def ask_again(self):
        """What became of each command. An answer has one try only: what is not answered is asked once more."""
        answers = {}
        for _ in range(5):
            pendings = {
                key: self.world.send(key[0], body) for key, body in self.sent.items() if key not in answers}
            try:
                self.world.wait_all(pendings.values(), 6)
            except TimedOut:
                pass
            answers.update({key: pending.replies[0] for key, pending in pendings.items() if pending.is_answered})
        missing = [key for key in self.sent if key not in answers]
        assert not missing, f"{len(missing)} commands are never answered, such as {missing[:3]}{self.world.explain()}"
        return [answers[key] for key in self.sent]

    def check_quotas(self):
        """Quota use equals the live allocations."""
        live = {client: 0 for client in self.clients}
        for row in self.world.servers().values():
            allocation = row.get("allocation")
            if allocation and "endedAt" not in allocation and allocation["clientId"] in live:
                live[allocation["clientId"]] += 1
        used = {row["clientId"]: row["used"] for row in self.world.installation.rows("quotas") if row["clientId"] in live}
        assert used == live, f"charged {used}, allocated {live}"


class Killed(OwnWorldCase):
    def test_under_load(self):
        """SIGKILL at random moments (failures 1–5)."""
        world = self.make_world(parking__patience="1s")
        load = Load(world, seed=11)
        chance = random.Random(12)
        world.worker.kill()
        for _ in range(8):
            load.publish(40)
            world.worker = world.installation.worker()
            load.publish(20)
            heard, enough = len(world.events), chance.randint(1, 40)
            world.broker.wait(
                lambda: len(world.events) >= heard + enough, lambda: f"the worker works{world.explain()}", 30)
            world.worker.kill()
        world.start()
        load.check()
        self.assertFalse([row for row in world.letters() if row["code"] in ("delivery-limit", "broker-rejected", "foreign")])

    def test_while_many_wait_for_an_answer(self):
        """Each command is answered, or answers when asked again, with one and the same outcome."""
        world = self.make_world(parking__patience="1s")
        client, place = world.fresh(), world.fresh()
        servers = [world.fresh() for _ in range(60)]
        world.must_all([("enroll", world.enrollment(server_id, "available", place, KIND)) for server_id in servers])
        world.quota(client, place, KIND, 50)
        bodies = [{"operationUuid": operation(), "locationId": place, "instanceTypeId": KIND, "clientId": client}
                  for _ in range(60)]
        first = [world.send("allocate", body) for body in bodies]
        world.broker.wait(lambda: sum(pending.is_answered for pending in first) >= 10, "some answers")
        world.worker.kill()
        world.start()
        second = world.ask_all([("allocate", body) for body in bodies], seconds=30)
        for pending, again in zip(first, second):
            for reply in pending.replies:
                self.assertEqual((reply.verdict, reply.server.get("serverId")), (again.verdict, again.server.get("serverId")))
        given = [reply.server["serverId"] for reply in second if reply.outcome == "applied"]
        self.assertEqual((len(given), len(set(given))), (50, 50))
        self.assertEqual({reply.code for reply in second if reply.outcome != "applied"}, {"quota-exceeded"})
        world.check_story()

    def test_in_the_middle_of_a_snapshot(self):
        world = self.make_world()
        place = world.fresh()
        servers = [world.fresh() for _ in range(1500)]
        world.must_all([("enroll", world.enrollment(server_id, "new", place)) for server_id in servers], seconds=60)
        mark = world.mark()
        world.must("snapshot", {"locationId": place})
        world.event(lambda event: event.name == "snapshot", "the run has begun", after=mark)
        world.worker.kill()
        world.start()
        world.event(lambda event: event.name == "snapshotCompleted", "the run goes on after a crash", 60, mark)
        shown = [event.server_id for event in world.events[mark:] if event.name == "snapshot"]
        self.assertEqual(shown, servers)

    def test_parked_commands_survive(self):
        world = self.make_world(parking__patience="20s")
        server_id = world.fresh()
        body = {"serverId": server_id, "subState": "reserved", "operationUuid": operation()}
        world.send("isolate", body)
        world.ask("isolate", {"serverId": world.server("new"), "subState": "reserved"})
        world.worker.kill()
        world.start()
        world.must("enroll", world.enrollment(server_id))
        world.event(lambda event: event.server_id == server_id and event.name == "isolated", "applied after the crash")
        world.check_story()


class Asked(OwnWorldCase):
    def test_to_stop_under_load(self):
        """SIGTERM: drains, acks, exits 0 within the grace (failure 29)."""
        world = self.make_world(parking__patience="1s")
        load = Load(world, seed=21)
        for _ in range(3):
            load.publish(100)
            heard = len(world.events)
            world.broker.wait(lambda: len(world.events) > heard, "the worker works")
            self.assertEqual(world.worker.terminate(35, pump=world.broker.pump), 0, world.explain())
            world.start()
        load.check()

    def test_to_stop_with_parked_commands(self):
        world = self.make_world(parking__patience="30s")
        world.send("isolate", {"serverId": world.fresh(), "subState": "reserved"})
        world.ask("isolate", {"serverId": world.server("new"), "subState": "reserved"})
        self.assertEqual(world.worker.terminate(35, pump=world.broker.pump), 0, world.explain())

    def test_to_stop_with_the_interrupt_key(self):
        world = self.make_world()
        world.settle()
        world.worker.process.send_signal(signal.SIGINT)
        self.assertEqual(world.worker.wait_end(35, pump=world.broker.pump), 0, world.explain())


class TwoWorkers(OwnWorldCase):
    def test_a_standby_takes_over(self):
        """Failure 30."""
        world = self.make_world()
        first = world.worker
        standby = world.installation.worker()
        self.addCleanup(standby.kill)
        world.broker.wait(lambda: standby.get("/livez")[0] == 200, "the standby lives", 30)
        for _ in range(5):
            world.settle()
        self.assertTrue(standby.is_running, standby.tail())
        self.assertTrue(first.is_running)
        first.kill()
        world.worker = standby
        standby.wait_ready(60, pump=world.broker.pump)
        world.check_story()

    def test_a_store_that_is_not_the_one_of_the_log(self):
        world = self.make_world()
        world.settle()
        self.assertEqual(world.worker.terminate(pump=world.broker.pump), 0)
        other = Installation(world.namespace, startup__patience="5s")
        self.addCleanup(other.remove)
        worker = other.worker()
        self.addCleanup(worker.kill)
        self.assertNotEqual(worker.wait_end(20), 0)
        storeid = world.events[0].body["storeid"]
        self.assertIn(storeid.lower(), worker.output().lower(), "says which store is missing")


class Connections(OwnWorldCase):
    def close_all(self, world):
        if control("close_all_connections", "acceptance suite") is None:
            self.skipTest("OSTLER_TEST_RABBITMQCTL is not set")
        world.broker.reopen()

    def test_closed_by_the_broker(self):
        """Reconnects, subscribes again, publishes what was unconfirmed (failure 9); nothing is dead-lettered."""
        world = self.make_world(parking__patience="1s")
        load = Load(world, seed=31)
        process = world.worker.process
        for _ in range(4):
            load.publish(60)
            self.close_all(world)
        world.worker.wait_ready(60, pump=world.broker.pump)
        load.check()
        self.assertIs(world.worker.process, process)
        self.assertTrue(world.worker.is_running, "the same process all the time")

    def test_a_queue_is_deleted(self):
        """Loud, declared and subscribed again (failure 13)."""
        world = self.make_world()
        world.settle()
        queue = f"{world.namespace}.commands.isolate"
        world.broker.probe(lambda channel: channel.queue_delete(queue))
        world.broker.wait(lambda: world.broker.queue_exists(queue), "declared again", 60)
        body = {"serverId": world.server("new"), "subState": "reserved", "operationUuid": operation()}
        self.assertVerdict(world.ask("isolate", body, seconds=60), "applied")
        self.assertIn(queue, world.worker.output())
        world.worker.wait_ready(60, pump=world.broker.pump)


    def test_the_broker_restarts(self):
        """Queues and messages stay, connections do not (failure 9)."""
        world = self.make_world(parking__patience="1s")
        load = Load(world, seed=41)
        load.publish(80)
        if control("stop_app", timeout=120) is None:
            self.skipTest("OSTLER_TEST_RABBITMQCTL is not set")
        world.broker.reconnect_after(lambda: control("start_app", timeout=120))
        world.worker.wait_ready(90, pump=world.broker.pump)
        load.publish(40)
        load.check()
        self.assertEqual(world.letters("--code", "delivery-limit"), [])

    def test_a_memory_alarm(self):
        """The broker stops reading from those who publish; consuming goes on, events wait in the store (failure 14)."""
        world = self.make_world()
        servers = [world.server("new") for _ in range(20)]
        self.assertEqual(world.worker.terminate(pump=world.broker.pump), 0)
        for server_id in servers:
            world.publish("isolate", {"serverId": server_id, "subState": "reserved", "operationUuid": operation()})
        if control("set_vm_memory_high_watermark", "0.0000001") is None:
            self.skipTest("OSTLER_TEST_RABBITMQCTL is not set")
        try:
            world.worker = world.installation.worker()
            world.wait(
                lambda: all(world.servers()[server_id]["state"] == "isolated" for server_id in servers),
                lambda: f"all are applied during the alarm{world.explain()}", 40)
        finally:
            control("set_vm_memory_high_watermark", "0.4")
        world.worker.wait_ready(60, pump=world.broker.pump)
        world.check_story()

    def test_a_frozen_broker(self):
        """Noticed within two heartbeats; shutdown does not hang (failure 10)."""
        pid = int(os.environ.get("OSTLER_TEST_BROKER_PID") or 0)
        if not pid:
            self.skipTest("OSTLER_TEST_BROKER_PID is not set")
        world = self.make_world(amqp__heartbeat="2s", shutdown__grace="5s", parking__patience="1s")
        load = Load(world, seed=51)
        load.publish(40)
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: not world.worker.is_ready, "readiness turns false", 15)
            self.assertTrue(world.worker.is_running)
        finally:
            os.kill(pid, signal.SIGCONT)
        world.worker.wait_ready(60, pump=world.broker.pump)
        load.check()
        os.kill(pid, signal.SIGSTOP)
        try:
            world.worker.process.send_signal(signal.SIGTERM)
            world.worker.wait_end(20)
        finally:
            os.kill(pid, signal.SIGCONT)


class Store(OwnWorldCase):
    def test_busy(self):
        """Somebody else writes for long: consuming pauses, readiness is false, and it goes on by itself (failure 20)."""
        world = self.make_world()
        server_id = world.server("new")
        blocker = sqlite3.connect(world.installation.settings["store.path"], isolation_level=None, timeout=10)
        self.addCleanup(blocker.close)
        blocker.execute("BEGIN IMMEDIATE")
        pending = world.send("isolate", {"serverId": server_id, "subState": "reserved", "operationUuid": operation()})
        world.broker.wait(lambda: not world.worker.is_ready, "readiness turns false", 60)
        self.assertFalse(pending.is_answered)
        self.assertTrue(world.worker.is_running)
        blocker.execute("ROLLBACK")
        self.assertVerdict(world.wait_all([pending], 60)[0], "applied")
        world.worker.wait_ready(60, pump=world.broker.pump)
        self.assertEqual(world.letters(), [])
        world.check_story()
