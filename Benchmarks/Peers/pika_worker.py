"""pika, as its documentation recommends: a blocking connection, manual acks, confirms, a prefetch.

    pika_worker.py URI NAMESPACE STORE
"""

import json
import signal
import sys

import pika

from job import COMMANDS, PREFETCH, Job

uri, namespace, store = sys.argv[1:]
job = Job(store)
connection = pika.BlockingConnection(pika.URLParameters(uri))
channel = connection.channel()
channel.basic_qos(prefetch_count=PREFETCH)
channel.confirm_delivery()


def handle(channel, method, properties, body):
    applied = job.apply(method.routing_key, json.loads(body))
    if applied:
        position, key, event = applied
        # Returns when the broker has confirmed.
        channel.basic_publish(
            f"{namespace}.events", key, event,
            pika.BasicProperties(content_type="application/cloudevents+json", delivery_mode=2),
        )
        job.published.append(position)
    channel.basic_ack(method.delivery_tag)


for command in COMMANDS:
    channel.basic_consume(f"{namespace}.commands.{command}", handle)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
channel.start_consuming()
