/* latency.c: how long a request takes through an engine, from being produced to its answer
 * being read.
 *
 *   latency -b BROKERS -i IN -o OUT -r A_SECOND -s SECONDS
 *
 * Requests are Avro FP32[1,16] with ids 0, 1, 2..., sent when they are due, whether
 * answers come or not, and timed from when they were due: a stall is not hidden. It begins
 * when a first one has been answered, and the first second is not counted. Prints p50, p95,
 * p99 and the longest, in milliseconds, and how many had no answer a second after the last
 * was sent.
 */
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "message/avro.h"
#include "observe/histogram.h"

#define ELEMENTS 16
#define KEYS 997
#define LAST_WAIT_S 5

struct run {
	const char *brokers, *in, *out;
	long rate, seconds, count;
	double began_s;
	/* Of the thread that sends: */
	rd_kafka_t *producer;
	rd_kafka_topic_t *topic;
	struct arena *sent;
	struct buffer bytes;
	/* Of the thread that reads: */
	rd_kafka_t *consumer;
	struct arena *arena;
	atomic_bool over;
	unsigned char *answered;
	long answers;
	struct histogram us;
	uint64_t longest_us;
};

static _Noreturn void die(const char *doing, const char *why)
{
	fprintf(stderr, "latency: %s: %s\n", doing, why);
	exit(2);
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *const settings[][2])
{
	char words[256];
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	for (; (*settings)[0]; settings++)
		if (rd_kafka_conf_set(configuration, (*settings)[0], (*settings)[1], words, sizeof words))
			die((*settings)[0], words);
	rd_kafka_t *made = rd_kafka_new(type, configuration, words, sizeof words);
	if (!made)
		die("client", words);
	return made;
}

static double due_s(const struct run *run, long number)
{
	return run->began_s + (double)number / (double)run->rate;
}

static void send_one(struct run *run, long number)
{
	static const int64_t shape[] = {1, ELEMENTS};
	struct error error = {0};
	float *elements;
	char key[32];
	arena_reset(run->sent);
	buffer_clear(&run->bytes);
	char *id = arena_print(run->sent, "%ld", number);
	struct tensor *tensor = tensor_make(run->sent, TEXT("x"), DATATYPE_FP32, shape, 2, (void **)&elements, &error);
	if (!tensor || !id)
		die("request", error.text);
	for (int i = 0; i < ELEMENTS; i++)
		elements[i] = (float)(number % 1000);
	const struct tensor *tensors[] = {tensor};
	const struct payload payload = {.tensors = {1, tensors}};
	const struct message message = {.arena = run->sent, .id = text_of(id), .payload_id = text_of(id)};
	if (!avro_request_encode(&message, &payload, &run->bytes, &error))
		die("request", error.text);
	int key_length = snprintf(key, sizeof key, "key-%ld", number % KEYS);
	if (rd_kafka_produce(run->topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, run->bytes.bytes, run->bytes.length, key,
			     (size_t)key_length, NULL))
		die("produce", rd_kafka_err2str(rd_kafka_last_error()));
	rd_kafka_poll(run->producer, 0);
}

/* The id of an answer, or of a request that a forwarder passed on as it was. */
static long number_of(struct run *run, const rd_kafka_message_t *message)
{
	struct text bytes = {message->payload, message->len};
	struct avro_answer answer;
	struct error error = {0};
	struct message request = {.arena = run->arena};
	struct text id;
	arena_reset(run->arena);
	if (avro_answer_decode(bytes, NULL, run->arena, &answer, &error))
		id = answer.failed ? TEXT("") : answer.id;
	else if (format_avro.decode(&request, bytes, NULL, &(struct error){0}))
		id = request.payload_id;
	else
		die("an answer cannot be read", error.text);
	char *copy = arena_copy(run->arena, id.bytes, id.length), *end = copy;
	long number = copy ? strtol(copy, &end, 10) : -1;
	if (!copy || !id.length || *end || number < 0 || number >= run->count)
		die("an answer is an error, or of no request", copy ? copy : "");
	return number;
}

static void take(struct run *run, int wait_ms)
{
	rd_kafka_message_t *message = rd_kafka_consumer_poll(run->consumer, wait_ms);
	if (!message)
		return;
	if (!message->err) {
		long number = number_of(run, message);
		double took_s = now_s() - due_s(run, number);
		uint64_t us = took_s > 0 ? (uint64_t)(took_s * 1e6) : 0;
		run->answers += !run->answered[number];
		if (!run->answered[number] && number >= run->rate) {
			histogram_record(&run->us, us);
			run->longest_us = us > run->longest_us ? us : run->longest_us;
		}
		run->answered[number] = 1;
	}
	rd_kafka_message_destroy(message);
}

/* A topic that was just made has no leader for a moment. */
static int64_t end_of(struct run *run, int partition)
{
	int64_t low, high;
	for (int tries = 0; tries < 100; tries++) {
		if (!rd_kafka_query_watermark_offsets(run->consumer, run->out, partition, &low, &high, 10000))
			return high;
		usleep(100000);
	}
	die("offsets", run->out);
}

static void read_all(struct run *run)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(run->consumer, run->out, NULL);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	if (rd_kafka_metadata(run->consumer, 0, topic, &metadata, 10000))
		die("metadata", run->out);
	for (int i = 0; i < metadata->topics[0].partition_cnt; i++)
		rd_kafka_topic_partition_list_add(list, run->out, i)->offset = end_of(run, i);
	rd_kafka_poll_set_consumer(run->consumer);
	rd_kafka_assign(run->consumer, list);
	rd_kafka_metadata_destroy(metadata);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_topic_destroy(topic);
}

static void *read_answers(void *context)
{
	struct run *run = context;
	while (!run->over && run->answers < run->count)
		take(run, 50);
	return NULL;
}

/* An engine that has just been started has its partitions once it answers. */
static void wait_for_engine(struct run *run)
{
	for (int tries = 0; tries < 300; tries++) {
		rd_kafka_message_t *message;
		if (tries % 10 == 0)
			send_one(run, 0);
		if ((message = rd_kafka_consumer_poll(run->consumer, 100))) {
			rd_kafka_message_destroy(message);
			sleep(1); /* the others' answers count as those of number 0, which is not counted */
			return;
		}
	}
	die("engine", "it answers nothing");
}

static void measure(struct run *run)
{
	pthread_t reader;
	wait_for_engine(run);
	run->began_s = now_s() + 0.5;
	if (pthread_create(&reader, NULL, read_answers, run))
		die("thread", "it cannot be started");
	for (long number = 0; number < run->count; number++) {
		double left_s;
		while ((left_s = due_s(run, number) - now_s()) > 0)
			rd_kafka_poll(run->producer, left_s > 0.002 ? 1 : 0);
		send_one(run, number);
	}
	rd_kafka_flush(run->producer, LAST_WAIT_S * 1000);
	sleep(1);
	run->over = true;
	pthread_join(reader, NULL);
	printf("p50=%.2f p95=%.2f p99=%.2f longest=%.2f lost=%ld\n", (double)histogram_quantile(&run->us, 0.5) / 1e3,
	       (double)histogram_quantile(&run->us, 0.95) / 1e3, (double)histogram_quantile(&run->us, 0.99) / 1e3,
	       (double)run->longest_us / 1e3, run->count - run->answers);
}

int main(int argc, char **argv)
{
	struct run run = {.rate = 1000, .seconds = 6};
	int letter;
	while ((letter = getopt(argc, argv, "b:i:o:r:s:")) != -1) {
		switch (letter) {
		case 'b':
			run.brokers = optarg;
			break;
		case 'i':
			run.in = optarg;
			break;
		case 'o':
			run.out = optarg;
			break;
		case 'r':
			run.rate = strtol(optarg, NULL, 10);
			break;
		case 's':
			run.seconds = strtol(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (!run.brokers || !run.in || !run.out || run.rate < 1 || run.seconds < 2)
		die("usage", "latency -b BROKERS -i IN -o OUT -r A_SECOND -s SECONDS");
	run.count = run.rate * run.seconds;
	run.arena = arena_open(1 << 20);
	run.sent = arena_open(1 << 20);
	buffer_open(&run.bytes, 1 << 20);
	run.answered = calloc((size_t)run.count, 1);
	run.producer = client(RD_KAFKA_PRODUCER,
			      (const char *const[][2]){{"bootstrap.servers", run.brokers}, {"linger.ms", "0"}, {NULL, NULL}});
	run.topic = rd_kafka_topic_new(run.producer, run.in, NULL);
	run.consumer = client(RD_KAFKA_CONSUMER, (const char *const[][2]){{"bootstrap.servers", run.brokers},
									  {"group.id", "latency"},
									  {"isolation.level", "read_committed"},
									  {"enable.auto.commit", "false"},
									  {NULL, NULL}});
	read_all(&run);
	measure(&run);
	rd_kafka_consumer_close(run.consumer);
	rd_kafka_destroy(run.consumer);
	rd_kafka_flush(run.producer, 5000);
	rd_kafka_topic_destroy(run.topic);
	rd_kafka_destroy(run.producer);
	free(run.answered);
	buffer_close(&run.bytes);
	arena_close(run.arena);
	arena_close(run.sent);
	return 0;
}
