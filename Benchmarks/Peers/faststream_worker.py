"""FastStream over RabbitMQ, as its documentation recommends: a subscriber a queue, confirmed publishing, acks by itself.

    faststream_worker.py URI NAMESPACE STORE
"""

import asyncio
import sys

from faststream import FastStream
from faststream.rabbit import Channel, ExchangeType, RabbitBroker, RabbitExchange, RabbitQueue

from job import COMMANDS, PREFETCH, Job

uri, namespace, store = sys.argv[1:]
job = Job(store)
broker = RabbitBroker(uri, default_channel=Channel(prefetch_count=PREFETCH, publisher_confirms=True), log_level=40)
events = RabbitExchange(f"{namespace}.events", type=ExchangeType.TOPIC, durable=True, declare=False)


def subscribe(command):
    @broker.subscriber(RabbitQueue(f"{namespace}.commands.{command}", durable=True, declare=False))
    async def handle(body: dict):
        applied = job.apply(command, body)
        if applied:
            position, key, event = applied
            await broker.publish(
                event, exchange=events, routing_key=key, persist=True, content_type="application/cloudevents+json"
            )
            job.published.append(position)


for name in COMMANDS:
    subscribe(name)
asyncio.run(FastStream(broker).run())
