#!/usr/bin/python3
"""Runs the acceptance suite: the released program against a real broker, judged by the contract alone.

    OSTLER_BIN=…/ostler OSTLER_TEST_AMQP_URI=amqp://… Tests/Acceptance/run.py [options] [NAME…]

    NAME…          only tests whose full name (file.Class.test) contains one of these words
    --list         print the names, run nothing
    --jobs N       so many processes at a time (1)
    --fail-fast    stop at the first failure, of each process
    --quiet        no line per test

Needs pika (Debian: python3-pika). OSTLER_TEST_RABBITMQCTL, where set, is a rabbitmqctl for that broker; without it the
tests that need one are skipped. The last line is `N passed, N failed`; the exit status is 0 when nothing failed.
"""

import argparse
import os
import sys
import time
import unittest

sys.dont_write_bytecode = True
FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, FOLDER)


def tests_of(suite):
    for entry in suite:
        if isinstance(entry, unittest.TestSuite):
            yield from tests_of(entry)
        else:
            yield entry


def select(words, exactly=None):
    """`exactly`: full names, instead of words in them."""
    suite = unittest.TestLoader().discover(FOLDER, pattern="test_*.py", top_level_dir=FOLDER)

    def is_meant(name):
        return name in exactly if exactly is not None else not words or any(word in name for word in words)
    return sorted((test for test in tests_of(suite) if is_meant(test.id())), key=when)


def when(test):
    """What breaks the broker for everybody comes before the shared worker has a connection; its whole story when all is
    told."""
    return -1 if breaks_the_broker(test) else 1 if "test_z_story" in test.id() else 0


def breaks_the_broker(test):
    return ".Connections." in test.id()


class Result(unittest.TextTestResult):
    """Says how long each test took, and counts a test with failing parts once."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.failed_tests = set()

    def startTest(self, test):
        self.began = time.monotonic()
        unittest.TestResult.startTest(self, test)

    def stopTest(self, test):
        taken = time.monotonic() - self.began
        if self.showAll:
            word = "FAILED" if test.id() in self.failed_tests else "passed"
            if any(test is skipped for skipped, _ in self.skipped):
                word = "skipped"
            self.stream.writeln(f"{word:8}{taken:6.1f} s  {test.id()}")
            self.stream.flush()
        unittest.TestResult.stopTest(self, test)

    def getDescription(self, test):
        return test.id()

    def _show(self, test, error):
        self.failed_tests.add(getattr(test, "test_case", test).id())
        self.stream.writeln(f"--- {test.id()}\n{self._exc_info_to_string(error, test)}")
        self.stream.flush()

    def addSuccess(self, test):
        unittest.TestResult.addSuccess(self, test)

    def addFailure(self, test, error):
        unittest.TestResult.addFailure(self, test, error)
        self._show(test, error)

    def addError(self, test, error):
        unittest.TestResult.addError(self, test, error)
        self._show(test, error)

    def addSkip(self, test, reason):
        unittest.TestResult.addSkip(self, test, reason)
        self.stream.writeln(f"--- {test.id()}: {reason}")

    def addSubTest(self, test, subtest, error):
        unittest.TestResult.addSubTest(self, test, subtest, error)
        if error is not None:
            self._show(subtest, error)

    def startTestRun(self):
        pass

    def printErrors(self):
        pass  # they were shown when they happened


def main():
    parser = argparse.ArgumentParser(description="The acceptance suite", add_help=True)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--fail-fast", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--exactly", action="store_true", help=argparse.SUPPRESS)  # the tests' names come on standard input
    options = parser.parse_args()

    try:
        import pika  # noqa: F401
    except ImportError:
        sys.exit("the acceptance suite needs pika: apt-get install python3-pika, and run it with /usr/bin/python3")
    tests = select(options.names, set(sys.stdin.read().split()) if options.exactly else None)
    if options.list:
        print("\n".join(test.id() for test in tests))
        return 0
    for name in ("OSTLER_BIN", "OSTLER_TEST_AMQP_URI"):
        if not os.environ.get(name):
            sys.exit(f"{name} is not set; scripts/test sets it, or see the first lines of {os.path.basename(__file__)}")
    if not os.access(os.environ["OSTLER_BIN"], os.X_OK):
        sys.exit(f"OSTLER_BIN={os.environ['OSTLER_BIN']} is not a program")
    if not tests:
        sys.exit(f"no test has one of these in its name: {' '.join(options.names)}")

    began = time.monotonic()
    if options.jobs > 1:
        return finish(began, *in_parts(tests, options))

    import logging
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # what pika says of connections that a test breaks on purpose
    from judge.case import Shared

    result = Result(unittest.runner._WritelnDecorator(sys.stdout), True, 1 if options.quiet else 2)
    result.failfast = options.fail_fast
    unittest.TestSuite(tests).run(result)
    failed = len(result.failed_tests)
    try:
        Shared.close()
    except Exception as error:
        failed += 1
        print(f"--- the end of the shared worker\n{error}")
    skipped = len(result.skipped)
    passed = max(0, result.testsRun - len(result.failed_tests) - skipped)
    return finish(began, passed, failed, skipped)


def in_parts(tests, options):
    import parts

    alone = [test.id() for test in tests if breaks_the_broker(test)]
    others = [test.id() for test in tests if not breaks_the_broker(test)]
    more = [word for word, is_meant in (("--fail-fast", options.fail_fast), ("--quiet", options.quiet)) if is_meant]
    return parts.run(alone, others, options.jobs, more)


def finish(began, passed, failed, skipped):
    print(f"Acceptance suite: {time.monotonic() - began:.0f} s")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
