"""What is done very often: ten thousand replays beside live commands (failure 27), and a link that is cut fifty times under
a full prefetch (failure 19)."""

import os
import time
import unittest

from judge.killer.run import Run
from judge.waiting import wait_until

FOLDER = os.path.join(".ostler", "killer", "often")


class OftenCase(unittest.TestCase):
    longMessage = True

    def make_run(self, **settings):
        if not os.environ.get("OSTLER_TEST_RABBITMQCTL"):
            self.skipTest("OSTLER_TEST_RABBITMQCTL is not set")
        settings = {"parking.patience": "1s", "parking.limit": "200", "events.log.enabled": "false", **settings}
        run = Run(seed=self.id(), folder=os.path.join(FOLDER, self._testMethodName), settings=settings)
        self.addCleanup(run.close)
        run.declare()
        return run

    def judge(self, run):
        run.settle(seconds=240)
        problems, counts = run.judge()
        if problems:
            run.keep_logs()
        self.assertEqual(problems, [], f"{counts}; the evidence is in {run.folder}")

    def about(self, run, command, server, **fields):
        body = {"serverId": server, "operationUuid": run.load.uuid(), **fields}
        if command == "enroll":
            body.update(locationId=18, instanceTypeId=126)
        return run.load.message(command, body)


class ManyReplays(OftenCase):
    COUNT, RATE = 10_000, 1000

    def test_ten_thousand(self):
        run = self.make_run(**{"amqp.prefetch": "1000", "parking.patience": "0s"})
        servers = range(1000, 1000 + self.COUNT)
        run.start()
        run.sender.send([self.about(run, "isolate", server, subState="reserved") for server in servers])
        self.all_told(run)
        run.sender.send([self.about(run, "enroll", server) for server in servers])
        self.all_told(run)
        letters = [row["id"] for row in run.installation.rows("dead-letters", "list", "--code", "unknown-server")]
        self.assertEqual(len(letters), self.COUNT)
        run.journal.deed("replay", letters=letters)
        began = time.monotonic()
        run.operator.spawn("replay", "--code", "unknown-server", "--rate", str(self.RATE), "--wait", "--timeout", "5m")
        asking = run.operator.running[-1]
        waits = self.ask_meanwhile(run, asking)
        taken = time.monotonic() - began
        self.assertEqual(asking.wait(), 0, "every replay succeeded")
        self.assertGreaterEqual(taken, self.COUNT / self.RATE * 0.9, "the rate was kept to")
        self.assertGreater(len(waits), 5, "live commands were asked meanwhile")
        self.assertLess(max(waits), 10, f"live commands are served meanwhile: {sorted(waits)[-3:]}")
        print(f"rounds {self.COUNT} {self.id()}", flush=True)
        self.judge(run)
        self.assertEqual(run.kills, 0)

    def all_told(self, run):
        run.sender.wait_idle(120)
        sent = run.sender.confirmed
        wait_until(lambda: len(run.view.said_of) >= sent, lambda: f"{len(run.view.said_of)} of {sent} are told of", 180)

    def ask_meanwhile(self, run, asking):
        """Seconds from sending to the event, of one live command after the other."""
        waits, number = [], 0
        while asking.poll() is None:
            number += 1
            message = self.about(run, "enroll", 100_000 + number)
            began = time.monotonic()
            run.sender.send([message])
            wait_until(lambda: message.trace in run.view.said_of, "a live command is decided", 60, idle=0.005)
            waits.append(time.monotonic() - began)
        return waits


class Flapping(OftenCase):
    LOST = "not consuming; trying again"
    TIMES, COUNT = 50, 150

    def test_fifty_times_under_a_full_prefetch(self):
        """Every cut gives everything back; nothing of it becomes a dead letter, and all is applied in the end."""
        run = self.make_run(**{"amqp.prefetch": str(self.COUNT + 1), "parking.patience": "10m"})
        servers = range(1, self.COUNT + 1)
        run.sender.send([self.about(run, "isolate", server, subState="reserved") for server in servers])
        run.sender.wait_idle()
        run.start()
        for _ in range(self.TIMES):
            wait_until(lambda: self.parked(run) == self.COUNT, lambda: f"all wait: {run.worker.tail()}", 60, idle=0.01)
            losses = run.worker.output().count(self.LOST)
            run.proxy.reset()
            wait_until(
                lambda: run.worker.output().count(self.LOST) > losses, lambda: f"it notices: {run.worker.tail()}", 60, idle=0.01)
        run.sender.send([self.about(run, "enroll", server) for server in servers])
        print(f"rounds {self.TIMES} {self.id()}", flush=True)
        self.judge(run)
        self.assertEqual(run.installation.rows("dead-letters", "list", "--state", "open", "--state", "resolved"), [])

    def parked(self, run):
        for line in run.worker.get("/metrics")[1].splitlines():
            if line.startswith("ostler_commands_parked "):
                return int(float(line.split()[1])) if run.worker.is_ready else -1
        return -1
