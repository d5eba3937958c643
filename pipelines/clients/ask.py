"""Asks pipeline hello through Kafka and prints the answer. Usage: ask.py BROKERS REQUEST.json"""
import sys, time, uuid
from confluent_kafka import Consumer, Producer, TopicPartition

brokers, request, topic = sys.argv[1], open(sys.argv[2], "rb").read(), "sluice.default.pipeline.hello"
name = ("x-request-id", str(uuid.uuid4()).encode())  # an answer has the header of its request
consumer = Consumer({"bootstrap.servers": brokers, "group.id": "unused", "isolation.level": "read_committed"})
numbers = consumer.list_topics(topic + ".outputs").topics[topic + ".outputs"].partitions
ends = [(number, consumer.get_watermark_offsets(TopicPartition(topic + ".outputs", number))[1]) for number in numbers]
consumer.assign([TopicPartition(topic + ".outputs", number, end) for number, end in ends])
producer = Producer({"bootstrap.servers": brokers})
producer.produce(topic + ".inputs", request, headers=[name])
producer.flush()
give_up = time.monotonic() + 30
while time.monotonic() < give_up:
    answer = consumer.poll(1)
    if answer and name in (answer.headers() or []):
        print(answer.value().decode())
        break
else:
    print("no answer within 30 s")
