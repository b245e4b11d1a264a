"""The base of the tests: one shared world for all that do not need one of their own."""

import unittest
import uuid

from .world import World

# Short enough to wait for in a test, long enough for an overtaken command to be caught up with.
PATIENCE = 6


class Shared:
    """The worker that most tests send to. It is started once; `Tests/Acceptance/run.py` closes it."""

    _world = None

    @classmethod
    def world(cls):
        if cls._world is None:
            cls._world = World(parking__patience=f"{PATIENCE}s", authorization__required="false")
        elif not cls._world.worker.is_running:
            output = cls._world.worker.tail()
            cls.close()  # the next test gets a new one
            raise AssertionError(f"the shared worker is dead:\n{output}")
        elif not cls._world.broker.connection.is_open:  # a test before broke it
            cls._world.broker.reopen()
        return cls._world

    @classmethod
    def started(cls):
        return cls._world

    @classmethod
    def close(cls):
        world, cls._world = cls._world, None
        if world is not None:
            world.close()


class SharedWorldCase(unittest.TestCase):
    """Tests in the shared world: every one uses ids of its own."""

    longMessage = True

    def setUp(self):
        self.world = Shared.world()

    def assertVerdict(self, reply, expected, note=""):
        """`applied`, `unchanged` or a code; a set means that the contract leaves it open."""
        allowed = expected if isinstance(expected, (set, frozenset, tuple)) else {expected}
        self.assertIn(reply.verdict, allowed, f"{note} {reply}")


class OwnWorldCase(unittest.TestCase):
    """Tests that need settings, failures or silence of their own."""

    longMessage = True

    def make_world(self, **settings):
        world = World(**{"parking__patience": f"{PATIENCE}s", **settings})
        self.addCleanup(world.close)
        return world

    assertVerdict = SharedWorldCase.assertVerdict


class LetterCase(SharedWorldCase):
    def rejected(self, command, body, **more):
        """Publishes without asking for an answer, waits for the refusal; returns (letter, event)."""
        world = self.world
        marker = more.pop("message_id", None) or uuid.uuid4().hex
        after = world.mark()
        world.publish(command, body, message_id=marker, **more)
        event = world.event(
            lambda event: event.name == "rejected" and event.data["command"] == command, "the refusal", after=after)
        rows = [row for row in world.letters(all_states=True) if row["id"] == event.data["deadLetterId"]]
        self.assertEqual(len(rows), 1, "one letter")
        return rows[0], event
