"""Section 7: which messages were kept, and what became of the letters."""

from dataclasses import dataclass


@dataclass
class Letter:
    id: str
    trace: str
    queue: str  # of a command, or "dead-letters"
    code: str
    state: str
    key: tuple = None
    attempt: int = None
    failures: int = 0  # of replays
    kept_by_worker: bool = False  # ended over, not decided


class Letters:
    def __init__(self, telling):
        self.telling = telling
        self.problems = telling.problems
        self.by_id = {}

    def refused(self, event, trace, is_replay):
        """A `rejected`: a new letter, or a replay that failed again."""
        telling = self.telling
        code, identifier = event.data["error"]["code"], event.data.get("deadLetterId")
        if is_replay:
            return self.failed_again(event, identifier, code)
        reading = telling.readings[trace]
        letter = Letter(identifier, trace, "commands", code, self.first_state(trace))
        if reading is not None and not isinstance(reading, str) and code != "operation-conflict":
            letter.key, letter.attempt = reading.key, reading.attempt
        self.keep(letter, event)

    def first_state(self, trace):
        """A refusal that was answered is its sender's business."""
        address = self.telling.record.sent[trace].properties.get("reply_to")
        namespace = self.telling.rules.namespace
        return "answered" if address and not address.startswith(namespace + ".") else "open"

    def keep(self, letter, event):
        if not self.problems.require(letter.id not in self.by_id, "one letter for two messages", repr(event)):
            return
        for identifier in self.telling.told[letter.trace].letters:
            other = self.by_id[identifier]
            if letter.code == "expired":
                continue  # the broker writes into each copy when it expired: they are two messages then
            if other.queue == letter.queue and other.state in ("open", "answered") and other.id not in self.discarded:
                self.problems.add("a message that was kept already has a second letter and event", repr(event))
        self.by_id[letter.id] = letter
        self.telling.told[letter.trace].letters.append(letter.id)

    @property
    def closed(self):
        """Letters that somebody closed, or had replayed: their messages may be decided."""
        return {identifier for name in ("discard", "replay") for deed in self.telling.deeds(name) for identifier in deed["letters"]}

    @property
    def discarded(self):
        return {identifier for deed in self.telling.deeds("discard") for identifier in deed["letters"]}

    def take_in(self, event, trace):
        """A `deadLettered`: from the broker, or a message that the worker ended over."""
        telling, sent = self.telling, self.telling.record.sent[trace]
        code, identifier = event.data["error"]["code"], event.data.get("deadLetterId")
        if "replayedBy" in event.data:
            return self.failed_again(event, identifier, code)
        reading = telling.readings[trace]
        foreign = sent.exchange == f"{telling.rules.namespace}.dead-letters"
        allowed = {"foreign" if foreign else "unknown-command"} if reading is None else set()
        if sent.properties.get("expiration"):
            allowed.add("expired")
        if telling.kills_after(sent.first_at) >= 3:
            allowed.add("worker-crash")
        self.problems.require(
            code in allowed, "a healthy message is a dead letter", lambda: f"{allowed}: {sent}: {event}")
        queue = "dead-letters" if code == "expired" or reading is None else "commands"
        letter = Letter(identifier, trace, queue, code, "open", kept_by_worker=code == "worker-crash")
        if code == "expired" and reading is not None and not isinstance(reading, str):
            letter.key, letter.attempt = reading.key, reading.attempt
            if self.was_applied(reading):
                letter.state = "resolved"
        self.keep(letter, event)

    def was_applied(self, command):
        attempts = self.telling.model.operations.get(command.key, {})
        own = attempts.get(command.attempt)
        if own is not None:
            return own.fingerprint == command.fingerprint and own.outcome != "rejected"
        given = self.telling.model.given_before(command, attempts)
        return given is not None and given.fingerprint == command.fingerprint

    def failed_again(self, event, identifier, code):
        letter = self.by_id.get(identifier)
        if self.problems.require(letter is not None, "a replay of a letter that there was not", repr(event)):
            letter.code, letter.state = code, "open"
            letter.failures += 1

    def replayed(self, event, trace):
        """A replay that was applied, or changed nothing; what it did was said just before."""
        letter = self.by_id.get(event.data.get("deadLetterId"))
        if not self.problems.require(letter is not None, "a replay of a letter that there was not", repr(event)):
            return
        self.problems.require(letter.trace == trace, "a replay of another message than its letter's", repr(event))
        self.problems.require(
            letter.state in ("open", "answered"), "a letter that was closed was replayed", lambda: f"{letter}: {event}")
        letter.state = "resolved"
        reading = self.telling.readings[trace]
        if getattr(reading, "name", None) == "snapshot":
            return  # its events follow
        decisions = self.telling.told[trace].decisions
        before = decisions[-1] if decisions else None
        is_told = before is not None and int(before.body["position"]) == int(event.body["position"]) - 1
        self.problems.require(is_told, "a replay says that it succeeded, and nothing was done", repr(event))

    def succeeded(self, command):
        """A later attempt closes the letters of earlier ones."""
        if command.key is None or command.attempt == 1:
            return
        for letter in self.by_id.values():
            if letter.key == command.key and letter.attempt < command.attempt and letter.state in ("open", "answered"):
                letter.state = "resolved"
