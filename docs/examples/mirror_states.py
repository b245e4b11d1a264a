"""Keeps a mirror of every server's state (Python, pika). Ends when nothing has come for five seconds."""
import json
import os

import pika

connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URI"]))
channel = connection.channel()
queue = channel.queue_declare("", exclusive=True).method.queue
channel.queue_bind(queue, "server.events", routing_key="server.#")
# Every state once, as it is now; changes that come meanwhile are newer and win.
channel.basic_publish("server.commands", "snapshot", b"{}", pika.BasicProperties(content_type="application/json"))

mirror = {}  # source -> (epoch, sequence, state)
for method, _properties, body in channel.consume(queue, inactivity_timeout=5):
    if method is None:
        break
    event = json.loads(body)
    if "sequence" in event:  # snapshotCompleted has none
        version = (event["epoch"], event["sequence"])
        if event["source"] not in mirror or version > mirror[event["source"]][:2]:  # an older one, or the same again
            mirror[event["source"]] = (*version, event["data"]["state"])
    channel.basic_ack(method.delivery_tag)

for state in sorted({entry[2] for entry in mirror.values()}):
    print(sum(entry[2] == state for entry in mirror.values()), state)
connection.close()
