"""A small file system of a test's own, which can be full or not writable. Needs the right to mount."""

import errno
import os
import subprocess
import tempfile
import unittest


class SmallDisk:
    def __init__(self, case, megabytes):
        self.folder = tempfile.mkdtemp(prefix="ostler-disk-")
        case.addCleanup(os.rmdir, self.folder)
        done = self._run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "ostler-test", self.folder)
        if done.returncode != 0:
            raise unittest.SkipTest(f"a file system of its own cannot be mounted here (root is needed): {done.stderr.strip()}")
        case.addCleanup(self._run, "umount", "--lazy", self.folder)
        self.store = os.path.join(self.folder, "ostler.sqlite")
        self._filler = os.path.join(self.folder, "filler")

    def _run(self, *command):
        return subprocess.run(command, text=True, capture_output=True, stdin=subprocess.DEVNULL)

    def fill(self):
        """To the last byte."""
        with open(self._filler, "ab", buffering=0) as filler:
            for size in (65_536, 4096, 1):
                try:
                    while filler.write(bytes(size)) == size:
                        pass
                except OSError as error:
                    assert error.errno == errno.ENOSPC, error

    @property
    def is_full(self):
        return os.path.exists(self._filler)

    def free(self):
        os.remove(self._filler)

    def remount(self, mode):
        """`ro` or `rw`; nobody may have a file open for writing."""
        done = self._run("mount", "-o", f"remount,{mode}", self.folder)
        assert done.returncode == 0, done.stderr
