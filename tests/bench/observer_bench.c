/* observer_bench.c: one FP32[1,20] through the stage that answers, of a pipeline whose model is watched by steps `drift`, to the
 * rows that wait for their observers; without codecs and without the model's work, which a message also has unwatched.
 *
 *   observer_bench unwatched|each|tenth|two|three ROUNDS      how many messages are watched, or by how many steps all are */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"
#include "observe/verdict_board.h"
#include "compiler/plan/plan.h"
#include "steps/kinds.h"
#include "engine/outputs/slices.h"

#define WIDTH 20
#define ROWS 200
#define KEYS 1000
#define TEXT_BYTES_MAX ((size_t)1 << 20)
#define WARMING 50 /* rounds before those that are counted, with a first record, whose schemas are made */
#define HEAD                                                                                                              \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: bench}\nspec:\n  steps:\n"                \
	"  - {name: model, filter: {keep: 'true'}}\n"
#define WATCH(name, share) "  - {name: " name ", drift: {tensors: [x], reference: r.json, share: " share "}}\n"
#define TWO WATCH("watch", "100%") WATCH("also", "100%")
#define END "  output: {steps: [model]}\n"

static struct buffer reference, encoded;
static struct slices slices;
static struct output output;
static long finished;
static const struct graph_part *part; /* of the stage */
static int64_t now_ms; /* a flow's clock does not go back */

static void reference_write(void)
{
	buffer_open(&reference, TEXT_BYTES_MAX);
	buffer_print(&reference, "{\"format\":\"sluice_drift/1\",\"rows\":%d,\"block\":%d,\"features\":[", ROWS, ROWS);
	for (int i = 0; i < WIDTH; i++) {
		buffer_print(&reference, "%s{\"name\":\"x.%d\",\"kind\":\"numbers\",\"missing\":0,\"values\":[0", i ? "," : "", i);
		for (int row = 1; row < ROWS; row++)
			buffer_print(&reference, ",%d", (row * 7 + i) % ROWS);
		buffer_string(&reference, "]}");
	}
	buffer_string(&reference, "]}");
}

static bool reference_read(void *context, const struct name *name, const char *digest, struct text *content, struct error *error)
{
	(void)context, (void)name, (void)digest, (void)error;
	*content = buffer_view(&reference);
	return true;
}

static enum produce_verdict produce(struct output *to, const struct outgoing *record, struct error *error)
{
	(void)to, (void)record, (void)error;
	return PRODUCED;
}

static void on_call(void *context, struct call *call)
{
	(void)context, (void)call;
}

static void row_wait(const struct message *message, size_t next)
{
	const struct graph_next *to = &part->next[next];
	static struct error error;
	struct slice_row what;
	bool failed;
	const bool is_row = slice_row_of(message, (uint64_t)1 << next, to->observer_count, &what);
	const struct slices_row row = {.topic = (uint32_t)next,
				       .key = message->carried->keys[next],
				       .observers = to->observer_names,
				       .message = message,
				       .row = &what,
				       .link = {.from = TEXT("request")}};
	if (is_row && slices_add(&slices, &row, &output, &encoded, &failed, &error) == PRODUCED)
		return;
	fprintf(stderr, "the row does not wait: %s\n", error.text);
	exit(1);
}

static void on_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	(void)context, (void)outcome;
	finished += answer->payload != NULL;
	for (size_t i = 0; message->carried && i < part->next_count; i++)
		if (message->carried->next >> i & 1)
			row_wait(message, i);
}

static const char *yaml_of(const char *which)
{
	static const struct {
		const char *name, *yaml;
	} rows[] = {{"unwatched", HEAD END},
		    {"each", HEAD WATCH("watch", "100%") END},
		    {"tenth", HEAD WATCH("watch", "10%") END},
		    {"two", HEAD TWO END},
		    {"three", HEAD TWO WATCH("third", "100%") END}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].name, which) == 0)
			return rows[i].yaml;
	return NULL;
}

static struct flow *flow_make(struct spec *spec, const char *yaml, const struct flow_environment *environment)
{
	const struct spec_options options = {.kinds = step_kinds};
	const struct plan_options planned = {.kinds = step_kinds, .files = environment->files};
	struct error error = {0};
	struct plan plan = {0};
	const bool good = spec_open(spec, &error) && spec_read_text(spec, "bench.yaml", text_of(yaml), &options, &error) &&
			  plan_make(spec, &planned, spec->arena, &plan, &error);
	if (faults_count(spec->faults, SEVERITY_ERROR))
		fprintf(stderr, "%s\n", faults_at(spec->faults, 0)->message);
	struct flow *flow = good && plan.count ? flow_open(plan.pipelines[0].stages[0].graph, environment, &error) : NULL;
	if (!flow)
		fprintf(stderr, "%s\n", error.text);
	else
		part = plan.pipelines[0].stages[0].graph->part;
	return flow;
}

static bool rounds_run(struct flow *flow, struct arena *arena, long rounds)
{
	static _Alignas(16) float numbers[WIDTH];
	static const int64_t shape[] = {1, WIDTH};
	const struct tensor x = {
		.name = TEXT("x"), .shape = shape, .data = numbers, .count = WIDTH, .datatype = DATATYPE_FP32, .rank = 2};
	const struct tensor *const items[] = {&x};
	struct error error = {0};
	for (long turn = 0; turn < rounds; turn++) {
		const long unit = turn % KEYS;
		struct message message = {.arena = arena,
					  .id = TEXT("bench"),
					  .key = {(const char *)&unit, sizeof unit},
					  .origin = {.topic = TEXT("in"), .offset = turn},
					  .payload = {.tensors = {1, items}}};
		arena_reset(arena);
		if (!flow_enter(flow, &message, now_ms++, &error))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	const char *yaml = argc == 3 ? yaml_of(argv[1]) : NULL;
	long rounds = yaml ? strtol(argv[2], NULL, 10) : 0;
	if (rounds <= 0) {
		fprintf(stderr, "usage: observer_bench unwatched|each|tenth|two|three ROUNDS\n");
		return 2;
	}
	static const struct file_source files = {NULL, reference_read};
	static const struct output_operations operations = {.produce = produce};
	reference_write();
	buffer_open(&encoded, TEXT_BYTES_MAX);
	output.operations = &operations;
	struct verdict_board *board = verdict_board_open();
	struct arena *arena = arena_open((size_t)1 << 20);
	struct spec spec;
	const struct flow_environment environment = {.call = on_call, .finished = on_finished, .files = &files, .board = board};
	struct flow *flow = flow_make(&spec, yaml, &environment);
	struct error error = {0};
	if (!board || !arena || !flow || !rounds_run(flow, arena, WARMING) ||
	    slices_leave_all(&slices, &output, &encoded, &error) != PRODUCED || !rounds_run(flow, arena, rounds))
		return 1;
	flow_close(flow);
	spec_close(&spec);
	slices_close(&slices);
	arena_close(arena);
	verdict_board_close(board);
	buffer_close(&encoded);
	buffer_close(&reference);
	return finished == WARMING + rounds ? 0 : 1;
}
