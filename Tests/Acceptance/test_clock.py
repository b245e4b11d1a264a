"""Wall clocks that jump (failure 28), and memories that expire (failure 7)."""

import re
import sqlite3
import time

from judge.case import OwnWorldCase
from judge.faults import Faults
from judge.load import Load
from judge.world import operation

DAY = 86_400


class Jumps(OwnWorldCase):
    def test_ahead_and_back_under_load(self):
        """Nothing expires early, no connection and no patience is measured with that clock."""
        world = self.make_world(start=False, parking__patience="40s", amqp__heartbeat="10s", dedup__retention="1h")
        faults = Faults(world.installation)
        world.start()
        load = Load(world, seed=401, servers=8, clients=2)
        server_id = world.fresh()
        world.publish("isolate", {"serverId": server_id, "subState": "reserved", "operationUuid": operation()})
        for ahead in (DAY, -DAY, 400 * DAY, 0):
            faults.set(clock_ahead=ahead)
            load.publish(15)
            heard = len(world.events)
            world.wait(lambda: len(world.events) > heard, "it works", 20)
        faults.set(clock_ahead=400 * DAY)
        # A round of forgetting what has expired, seen by the gauge that it reads before.
        world.publish("unisolate", "no JSON")
        world.wait(
            lambda: re.search(r'^ostler_dead_letters\{state="open"\} [1-9]', world.worker.get("/metrics")[1], re.MULTILINE),
            "a round of maintenance", 40)
        said = world.worker.output()
        self.assertNotIn("not consuming; trying again", said)
        self.assertEqual([event.name for event in world.events_of(server_id)], [], "parked all the time, or refused in its time")
        faults.set(clock_ahead=0)
        load.wait_until_told()
        kept = sqlite3.connect(f"file:{world.installation.settings['store.path']}?mode=ro", uri=True)
        self.addCleanup(kept.close)
        self.assertGreaterEqual(kept.execute("SELECT count(*) FROM operations").fetchone()[0], len(load.sent))


class Patience(OwnWorldCase):
    def test_is_not_that_of_the_wall(self):
        """A parked command waits its three seconds, whatever the wall clock does."""
        world = self.make_world(start=False, parking__patience="3s")
        faults = Faults(world.installation)
        world.start()
        for ahead in (DAY, -DAY):
            faults.set(clock_ahead=0)
            pending = world.send("isolate", {"serverId": world.fresh(), "subState": "reserved"})
            world.settle()
            faults.set(clock_ahead=ahead)
            self.assertEqual(world.wait_all([pending], 30)[0].code, "unknown-server")
            self.assertGreater(pending.seconds, 2.5)
            self.assertLess(pending.seconds, 20)


class Expired(OwnWorldCase):
    def test_a_redelivery_long_after_the_outcome_was_forgotten(self):
        """`notAfter`, `ifVersion`, `allocationId` and `baselineId` refuse it; without any of them it is a new command
        (failure 7)."""
        world = self.make_world(dedup__retention="1s")
        client, place = world.fresh(), world.fresh()
        world.quota(client, place, 5, 10)
        def in_state(state, **fields):
            return world.server(state, place, 5, **fields)
        leased = in_state("allocated", clientId=client)
        allocation = world.ask("quarantine", {"serverId": leased, "caseId": "c"}).allocation["id"]
        world.must("unquarantine", {"serverId": leased, "caseId": "c", "outcome": "restore", "reason": "r"})
        cleaned = in_state("backToBaseline")
        baseline = world.installation.rows("server", cleaned)[0].get("baselineId")
        self.assertTrue(baseline)
        versioned, timed, bare = in_state("new"), in_state("new"), in_state("new")
        over = time.time() + 10
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(over))
        originals = {
            "allocationId": ("deallocate", {"serverId": leased, "clientId": client, "allocationId": allocation}),
            "baselineId": ("available", {"serverId": cleaned, "baselineId": baseline}),
            "ifVersion": ("isolate", {"serverId": versioned, "subState": "reserved", "ifVersion": 1}),
            "notAfter": ("isolate", {"serverId": timed, "subState": "reserved", "notAfter": soon}),
            "nothing": ("isolate", {"serverId": bare, "subState": "reserved"}),
        }
        originals = {note: (command, {**body, "operationUuid": operation()}) for note, (command, body) in originals.items()}
        for note, reply in zip(originals, world.ask_all(originals.values())):
            self.assertEqual(reply.outcome, "applied", f"{note}: {reply}")
        # Life goes on: each of these would hurt if the old command were applied again.
        world.must_all([
            ("available", {"serverId": leased}), ("unisolate", {"serverId": versioned}), ("unisolate", {"serverId": timed}),
            ("unisolate", {"serverId": bare}), ("isolate", {"serverId": cleaned, "subState": "reserved"})])
        world.must("unisolate", {"serverId": cleaned})
        again = world.must("allocate", {"locationId": place, "instanceTypeId": 5, "clientId": client})
        self.assertEqual(again.server["serverId"], leased)
        # The first round of a start forgets what has expired.
        over = max(over, time.time() + 4)
        world.broker.wait(lambda: time.time() > over, "the retention and notAfter are over", 20)
        self.assertEqual(world.worker.terminate(pump=world.broker.pump), 0)
        world.start()
        store = sqlite3.connect(f"file:{world.installation.settings['store.path']}?mode=ro", uri=True)
        self.addCleanup(store.close)
        world.wait(lambda: store.execute("SELECT count(*) FROM operations").fetchone()[0] == 0, "all is forgotten", 40)
        verdicts = dict(zip(originals, (reply.verdict for reply in world.ask_all(originals.values()))))
        self.assertEqual(verdicts, {
            "allocationId": "unchanged", "baselineId": "stale-baseline", "ifVersion": "stale-version", "notAfter": "expired",
            "nothing": "applied"})
        self.assertEqual(world.servers()[leased]["state"], "allocated", "the new allocation is not touched")
        world.check_story()
