"""A broker of the tests' own beside the shared one, for what nobody else's tests should have to bear: it is killed, it runs
out of disk, its users lose their passwords."""

import atexit
import os
import signal
import subprocess
import unittest

from .process import AMQP_URI
from .waiting import wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

# A node of 3.10.8 that is killed within seconds of declaring a quorum queue can leave it without a leader for good (section
# 10 of the contract): its registry of queues is written that much later. Seen up to 12 s after.
NODE_SECONDS = 20


class Node:
    """RabbitMQ as `scripts/lib/broker.sh` starts it, under a name of its own, until the suite ends. Skips the test where that
    cannot be."""

    def __init__(self):
        if not AMQP_URI or not os.environ.get("OSTLER_TEST_RABBITMQCTL"):
            raise unittest.SkipTest("OSTLER_TEST_RABBITMQCTL is not set: the suite may not start a broker")
        self._begin("-".join(filter(None, [os.environ.get("OSTLER_BROKER_NAME"), "second"])))
        atexit.register(self.stop)

    @classmethod
    def under_test(cls):
        """The broker of this whole run, for a run that has it for itself."""
        node = cls.__new__(cls)
        node._begin(os.environ.get("OSTLER_BROKER_NAME", ""))
        return node

    def _begin(self, name):
        self._name = name
        self.uri = self._shell("broker_start >&2 && broker_uri", 150).strip()
        self._read_pid()

    def _shell(self, command, seconds=60):
        environment = {**os.environ, "OSTLER_BROKER_NAME": self._name}
        done = subprocess.run(
            ["bash", "-c", f"source scripts/lib/broker.sh; {command}"], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds)
        if done.returncode != 0:
            raise AssertionError(f"{command}: {done.stderr or done.stdout}")
        return done.stdout

    def _read_pid(self):
        self.pid = int(self._shell("broker_pid"))

    def control(self, *arguments):
        """rabbitmqctl against this node."""
        environment = {**os.environ, "OSTLER_BROKER_NAME": self._name}
        done = subprocess.run(
            ["bash", "-c", 'source scripts/lib/broker.sh; broker_ctl "$@"', "control", *arguments], cwd=ROOT, env=environment,
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"rabbitmqctl {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done.stdout

    def kill(self):
        """As by a power cut."""
        os.kill(self.pid, signal.SIGKILL)

        def is_gone():
            try:
                os.kill(self.pid, 0)
                return False
            except ProcessLookupError:
                return True
        wait_until(is_gone, "the broker's process is gone", 20)

    def start(self):
        """Again, with the same ports and the same data."""
        self._shell("broker_start", 150)
        self._read_pid()

    def stop(self):
        if self.pid is not None:
            self._shell("broker_stop")
            self.pid = None
