"""What `faults.c` can do to a worker: a disk that fails or is slow, a wall clock that jumps, a power cut."""

import atexit
import mmap
import os
import shutil
import struct
import subprocess
import tempfile
import unittest

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "faults.c")
_folder = None


def _library():
    """Compiled once a run; skips the test where there is no C compiler."""
    global _folder
    compiler = next(filter(None, map(shutil.which, ("cc", "clang", "gcc"))), None)
    if compiler is None:
        raise unittest.SkipTest("no C compiler: judge/faults.c cannot be built")
    if _folder is None:
        _folder = tempfile.mkdtemp(prefix="ostler-faults-")
        atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    library = os.path.join(_folder, "faults.so")
    if not os.path.exists(library):
        subprocess.run(
            [compiler, "-Wall", "-Wextra", "-O1", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True,
            stdin=subprocess.DEVNULL)
    return library


class Faults:
    """Of the workers of one installation, from their next start on. What is set counts at once."""

    def __init__(self, installation, journal=False):
        self._store = installation.settings["store.path"]
        self._control_path = os.path.join(installation.folder.name, "faults")
        self._journal_path = os.path.join(installation.folder.name, "faults.journal")
        with open(self._control_path, "wb") as file:
            file.write(bytes(mmap.PAGESIZE))
        with open(self._control_path, "r+b") as file:
            self._page = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self._values = {"clock_ahead": 0, "write_error": 0, "sync_error": 0, "sync_delay": 0}
        installation.worker_variables = {
            "LD_PRELOAD": _library(), "FAULTS_CONTROL": self._control_path, "FAULTS_FILES": self._store,
            **({"FAULTS_JOURNAL": self._journal_path} if journal else {})}

    def set(self, **values):
        """`clock_ahead` and `sync_delay` in seconds, `write_error` and `sync_error` as errno; 0 is as it should be."""
        assert set(values) <= set(self._values), values
        self._values.update(values)
        now = self._values
        self._page[:24] = struct.pack(
            "=qiiii", int(now["clock_ahead"] * 1e9), now["write_error"], now["sync_error"], int(now["sync_delay"] * 1000), 0)

    def cut_power(self, chance):
        """Leaves of the store's files what was synchronised, and of what was written since as much as `chance` has it.

        The worker is dead already. Returns how many writes are gone.
        """
        files = _replay(self._journal_path)
        os.remove(self._journal_path)
        gone = 0
        for suffix in ("", "-wal", "-shm"):
            path = self._store + suffix
            if os.path.exists(path):
                os.remove(path)
            if suffix == "-shm" or path not in files:
                continue  # SQLite rebuilds its index of the log
            content, unsure = files[path]
            for change in unsure:
                fate = chance.random()
                if fate < 0.5:
                    gone += 1
                elif fate < 0.7 and change[0] == "write":  # torn
                    _apply(content, (*change[:2], change[2][:chance.randrange(len(change[2]))]))
                else:
                    _apply(content, change)
            with open(path, "wb") as file:
                file.write(content)
            # What the disk has now is where the next journal begins.
            with open(self._journal_path, "ab") as journal:
                journal.write(b"write\t%s\t0\t%d\n" % (path.encode(), len(content)) + content)
                journal.write(b"sync\t%s\t0\t0\n" % path.encode())
        return gone


def _apply(content, change):
    what, place, data = change
    if what == "cut":
        content[place:] = bytes(max(0, place - len(content)))
    else:
        content.extend(bytes(max(0, place - len(content))))
        content[place:place + len(data)] = data


def _replay(path):
    """path → (what was synchronised, the changes since)."""
    files = {}
    with open(path, "rb") as journal:
        while True:
            head = journal.readline()
            if not head.endswith(b"\n"):
                return files  # killed while it wrote this down: it was not told of success
            what, name, number, length = head[:-1].decode().split("\t")
            data = journal.read(int(length))
            if len(data) < int(length):
                return files
            content, unsure = files.setdefault(name, (bytearray(), []))
            if what in ("write", "cut"):
                unsure.append((what, int(number), data))
            elif what == "sync":
                for change in unsure:
                    _apply(content, change)
                unsure.clear()
            elif what == "unlink":
                del files[name]
            elif what == "link":
                content, unsure = files[data.decode()]
                files[name] = bytearray(content), list(unsure)
