"""An operator who replays, discards and reopens dead letters while the worker is killed; sometimes killed as well."""

import subprocess

from ..process import BINARY

NO_STORE_YET = 69


class Operator:
    def __init__(self, installation, journal, random):
        self.installation = installation
        self.journal = journal
        self.random = random
        self.running = []

    def act(self):
        """Begins one act, beside everything else."""
        chance = self.random.random()
        if chance < 0.75:
            self.replay()
        elif chance < 0.85:
            self.start("discard", self.letters("open"), "--reason", "nobody waits for it")
        elif chance < 0.93:
            self.start("reopen", self.letters("discarded"), "--reason", "somebody does")
        else:
            self.start("reopen", self.letters("replaying"), "--reason", "it never came back")

    def replay(self):
        states = self.random.choice([["open"], ["answered"], ["open", "answered"]])
        chosen, code = self.random.random(), self.random.choice(["no-capacity", "unknown-server", "server-allocated"])
        letters = self.letters(*states)
        if chosen < 0.8:
            return self.start("replay", letters, "--force")
        # By a filter: any letter that is open by then may be one of them.
        self.note("replay", self.all_letters("open", "answered", "replaying"))
        self.spawn("replay", "--code", code, "--include-allocate", "--reason", "by the code")

    def letters(self, *states):
        """Some that are in one of these states."""
        known = self.all_letters(*states)
        return self.random.sample(known, min(len(known), self.random.randint(1, 12)))

    def all_letters(self, *states):
        filters = [word for state in states for word in ("--state", state)]
        return [row["id"] for row in self.installation.rows(
            "dead-letters", "list", *filters, allowed=(0, NO_STORE_YET))]

    def start(self, act, letters, *more):
        if letters:
            self.note(act, letters)
            self.spawn(act, *letters, *more)

    def note(self, act, letters):
        self.journal.deed(act, letters=letters)

    def spawn(self, *arguments):
        self.running = [one for one in self.running if one.poll() is None]
        self.running.append(subprocess.Popen(
            [BINARY, "dead-letters", *arguments], cwd=self.installation.folder.name, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.installation.environment()))

    def strike(self):
        """Kills what is running."""
        for one in self.running:
            if one.poll() is None:
                one.kill()

    def finish(self):
        for one in self.running:
            try:
                one.wait(30)
            except subprocess.TimeoutExpired:
                one.kill()
                raise AssertionError("a command of dead-letters does not come to its end") from None
        self.running = []
