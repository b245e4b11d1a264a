"""The broker forgets a subscription: messages wait, the connection lives, and nothing comes."""

import re

from judge.broker import control
from judge.case import OwnWorldCase
from judge.load import Load
from judge.process import AMQP_URI
from judge.proxy import DELIVER, Proxy
from judge.world import operation

DEAF = "messages wait at the broker and none of them come"
CURED = "messages come again"

# Takes every consumer of a quorum queue out of its state, and tells no channel.
FORGET = """
{{ok, Q}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"{queue}">>)),
[ra:process_command(amqqueue:get_pid(Q), rabbit_fifo:make_checkout({{element(2, C), element(1, C)}}, cancel, #{{}}))
  || C <- rabbit_amqqueue:consumers(Q)].
"""


class Deaf(OwnWorldCase):
    def deaf_count(self, world):
        found = re.search(r"^ostler_consumer_deaf (\S+)$", world.worker.get("/metrics")[1], re.MULTILINE)
        return float(found.group(1))

    def test_the_queue_forgets_its_consumer(self):
        """Noticed by itself, said, and cured by a new subscription, while the other queues are served."""
        world = self.make_world(amqp__heartbeat="4s")
        server_id, process = world.server("new"), world.worker.process
        queue = f"{world.namespace}.commands.isolate"
        if control("eval", FORGET.format(queue=queue)) is None:
            self.skipTest("OSTLER_TEST_RABBITMQCTL is not set")
        pending = world.send("isolate", {"serverId": server_id, "subState": "reserved", "operationUuid": operation()})
        world.settle()
        self.assertFalse(pending.is_answered, "it is deaf in that queue")
        seen = set()

        def is_said():
            seen.add(world.worker.get("/readyz")[0])
            return pending.is_answered
        world.wait(is_said, lambda: f"it hears again{world.explain()}", 90)
        self.assertVerdict(world.wait_all([pending])[0], "applied")
        world.wait(lambda: CURED in world.worker.output(), "it says so", 10)
        self.assertRegex(world.worker.output(), f"{DEAF}.*{re.escape(queue)}")
        self.assertEqual(self.deaf_count(world), 1)
        world.worker.wait_ready(pump=world.broker.pump)
        self.assertIs(world.worker.process, process)
        world.check_story()
        self.assertEqual(world.letters(), [])

    def test_deliveries_that_do_not_arrive(self):
        """A deafness that a new channel does not cure is met with a new connection, ever more rarely; not ready until it is
        over."""
        proxy = Proxy(AMQP_URI)
        self.addCleanup(proxy.close)
        world = self.make_world(amqp__uri=proxy.uri, amqp__heartbeat="1s", amqp__prefetch=2, parking__patience="1s")
        load = Load(world, seed=301)
        world.mark()
        proxy.drop("consumer", DELIVER)
        load.publish(60)
        world.wait(lambda: world.worker.output().count(DEAF) >= 2, lambda: f"it notices, twice{world.explain()}", 40)
        world.wait(lambda: not world.worker.is_ready, "it is not ready", 5)
        world.wait(lambda: "not consuming; trying again" in world.worker.output(), "a new connection the second time", 15)
        proxy.release()
        world.worker.wait_ready(60, pump=world.broker.pump)
        load.check()
        codes = {row["code"] for row in world.letters(all_states=True)}
        self.assertFalse(codes & {"delivery-limit", "broker-rejected", "worker-crash"}, codes)

    def test_no_false_alarm(self):
        """Silence, parked commands, a backlog that another program holds: nothing is wrong with the subscriptions."""
        world = self.make_world(amqp__heartbeat="1s", amqp__prefetch=4, parking__patience="60s")
        servers = [world.fresh() for _ in range(3)]
        for server_id in servers:  # as many as may be parked; more of them would be decided at once
            world.publish("isolate", {"serverId": server_id, "subState": "reserved", "operationUuid": operation()})
        # Questions are asked, over a connection of its own: some of them.
        asked = control("list_connections", "client_properties")
        if asked is None:
            self.skipTest("OSTLER_TEST_RABBITMQCTL is not set")
        world.wait(lambda: "ostler-inspector" in control("list_connections", "client_properties"), "it has asked", 60)
        rounds = 0

        def has_asked_again():  # each look takes a second or so
            nonlocal rounds
            rounds += 1
            control("list_queues", "name")
            return rounds >= 4
        world.wait(has_asked_again, "some more silences pass", 40)
        self.assertEqual(self.deaf_count(world), 0)
        world.worker.wait_ready(pump=world.broker.pump)
        self.assertNotIn(DEAF, world.worker.output())
        world.must_all([("enroll", world.enrollment(server_id)) for server_id in servers])
        world.check_story()


# The process that leads a quorum queue: suspended it is there, and answers nobody, as a leader that was lost.
LEADER = """
{{ok, Q}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"{queue}">>)),
{{Leader, _}} = amqqueue:get_pid(Q),
sys:{act}(Leader).
"""


class Unanswered(OwnWorldCase):
    def test_a_queue_without_a_leader(self):
        """The broker does not answer who subscribes to it. The other queues are served, readiness names the one that is
        not, and it is served as soon as it answers."""
        world = self.make_world(start=False)
        queue = f"{world.namespace}.commands.isolate"
        done = world.installation.command("topology")
        self.assertEqual(done.returncode, 0, done.stderr)
        if control("eval", LEADER.format(queue=queue, act="suspend")) is None:
            self.skipTest("OSTLER_TEST_RABBITMQCTL is not set")
        resume = LEADER.format(queue=queue, act="resume")
        self.addCleanup(control, "eval", resume)
        world.listen()
        world.worker = world.installation.worker()
        server_id = world.fresh()
        enrolled = world.send("enroll", world.enrollment(server_id))
        # The broker ends a channel that waits for the leader only when it has given up waiting itself.
        world.wait(lambda: enrolled.is_answered, lambda: f"the other queues are served{world.explain()}", 180)
        self.assertVerdict(world.wait_all([enrolled])[0], "applied")
        status, text = world.worker.get("/readyz")
        self.assertEqual(status, 503)
        self.assertIn(f"the broker does not answer for {queue}; the other queues are served", text)
        control("eval", resume)
        isolated = world.send("isolate", {"serverId": server_id, "subState": "reserved", "operationUuid": operation()})
        world.wait(lambda: isolated.is_answered, lambda: f"it is served again{world.explain()}", 90)
        self.assertVerdict(world.wait_all([isolated])[0], "applied")
        world.worker.wait_ready(pump=world.broker.pump)
        world.check_story()
        self.assertEqual(world.letters(), [])
