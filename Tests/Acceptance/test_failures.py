"""failures.md: both promises, checked from outside after failures.

In = out: every confirmed command ends as exactly one of applied, unchanged, rejected, or kept as a dead letter.
The story is whole: events without duplicates carry the versions 1..n, and the last equals the store.
"""

import random
import signal

from judge.case import OwnWorldCase
from judge.load import KIND, Load
from judge.process import Installation
from judge.waiting import wait_until
from judge.world import operation


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

    def test_to_stop_twice_under_load(self):
        """The second signal ends it at once, and nothing is lost (failure 29)."""
        world = self.make_world(parking__patience="1s", shutdown__grace="10m")
        load = Load(world, seed=22)
        for _ in range(2):
            load.publish(150)
            heard = len(world.events)
            world.broker.wait(lambda: len(world.events) > heard, "the worker works")
            for _ in range(2):
                world.worker.process.send_signal(signal.SIGTERM)
                wait_until(
                    lambda: "a second signal stops at once" in world.worker.output() or not world.worker.is_running,
                    "it has heard", 10)
            # It may have been done before the second one came.
            self.assertIn(world.worker.wait_end(30), (0, 1), world.explain())
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
