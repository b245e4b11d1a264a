"""Killed at every named place of the program: once, and again and again there; with one message in hand, and with many.

What the rules are nothing says here. The checker that judges the random killer judges these runs (failures 1-4, 19)."""

import os
import sqlite3
import unittest

from judge.broker import COMMANDS, Broker
from judge.killer.run import Run
from judge.waiting import wait_until

FOLDER = os.path.join(".ostler", "killer", "points")


@unittest.skipUnless(os.environ.get("OSTLER_TEST_RABBITMQCTL"), "OSTLER_TEST_RABBITMQCTL is not set")
class KillPointCase(unittest.TestCase):
    longMessage = True

    def setUp(self):
        self.run_ = Run(seed=self.id(), folder=os.path.join(FOLDER, self._testMethodName), settings={
            "parking.patience": "1s", "amqp.prefetch": "20", "parking.limit": "200", "events.log.enabled": "false",
            "amqp.uri": os.environ["OSTLER_TEST_AMQP_URI"]})
        self.addCleanup(self.run_.close)
        self.run_.declare()
        self.servers = iter(range(1000, 10_000))

    def messages(self, many):
        """One message that is applied, or a mixed load."""
        load = self.run_.load
        if many:
            return load.next(40)
        return [load.message("enroll", {
            "serverId": next(self.servers), "locationId": 18, "instanceTypeId": 126, "operationUuid": load.uuid()})]

    def send(self, messages):
        """To a broker that knows that the last worker is dead: what it still sent to that one would come again, and count as
        having been in hand once more."""
        worker = self.run_.worker
        if worker is None or not worker.is_running:
            broker = Broker()
            names = ["dead-letters", *(f"commands.{command}" for command in COMMANDS)]
            queues = [f"{self.run_.namespace}.{name}" for name in names]
            wait_until(
                lambda: not any(broker.consumers(queue) for queue in queues), "the broker has noticed the worker's end", 30)
            broker.close()
        self.run_.sender.send(messages)
        self.run_.sender.wait_idle()

    def dies_at(self, point, after_start=lambda: None):
        self.run_.start(point)
        after_start()
        status = self.run_.worker.wait_end(40)
        self.assertEqual(status, -9, f"killed at {point}:\n{self.run_.worker.tail()}")
        self.run_.kill()

    def each(self, points, after_start=lambda: None, may_crash=False):
        """Every place, with one message and with many, once and three times in a row."""
        for point in points:
            for many in (False, True):
                for times in (1, 3):
                    with self.subTest(point=point, many=many, times=times):
                        for _ in range(times):
                            self.send(self.messages(many))
                            self.dies_at(point, after_start)
        self.judge(may_crash)

    def in_peace(self):
        """A worker that is left alone until everything that is there now is decided."""
        run = self.run_
        run.start()
        run.worker.wait_ready(40)
        run.sender.wait_idle()
        wait_until(run.is_quiet, run.what_is_left, 60, idle=0.3)

    def judge(self, may_crash=False):
        """Both promises. `may_crash`: one message may have been in hand at three ends in a row."""
        self.run_.settle()
        problems, counts = self.run_.judge()
        if problems:
            self.run_.keep_logs()
        self.assertEqual(problems, [], f"{counts}; the evidence is in {self.run_.folder}")
        store = sqlite3.connect(f"file:{self.run_.folder}/store.sqlite?mode=ro", uri=True)
        self.addCleanup(store.close)
        crashed = store.execute("SELECT count(*) FROM dead_letters WHERE code = 'worker-crash'").fetchone()[0]
        self.assertTrue(may_crash or crashed == 0, f"{crashed} healthy messages were given up")
        return store


class KillPoints(KillPointCase):
    def test_around_the_commit(self):
        self.each(["before-commit", "in-transaction", "after-commit"], may_crash=True)

    def test_around_the_ack(self):
        self.each(["before-ack", "after-ack"])

    def test_in_the_relay(self):
        """Before a confirm, after it, and around the mark in the outbox."""
        self.each(["in-window", "after-publish", "before-mark", "after-mark"])

    def test_in_a_window_that_is_partly_confirmed(self):
        for number in (2, 3, 4):
            self.send([message for _ in range(8) for message in self.messages(True)])
            self.dies_at(f"after-publish:{number}")
        self.judge()

    def test_taking_in_dead_letters(self):
        load = self.run_.load

        def misspelt(many):
            self.send([
                load.raw(f"{load.namespace}.commands", "alocate", f'{{"number":{load.random.random()}}}'.encode(), {"reply_to": "x"})
                for _ in range(30 if many else 1)])
        # Its place is in the transaction; a message that was noted comes alone the next time.
        for many in (False, True):
            for times in (1, 3):
                misspelt(many)
                for _ in range(times):
                    self.dies_at("taking-in")
                self.in_peace()
                self.run_.kill()
        self.judge()

    def test_while_a_suspect_is_noted(self):
        for many in (False, True):
            for times in (1, 2):
                self.send(self.messages(many))
                self.dies_at("after-commit")  # what comes again is looked at one by one
                for _ in range(times):
                    self.dies_at("suspect-noted")
                self.in_peace()
                self.run_.kill()
        self.judge()

    def test_in_a_replay(self):
        """Asked for, published, before its mark and after it: no letter is replayed twice, none is forgotten."""
        for point in ("replay-asked", "replay-published", "replay-marked"):
            for many in (False, True):
                for times in (1, 3):
                    letters = self.refused(12 if many else 1)
                    done = self.run_.installation.command("dead-letters", "replay", *letters)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.run_.journal.deed("replay", letters=letters)
                    for number in range(times):
                        if number and point != "replay-asked":
                            break  # the next worker finds it published, or published it before: it is not there again
                        self.dies_at(point)
                    self.run_.start()
                    wait_until(self.run_.is_published, self.run_.what_is_left, 60)
                    self.run_.kill()
        store = self.judge()
        ended = store.execute("SELECT state, count(*), max(attempt) FROM replays GROUP BY state").fetchall()
        self.assertEqual([(state, attempt) for state, _, attempt in ended], [("succeeded", 1)])

    def refused(self, count):
        """Letters of commands for servers that are enrolled afterwards."""
        load, run = self.run_.load, self.run_
        servers = [next(self.servers) for _ in range(count)]
        run.start()
        self.send_and_hear([load.message(
            "isolate", {"serverId": server, "subState": "reserved", "operationUuid": load.uuid()}) for server in servers])
        letters = [row["id"] for row in run.installation.rows("dead-letters", "list", "--code", "unknown-server")]
        self.assertEqual(len(letters), count)
        self.send_and_hear([load.message("enroll", {
            "serverId": server, "locationId": 18, "instanceTypeId": 126, "operationUuid": load.uuid()}) for server in servers])
        run.kill()
        return letters

    def send_and_hear(self, messages):
        self.send(messages)
        wait_until(
            lambda: {message.trace for message in messages} <= self.run_.view.said_of,
            lambda: f"all are told of:\n{self.run_.worker.tail()}", 40)

    def test_in_a_snapshot(self):
        load = self.run_.load
        self.send(load.beginning())
        for times in (1, 3):
            self.send([load.message("snapshot", {"operationUuid": load.uuid()}) for _ in range(4)])
            for _ in range(times):
                self.dies_at("snapshot-part")
            self.in_peace()
            self.run_.kill()
        self.judge()

    def test_during_the_takeover(self):
        self.each(["taking-over", "took-over"])

    def test_during_the_clean_end(self):
        run = self.run_

        def ask_to_stop():
            run.worker.wait_ready(40)
            run.worker.process.terminate()
        self.each(["stopping", "drained", "ended-cleanly"], after_start=ask_to_stop)


class Notes(KillPointCase):
    def test_a_message_that_was_kept_and_comes_once_more(self):
        """Killed between the commit that kept it and its acknowledgement: it is counted on its letter, not decided too."""
        run = self.run_
        message = self.messages(False)
        self.send(message)
        self.dies_at("before-commit")
        for _ in range(3):
            self.dies_at("suspect-noted")
        self.dies_at("after-commit")  # it is a letter now, and not acknowledged
        run.settle()
        problems, counts = run.judge()
        self.assertEqual(problems, [], counts)
        letters = run.installation.rows("dead-letters", "list")
        self.assertEqual([(row["code"], row["count"]) for row in letters], [("worker-crash", 2)])
        self.assertEqual(run.installation.rows("servers"), [], "kept is kept: it is not applied as well")

    def test_a_note_whose_message_never_came_again(self):
        """It was taken out of the queue while no worker ran: the note must not stand for ever."""
        run = self.run_
        message = self.messages(False)
        self.send(message)
        self.dies_at("before-commit")
        self.dies_at("suspect-noted")
        from judge.broker import Broker
        broker = Broker()
        self.addCleanup(broker.close)
        broker.probe(lambda channel: channel.queue_purge(f"{run.namespace}.commands.enroll"))
        run.start()
        run.worker.wait_ready(40)
        self.assertEqual(run.worker.terminate(40), 0)
        store = sqlite3.connect(f"file:{run.installation.settings['store.path']}?mode=ro", uri=True)
        self.addCleanup(store.close)
        self.assertEqual(store.execute("SELECT count(*) FROM suspects").fetchone()[0], 0)
