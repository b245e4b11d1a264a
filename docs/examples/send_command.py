"""Sends one command and waits for its answer (Python, pika)."""
import json
import os
import uuid

import pika

connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URI"]))
channel = connection.channel()
channel.confirm_delivery()  # an unconfirmed command may be lost: publish it again, with the same operationUuid

answers = []


def take_answer(_channel, _method, _properties, body):
    answers.append(json.loads(body))


# RabbitMQ's direct reply-to: subscribe before publishing, on the same channel.
channel.basic_consume("amq.rabbitmq.reply-to", take_answer, auto_ack=True)

command = {
    "operationUuid": str(uuid.uuid4()),  # the same one for every try of this operation
    "locationId": 18,
    "instanceTypeId": 126,
    "clientId": 12345,
}
channel.basic_publish(
    exchange="server.commands",
    routing_key="allocate",
    body=json.dumps(command),
    properties=pika.BasicProperties(
        content_type="application/json", delivery_mode=2, reply_to="amq.rabbitmq.reply-to", correlation_id="1"
    ),
    mandatory=True,
)

while not answers:
    connection.process_data_events(time_limit=1)
connection.close()

answer = answers[0]
print(answer["outcome"])
if answer["outcome"] == "rejected":
    print(answer["error"]["code"], "-", answer["error"]["message"])
else:
    print("server", answer["server"]["serverId"], "is", answer["server"]["state"])
