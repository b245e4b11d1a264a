"""Section 1: what is on the broker, and what happens when it is not what it should be."""

import json
import re
import uuid

from judge.broker import COMMANDS, Broker, control
from judge.case import OwnWorldCase, SharedWorldCase
from judge.process import Installation


class Declared(SharedWorldCase):
    def test_everything_is_there(self):
        world = self.world
        ns = world.namespace
        for exchange in ("commands", "dead-letters", "events"):
            self.assertTrue(world.broker.exchange_exists(f"{ns}.{exchange}"), exchange)
        for queue in [f"commands.{command}" for command in COMMANDS] + ["dead-letters", "events.log"]:
            self.assertTrue(world.broker.queue_exists(f"{ns}.{queue}"), queue)

    def test_kinds_and_arguments(self):
        """A second declaration with the same arguments succeeds, with other ones it does not (AMQP 0-9-1, 406)."""
        world = self.world
        ns = world.namespace
        dead = f"{ns}.dead-letters"

        def exchange(name, **arguments):
            return world.broker.probe(lambda channel: channel.exchange_declare(
                f"{ns}.{name}", "topic", durable=True, arguments=arguments or None))

        def queue(name, arguments):
            return world.broker.probe(lambda channel: channel.queue_declare(
                f"{ns}.{name}", durable=True, arguments=arguments))

        self.assertIsNone(exchange("commands", **{"alternate-exchange": dead}))
        self.assertIsNone(exchange("dead-letters"))
        self.assertIsNone(exchange("events"))
        self.assertIsNotNone(exchange("commands"), "without the alternate exchange it is another one")
        command_queue = {
            "x-queue-type": "quorum", "x-dead-letter-exchange": dead, "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish", "x-delivery-limit": 1000,
        }
        for command in COMMANDS:
            with self.subTest(command):
                self.assertIsNone(queue(f"commands.{command}", command_queue))
        self.assertIsNone(queue("dead-letters", {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}))
        self.assertIsNone(queue("events.log", {"x-queue-type": "stream", "x-max-age": "604800s"}))

    def test_arguments_as_the_broker_lists_them(self):
        listing = control("list_queues", "--silent", "--formatter", "json", "name", "type", "durable", "arguments")
        if listing is None:
            self.skipTest("OSTLER_TEST_RABBITMQCTL is not set")
        ns = self.world.namespace
        queues = {row["name"]: row for row in json.loads(listing) if row["name"].startswith(ns + ".")}
        text = {name: json.dumps(row) for name, row in queues.items()}
        for command in COMMANDS:
            row = text[f"{ns}.commands.{command}"]
            for expected in ("quorum", "at-least-once", "reject-publish", f"{ns}.dead-letters"):
                self.assertIn(expected, row, command)
            self.assertRegex(row, r"x-delivery-limit\W+(\w+\W+)?1000\b", command)
        self.assertRegex(text[f"{ns}.dead-letters"], r"x-delivery-limit\W+(\w+\W+)?1000000\b")
        self.assertIn("604800s", text[f"{ns}.events.log"])
        unexpected = set(queues) - {f"{ns}.commands.{command}" for command in COMMANDS} - {
            f"{ns}.dead-letters", f"{ns}.events.log", f"{ns}.worker"}
        self.assertEqual(unexpected, set(), "objects that the contract does not know")
        self.assertIn(f"{ns}.worker", queues)

    def test_the_worker_queue_is_exclusive(self):
        answer = self.world.broker.probe(
            lambda channel: channel.queue_declare(f"{self.world.namespace}.worker", passive=True))
        self.assertEqual(answer and answer[0], 405, "RESOURCE_LOCKED for everybody else")

    def test_the_events_log_has_everything(self):
        """A stream can be read again from its beginning."""
        world = self.world
        world.settle()
        reader = Broker()
        self.addCleanup(reader.close)
        reader.quick.basic_qos(prefetch_count=100)
        seen = []

        def take(channel, method, properties, _body):
            seen.append(properties.message_id)
            channel.basic_ack(method.delivery_tag)
        reader.consume(f"{world.namespace}.events.log", take, arguments={"x-stream-offset": "first"})
        first = [event.id for event in world.events[:20]]
        reader.wait(lambda: len(seen) >= len(first), "the log is read", 20)
        self.assertEqual(seen[:len(first)], first)

    def test_pages(self):
        worker = self.world.worker
        self.assertEqual(worker.get("/livez")[0], 200)
        self.assertEqual(worker.get("/readyz")[0], 200)
        status, text = worker.get("/metrics")
        self.assertEqual(status, 200)
        self.assertRegex(text, re.compile(r"^# TYPE \S+ (counter|gauge|histogram)", re.MULTILINE))


class Start(OwnWorldCase):
    def installation(self, **settings):
        """A namespace without a worker: (installation, broker)."""
        installation = Installation("acc" + uuid.uuid4().hex[:10], **settings)
        broker = Broker()

        def clean():
            broker.remove_topology(installation.namespace)
            broker.close()
            installation.remove()
        self.addCleanup(clean)
        return installation, broker

    def test_an_argument_that_differs(self):
        installation, broker = self.installation(startup__patience="3s")
        ns = installation.namespace
        name = f"{ns}.commands.allocate"
        broker.sure.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"})
        worker = installation.worker()
        self.addCleanup(worker.kill)
        self.assertNotEqual(worker.wait_end(30), 0)
        output = worker.output()
        for expected in (name, "x-dead-letter-exchange", f"{ns}.dead-letters"):
            self.assertIn(expected, output, "object, argument, and what was expected")

    def test_an_exchange_of_another_kind(self):
        installation, broker = self.installation(startup__patience="3s")
        name = f"{installation.namespace}.events"
        broker.sure.exchange_declare(name, "fanout", durable=True)
        worker = installation.worker()
        self.addCleanup(worker.kill)
        self.assertNotEqual(worker.wait_end(30), 0)
        output = worker.output()
        for expected in (name, "fanout", "topic"):
            self.assertIn(expected, output)

    def test_an_events_log_that_differs_is_a_warning(self):
        installation, broker = self.installation()
        name = f"{installation.namespace}.events.log"
        broker.sure.queue_declare(name, durable=True, arguments={"x-queue-type": "stream", "x-max-age": "3600s"})
        worker = installation.worker()
        self.addCleanup(worker.kill)
        worker.wait_ready(pump=broker.pump)
        self.assertIn(name, worker.output())
        self.assertEqual(worker.terminate(), 0)

    def test_an_events_log_that_is_no_stream_is_a_warning(self):
        for kind in ("classic", "quorum"):
            with self.subTest(kind):
                installation, broker = self.installation()
                name = f"{installation.namespace}.events.log"
                broker.sure.queue_declare(name, durable=True, arguments={"x-queue-type": kind})
                worker = installation.worker()
                self.addCleanup(worker.kill)
                worker.wait_ready(pump=broker.pump)
                self.assertRegex(worker.output(), f"the events log differs.*{name}")
                self.assertIn("which is not a stream", worker.output())
                self.assertEqual(worker.terminate(), 0)

    def test_a_lock_that_is_none(self):
        """A durable queue of the lock's name is not another worker, for which one could wait."""
        installation, broker = self.installation()
        name = f"{installation.namespace}.worker"
        broker.sure.queue_declare(name, durable=True)
        worker = installation.worker()
        self.addCleanup(worker.kill)
        self.assertEqual(worker.wait_end(30), 78, worker.output())
        self.assertRegex(worker.output(), f"queue {name}: it is there and belongs to no connection")

    def test_verify_needs_the_lock(self):
        """The one object that the worker makes itself whatever `amqp.topology` says."""
        installation, broker = self.installation()
        if control("version") is None:
            self.skipTest("OSTLER_TEST_RABBITMQCTL is not set")
        self.assertEqual(installation.command("topology").returncode, 0)
        ns, user = installation.namespace, "u" + uuid.uuid4().hex[:8]
        control("add_user", user, "secret")
        self.addCleanup(control, "delete_user", user)
        uri = re.sub("//[^@]*@", f"//{user}:secret@", installation.settings["amqp.uri"])
        rest = rf"^({ns}\.|amq\.default$)", rf"^{ns}\."
        control("set_permissions", user, "^$", *rest)
        worker = installation.worker(amqp__topology="verify", amqp__uri=uri)
        self.addCleanup(worker.kill)
        self.assertEqual(worker.wait_end(30), 78, worker.output())
        self.assertIn(f"queue {ns}.worker: the broker does not allow it", worker.output())
        control("set_permissions", user, rf"^{ns}\.worker$", *rest)
        worker = installation.worker(amqp__topology="verify", amqp__uri=uri)
        self.addCleanup(worker.kill)
        worker.wait_ready(pump=broker.pump)
        self.assertEqual(worker.terminate(), 0)

    def test_verify_creates_nothing(self):
        installation, broker = self.installation(startup__patience="3s", amqp__topology="verify")
        worker = installation.worker()
        self.addCleanup(worker.kill)
        self.assertNotEqual(worker.wait_end(30), 0)
        output = worker.output()
        ns = installation.namespace
        for name in ("commands", "events", "dead-letters", "commands.allocate", "commands.snapshot"):
            self.assertIn(f"{ns}.{name}", output, "the list of what does not exist")
            self.assertFalse(broker.exchange_exists(f"{ns}.{name}"))
            self.assertFalse(broker.queue_exists(f"{ns}.{name}"))

    def test_verify_is_content_with_what_declare_made(self):
        installation, broker = self.installation()
        worker = installation.worker()
        self.addCleanup(worker.kill)
        worker.wait_ready(pump=broker.pump)
        self.assertEqual(worker.terminate(), 0)
        worker = installation.worker(amqp__topology="verify")
        self.addCleanup(worker.kill)
        worker.wait_ready(pump=broker.pump)
        self.assertEqual(worker.terminate(), 0)

    def test_without_the_events_log(self):
        installation, broker = self.installation(events__log__enabled="false")
        worker = installation.worker()
        self.addCleanup(worker.kill)
        worker.wait_ready(pump=broker.pump)
        self.assertFalse(broker.queue_exists(f"{installation.namespace}.events.log"))
        self.assertEqual(worker.terminate(), 0)
