/* state_bench.c: messages through a step that remembers: each updates 4 numbers of its key,
 * in a value of 200 bytes, is released and told, with 100,000 keys in the table.
 *
 *   state_bench ROUNDS      prints updates a second to stderr
 */
#include <stdio.h>
#include <stdlib.h>

#include "flow/flow.h"
#include "tests/bench/clock.h"

#define KEYS 100000
#define STEPS_APART 48271 /* from key to key, so that none is warm */
#define FEATURES 4
#define BYTES_MAX ((size_t)1 << 30)
#define TOLD_EVERY 10000 /* messages, as a commit would */

struct features {
	int64_t version;
	double numbers[24];
};

static struct store *store;
static struct message *message;

static enum step_verdict update(struct step *step, struct visit *visit, struct error *error)
{
	(void)step;
	struct features *features = visit_remember(visit, message->key, sizeof *features, error);
	if (!features)
		return STEP_FAIL;
	features->version = 1;
	for (size_t i = 0; i < FEATURES; i++)
		features->numbers[i] += 1;
	visit_pass(visit);
	return STEP_DONE;
}

static const struct step_kind kind = {.name = "update", .state = &(const struct state_rules){0}, .run = update};

static void release(void *context, struct message *finished, enum flow_outcome outcome, const struct answer *answer)
{
	(void)context, (void)answer;
	struct error error = {0};
	if (outcome != FLOW_ANSWER || !store_release(store, finished->writes, &error))
		abort();
}

static void make_graph(struct graph *graph, struct graph_step *step, struct step_spec *spec, struct source sources[2])
{
	static const size_t order[] = {0};
	*spec = (struct step_spec){.kind = &kind};
	sources[0] = (struct source){.point = SOURCE_REQUEST, .step = STEP_NONE};
	sources[1] = (struct source){.point = SOURCE_STEP_OUTPUTS, .step = 0};
	*step = (struct graph_step){
		.name = "update", .spec = spec, .answers = true, .inputs = {.count = 1, .sources = &sources[0]}};
	*graph = (struct graph){.name = "bench",
				.count = 1,
				.steps = step,
				.order = order,
				.has_output = true,
				.max_visits = 1,
				.output = {.count = 1, .sources = &sources[1]}};
}

static void tell_all(void)
{
	while (store_changes(store))
		store_change_written(store);
}

int main(int count, char **arguments)
{
	long rounds = count > 1 ? strtol(arguments[1], NULL, 10) : 0;
	struct graph graph;
	struct graph_step step;
	struct step_spec spec;
	struct source sources[2];
	struct error error = {0};
	const struct flow_environment environment = {.finished = release};
	static float number = 1;
	static const int64_t shape[] = {1};
	const struct tensor tensor = {
		.name = TEXT("x"), .shape = shape, .data = &number, .count = 1, .datatype = DATATYPE_FP32, .rank = 1};
	const struct tensor *items[] = {&tensor};
	make_graph(&graph, &step, &spec, sources);
	struct flow *flow = flow_open(&graph, &environment, &error);
	struct arena *arena = arena_open(1 << 20);
	store = flow ? store_open(flow_scopes(flow), BYTES_MAX) : NULL;
	struct line *line = store ? line_open(flow, store, &error) : NULL;
	if (!line || !arena)
		abort();
	double began_ns = clock_ns(CLOCK_MONOTONIC);
	for (long round = 0; round < rounds; round++) {
		char key[32];
		int length = snprintf(key, sizeof key, "account-%ld", round * STEPS_APART % KEYS);
		struct message one = {
			.arena = arena, .key = {key, (size_t)length}, .payload = {.tensors = {1, items}}, .line = line};
		message = &one;
		if (!flow_enter(flow, &one, 0, &error))
			abort();
		arena_reset(arena);
		if (round % TOLD_EVERY == 0)
			tell_all();
	}
	double seconds = (clock_ns(CLOCK_MONOTONIC) - began_ns) / 1e9;
	fprintf(stderr, "%.0f updates a second, %zu keys in %zu MiB\n", (double)(rounds * FEATURES) / seconds, store_count(store),
		store_bytes(store) >> 20);
	flow_close(flow);
	line_close(line);
	store_close(store);
	arena_close(arena);
	return 0;
}
