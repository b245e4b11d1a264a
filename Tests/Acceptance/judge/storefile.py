"""What the store holds, read with SQLite itself and without the right to write."""

import sqlite3
import uuid
from types import SimpleNamespace

# The command of a stored key (its first byte).
COMMANDS = [
    "allocate", "deallocate", "compensate", "isolate", "unisolate", "available", "quarantine", "unquarantine", "enroll",
    "reclassify", "decommission", "set-quota", "snapshot",
]


class StoreFile:
    def __init__(self, path):
        self.connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
        self.connection.row_factory = sqlite3.Row

    def close(self):
        self.connection.close()

    def rows(self, sql):
        return [SimpleNamespace(**dict(row)) for row in self.connection.execute(sql)]

    def number(self, sql):
        return self.connection.execute(sql).fetchone()[0]

    def servers(self):
        holds = {}
        for row in self.rows("SELECT server_id, case_id FROM holds ORDER BY server_id, ordinal"):
            holds.setdefault(row.server_id, []).append(row.case_id)
        found = {}
        for row in self.rows("SELECT * FROM servers"):
            row.baseline_id = as_uuid(row.baseline_id)
            row.holds = holds.get(row.id, [])
            found[row.id] = row
        return found

    def allocations(self):
        rows = self.rows("SELECT * FROM allocations")
        for row in rows:
            row.id = as_uuid(row.id)
        return rows

    def operations(self):
        """(key, attempt) of each row, and the row."""
        return [((decode_key(row.key), row.attempt), row) for row in self.rows("SELECT * FROM operations")]

    def letters(self):
        rows = self.rows("SELECT * FROM dead_letters")
        for row in rows:
            row.id = as_uuid(row.id)
        return {row.id: row for row in rows}

    def damage(self):
        """What SQLite itself finds wrong with the file."""
        found = [row[0] for row in self.connection.execute("PRAGMA integrity_check")]
        broken = [tuple(row) for row in self.connection.execute("PRAGMA foreign_key_check")]
        return ([] if found == ["ok"] else found) + [f"foreign key {row}" for row in broken]


def as_uuid(blob):
    return None if blob is None else str(uuid.UUID(bytes=bytes(blob)))


def decode_key(blob):
    """(command, what served as the key, subject)."""
    blob = bytes(blob)
    name, rest = COMMANDS[blob[0] - 1], blob[1:]
    if rest[0] == 0:
        identity, rest = str(uuid.UUID(bytes=rest[1:17])), rest[17:]
    else:
        identity, rest = rest[2:2 + rest[1]].decode(), rest[2 + rest[1]:]
    kind, rest = rest[0], rest[1:]
    numbers = [int.from_bytes(rest[at:at + 8], "big") for at in range(0, min(len(rest), 24) // 8 * 8, 8)]
    if kind == 0:
        return name, identity, None
    if kind == 1:
        return name, identity, numbers[0]
    return name, identity, (numbers[0], rest[25:25 + rest[24]].decode(), numbers[1], numbers[2])
