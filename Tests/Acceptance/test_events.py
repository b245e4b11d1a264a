"""Section 6: what is published. (`judge/story.py` looks at every single event; these are the particular ones.)"""

import json

from judge import story
from judge.case import PATIENCE, SharedWorldCase
from judge.world import operation


class Events(SharedWorldCase):
    def test_a_life(self):
        """One server through everything: keys, sequences, previous states."""
        world = self.world
        place, client, server_id = world.fresh(), world.fresh(), world.fresh()
        world.quota(client, place, 1, 1)
        server = {"serverId": server_id}
        run = "run"
        steps = [
            ("enroll", {**server, "locationId": place, "instanceTypeId": 1, "name": "n"}, "enrolled.new"),
            ("isolate", {**server, "subState": "incompleteData"}, "isolated.isolated"),
            ("isolate", {**server, "subState": "brokenHardware"}, "isolationUpdated.isolated"),
            ("unisolate", server, "unisolated.backToBaseline"),
            ("available", server, "available.available"),
            ("allocate", {"locationId": place, "instanceTypeId": 1, "clientId": client}, "allocated.allocated"),
            ("quarantine", {**server, "caseId": "c1"}, "quarantined.quarantined"),
            ("quarantine", {**server, "caseId": "c2"}, "quarantineUpdated.quarantined"),
            ("unquarantine", {**server, "caseId": "c2", "outcome": "restore", "reason": run}, None),
            ("unquarantine", {**server, "caseId": "c1", "outcome": "restore", "reason": run}, "unquarantined.allocated"),
            ("compensate", {**server, "clientId": client}, "compensated.backToBaseline"),
            ("reclassify", {**server, "name": "m"}, "reclassified.backToBaseline"),
            ("decommission", server, "decommissioned.decommissioned"),
            ("enroll", {**server, "locationId": place, "instanceTypeId": 2}, "enrolled.new"),
        ]
        previous = None
        for version, (command, body, key) in enumerate(steps, 1):
            with self.subTest(command, version=version):
                op = operation()
                reply = world.must(command, {**body, "operationUuid": op})
                event = world.event_by_id(reply["eventIds"][0])
                story.check_event(event)
                if key is not None:
                    self.assertEqual(event.key, f"server.{key}.{place}")
                self.assertEqual(event.body["sequence"], f"{version:020d}")
                self.assertEqual((event.data["command"], event.operation), (command, op))
                self.assertEqual(event.data.get("previousState"), previous)
                previous = event.data["state"]
        self.assertEqual([event.data["version"] for event in world.events_of(server_id)], list(range(1, len(steps) + 1)))

    def test_fields_that_do_not_apply_are_left_out(self):
        world = self.world
        server_id = world.server("new")
        data = world.event(lambda event: event.server_id == server_id).data
        for name in ("subState", "baselineId", "holds", "heldState", "allocation", "previousState", "reason", "name"):
            if name == "holds":
                self.assertFalse(data.get(name), name)
            else:
                self.assertNotIn(name, data)

    def test_sites_and_engines_bind_what_they_need(self):
        world = self.world
        place = world.fresh()
        heard = {}
        channel = world.broker.sure
        for pattern in ("server.*.backToBaseline.#", "server.quarantined.#", f"server.*.*.{place}", "quota.#", "command.#"):
            queue = f"acceptance.{world.namespace}.{pattern.replace('*', '_').replace('#', '-')}"
            channel.queue_declare(queue, durable=True, arguments={"x-expires": 600_000})
            channel.queue_bind(queue, f"{world.namespace}.events", pattern)
            self.addCleanup(lambda queue=queue: channel.queue_delete(queue))
            heard[pattern] = []
            world.broker.consume(
                queue, lambda _channel, method, _properties, _body, to=heard[pattern]: to.append(method.routing_key),
                auto_ack=True)
        server_id = world.server("new", location=place)
        world.must("unisolate", {"serverId": server_id})
        world.must("quarantine", {"serverId": server_id})
        world.quota(world.fresh(), place, 1, 1)
        world.ask("available", {"serverId": server_id})
        world.settle()
        world.broker.wait(lambda: heard["command.#"] and heard["quota.#"], "commands and quotas are heard")
        self.assertEqual(heard["server.*.backToBaseline.#"], [f"server.unisolated.backToBaseline.{place}"])
        self.assertEqual(heard["server.quarantined.#"], [f"server.quarantined.quarantined.{place}"])
        self.assertEqual(len(heard[f"server.*.*.{place}"]), 3)
        self.assertIn("command.available.rejected", heard["command.#"])

    def test_unchanged(self):
        world = self.world
        reply = world.ask("unisolate", {"serverId": world.server("backToBaseline"), "operationUuid": operation()})
        event = world.event_by_id(reply["eventIds"][0])
        self.assertEqual((event.key, event.type), ("command.unisolate.unchanged", "ostler.command.unchanged.v1"))
        self.assertEqual(event.operation, reply["operationUuid"].lower())

    def test_rejected(self):
        world = self.world
        client = world.fresh()
        server_id = world.server("new")
        secret = "do not repeat me"
        reply = world.ask("compensate", {"serverId": server_id, "clientId": client, "reason": secret})
        event = world.event_by_id(reply["eventIds"][0])
        self.assertEqual((event.key, event.type), ("command.compensate.rejected", "ostler.command.rejected.v1"))
        self.assertEqual(
            (event.data["serverId"], event.data["clientId"], event.data["error"]["code"]),
            (server_id, client, "client-mismatch"))
        self.assertEqual(event.body.get("subject"), str(server_id))
        self.assertNotIn(secret, json.dumps(event.body), "never the body")

    def test_one_event_a_version_under_a_crowd(self):
        world = self.world
        servers = [world.fresh() for _ in range(20)]
        world.must_all([("enroll", world.enrollment(server_id)) for server_id in servers])
        pending = []
        for _ in range(5):
            for server_id in servers:
                pending.append(world.send("isolate", {"serverId": server_id, "subState": "reserved"}))
                pending.append(world.send("unisolate", {"serverId": server_id}))
        world.wait_all(pending)
        world.settle()
        for server_id in servers:
            versions = [event.data["version"] for event in world.events_of(server_id) if event.changes_state]
            self.assertEqual(versions, list(range(1, len(versions) + 1)))


class Snapshots(SharedWorldCase):
    def scene(self):
        world = self.world
        place = world.fresh()
        servers = [world.fresh() for _ in range(4)]
        world.must_all([("enroll", world.enrollment(server_id, state, place)) for server_id, state in zip(
            reversed(servers), ["new", "allocated", "isolated", "quarantined"])])
        world.must("unisolate", {"serverId": servers[3]})
        return place, servers

    def test_a_location(self):
        world = self.world
        place, servers = self.scene()
        mark = world.mark()
        reply = world.must("snapshot", {"locationId": place})
        done = world.event(lambda event: event.name == "snapshotCompleted", "the end of the run", after=mark)
        self.assertEqual(done.key, "server.snapshotCompleted")
        self.assertIn(4, [value for value in done.data.values() if type(value) is int], "with a count")
        shown = [event for event in world.events[mark:] if event.name == "snapshot"]
        self.assertEqual([event.server_id for event in shown], servers, "in ascending order")
        for event in shown:
            story.check_event(event)
            self.assertEqual(event.key, f"server.snapshot.{event.data['state']}.{place}")
        self.assertEqual([event.data["version"] for event in shown], [1, 1, 1, 2])
        self.assertIn("allocation", shown[2].data)
        self.assertTrue(reply.outcome)

    def test_one_server(self):
        world = self.world
        _, servers = self.scene()
        mark = world.mark()
        world.must("snapshot", {"serverId": servers[0]})
        world.event(lambda event: event.name == "snapshotCompleted", "the end of the run", after=mark)
        shown = [event for event in world.events[mark:] if event.name == "snapshot"]
        self.assertEqual([event.server_id for event in shown], [servers[0]])
        self.assertEqual(world.servers()[servers[0]]["version"], 1, "no change")

    def test_everything(self):
        world = self.world
        self.scene()
        mark = world.mark()
        world.must("snapshot", {})
        world.event(lambda event: event.name == "snapshotCompleted", "the end of the run", after=mark, seconds=60)
        shown = [event for event in world.events[mark:] if event.name == "snapshot"]
        told = {event.server_id: event.data["version"] for event in shown}
        self.assertEqual(list(told), sorted(told))
        self.assertEqual(told, {server_id: row["version"] for server_id, row in world.servers().items()})

    def test_an_unknown_server_is_not_waited_for(self):
        world = self.world
        pending = world.send("snapshot", {"serverId": world.fresh()})
        self.assertVerdict(world.wait_all([pending])[0], "unknown-server")
        self.assertLess(pending.seconds, PATIENCE)

    def test_an_empty_location(self):
        world = self.world
        mark = world.mark()
        world.must("snapshot", {"locationId": world.fresh()})
        done = world.event(lambda event: event.name == "snapshotCompleted", "the end of the run", after=mark)
        self.assertIn(0, [value for value in done.data.values() if type(value) is int])
