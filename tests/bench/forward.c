/* forward.c: the least that a Kafka-to-Kafka process can do: consume, copy, produce,
 * commit. The yardstick for an engine's own work.
 *
 *   forward -b BROKERS -i IN -o OUT -g GROUP -t MS [-l LINGER_MS] [-a]
 *
 * Exactly once, by plain blocking calls; a transaction ends after MS milliseconds. With
 * -a at least once: so often what was sent is waited for, and committed. Queues and heap
 * are set as the engine's are. SIGTERM ends it.
 */
#include <librdkafka/rdkafka.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BATCH 500
#define CALL_TIMEOUT_MS 10000

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static _Noreturn void die(const char *doing, const char *why)
{
	fprintf(stderr, "forward: %s: %s\n", doing, why);
	exit(1);
}

static void succeed(const char *doing, rd_kafka_error_t *failure)
{
	if (failure)
		die(doing, rd_kafka_error_string(failure));
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *const settings[][2])
{
	char words[256];
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	for (; (*settings)[0]; settings++)
		if (rd_kafka_conf_set(configuration, (*settings)[0], (*settings)[1], words, sizeof words))
			die((*settings)[0], words);
	if (type == RD_KAFKA_PRODUCER)
		rd_kafka_conf_set_events(configuration, RD_KAFKA_EVENT_DR);
	rd_kafka_t *made = rd_kafka_new(type, configuration, words, sizeof words);
	if (!made)
		die("client", words);
	return made;
}

static long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void forward(rd_kafka_topic_t *out, rd_kafka_message_t **messages, ssize_t count)
{
	for (ssize_t i = 0; i < count; i++) {
		rd_kafka_message_t *message = messages[i];
		while (!message->err && rd_kafka_produce(out, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, message->payload,
							 message->len, message->key, message->key_len, NULL)) {
			if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
				die("produce", rd_kafka_err2str(rd_kafka_last_error()));
			usleep(1000);
		}
		rd_kafka_message_destroy(message);
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
		die("commit", "what was sent did not arrive, or the group did not take it");
	rd_kafka_topic_partition_list_destroy(positions);
}

static void run(rd_kafka_t *consumer, rd_kafka_t *producer, rd_kafka_topic_t *out, long interval_ms,
		bool transactional)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
	rd_kafka_message_t *messages[BATCH];
	bool dirty = false;
	long began = 0;
	while (!stopped) {
		/* A batch with a timeout would wait for all of it: one with, the rest without. */
		ssize_t count = rd_kafka_consume_batch_queue(queue, dirty ? 1 : 50, messages, 1);
		if (count == 1)
			count += rd_kafka_consume_batch_queue(queue, 0, messages + 1, BATCH - 1);
		if (count > 0 && !dirty)
			began = now_ms();
		dirty |= count > 0;
		forward(out, messages, count);
		if (dirty && now_ms() - began >= interval_ms) {
			commit(consumer, producer, transactional);
			dirty = false;
		}
	}
	rd_kafka_queue_destroy(queue);
}

int main(int argc, char **argv)
{
	const char *brokers = NULL, *in = NULL, *out = NULL, *group = NULL;
	const char *linger_ms = "5";
	long interval_ms = 100;
	bool transactional = true;
	int letter;
	while ((letter = getopt(argc, argv, "b:i:o:g:t:l:a")) != -1) {
		switch (letter) {
		case 'b': brokers = optarg; break;
		case 'i': in = optarg; break;
		case 'o': out = optarg; break;
		case 'g': group = optarg; break;
		case 't': interval_ms = strtol(optarg, NULL, 10); break;
		case 'l': linger_ms = optarg; break;
		case 'a': transactional = false; break;
		default: return 2;
		}
	}
	if (!brokers || !in || !out || !group)
		die("usage", "forward -b BROKERS -i IN -o OUT -g GROUP [-t MS] [-l LINGER_MS] [-a]");
	signal(SIGTERM, on_signal);
	mallopt(M_MMAP_THRESHOLD, 256 << 20);
	mallopt(M_TRIM_THRESHOLD, 512 << 20);
	/* What it had before 2.2 cannot be set. NULL ends the settings, so it is the last of them. */
	const char *const refill = rd_kafka_version() >= 0x020200ff ? "fetch.queue.backoff.ms" : NULL;
	const char *const identity = transactional ? "transactional.id" : "client.id";
	rd_kafka_t *consumer = client(RD_KAFKA_CONSUMER, (const char *const[][2]){{"bootstrap.servers", brokers},
										    {"group.id", group},
										    {"auto.offset.reset", "earliest"},
										    {"enable.auto.commit", "false"},
										    {"queued.min.messages", "1000000"},
										    {refill, "5"},
										    {NULL, NULL}});
	rd_kafka_t *producer = client(RD_KAFKA_PRODUCER, (const char *const[][2]){{"bootstrap.servers", brokers},
										    {identity, group},
										    {"enable.idempotence", "true"},
										    {"linger.ms", linger_ms},
										    {"partitioner", "murmur2_random"},
										    {"delivery.report.only.error", "true"},
										    {NULL, NULL}});
	rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, out, NULL);
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(topics, in, RD_KAFKA_PARTITION_UA);
	rd_kafka_poll_set_consumer(consumer);
	if (transactional) {
		succeed("init", rd_kafka_init_transactions(producer, CALL_TIMEOUT_MS));
		succeed("begin", rd_kafka_begin_transaction(producer));
	}
	if (rd_kafka_subscribe(consumer, topics))
		die("subscribe", in);
	run(consumer, producer, topic, interval_ms, transactional);
	rd_kafka_topic_partition_list_destroy(topics);
	rd_kafka_topic_destroy(topic);
	rd_kafka_consumer_close(consumer);
	rd_kafka_destroy(consumer);
	rd_kafka_destroy(producer);
	return 0;
}
