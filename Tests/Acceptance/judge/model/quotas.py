"""Section 5: rows, their use, and what an allocation is charged to."""

from dataclasses import dataclass


@dataclass
class Charge:
    quota_type: str  # commit or onDemand
    row: tuple  # the row that gave the room: client, contract ('' is on-demand), location, type
    limit: int
    used: int  # with this allocation


class Quotas:
    def __init__(self):
        self.rows = {}  # (client, contract, location, type) → limit
        self.live = {}  # allocation id → Allocation

    def used_by(self, row, client):
        """The live allocations that count in a row, of one client (the default rows apply to each separately)."""
        _, contract, location, kind = row
        if contract:
            return sum(
                1 for one in self.live.values()
                if one.quota_type == "commit" and (one.client_id, one.contract_id, one.location_id, one.instance_type_id)
                == (client, contract, location, kind))
        return sum(
            1 for one in self.live.values()
            if one.quota_type == "onDemand" and one.client_id == client and location in (0, one.location_id)
            and kind in (0, one.instance_type_id))

    def set(self, row, limit):
        """(whether it changed something, the limit before)."""
        before = self.rows.get(row)
        if limit is None:
            self.rows.pop(row, None)
        else:
            self.rows[row] = limit
        return before != limit, before

    def charge(self, client, location, kind, contract, overflow):
        """A Charge, or the code of the refusal."""
        if contract:
            row = client, contract, location, kind
            if row in self.rows:
                used = self.used_by(row, client)
                if used < self.rows[row]:
                    return Charge("commit", row, self.rows[row], used + 1)
                if not overflow:
                    return "quota-exceeded"
            elif not overflow:
                return "contract-unknown"
        row = self.own_or_default(client, location, kind)
        if row is None:
            return "quota-not-configured"
        for counted in (row, self.own_or_default(client, location, 0), self.own_or_default(client, 0, 0)):
            if counted is not None and self.used_by(counted, client) >= self.rows[counted]:
                return "quota-exceeded"
        return Charge("onDemand", row, self.rows[row], self.used_by(row, client) + 1)

    def own_or_default(self, client, location, kind):
        return next((row for row in ((client, "", location, kind), (0, "", location, kind)) if row in self.rows), None)

    def use(self):
        """What every row would show as used, by (client, contract, location, type), zeros left out."""
        use = {}
        for one in self.live.values():
            places = [(one.location_id, one.instance_type_id)]
            contract = one.contract_id if one.quota_type == "commit" else ""
            if not contract:
                places += [(one.location_id, 0), (0, 0)]
            for location, kind in places:
                row = one.client_id, contract, location, kind
                use[row] = use.get(row, 0) + 1
        return use
