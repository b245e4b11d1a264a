"""Waiting by condition with a deadline: the only place where this suite lets time pass."""

import time


class TimedOut(AssertionError):
    """What was waited for did not happen before the deadline."""


def wait_until(condition, what, seconds=15.0, idle=0.02, pump=None):
    """Returns the first truthy value of `condition()`; `what` is said when the deadline passes.

    `pump(seconds)` is called between two looks (it may work for at most that long); without one, the thread rests.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimedOut(f"not within {seconds:g} s: {what() if callable(what) else what}")
        if pump is not None:
            pump(min(idle, left))
        else:
            time.sleep(min(idle, left))
