"""Backups, what a worker does with a store that is not the one or is behind (failure 30), and the way back (section 6)."""

import json
import os
import shutil
import signal
import subprocess

from judge.case import OwnWorldCase
from judge.process import BINARY, Installation
from judge.waiting import wait_until
from judge.world import operation

PLACE, KIND = 77, 7


def path_of(world, name):
    return os.path.join(world.installation.folder.name, name)


def store_of(world):
    return world.installation.settings["store.path"]


class RecoveryCase(OwnWorldCase):
    def backup(self, world, name="backup.sqlite", *options):
        file = path_of(world, name)
        rows = world.installation.rows("backup", file, *options)
        self.assertEqual(len(rows), 1)
        return file, rows[0]

    def stop(self, world):
        world.settle()
        self.assertEqual(world.worker.terminate(pump=world.broker.pump), 0, world.explain())

    def restore(self, world, file, *options, allowed=(0,), **settings):
        """The objects that `ostler restore` prints, the summary among them, by kind."""
        kinds = {}
        for row in world.installation.rows("restore", file, "--yes", *options, allowed=allowed, **settings):
            kinds.setdefault(row["kind"], []).append(row)
        return kinds

    def mirror(self, world):
        """What a subscriber knows who goes by (epoch, sequence)."""
        known = {}
        for event in world.events:
            if "sequence" not in event.body or event.server_id is None:
                continue
            at = (event.body["epoch"], event.body["sequence"])
            if at > known.get(event.server_id, ((0, ""), None))[0]:
                known[event.server_id] = (at, event.data["state"])
        return {server_id: state for server_id, (_, state) in known.items()}

    def assertMirrored(self, world, unknown=()):
        """`unknown`: servers of which subscribers know and the store does not, because it was told to forget them."""
        world.settle()
        mirror = {server_id: state for server_id, state in self.mirror(world).items() if server_id not in unknown}
        self.assertEqual(mirror, {key: row["state"] for key, row in world.servers().items()})

    def assertRefused(self, world, *words):
        worker = world.installation.worker()
        self.addCleanup(worker.kill)
        self.assertEqual(worker.wait_end(30, pump=world.broker.pump), 78, worker.tail())
        for word in words:
            self.assertIn(word, worker.output())
        return worker


class Backups(RecoveryCase):
    def test_while_the_worker_runs(self):
        world = self.make_world()
        servers = [world.server("new") for _ in range(5)]
        world.settle()
        file, told = self.backup(world)
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        self.assertEqual(told["storeid"], world.events[0].body["storeid"])
        self.assertEqual((told["epoch"], told["position"]), (1, world.events[-1].body["position"]))
        self.assertEqual(told["bytes"], os.path.getsize(file))
        copy = Installation(world.namespace, store__path=file)
        self.addCleanup(copy.remove)
        rows = {row["serverId"]: row["state"] for row in copy.rows("servers")}
        self.assertEqual({server_id: rows[server_id] for server_id in servers}, dict.fromkeys(servers, "new"))
        left = [name for name in os.listdir(world.installation.folder.name) if ".new-" in name]
        self.assertEqual(left, [])

    def test_what_is_there_is_not_replaced(self):
        world = self.make_world()
        file = path_of(world, "mine.txt")
        with open(file, "w") as mine:
            mine.write("mine")
        done = world.installation.command("backup", file)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("--force", done.stderr)
        with open(file) as mine:
            self.assertEqual(mine.read(), "mine")
        self.backup(world, "mine.txt", "--force")
        done = world.installation.command("backup", "--force", store_of(world))
        self.assertEqual(done.returncode, 1, "never over the store itself")


class StartCheck(RecoveryCase):
    def test_yesterdays_copy_is_refused(self):
        """By hand in the place of the store: nothing is consumed, and it says what is missing."""
        world = self.make_world()
        world.settle()
        file, told = self.backup(world)
        for _ in range(3):
            world.server("new")
        self.stop(world)
        newest = int(world.events[-1].body["position"])
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(store_of(world) + suffix):
                os.unlink(store_of(world) + suffix)
        shutil.copy(file, store_of(world))
        world.publish("enroll", {"serverId": world.fresh(), "locationId": 1, "instanceTypeId": 1})
        heard = len(world.events)
        self.assertRefused(
            world, f"{newest - int(told['position'])} events are missing", f"{int(told['position']) + 1} to {newest}",
            "ostler restore", told["storeid"])
        self.assertEqual(world.broker.ready_messages(f"{world.namespace}.commands.enroll"), 1, "not consumed")
        self.assertEqual(len(world.events), heard)
        # The copy in its place may be named itself.
        self.restore(world, store_of(world))
        world.start()
        self.assertMirrored(world)

    def test_ahead_of_the_log_is_normal(self):
        """Killed with events that were not published; and foreign messages in the log."""
        world = self.make_world()
        world.settle()
        world.worker.kill()
        for body in (b"no event", b"{}", json.dumps({"specversion": "1.0", "id": operation()}).encode()):
            world.publish("x", body, exchange="", key=f"{world.namespace}.events.log")
        world.start()
        world.check_story()

    def test_a_log_of_foreign_messages_alone(self):
        world = self.make_world(start=False)
        self.assertEqual(world.installation.command("topology").returncode, 0)
        for number in range(50):
            world.publish("x", str(number), exchange="", key=f"{world.namespace}.events.log")
        world.start()
        world.check_story()


class Restores(RecoveryCase):
    def fleet(self, world, count=8):
        servers = [world.fresh() for _ in range(count)]
        world.must_all([("enroll", world.enrollment(server_id, "available", PLACE, KIND)) for server_id in servers])
        return servers

    def allocate(self, world, client, uuid=None):
        return world.ask("allocate", {
            "operationUuid": uuid or operation(), "locationId": PLACE, "instanceTypeId": KIND, "clientId": client})

    def test_no_server_is_given_twice(self):
        world = self.make_world()
        servers = self.fleet(world)
        client, other = world.fresh(), world.fresh()
        for one in (client, other):
            world.quota(one, PLACE, KIND, 20)
        early = self.allocate(world, client)
        lasting = self.allocate(world, client)
        frozen = servers[-1]
        world.must("quarantine", {"serverId": frozen, "caseId": "police"})
        before = operation()
        known = world.ask("unisolate", {"serverId": servers[-2], "operationUuid": before})
        file, told = self.backup(world)

        # What the backup does not know.
        uuid = operation()
        late = self.allocate(world, client, uuid)
        world.must("deallocate", {"serverId": early.server["serverId"], "clientId": client})
        world.must("unquarantine", {"serverId": frozen, "caseId": "police", "outcome": "restore", "reason": "done"})
        new = world.server("available", PLACE, KIND)
        world.quota(other, PLACE, KIND, 3)
        wiped = operation()
        world.must("isolate", {"serverId": servers[-3], "subState": "reserved"})
        world.must("unisolate", {"serverId": servers[-3], "operationUuid": wiped})
        world.publish("available", {"serverId": servers[-3], "baselineId": operation()})
        world.event(lambda event: event.name == "rejected", "a refusal that is kept")
        self.stop(world)
        newest = int(world.events[-1].body["position"])

        dry = self.restore(world, file, "--dry-run")
        self.assertEqual(dry["restore"][0]["restored"], False)
        done = self.restore(world, file)
        summary = done["restore"][0]
        self.assertEqual(dry["server"], done["server"], "a dry run tells what is done")
        self.assertEqual((summary["epoch"], summary["gaps"], summary["lastPosition"]), (2, 0, newest))
        self.assertEqual(summary["events"], newest - int(told["position"]))
        self.assertTrue(os.path.exists(summary["keptAs"]))
        self.assertTrue(os.path.exists(summary["listing"]))
        rows = {row["serverId"]: row for row in done["server"]}
        self.assertEqual(rows[late.server["serverId"]]["command"], "isolate")
        self.assertEqual(rows[early.server["serverId"]]["command"], "quarantine")
        self.assertEqual(rows[frozen]["command"], "quarantine")
        self.assertEqual(rows[new]["command"], "enroll")
        self.assertNotIn(lasting.server["serverId"], rows)
        began = rows[late.server["serverId"]]["allocations"][0]
        self.assertEqual((began["id"], began["began"], began["ended"]), (late.allocation["id"], True, False))
        self.assertTrue(rows[early.server["serverId"]]["allocations"][0]["ended"])
        self.assertEqual([(row["limit"], row["lastLimit"]) for row in done["quota"]], [(20, 3)])
        self.assertEqual([row["code"] for row in done["deadLetter"]], ["stale-baseline"])

        world.start()
        now = world.servers()
        withdrawn = now[late.server["serverId"]]
        self.assertEqual((withdrawn["state"], withdrawn["subState"]), ("isolated", "unknownError"))
        self.assertIn(str(client), withdrawn["reason"])
        self.assertEqual(now[new]["state"], "isolated")
        self.assertEqual(now[early.server["serverId"]]["state"], "quarantined")
        self.assertEqual(now[early.server["serverId"]]["allocation"]["clientId"], client)
        self.assertEqual(now[frozen]["holds"], ["police", "restore-2"])
        self.assertEqual(now[lasting.server["serverId"]]["state"], "allocated")

        # A copy of a command from after the backup is answered as it was.
        again = self.allocate(world, client, uuid)
        self.assertTrue(again.is_duplicate, again)
        self.assertEqual(again.server["serverId"], late.server["serverId"])
        self.assertEqual(again["eventIds"], late["eventIds"])
        again = world.ask("unisolate", {"serverId": servers[-3], "operationUuid": wiped})
        self.assertEqual((again.verdict, again.is_duplicate), ("applied", True))
        self.assertEqual(world.servers()[servers[-3]]["state"], "isolated", "nothing is wiped")
        # One from before it still names the event of then.
        again = world.ask("unisolate", {"serverId": servers[-2], "operationUuid": before})
        self.assertEqual(again["eventIds"], known["eventIds"])
        # Nobody gets what somebody has.
        given = {reply.server.get("serverId") for reply in (self.allocate(world, other) for _ in range(20))} - {None}
        self.assertFalse(given & set(rows), "a server that changed since was given away")
        # A later compare with the log finds nothing wrong, and subscribers know what the store says.
        self.assertEqual(world.worker.terminate(pump=world.broker.pump), 0)
        world.start()
        self.assertMirrored(world)
        self.assertEqual({event.body["epoch"] for event in world.events if event.body["epoch"] > 1}, {2})

    def test_trust(self):
        """The servers are as in the backup, and every mirror is told."""
        world = self.make_world()
        servers = self.fleet(world, 4)
        file, _ = self.backup(world)
        world.must("isolate", {"serverId": servers[0], "subState": "reserved"})
        self.stop(world)
        done = self.restore(world, file, "--trust")
        self.assertNotIn("command", done["server"][0])
        world.start()
        self.assertEqual(world.servers()[servers[0]]["state"], "available")
        world.event(lambda event: event.name == "snapshotCompleted", "all states are published")
        enrolled_since = {row["serverId"] for row in done["server"] if "backup" not in row}
        self.assertMirrored(world, enrolled_since)

    def test_refusals_change_nothing(self):
        world = self.make_world()
        self.fleet(world, 2)
        file, _ = self.backup(world)
        done = world.installation.command("restore", "--yes", file)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("a worker is active", done.stderr)
        done = world.installation.command("restore", "--yes", "--no-log", file)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("open in another process", done.stderr)
        self.stop(world)
        with open(store_of(world), "rb") as store:
            content = store.read()
        broken = path_of(world, "broken.sqlite")
        with open(file, "rb") as whole, open(broken, "wb") as cut:
            cut.write(whole.read()[:20_000])
        text = path_of(world, "text.sqlite")
        with open(text, "w") as other:
            other.write("no store")
        newer = path_of(world, "newer.sqlite")
        shutil.copy(file, newer)
        with open(newer, "r+b") as header:
            header.seek(60)
            header.write((99).to_bytes(4, "big"))
        for bad, words in ((broken, "damaged"), (text, "no SQLite database"), (newer, "schema 99")):
            done = world.installation.command("restore", "--yes", bad)
            self.assertEqual(done.returncode, 1, f"{bad}: {done.stderr}")
            self.assertIn(words, done.stderr)
        done = world.installation.command("restore", "--yes", file, amqp__uri="amqp://guest:guest@127.0.0.1:1")
        self.assertEqual(done.returncode, 69)
        self.assertIn("--no-log", done.stderr)
        other = Installation(world.namespace)
        self.addCleanup(other.remove)
        foreign = os.path.join(other.folder.name, "foreign.sqlite")
        self.assertEqual(other.command("backup", foreign).returncode, 69, "there is no store yet")
        with open(store_of(world), "rb") as store:
            self.assertEqual(store.read(), content, "the store was not touched")
        self.assertFalse([name for name in os.listdir(world.installation.folder.name) if "restor" in name])
        world.start()

    def test_without_a_broker(self):
        world = self.make_world()
        servers = self.fleet(world, 2)
        file, _ = self.backup(world)
        world.must("isolate", {"serverId": servers[0], "subState": "reserved"})
        self.stop(world)
        enrolled_since = {event.server_id for event in world.events if event.name == "enrolled"} - set(servers)
        os.unlink(store_of(world))
        done = self.restore(world, file, "--no-log", amqp__uri="amqp://guest:guest@127.0.0.1:1")
        self.assertEqual(done["restore"][0]["epoch"], 2)
        self.assertNotIn("keptAs", done["restore"][0])
        world.start()
        world.event(lambda event: event.name == "snapshotCompleted", "all states are published")
        self.assertMirrored(world, enrolled_since - set(world.servers()))

    def test_killed_at_every_step(self):
        """And run again: the store is the old one or the restored one, never anything else."""
        world = self.make_world()
        servers = self.fleet(world, 3)
        file, told = self.backup(world)
        world.must("isolate", {"serverId": servers[0], "subState": "reserved"})
        self.stop(world)
        saved = path_of(world, "saved.sqlite")
        shutil.copy(store_of(world), saved)
        for step in ("copied", "raised", "withdrawing", "prepared", "folded", "linked", "moved", "replaced"):
            with self.subTest(step):
                for name in os.listdir(world.installation.folder.name):
                    if name.startswith("ostler.sqlite"):
                        os.unlink(path_of(world, name))
                shutil.copy(saved, store_of(world))
                environment = {
                    **world.installation.environment(), "OSTLER_TEST_KILL_POINT": f"restore-{step}"}
                killed = subprocess.run(
                    [BINARY, "restore", "--yes", file], cwd=world.installation.folder.name, env=environment,
                    stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
                self.assertEqual(killed.returncode, -signal.SIGKILL, killed.stderr)
                state = world.servers()[servers[0]]
                self.assertEqual(state.get("subState"), "unknownError" if step == "replaced" else "reserved")
                wait_until(
                    lambda: world.installation.command("restore", "--dry-run", file).returncode == 0, "the lock is free")
                again = self.restore(world, file)["restore"][0]
                self.assertEqual(again["epoch"], 3 if step == "replaced" else 2)
                self.assertEqual(world.servers()[servers[0]]["subState"], "unknownError")
                self.assertFalse(os.path.exists(store_of(world) + ".restoring"))
                self.assertTrue(os.path.exists(again["keptAs"]))
                self.assertEqual(os.stat(store_of(world)).st_nlink, 1)
        world.start()
        self.assertMirrored(world)
        self.assertEqual(told["epoch"], 1)

    def test_a_long_log(self):
        """What happened since is found by its position in a log of thousands of events, foreign messages among them."""
        world = self.make_world()
        servers = self.fleet(world, 500)

        def shout(times):
            for _ in range(times):
                mark = len(world.events)
                world.must("snapshot", {}, seconds=60)
                world.event(lambda event: event.name == "snapshotCompleted", "all states", 60, mark)
            for number in range(300):
                world.publish("x", str(number), exchange="", key=f"{world.namespace}.events.log")
        shout(14)
        file, told = self.backup(world)
        world.must("isolate", {"serverId": servers[3], "subState": "reserved"})
        shout(2)
        self.stop(world)
        done = self.restore(world, file)
        summary = done["restore"][0]
        self.assertEqual(summary["gaps"], 0)
        self.assertEqual(summary["events"], int(world.events[-1].body["position"]) - int(told["position"]))
        self.assertIn(servers[3], [row["serverId"] for row in done["server"]])
        world.start()
        self.assertMirrored(world)

    def test_a_backup_under_load(self):
        """Taken while commands are being applied and restored after a crash: nobody's server is given to another."""
        world = self.make_world()
        servers = self.fleet(world, 40)
        client = world.fresh()
        world.quota(client, PLACE, KIND, 40)
        bodies = [{"operationUuid": operation(), "locationId": PLACE, "instanceTypeId": KIND, "clientId": client}
                  for _ in range(30)]
        first = [world.send("allocate", body) for body in bodies[:15]]
        file = path_of(world, "backup.sqlite")
        copying = subprocess.Popen(
            [BINARY, "backup", file], cwd=world.installation.folder.name, env=world.installation.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        first += [world.send("allocate", body) for body in bodies[15:]]
        replies = world.wait_all(first, 60)
        world.broker.wait(lambda: copying.poll() is not None, "the backup is made", 60)
        self.assertEqual(copying.returncode, 0, copying.stderr.read())
        copying.stderr.close()
        world.settle()
        world.worker.kill()
        wait_until(
            lambda: world.installation.command("restore", "--yes", file).returncode == 0,
            "restored once the broker has noticed that the worker is gone", 60)
        world.start()
        held = {reply.server["serverId"]: reply.allocation["id"] for reply in replies}
        self.assertEqual(len(held), 30)
        again = world.ask_all([("allocate", body) for body in bodies], 60)
        self.assertEqual(
            [(reply.outcome, reply.server["serverId"]) for reply in again],
            [("applied", reply.server["serverId"]) for reply in replies], "the same answers as before")
        other = world.fresh()
        world.quota(other, PLACE, KIND, 40)
        given = [self.allocate(world, other) for _ in range(20)]
        new = {reply.server["serverId"] for reply in given if reply.outcome == "applied"}
        self.assertTrue(new <= set(servers) - set(held), "a server of the first client was given away")
        self.assertMirrored(world)
