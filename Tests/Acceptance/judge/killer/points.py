"""The places at which the program can be told to kill itself (`OSTLER_TEST_KILL_POINT`), for the random killer."""

NAMES = [
    "before-commit", "in-transaction", "after-commit", "before-ack", "after-ack", "taking-in", "suspect-noted", "in-window",
    "after-publish", "before-mark", "after-mark", "replay-asked", "replay-published", "replay-marked", "snapshot-part",
    "taking-over", "took-over", "stopping", "drained", "ended-cleanly",
]
