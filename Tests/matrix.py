#!/usr/bin/env python3
"""Makes docs/failures.md of what a run found. `scripts/matrix` calls it; the page is never written by hand.

It reads Tests/failure-matrix.txt (the rows), Tests/failure-rows.txt (which test shows which row) and what the last runs of
scripts/test and scripts/soak left in .ostler/reports: one folder a broker.
"""

import ast
import json
import os
import re
import sys
import xml.etree.ElementTree as xml

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join(ROOT, "docs", "failures.md")
SOAK = "scripts/soak"


def lines(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file if line.strip() and not line.startswith("#")]


def rows():
    """Number → (what fails, what must happen)."""
    return {int(number): (fails, must) for number, fails, must in (line.split("\t") for line in lines("Tests", "failure-matrix.txt"))}


def pairs():
    """Number → tests, in the order of the file."""
    found = {}
    for line in lines("Tests", "failure-rows.txt"):
        number, test = line.split("\t")
        if test.strip() not in found.setdefault(int(number), []):
            found[int(number)].append(test.strip())
    return found


def plain(name):
    """One spelling for a test: no parameters, points between the parts, no module of Swift."""
    name = re.sub(r"\(.*", "", name).replace("/", ".")
    return re.sub(r"^\w+Tests\.(?=\w+\.)", "", name)


# --- which tests there are

def known_tests():
    return {SOAK} | set(acceptance_tests()) | set(swift_tests())


def acceptance_tests():
    folder = os.path.join(ROOT, "Tests", "Acceptance")
    for file in sorted(os.listdir(folder)):
        if not re.fullmatch(r"test_\w+\.py", file):
            continue
        with open(os.path.join(folder, file), encoding="utf-8") as source:
            tree = ast.parse(source.read())
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef) and inner.name.startswith("test_"):
                        yield f"{file[:-3]}.{node.name}.{inner.name}"


def swift_tests():
    for folder, _, files in os.walk(os.path.join(ROOT, "Tests")):
        for file in files:
            if not file.endswith(".swift"):
                continue
            with open(os.path.join(folder, file), encoding="utf-8") as source:
                text = source.read()
            suites = re.findall(r"^(?:@Suite.*?)?\s*(?:final )?(?:struct|class|enum|extension|actor) (\w+)", text, re.M)
            for function in re.findall(r"\bfunc (\w+)\s*\(", text):
                yield from (f"{suite}.{function}" for suite in suites)


# --- what the runs found

class Run:
    """What one folder of reports says: a broker's."""

    def __init__(self, folder):
        self.folder = folder
        self.conditions = dict(line.split("=", 1) for line in self.text("conditions.txt").splitlines() if "=" in line)
        self.results, self.rounds = {}, {}
        for file in ("swift.xml", "swift-swift-testing.xml", "swift-lonely-swift-testing.xml"):
            self.read_swift(file)
        for line in self.text("acceptance.txt").splitlines():
            self.read_acceptance(line)
        soak = self.text("soak.json")
        self.soak = json.loads(soak) if soak else None
        if self.soak:
            self.results[SOAK] = "failed" if self.soak["failed"] else "passed"
            self.rounds[SOAK] = self.soak["rounds"]

    def text(self, name):
        try:
            with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def read_swift(self, name):
        text = self.text(name)
        if not text:
            return
        for case in xml.fromstring(text).iter("testcase"):
            bad = case.find("failure") is not None or case.find("error") is not None
            skipped = case.find("skipped") is not None
            self.note(f"{case.get('classname')}/{case.get('name')}", "failed" if bad else "skipped" if skipped else "passed")

    def read_acceptance(self, line):
        match = re.match(r"(passed|FAILED|not yet|skipped) +[\d.]+ s +(\S+)$", line)
        if match:
            self.note(match[2], match[1].lower())
        match = re.match(r"rounds (\d+) (\S+)$", line)
        if match:
            self.rounds[plain(match[2])] = int(match[1])

    def note(self, test, result):
        test = plain(test)
        if self.results.get(test) != "failed":
            self.results[test] = result

    def row(self, tests):
        """(rounds, result) of a row, in words."""
        found = {test: self.results.get(plain(test) if test != SOAK else test, "not run") for test in tests}
        counted = sum(self.rounds.get(plain(test) if test != SOAK else test, 1) for test, result in found.items() if result == "passed")
        failed = [test for test, result in found.items() if result == "failed"]
        if failed:
            return counted, "**failed**: " + ", ".join(f"`{test}`" for test in failed)
        if "passed" not in found.values():
            return 0, "**open**: no test of it has passed" if tests else "**open**: there is no test of it"
        left = sum(result != "passed" for result in found.values())
        return counted, "passed" if not left else f"passed; {left} of {len(found)} not run here"

    def title(self):
        return f"RabbitMQ {self.conditions.get('rabbitmq', '?')}"


def runs():
    folder = os.path.join(ROOT, ".ostler", "reports")
    found = [Run(folder), Run(os.path.join(folder, "broker-4"))]
    return [run for run in found if run.conditions]


# --- the page

HEAD = """# What Ostler survives

<!-- Made by scripts/matrix of what a run found: do not edit it. The rows are in Tests/failure-matrix.txt, which test shows
     which row is in Tests/failure-rows.txt. -->

Two promises are checked from outside, after every kind of failure:

- **In = out.** Every command that the broker confirmed to its sender ends as exactly one of applied, unchanged, rejected, or
  kept as a dead letter. None is lost, and none that has a key is applied twice.
- **The story is whole.** For every server the events that reached a subscriber carry, once duplicates by `id` are dropped, the
  versions 1, 2, 3 and so on without a gap, and the last one is what the store says. Quota use is the live allocations.

What can be done for real is done for real: the program as a process, a RabbitMQ node, a store file, signals. What the worker
says of itself counts for nothing. The judge of the killed runs (`Tests/Acceptance/judge`) knows what was confirmed
to the sender and what a subscriber received, reads the store's file with SQLite, and decides every command once more with a
model of its own that was written from [the contract](contract.md) alone.

To run it yourself: `scripts/test`, then `scripts/soak --minutes 30` (the random killer of row 5, on the release build; its
seed is printed, and makes the same plan again), then `scripts/matrix`, which writes this page. Both take `--broker 4`.
"""


def page():
    found, tests = runs(), pairs()
    text = [HEAD]
    if not found:
        text.append("No run has been reported yet: every row is open.\n")
    for run in found:
        told = run.conditions
        text.append(
            f"**{run.title()}**: {told.get('date', '?')}, SQLite {told.get('sqlite', '?')}, Swift {told.get('swift', '?')}, "
            f"{told.get('build', '?')} build, {told.get('cores', '?')} cores."
            + (soak_line(run.soak) if run.soak else " The random killer (`scripts/soak`) was not run.") + "\n")
    heads = ["#", "what fails", "what must happen", "tests"]
    for run in found:
        heads += ["rounds", run.title() if len(found) > 1 else "result"]
    if not found:
        heads.append("result")
    text += ["<!-- table: failures -->", "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for number, (fails, must) in sorted(rows().items()):
        named = tests.get(number, [])
        cells = [str(number), fails, must, "<br>".join(f"`{test}`" for test in named)]
        for run in found:
            counted, result = run.row(named)
            cells += [str(counted or ""), result]
        if not found:
            cells.append("**open**: not run")
        text.append("| " + " | ".join(cells) + " |")
    text.append(
        "\n*Rounds*: how often the failure was made; one for each test that does not count for itself. *Open*: nothing shows it yet.")
    return "\n".join(text) + "\n"


def soak_line(soak):
    counts = soak["counts"]
    return (
        f" The random killer: {soak['rounds']:,} rounds, {soak['kills']:,} times SIGKILL, seed {soak['seed']}, "
        f"{soak['seconds'] // 60} min, {counts.get('messages confirmed', 0):,} messages confirmed, "
        f"{counts.get('told as applied', 0):,} changes of servers and quotas, {counts.get('events that came again', 0):,} events "
        f"that came again; {len(soak['failed']) or 'no'} run{'' if len(soak['failed']) == 1 else 's'} of {soak['runs']} failed.")


# --- whether it is whole

def mistakes():
    """What is wrong with rows, pairs and page, in words."""
    found, known = [], {plain(test) if test != SOAK else test for test in known_tests()}
    named = pairs()
    for number, tests in named.items():
        if number not in rows():
            found.append(f"Tests/failure-rows.txt: there is no row {number}")
        found += [
            f"Tests/failure-rows.txt: there is no test {test} (row {number})" for test in tests
            if (plain(test) if test != SOAK else test) not in known]
    if sorted(rows()) != list(range(1, 34)):
        found.append("Tests/failure-matrix.txt: the rows are not 1 to 33")
    with open(PAGE, encoding="utf-8") as file:
        written = file.read()
    for number, (fails, must) in rows().items():
        line = next((line for line in written.splitlines() if line.startswith(f"| {number} | ")), None)
        if line is None:
            found.append(f"docs/failures.md has no row {number}; run scripts/matrix")
            continue
        if f"| {fails} | {must} |" not in line:
            found.append(f"docs/failures.md says something else in row {number}; run scripts/matrix")
        found += [
            f"docs/failures.md does not name {test} in row {number}; run scripts/matrix" for test in named.get(number, [])
            if f"`{test}`" not in line]
    return found


def main():
    if sys.argv[1:] == ["--check"]:
        found = mistakes()
        print("\n".join(found) or "docs/failures.md is whole")
        return 1 if found else 0
    if sys.argv[1:]:
        print("usage: scripts/matrix [--check]", file=sys.stderr)
        return 64
    text = page()
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"wrote {os.path.relpath(PAGE)}: {len(re.findall(r'[*][*]open[*][*]', text))} cells are open, "
          f"{len(re.findall(r'[*][*]failed[*][*]', text))} failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
