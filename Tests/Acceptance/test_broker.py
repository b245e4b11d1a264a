"""What a broker does to the worker (failures 9, 10, 12–16, 22, 31), with both promises checked from outside after each."""

import json
import os
import re
import signal
import subprocess
import time
import uuid

import pika.exceptions

from judge.broker import Broker, COMMANDS, control
from judge.case import OwnWorldCase
from judge.faults import Faults
from judge.load import Load
from judge.node import NODE_SECONDS, Node
from judge.process import Installation
from judge.proxy import Proxy
from judge.waiting import wait_until
from judge.world import operation


def metric(world, series):
    found = re.search(rf"^{re.escape(series)} (\S+)$", world.worker.get("/metrics")[1], re.MULTILINE)
    return float(found.group(1)) if found else 0.0


class Connections(OwnWorldCase):
    def close_all(self, world):
        if control("close_all_connections", "acceptance suite") is None:
            self.skipTest("OSTLER_TEST_RABBITMQCTL is not set")
        world.broker.reopen()

    def test_closed_by_the_broker(self):
        """Reconnects, subscribes again, publishes what was unconfirmed (failure 9); nothing is dead-lettered."""
        world = self.make_world(parking__patience="1s")
        load = Load(world, seed=31)
        process = world.worker.process
        for _ in range(4):
            load.publish(60)
            self.close_all(world)
        world.worker.wait_ready(60, pump=world.broker.pump)
        load.check()
        self.assertIs(world.worker.process, process)
        self.assertTrue(world.worker.is_running, "the same process all the time")

    def test_a_queue_is_deleted(self):
        """Loud, declared and subscribed again (failure 13)."""
        world = self.make_world()
        world.settle()
        queue = f"{world.namespace}.commands.isolate"
        world.broker.probe(lambda channel: channel.queue_delete(queue))
        world.broker.wait(lambda: world.broker.queue_exists(queue), "declared again", 60)
        body = {"serverId": world.server("new"), "subState": "reserved", "operationUuid": operation()}
        self.assertVerdict(world.ask("isolate", body, seconds=60), "applied")
        self.assertIn(queue, world.worker.output())
        world.worker.wait_ready(60, pump=world.broker.pump)

    def test_the_broker_restarts(self):
        """Queues and messages stay, connections do not (failure 9)."""
        world = self.make_world(parking__patience="1s")
        load = Load(world, seed=41)
        load.publish(80)
        if control("stop_app", timeout=120) is None:
            self.skipTest("OSTLER_TEST_RABBITMQCTL is not set")
        world.broker.reconnect_after(lambda: control("start_app", timeout=120))
        world.worker.wait_ready(90, pump=world.broker.pump)
        load.publish(40)
        load.check()
        self.assertEqual(world.letters("--code", "delivery-limit"), [])

    def test_a_memory_alarm(self):
        """The broker stops reading from those who publish; consuming goes on, events wait in the store (failure 14)."""
        world = self.make_world()
        servers = [world.server("new") for _ in range(20)]
        self.assertEqual(world.worker.terminate(pump=world.broker.pump), 0)
        for server_id in servers:
            world.publish("isolate", {"serverId": server_id, "subState": "reserved", "operationUuid": operation()})
        if control("set_vm_memory_high_watermark", "0.0000001") is None:
            self.skipTest("OSTLER_TEST_RABBITMQCTL is not set")
        try:
            world.worker = world.installation.worker()
            world.wait(
                lambda: all(world.servers()[server_id]["state"] == "isolated" for server_id in servers),
                lambda: f"all are applied during the alarm{world.explain()}", 40)
        finally:
            control("set_vm_memory_high_watermark", "0.4")
        world.worker.wait_ready(60, pump=world.broker.pump)
        world.check_story()

    def test_a_frozen_broker(self):
        """Noticed within two heartbeats; shutdown does not hang (failure 10)."""
        pid = int(os.environ.get("OSTLER_TEST_BROKER_PID") or 0)
        if not pid:
            self.skipTest("OSTLER_TEST_BROKER_PID is not set")
        world = self.make_world(amqp__heartbeat="2s", shutdown__grace="5s", parking__patience="1s")
        load = Load(world, seed=51)
        load.publish(40)
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: not world.worker.is_ready, "readiness turns false", 15)
            self.assertTrue(world.worker.is_running)
        finally:
            os.kill(pid, signal.SIGCONT)
        world.worker.wait_ready(60, pump=world.broker.pump)
        load.check()
        os.kill(pid, signal.SIGSTOP)
        try:
            world.worker.process.send_signal(signal.SIGTERM)
            world.worker.wait_end(20)
        finally:
            os.kill(pid, signal.SIGCONT)


class OwnNode(OwnWorldCase):
    """What a shared broker should not have to bear."""

    @classmethod
    def setUpClass(cls):
        cls.node = Node()
        cls.addClassCleanup(cls.node.stop)

    def test_killed(self):
        """SIGKILL under load, twice (failure 9)."""
        world = self.make_world(uri=self.node.uri, parking__patience="1s", amqp__heartbeat="2s")
        load = Load(world, seed=501)
        process = world.worker.process
        declared = time.monotonic()
        world.broker.wait(
            lambda: time.monotonic() > declared + NODE_SECONDS, "the broker has written down its queues", 2 * NODE_SECONDS)
        for _ in range(2):
            load.publish(40)
            self.node.kill()
            wait_until(lambda: not world.worker.is_ready, "readiness turns false", 20)
            world.broker.reconnect_after(self.node.start, 90)
            world.worker.wait_ready(90, pump=world.broker.pump)
            load.publish(20)
        load.check()
        self.assertIs(world.worker.process, process)
        codes = {row["code"] for row in world.letters(all_states=True)}
        self.assertFalse(codes & {"delivery-limit", "broker-rejected", "worker-crash", "foreign"}, codes)

    def test_a_disk_alarm(self):
        """Set in the middle of the load: consuming and acknowledging go on, the outbox grows; cleared: it empties
        (failure 14)."""
        world = self.make_world(uri=self.node.uri, parking__patience="1s")
        load = Load(world, seed=502)
        world.settle()
        os.kill(world.worker.process.pid, signal.SIGSTOP)  # so that the alarm comes before the load is done
        try:
            load.publish(150)
            self.node.control("set_disk_free_limit", "1000GB")
            os.kill(world.worker.process.pid, signal.SIGCONT)
            queues = [f"{world.namespace}.commands.{command}" for command in COMMANDS]

            def is_done():
                rows = dict(line.split("\t") for line in self.node.control(
                    "-q", "list_queues", "--no-table-headers", "name", "messages").splitlines())
                return all(rows[queue] == "0" for queue in queues)
            world.broker.wait(is_done, lambda: f"all are acknowledged during the alarm{world.explain()}", 60)
            self.assertIn("an alarm", world.worker.output())
        finally:
            os.kill(world.worker.process.pid, signal.SIGCONT)
            self.node.control("set_disk_free_limit", "50MB")
        load.check()
        world.worker.wait_ready(pump=world.broker.pump)

    def test_a_password_that_is_changed(self):
        """A clear error without the password, growing pauses, and back when it is right again (failure 31)."""
        name = "u" + uuid.uuid4().hex[:8]
        self.node.control("add_user", name, "first-secret")
        self.addCleanup(self.node.control, "delete_user", name)
        self.node.control("set_permissions", name, ".*", ".*", ".*")
        proxy = Proxy(self.node.uri.replace("guest:guest", f"{name}:first-secret"))
        self.addCleanup(proxy.close)
        world = self.make_world(uri=self.node.uri, amqp__uri=proxy.uri, parking__patience="1s")
        load = Load(world, seed=503)
        load.publish(30)
        self.node.control("change_password", name, "second-secret")
        proxy.reset()
        before = len(proxy.accepted)
        tries = re.compile("not consuming; trying again.*authenticationFailed")
        world.wait(lambda: len(tries.findall(world.worker.output())) >= 3, lambda: f"it says so{world.explain()}", 40)
        # Each of the connections on its own, with pauses of 0.2, 0.4, 0.8, 1.6 s and so on.
        self.assertLess(len(proxy.accepted) - before, 30)
        self.assertNotIn("first-secret", world.worker.output())
        self.assertFalse(world.worker.is_ready)
        self.node.control("change_password", name, "first-secret")
        world.worker.wait_ready(60, pump=world.broker.pump)
        load.check()

    def test_the_right_to_publish_events_is_revoked(self):
        """Commands are applied, events wait, and nobody is hammered (failure 31)."""
        name = "u" + uuid.uuid4().hex[:8]
        self.node.control("add_user", name, "secret")
        self.addCleanup(self.node.control, "delete_user", name)
        self.node.control("set_permissions", name, ".*", ".*", ".*")
        proxy = Proxy(self.node.uri.replace("guest:guest", f"{name}:secret"))
        self.addCleanup(proxy.close)
        world = self.make_world(uri=self.node.uri, amqp__uri=proxy.uri, parking__patience="1s", events__log__enabled="false")
        load = Load(world, seed=504)
        world.mark()
        self.node.control("set_permissions", name, ".*", r"^amq\.default$", ".*")
        proxy.reset("publisher")
        before = len(proxy.accepted)
        load.publish(30)
        tries = re.compile("events are not being published.*(accessRefused|channelClosed|refused)")
        world.wait(lambda: len(tries.findall(world.worker.output())) >= 5, lambda: f"it says so{world.explain()}", 40)
        # 0.1–0.2 + 0.2–0.4 + 0.4–0.8 + …: five tries in a row take a second and a half at the least.
        self.assertLess(len(proxy.accepted) - before, 15)
        self.node.control("set_permissions", name, ".*", ".*", ".*")
        load.check()


class Certificate(OwnWorldCase):
    def test_expired(self):
        """Over TLS, while it runs: a clear error, growing pauses, and back with a certificate that is valid (failure 31)."""
        uri, authority = os.environ.get("OSTLER_TEST_AMQPS_URI"), os.environ.get("OSTLER_TEST_CA")
        if not uri or not authority:
            self.skipTest("OSTLER_TEST_AMQPS_URI and OSTLER_TEST_CA are not set")
        # The worker trusts whom the system trusts; here that is the suite's own authority, for this process only.
        alone = ["unshare", "--mount", "--propagation", "private"]
        if subprocess.run([*alone, "true"], capture_output=True).returncode != 0:
            self.skipTest("a mount namespace cannot be had here (root is needed)")
        proxy = Proxy(uri, cuts_frames=False)
        self.addCleanup(proxy.close)
        by_name = proxy.uri.replace("127.0.0.1", "localhost")
        world = self.make_world(start=False, amqp__uri=by_name, parking__patience="1s")
        faults = Faults(world.installation)
        world.installation.worker_prefix = [
            *alone, "sh", "-c", 'mount --bind "$1" /etc/ssl/certs/ca-certificates.crt && shift && exec "$@"', "sh", authority]
        world.start()
        load = Load(world, seed=521)
        load.publish(30)
        faults.set(clock_ahead=20 * 366 * 86_400)
        before = len(proxy.accepted)
        proxy.reset()
        tries = re.compile("not consuming; trying again.*tlsFailed.*expired")
        world.wait(lambda: len(tries.findall(world.worker.output())) >= 3, lambda: f"it says so{world.explain()}", 40)
        self.assertLess(len(proxy.accepted) - before, 25)
        self.assertFalse(world.worker.is_ready)
        faults.set(clock_ahead=0)
        world.worker.wait_ready(60, pump=world.broker.pump)
        load.check()


class Nacked(OwnWorldCase):
    def test_by_a_full_queue_of_a_subscriber(self):
        """The broker refuses events: they stay in the outbox and go out again with the same ids, in order (failure 15)."""
        world = self.make_world(parking__patience="1s", events__log__enabled="false")
        load = Load(world, seed=511)
        world.mark()
        full = f"{world.namespace}.full"
        world.broker.sure.queue_declare(
            full, durable=False, arguments={"x-max-length": 0, "x-overflow": "reject-publish"})
        self.addCleanup(lambda: Broker().probe(lambda channel: channel.queue_delete(full)))
        world.broker.sure.queue_bind(full, f"{world.namespace}.events", "#")
        load.publish(40)
        world.wait(lambda: metric(world, "ostler_events_restarted") >= 3, lambda: f"refused{world.explain()}", 30)
        self.assertIn("the broker refused an event", world.worker.output())
        world.worker.wait_ready(pump=world.broker.pump)  # commands go on
        world.broker.sure.queue_delete(full)
        load.check()


class Unheard(OwnWorldCase):
    def test_events_without_a_subscriber_are_counted(self):
        """Where the events log is off (failure 16)."""
        world = self.make_world(start=False, events__log__enabled="false")
        world.worker = world.installation.worker()
        world.worker.wait_ready(pump=world.broker.pump)
        for _ in range(5):
            world.must("enroll", world.enrollment(world.fresh()))
        world.wait(lambda: metric(world, "ostler_events_unroutable") == 5, "five that no queue took", 20)
        world.wait(lambda: metric(world, "ostler_events_confirmed") > 0, "and that were confirmed all the same", 10)


class DeadLetters(OwnWorldCase):
    """The exchange and queue of the broker's dead letters, which nothing may fall through (failure 22)."""

    def limit(self, world, **arguments):
        pattern = f"^{re.escape(world.namespace)}\\.dead-letters$"
        done = control("set_policy", world.namespace, pattern, json.dumps(arguments), "--apply-to", "queues")
        if done is None:
            self.skipTest("OSTLER_TEST_RABBITMQCTL is not set")
        self.addCleanup(lambda: control("clear_policy", world.namespace))

    def test_missing_at_the_start(self):
        """Exchange, queue and binding are made again, and nothing that died meanwhile was lost."""
        world = self.make_world(start=False)
        world.start()
        world.settle()
        name = f"{world.namespace}.dead-letters"
        for note, harm in {
                "binding": lambda channel: channel.queue_unbind(name, name, "#"),
                "queue": lambda channel: channel.queue_delete(name),
                "exchange": lambda channel: channel.exchange_delete(name)}.items():
            with self.subTest(note):
                self.assertEqual(world.worker.terminate(pump=world.broker.pump), 0)
                world.broker.probe(harm)
                world.start()
                mark = uuid.uuid4().hex
                world.publish("alocate", {}, message_id=mark)
                world.wait(
                    lambda: [row for row in world.letters() if row["properties"].get("messageId") == mark],
                    f"a misspelt command is kept{world.explain()}", 20)

    def test_declared_with_a_limit(self):
        """A queue that could be full is refused, before any command could fall through it."""
        namespace = "acc" + uuid.uuid4().hex[:10]
        installation = Installation(namespace)
        broker = Broker()
        self.addCleanup(broker.close)
        self.addCleanup(broker.remove_topology, namespace)
        self.addCleanup(installation.remove)
        name = f"{namespace}.dead-letters"
        broker.sure.exchange_declare(name, "topic", durable=True)
        broker.sure.queue_declare(name, durable=True, arguments={
            "x-queue-type": "quorum", "x-delivery-limit": 1_000_000, "x-max-length": 1, "x-overflow": "reject-publish"})
        worker = installation.worker()
        self.addCleanup(worker.kill)
        self.assertEqual(worker.wait_end(30), 78)
        for part in (name, "x-max-length"):
            self.assertIn(part, worker.output())
        self.assertFalse(broker.queue_exists(f"{namespace}.commands.allocate"), "no queue points to it")

    def test_full(self):
        """By a policy, which nobody can see over AMQP: a command that no queue takes is refused to its sender, and those that
        were taken before are all kept once the worker is there."""
        world = self.make_world()
        world.settle()
        self.assertEqual(world.worker.terminate(pump=world.broker.pump), 0)
        self.limit(world, **{"max-length": 5, "overflow": "reject-publish"})
        taken = []

        def is_refused():  # a quorum queue takes some more than its limit
            try:
                mark = f"misspelt {len(taken):04}"
                world.publish("alocate", {}, message_id=mark)
                taken.append(mark)
                return False
            except pika.exceptions.NackError:
                return True
        wait_until(is_refused, "the broker refuses it to its sender", 30)
        world.start()

        def kept():
            return sorted(row["properties"]["messageId"] for row in world.letters("--code", "unknown-command"))
        world.wait(lambda: len(kept()) >= len(taken), lambda: f"those that it took are kept{world.explain()}", 30)
        self.assertEqual(kept(), taken)
        world.check_story()
