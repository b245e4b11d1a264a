"""What a network does to the worker (failures 9, 10, 15, 19, 32), with both promises checked from outside after each.

The worker reaches the broker through a proxy (`judge/proxy.py`); sender and subscriber do not.
"""

import re
import signal
import time

from judge.case import OwnWorldCase
from judge.load import Load
from judge.process import AMQP_URI, free_port
from judge.proxy import ACK, NACK, Proxy, with_port
from judge.waiting import Clock, wait_until
from judge.world import operation

# Short, so that silence is noticed soon; what is said of two heartbeats holds for any.
HEARTBEAT = 2
# For the machine: probes, scheduling, a broker that answers late.
SLACK = 1.5
LOST = "not consuming; trying again"


class NetworkCase(OwnWorldCase):
    def make_link(self, **settings):
        """(world, proxy), with a worker that goes through the proxy."""
        proxy = Proxy(AMQP_URI)
        self.addCleanup(proxy.close)
        settings = {"amqp__uri": proxy.uri, "amqp__heartbeat": f"{HEARTBEAT}s", "parking__patience": "1s", **settings}
        return self.make_world(**settings), proxy

    def ready_again(self, world, seconds=40):
        world.worker.wait_ready(seconds, pump=world.broker.pump)

    def notices(self, world, what="readiness turns false"):
        """Seconds until the worker says that it is not ready."""
        clock, losses = Clock(), world.worker.output().count(LOST)
        # It may be ready again before it is asked.
        world.broker.wait(
            lambda: not world.worker.is_ready or world.worker.output().count(LOST) > losses, what, 3 * HEARTBEAT + 30)
        return clock.stop()

    def metric(self, world, series):
        found = re.search(rf"^{re.escape(series)} (\S+)$", world.worker.get("/metrics")[1], re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    def nothing_was_given_up(self, world):
        """No healthy message became a letter because of the link."""
        given_up = [row for row in world.letters(all_states=True)
                    if row["code"] in ("delivery-limit", "broker-rejected", "worker-crash", "foreign")]
        self.assertEqual(given_up, [])


class Reset(NetworkCase):
    def test_under_load(self):
        """RST on every connection, in the middle of what goes both ways (failures 9 and 10)."""
        world, proxy = self.make_link()
        load = Load(world, seed=101)
        process = world.worker.process
        for _ in range(6):
            heard = len(world.events)
            load.publish(40)
            world.broker.wait(lambda: len(world.events) > heard, lambda: f"it works{world.explain()}", 30)
            proxy.reset()
        self.ready_again(world)
        load.check()
        self.nothing_was_given_up(world)
        self.assertIs(world.worker.process, process)
        self.assertTrue(world.worker.is_running, "the same process all the time")

    def test_of_the_publishing_connection_alone(self):
        """Events go out again from the first unconfirmed one on; consuming is not touched."""
        world, proxy = self.make_link()
        load = Load(world, seed=102)
        for _ in range(5):
            heard = len(world.events)
            load.publish(40)
            world.broker.wait(lambda: len(world.events) > heard, "it publishes", 30)
            proxy.reset("publisher")
        load.check()
        self.assertEqual(self.metric(world, 'ostler_connection_reconnects{connection="consumer"}'), 0)

    def test_flapping_fifty_times(self):
        """A full prefetch comes back with every loss, and no message dies of that (failure 19)."""
        world, proxy = self.make_link(parking__patience="60s", parking__limit=60, amqp__prefetch=61)
        servers = [world.fresh() for _ in range(60)]
        for server_id in servers:  # they wait for their server, un-acknowledged
            world.publish("isolate", {"serverId": server_id, "subState": "reserved", "operationUuid": operation()})
        began = "INFO consuming"
        for round_number in range(1, 51):
            world.wait(
                lambda: world.worker.output().count(began) >= round_number
                and self.metric(world, "ostler_commands_parked") == len(servers),
                lambda: f"it has all of them in hand, round {round_number}{world.explain()}", 40)
            proxy.reset("consumer")
        world.must_all([("enroll", world.enrollment(server_id)) for server_id in servers], seconds=60)
        world.wait(
            lambda: sum(event.name == "isolated" and event.server_id in servers for event in world.events) == len(servers),
            lambda: f"all are applied{world.explain()}", 60)
        self.assertEqual(world.letters(all_states=True), [])
        world.check_story()


class HalfOpen(NetworkCase):
    def test_the_broker_is_gone_and_nobody_says_so(self):
        """The worker's end stays open and is silent: noticed within two heartbeats (failure 10)."""
        world, proxy = self.make_link()
        load = Load(world, seed=111)
        load.publish(40)
        proxy.reset(side="broker")
        self.assertLess(self.notices(world), 2 * HEARTBEAT + SLACK)
        self.ready_again(world)
        load.check()
        self.nothing_was_given_up(world)

    def test_the_worker_is_gone_and_the_broker_does_not_know(self):
        """The lock and what was prefetched belong to a ghost until the broker has noticed: the worker waits, and nothing is
        applied twice."""
        world, proxy = self.make_link()
        load = Load(world, seed=112)
        load.publish(40)
        proxy.reset(side="worker")
        load.publish(20)
        world.wait(lambda: "waiting as a standby" in world.worker.output(), lambda: f"the lock is held{world.explain()}", 20)
        self.ready_again(world)
        load.check()
        self.nothing_was_given_up(world)


class BlackHole(NetworkCase):
    def test_under_load(self):
        """Nothing arrives any more in either direction: noticed within two heartbeats (failure 10)."""
        world, proxy = self.make_link()
        load = Load(world, seed=121)
        load.publish(60)
        proxy.freeze()
        load.publish(40)
        self.assertLess(self.notices(world), 2 * HEARTBEAT + SLACK)
        self.ready_again(world)
        load.check()
        self.nothing_was_given_up(world)

    def test_in_the_middle_of_a_frame(self):
        world, proxy = self.make_link()
        load = Load(world, seed=122)
        load.publish(20)
        for cut in (3, 150):  # in a frame's head, in a body
            proxy.freeze("consumer", after=cut)
            load.publish(20)
            self.assertLess(self.notices(world), 2 * HEARTBEAT + SLACK)
            self.ready_again(world)
        load.check()
        self.nothing_was_given_up(world)

    def test_for_a_moment(self):
        """Shorter than two heartbeats it is no loss at all."""
        world, proxy = self.make_link(amqp__heartbeat="8s")
        load = Load(world, seed=123)
        load.publish(60)
        proxy.freeze()
        load.publish(20)
        waits_until = time.monotonic() + 6
        world.broker.wait(lambda: time.monotonic() > waits_until, "six seconds pass", 30)
        proxy.thaw()
        load.check()
        self.assertEqual(self.metric(world, 'ostler_connection_reconnects{connection="consumer"}'), 0)
        self.assertEqual(self.metric(world, "ostler_events_restarted"), 0)

    def test_asked_to_stop_in_it(self):
        """Shutdown never hangs (failure 10): it ends within its grace, and nothing is lost."""
        for note, hole in {
                "it has not noticed yet": lambda proxy: proxy.freeze(),
                "it is trying to connect": lambda proxy: proxy.reset()}.items():
            with self.subTest(note):
                world, proxy = self.make_link(shutdown__grace="15s")
                load = Load(world, seed=124)
                load.publish(60)
                proxy.swallows_new = True
                hole(proxy)
                if "connect" in note:
                    wait_until(lambda: LOST in world.worker.output(), "it has noticed")
                    wait_until(lambda: len(proxy.links()) > 0, "it tries to connect")
                clock = Clock()
                world.worker.process.send_signal(signal.SIGTERM)
                status = world.worker.wait_end(60, pump=world.broker.pump)
                self.assertLess(clock.stop(), 15 + SLACK)
                self.assertIn(status, (0, 1), world.explain())
                proxy.swallows_new = False
                world.start()
                load.check()
                self.nothing_was_given_up(world)

    def test_asked_twice_to_stop_in_it(self):
        world, proxy = self.make_link(shutdown__grace="10m")
        proxy.swallows_new = True
        proxy.freeze()
        world.worker.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "a second signal stops at once" in world.worker.output(), "it has heard the first")
        clock = Clock()
        world.worker.process.send_signal(signal.SIGTERM)
        self.assertEqual(world.worker.wait_end(30), 1)
        self.assertLess(clock.stop(), 2)


class Slow(NetworkCase):
    def test_bytes_that_trickle(self):
        """One byte at a time is slow, and no failure: no connection is given up, and all is done."""
        world, proxy = self.make_link(events__log__enabled="false", amqp__heartbeat="8s")
        load = Load(world, seed=131, servers=6, clients=2)
        proxy.bytes_per_second = 4000
        load.publish(12)
        load.wait_until_told()
        proxy.bytes_per_second = None
        load.check()
        self.assertEqual(self.metric(world, 'ostler_connection_reconnects{connection="consumer"}'), 0)
        self.assertEqual(self.metric(world, "ostler_events_restarted"), 0)


class Refused(NetworkCase):
    def test_no_broker_for_a_while(self):
        """Backs off without hammering, and is back soon after the broker is (failure 9)."""
        world, proxy = self.make_link()
        load = Load(world, seed=141)
        load.publish(20)
        proxy.refuse()
        proxy.reset()
        load.publish(20)
        self.notices(world)
        # Tries with growing pauses: 0.2, 0.4, 0.8, 1.6, … seconds, each between half and all of it.
        tries = re.compile(r"not consuming; trying again")
        world.broker.wait(lambda: len(tries.findall(world.worker.output())) >= 5, "it tries", 30)
        self.assertLessEqual(len(tries.findall(world.worker.output())), 7)
        self.assertIn("Connection refused", world.worker.output())
        proxy.listen()
        self.ready_again(world)
        load.check()

    def test_from_the_start(self):
        """A broker that comes up after the worker."""
        proxy = Proxy(AMQP_URI)
        self.addCleanup(proxy.close)
        proxy.refuse()
        world = self.make_world(start=False, amqp__uri=proxy.uri)
        world.listen()
        world.worker = world.installation.worker()
        world.wait(lambda: "not consuming" in world.worker.output(), "it has tried", 20)
        self.assertFalse(world.worker.is_ready)
        proxy.listen()
        self.ready_again(world)
        world.check_story()


class Addresses(NetworkCase):
    def test_one_dead_one_silent_one_refusing(self):
        """All of them are tried, whichever it is that works (failure 32)."""
        dead = with_port(AMQP_URI, free_port())
        silent, good = Proxy(AMQP_URI), Proxy(AMQP_URI)
        hangs_up = Proxy(dead)  # accepts, and closes at once
        for proxy in (silent, good, hangs_up):
            self.addCleanup(proxy.close)
        silent.swallows_new = True
        world = self.make_world(
            start=False, amqp__uri=",".join([dead, hangs_up.uri, silent.uri, good.uri]), amqp__heartbeat=f"{HEARTBEAT}s",
            parking__patience="1s")
        world.start()
        load = Load(world, seed=151)
        load.publish(30)
        self.assertTrue(silent.accepted and hangs_up.accepted and good.links("consumer"))
        # Another one of them is the one that works.
        silent.swallows_new = False
        silent.reset()
        good.refuse()
        good.reset()
        # First of all the loss has to be noticed: until then it says that it is ready.
        silent.wait_for_link("consumer", 40, pump=world.broker.pump)
        self.ready_again(world)
        load.publish(30)
        load.check()
        self.nothing_was_given_up(world)

    def test_none_of_them(self):
        """Says of each why not, without a password, and gives up after startup.patience with status 69."""
        silent = Proxy(AMQP_URI)
        self.addCleanup(silent.close)
        silent.refuse()
        uris = [with_port(AMQP_URI, free_port()), silent.uri]
        world = self.make_world(start=False, amqp__uri=",".join(uris), startup__patience="1s")
        world.worker = world.installation.worker()
        self.assertEqual(world.worker.wait_end(30), 69)
        said = world.worker.output()
        for uri in uris:
            self.assertIn(re.search(r"127\.0\.0\.1:\d+", uri).group(0), said)
        self.assertNotIn("guest:guest", said)


class Confirms(NetworkCase):
    """Failure 15: nacked ones are in test_broker."""

    def test_that_come_late(self):
        """Nothing is published again for that."""
        # A window is given up after two to four heartbeats without a confirm.
        world, proxy = self.make_link(events__log__enabled="false", amqp__heartbeat="15s")
        load = Load(world, seed=161)
        world.mark()
        proxy.keep("publisher", ACK, NACK)
        copies = sum(world.event_copies.values()) - len(world.events)
        load.publish(40)
        load.wait_until_told()
        self.assertTrue(proxy.kept("publisher"))
        proxy.release()
        load.check()
        self.assertEqual(sum(world.event_copies.values()) - len(world.events), copies, "every event came once")
        self.assertEqual(self.metric(world, "ostler_events_restarted"), 0)

    def test_that_never_come(self):
        """The events go out again, with the same ids, in the same order, until they are confirmed."""
        world, proxy = self.make_link(amqp__heartbeat="1s", events__log__enabled="false")
        load = Load(world, seed=162)
        world.mark()
        proxy.drop("publisher", ACK, NACK)
        load.publish(40)
        first = world.event(lambda event: event.operation, "the first of them", after=len(world.events))
        world.wait(
            lambda: world.event_copies[first.id] >= 3, lambda: f"it comes again, and again{world.explain()}", 40)
        self.assertIn("has confirmed none of", world.worker.output())
        # Commands are applied meanwhile.
        self.assertVerdict(
            world.ask("isolate", {"serverId": load.servers[0], "subState": "failedOsInstall", "operationUuid": operation()}),
            {"applied", "unchanged", "server-allocated", "server-quarantined"})
        proxy.release()
        load.check()
        positions = [event.body["position"] for event in world.events]
        self.assertEqual(positions, sorted(positions, key=lambda position: (len(position), position)), "in order")
        self.assertLess(max(world.event_copies.values()), 12, "each pause is longer than the one before")
