"""The two promises, checked from outside after whatever happened to the worker.

It trusts neither what the worker says of itself nor what the store says: it takes what was confirmed to the senders, what
a subscriber received and what the store holds, decides every command once more with a model of its own (judge.model), in
the order that the events' positions tell, and compares.
"""

from collections import Counter

from .problems import Problems  # noqa: F401
from .telling import Telling


def check(record):
    """What is wrong, in words; empty when both promises hold."""
    from .accounts import check_accounts
    from .answers import check_answers
    from .storing import check_store

    problems = Problems()
    telling = Telling(record, problems)
    telling.run()
    check_accounts(telling)
    check_store(telling)
    check_answers(telling)
    return problems.lines()


def counts(record):
    """What the run was made of."""
    once = {event.id: event for event in record.events}.values()
    kinds = Counter(
        event.name if event.kind == "command" else "snapshot" if event.name == "snapshot" else "applied" for event in once)
    return {
        "messages confirmed": sum(one.confirmed for one in record.sent.values()),
        **{f"told as {kind}": count for kind, count in sorted(kinds.items())},
        "events that came again": len(record.events) - len(once), "replies": len(record.replies)}
