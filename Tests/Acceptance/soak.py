#!/usr/bin/python3
"""Kills the worker for as long as one likes, in runs of some dozens of rounds, each with a store of its own that is judged
at its end. `scripts/soak` starts it, with everything that it needs.

    OSTLER_BIN=…/ostler OSTLER_TEST_AMQP_URI=amqp://… OSTLER_TEST_RABBITMQCTL=… Tests/Acceptance/soak.py
        [--minutes N | --rounds N] [--seed S] [--evidence FOLDER] [--report FILE]

The first run has the seed that is given or printed, each later one the next number: a run that went wrong is made again with
`--rounds` and its seed. Its evidence (what was sent, received and done, the store, the worker's logs) is kept.
"""

import argparse
import json
import logging
import os
import random
import sys
import time
from collections import Counter

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

ROUNDS_PER_RUN = 40
MOST_FAILURES = 3


def options():
    parser = argparse.ArgumentParser(description="Kill the worker again and again, and judge what it left")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float)
    length.add_argument("--rounds", type=int)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--evidence", default=os.path.join(".ostler", "soak"))
    parser.add_argument("--report", default=None)
    parser.add_argument("--broker", default="", help="its version, for the report")
    chosen = parser.parse_args()
    if chosen.minutes is None and chosen.rounds is None:
        chosen.minutes = 30
    if chosen.seed is None:
        chosen.seed = random.randrange(1_000_000)
    return chosen


class Soak:
    def __init__(self, chosen):
        self.chosen = chosen
        self.began = time.monotonic()
        self.outcomes = []

    @property
    def seconds(self):
        return time.monotonic() - self.began

    @property
    def rounds(self):
        return sum(outcome.rounds for outcome in self.outcomes)

    @property
    def failed(self):
        return [outcome for outcome in self.outcomes if outcome.problems]

    def is_over(self):
        if len(self.failed) >= MOST_FAILURES:
            return True
        if self.chosen.rounds is not None:
            return self.rounds >= self.chosen.rounds
        return self.seconds >= self.chosen.minutes * 60

    def run(self):
        from judge.killer import points
        from judge.killer.run import execute
        from judge.node import Node

        node = Node.under_test()
        while not self.is_over():
            seed = self.chosen.seed + len(self.outcomes)
            rounds = ROUNDS_PER_RUN
            if self.chosen.rounds is not None:
                rounds = min(rounds, self.chosen.rounds - self.rounds)
            folder = os.path.join(self.chosen.evidence, f"seed-{seed}")
            outcome = execute(seed, rounds, folder, points=points.NAMES, node=node, may_fill_disk=True)
            self.outcomes.append(outcome)
            print(f"{'FAILED' if outcome.problems else 'ok':7}{self.seconds / 60:6.1f} min {self.rounds:6} rounds  {outcome}", flush=True)
            if outcome.problems:
                print("\n".join(outcome.problems))
                print(f"the evidence is in {folder}; once more: scripts/soak --rounds {rounds} --seed {seed}", flush=True)

    def report(self):
        counts = Counter()
        for outcome in self.outcomes:
            counts.update(outcome.counts)
        return {
            "broker": self.chosen.broker, "seed": self.chosen.seed, "runs": len(self.outcomes), "rounds": self.rounds,
            "kills": sum(outcome.kills for outcome in self.outcomes), "seconds": round(self.seconds),
            "failed": [outcome.seed for outcome in self.failed], "counts": dict(counts)}


def main():
    chosen = options()
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    print(f"seed {chosen.seed}", flush=True)
    soak = Soak(chosen)
    try:
        soak.run()
    except KeyboardInterrupt:
        print("broken off")
    report = soak.report()
    if chosen.report:
        with open(chosen.report, "w") as file:
            json.dump(report, file, indent=1)
    for what, count in report["counts"].items():
        print(f"{count:10} {what}")
    print(f"{report['rounds']} rounds, {report['kills']} kills, {report['seconds']} s, seed {report['seed']}")
    print(f"{len(soak.outcomes) - len(soak.failed)} runs passed, {len(soak.failed)} failed")
    return 1 if soak.failed or not soak.outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
