/* forward.c: the least that a Kafka-to-Kafka process can do: consume, copy, produce,
 * commit. The yardstick for an engine's own work.
 *
 *   forward -b BROKERS -i IN -o OUT -g GROUP -t MS [-l LINGER_MS] [-e OTHER] [-a] [-d DEBUG]
 *
 * Exactly once, by plain blocking calls; a transaction ends after MS milliseconds. With
 * -a at least once: so often what was sent is waited for, and committed. With -e each record
 * goes to that topic, too. With -d librdkafka logs of itself what that setting says. Queues,
 * allocator and heap are those of the engine. SIGTERM ends it.
 */
#include <signal.h>

#include "base/memory.h"
#include "tests/kafka/program.h"

#define BATCH 500
#define CALL_TIMEOUT_MS 10000

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static void succeed(const char *doing, rd_kafka_error_t *failure)
{
	if (failure)
		die("%s: %s", doing, rd_kafka_error_string(failure));
}

/* Where all records go; the second is NULL without -e. */
struct copies {
	rd_kafka_topic_t *topics[2];
};

static void copy(rd_kafka_topic_t *out, const rd_kafka_message_t *message)
{
	while (rd_kafka_produce(out, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, message->payload, message->len, message->key,
				message->key_len, NULL)) {
		if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			die("produce: %s", rd_kafka_err2str(rd_kafka_last_error()));
		pause_ms(1);
	}
}

static void forward(const struct copies *copies, rd_kafka_message_t **messages, ssize_t count)
{
	for (ssize_t i = 0; i < count; i++) {
		for (size_t j = 0; j < 2 && copies->topics[j] && !messages[i]->err; j++)
			copy(copies->topics[j], messages[i]);
		rd_kafka_message_destroy(messages[i]);
	}
}

static void commit_transaction(rd_kafka_t *consumer, rd_kafka_t *producer, rd_kafka_topic_partition_list_t *positions)
{
	rd_kafka_consumer_group_metadata_t *membership = rd_kafka_consumer_group_metadata(consumer);
	succeed("offsets", rd_kafka_send_offsets_to_transaction(producer, positions, membership, CALL_TIMEOUT_MS));
	succeed("commit", rd_kafka_commit_transaction(producer, CALL_TIMEOUT_MS));
	succeed("begin", rd_kafka_begin_transaction(producer));
	rd_kafka_consumer_group_metadata_destroy(membership);
}

static void commit(rd_kafka_t *consumer, rd_kafka_t *producer, bool transactional)
{
	rd_kafka_topic_partition_list_t *positions;
	rd_kafka_assignment(consumer, &positions);
	rd_kafka_position(consumer, positions);
	if (transactional)
		commit_transaction(consumer, producer, positions);
	else if (rd_kafka_flush(producer, CALL_TIMEOUT_MS) || rd_kafka_commit(consumer, positions, 0))
		die("what was sent did not arrive, or the group did not take it");
	rd_kafka_topic_partition_list_destroy(positions);
}

static void run(rd_kafka_t *consumer, rd_kafka_t *producer, const struct copies *copies, double interval_s, bool transactional)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
	rd_kafka_message_t *messages[BATCH];
	bool dirty = false;
	double began_s = 0;
	while (!stopped) {
		/* A batch with a timeout would wait for all of it: one with, the rest without. */
		ssize_t count = rd_kafka_consume_batch_queue(queue, dirty ? 1 : 50, messages, 1);
		if (count == 1)
			count += rd_kafka_consume_batch_queue(queue, 0, messages + 1, BATCH - 1);
		if (count > 0 && !dirty)
			began_s = now_s(CLOCK_MONOTONIC);
		dirty |= count > 0;
		forward(copies, messages, count);
		if (dirty && now_s(CLOCK_MONOTONIC) - began_s >= interval_s) {
			commit(consumer, producer, transactional);
			dirty = false;
		}
	}
	rd_kafka_queue_destroy(queue);
}

struct options {
	const char *brokers, *in, *out, *other, *group, *linger_ms, *debug;
	long interval_ms;
	bool at_least_once;
};

static rd_kafka_t *open_consumer(const struct options *options)
{
	/* What it had before 2.2 cannot be set. NULL ends the settings, so it is the last of them. */
	const char *const refill = rd_kafka_version() >= 0x020200ff ? "fetch.queue.backoff.ms" : NULL;
	const char *const log = options->debug ? options->debug : options->group;
	rd_kafka_t *consumer = kafka_client(RD_KAFKA_CONSUMER, options->brokers,
					    (kafka_settings){{"group.id", options->group},
							     {"auto.offset.reset", "earliest"},
							     {"enable.auto.commit", "false"},
							     {"queued.min.messages", "1000000"},
							     {options->debug ? "debug" : "client.id", log},
							     {refill, "5"},
							     {NULL, NULL}});
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(topics, options->in, RD_KAFKA_PARTITION_UA);
	rd_kafka_poll_set_consumer(consumer);
	if (rd_kafka_subscribe(consumer, topics))
		die("%s cannot be subscribed to", options->in);
	rd_kafka_topic_partition_list_destroy(topics);
	return consumer;
}

static rd_kafka_t *open_producer(const struct options *options)
{
	const char *const log = options->debug ? options->debug : options->group;
	rd_kafka_conf_t *configuration =
		kafka_configure(options->brokers,
				(kafka_settings){{options->at_least_once ? "client.id" : "transactional.id", options->group},
						 {"enable.idempotence", "true"},
						 {"linger.ms", options->linger_ms},
						 {options->debug ? "debug" : "client.id", log},
						 {"delivery.report.only.error", "true"},
						 {NULL, NULL}});
	rd_kafka_conf_set_events(configuration, RD_KAFKA_EVENT_DR);
	rd_kafka_t *producer = kafka_open(RD_KAFKA_PRODUCER, configuration);
	if (!options->at_least_once) {
		succeed("init", rd_kafka_init_transactions(producer, CALL_TIMEOUT_MS));
		succeed("begin", rd_kafka_begin_transaction(producer));
	}
	return producer;
}

int main(int argc, char **argv)
{
	struct options options = {.linger_ms = "5", .interval_ms = 100};
	const struct letter letters[] = {{'b', .word = &options.brokers},
					 {'i', .word = &options.in},
					 {'o', .word = &options.out},
					 {'e', .word = &options.other},
					 {'g', .word = &options.group},
					 {'d', .word = &options.debug},
					 {'t', .number = &options.interval_ms},
					 {'l', .word = &options.linger_ms},
					 {'a', .flag = &options.at_least_once},
					 {0}};
	letters_read(argc, argv, letters);
	if (!options.brokers || !options.in || !options.out || !options.group)
		die("%s", "forward -b BROKERS -i IN -o OUT -g GROUP [-t MS] [-l LINGER_MS] [-e OTHER] [-a] [-d DEBUG]");
	signal(SIGTERM, on_signal);
	allocator_keep_blocks();
	rd_kafka_t *producer = open_producer(&options);
	rd_kafka_t *consumer = open_consumer(&options);
	struct copies copies = {{rd_kafka_topic_new(producer, options.out, NULL)}};
	if (options.other)
		copies.topics[1] = rd_kafka_topic_new(producer, options.other, NULL);
	run(consumer, producer, &copies, (double)options.interval_ms / 1e3, !options.at_least_once);
	for (size_t i = 0; i < 2 && copies.topics[i]; i++)
		rd_kafka_topic_destroy(copies.topics[i]);
	rd_kafka_consumer_close(consumer);
	rd_kafka_destroy(consumer);
	rd_kafka_destroy(producer);
	return 0;
}
