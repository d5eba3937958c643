/* pressure.c: requests at one rate after the other, and how many of them were of use.
 *
 *   pressure -b BROKERS -i IN -o OUT [-d DEADLINE_MS] [-p PID] RATE:SECONDS...
 *
 * Requests are Avro FP32[1,16] with ids 0, 1, 2..., sent when they are due, whether answers
 * come or not. Each says until when its caller waits, DEADLINE_MS from when it was due; 0:
 * nobody does. It begins when a first one has been answered. Prints a line for each stretch:
 *   good      answers a second that came in the stretch, in time and without an error
 *   late, refused, lost     requests of the stretch whose answer came too late, was an error,
 *             or did not come
 *   p50, p99, most    milliseconds that the good ones of the stretch took
 *   recovered_ms    how far into the stretch requests were sent of which not nearly all were
 *             good: looked at in quarters of a second
 *   behind_ms the most that a request was sent after it was due
 *   taken_ms  the most that Kafka needed then to take it: where one of the two is more than a few
 *             hundred, it was not the engine that could not keep up
 *   cpu       of the process PID, % of one processor
 *   us_each   and microseconds of it for each that was good
 */
#include <pthread.h>
#include <stdatomic.h>

#include "observe/histogram.h"
#include "tests/kafka/load.h"

#define STRETCHES_MOST 16
#define LAST_WAIT_S 2 /* for answers, behind the last deadline */
#define LOOKS_A_SECOND 4
/* What is due meanwhile goes together, to Kafka and from it: waiting for each alone took a processor
 * from who is measured, and Kafka's own time. */
#define PAUSE_MS 10
#define TOGETHER_MS "10"
#define TOGETHER_BYTES "65536"
#define NEARLY_ALL 0.95

enum fate { LOST, GOOD, LATE, REFUSED, FATES };

struct stretch {
	long rate, seconds, first, count;
	double began_s; /* since the first of all */
	double worked_s; /* by PID until it began */
	double behind_s, taken_s;
	long fates[FATES];
	long good_then; /* that came while it lasted */
	struct histogram us;
	double most_s; /* exactly: a quantile is so to an eighth */
};

static struct run {
	const char *brokers, *in, *out;
	long deadline_ms, count, pid;
	struct stretch stretches[STRETCHES_MOST + 1]; /* of the one behind the last, only what stood then */
	size_t stretch_count;
	double began_s;
	/* Of the thread that sends: */
	rd_kafka_t *producer;
	rd_kafka_topic_t *topic;
	struct stretch *now;
	struct arena *sent;
	struct buffer bytes;
	/* Of the thread that reads: */
	rd_kafka_t *consumer;
	struct arena *arena;
	atomic_bool over;
	unsigned char *fates; /* by number */
} run;

static struct stretch *stretch_of(long number)
{
	struct stretch *stretch = run.stretches;
	while (number >= stretch->first + stretch->count)
		stretch++;
	return stretch;
}

static double due_s(long number)
{
	const struct stretch *stretch = stretch_of(number);
	return run.began_s + stretch->began_s + (double)(number - stretch->first) / (double)stretch->rate;
}

/* ---- sending ---- */

static void on_taken(rd_kafka_t *producer, const rd_kafka_message_t *record, void *context)
{
	(void)producer, (void)context;
	double taken_s = (double)rd_kafka_message_latency(record) / 1e6;
	if (run.now && taken_s > run.now->taken_s)
		run.now->taken_s = taken_s;
}

static void send_one(long number, int64_t deadline_ms)
{
	load_encode_x(run.sent, number, LOAD_ELEMENTS, false, deadline_ms, &run.bytes);
	load_produce(run.producer, run.topic, load_key(number % LOAD_KEYS), &run.bytes, 0);
}

/* How long PID has worked. */
static double worked_s(void)
{
	clockid_t clock;
	if (run.pid == 0)
		return 0;
	if (clock_getcpuclockid((pid_t)run.pid, &clock))
		die("no process %ld", run.pid);
	return now_s(clock);
}

static void send_all(void)
{
	/* Deadlines are of the clock on the wall, as of when a request was due. */
	double wall_s = now_s(CLOCK_REALTIME) - now_s(CLOCK_MONOTONIC);
	for (long number = 0; number < run.count; number++) {
		struct stretch *stretch = stretch_of(number);
		double at_s = due_s(number), behind_s;
		while ((behind_s = now_s(CLOCK_MONOTONIC) - at_s) < 0)
			pause_ms(PAUSE_MS);
		if (number == stretch->first)
			stretch->worked_s = worked_s();
		run.now = stretch;
		if (behind_s > stretch->behind_s)
			stretch->behind_s = behind_s;
		send_one(number, run.deadline_ms ? (int64_t)((at_s + wall_s) * 1e3) + run.deadline_ms : 0);
	}
	run.stretches[run.stretch_count].worked_s = worked_s();
	rd_kafka_flush(run.producer, 10000);
}

/* ---- reading ---- */

static void count_then(double at_s)
{
	for (size_t i = 0; i < run.stretch_count; i++) {
		struct stretch *stretch = &run.stretches[i];
		double since_s = at_s - run.began_s - stretch->began_s;
		stretch->good_then += since_s >= 0 && since_s < (double)stretch->seconds;
	}
}

static void take_answer(const rd_kafka_message_t *record)
{
	struct avro_answer answer = load_answer(run.arena, record);
	long number = load_number(run.arena, answer.id, 1, run.count);
	if (run.fates[number] != LOST || run.began_s == 0)
		return;
	double at_s = now_s(CLOCK_MONOTONIC), took_s = at_s - due_s(number);
	bool late = run.deadline_ms > 0 && took_s * 1e3 > (double)run.deadline_ms;
	run.fates[number] = answer.failed ? REFUSED : late ? LATE : GOOD;
	if (run.fates[number] != GOOD)
		return;
	count_then(at_s);
	struct stretch *stretch = stretch_of(number);
	histogram_record(&stretch->us, took_s > 0 ? (uint64_t)(took_s * 1e6) : 0);
	stretch->most_s = took_s > stretch->most_s ? took_s : stretch->most_s;
}

static bool take(int wait_ms)
{
	rd_kafka_message_t *record = rd_kafka_consumer_poll(run.consumer, wait_ms);
	bool answer = record && !record->err;
	if (answer)
		take_answer(record);
	if (record)
		rd_kafka_message_destroy(record);
	return answer;
}

static void *read_answers(void *context)
{
	(void)context;
	while (!run.over)
		(void)take(50);
	return NULL;
}

/* An engine that has just been started has its partitions once it answers; the answers to
 * these first ones are not counted. */
static void wait_for_engine(void)
{
	for (int tries = 0; tries < 300; tries++) {
		if (tries % 10 == 0)
			send_one(0, 0);
		if (take(100)) {
			while (take(1000))
				;
			rd_kafka_flush(run.producer, 10000);
			return;
		}
	}
	die("the engine answers nothing");
}

/* ---- what came of it ---- */

static long recovered_ms(const struct stretch *stretch)
{
	long at_once = stretch->rate / LOOKS_A_SECOND, until = 0;
	for (long from = 0; at_once > 0 && from + at_once <= stretch->count; from += at_once) {
		long good = 0;
		for (long i = 0; i < at_once; i++)
			good += run.fates[stretch->first + from + i] == GOOD;
		if ((double)good < NEARLY_ALL * (double)at_once)
			until = from + at_once;
	}
	return until * 1000 / stretch->rate;
}

static void tell(struct stretch *stretch)
{
	double worked_s = stretch[1].worked_s - stretch->worked_s;
	for (long i = 0; i < stretch->count; i++)
		stretch->fates[run.fates[stretch->first + i]]++;
	printf("rate=%ld good=%ld late=%ld refused=%ld lost=%ld p50=%.1f p99=%.1f most=%.0f recovered_ms=%ld ", stretch->rate,
	       stretch->good_then / stretch->seconds, stretch->fates[LATE], stretch->fates[REFUSED], stretch->fates[LOST],
	       (double)histogram_quantile(&stretch->us, 0.5) / 1e3, (double)histogram_quantile(&stretch->us, 0.99) / 1e3,
	       stretch->most_s * 1e3, recovered_ms(stretch));
	printf("behind_ms=%.0f taken_ms=%.0f cpu=%.0f us_each=%.0f\n", stretch->behind_s * 1e3, stretch->taken_s * 1e3,
	       worked_s * 100 / (double)stretch->seconds,
	       stretch->good_then > 0 ? worked_s * 1e6 / (double)stretch->good_then : 0);
}

/* ---- the whole ---- */

static void add_stretch(const char *words)
{
	char *end;
	struct stretch *stretch = &run.stretches[run.stretch_count];
	const struct stretch *last = run.stretch_count ? stretch - 1 : NULL;
	if (run.stretch_count++ == STRETCHES_MOST)
		die("too many stretches");
	stretch->rate = strtol(words, &end, 10);
	stretch->seconds = *end == ':' ? strtol(end + 1, &end, 10) : 0;
	if (*end || stretch->rate < 1 || stretch->seconds < 1)
		die("a stretch is RATE:SECONDS");
	stretch->first = run.count;
	stretch->began_s = last ? last->began_s + (double)last->seconds : 0;
	stretch->count = stretch->rate * stretch->seconds;
	run.count += stretch->count;
}

static void open_clients(void)
{
	rd_kafka_conf_t *producer = kafka_configure(run.brokers, (kafka_settings){{"queue.buffering.max.messages", "1000000"},
										  {"max.in.flight", "5"},
										  {"linger.ms", TOGETHER_MS},
										  {NULL, NULL}});
	rd_kafka_conf_set_dr_msg_cb(producer, on_taken);
	run.producer = kafka_open(RD_KAFKA_PRODUCER, producer);
	run.topic = rd_kafka_topic_new(run.producer, run.in, NULL);
	run.consumer = kafka_client(RD_KAFKA_CONSUMER, run.brokers,
				    (kafka_settings){{"group.id", program_invocation_short_name},
						     {"enable.auto.commit", "false"},
						     {"isolation.level", "read_committed"},
						     {"fetch.wait.max.ms", TOGETHER_MS},
						     {"fetch.min.bytes", TOGETHER_BYTES},
						     {NULL, NULL}});
	rd_kafka_poll_set_consumer(run.consumer);
	kafka_read_all(run.consumer, run.out, kafka_partitions(run.consumer, run.out));
}

static void close_clients(void)
{
	kafka_reader_close(run.consumer);
	rd_kafka_topic_destroy(run.topic);
	rd_kafka_destroy(run.producer);
}

static void measure(void)
{
	pthread_t reader;
	wait_for_engine();
	run.began_s = now_s(CLOCK_MONOTONIC) + 0.5;
	if (pthread_create(&reader, NULL, read_answers, NULL))
		die("no thread can be started");
	send_all();
	sleep((unsigned)(run.deadline_ms / 1000 + LAST_WAIT_S));
	run.over = true;
	pthread_join(reader, NULL);
	for (size_t i = 0; i < run.stretch_count; i++)
		tell(&run.stretches[i]);
}

int main(int argc, char **argv)
{
	const struct letter letters[] = {{'b', .word = &run.brokers},
					 {'i', .word = &run.in},
					 {'o', .word = &run.out},
					 {'d', .number = &run.deadline_ms},
					 {'p', .number = &run.pid},
					 {0}};
	letters_read(argc, argv, letters);
	while (optind < argc)
		add_stretch(argv[optind++]);
	if (!run.brokers || !run.in || !run.out || run.count == 0)
		die("%s", "pressure -b BROKERS -i IN -o OUT [-d DEADLINE_MS] [-p PID] RATE:SECONDS...");
	run.arena = arena_open(1 << 20);
	run.sent = arena_open(1 << 20);
	buffer_open(&run.bytes, 1 << 20);
	run.fates = calloc((size_t)run.count, 1);
	if (!run.arena || !run.sent || !run.fates)
		die("out of memory");
	open_clients();
	measure();
	close_clients();
	free(run.fates);
	buffer_close(&run.bytes);
	arena_close(run.arena);
	arena_close(run.sent);
	return 0;
}
