"""The suite in several processes at once: most tests wait more than they work.

What breaks the broker for everybody comes first and alone. The others are dealt out by file; each process has a shared
worker of its own, whose whole story is told at its end.
"""

import os
import re
import subprocess
import sys
import threading
from collections import defaultdict

# Files that take long, in seconds, as once measured: only the balance depends on it.
SECONDS = {
    "test_network": 160, "test_kill_points": 120, "test_broker": 70, "test_recovery": 55, "test_disk": 55, "test_killer": 45,
    "test_deafness": 90, "test_clock": 35, "test_failures": 25, "test_hostile": 20, "test_parking": 15, "test_replay": 10,
}
STORY = "test_z_story"
END_OF_TEST = re.compile(r"^(passed|FAILED|skipped) +[0-9.]+ s ")
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")


def run(alone, others, jobs, options):
    """Lists of test ids. Returns how many passed, failed and were skipped."""
    total = [0, 0, 0]
    if alone:
        together([alone], total, options)
    together(dealt(others, jobs), total, options)
    return total


def dealt(tests, jobs):
    by_file = defaultdict(list)
    for name in tests:
        by_file[name.partition(".")[0]].append(name)
    story = by_file.pop(STORY, [])
    parts, loads = [[] for _ in range(jobs)], [0] * jobs
    for file in sorted(by_file, key=lambda file: -SECONDS.get(file, 5)):
        least = loads.index(min(loads))
        parts[least] += by_file[file]
        loads[least] += SECONDS.get(file, 5)
    return [part + story for part in parts if part]


def together(parts, total, options):
    lock = threading.Lock()
    threads = [threading.Thread(target=one, args=(part, total, lock, options)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def one(tests, total, lock, options):
    """Runs some tests in a process of their own. What it says of one test is passed on in one piece."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run.py")
    child = subprocess.Popen(
        [sys.executable, program, "--exactly", *options], text=True, errors="replace", stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    child.stdin.write("\n".join(tests))
    child.stdin.close()
    counts, piece = None, []
    for line in child.stdout:
        found = SUMMARY.match(line)
        if found:
            counts = [int(count or 0) for count in found.groups()]
            continue
        if line.startswith("Acceptance suite: "):
            continue
        piece.append(line)
        if END_OF_TEST.match(line):
            tell(piece, lock)
    tell(piece, lock)
    status = child.wait()
    if counts is None or (status != 0 and counts[1] == 0):
        tell([f"--- a part of the suite ended with status {status}\n"], lock)
        counts = [counts[0] if counts else 0, 1, counts[2] if counts else 0]
    with lock:
        for index, count in enumerate(counts):
            total[index] += count


def tell(piece, lock):
    with lock:
        sys.stdout.write("".join(piece))
        sys.stdout.flush()
    piece.clear()
