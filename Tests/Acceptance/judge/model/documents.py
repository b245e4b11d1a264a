"""Section 6: what an event says of a server, and what a reply says of a quota."""

from .moments import parse_moment


def server_data(server, command=None, actor=None, replayed_by=None):
    """The data of the event of a server's last change. Times are numbers: compare with `with_moments`."""
    allocation = server.allocation or server.ended_now
    in_isolation = server.state == "isolated"
    data = {
        "serverId": server.id, "name": server.name, "version": server.version, "locationId": server.location_id,
        "instanceTypeId": server.instance_type_id, "state": server.state, "previousState": server.previous_state,
        "subState": server.sub_state, "reason": server.cause_reason if in_isolation else server.reason,
        "baselineId": server.baseline_id,
        "command": command and command.name, "operationUuid": command and command.operation, "actor": actor,
        "replayedBy": replayed_by, "allocation": allocation and allocation_data(allocation),
    }
    if server.state == "quarantined":
        held = server.held
        data["holds"] = list(server.holds)
        data["heldState"] = present({"state": held.state, "subState": held.sub_state, "reason": held.reason})
    return present(data)


def allocation_data(one):
    return present({
        "id": one.id, "clientId": one.client_id, "contractId": one.contract_id, "quotaType": one.quota_type,
        "startedAt": one.started_at, "endedAt": one.ended_at, "endedBy": one.ended_by,
        "billable": one.ended_by != "compensate",
    })


def with_moments(data):
    """An event's data with the times as numbers, and UUIDs in lower case."""
    data = dict(data)
    if "allocation" in data:
        allocation = dict(data["allocation"])
        for name in ("startedAt", "endedAt"):
            if name in allocation:
                allocation[name] = parse_moment(allocation[name])
        data["allocation"] = allocation
    return data


def quota_data(charge, command):
    client, contract, location, kind = charge.row
    return present({
        "clientId": client, "contractId": contract or None, "locationId": location, "instanceTypeId": kind,
        "quotaType": charge.quota_type, "limit": charge.limit, "used": charge.used,
    })


def quota_event_data(command, limits, actor=None, replayed_by=None):
    fields = command.fields
    contract = fields.get("contractId")
    return present({
        "clientId": fields["clientId"], "contractId": contract, "locationId": fields["locationId"],
        "instanceTypeId": fields["instanceTypeId"], "quotaType": "commit" if contract else "onDemand",
        "oldLimit": limits[0], "newLimit": limits[1], "command": command.name, "operationUuid": command.operation,
        "actor": actor, "replayedBy": replayed_by,
    })


def present(data):
    return {key: value for key, value in data.items() if value is not None}
