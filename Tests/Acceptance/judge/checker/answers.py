"""Replies are best effort; but what they say must be what the events say."""

from .. import story
from ..world import Reply
from .telling import code_of


def check_answers(telling):
    for trace, body in telling.record.replies:
        reply = Reply(body, None)
        if not telling.problems.require(trace in telling.record.sent, "a reply to a message that nobody sent", repr(reply)):
            continue
        try:
            story.check_reply(body.get("command"), reply)
            Answer(telling, trace, reply).check()
        except story.Wrong as wrong:
            telling.problems.add("a reply is not as the contract says", str(wrong)[:600])


class Answer:
    def __init__(self, telling, trace, reply):
        self.telling = telling
        self.problems = telling.problems
        self.trace = trace
        self.reply = reply
        self.sent = telling.record.sent[trace]
        self.reading = telling.readings[trace]

    def require(self, condition, what):
        self.problems.require(condition, what, lambda: f"{self.sent.key} {self.sent.body[:200]}: {self.reply}")

    def check(self):
        reply = self.reply
        self.require(reply.body.get("command") == self.sent.key.split(".")[-1], "a reply names another command")
        events = [self.telling.by_id.get(identifier) for identifier in reply.get("eventIds", [])]
        if None in events:
            return self.require(False, "a reply names an event that was never published")
        if reply.is_duplicate:
            self.check_duplicate(events)
        elif events:
            self.require(events[0].body.get("traceparent") == self.trace, "a reply names the event of another message")
        else:
            is_snapshot = reply.outcome == "applied" and reply.body.get("command") == "snapshot"
            self.require(
                is_snapshot or reply.get("deadLetterId") in self.telling.told[self.trace].letters,
                "a reply without an event, and no letter was counted up")
        for event in events:
            self.check_event(event)
        if reply.get("deadLetterId"):
            self.require(reply["deadLetterId"] in self.telling.letters.by_id, "a reply names a letter that there is not")
        self.check_current()

    def check_duplicate(self, events):
        self.require(
            getattr(self.reading, "key", None) is not None and self.reply.code != "operation-conflict",
            "a message without a key was answered as a duplicate")
        for event in events:
            decider = self.telling.readings.get(event.body.get("traceparent"))
            is_same = getattr(decider, "key", None) == getattr(self.reading, "key", 0)
            self.require(
                is_same and decider.fingerprint == self.reading.fingerprint, "a duplicate was answered with another's outcome")

    def check_event(self, event):
        reply = self.reply
        outcome = event.name if event.name in ("rejected", "unchanged") else "applied"
        self.require(reply.outcome == outcome, "a reply has another outcome than its event")
        if outcome == "rejected":
            self.require(reply.code == code_of(event), "a reply has another code than its event")
            self.require(reply.get("deadLetterId") == event.data.get("deadLetterId"), "a reply names another letter")
        elif event.changes_state:
            self.require(reply.server == event.data, "a reply shows another state than its event")
        elif reply.server:
            last = self.telling.data.get((reply.server["serverId"], reply.version))
            self.require(last is not None and last.data == reply.server, "a reply shows a state that never was")
        due = self.telling.quotas.get(int(event.body["position"]))
        self.require(reply.get("quota") == due, f"a reply shows another quota than the model's, {due}")

    def check_current(self):
        current = self.reply.get("current")
        if current is None:
            return
        last = self.telling.data.get((self.reply.server.get("serverId"), current.get("version")))
        self.require(
            self.reply.is_duplicate and last is not None and last.data["state"] == current.get("state")
            and current["version"] > self.reply.version, "the current state of a reply never was")
