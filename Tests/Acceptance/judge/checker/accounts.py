"""In = out: every message that the broker confirmed ends as exactly one of applied, unchanged, rejected, or kept."""


def check_accounts(telling):
    for trace, sent in telling.record.sent.items():
        if sent.confirmed:
            check_message(telling, trace, sent)


def check_message(telling, trace, sent):
    reading, told = telling.readings[trace], telling.told[trace]
    if hasattr(reading, "name") and reading.key is not None:
        return check_keyed(telling, sent, reading, told)
    runs = telling.snapshots.completed.get(trace, 0)
    told_of = len(told.decisions) + runs + len([1 for letter in told.letters if is_taken_in(telling, letter)])
    told_of += telling.counted_again.get(trace, 0)
    # Without a key a message that comes again may be decided again; less often than it was confirmed is a loss.
    telling.problems.require(
        told_of >= sent.confirmed, "a confirmed message is lost",
        lambda: f"confirmed {sent.confirmed} times, told of {told_of} times: {sent}")


def check_keyed(telling, sent, command, told):
    attempts = telling.model.operations.get(command.key, {})
    own = attempts.get(command.attempt)
    given = telling.model.given_before(command, attempts)
    is_decided = any(one is not None and one.fingerprint == command.fingerprint for one in (own, given))
    telling.problems.require(
        is_decided or told.letters, "a confirmed command is lost",
        lambda: f"no outcome under its key and no letter: {sent}: {attempts}")
    kept = [identifier for identifier in told.letters if telling.letters.by_id[identifier].kept_by_worker]
    decided = [event for event in told.decisions if "replayedBy" not in event.data]
    telling.problems.require(
        not kept or not decided or kept[0] in telling.letters.closed, "a message was kept as worker-crash and decided as well",
        lambda: f"{sent}: {decided}")
    firsts = [event for event in told.decisions if "replayedBy" not in event.data and not is_conflict(event)]
    telling.problems.require(
        len(firsts) <= 1, "a command with a key was decided twice", lambda: f"{sent}: {firsts}")


def is_conflict(event):
    return (event.data.get("error") or {}).get("code") == "operation-conflict"


def is_taken_in(telling, identifier):
    """Kept without having been decided: such a letter has no `rejected` event of its own."""
    letter = telling.letters.by_id[identifier]
    return letter.queue == "dead-letters" or letter.kept_by_worker


