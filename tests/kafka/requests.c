/* requests.c: puts Avro requests on a topic and holds the answers against them.
 *
 *   requests topics -b BROKERS -i IN -o OUT             creates both
 *   requests send   -b BROKERS -i IN -n N [-r A_SECOND] [-j]
 *       -j: in Open Inference Protocol JSON; -a: the records' times are a ms apart, up to now; -k: without keys
 *       -f: of random numbers, which `check` must be told
 *       SIGTERM: the rest is left out; prints how many were sent
 *   requests follow -b BROKERS -i IN -g GROUP -n N -p PID
 *       waits until the group has committed N; prints the CPU seconds of the process, and how many were committed by then.
 *       N of 0: until it has committed nothing more for 3 s, and what was used by the last
 *   requests pace   -b BROKERS -i IN -g GROUP -n N -p PID
 *       waits for three quarters of them; prints the messages per CPU second behind the
 *       first fifth, which is a process's start. Clients fetch ahead, some 64 MiB: if the
 *       last quarter is more than that, as much was fetched before the first as before the last
 *   requests check  -b BROKERS -o OUT -n N [-x DOUBLES] [-q SECONDS]
 *       reads only what is committed, until N different answers have come, and DOUBLES more, or none comes
 *       for 15 s (-q), and then all there is; prints how many answers were lost, doubled, out of
 *       their key's order, wrong or errors, how many records stand there uncommitted, and
 *       the longest stretch without an answer. If answers are lost it says on standard error where each partition
 *       ends, up to where it is stable, where the reader stood and what errors it met, and with -i IN -g GROUP how many
 *       requests the group has committed: so an open transaction, a reader that reads nothing and an engine that
 *       answers nothing are told apart; -c: an answer has also the tensor `count`,
 *       and is right when that says how many requests of its key there were, or with -l as many or
 *       more; -m PARTS: a request has so many answers, "S/0", "S/1" and so on, each of its part
 *       of the elements; -k: the requests had no keys, and their order is that of their partition
 *   requests strike -b BROKERS -o OUT -p PID
 *       kills process PID while records stand in OUT whose transaction is open, for which it is stopped before: such a
 *       kill is worth more than one at any moment. After -q seconds it kills it all the same. With -h it is held: stopped,
 *       and not killed. Prints whether a transaction was open
 *
 * The topics have 4 partitions, or as many as -w says. The request of number S has the id
 * "S", a key that S decides, one of 997 or of as many as -y says, and a tensor x of FP32[1,16], or of as many
 * elements as -e says, all of it S % 1000; in JSON S % 1000 and a half. Its answer is the sum of 2x + 1;
 * in JSON of 2x, the same number. With -f each element is random, and the sums are of these. Answers are read in either form.
 */
#include <math.h>
#include <signal.h>
#include <string.h>

#include "tests/kafka/load.h"

#define PARTITIONS_USUAL 4
#define FLUSH_MS 180000 /* a broker may be started twice meanwhile, on a busy machine */
#define STILL_S 3 /* a busy machine may pause for a while */
#define COUNT_S 60 /* for all that is in a topic, committed or not */
#define STRETCH_MS 600000 /* of answers whose times are noted */
#define ROUNDING 1e-5 /* of a sum of random numbers in FP32 */
#define QUIET_S 15 /* longer than what a dead engine left open can hold back a reader: a transaction's timeout; or -q */

struct options {
	const char *brokers, *in, *out, *group;
	long count, rate, pid, quiet_s, doubles;
	bool json, counted, least, apart, keyless, held, random;
	long partitions, elements;
	int out_partitions; /* of OUT, as Kafka says it */
	long parts; /* answers of a request */
	long keys;
};

/* ---- topics ---- */

/* What was made is not known to every broker at once. */
static void wait_for_topic(rd_kafka_t *client, const char *name)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
	for (int known = 0, tries = 0; known < 3;) {
		if (tries++ > 300 || rd_kafka_metadata(client, 0, topic, &metadata, 10000))
			die("%s was created and is not shown", name);
		known = metadata->topics[0].err ? 0 : known + 1;
		rd_kafka_metadata_destroy(metadata);
		pause_ms(50);
	}
	rd_kafka_topic_destroy(topic);
}

static int make_topics(const struct options *options)
{
	rd_kafka_t *producer = kafka_client(RD_KAFKA_PRODUCER, options->brokers, (kafka_settings){{NULL, NULL}});
	kafka_create(producer, options->in, (int)options->partitions);
	kafka_create(producer, options->out, (int)options->partitions);
	wait_for_topic(producer, options->in);
	wait_for_topic(producer, options->out);
	rd_kafka_destroy(producer);
	return 0;
}

/* ---- send ---- */

static volatile sig_atomic_t is_stopped;

static void stop(int signal_taken)
{
	(void)signal_taken;
	is_stopped = 1;
}

static int send_requests(const struct options *options)
{
	signal(SIGTERM, stop);
	rd_kafka_t *producer =
		kafka_client(RD_KAFKA_PRODUCER, options->brokers,
			     (kafka_settings){{"enable.idempotence", "true"}, {"linger.ms", "5"}, {NULL, NULL}});
	rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, options->in, NULL);
	struct arena *arena = arena_open(1 << 20);
	struct buffer bytes;
	buffer_open(&bytes, 1 << 20);
	double began = now_s(CLOCK_MONOTONIC);
	int64_t began_ms = (int64_t)(now_s(CLOCK_REALTIME) * 1e3);
	long number = 0;
	for (; number < options->count && !is_stopped; number++) {
		if (options->json)
			load_encode_json(number, options->elements, options->random, &bytes);
		else
			load_encode_x(arena, number, options->elements, options->random, 0, &bytes);
		int64_t time_ms = options->apart ? began_ms - options->count + number : 0; /* 0: when it is produced */
		struct load_key key = {0};
		if (!options->keyless)
			key = load_key(number % options->keys);
		load_produce(producer, topic, key, &bytes, time_ms);
		while (options->rate > 0 && (double)number > (now_s(CLOCK_MONOTONIC) - began) * (double)options->rate)
			pause_ms(2);
	}
	if (rd_kafka_flush(producer, FLUSH_MS))
		die("not all requests arrived");
	if (is_stopped)
		printf("%ld\n", number);
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(producer);
	buffer_close(&bytes);
	arena_close(arena);
	return 0;
}

/* ---- follow ---- */

static long committed(rd_kafka_t *consumer, const struct options *options)
{
	rd_kafka_topic_partition_list_t *list = kafka_list(options->in, (int)options->partitions, RD_KAFKA_OFFSET_INVALID);
	long sum = 0;
	if (rd_kafka_committed(consumer, list, 10000) == RD_KAFKA_RESP_ERR_NO_ERROR)
		for (int i = 0; i < list->cnt; i++)
			sum += list->elems[i].offset > 0 ? (long)list->elems[i].offset : 0;
	rd_kafka_topic_partition_list_destroy(list);
	return sum;
}

/* How many were done by when, in CPU seconds of the process. */
struct mark {
	long done;
	double used;
};

static struct mark follow_to(const struct options *options, long count)
{
	clockid_t clock;
	struct mark mark = {0};
	if (clock_getcpuclockid((pid_t)options->pid, &clock))
		die("there is no process %ld", options->pid);
	rd_kafka_t *consumer =
		kafka_client(RD_KAFKA_CONSUMER, options->brokers, (kafka_settings){{"group.id", options->group}, {NULL, NULL}});
	double began = now_s(CLOCK_MONOTONIC);
	while ((mark.done = committed(consumer, options)) < count) {
		if (now_s(CLOCK_MONOTONIC) - began > 60)
			die("after 60 s only %ld of %ld are committed", mark.done, count);
		pause_ms(20);
	}
	mark.used = now_s(clock);
	if (mark.used < 0)
		die("process %ld ended", options->pid);
	rd_kafka_destroy(consumer);
	return mark;
}

/* Until nothing more is committed for some seconds: what was used when the last was. */
static struct mark follow_to_end(const struct options *options)
{
	struct mark last = follow_to(options, 1);
	double since = now_s(CLOCK_MONOTONIC);
	for (bool over = false; !over;) {
		pause_ms(100);
		over = now_s(CLOCK_MONOTONIC) - since > STILL_S;
		const struct mark mark = follow_to(options, 1);
		if (mark.done == last.done)
			continue;
		last = mark;
		since = now_s(CLOCK_MONOTONIC);
		over = false;
	}
	return last;
}

static int follow(const struct options *options)
{
	const struct mark mark = options->count == 0 ? follow_to_end(options) : follow_to(options, options->count);
	printf("%.3f %ld\n", mark.used, mark.done);
	return 0;
}

static int pace(const struct options *options)
{
	struct mark first = follow_to(options, options->count / 5), last = follow_to(options, options->count / 4 * 3);
	if (last.done == first.done)
		die("%ld were committed at once; send more", last.done);
	printf("%.0f\n", (double)(last.done - first.done) / (last.used - first.used));
	return 0;
}

/* ---- strike ---- */

/* What was written first is asked first: what is committed between the two is not taken for open. */
static bool is_open(rd_kafka_t *all, rd_kafka_t *committed_only, const struct options *options)
{
	for (int32_t partition = 0; partition < options->partitions; partition++) {
		int64_t low, written, stable;
		if (!rd_kafka_query_watermark_offsets(all, options->out, partition, &low, &written, 10000) &&
		    !rd_kafka_query_watermark_offsets(committed_only, options->out, partition, &low, &stable, 10000) &&
		    stable < written)
			return true;
	}
	return false;
}

static rd_kafka_t *asker(const struct options *options, const char *isolation)
{
	return kafka_client(RD_KAFKA_CONSUMER, options->brokers, (kafka_settings){{"isolation.level", isolation}, {NULL, NULL}});
}

static void signal_send(const struct options *options, int signal)
{
	if (kill((pid_t)options->pid, signal))
		die("there is no process %ld", options->pid);
}

#define ENDING_MS 50 /* in which a broker ends the transaction whose end the process had sent before it was stopped */

/* Stops the process while a transaction is open, and stays so. False: it runs, and none was. */
static bool is_caught(rd_kafka_t *all, rd_kafka_t *committed_only, const struct options *options)
{
	if (!is_open(all, committed_only, options))
		return false;
	signal_send(options, SIGSTOP);
	pause_ms(ENDING_MS);
	const bool caught = is_open(all, committed_only, options);
	if (!caught)
		signal_send(options, SIGCONT);
	return caught;
}

static int strike(const struct options *options)
{
	rd_kafka_t *all = asker(options, "read_uncommitted"), *committed_only = asker(options, "read_committed");
	double began = now_s(CLOCK_MONOTONIC);
	bool found;
	while (!(found = is_caught(all, committed_only, options)) && now_s(CLOCK_MONOTONIC) - began < (double)options->quiet_s)
		pause_ms(1);
	signal_send(options, options->held ? SIGSTOP : SIGKILL);
	printf("%d\n", found);
	rd_kafka_destroy(all);
	rd_kafka_destroy(committed_only);
	return 0;
}

/* ---- check ---- */

struct tally {
	unsigned char *seen; /* how often, by number */
	long last_of_key[LOAD_KEYS]; /* or of the partition */
	long different, doubled, disordered, wrong, failed;
	int64_t first_ms;		   /* when the first answer was written */
	unsigned char written[STRETCH_MS]; /* whether one was, in each millisecond behind it */
};

/* How many requests of its key there were up to this one; at least once one may count twice, but none may be left out. */
static bool is_counted(const struct options *options, const struct avro_answer *answer, long number)
{
	const struct tensor *count = tensors_find(answer->payload.tensors, TEXT("count"));
	const long turn = number / options->keys;
	const double place = (double)turn + 1;
	if (!count || count->count != 1)
		return false;
	return options->least ? tensor_number(count, 0) >= place : tensor_number(count, 0) == place;
}

/* In JSON of 2x, whose numbers are what they are here; in Avro of 2x + 1. */
static bool is_sum_of_random(const struct options *options, double sum, long number)
{
	double expected = 0;
	for (long i = 0; i < options->elements; i++)
		expected += 2 * (double)load_random(number, i) + !options->json;
	return fabs(sum - expected) <= ROUNDING * expected;
}

static bool is_right(const struct options *options, const struct avro_answer *answer, long number)
{
	const struct tensor *sum = tensors_find(answer->payload.tensors, TEXT("sum"));
	if (options->counted && !is_counted(options, answer, number))
		return false;
	if (!sum || sum->count != 1)
		return false;
	return options->random ? is_sum_of_random(options, tensor_number(sum, 0), number)
			       : tensor_number(sum, 0) == (double)(options->elements * (2 * (number % 1000) + 1));
}

static void note_time(struct tally *tally, const rd_kafka_message_t *message)
{
	rd_kafka_timestamp_type_t type;
	int64_t time_ms = rd_kafka_message_timestamp(message, &type);
	if (tally->different == 0)
		tally->first_ms = time_ms;
	int64_t at = time_ms - tally->first_ms;
	if (at >= 0 && at < STRETCH_MS)
		tally->written[at] = 1;
}

static long longest_silence_ms(const struct tally *tally)
{
	long longest = 0, last = 0;
	for (long at = 0; at < STRETCH_MS; at++) {
		if (!tally->written[at])
			continue;
		longest = at - last > longest ? at - last : longest;
		last = at;
	}
	return longest;
}

static void check_one(const struct options *options, const rd_kafka_message_t *message, struct arena *arena, struct tally *tally)
{
	struct avro_answer answer = load_answer(arena, message);
	long number = load_number(arena, answer.id, options->parts, options->count);
	long key = options->keyless ? message->partition : number / options->parts % options->keys;
	if (tally->seen[number]) {
		tally->doubled++;
		return;
	}
	note_time(tally, message);
	tally->seen[number] = 1;
	tally->different++;
	tally->failed += answer.failed;
	tally->wrong += !answer.failed && !is_right(options, &answer, number / options->parts);
	if (number < tally->last_of_key[key])
		tally->disordered++;
	tally->last_of_key[key] = number;
}

/* ---- what the reader met ---- */

#define ERRORS_MOST 8 /* of different codes */

/* Errors that a reader met, by their codes: it goes on, but who looks for what is lost must know them. */
struct errors {
	size_t count;
	struct {
		rd_kafka_resp_err_t code;
		int32_t partition;
		long times;
		double at_s; /* the last, behind the reader's begin */
	} items[ERRORS_MOST];
};

static void errors_note(struct errors *errors, const rd_kafka_message_t *message, double at_s)
{
	size_t i = 0;
	while (i < errors->count && errors->items[i].code != message->err)
		i++;
	if (i == ERRORS_MOST)
		return;
	errors->items[i].code = message->err;
	errors->items[i].partition = message->partition;
	errors->items[i].times++;
	errors->items[i].at_s = at_s;
	errors->count += i == errors->count;
}

static void errors_print(const struct errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		(void)fprintf(stderr, "the reader met %ld times, of partition %d, last after %.1f s: %s\n", errors->items[i].times,
			      errors->items[i].partition, errors->items[i].at_s, rd_kafka_err2str(errors->items[i].code));
}

/* Where the reader stands in each partition, which is assigned to it. */
static void positions_print(rd_kafka_t *consumer, const struct options *options)
{
	rd_kafka_t *all = asker(options, "read_uncommitted"), *committed_only = asker(options, "read_committed");
	rd_kafka_topic_partition_list_t *list = kafka_list(options->out, options->out_partitions, RD_KAFKA_OFFSET_INVALID);
	(void)rd_kafka_position(consumer, list);
	for (int i = 0; i < list->cnt; i++) {
		int64_t low = -1, written = -1, stable = -1;
		rd_kafka_resp_err_t code =
			rd_kafka_query_watermark_offsets(committed_only, options->out, i, &low, &stable, KAFKA_PATIENCE_MS);
		if (!code)
			code = rd_kafka_query_watermark_offsets(all, options->out, i, &low, &written, KAFKA_PATIENCE_MS);
		(void)fprintf(stderr, "%s-%d: begins at %ld, ends at %ld, is stable up to %ld, was read up to %ld%s%s\n",
			      options->out, i, (long)low, (long)written, (long)stable, (long)list->elems[i].offset,
			      code ? ": " : "", code ? rd_kafka_err2str(code) : "");
	}
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(all);
	rd_kafka_destroy(committed_only);
	if (options->group && options->in) {
		rd_kafka_t *member = kafka_client(RD_KAFKA_CONSUMER, options->brokers,
						  (kafka_settings){{"group.id", options->group}, {NULL, NULL}});
		(void)fprintf(stderr, "group %s has committed %ld requests\n", options->group, committed(member, options));
		rd_kafka_destroy(member);
	}
}

/* Whether all answers are there that are expected, those of requests that were sent several times among them. */
static bool all_came(const struct options *options, const struct tally *tally)
{
	return tally->different == options->count && tally->doubled >= options->doubles;
}

static void check_committed(const struct options *options, struct tally *tally)
{
	rd_kafka_t *consumer = kafka_reader(options->brokers, "read_committed");
	struct arena *arena = arena_open(1 << 20);
	struct errors errors = {0};
	double began = now_s(CLOCK_MONOTONIC), quiet_since = began;
	kafka_read_all(consumer, options->out, options->out_partitions);
	/* When all are there, a last second shows those that come twice. */
	while (now_s(CLOCK_MONOTONIC) - quiet_since < (all_came(options, tally) ? 1 : (double)options->quiet_s)) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
		if (!message)
			continue;
		if (!message->err) {
			check_one(options, message, arena, tally);
			quiet_since = now_s(CLOCK_MONOTONIC);
		} else {
			errors_note(&errors, message, now_s(CLOCK_MONOTONIC) - began);
		}
		rd_kafka_message_destroy(message);
	}
	arena_close(arena);
	if (tally->different < options->count) {
		errors_print(&errors);
		positions_print(consumer, options);
	}
	kafka_reader_close(consumer);
}

/* Up to the end of each partition, as Kafka says it: a reader to which nothing comes within some time has not read that
 * nothing is there. */
static long count_all(const struct options *options)
{
	rd_kafka_t *consumer = kafka_client(RD_KAFKA_CONSUMER, options->brokers,
					    (kafka_settings){{"group.id", program_invocation_short_name},
							     {"isolation.level", "read_uncommitted"},
							     {"enable.auto.commit", "false"},
							     {"enable.partition.eof", "true"},
							     {NULL, NULL}});
	double began = now_s(CLOCK_MONOTONIC);
	long count = 0;
	int ends = 0;
	bool *ended = calloc((size_t)options->out_partitions, sizeof *ended);
	if (!ended)
		die("out of memory");
	rd_kafka_poll_set_consumer(consumer);
	kafka_read_all(consumer, options->out, options->out_partitions);
	while (ends < options->out_partitions) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
		if (now_s(CLOCK_MONOTONIC) - began > COUNT_S)
			die("%s: after %d s only %d of %d partitions were read to their end", options->out, COUNT_S, ends,
			    options->out_partitions);
		if (!message)
			continue;
		count += message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
		if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && !ended[message->partition]) {
			ended[message->partition] = true;
			ends++;
		}
		rd_kafka_message_destroy(message);
	}
	kafka_reader_close(consumer);
	free(ended);
	return count;
}

static int out_partitions(const struct options *options)
{
	rd_kafka_t *client = asker(options, "read_uncommitted");
	const int count = kafka_partitions(client, options->out);
	rd_kafka_destroy(client);
	if (count == 0)
		die("%s: there is no such topic", options->out);
	return count;
}

static int check(const struct options *options)
{
	struct tally *tally = calloc(1, sizeof *tally);
	struct options all = *options;
	all.count *= options->parts;
	all.out_partitions = out_partitions(options);
	options = &all;
	if (!tally || !(tally->seen = calloc((size_t)options->count, 1)))
		die("out of memory");
	check_committed(options, tally);
	long uncommitted = count_all(options) - tally->different - tally->doubled;
	printf("lost=%ld doubled=%ld disordered=%ld wrong=%ld failed=%ld uncommitted=%ld silence_ms=%ld\n",
	       options->count - tally->different, tally->doubled, tally->disordered, tally->wrong, tally->failed, uncommitted,
	       longest_silence_ms(tally));
	free(tally->seen);
	free(tally);
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = {
		.partitions = PARTITIONS_USUAL, .elements = LOAD_ELEMENTS, .quiet_s = QUIET_S, .parts = 1, .keys = LOAD_KEYS};
	const char *mode = argc > 1 ? argv[1] : "";
	const struct letter letters[] = {{'b', .word = &options.brokers},
					 {'i', .word = &options.in},
					 {'o', .word = &options.out},
					 {'g', .word = &options.group},
					 {'n', .number = &options.count},
					 {'r', .number = &options.rate},
					 {'q', .number = &options.quiet_s},
					 {'x', .number = &options.doubles},
					 {'p', .number = &options.pid},
					 {'w', .number = &options.partitions},
					 {'e', .number = &options.elements},
					 {'m', .number = &options.parts},
					 {'y', .number = &options.keys},
					 {'j', .flag = &options.json},
					 {'a', .flag = &options.apart},
					 {'c', .flag = &options.counted},
					 {'l', .flag = &options.least},
					 {'k', .flag = &options.keyless},
					 {'h', .flag = &options.held},
					 {'f', .flag = &options.random},
					 {0}};
	letters_read(argc - 1, argv + 1, letters);
	load_keys_check(options.keys);
	static const struct {
		const char *name;
		int (*run)(const struct options *options);
	} modes[] = {{"topics", make_topics}, {"send", send_requests}, {"follow", follow},
		     {"pace", pace},	      {"check", check},		{"strike", strike}};
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		if (strcmp(mode, modes[i].name) == 0)
			return modes[i].run(&options);
	die("which of topics, send, follow, pace, check, strike? see the top of requests.c");
}
