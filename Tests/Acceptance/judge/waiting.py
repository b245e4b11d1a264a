"""Waiting by condition with a deadline: the only place where this suite lets time pass."""

import threading
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


class Clock:
    """Time that passed while the machine let us run: what is measured against a limit of its own by a program that stood as
    still as we did.

    A thread rests for a moment again and again; what it rested longer was a stall.
    """

    _MOMENT = 0.05

    def __init__(self):
        self._began, self._stalls, self._is_over = time.monotonic(), 0.0, threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while True:
            before = time.monotonic()
            if self._is_over.wait(self._MOMENT):
                return
            self._stalls += max(0.0, time.monotonic() - before - 2 * self._MOMENT)

    def stop(self):
        """Seconds since it was made, without the stalls."""
        self._is_over.set()
        return time.monotonic() - self._began - self._stalls
