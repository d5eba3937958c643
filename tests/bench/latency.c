/* latency.c: Latency of a request through an engine, from being produced to its answer
 * being read.
 *
 *   latency -b BROKERS -i IN -o OUT -r A_SECOND -s SECONDS [-u SECONDS] [-w SECONDS] [-y KEYS] [-j]
 *
 * Requests are Avro FP32[1,16] (-j: JSON) of random numbers with ids 0, 1, 2..., sent when they are due, whether
 * answers come or not, and timed from when they were due: a stall is not hidden. It begins
 * when a first one has been answered, and the first second (-u: or as many) is not counted. Prints p50, p95,
 * p99 and the longest, in milliseconds, how many had no answer a second (-w: or as many) after the
 * last was sent, and how many requests of number 0 were sent before it began.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "observe/histogram.h"
#include "tests/kafka/load.h"

#define LAST_WAIT_S 5

struct run {
	const char *brokers, *in, *out;
	long rate, seconds, uncounted, wait_s, keys, count;
	bool json;
	double began_s;
	long early; /* sent before it began */
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
	_Atomic long answers;
	struct histogram us;
	uint64_t longest_us;
};

static double due_s(const struct run *run, long number)
{
	return run->began_s + (double)number / (double)run->rate;
}

static void send_one(struct run *run, long number)
{
	if (run->json)
		load_encode_json(number, LOAD_ELEMENTS, true, &run->bytes);
	else
		load_encode_x(run->sent, number, LOAD_ELEMENTS, true, 0, &run->bytes);
	load_produce(run->producer, run->topic, load_key(number % run->keys), &run->bytes, 0);
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
	if (run->json && oip_json_decode_request(&request, bytes, 0, &(struct error){0}))
		id = request.payload_id;
	else if (run->json)
		id = load_answer(run->arena, message).id;
	else if (avro_answer_decode(bytes, NULL, run->arena, &answer, &error))
		id = answer.failed ? TEXT("") : answer.id;
	else if (format_avro.decode(&request, bytes, NULL, &(struct error){0}))
		id = request.payload_id;
	else
		die("an answer cannot be read: %s", error.text);
	return load_number(run->arena, id, 1, run->count);
}

static void take(struct run *run, int wait_ms)
{
	rd_kafka_message_t *message = rd_kafka_consumer_poll(run->consumer, wait_ms);
	if (!message)
		return;
	if (!message->err) {
		long number = number_of(run, message);
		double took_s = now_s(CLOCK_MONOTONIC) - due_s(run, number);
		uint64_t us = took_s > 0 ? (uint64_t)(took_s * 1e6) : 0;
		run->answers += !run->answered[number];
		if (!run->answered[number] && number >= run->rate * run->uncounted) {
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
		pause_ms(100);
	}
	die("%s: no offsets", run->out);
}

static void read_from_end(struct run *run)
{
	int partitions = kafka_partitions(run->consumer, run->out);
	rd_kafka_topic_partition_list_t *list = kafka_list(run->out, partitions, RD_KAFKA_OFFSET_INVALID);
	for (int i = 0; i < partitions; i++)
		list->elems[i].offset = end_of(run, i);
	rd_kafka_assign(run->consumer, list);
	rd_kafka_topic_partition_list_destroy(list);
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
		if (tries % 10 == 0) {
			send_one(run, 0);
			run->early++;
		}
		if ((message = rd_kafka_consumer_poll(run->consumer, 100))) {
			rd_kafka_message_destroy(message);
			sleep(1); /* the others' answers count as those of number 0, which is not counted */
			return;
		}
	}
	die("the engine answers nothing");
}

static void measure(struct run *run)
{
	pthread_t reader;
	wait_for_engine(run);
	run->began_s = now_s(CLOCK_MONOTONIC) + 0.5;
	if (pthread_create(&reader, NULL, read_answers, run))
		die("no thread can be started");
	for (long number = 0; number < run->count; number++) {
		double left_s;
		while ((left_s = due_s(run, number) - now_s(CLOCK_MONOTONIC)) > 0)
			rd_kafka_poll(run->producer, left_s > 0.002 ? 1 : 0);
		send_one(run, number);
	}
	rd_kafka_flush(run->producer, LAST_WAIT_S * 1000);
	for (double end_s = now_s(CLOCK_MONOTONIC) + (double)run->wait_s;
	     run->answers < run->count && now_s(CLOCK_MONOTONIC) < end_s;)
		pause_ms(20);
	run->over = true;
	pthread_join(reader, NULL);
	printf("p50=%.2f p95=%.2f p99=%.2f longest=%.2f lost=%ld early=%ld\n", (double)histogram_quantile(&run->us, 0.5) / 1e3,
	       (double)histogram_quantile(&run->us, 0.95) / 1e3, (double)histogram_quantile(&run->us, 0.99) / 1e3,
	       (double)run->longest_us / 1e3, run->count - run->answers, run->early);
}

int main(int argc, char **argv)
{
	struct run run = {.rate = 1000, .seconds = 6, .uncounted = 1, .wait_s = 1, .keys = LOAD_KEYS};
	const struct letter letters[] = {{'b', .word = &run.brokers},
					 {'i', .word = &run.in},
					 {'o', .word = &run.out},
					 {'r', .number = &run.rate},
					 {'s', .number = &run.seconds},
					 {'u', .number = &run.uncounted},
					 {'w', .number = &run.wait_s},
					 {'y', .number = &run.keys},
					 {'j', .flag = &run.json},
					 {0}};
	letters_read(argc, argv, letters);
	load_keys_check(run.keys);
	if (!run.brokers || !run.in || !run.out || run.rate < 1 || run.uncounted < 1 || run.seconds <= run.uncounted)
		die("%s", "latency -b BROKERS -i IN -o OUT -r A_SECOND -s SECONDS [-u SECONDS] [-w SECONDS] [-y KEYS] [-j]");
	run.count = run.rate * run.seconds;
	run.arena = arena_open(1 << 20);
	run.sent = arena_open(1 << 20);
	buffer_open(&run.bytes, 1 << 20);
	run.answered = calloc((size_t)run.count, 1);
	run.producer = kafka_client(RD_KAFKA_PRODUCER, run.brokers, (kafka_settings){{"linger.ms", "0"}, {NULL, NULL}});
	run.topic = rd_kafka_topic_new(run.producer, run.in, NULL);
	run.consumer = kafka_reader(run.brokers, "read_committed");
	read_from_end(&run);
	measure(&run);
	kafka_reader_close(run.consumer);
	rd_kafka_flush(run.producer, 5000);
	rd_kafka_topic_destroy(run.topic);
	rd_kafka_destroy(run.producer);
	free(run.answered);
	buffer_close(&run.bytes);
	arena_close(run.arena);
	arena_close(run.sent);
	return 0;
}
