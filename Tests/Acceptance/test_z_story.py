"""When all the tests of the shared worker are done: everything it ever said, against what its store holds."""

import json
import unittest

from judge import story
from judge.broker import control
from judge.case import Shared


class Story(unittest.TestCase):
    def setUp(self):
        self.world = Shared.started()
        if self.world is None:
            self.skipTest("no test used the shared worker")

    def test_every_event_is_as_the_contract_says(self):
        world = self.world
        world.settle()
        wrong = {}
        for event in world.events:
            try:
                story.check_event(event)
            except story.Wrong as error:
                wrong.setdefault(str(error).split(" in Event(")[0], []).append(event)
        for reason, events in wrong.items():
            with self.subTest(reason):
                self.fail(f"{len(events)} events, the first: {events[0]}")

    def test_the_story_is_whole(self):
        self.world.check_story()

    def test_quota_use_equals_the_live_allocations(self):
        """Every on-demand row and commit row of its own client shows what is charged to it."""
        world = self.world
        live = {}
        for row in world.servers().values():
            allocation = row.get("allocation")
            if allocation and "endedAt" not in allocation:
                contract = allocation.get("contractId") if allocation["quotaType"] == "commit" else None
                key = allocation["clientId"], contract or None, row["locationId"], row["instanceTypeId"]
                live[key] = live.get(key, 0) + 1
        for row in world.installation.rows("quotas"):
            if row["clientId"] and row["locationId"] and row["instanceTypeId"]:
                key = row["clientId"], row.get("contractId") or None, row["locationId"], row["instanceTypeId"]
                self.assertEqual(row["used"], live.get(key, 0), row)

    def test_nothing_is_left_in_the_queues(self):
        """What was decided was acknowledged."""
        world = self.world
        world.settle()

        def left():
            listing = control("list_queues", "--silent", "--formatter", "json", "name", "messages")
            if listing is None:
                self.skipTest("OSTLER_TEST_RABBITMQCTL is not set")
            prefix = f"{world.namespace}."
            return {row["name"]: row["messages"] for row in json.loads(listing)
                    if row["name"].startswith(prefix) and not row["name"].endswith(".events.log") and row["messages"]}
        world.broker.wait(lambda: not left(), lambda: f"the queues are empty: {left()}", 20)

    def test_ids_are_said_once(self):
        """No failure, no second copy."""
        again = {identifier: count for identifier, count in self.world.event_copies.items() if count > 1}
        self.assertEqual(again, {})

    def test_the_worker_never_complained_of_a_defect(self):
        output = self.world.worker.output().lower()
        for word in ("defect", "fatal", "precondition"):
            self.assertNotIn(word, output)
