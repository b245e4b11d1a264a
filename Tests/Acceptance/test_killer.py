"""SIGKILL at random moments under a mixed load of all commands (failure 5), judged by the checker alone. `scripts/soak`
does the same for as long as one likes."""

import os
import unittest

from judge.killer import points
from judge.killer.run import execute

ROUNDS, MOST_SECONDS, SEED = 40, 30, 7001


@unittest.skipUnless(os.environ.get("OSTLER_TEST_RABBITMQCTL"), "OSTLER_TEST_RABBITMQCTL is not set")
class RandomKills(unittest.TestCase):
    longMessage = True

    def test_again_and_again(self):
        """Some dozens of rounds of one plan. OSTLER_TEST_SEED makes another; fresh ones, and brokers that restart, which
        take longer than all the rest, are the soak's."""
        seed = int(os.environ.get("OSTLER_TEST_SEED") or SEED)
        print(f"OSTLER_TEST_SEED={seed}", flush=True)
        folder = os.path.join(".ostler", "killer", str(seed))
        outcome = execute(
            seed, ROUNDS, folder, points=points.NAMES, most_seconds=MOST_SECONDS, broker_trouble=False, may_fill_disk=True)
        print(outcome, flush=True)
        print(f"rounds {outcome.rounds} {self.id()}", flush=True)  # read by scripts/matrix
        self.assertEqual(outcome.problems, [], f"seed {seed}: the evidence is in {folder}")
