"""What a command costs on the wire: frames from the worker to the broker, which do not depend on the machine."""

from judge.case import OwnWorldCase
from judge.process import AMQP_URI
from judge.proxy import ACK, PUBLISH, Proxy
from judge.world import operation

COMMANDS = 400
# Of one batch that has been read and one that is read meanwhile, and some for a machine that stands still in between.
BATCHES = 40


class Frames(OwnWorldCase):
    def setUp(self):
        super().setUp()
        self.proxy = Proxy(AMQP_URI)
        self.addCleanup(self.proxy.close)
        self.world = self.make_world(amqp__uri=self.proxy.uri)
        # One command for each: isolate and unisolate of one server come from two queues, and might wait for one another.
        self.servers = [self.world.fresh() for _ in range(COMMANDS)]
        self.world.must_all([("enroll", self.world.enrollment(server)) for server in self.servers])
        self.world.settle()

    def publish(self, count):
        """Without asking for answers."""
        for _ in range(count):
            body = {"serverId": self.servers.pop(), "subState": "reserved", "operationUuid": operation()}
            self.world.publish("isolate", body)

    def await_events(self, before, count):
        self.world.wait(
            lambda: sum(event.changes_state for event in self.world.events) >= before + count,
            lambda: f"{count} events{self.world.explain()}", 60)
        self.assertEqual(sum(event.changes_state for event in self.world.events), before + count)

    def sent(self):
        return self.proxy.sent("consumer"), self.proxy.sent("publisher")

    def test_of_a_backlog(self):
        """Three frames an event (method, header, body), once each, and an acknowledgement a batch."""
        before = sum(event.changes_state for event in self.world.events)
        consumer, publisher = self.sent()
        self.proxy.freeze("consumer")
        self.publish(COMMANDS)
        self.proxy.thaw()
        self.await_events(before, COMMANDS)
        consumer_after, publisher_after = self.sent()
        published = publisher_after - publisher
        self.assertEqual(published[PUBLISH], COMMANDS)
        self.assertLessEqual(published.total() - published[8], 3 * COMMANDS, published)
        self.assertLessEqual((consumer_after - consumer)[ACK], BATCHES, consumer_after)

    def test_of_a_lone_command(self):
        """Three frames, and the acknowledgement; nothing else is said for it."""
        for _ in range(5):
            before = sum(event.changes_state for event in self.world.events)
            consumer, publisher = self.sent()
            self.publish(1)
            self.await_events(before, 1)
            self.world.wait(lambda: (self.sent()[0] - consumer)[ACK], "acknowledged")
            spent = (self.sent()[0] - consumer) + (self.sent()[1] - publisher)
            self.assertEqual((spent[PUBLISH], spent[ACK], spent.total() - spent[8]), (1, 1, 4), spent)
