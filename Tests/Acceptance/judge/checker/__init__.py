"""The two promises, checked from outside after whatever happened to the worker.

It trusts neither what the worker says of itself nor what the store says: it takes what was confirmed to the senders, what
a subscriber received and what the store holds, decides every command once more with a model of its own (judge.model), in
the order that the events' positions tell, and compares.
"""

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


def summary(record):
    """What the run was made of, in a line."""
    kinds = {}
    for event in {event.id: event for event in record.events}.values():
        kind = event.name if event.kind == "command" else "applied" if event.name != "snapshot" else "snapshot"
        kinds[kind] = kinds.get(kind, 0) + 1
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    copies = len(record.events) - sum(kinds.values())
    return (
        f"{sum(one.confirmed for one in record.sent.values())} messages confirmed; {told}; {copies} events came again; "
        f"{len(record.replies)} replies")
