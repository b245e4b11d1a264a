"""The durable part of the job, for both Python peers: one transaction a command."""

import datetime
import json
import pathlib
import sqlite3
import uuid

COMMANDS = ("isolate", "unisolate")
PREFETCH = 1000


class Job:
    def __init__(self, path):
        self.database = sqlite3.connect(path)
        self.database.executescript((pathlib.Path(__file__).parent / "schema.sql").read_text())
        # Positions that are published and still in the outbox: they go with the next transaction.
        self.published = []

    def apply(self, command, message):
        """Returns position, routing key and event, or None for an operation that was seen before."""
        server, operation = message["serverId"], message["operationUuid"]
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        with self.database:
            run = self.database.execute
            run("BEGIN IMMEDIATE")
            while self.published:
                run("DELETE FROM outbox WHERE position = ?", (self.published.pop(),))
            known = run(
                "SELECT outcome FROM operations WHERE uuid = ? AND command = ? AND server_id = ?",
                (operation, command, server),
            ).fetchone()
            if known:
                return None
            row = run("SELECT version, state FROM servers WHERE id = ?", (server,)).fetchone()
            version, previous = (row[0] + 1, row[1]) if row else (1, "available")
            state = "isolated" if command == "isolate" else "backToBaseline"
            run(
                "INSERT INTO servers VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version,"
                " state = excluded.state, sub_state = excluded.sub_state, reason = excluded.reason,"
                " changed_at = excluded.changed_at",
                (server, version, state, message.get("subState"), message.get("reason"), now),
            )
            data = {
                "serverId": server, "name": f"server-{server}", "version": version, "state": state,
                "subState": message.get("subState"), "reason": message.get("reason"), "previousState": previous,
                "locationId": 1, "instanceTypeId": 1, "command": command, "operationUuid": operation,
            }
            run("INSERT INTO operations VALUES (?, ?, ?, 'applied', ?)", (command, operation, server, now))
            position = run(
                "INSERT INTO history (server_id, version, command, at, data) VALUES (?, ?, ?, ?, ?)",
                (server, version, command, now, json.dumps(data)),
            ).lastrowid
            event = json.dumps({
                "specversion": "1.0", "id": str(uuid.uuid4()), "source": f"/servers/{server}",
                "type": f"ostler.server.{command}d.v1", "subject": str(server), "time": now,
                "sequence": f"{version:020}", "position": f"{position:020}", "data": data,
            })
            key = f"server.{command}d.{state}.1"
            run("INSERT INTO outbox VALUES (?, ?, ?)", (position, key, event))
        return position, key, event.encode()
