"""Section 3, parking: commands travel in separate queues, so one may overtake another."""

import time

from judge.case import PATIENCE, OwnWorldCase, SharedWorldCase
from judge.world import operation


class ParkingCase(SharedWorldCase):
    def setUp(self):
        super().setUp()
        self.other = self.world.server("backToBaseline")

    def park(self, command, body, **more):
        """Sends a command that has to wait, and returns when the worker has it: a later message of the same queue was
        answered. A queue keeps its order, so the first one was looked at before."""
        pending = self.world.send(command, body, **more)
        self.world.ask(*self.barrier(command))
        self.assertFalse(pending.is_answered, f"it was to wait: {pending.replies}")
        return pending

    def barrier(self, command):
        """A command of that name that is decided at once, whatever the answer."""
        other = {"serverId": self.other, "operationUuid": operation()}
        if command == "isolate":
            other["subState"] = "reserved"
        if command == "unquarantine":
            other.update(outcome="restore", reason="barrier")
        if command == "reclassify":
            other["locationId"] = 1
        if command in ("deallocate", "compensate"):
            other["clientId"] = 5
        return command, other


class Overtaking(ParkingCase):
    def test_isolate_before_enroll(self):
        world = self.world
        server_id = world.fresh()
        early = self.park("isolate", {"serverId": server_id, "subState": "reserved", "operationUuid": operation()})
        world.must("enroll", world.enrollment(server_id))
        reply = world.wait_all([early])[0]
        self.assertVerdict(reply, "applied")
        self.assertEqual((reply.state, reply.version), ("isolated", 2))
        self.assertLess(early.seconds, PATIENCE, "decided when the server changed, not when patience ended")

    def test_every_command_waits_for_its_server(self):
        world = self.world
        client = world.fresh()
        cases = {
            "isolate": ({"subState": "reserved"}, "applied", {}),
            "unisolate": ({}, "applied", {}),
            "available": ({}, "applied", {"state": "backToBaseline"}),
            "quarantine": ({}, "applied", {}),
            "unquarantine": ({"outcome": "restore", "reason": "x"}, "unchanged", {}),
            "reclassify": ({"locationId": 8}, "applied", {}),
            "decommission": ({}, "applied", {}),
            "deallocate": ({"clientId": client}, "applied", {"state": "allocated", "clientId": client}),
            "compensate": ({"clientId": client}, "applied", {"state": "allocated", "clientId": client}),
        }
        servers = {command: world.fresh() for command in cases}
        early = {
            command: world.send(command, {"serverId": servers[command], "operationUuid": operation(), **fields})
            for command, (fields, _, _) in cases.items()}
        world.ask_all([self.barrier(command) for command in cases])  # each queue has been read up to here
        world.must_all([
            ("enroll", {**world.enrollment(servers[command]), **enrolled}) for command, (_, _, enrolled) in cases.items()])
        replies = world.wait_all(early.values())
        for (command, (_, verdict, _)), reply in zip(cases.items(), replies):
            with self.subTest(command):
                self.assertVerdict(reply, verdict)

    def test_deallocate_frees_a_waiting_isolate(self):
        world = self.world
        client = world.fresh()
        server_id = world.server("allocated", clientId=client)
        early = self.park("isolate", {"serverId": server_id, "subState": "brokenHardware", "operationUuid": operation()})
        world.must("deallocate", {"serverId": server_id, "clientId": client})
        reply = world.wait_all([early])[0]
        self.assertVerdict(reply, "applied")
        self.assertEqual((reply.state, reply.version), ("isolated", 3))

    def test_later_commands_wait_behind(self):
        """`unisolate` on an allocated server would be unchanged at once; behind a parked `isolate` it waits."""
        world = self.world
        client = world.fresh()
        server_id = world.server("allocated", clientId=client)
        first = self.park("isolate", {"serverId": server_id, "subState": "reserved", "operationUuid": operation()})
        second = self.park("unisolate", {"serverId": server_id, "operationUuid": operation()})
        third = self.park("available", {"serverId": server_id, "operationUuid": operation()})
        world.must("deallocate", {"serverId": server_id, "clientId": client})
        replies = world.wait_all([first, second, third])
        self.assertEqual(
            [(reply.verdict, reply.state, reply.version) for reply in replies],
            [("applied", "isolated", 3), ("applied", "backToBaseline", 4), ("applied", "available", 5)])

    def test_quarantine_does_not_wait(self):
        world = self.world
        server_id = world.server("allocated")
        early = self.park("isolate", {"serverId": server_id, "subState": "reserved", "operationUuid": operation()})
        frozen = world.ask("quarantine", {"serverId": server_id})
        self.assertVerdict(frozen, "applied")
        self.assertEqual(frozen.version, 2)
        self.assertVerdict(world.wait_all([early])[0], "server-quarantined")
        self.assertLess(early.seconds, PATIENCE, "decided again when the server changed")

    def test_a_copy_of_a_decided_command_is_answered_at_once(self):
        world = self.world
        client = world.fresh()
        server_id = world.server("new")
        decided = {"serverId": server_id, "operationUuid": operation(), "subState": "excluded"}
        self.assertVerdict(world.ask("isolate", decided), "applied")
        world.must("unisolate", {"serverId": server_id})
        place = world.fresh()
        world.must("reclassify", {"serverId": server_id, "locationId": place})
        world.must("available", {"serverId": server_id})
        world.quota(client, place, 1, 1)
        world.must("allocate", {"locationId": place, "instanceTypeId": 1, "clientId": client})
        waiting = self.park("isolate", {"serverId": server_id, "operationUuid": operation(), "subState": "reserved"})
        copy = world.ask("isolate", decided, seconds=PATIENCE * 0.8)
        self.assertVerdict(copy, "applied")
        self.assertTrue(copy.is_duplicate)
        self.assertFalse(waiting.is_answered)
        world.must("deallocate", {"serverId": server_id, "clientId": client})
        self.assertVerdict(world.wait_all([waiting])[0], "applied")

    def test_a_copy_of_a_parked_command(self):
        world = self.world
        server_id = world.fresh()
        body = {"serverId": server_id, "subState": "reserved", "operationUuid": operation()}
        pendings = [self.park("isolate", body), self.park("isolate", body)]
        world.must("enroll", world.enrollment(server_id))
        replies = world.wait_all(pendings)
        self.assertEqual([reply.verdict for reply in replies], ["applied", "applied"])
        self.assertEqual(sorted(reply.is_duplicate for reply in replies), [False, True])


class Patience(ParkingCase):
    def test_patience_over(self):
        world = self.world
        allocated = world.server("allocated")
        cases = [
            ("isolate", {"serverId": world.fresh(), "subState": "reserved"}, "unknown-server"),
            ("isolate", {"serverId": allocated, "subState": "reserved"}, "server-allocated"),
            ("decommission", {"serverId": world.server("allocated")}, "server-allocated"),
            ("quarantine", {"serverId": world.server("new"), "ifVersion": 2}, "stale-version"),
            ("isolate", {"serverId": world.server("isolated"), "subState": "reserved", "ifVersion": 9}, "stale-version"),
        ]
        sent = [world.send(command, {**body, "operationUuid": operation()}) for command, body, _ in cases]
        for (command, _, code), pending, reply in zip(cases, sent, world.wait_all(sent, PATIENCE + 10)):
            with self.subTest(command, code=code):
                self.assertVerdict(reply, code)
                self.assertGreater(pending.seconds, PATIENCE * 0.8)

    def test_not_after_is_looked_at_again(self):
        world = self.world
        server_id = world.fresh()
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
        waiting = world.send("isolate", {"serverId": server_id, "subState": "reserved", "notAfter": soon})
        reply = world.wait_all([waiting], PATIENCE + 10)[0]
        self.assertVerdict(reply, "expired")

    def test_if_version_ahead(self):
        world = self.world
        server_id = world.server("new")
        ahead = self.park(
            "isolate", {"serverId": server_id, "subState": "reserved", "ifVersion": 2, "operationUuid": operation()})
        # Nothing waits behind a command that is parked for its ifVersion alone.
        moved = world.ask("reclassify", {"serverId": server_id, "locationId": 4}, seconds=PATIENCE * 0.8)
        self.assertVerdict(moved, "applied")
        reply = world.wait_all([ahead])[0]
        self.assertVerdict(reply, "applied")
        self.assertEqual(reply.version, 3)
        self.assertLess(ahead.seconds, PATIENCE)

    def test_if_version_passed_by(self):
        """Two commands wait for the same version: only one can have it."""
        world = self.world
        server_id = world.server("new")
        bodies = [{"serverId": server_id, "subState": name, "ifVersion": 2} for name in ("reserved", "excluded")]
        waiting = [self.park("isolate", {**body, "operationUuid": operation()}) for body in bodies]
        world.must("reclassify", {"serverId": server_id, "locationId": 4})
        replies = world.wait_all(waiting, PATIENCE + 10)
        self.assertEqual(sorted(reply.verdict for reply in replies), ["applied", "stale-version"])


class FullLot(OwnWorldCase):
    def test_a_full_lot(self):
        world = self.make_world(parking__limit="3", parking__patience="8s")

        def isolate(server_id, reason):
            body = {"serverId": server_id, "subState": "reserved", "reason": reason, "operationUuid": operation()}
            return world.send("isolate", body)

        same = world.fresh()
        parked = [isolate(world.fresh(), "a"), isolate(same, "first"), isolate(same, "second")]
        other = isolate(world.fresh(), "one too many")
        self.assertVerdict(world.wait_all([other], 6)[0], "unknown-server", "decided at once")
        self.assertFalse(any(pending.is_answered for pending in parked))
        # For a server that has some parked: those first, in arrival order, then it.
        last = isolate(same, "third")
        replies = world.wait_all([parked[1], parked[2], last], 6)
        self.assertEqual([reply.verdict for reply in replies], ["unknown-server"] * 3)
        self.assertLessEqual(parked[1].answered_at, last.answered_at)
        self.assertFalse(parked[0].is_answered)
        # The lot has room again.
        late = isolate(world.fresh(), "room")
        world.settle()
        self.assertFalse(late.is_answered)
        self.assertVerdict(world.wait_all([parked[0], late], 20)[0], "unknown-server")
