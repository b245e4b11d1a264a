"""Counts live allocations by client from the events alone (Python, pika). Ends when nothing has come for five seconds."""
import collections
import json
import os

import pika

connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URI"]))
channel = connection.channel()
channel.basic_qos(prefetch_count=100)  # a stream asks for a prefetch and for acknowledgements

holder = {}  # source -> the client that has it, if any
handled = {}  # source -> epoch and sequence of the last change that was counted
early = collections.defaultdict(dict)  # source -> sequence -> event that waits for a gap to close


def count(event):
    allocation = event["data"].get("allocation", {"endedAt": None})
    holder[event["source"]] = None if "endedAt" in allocation else allocation["clientId"]


# The broker's record of all events, from its beginning. A queue of your own that was bound early enough does as well.
for method, _properties, body in channel.consume(
    "server.events.log", inactivity_timeout=5, arguments={"x-stream-offset": "first"}
):
    if method is None:
        break
    event = json.loads(body)
    # A change of a server: its versions are 1, 2, 3, … A snapshot changes nothing, and other events have no sequence.
    if "sequence" in event and event["type"] != "ostler.server.snapshot.v1":
        source, epoch, sequence = event["source"], event["epoch"], int(event["sequence"])
        if epoch > handled.get(source, (1, 0))[0]:  # a backup was restored: what came after it is void
            handled[source] = (epoch, sequence - 1)
            early[source].clear()
        counted_epoch, counted = handled.get(source, (1, 0))
        if epoch == counted_epoch and sequence > counted:  # else the same id again
            early[source][sequence] = event
        while (counted := counted + 1) in early[source]:
            count(early[source].pop(counted))
            handled[source] = (epoch, counted)
    channel.basic_ack(method.delivery_tag)

for client, servers in sorted(collections.Counter(filter(None, holder.values())).items()):
    print("client", client, "has", servers)
print(sum(len(events) for events in early.values()), "events wait for an earlier one")
connection.close()
