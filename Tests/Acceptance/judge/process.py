"""The `ostler` program as a process: the worker, and the commands of its command line."""

import atexit
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request

from .waiting import TimedOut, wait_until

BINARY = os.environ.get("OSTLER_BIN", "")
AMQP_URI = os.environ.get("OSTLER_TEST_AMQP_URI", "")

_running = set()


@atexit.register
def _end_all():
    for process in list(_running):
        process.kill()


def environment_name(key):
    """`commands.maxBytes` → `OSTLER_COMMANDS_MAX_BYTES`, as section 9 of the contract says."""
    return "OSTLER_" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).replace(".", "_").upper()


# Below those that the system gives to outgoing connections, and others for each process that runs tests.
_ports = itertools.cycle(range(20_000, 27_000))
for _ in range(os.getpid() * 97 % 7000):
    next(_ports)


def free_port():
    """A port of 127.0.0.1 where nobody listens, and which nobody is given soon."""
    for port in itertools.islice(_ports, 7000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


class Installation:
    """One store and one namespace: what a worker and the command line share. Settings are those of the contract."""

    def __init__(self, namespace, **settings):
        self.folder = tempfile.TemporaryDirectory(prefix="ostler-acceptance-")
        self.namespace = namespace
        self.worker_variables = {}  # of the environment, besides the settings
        self.worker_prefix = []  # a command that becomes the worker
        self.settings = {
            "amqp.uri": AMQP_URI,
            "amqp.namespace": namespace,
            "store.path": os.path.join(self.folder.name, "ostler.sqlite"),
            **{key.replace("__", "."): value for key, value in settings.items()},
        }

    def environment(self, **more):
        """The process's environment: nothing of ours, or of a developer's, may configure the worker under test."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("OSTLER_")}
        for key, value in {**self.settings, **more}.items():
            environment[environment_name(key.replace("__", "."))] = str(value)
        return environment

    def command(self, *arguments, timeout=60, input=None, **settings):
        """Runs `ostler ARGUMENTS…` to its end; returns the completed process with text output."""
        return subprocess.run(
            [BINARY, *map(str, arguments)], cwd=self.folder.name, env=self.environment(**settings), text=True,
            input=input if input is not None else "", stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)

    def rows(self, *arguments, allowed=(0,), **keywords):
        """Runs a `--json` command: one JSON object a line."""
        done = self.command(*arguments, "--json", **keywords)
        if done.returncode not in allowed:
            raise AssertionError(
                f"`ostler {' '.join(map(str, arguments))} --json` ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]

    def worker(self, **settings):
        return Worker(self, **settings)

    def remove(self):
        self.folder.cleanup()


class Worker:
    """One `ostler run`. Its output is kept in a file and shown when something goes wrong."""

    _count = 0

    def __init__(self, installation, arguments=("run",), **settings):
        Worker._count += 1
        settings = {"http__address": f"127.0.0.1:{free_port()}", **settings}
        settings["http__address"] = self.http = installation.settings.get("http.address", settings["http__address"])
        self.output_path = os.path.join(installation.folder.name, f"worker-{Worker._count}.log")
        with open(self.output_path, "wb") as output:
            self.process = subprocess.Popen(
                [*installation.worker_prefix, BINARY, *arguments], cwd=installation.folder.name, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT,
                env={**installation.environment(**settings), **installation.worker_variables})
        _running.add(self.process)

    # --- looking

    def output(self):
        with open(self.output_path, "r", errors="replace") as file:
            return file.read()

    def tail(self, lines=25):
        return "\n".join(self.output().splitlines()[-lines:])

    def get(self, path, seconds=20.0):
        """(status, text) of one of the worker's pages; (0, reason) when nobody listens, or answers within `seconds`."""
        try:
            with urllib.request.urlopen(f"http://{self.http}{path}", timeout=seconds) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError as error:
            return 0, str(error)

    @property
    def is_ready(self):
        return self.get("/readyz")[0] == 200

    @property
    def is_running(self):
        return self.process.poll() is None

    # --- waiting

    def wait_ready(self, seconds=30.0, pump=None):
        def look():
            if not self.is_running:
                raise AssertionError(f"the worker ended with {self.process.returncode} before it was ready:\n{self.tail()}")
            return self.is_ready
        try:
            wait_until(look, "the worker's /readyz answers 200", seconds, pump=pump)
        except TimedOut as error:
            raise TimedOut(f"{error}; /readyz: {self.get('/readyz')}\n{self.tail()}") from None
        return self

    def wait_end(self, seconds=30.0, pump=None):
        try:
            wait_until(lambda: not self.is_running, "the worker ends", seconds, pump=pump)
        except TimedOut as error:
            raise TimedOut(f"{error}\n{self.tail()}") from None
        _running.discard(self.process)
        return self.process.returncode

    # --- ending

    def kill(self):
        """SIGKILL: an end without a goodbye."""
        if self.is_running:
            self.process.kill()
        self.process.wait()
        _running.discard(self.process)

    def terminate(self, seconds=40.0, pump=None):
        """SIGTERM; returns the exit status."""
        if self.is_running:
            self.process.send_signal(signal.SIGTERM)
        return self.wait_end(seconds, pump)
