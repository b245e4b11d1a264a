"""Counts live allocations by client from the events alone (Python, pika). Ends when nothing has come for five seconds."""
import collections
import json
import os

import pika

connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URI"]))
channel = connection.channel()
channel.basic_qos(prefetch_count=100)  # a stream asks for a prefetch and for acknowledgements

live = collections.Counter()  # client -> servers
handled = {}  # source -> the last sequence that was counted
early = collections.defaultdict(dict)  # source -> sequence -> event that waits for a gap to close


def count(event):
    allocation = event["data"].get("allocation")
    if allocation is None:
        return
    kind = event["type"].split(".")[2]
    if kind in ("allocated", "enrolled"):
        live[allocation["clientId"]] += 1
    elif "endedAt" in allocation:
        live[allocation["clientId"]] -= 1


# The broker's record of all events, from its beginning. A queue of your own that was bound early enough does as well.
for method, _properties, body in channel.consume(
    "server.events.log", inactivity_timeout=5, arguments={"x-stream-offset": "first"}
):
    if method is None:
        break
    event = json.loads(body)
    # A change of a server: its versions are 1, 2, 3, … A snapshot changes nothing, and other events have no sequence.
    if "sequence" in event and event["type"] != "ostler.server.snapshot.v1":
        source, sequence = event["source"], int(event["sequence"])
        if sequence > handled.get(source, 0):  # else the same id again
            early[source][sequence] = event
        while (following := handled.get(source, 0) + 1) in early[source]:
            count(early[source].pop(following))
            handled[source] = following
    channel.basic_ack(method.delivery_tag)

for client, servers in sorted(live.items()):
    if servers:
        print("client", client, "has", servers)
print(sum(len(events) for events in early.values()), "events wait for an earlier one")
connection.close()
