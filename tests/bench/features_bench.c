/* features_bench.c: messages through a step with four features: each updates all of them
 * for its key, is released and told, as a commit would.
 *
 *   features_bench messages|time|closing KEYS ROUNDS
 *
 * `messages`: windows of 20 messages, an average and a lag; `time`: windows of 10 s, in
 * which about ten messages of a key stand; `closing`: an aggregate step, whose windows of 10 s
 * leave when they close, one for ten messages. Keys come in an order in which none is warm.
 * With ten keys their windows are full after 200 rounds, and each further one costs the same.
 * Prints microseconds of processor time for each update, and, to stderr, how many a second
 * that is, and the MiB that the process has resident. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"
#include "steps/kinds.h"
#include "tests/bench/clock.h"
#include "tests/bench/flow_of_yaml.h"

#define FEATURES 4
#define STEPS_APART 48271 /* from key to key, so that none is warm */
#define BYTES_MAX ((size_t)4 << 30)
#define TOLD_EVERY 10000 /* messages */
#define MS_A_ROUND 1000	 /* in which all keys come once */

#define PIPELINE(kind, options)                                                                                                    \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: bench}\nspec:\n  steps:\n"                         \
	"  - {name: signals, " kind ": {" options "}}\n  output: {steps: [signals]}\n"

static const struct way {
	const char *name, *pipeline;
} ways[] = {
	{"messages", PIPELINE("features", "set: {a: mean(x over 20), b: std(x over 20), c: ema(x over 12), d: \"log_return(x)\"}")},
	{"time", PIPELINE("features", "set: {a: mean(x over 10s), b: std(x over 10s), c: max(x over 10s), d: count(x over 10s)}")},
	{"closing",
	 PIPELINE("aggregate", "window: {tumbling: 10s, grace: 1s}, set: {a: mean(x), b: std(x), c: max(x), d: count()}")},
	{NULL, NULL},
};

static struct store *store;
static struct arena *arena;
static double number;
static long finished, answers;

/* What only goes into windows has no answer, and what closes some has one for each. */
static void release(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	(void)context;
	struct error error = {0};
	if ((answer && answer->error) || !store_release(store, message->writes, &error)) {
		fprintf(stderr, "no answer: %s\n", answer && answer->error ? answer->error->text : error.text);
		exit(1);
	}
	if (outcome == FLOW_ANSWER)
		answers++;
	for (const struct offspring *one = message->offspring; outcome == FLOW_PARTED && one; one = one->next)
		answers += one->outcome == FLOW_ANSWER;
	finished++;
}

static void tell_all(void)
{
	while (store_changes(store))
		store_change_written(store);
}

static bool go_round(struct flow *flow, struct line *line, long round, long keys)
{
	static const int64_t shape[] = {1};
	const struct tensor x = {
		.name = TEXT("x"), .shape = shape, .data = &number, .count = 1, .datatype = DATATYPE_FP64, .rank = 1};
	const struct tensor *const items[] = {&x};
	char key[32];
	struct error error = {0};
	int length = snprintf(key, sizeof key, "account-%ld", round * STEPS_APART % keys);
	struct message message = {.arena = arena,
				  .id = TEXT("bench"),
				  .key = {key, (size_t)length},
				  .time_ms = round / keys * MS_A_ROUND,
				  .payload = {.tensors = {1, items}},
				  .line = line};
	number = 100 + (double)(round * 7919 % 1000) / 8;
	bool entered = flow_enter(flow, &message, 0, &error);
	arena_reset(arena);
	if (round % TOLD_EVERY == 0)
		tell_all();
	return entered;
}

static long resident_mebibytes(void)
{
	char line[256];
	long kibibytes = 0;
	FILE *status = fopen("/proc/self/status", "r");
	while (status && fgets(line, sizeof line, status))
		if (strncmp(line, "VmRSS:", 6) == 0)
			kibibytes = strtol(line + 6, NULL, 10);
	if (status)
		fclose(status);
	return kibibytes / 1024;
}

int main(int argc, char **argv)
{
	long keys = argc == 4 ? strtol(argv[2], NULL, 10) : 0, rounds = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
	const struct way *way = ways;
	while (way->name && (argc < 2 || strcmp(way->name, argv[1]) != 0))
		way++;
	if (!way->name || keys <= 0 || rounds <= 0) {
		fprintf(stderr, "usage: features_bench messages|time|closing KEYS ROUNDS\n");
		return 2;
	}
	struct spec spec;
	struct error error = {0};
	const struct flow_environment environment = {.finished = release};
	struct flow *flow = flow_of_yaml(&spec, way->pipeline, step_kinds, &environment);
	arena = arena_open((size_t)64 << 20);
	store = flow ? store_open(flow_scopes(flow), BYTES_MAX) : NULL;
	struct line *line = store ? line_open(flow, store, &error) : NULL;
	if (!line || !arena)
		return 1;
	double began_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (long round = 0; round < rounds; round++)
		if (!go_round(flow, line, round, keys))
			return 1;
	double us = (clock_ns(CLOCK_PROCESS_CPUTIME_ID) - began_ns) / 1e3;
	tell_all();
	printf("%.4f\n", us / (double)(rounds * FEATURES));
	fprintf(stderr, "%.0f updates a second, %ld answers; %zu entries in %ld MiB, of which %zu are the table\n",
		(double)(rounds * FEATURES) * 1e6 / us, answers, store_count(store), resident_mebibytes(),
		store_bytes(store) >> 20);
	line_close(line);
	flow_close(flow);
	store_close(store);
	spec_close(&spec);
	arena_close(arena);
	return finished == rounds ? 0 : 1;
}
