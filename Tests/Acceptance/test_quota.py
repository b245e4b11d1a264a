"""Section 5, quota, and section 3, who is allocated next."""

import json

from judge.case import SharedWorldCase
from judge.world import operation

KIND = 9


class QuotaCase(SharedWorldCase):
    def setUp(self):
        super().setUp()
        self.place = self.world.fresh()
        self.client = self.world.fresh()

    def stock(self, count, place=None, kind=KIND):
        world = self.world
        bodies = [world.enrollment(world.fresh(), "available", place or self.place, kind) for _ in range(count)]
        for body in bodies:
            body["operationUuid"] = operation()
        world.must_all([("enroll", body) for body in bodies])
        return [body["serverId"] for body in bodies]

    def row(self, limit, client=None, place=None, kind=KIND, contract=None):
        client = self.client if client is None else client
        self.world.quota(client, self.place if place is None else place, kind, limit, contract)

    def allocate(self, client=None, place=None, kind=KIND, **fields):
        return self.world.ask("allocate", {
            "operationUuid": operation(), "clientId": client or self.client, "locationId": place or self.place,
            "instanceTypeId": kind, **fields})

    def free(self, reply, command="deallocate"):
        return self.world.must(command, {
            "serverId": reply.server["serverId"], "clientId": reply.allocation["clientId"],
            "allocationId": reply.allocation["id"]})

    def assertQuota(self, reply, **expected):
        self.assertIn("quota", reply.body, reply)
        self.assertEqual({key: reply["quota"].get(key) for key in expected}, expected, reply)


class Rows(QuotaCase):
    def set(self, limit, **fields):
        return self.world.ask("set-quota", {
            "clientId": self.client, "locationId": self.place, "instanceTypeId": KIND, "limit": limit, **fields})

    def test_set_change_remove(self):
        world = self.world
        for limit, verdict, event_name in (
                (None, "unchanged", None), (5, "applied", "set"), (5, "unchanged", None), (0, "applied", "set"),
                (32767, "applied", "set"), (None, "applied", "removed"), (None, "unchanged", None)):
            with self.subTest(limit=limit, verdict=verdict):
                reply = self.set(limit)
                self.assertVerdict(reply, verdict)
                if event_name:
                    event = world.event_by_id(reply["eventIds"][0])
                    self.assertEqual(event.key, f"quota.{event_name}.{self.client}")
                    row = {"clientId": self.client, "locationId": self.place, "instanceTypeId": KIND}
                    self.assertLessEqual(row.items(), event.data.items())

    def test_the_event_has_the_old_and_the_new_limit(self):
        self.set(41)
        reply = self.set(43)
        event = self.world.event_by_id(reply["eventIds"][0])
        text = json.dumps(event.data)
        self.assertIn("41", text)
        self.assertIn("43", text)

    def test_every_kind_of_row(self):
        for fields in ({}, {"contractId": "AB-1"}, {"instanceTypeId": 0}, {"instanceTypeId": 0, "locationId": 0},
                       {"clientId": 0}, {"clientId": 0, "instanceTypeId": 0}):
            with self.subTest(fields):
                self.assertVerdict(self.set(9, **fields), "applied")
                self.assertVerdict(self.set(9, **fields), "unchanged")
                self.assertVerdict(self.set(None, **fields), "applied")

    def test_an_empty_contract_is_on_demand(self):
        self.assertVerdict(self.set(9, contractId=""), "applied")
        self.assertVerdict(self.set(9), "unchanged")


class OnDemand(QuotaCase):
    """Rule 3."""

    def test_not_configured(self):
        self.stock(1)
        self.assertVerdict(self.allocate(), "quota-not-configured")

    def test_own_row(self):
        self.stock(3)
        self.row(2)
        first = self.allocate()
        self.assertVerdict(first, "applied")
        self.assertEqual(first.state, "allocated")
        self.assertEqual((first.allocation["clientId"], first.allocation["quotaType"], first.allocation["billable"]),
                         (self.client, "onDemand", True))
        self.assertQuota(first, clientId=self.client, locationId=self.place, instanceTypeId=KIND, quotaType="onDemand",
                         limit=2, used=1)
        self.assertQuota(self.allocate(), limit=2, used=2)
        refused = self.allocate()
        self.assertVerdict(refused, "quota-exceeded")
        details = json.dumps(refused["error"].get("details"))
        self.assertIn("2", details, "the row, its limit, its use")
        self.assertIn(str(self.place), details)

    def test_freed_when_the_allocation_ends(self):
        """Rule 5."""
        self.stock(4)
        self.row(1)
        for command in ("deallocate", "compensate"):
            reply = self.allocate()
            self.assertVerdict(reply, "applied")
            self.assertVerdict(self.allocate(), "quota-exceeded")
            self.free(reply, command)
        reply = self.allocate()
        self.assertVerdict(reply, "applied")
        self.world.must("quarantine", {"serverId": reply.server["serverId"]})
        self.assertVerdict(self.allocate(), "quota-exceeded", "frozen, it stays charged")
        self.world.must(
            "unquarantine", {"serverId": reply.server["serverId"], "outcome": "baseline", "reason": "closed"})
        self.assertVerdict(self.allocate(), "applied")

    def test_a_limit_of_zero(self):
        self.stock(1)
        self.row(0)
        self.assertVerdict(self.allocate(), "quota-exceeded")

    def test_default_rows_apply_to_each_client_separately(self):
        self.stock(4)
        self.row(1, client=0)
        one, two = self.world.fresh(), self.world.fresh()
        self.assertVerdict(self.allocate(one), "applied")
        reply = self.allocate(two)
        self.assertVerdict(reply, "applied")
        self.assertQuota(reply, clientId=0, limit=1, used=1)
        self.assertVerdict(self.allocate(one), "quota-exceeded")

    def test_an_own_row_replaces_the_default(self):
        self.stock(4)
        self.row(3, client=0)
        self.row(1)
        self.assertVerdict(self.allocate(), "applied")
        self.assertVerdict(self.allocate(), "quota-exceeded")
        # Removed, the default counts again, with what was allocated under the own row.
        self.row(None)
        self.assertQuota(self.allocate(), clientId=0, limit=3, used=2)

    def test_lowering_takes_nothing_away(self):
        self.stock(4)
        self.row(3)
        first = self.allocate()
        self.allocate()
        self.row(1)
        self.assertVerdict(self.allocate(), "quota-exceeded")
        self.free(first)
        self.assertVerdict(self.allocate(), "quota-exceeded", "one is still there")

    def test_quota_comes_before_capacity(self):
        self.assertVerdict(self.allocate(), "quota-not-configured")
        self.row(0)
        self.assertVerdict(self.allocate(), "quota-exceeded")
        self.row(1)
        self.assertVerdict(self.allocate(), "no-capacity")

    def test_type_and_location_are_counted_apart(self):
        elsewhere = self.world.fresh()
        self.stock(1)
        self.stock(1, place=elsewhere)
        self.stock(1, kind=KIND + 1)
        self.row(1)
        self.row(1, place=elsewhere)
        self.row(1, kind=KIND + 1)
        for fields in ({}, {"place": elsewhere}, {"kind": KIND + 1}):
            self.assertVerdict(self.allocate(**fields), "applied")


class Commit(QuotaCase):
    """Rules 1 and 2."""

    def test_charged_to_the_contract(self):
        self.stock(3)
        self.row(1, contract="C-1")
        reply = self.allocate(contractId="C-1")
        self.assertVerdict(reply, "applied")
        self.assertEqual((reply.allocation["contractId"], reply.allocation["quotaType"]), ("C-1", "commit"))
        self.assertQuota(reply, clientId=self.client, contractId="C-1", quotaType="commit", limit=1, used=1)
        self.assertVerdict(self.allocate(contractId="C-1"), "quota-exceeded")
        self.assertVerdict(self.allocate(contractId="C-2"), "contract-unknown")

    def test_a_contract_is_its_clients_own(self):
        self.stock(1)
        self.row(5, contract="C-1", client=self.world.fresh())
        self.assertVerdict(self.allocate(contractId="C-1"), "contract-unknown")

    def test_overflow(self):
        self.stock(4)
        self.row(1, contract="C-1")
        self.row(2)
        self.assertEqual(self.allocate(contractId="C-1", overflow=True).allocation["quotaType"], "commit")
        over = self.allocate(contractId="C-1", overflow=True)
        self.assertVerdict(over, "applied")
        self.assertEqual((over.allocation["quotaType"], over.allocation["contractId"]), ("onDemand", "C-1"))
        self.assertQuota(over, quotaType="onDemand", limit=2, used=1)
        unknown = self.allocate(contractId="C-X", overflow=True)
        self.assertVerdict(unknown, "applied", "no such row: on-demand")
        self.assertEqual((unknown.allocation["quotaType"], unknown.allocation["contractId"]), ("onDemand", "C-X"))
        self.assertVerdict(self.allocate(contractId="C-1", overflow=True), "quota-exceeded")

    def test_overflow_without_an_on_demand_row(self):
        self.stock(2)
        self.row(0, contract="C-1")
        self.assertVerdict(self.allocate(contractId="C-1", overflow=True), "quota-not-configured")
        self.assertVerdict(self.allocate(contractId="C-1"), "quota-exceeded")

    def test_on_demand_does_not_count_commit(self):
        self.stock(3)
        self.row(2, contract="C-1")
        self.row(1)
        self.allocate(contractId="C-1")
        self.assertQuota(self.allocate(), quotaType="onDemand", limit=1, used=1)

    def test_a_commit_allocation_stays_with_its_row(self):
        """Also when the row is removed and set again (rule 5)."""
        self.stock(3)
        self.row(1, contract="C-1")
        self.assertVerdict(self.allocate(contractId="C-1"), "applied")
        self.row(None, contract="C-1")
        self.assertVerdict(self.allocate(contractId="C-1"), "contract-unknown")
        self.row(1, contract="C-1")
        self.assertVerdict(self.allocate(contractId="C-1"), "quota-exceeded")
        self.row(2, contract="C-1")
        self.assertQuota(self.allocate(contractId="C-1"), limit=2, used=2)


class Caps(QuotaCase):
    """Rule 4."""

    def test_a_cap_for_the_location(self):
        self.stock(3)
        self.stock(3, kind=KIND + 1)
        self.row(3)
        self.row(3, kind=KIND + 1)
        self.row(2, kind=0)
        self.assertVerdict(self.allocate(), "applied")
        self.assertVerdict(self.allocate(kind=KIND + 1), "applied")
        self.assertVerdict(self.allocate(), "quota-exceeded")

    def test_a_cap_for_the_client(self):
        elsewhere = self.world.fresh()
        self.stock(2)
        self.stock(2, place=elsewhere)
        self.row(5)
        self.row(5, place=elsewhere)
        self.row(2, place=0, kind=0)
        self.assertVerdict(self.allocate(), "applied")
        self.assertVerdict(self.allocate(place=elsewhere), "applied")
        self.assertVerdict(self.allocate(place=elsewhere), "quota-exceeded")

    def test_overflow_counts_and_commit_does_not(self):
        self.stock(4)
        self.row(1, contract="C-1")
        self.row(5)
        self.row(1, kind=0)
        self.assertVerdict(self.allocate(contractId="C-1"), "applied", "commit is not capped")
        self.assertVerdict(self.allocate(contractId="C-1", overflow=True), "applied", "the cap has room for one")
        self.assertVerdict(self.allocate(contractId="C-1", overflow=True), "quota-exceeded")

    def test_the_default_caps(self):
        self.stock(4)
        self.row(5, client=0)
        self.row(1, client=0, kind=0)
        self.assertVerdict(self.allocate(), "applied")
        self.assertVerdict(self.allocate(), "quota-exceeded")
        self.row(2, kind=0)  # the client's own cap replaces it
        self.assertVerdict(self.allocate(), "applied")
        self.assertVerdict(self.allocate(), "quota-exceeded")
        self.assertVerdict(self.allocate(self.world.fresh()), "applied", "for each client separately")

    def test_the_default_cap_over_everything(self):
        world = self.world
        self.stock(2)
        self.row(5)
        self.addCleanup(world.must, "set-quota", {"clientId": 0, "locationId": 0, "instanceTypeId": 0, "limit": None})
        self.row(1, client=0, place=0, kind=0)
        self.assertVerdict(self.allocate(), "applied")
        self.assertVerdict(self.allocate(), "quota-exceeded")


class Enrolled(QuotaCase):
    """An enrolled allocation is charged, and never refused."""

    def enroll(self, **fields):
        world = self.world
        return world.must("enroll", {
            "serverId": world.fresh(), "locationId": self.place, "instanceTypeId": KIND, "state": "allocated",
            "clientId": self.client, **fields})

    def test_charged_beyond_the_limit(self):
        self.stock(1)
        self.row(1)
        for _ in range(2):
            self.assertEqual(self.enroll().allocation["quotaType"], "onDemand")
        self.assertVerdict(self.allocate(), "quota-exceeded")
        self.row(3)
        self.assertQuota(self.allocate(), limit=3, used=3)

    def test_commit_where_such_a_row_exists(self):
        self.row(1, contract="C-1")
        self.assertEqual(self.enroll(contractId="C-1").allocation["quotaType"], "commit")
        self.assertEqual(self.enroll(contractId="C-2").allocation["quotaType"], "onDemand")
        self.assertEqual(self.enroll(contractId="C-1", quotaType="onDemand").allocation["quotaType"], "onDemand")
        self.stock(1)
        self.assertVerdict(self.allocate(contractId="C-1"), "quota-exceeded", "charged to the contract")

    def test_since(self):
        reply = self.enroll(since="2021-05-06T07:08:09Z")
        self.assertTrue(reply.allocation["startedAt"].startswith("2021-05-06T07:08:09"), reply)


class Next(QuotaCase):
    """`allocate` picks the one available longest."""

    def take(self, count):
        return [self.allocate().server.get("serverId") for _ in range(count)]

    def test_in_the_order_in_which_they_became_available(self):
        servers = self.stock(5)
        self.row(9)
        self.assertEqual(self.take(5), servers)
        self.assertVerdict(self.allocate(), "no-capacity")

    def test_back_to_the_end_of_the_queue(self):
        servers = self.stock(3)
        self.row(9)
        first = self.allocate()
        self.free(first)
        self.world.must("available", {"serverId": servers[0]})
        self.assertEqual(self.take(3), [servers[1], servers[2], servers[0]])

    def test_since_changes_no_order(self):
        world = self.world
        first = self.stock(1)[0]
        second = world.fresh()
        world.must("enroll", {**world.enrollment(second, "available", self.place, KIND), "since": "2001-01-01T00:00:00Z"})
        self.row(9)
        self.assertEqual(self.take(2), [first, second])

    def test_only_what_is_available_is_taken(self):
        world = self.world
        servers = self.stock(4)
        self.row(9)
        world.must("isolate", {"serverId": servers[0], "subState": "reserved"})
        world.must("quarantine", {"serverId": servers[1]})
        world.must("decommission", {"serverId": servers[2]})
        world.server("new", self.place, KIND)
        self.assertEqual(self.take(1), [servers[3]])
        self.assertVerdict(self.allocate(), "no-capacity")

    def test_many_at_once_take_different_servers(self):
        world = self.world
        servers = self.stock(30)
        self.row(20)
        replies = world.ask_all([("allocate", {
            "operationUuid": operation(), "clientId": self.client, "locationId": self.place, "instanceTypeId": KIND,
        }) for _ in range(35)])
        taken = [reply.server["serverId"] for reply in replies if reply.outcome == "applied"]
        self.assertEqual(taken, servers[:20])
        self.assertEqual({reply.code for reply in replies[20:]}, {"quota-exceeded"})

    def test_several_clients_want_the_last_one(self):
        world = self.world
        self.stock(1)
        clients = [world.fresh() for _ in range(5)]
        for client in clients:
            self.row(1, client=client)
        replies = world.ask_all([("allocate", {
            "operationUuid": operation(), "clientId": client, "locationId": self.place, "instanceTypeId": KIND,
        }) for client in clients])
        self.assertEqual([reply.verdict for reply in replies], ["applied"] + ["no-capacity"] * 4)
