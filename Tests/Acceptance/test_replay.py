"""Section 7, replay: a letter goes back to `<ns>.commands` and is decided afresh."""

import base64
import urllib.parse

import pika

from judge.case import LetterCase
from judge.process import AMQP_URI
from judge.world import operation


class Replay(LetterCase):
    def setUp(self):
        super().setUp()
        self.place, self.client = self.world.fresh(), self.world.fresh()

    def no_capacity(self):
        self.world.quota(self.client, self.place, 1, 5)
        return self.rejected("allocate", {
            "operationUuid": operation(), "locationId": self.place, "instanceTypeId": 1, "clientId": self.client},
            headers={"team": "7"})[0]

    def state_of(self, letter):
        rows = [row for row in self.world.letters("--operation", letter["operationUuid"], all_states=True)]
        self.assertEqual(len(rows), 1, rows)
        return rows[0]

    def wait_state(self, letter, state):
        self.world.broker.wait(
            lambda: self.state_of(letter)["state"] == state,
            lambda: f"the letter is {state}: {self.state_of(letter)}{self.world.explain()}", 20)
        return self.state_of(letter)

    def replay(self, *arguments, allowed=(0,)):
        done = self.world.installation.command("dead-letters", "replay", *arguments)
        self.assertIn(done.returncode, allowed, done.stdout + done.stderr)
        return done

    def test_dry_run(self):
        world = self.world
        letter = self.no_capacity()
        rows = world.installation.rows("dead-letters", "replay", letter["id"], "--dry-run", allowed=(0, 1))
        self.assertEqual([(row["would"], row.get("wouldCode")) for row in rows], [("reject", "no-capacity")])
        server_id = world.server("available", location=self.place)
        rows = world.installation.rows("dead-letters", "replay", letter["id"], "--dry-run")
        self.assertEqual([row["would"] for row in rows], ["apply"])
        self.assertEqual(self.state_of(letter)["state"], "open", "nothing was done")
        self.assertEqual(world.servers()[server_id]["state"], "available")

    def test_a_replay_that_succeeds(self):
        world = self.world
        letter = self.no_capacity()
        server_id = world.server("available", location=self.place)
        self.replay(letter["id"])
        event = world.event(lambda event: event.server_id == server_id and event.name == "allocated", "the allocation")
        self.assertEqual(event.operation, letter["operationUuid"])
        self.assertIn("replayedBy", event.data)
        self.wait_state(letter, "resolved")
        world.event(
            lambda event: event.key == "command.allocate.replayed" and event.operation == letter["operationUuid"],
            "command.allocate.replayed")
        # What was applied is never applied twice.
        world.server("available", location=self.place)
        self.replay(letter["id"], allowed=(0, 1))
        again = world.ask("allocate", base64.b64decode(letter["bodyBase64"]))
        self.assertTrue(again.is_duplicate)
        self.assertVerdict(again, "applied")
        self.assertEqual(again.server["serverId"], server_id)

    def test_a_replay_that_fails_again(self):
        letter = self.no_capacity()
        self.replay(letter["id"], allowed=(0, 1))

        def opened_again():
            row = self.state_of(letter)
            return row["state"] == "open" and row["attempts"] == letter["attempts"] + 1
        self.world.broker.wait(
            opened_again, lambda: f"the same letter, attempts + 1: {self.state_of(letter)}{self.world.explain()}", 20)
        self.assertEqual(self.state_of(letter)["code"], "no-capacity")

    def test_what_is_counted_and_logged(self):
        """Kept, replayed, failed again, resolved: a counter and a line of the log each; gauges of what there is."""
        world = self.world

        def metrics():
            return dict(line.rsplit(" ", 1) for line in world.worker.get("/metrics")[1].splitlines() if line[:1] != "#")

        def counted():
            return {
                kind: float(metrics()[f'ostler_dead_letters_events{{event="{kind}"}}'])
                for kind in ("kept", "replayed", "failed_again", "resolved")}
        before = counted()
        letter = self.no_capacity()
        self.replay(letter["id"], "--wait", allowed=(1,))
        world.server("available", location=self.place)
        self.replay(letter["id"], "--wait")
        wanted = {"kept": 1, "replayed": 2, "failed_again": 1, "resolved": 1}
        world.wait(
            lambda: all(counted()[kind] >= before[kind] + more for kind, more in wanted.items()),
            lambda: f"counted: {before} then {counted()}", 20)
        for kind in ("kept", "failed_again", "resolved"):
            line = next(line for line in world.worker.output().splitlines() if f"dead letter {kind}" in line and letter["id"] in line)
            self.assertIn("command.name=allocate", line)
        self.client = world.fresh()
        self.no_capacity()
        self.client = world.fresh()
        done = world.installation.command("dead-letters", "discard", self.no_capacity()["id"], "--reason", "counted")
        self.assertEqual(done.returncode, 0, done.stderr)
        # The gauges are read every 15 seconds.
        world.wait(
            lambda: float(metrics()['ostler_dead_letters{state="open"}']) >= 1
            and float(metrics()['ostler_dead_letters{state="discarded"}']) >= 1
            and float(metrics()["ostler_dead_letters_oldest_age_seconds"]) > 0, "the gauges", 60)

    def test_a_replay_between_an_applied_attempt_and_a_rejected_one(self):
        """That an earlier attempt was applied, and a later one rejected, is no reason against a replay of this one."""
        world = self.world
        body = {"serverId": world.server("new"), "subState": "reserved", "operationUuid": operation()}
        self.assertVerdict(world.ask("isolate", body), "applied")
        world.must("quarantine", {"serverId": body["serverId"]})
        letter, _ = self.rejected("isolate", {**body, "attempt": 2, "reason": "second"})
        self.rejected("isolate", {**body, "attempt": 3, "reason": "third"})
        world.must("unquarantine", {"serverId": body["serverId"], "outcome": "baseline", "reason": "over"})
        self.replay(letter["id"])
        world.event(
            lambda event: event.key == "command.isolate.replayed" and event.operation == body["operationUuid"],
            "the replay is applied")

    def test_a_forged_replay_is_refused(self):
        world = self.world
        reply = world.ask("quarantine", {"serverId": world.server("new")}, headers={"x-ostler-replay": f"{operation()}/1"})
        self.assertVerdict(reply, "forbidden")

    def test_replay_of_a_message_with_everything(self):
        world = self.world
        server_id = world.server("new")
        op = operation()
        properties = pika.BasicProperties(
            content_type="application/json", delivery_mode=2, message_id=op, priority=5, expiration="3600000",
            user_id=urllib.parse.urlparse(AMQP_URI).username, headers={"CC": ["acceptance.nowhere"], "odd": [1, None, True, {"deep": "yes"}]})
        world.publish("available", {"serverId": server_id, "operationUuid": op}, properties=properties)
        world.event(lambda event: event.operation == op and event.name == "rejected", "the refusal")
        letter = world.letters("--operation", op)[0]
        world.must("unisolate", {"serverId": server_id})
        self.replay(letter["id"])
        world.event(lambda event: event.server_id == server_id and event.name == "available", "applied")
        self.wait_state(letter, "resolved")
