#!/usr/bin/env python3
"""kafka-python as a client of `sluice dev`: dev_client.py BROKERS INPUTS OUTPUTS REQUEST; prints what it saw, a line each"""
import sys

from kafka import KafkaConsumer, KafkaProducer, __version__
from kafka.admin import KafkaAdminClient, NewTopic

SECONDS = 30


def main():
    brokers, inputs, outputs, request = sys.argv[1:]
    admin = KafkaAdminClient(bootstrap_servers=brokers)
    mine = "python-" + __version__
    admin.create_topics([NewTopic(mine, 3, 1)])
    print("made", mine in admin.list_topics(), "partitions", len(admin.describe_topics([mine])[0]["partitions"]))
    admin.close()
    producer = KafkaProducer(bootstrap_servers=brokers)
    sent = producer.send(inputs, request.encode(), key=b"python").get(SECONDS)
    print("sent to", sent.topic)
    producer.close()
    for group in (None, "python-" + __version__):
        consumer = KafkaConsumer(outputs, bootstrap_servers=brokers, group_id=group, auto_offset_reset="earliest",
                                 consumer_timeout_ms=SECONDS * 1000)
        mine = next((record for record in consumer if record.key == b"python"), None)
        print("answered", "in a group" if group else "alone", mine and mine.value.decode())
        consumer.close()


if __name__ == "__main__":
    main()
