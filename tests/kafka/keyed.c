/* keyed.c: puts numbers of many keys on a topic and holds features of them against what
 * looking through all of them gives.
 *
 *   keyed send  -b BROKERS -i IN -n N -r A_SECOND -t MS    MS: the time of the first
 *   keyed check -b BROKERS -o OUT -n N -t MS [-g]
 *       reads only what is committed, until N different answers have come or none comes
 *       for 15 s, and then for a second more; prints how many answers were lost, doubled,
 *       errors, out of line and wrong; -g: the features are those of the group, not of the
 *       record's key
 *
 * The request of number S has the id "S", a record's key and a group that S decides, and
 * as tensors its number, the group, and x: noise upon a large offset, nan now and then. Its
 * time is S ms behind the first, or up to 3 s late.
 *
 * In which order the requests of a group came together is not known. But `before`, the
 * number of the one before, makes a line of all answers of a key: where one was taken in
 * twice or not at all, or what was kept was lost, the line forks or ends. Along it all
 * features are computed anew, from all that stood before.
 */
#include <math.h>
#include <string.h>

#include "base/number/random.h"
#include "tests/kafka/load.h"

#define PARTITIONS 4
#define KEYS 61
#define GROUPS 17
#define QUIET_S 15
#define FEATURES 8

struct options {
	const char *brokers, *in, *out;
	long count, rate, first_ms;
	bool by_group;
};

/* ---- what is sent ---- */

static uint64_t drawn(long number, uint64_t salt)
{
	struct random random = {(uint64_t)number * 3 + salt};
	return random_next(&random);
}

static double x_of(long number)
{
	if (drawn(number, 0) % 50 == 0)
		return NAN;
	return 1e6 + (double)(drawn(number, 1) % 1000) / 8;
}

static long time_of(const struct options *options, long number)
{
	uint64_t draw = drawn(number, 2);
	return options->first_ms + number - (draw % 8 == 0 ? (long)(draw / 8 % 3000) : 0);
}

static long key_of(const struct options *options, long number)
{
	return options->by_group ? number % GROUPS : number * 31 % KEYS;
}

static void encode(struct arena *arena, long number, struct buffer *out)
{
	static const int64_t shape[] = {1};
	struct error error = {0};
	arena_reset(arena);
	char *group = arena_print(arena, "group-%ld", number % GROUPS);
	void *numbers, *groups, *values;
	struct tensor *tensors[] = {tensor_make(arena, TEXT("number"), DATATYPE_FP64, shape, 1, &numbers, &error),
				    tensor_make(arena, TEXT("group"), DATATYPE_BYTES, shape, 1, &groups, &error),
				    tensor_make(arena, TEXT("x"), DATATYPE_FP64, shape, 1, &values, &error)};
	if (arena_failed(arena))
		die("out of memory");
	*(double *)numbers = (double)number;
	*(struct text *)groups = text_of(group);
	*(double *)values = x_of(number);
	load_encode(arena, number, (struct tensors){3, (const struct tensor *const *)tensors}, 0, out);
}

static int send_requests(const struct options *options)
{
	rd_kafka_t *producer =
		kafka_client(RD_KAFKA_PRODUCER, options->brokers,
			     (kafka_settings){{"enable.idempotence", "true"}, {"linger.ms", "5"}, {NULL, NULL}});
	rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, options->in, NULL);
	struct arena *arena = arena_open(1 << 20);
	struct buffer bytes;
	buffer_open(&bytes, 1 << 20);
	double began = now_s(CLOCK_MONOTONIC);
	for (long number = 0; number < options->count; number++) {
		encode(arena, number, &bytes);
		load_produce(producer, topic, load_key(number * 31 % KEYS), &bytes, time_of(options, number));
		while (options->rate > 0 && (double)number > (now_s(CLOCK_MONOTONIC) - began) * (double)options->rate)
			pause_ms(2);
	}
	if (rd_kafka_flush(producer, 60000))
		die("not all requests arrived");
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(producer);
	buffer_close(&bytes);
	arena_close(arena);
	return 0;
}

/* ---- what has come ---- */

static const char *const names[FEATURES] = {"before", "mean", "deviation", "middle", "least", "smooth", "n", "distance"};

struct found {
	bool came, failed;
	double features[FEATURES];
};

struct findings {
	struct found *answers; /* by number */
	long different, doubled, failed;
};

static void note(const struct options *options, const rd_kafka_message_t *message, struct arena *arena, struct findings *findings)
{
	struct avro_answer answer = load_answer(arena, message);
	long number = load_number(arena, answer.id, 1, options->count);
	struct found *one = &findings->answers[number];
	if (one->came) {
		findings->doubled++;
		return;
	}
	*one = (struct found){.came = true, .failed = answer.failed};
	findings->different++;
	findings->failed += answer.failed;
	for (size_t i = 0; i < FEATURES && !answer.failed; i++) {
		const struct tensor *tensor = tensors_find(answer.payload.tensors, text_of(names[i]));
		if (!tensor || tensor->count != 1)
			die("the answer to %ld has no `%s`", number, names[i]);
		one->features[i] = tensor_number(tensor, 0);
	}
}

static void read_answers(const struct options *options, struct findings *findings)
{
	rd_kafka_t *consumer = kafka_reader(options->brokers, "read_committed");
	kafka_read_all(consumer, options->out, PARTITIONS);
	struct arena *arena = arena_open(1 << 20);
	/* When all are there, a last second shows those that come twice. */
	double quiet_since = now_s(CLOCK_MONOTONIC);
	while (now_s(CLOCK_MONOTONIC) - quiet_since < (findings->different == options->count ? 1 : QUIET_S)) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
		if (!message)
			continue;
		if (!message->err) {
			note(options, message, arena, findings);
			quiet_since = now_s(CLOCK_MONOTONIC);
		}
		rd_kafka_message_destroy(message);
	}
	arena_close(arena);
	kafka_reader_close(consumer);
}

/* ---- what it should be ---- */

/* The requests of a key, in the line that their answers make. */
struct row {
	long *numbers;
	long count;
	double smooth, smooth_sum;
	long smooth_seen;
	long newest_ms;
};

static int by_value(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return a < b ? -1 : a > b;
}

/* Those of the last `messages`, or of the last `ms` before the newest, without nan. */
static long window(const struct options *options, const struct row *row, long messages, long ms, double *values)
{
	long count = 0;
	for (long i = messages ? (row->count > messages ? row->count - messages : 0) : 0; i < row->count; i++) {
		double x = x_of(row->numbers[i]);
		if ((messages || time_of(options, row->numbers[i]) > row->newest_ms - ms) && !isnan(x))
			values[count++] = x;
	}
	return count;
}

static double mean_of(const double *values, long count)
{
	long double sum = 0;
	for (long i = 0; i < count; i++)
		sum += values[i];
	return count ? (double)(sum / count) : NAN;
}

static double deviation_of(const double *values, long count)
{
	long double mean = 0, squares = 0;
	for (long i = 0; i < count; i++)
		mean += (long double)values[i] / count;
	for (long i = 0; i < count; i++)
		squares += (values[i] - mean) * (values[i] - mean);
	return count > 1 ? (double)sqrtl(squares / (count - 1)) : NAN;
}

static double smooth_of(struct row *row, double x)
{
	if (!isnan(x)) {
		row->smooth_sum += ++row->smooth_seen <= 10 ? x : 0;
		row->smooth = row->smooth_seen <= 10 ? row->smooth_sum / 10 : x * 2 / 11 + row->smooth * 9 / 11;
	}
	return row->smooth_seen >= 10 ? row->smooth : NAN;
}

/* The row has the number as its last. */
static void expect(const struct options *options, struct row *row, double *values, double expected[FEATURES])
{
	long number = row->numbers[row->count - 1], time_ms = time_of(options, number);
	double x = x_of(number);
	row->newest_ms = row->count == 1 || time_ms > row->newest_ms ? time_ms : row->newest_ms;
	expected[0] = row->count > 1 ? (double)row->numbers[row->count - 2] : NAN;
	expected[1] = row->count < 20 ? NAN : mean_of(values, window(options, row, 20, 0, values));
	long count = window(options, row, 0, 500, values);
	qsort(values, (size_t)count, sizeof *values, by_value);
	expected[4] = count ? values[0] : NAN;
	count = window(options, row, 0, 2000, values);
	qsort(values, (size_t)count, sizeof *values, by_value);
	expected[2] = deviation_of(values, count);
	expected[3] = count ? (values[(count - 1) / 2] + values[count / 2]) / 2 : NAN;
	expected[5] = smooth_of(row, x);
	expected[6] = (double)count;
	expected[7] = (x - mean_of(values, count)) / deviation_of(values, count);
}

static bool near(double got, double expected)
{
	return isnan(expected) ? isnan(got) : got == expected || fabs(got - expected) <= 1e-8 + 1e-9 * fabs(expected);
}

/* Goes along the line of a key; how many of its answers are not in it, and how many in it
 * are wrong. */
static void judge_key(const struct options *options, const struct findings *findings, long key, const long *after, long first,
		      long *astray, long *wrong)
{
	struct row row = {.numbers = calloc((size_t)options->count, sizeof *row.numbers)};
	double *values = calloc((size_t)options->count, sizeof *values);
	long of_key = 0;
	if (!row.numbers || !values)
		die("out of memory");
	for (long number = first; number >= 0 && row.count < options->count; number = after[number]) {
		double expected[FEATURES];
		row.numbers[row.count++] = number;
		expect(options, &row, values, expected);
		for (size_t i = 0; i < FEATURES; i++) {
			double got = findings->answers[number].features[i];
			if (near(got, expected[i]))
				continue;
			if (++*wrong <= 5)
				fprintf(stderr, "keyed: %ld: %s is %.17g, not %.17g\n", number, names[i], got, expected[i]);
			break;
		}
	}
	for (long number = 0; number < options->count; number++)
		of_key += key_of(options, number) == key && findings->answers[number].came && !findings->answers[number].failed;
	*astray += labs(of_key - row.count);
	free(values);
	free(row.numbers);
}

static int check(const struct options *options)
{
	struct findings findings = {.answers = calloc((size_t)options->count, sizeof *findings.answers)};
	long *after = calloc((size_t)options->count, sizeof *after), firsts[KEYS], astray = 0, wrong = 0;
	if (!findings.answers || !after)
		die("out of memory");
	read_answers(options, &findings);
	for (long number = 0; number < options->count; number++)
		after[number] = -1;
	for (long key = 0; key < KEYS; key++)
		firsts[key] = -1;
	for (long number = 0; number < options->count; number++) {
		const struct found *answer = &findings.answers[number];
		if (!answer->came || answer->failed)
			continue;
		double before = answer->features[0];
		bool known = before >= 0 && before < (double)options->count;
		if (!isnan(before) && (!known || key_of(options, (long)before) != key_of(options, number)))
			die("before %ld is %.17g", number, before);
		long *place = isnan(before) ? &firsts[key_of(options, number)] : &after[(long)before];
		if (*place >= 0)
			astray++;
		*place = number;
	}
	for (long key = 0; key < (options->by_group ? GROUPS : KEYS); key++)
		judge_key(options, &findings, key, after, firsts[key], &astray, &wrong);
	printf("lost=%ld doubled=%ld failed=%ld astray=%ld wrong=%ld\n", options->count - findings.different, findings.doubled,
	       findings.failed, astray, wrong);
	free(findings.answers);
	free(after);
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	const char *mode = argc > 1 ? argv[1] : "";
	const struct letter letters[] = {{'b', .word = &options.brokers},    {'i', .word = &options.in},
					 {'o', .word = &options.out},	     {'n', .number = &options.count},
					 {'r', .number = &options.rate},     {'t', .number = &options.first_ms},
					 {'g', .flag = &options.by_group}, {0}};
	letters_read(argc - 1, argv + 1, letters);
	if (strcmp(mode, "send") == 0)
		return send_requests(&options);
	if (strcmp(mode, "check") == 0)
		return check(&options);
	die("this mode is not known: %s", mode);
}
