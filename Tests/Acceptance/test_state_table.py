"""Section 3: every cell of the state table, and its footnotes."""

import json

from judge.case import PATIENCE, SharedWorldCase
from judge.world import operation

STATES = ["new", "backToBaseline", "available", "allocated", "isolated", "quarantined", "decommissioned", "unknown"]

# "> state event" applied; "=" unchanged; "x code" rejected at once; "wait code" rejected when patience is over.
UNKNOWN = "wait unknown-server"
GONE = "x server-decommissioned"
FROZEN = "x server-quarantined"
TABLE = {
    "isolate": [
        "> isolated isolated", "> isolated isolated", "> isolated isolated", "wait server-allocated",
        "> isolated isolationUpdated", FROZEN, GONE, UNKNOWN],
    "unisolate": [
        "> backToBaseline unisolated", "=", "=", "=", "> backToBaseline unisolated", FROZEN, GONE, UNKNOWN],
    "available": [
        "x not-in-baseline", "> available available", "=", "x not-in-baseline", "x not-in-baseline", FROZEN, GONE, UNKNOWN],
    "quarantine": [
        "> quarantined quarantined", "> quarantined quarantined", "> quarantined quarantined", "> quarantined quarantined",
        "> quarantined quarantined", "> quarantined quarantineUpdated", GONE, UNKNOWN],
    "unquarantine": ["=", "=", "=", "=", "=", "> backToBaseline unquarantined", GONE, UNKNOWN],
    "reclassify": [
        "> new reclassified", "> backToBaseline reclassified", "x server-in-service", "x server-in-service",
        "> isolated reclassified", FROZEN, GONE, UNKNOWN],
    "decommission": [
        "> decommissioned decommissioned", "> decommissioned decommissioned", "> decommissioned decommissioned",
        "wait server-allocated", "> decommissioned decommissioned", FROZEN, "=", UNKNOWN],
    "deallocate": [  # by a client that never had the server
        "x client-mismatch", "x client-mismatch", "x client-mismatch", "x client-mismatch", "x client-mismatch",
        "x client-mismatch", "x client-mismatch", UNKNOWN],
    "compensate": [
        "x client-mismatch", "x client-mismatch", "x client-mismatch", "x client-mismatch", "x client-mismatch",
        "x client-mismatch", "x client-mismatch", UNKNOWN],
}
STRANGER = 999_999
BODIES = {
    "isolate": {"subState": "brokenHardware", "reason": "table"},
    "unisolate": {},
    "available": {},
    "quarantine": {"caseId": "case-table"},
    "unquarantine": {"outcome": "baseline", "reason": "table"},
    "reclassify": {"locationId": 77},
    "decommission": {},
    "deallocate": {"clientId": STRANGER},
    "compensate": {"clientId": STRANGER},
}
ACCEPTED_IN = {"unisolate": "isolated", "unquarantine": "quarantined", "available": "backToBaseline"}


def scenes(world, states):
    """A server in each state, in that order; returns their ids."""
    bodies = [
        world.enrollment(world.fresh(), {"decommissioned": "new", "unknown": "new"}.get(state, state)) for state in states]
    world.must_all([("enroll", body) for state, body in zip(states, bodies) if state != "unknown"])
    gone = [body["serverId"] for state, body in zip(states, bodies) if state == "decommissioned"]
    world.must_all([("decommission", {"serverId": server_id}) for server_id in gone])
    return [body["serverId"] for body in bodies]


class StateTable(SharedWorldCase):
    def test_every_cell(self):
        world = self.world
        cells = [(command, state, cell) for command, row in TABLE.items() for state, cell in zip(STATES, row)]
        servers = scenes(world, [state for _, state, _ in cells])
        sent = [
            world.send(command, {"serverId": server_id, "operationUuid": operation(), **BODIES[command]})
            for (command, _, _), server_id in zip(cells, servers)]
        replies = world.wait_all(sent, seconds=PATIENCE + 15)
        for (command, state, cell), server_id, pending, reply in zip(cells, servers, sent, replies):
            with self.subTest(command=command, state=state):
                self.check_cell(command, state, cell, server_id, pending, reply)

    def check_cell(self, command, state, cell, server_id, pending, reply):
        before = 2 if state == "decommissioned" else 1
        how, _, rest = cell.partition(" ")
        if how == ">":
            expected_state, event_name = rest.split()
            self.assertVerdict(reply, "applied")
            self.assertEqual((reply.state, reply.version), (expected_state, before + 1), reply)
            event = self.world.event_by_id(reply["eventIds"][0])
            self.assertEqual(event.key, f"server.{event_name}.{expected_state}.{reply.server['locationId']}")
            self.assertEqual(event.data.get("previousState"), state)
            self.assertEqual({**event.data}, {key: value for key, value in reply.server.items() if key != "current"})
        elif how == "=":
            self.assertVerdict(reply, "unchanged")
            if reply.server:
                self.assertEqual((reply.state, reply.version), (state, before), reply)
            event = self.world.event_by_id(reply["eventIds"][0])
            self.assertEqual(event.key, f"command.{command}.unchanged")
        else:
            self.assertVerdict(reply, rest)
            event = self.world.event(
                lambda event: event.name == "rejected" and event.server_id == server_id, "the refusal as an event")
            self.assertEqual(event.key, f"command.{command}.rejected")
            self.assertEqual(event.data["error"]["code"], rest)
            self.assertIn("deadLetterId", reply.body)
            if how == "wait":
                self.assertGreater(pending.seconds, PATIENCE * 0.8, "patience was not used")
            else:
                self.assertLess(pending.seconds, PATIENCE, "nothing was to be waited for")
            if rest in ("server-allocated", "server-quarantined", "server-in-service", "not-in-baseline"):
                details = json.dumps(reply["error"].get("details"))
                self.assertIn(state, details, "details: the state now")
                self.assertIn("quarantine", details, "details: the commands that it accepts")

    def test_enroll_in_every_state(self):
        """Footnote ⁵."""
        world = self.world
        known = STATES[:6]
        servers = scenes(world, known * 2)
        same = [{"serverId": server_id, "locationId": 1, "instanceTypeId": 1} for server_id in servers[:6]]
        other = [{"serverId": server_id, "locationId": 2, "instanceTypeId": 1} for server_id in servers[6:]]
        for state, reply in zip(known, world.ask_all([("enroll", body) for body in same])):
            with self.subTest("same", state=state):
                self.assertVerdict(reply, "unchanged")
        for state, reply in zip(known, world.ask_all([("enroll", body) for body in other])):
            with self.subTest("other", state=state):
                self.assertVerdict(reply, "server-exists")

    def test_enroll_compares_the_name_only_when_given(self):
        world = self.world
        server_id = world.server("new", name="rack 7")
        body = {"serverId": server_id, "locationId": 1, "instanceTypeId": 1}
        self.assertVerdict(world.ask("enroll", body), "unchanged")
        self.assertVerdict(world.ask("enroll", {**body, "name": "rack 7"}), "unchanged")
        self.assertVerdict(world.ask("enroll", {**body, "name": "rack 8"}), "server-exists")

    def test_enroll_after_decommission(self):
        """→ the given state; the version goes on counting."""
        world = self.world
        states = STATES[:6]
        servers = scenes(world, ["decommissioned"] * 6)
        replies = world.ask_all([
            ("enroll", world.enrollment(server_id, state, location=5, kind=6)) for server_id, state in zip(servers, states)])
        for state, reply in zip(states, replies):
            with self.subTest(state=state):
                self.assertVerdict(reply, "applied")
                self.assertEqual((reply.state, reply.version), (state, 3), reply)
                self.assertEqual(reply.server["locationId"], 5)
                self.assertEqual(self.world.event_by_id(reply["eventIds"][0]).key, f"server.enrolled.{state}.5")


class Deallocate(SharedWorldCase):
    """The rows `deallocate` and `compensate`, with footnote ¹."""

    def allocated(self, client=None, state="allocated"):
        client = client or self.world.fresh()
        server_id = self.world.server(state, clientId=client)
        return server_id, client

    def test_owner(self):
        for command, event_name, billable in (("deallocate", "deallocated", True), ("compensate", "compensated", False)):
            for state, after in (("allocated", "backToBaseline"), ("quarantined", "quarantined")):
                with self.subTest(command=command, state=state):
                    server_id, client = self.allocated(state=state)
                    reply = self.world.ask(command, {"serverId": server_id, "clientId": client})
                    self.assertVerdict(reply, "applied")
                    self.assertEqual((reply.state, reply.version), (after, 2), reply)
                    event = self.world.event_by_id(reply["eventIds"][0])
                    self.assertEqual(event.key, f"server.{event_name}.{after}.1")
                    allocation = event.data["allocation"]
                    self.assertEqual(
                        (allocation["clientId"], allocation["endedBy"], allocation["billable"]), (client, command, billable))
                    self.assertIn("endedAt", allocation)

    def test_allocation_id(self):
        world = self.world
        for command in ("deallocate", "compensate"):
            with self.subTest(command=command):
                server_id, client = self.allocated()
                allocation_id = world.event(lambda event: event.server_id == server_id).data["allocation"]["id"]
                wrong = world.ask(command, {"serverId": server_id, "clientId": client, "allocationId": operation()})
                self.assertVerdict(wrong, "unknown-allocation")
                other = world.ask(command, {"serverId": server_id, "clientId": STRANGER, "allocationId": allocation_id})
                self.assertVerdict(other, "client-mismatch")
                right = world.ask(
                    command, {"serverId": server_id, "clientId": client, "allocationId": allocation_id.upper()})
                self.assertVerdict(right, "applied")

    def after(self, *steps):
        """A server that `client` had and gave back, then taken through more commands; returns (server, client)."""
        server_id, client = self.allocated()
        self.world.must("deallocate", {"serverId": server_id, "clientId": client})
        for command, body in steps:
            self.world.must(command, {"serverId": server_id, **body})
        return server_id, client

    def test_former_client(self):
        """= where that client's allocation has ended; a later tenant is never touched."""
        world = self.world
        tenant = world.fresh()
        cases = {
            "backToBaseline": [],
            "available": [("available", {})],
            "isolated": [("isolate", {"subState": "reserved"})],
            "quarantined": [("quarantine", {})],
            "decommissioned": [("decommission", {})],
        }
        for state, steps in cases.items():
            with self.subTest(state=state):
                server_id, client = self.after(*steps)
                self.assertVerdict(world.ask("deallocate", {"serverId": server_id, "clientId": client}), "unchanged")
                self.assertVerdict(
                    world.ask("compensate", {"serverId": server_id, "clientId": client}), "already-deallocated")
                self.assertVerdict(
                    world.ask("deallocate", {"serverId": server_id, "clientId": STRANGER}), "client-mismatch")
        with self.subTest("a later tenant"):
            location = world.fresh()
            server_id, client = self.allocated()
            world.must("deallocate", {"serverId": server_id, "clientId": client})
            world.must("reclassify", {"serverId": server_id, "locationId": location})
            world.must("available", {"serverId": server_id})
            world.quota(tenant, location, 1, 5)
            reply = world.must("allocate", {"locationId": location, "instanceTypeId": 1, "clientId": tenant})
            self.assertEqual(reply.server["serverId"], server_id)
            again = world.ask("deallocate", {"serverId": server_id, "clientId": client})
            self.assertVerdict(again, "unchanged")
            world.must("deallocate", {"serverId": server_id, "clientId": tenant,
                                      "allocationId": reply.allocation["id"]})

    def test_former_client_by_allocation_id(self):
        world = self.world
        server_id, client = self.allocated()
        ended = world.must("deallocate", {"serverId": server_id, "clientId": client}).allocation["id"]
        body = {"serverId": server_id, "clientId": client, "allocationId": ended}
        self.assertVerdict(world.ask("deallocate", body), "unchanged")
        self.assertVerdict(world.ask("compensate", body), "already-deallocated")
        self.assertVerdict(world.ask("deallocate", {**body, "allocationId": operation()}), "unknown-allocation")
        self.assertVerdict(world.ask("deallocate", {**body, "clientId": STRANGER}), "client-mismatch")

    def test_an_old_allocation_id_does_not_end_the_new_allocation_of_the_same_client(self):
        world = self.world
        location, client = world.fresh(), world.fresh()
        world.quota(client, location, 1, 5)
        server_id = world.server("available", location=location)
        first = world.must("allocate", {"locationId": location, "instanceTypeId": 1, "clientId": client})
        world.must("deallocate", {"serverId": server_id, "clientId": client})
        world.must("available", {"serverId": server_id})
        second = world.must("allocate", {"locationId": location, "instanceTypeId": 1, "clientId": client})
        self.assertNotEqual(first.allocation["id"], second.allocation["id"])
        old = {"serverId": server_id, "clientId": client, "allocationId": first.allocation["id"]}
        reply = world.ask("deallocate", old)
        self.assertVerdict(reply, "unchanged")
        self.assertEqual(world.servers()[server_id]["state"], "allocated")
        # Without the id, "the current allocation of that client" is what is meant.
        self.assertVerdict(world.ask("deallocate", {"serverId": server_id, "clientId": client}), "applied")

    def test_compensate_twice(self):
        world = self.world
        server_id, client = self.allocated()
        world.must("compensate", {"serverId": server_id, "clientId": client, "reason": "no network"})
        self.assertVerdict(world.ask("compensate", {"serverId": server_id, "clientId": client}), "unchanged")
        self.assertVerdict(world.ask("deallocate", {"serverId": server_id, "clientId": client}), "unchanged")

    def test_allocations_before_the_last_enrolment_do_not_count(self):
        world = self.world
        server_id, client = self.allocated()
        ended = world.must("deallocate", {"serverId": server_id, "clientId": client}).allocation["id"]
        world.must("decommission", {"serverId": server_id})
        world.must("enroll", {"serverId": server_id, "locationId": 1, "instanceTypeId": 1})
        self.assertVerdict(world.ask("deallocate", {"serverId": server_id, "clientId": client}), "client-mismatch")
        self.assertVerdict(
            world.ask("deallocate", {"serverId": server_id, "clientId": client, "allocationId": ended}),
            "unknown-allocation")


class Isolate(SharedWorldCase):
    def test_same_cause_and_reason(self):
        world = self.world
        server_id = world.server("new")
        cause = {"serverId": server_id, "subState": "reserved", "reason": "for the fair"}
        self.assertVerdict(world.ask("isolate", cause), "applied")
        self.assertVerdict(world.ask("isolate", cause), "unchanged")
        changed = world.ask("isolate", {**cause, "reason": "for the other fair"})
        self.assertVerdict(changed, "applied")
        self.assertEqual(world.event_by_id(changed["eventIds"][0]).name, "isolationUpdated")
        changed = world.ask("isolate", {**cause, "subState": "excluded"})
        self.assertVerdict(changed, "applied")
        self.assertEqual((changed.version, changed.server["subState"]), (4, "excluded"))

    def test_every_sub_state(self):
        world = self.world
        for name in ("backToBaseline", "excluded", "reserved", "brokenHardware", "incompleteData", "failedOsInstall",
                     "unknownError", "rentedLegacy"):
            with self.subTest(name):
                reply = world.ask("isolate", {"serverId": world.server("new"), "subState": name})
                self.assertVerdict(reply, "applied")
                self.assertEqual(reply.server["subState"], name)

    def test_baseline_id(self):
        """Footnote ²."""
        world = self.world
        for command, fields in (("isolate", {"subState": "unknownError"}), ("available", {})):
            with self.subTest(command):
                server_id = world.server("new")
                run = world.must("unisolate", {"serverId": server_id}).server["baselineId"]
                body = {"serverId": server_id, **fields}
                self.assertVerdict(world.ask(command, {**body, "baselineId": operation()}), "stale-baseline")
                self.assertVerdict(world.ask(command, {**body, "baselineId": run}), "applied")

    def test_every_entry_gets_a_fresh_baseline_id(self):
        world = self.world
        server_id = world.server("new")
        seen = set()
        for _ in range(3):
            seen.add(world.must("unisolate", {"serverId": server_id}).server["baselineId"])
            world.must("isolate", {"serverId": server_id, "subState": "backToBaseline"})
        self.assertEqual(len(seen), 3)

    def test_nothing_becomes_available_but_out_of_baseline(self):
        world = self.world
        server_id = world.server("new")
        world.must("unisolate", {"serverId": server_id})
        reply = world.ask("available", {"serverId": server_id})
        self.assertVerdict(reply, "applied")
        self.assertEqual((reply.state, reply.version), ("available", 3))


class Quarantine(SharedWorldCase):
    """Footnotes ³ and ⁴."""

    def frozen(self, state, cases=(None,), **fields):
        server_id = self.world.server(state, **fields)
        for case in cases:
            self.world.must("quarantine", {"serverId": server_id, **({"caseId": case} if case else {})})
        return server_id

    def release(self, server_id, outcome="restore", case=None, **more):
        body = {"serverId": server_id, "outcome": outcome, "reason": "closed", **more}
        return self.world.ask("unquarantine", {**body, **({"caseId": case} if case else {})})

    def test_same_case_is_unchanged_another_case_is_one_more_hold(self):
        world = self.world
        server_id = self.frozen("available", ["A-1"])
        self.assertVerdict(world.ask("quarantine", {"serverId": server_id, "caseId": "A-1"}), "unchanged")
        reply = world.ask("quarantine", {"serverId": server_id, "caseId": "B-2"})
        self.assertVerdict(reply, "applied")
        self.assertEqual(sorted(map(str, reply.server["holds"])), ["A-1", "B-2"])
        self.assertEqual(world.event_by_id(reply["eventIds"][0]).name, "quarantineUpdated")
        reply = world.ask("quarantine", {"serverId": server_id})
        self.assertVerdict(reply, "applied", "the hold without a case is one of its own")
        self.assertVerdict(world.ask("quarantine", {"serverId": server_id}), "unchanged")

    def test_holds_are_released_one_by_one(self):
        server_id = self.frozen("new", ["A", "B", None])
        self.assertVerdict(self.release(server_id, case="C"), "unchanged")
        reply = self.release(server_id, case="A")
        self.assertVerdict(reply, "applied")
        self.assertEqual(reply.state, "quarantined")
        reply = self.release(server_id)
        self.assertVerdict(reply, "applied", "the hold without a case")
        self.assertEqual(reply.state, "quarantined")
        reply = self.release(server_id, case="B")
        self.assertVerdict(reply, "applied")
        self.assertEqual((reply.state, reply.version), ("new", 7))

    def test_restore_what_was_there(self):
        cases = {
            "new": ("new", {}),
            "allocated": ("allocated", {}),
            "isolated": ("isolated", {"subState": "failedOsInstall", "reason": "as before"}),
            "available": ("backToBaseline", {}),
            "backToBaseline": ("backToBaseline", {}),
        }
        for before, (after, fields) in cases.items():
            with self.subTest(before):
                server_id = self.frozen(before, **fields)
                reply = self.release(server_id)
                self.assertVerdict(reply, "applied")
                self.assertEqual((reply.state, reply.version), (after, 3), reply)
                if before == "isolated":
                    self.assertEqual((reply.server["subState"], reply.server["reason"]), ("failedOsInstall", "as before"))

    def test_the_allocation_stays(self):
        world = self.world
        client = world.fresh()
        server_id = world.server("allocated", clientId=client)
        allocation = world.event(lambda event: event.server_id == server_id).data["allocation"]
        frozen = world.must("quarantine", {"serverId": server_id, "caseId": "X", "reason": "asked for"})
        self.assertEqual(frozen.allocation, allocation)
        self.assertEqual(frozen.server["heldState"]["state"], "allocated")
        restored = self.release(server_id, case="X")
        self.assertEqual((restored.state, restored.allocation), ("allocated", allocation))

    def test_the_held_state_of_an_isolated_server(self):
        server_id = self.frozen("isolated", subState="brokenHardware", reason="dead disk")
        event = self.world.event(lambda event: event.server_id == server_id and event.name == "quarantined")
        self.assertEqual(
            event.data["heldState"], {"state": "isolated", "subState": "brokenHardware", "reason": "dead disk"})

    def test_an_allocation_that_ended_meanwhile_is_not_restored(self):
        world = self.world
        client = world.fresh()
        server_id = self.frozen("allocated", clientId=client)
        ended = world.must("deallocate", {"serverId": server_id, "clientId": client})
        self.assertEqual(ended.state, "quarantined")
        reply = self.release(server_id)
        self.assertVerdict(reply, "applied")
        self.assertEqual(reply.state, "backToBaseline")

    def test_baseline_ends_the_allocation(self):
        world = self.world
        client = world.fresh()
        server_id = self.frozen("allocated", clientId=client)
        reply = self.release(server_id, "baseline")
        self.assertVerdict(reply, "applied")
        self.assertEqual((reply.state, reply.allocation["endedBy"], reply.allocation["billable"]),
                         ("backToBaseline", "unquarantine", True), reply)
        self.assertVerdict(world.ask("deallocate", {"serverId": server_id, "clientId": client}), "unchanged")

    def test_baseline_is_refused_while_others_hold(self):
        server_id = self.frozen("available", ["A", "B"])
        self.assertVerdict(self.release(server_id, "baseline", case="A"), "held-by-other-case")
        self.assertVerdict(self.release(server_id, "baseline", case="Z"), "unchanged")
        self.assertVerdict(self.release(server_id, "restore", case="A"), "applied")
        reply = self.release(server_id, "baseline", case="B")
        self.assertVerdict(reply, "applied")
        self.assertEqual(reply.state, "backToBaseline")

    def test_enrolled_in_quarantine(self):
        world = self.world
        empty = world.server("quarantined")
        event = world.event(lambda event: event.server_id == empty)
        self.assertEqual(event.data["heldState"]["state"], "new")
        used = world.server("quarantined", clientId=world.fresh())
        event = world.event(lambda event: event.server_id == used)
        self.assertEqual(event.data["heldState"]["state"], "allocated")
        self.assertIn("allocation", event.data)
        self.assertEqual(self.release(empty).state, "new")
        self.assertEqual(self.release(used).state, "allocated")


class Reclassify(SharedWorldCase):
    """Footnote ⁶."""

    def test_unchanged_where_nothing_would_differ(self):
        world = self.world
        server_id = world.server("new", location=3, kind=4, name="n1")
        body = {"serverId": server_id}
        self.assertVerdict(world.ask("reclassify", {**body, "locationId": 3, "instanceTypeId": 4, "name": "n1"}), "unchanged")
        reply = world.ask("reclassify", {**body, "instanceTypeId": 5, "name": "n2", "reason": "rebuilt"})
        self.assertVerdict(reply, "applied")
        self.assertEqual(
            [reply.server[key] for key in ("locationId", "instanceTypeId", "name", "state", "version")], [3, 5, "n2", "new", 2])

    def test_the_cause_of_an_isolation_stays(self):
        world = self.world
        server_id = world.server("isolated", subState="incompleteData")
        reply = world.must("reclassify", {"serverId": server_id, "locationId": 9})
        self.assertEqual((reply.state, reply.server["subState"]), ("isolated", "incompleteData"))

    def test_it_is_allocated_where_it_moved_to(self):
        world = self.world
        place, client = world.fresh(), world.fresh()
        server_id = world.server("backToBaseline")
        world.quota(client, place, 2, 1)
        world.must("reclassify", {"serverId": server_id, "locationId": place, "instanceTypeId": 2})
        world.must("available", {"serverId": server_id})
        reply = world.must("allocate", {"locationId": place, "instanceTypeId": 2, "clientId": client})
        self.assertEqual(reply.server["serverId"], server_id)
