"""One run: a namespace and a store of its own, so many rounds of load and violence, then peace, and the judgement."""

import contextlib
import os
import random
import re
import shutil
import signal
import time
import unittest
import urllib.parse
import uuid
from dataclasses import dataclass, field

from .. import checker
from ..broker import Broker, control, held_messages
from ..disk import SmallDisk
from ..node import NODE_SECONDS
from ..process import AMQP_URI, Installation
from ..proxy import Proxy
from ..record import Journal, Record
from ..storefile import StoreFile
from ..waiting import TimedOut, wait_until
from .load import Load
from .operators import Operator
from .senders import Sender, Subscriber, queue_names
from .view import View

# Ways for a worker to end, and how often.
ENDS = {"time": 34, "events": 30, "start": 14, "point": 12, "standby": 4, "term": 6}
# What else may happen in a round.
TROUBLE = {"none": 54, "operator": 22, "reset": 10, "frozen": 4, "full": 10, "connections": 4, "broker": 2, "node": 2}
# What all others who use that broker would feel too.
BROKER_TROUBLE = {"connections", "broker"}
# A run's store on a disk that is to be full: it must hold the store, and be small enough to be filled in a moment.
DISK_MEGABYTES = 48


class Run:
    def __init__(self, seed, folder, points=(), broker_trouble=True, node=None, may_fill_disk=False, settings=None):
        """`node`: the broker's process, where it may be killed. `may_fill_disk`: in some runs, by the plan."""
        shutil.rmtree(folder, ignore_errors=True)  # what an earlier run left
        self.seed = seed
        self.folder = folder
        self.points = list(points)
        self.plan = random.Random(f"plan {seed}")
        self.node = node
        self.cleanups = contextlib.ExitStack()
        self.disk = self.small_disk() if may_fill_disk and self.plan.random() < 0.5 else None
        left_out = (set() if broker_trouble else BROKER_TROUBLE) | (set() if node else {"node"}) | (set() if self.disk else {"full"})
        self.trouble = {name: weight for name, weight in TROUBLE.items() if name not in left_out}
        self.namespace = "kill" + uuid.uuid4().hex[:10]
        self.proxy = Proxy(AMQP_URI)
        self.installation = Installation(self.namespace, **{
            "parking.patience": "1s", "amqp.prefetch": self.plan.choice(["10", "50", "1000"]),
            "parking.limit": self.plan.choice(["3", "20", "200"]), "events.log.enabled": self.plan.choice(["true", "false"]),
            "amqp.uri": self.proxy.uri, "log.level": "info", **({"store.path": self.disk.store} if self.disk else {}),
            **(settings or {})})
        self.journal = Journal(folder, {"namespace": self.namespace, "seed": seed, **self.installation.settings})
        self.view = View()
        self.load = Load(seed, self.namespace, self.view, user=urllib.parse.unquote(urllib.parse.urlsplit(AMQP_URI).username))
        self.operator = Operator(self.installation, self.journal, random.Random(f"operator {seed}"))
        self.worker = None
        self.kills = self.done = 0
        self.declared_at = 0
        self.budget = 0  # messages that this round is still to send
        self.sender = self.subscriber = None

    def addCleanup(self, *call):  # named as a test case's: what the disk asks for
        self.cleanups.callback(*call)

    def small_disk(self):
        """`None` where none can be mounted."""
        try:
            return SmallDisk(self, DISK_MEGABYTES)
        except unittest.SkipTest:
            return None

    def declare(self):
        """The objects at the broker, before anybody sends."""
        done = self.installation.command("topology")
        assert done.returncode == 0, done.stdout + done.stderr
        self.declared_at = time.monotonic()
        self.subscriber = Subscriber(AMQP_URI, self.namespace, self.journal, self.view.take)
        self.sender = Sender(AMQP_URI, self.journal)

    def close(self):
        if self.worker is not None:
            self.worker.kill()
        self.operator.strike()
        for one in (self.sender, self.subscriber):
            if one is not None:
                one.close()
        self.proxy.close()
        broker = Broker()
        broker.remove_topology(self.namespace, *queue_names(self.namespace))
        broker.close()
        self.journal.close()
        self.installation.remove()
        self.cleanups.close()

    # --- violence

    def rounds(self, count, told=lambda text: None, most_seconds=None):
        self.sender.send(self.load.beginning())
        began = time.monotonic()
        for number in range(1, count + 1):
            self.round(number, told)
            self.done = number
            if most_seconds is not None and time.monotonic() - began > most_seconds:
                return

    def round(self, number, told):
        plan = self.plan
        end = plan.choices(list(ENDS), ENDS.values())[0]
        trouble = plan.choices(list(self.trouble), self.trouble.values())[0]
        early, late = plan.randint(0, 40), plan.randint(10, 80)
        point = f"{plan.choice(self.points)}:{plan.randint(1, 6)}" if end == "point" and self.points else None
        seconds, events = plan.uniform(0, 0.8), plan.randint(1, 60)
        strikes, frees_early = plan.random() < 0.3, plan.random() < 0.5
        told(f"round {number}: {end} {point or ''} {trouble}")
        self.journal.deed("round", number=number, end=end, point=point, trouble=trouble)
        self.sender.send(self.load.next(early))
        self.start(point)
        self.budget = late
        arrived = self.view.arrived
        self.disturb(trouble)
        if end == "time" or end == "standby":
            self.watch(lambda: False, seconds)
        elif end == "start":
            self.watch(lambda: os.path.getsize(self.worker.output_path) > events * 12, 2)
        elif end in ("events", "term"):
            self.watch(lambda: self.view.arrived >= arrived + events, 3)
        else:
            self.watch(lambda: False, 1.5)
        if strikes:
            self.operator.strike()
        self.feed(self.budget)
        if frees_early:
            self.calm()
        if end == "term":
            self.stop()
        elif end == "standby":
            self.take_over()
        else:
            self.kill()
        self.calm()

    def calm(self):
        """What a trouble has left standing."""
        if self.disk is not None and self.disk.is_full:
            self.disk.free()

    def start(self, point=None):
        if self.worker is not None and self.worker.is_running:
            return
        self.worker = self.installation.worker(**({"test.killPoint": point} if point else {}))

    def watch(self, condition, seconds):
        """Until it holds, the worker has ended, or time is up: all three are as good a moment."""
        def look():
            if self.sender.is_idle:
                self.feed(8)
            return condition() or not self.worker.is_running
        try:
            wait_until(look, "", seconds, idle=0.005)
        except TimedOut:
            pass

    def feed(self, count):
        """More of what this round has to send: little by little, so that most of it is about the fleet as it is."""
        count = min(count, self.budget)
        if count:
            self.budget -= count
            self.sender.send(self.load.next(count))

    def kill(self):
        if not self.worker.is_running and self.worker.process.returncode != -9:
            raise AssertionError(
                f"the worker ended by itself with {self.worker.process.returncode}:\n{self.worker.tail()}")
        self.worker.kill()
        self.kills += 1
        self.journal.deed("kill")

    def stop(self):
        """Asked to stop, as an update would: it must end, in good order or killed in the middle of that."""
        try:
            status = self.worker.terminate(self.plan.choice([0.02, 0.1, 40]))
        except TimedOut:
            return self.kill()
        self.journal.deed("stop", status=status)
        if status == -signal.SIGTERM and not re.search("consuming|standby", self.worker.output()):
            return  # before the program had begun to listen for it
        if status not in (0, 1):
            raise AssertionError(f"asked to stop, the worker ended with {status}:\n{self.worker.tail()}")

    def take_over(self):
        """Another worker waits as a standby; the active one is killed."""
        standby = self.installation.worker()
        self.watch(lambda: "standby" in open(standby.output_path, errors="replace").read(), 3)
        self.kill()
        self.worker = standby

    def disturb(self, trouble):
        if trouble == "operator":
            self.operator.act()
        elif trouble == "reset":
            self.watch(lambda: self.view.newest > 0, self.plan.uniform(0, 0.5))
            self.proxy.reset()
        elif trouble == "frozen":
            self.watch(lambda: self.view.newest > 0, self.plan.uniform(0, 0.5))
            self.proxy.freeze(after=self.plan.choice([0, 1, 100, 5000]))
            self.watch(lambda: False, self.plan.uniform(0.1, 1))
            self.proxy.reset()
        elif trouble == "full":
            self.watch(lambda: self.view.newest > 0, self.plan.uniform(0, 0.5))
            self.disk.fill()
        elif trouble == "connections":
            control("close_all_connections", "killer")
        elif trouble == "broker":
            control("stop_app", timeout=180)
            control("start_app", timeout=180)
        elif trouble == "node" and time.monotonic() - self.declared_at > NODE_SECONDS:
            self.node.kill()
            self.node.start()

    # --- peace

    def settle(self, seconds=120):
        """A worker that nobody harms takes everything that is left, and ends in good order."""
        self.sender.send(self.load.rest())
        self.operator.finish()
        self.start()
        try:
            self.revive_queues()
            self.worker.wait_ready(60)
            self.sender.wait_idle(60)
            wait_until(self.is_quiet, self.what_is_left, seconds, idle=0.3)
        except (TimedOut, AssertionError) as error:
            raise AssertionError(f"no peace after the run: {error}\n{self.worker.tail()}") from None
        status = self.worker.terminate(60)
        assert status == 0, f"asked to stop in peace, the worker ended with {status}:\n{self.worker.tail()}"
        self.journal.keep_store(self.installation.settings["store.path"])

    def revive_queues(self):
        """3.10.8 that was killed soon after a quorum queue was declared may come back with one that never elects a leader, not
        after another start either. The worker serves the others and says which it is; an operator then deletes it (nothing
        was confirmed that went to it since), and the worker declares it anew."""
        silent = re.compile(r"the broker does not answer for ([^;]+);")

        def is_told():
            status, text = self.worker.get("/readyz")
            return status == 200 or silent.search(text)
        wait_until(is_told, lambda: f"ready, or not: {self.worker.get('/readyz')}", 120, idle=0.3)
        found = silent.search(self.worker.get("/readyz")[1])
        for queue in found.group(1).split(", ") if found else []:
            print(f"seed {self.seed}: {queue} has no leader and is deleted", flush=True)
            self.journal.deed("delete", queue=queue)
            control("delete_queue", queue, timeout=120)

    def is_quiet(self):
        """Nothing is left, also not in the hands of worker or subscriber."""
        if not self.worker.is_running:
            raise AssertionError(f"the worker ended with {self.worker.process.returncode}")
        return self.is_published() and not self.waiting_messages() and self.is_published()

    def is_published(self):
        store = StoreFile(self.installation.settings["store.path"])
        try:
            busy = sum(store.number(f"SELECT count(*) FROM {what}") for what in (
                "outbox", "snapshot_runs", "replays WHERE state IN ('asked', 'published')"))
            return busy == 0 and self.view.newest == store.number("SELECT last_position FROM meta")
        finally:
            store.close()

    def waiting_messages(self):
        """Queue → messages in it that nobody has acknowledged yet, of ours."""
        found = {**held_messages(f"{self.namespace}."), **held_messages(f"killer.{self.namespace}.")}
        return {name: count for name, count in found.items() if count}

    def what_is_left(self):
        return f"everything is decided and told; in the queues: {self.waiting_messages()}; published: {self.is_published()}"

    # --- judgement

    def judge(self):
        """What is wrong, in words, and what the run was made of."""
        record = Record.load(self.folder)
        return checker.check(record), checker.counts(record)

    def keep_logs(self):
        for name in sorted(os.listdir(self.installation.folder.name)):
            if name.endswith(".log"):
                shutil.copy(os.path.join(self.installation.folder.name, name), self.folder)


def execute(seed, rounds, folder, told=lambda text: None, most_seconds=None, keep=False, **more):
    """A whole run: an Outcome. The folder is the evidence: it is removed where nothing is wrong, unless
    `keep` says otherwise.

    The plan follows from the seed; `most_seconds` only cuts it short."""
    began, run = time.monotonic(), Run(seed, folder, **more)
    outcome = Outcome(seed, ["it was broken off"])
    try:
        run.declare()
        run.rounds(rounds, told, most_seconds)
        run.settle()
        outcome.problems, outcome.counts = run.judge()
    except AssertionError as error:
        outcome.problems = [f"the run did not come to its end: {error}"]
    finally:
        outcome.rounds, outcome.kills, outcome.seconds = run.done, run.kills, time.monotonic() - began
        if outcome.problems:
            run.keep_logs()
        run.close()
        if not outcome.problems and not keep:
            shutil.rmtree(folder)
    return outcome


@dataclass
class Outcome:
    seed: int
    problems: list
    counts: dict = field(default_factory=dict)
    rounds: int = 0
    kills: int = 0
    seconds: float = 0.0

    def __str__(self):
        counted = ", ".join(f"{count} {what}" for what, count in self.counts.items())
        return f"seed {self.seed}: {self.rounds} rounds, {self.kills} kills, {self.seconds:.0f} s: {counted}"
