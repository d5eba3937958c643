/* shared_observers_test.c: Tests of observers that share a stage: one record of each message, read once, serves all of them, and
 * each says what it says alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "message/records/carried.h"
#include "message/records/slice.h"
#include "tests/unit/observed.h"
#include "engine/outputs/slices.h"

#define ARENA_BYTES ((size_t)8 << 20)
#define TEXT_BYTES ((size_t)1 << 20)
#define MESSAGES 1500
#define COMMIT 97 /* messages */
#define STEPS_MAX 4
#define STAGES 4
#define RECORDS_MAX 64
#define COMMON "reference: r.json, falseAlarms: 0.1 per 1000"
#define A "{name: a, drift: {tensors: [x], window: 40, share: 60%, " COMMON "}}\n"
#define B "{name: b, drift: {tensors: [x], window: 50, " COMMON "}}\n"
#define C_OF(inputs) "{name: c, " inputs "drift: {tensors: [x], window: 25, share: 30%, " COMMON "}}\n"
#define G "{name: g, drift: {tensors: [x], window: 30, share: 60%, groupBy: 'max(x) > 0.5', " COMMON "}}\n"
#define H "{name: h, drift: {tensors: [x], window: 40, groupBy: 'min(x) > 0.5', " COMMON "}}\n"

/* A pipeline, whose observers run at once where its records go. */
static struct watched {
	struct planning planning;
	struct plan plan;
	struct output output; /* each topic has the number of its stage */
	struct slices slices;
	struct buffer encoded;
	struct flow *path;
	struct arena *arena, *read;
	struct observing {
		struct flow *flow;
		struct store *store;
		struct line *line;
	} stages[STAGES];
	size_t records;
	struct buffer verdicts[STEPS_MAX];
	const char *steps[STEPS_MAX]; /* that the verdicts are of */
	struct random chance;
} watched;

/* Records of a pipeline, for another one. */
static struct {
	bool keeps;
	size_t count;
	size_t ends[RECORDS_MAX];
	struct buffer bytes;
} kept;

static const struct graph_part *part_of_path(void)
{
	return watched.plan.pipelines[0].stages[0].graph->part;
}

/* ---- the stages of observers ---- */

static struct buffer *verdicts_of(const char *step)
{
	for (size_t i = 0; i < STEPS_MAX; i++) {
		if (!watched.steps[i])
			watched.steps[i] = step;
		if (strcmp(watched.steps[i], step) == 0)
			return &watched.verdicts[i];
	}
	fail();
	return NULL;
}

static void verdict_note(const struct listed_record *record)
{
	const struct drift_score *score = (const void *)record;
	assert_int_equal(record->kind, LISTED_VERDICT);
	if (!score->begins)
		buffer_print(verdicts_of(score->step), "%llu: %llu of %lld to %lld, %llu unusable%s, %d %.17g\n",
			     (unsigned long long)score->window, (unsigned long long)score->messages, (long long)score->begin_ms,
			     (long long)score->end_ms, (unsigned long long)score->unusable, score->unusable_alarm ? " (alarm)" : "",
			     score->verdict, score->score);
}

static void on_observed(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	const struct observing *stage = context;
	struct error error = {0};
	(void)outcome;
	assert_null(answer->error);
	for (const struct listed_record *record = message->listed; record; record = record->next)
		verdict_note(record);
	assert_true(store_release(stage->store, message->writes, &error));
}

static enum produce_verdict on_record(struct output *output, const struct outgoing *record, struct error *error)
{
	const struct observing *stage = &watched.stages[record->topic];
	struct stage_link link;
	(void)output;
	watched.records++;
	if (kept.keeps) {
		assert_true(kept.count < RECORDS_MAX);
		buffer_text(&kept.bytes, record->value);
		kept.ends[kept.count++] = kept.bytes.length;
	}
	arena_reset(watched.read);
	struct message message = {.arena = watched.read, .line = stage->line};
	assert_true(stage_link_decode(&message, record->value, &link, error));
	assert_true(flow_enter(stage->flow, &message, 0, error));
	return PRODUCED;
}

/* ---- the path ---- */

static void on_answered(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	const struct graph_part *part = part_of_path();
	(void)context, (void)outcome;
	assert_non_null(answer->payload);
	for (size_t i = 0; message->carried && i < part->next_count; i++) {
		const struct graph_next *next = &part->next[i];
		const struct stage_link link = {.from = TEXT("request"), .request = next->request};
		struct slice_row what;
		struct error error = {0};
		bool failed;
		if (!(message->carried->next >> i & 1))
			continue;
		const struct slices_row row = {.topic = (uint32_t)next->stage,
					       .key = message->carried->keys[i],
					       .observers = next->observer_names,
					       .message = message,
					       .row = &what,
					       .link = link};
		if (next->slices && slice_row_of(message, (uint64_t)1 << i, next->observer_count, &what)) {
			assert_int_equal(slices_add(&watched.slices, &row, &watched.output, &watched.encoded, &failed, &error),
					 PRODUCED);
			continue;
		}
		assert_int_equal(slices_leave(&watched.slices, row.topic, &watched.output, &watched.encoded, &error), PRODUCED);
		buffer_clear(&watched.encoded);
		assert_true(stage_link_encode(message, (uint64_t)1 << i, &link, &watched.encoded, &error));
		const struct outgoing outgoing = {.topic = row.topic, .value = buffer_view(&watched.encoded)};
		assert_int_equal(on_record(&watched.output, &outgoing, &error), PRODUCED);
	}
}

static void watched_open(const char *steps)
{
	static const struct output_operations operations = {.produce = on_record};
	struct error error = {0};
	watched = (struct watched){.output.operations = &operations, .chance = {11}};
	planning_open_steps(&watched.planning, steps);
	planning_plan(&watched.planning, NULL, &watched.plan);
	assert_int_equal(planning_errors(&watched.planning), 0);
	const struct pipeline_plan *pipeline = &watched.plan.pipelines[0];
	const struct flow_environment path = {.finished = on_answered, .files = observed_files()};
	watched.arena = arena_open(ARENA_BYTES);
	watched.read = arena_open(ARENA_BYTES);
	watched.path = flow_open(pipeline->stages[0].graph, &path, &error);
	assert_non_null(watched.path);
	buffer_open(&watched.encoded, TEXT_BYTES);
	for (size_t i = 0; i < STEPS_MAX; i++)
		buffer_open(&watched.verdicts[i], TEXT_BYTES);
	assert_true(pipeline->stage_count <= STAGES);
	for (size_t i = 1; i < pipeline->stage_count; i++) {
		struct observing *stage = &watched.stages[i];
		const struct flow_environment observing = {.context = stage, .finished = on_observed, .files = observed_files()};
		stage->flow = flow_open(pipeline->stages[i].graph, &observing, &error);
		assert_string_equal(error.text, "");
		stage->store = store_open(flow_scopes(stage->flow), STORE_BYTES);
		stage->line = line_open(stage->flow, stage->store, &error);
		assert_non_null(stage->line);
	}
}

static void watched_close(void)
{
	for (size_t i = 1; i < STAGES; i++) {
		flow_close(watched.stages[i].flow);
		line_close(watched.stages[i].line);
		store_close(watched.stages[i].store);
	}
	for (size_t i = 0; i < STEPS_MAX; i++)
		buffer_close(&watched.verdicts[i]);
	buffer_close(&watched.encoded);
	slices_close(&watched.slices);
	flow_close(watched.path);
	arena_close(watched.read);
	arena_close(watched.arena);
	planning_close(&watched.planning);
}

static double usual(double middle)
{
	double sum = middle;
	for (int i = 0; i < 6; i++)
		sum += (double)random_below(&watched.chance, 1000) / 1000 - 0.5;
	return sum;
}

/* Every other message has a key. Those of several rows go alone. */
static void message_send_as(const char *tensor, int number, int rows, double moved)
{
	double numbers[8];
	char id[16], key[16];
	const int64_t shape[] = {rows, 2};
	struct error error = {0};
	for (int i = 0; i < 2 * rows; i++)
		numbers[i] = usual(i % 2 ? 0 : moved);
	const struct tensor x = {.name = text_of(tensor),
				 .datatype = DATATYPE_FP64,
				 .shape = shape,
				 .rank = 2,
				 .data = numbers,
				 .count = 2 * (size_t)rows};
	const struct tensor *const items[] = {&x};
	arena_reset(watched.arena);
	snprintf(id, sizeof id, "r%d", number);
	snprintf(key, sizeof key, "k%d", number);
	struct message message = {.arena = watched.arena,
				  .id = text_of(id),
				  .origin = {TEXT("in"), 0, number},
				  .key = number % 2 ? text_of(key) : (struct text){0},
				  .time_ms = 1000 * (int64_t)number,
				  .written_ms = 1000 * (int64_t)number,
				  .payload = {.tensors = {1, items}}};
	assert_true(flow_enter(watched.path, &message, number, &error));
}

static void message_send(int number, int rows, double moved)
{
	message_send_as("x", number, rows, moved);
}

static void commit(void)
{
	struct error error = {0};
	assert_int_equal(slices_leave_all(&watched.slices, &watched.output, &watched.encoded, &error), PRODUCED);
}

/* `alone`: one message in so many has several rows; 0: none. */
static void messages_send(int alone)
{
	for (int i = 0; i < MESSAGES; i++) {
		message_send(i, alone && i % alone == 0 ? 3 : 1, i / 500 == 1 ? 2 : 0);
		if (i % COMMIT == COMMIT - 1)
			commit();
	}
	commit();
}

static struct text verdicts_kept(const char *step, char *room, size_t size)
{
	const struct text text = buffer_view(verdicts_of(step));
	assert_true(text.length > 0 && text.length < size);
	memcpy(room, text.bytes, text.length);
	return (struct text){room, text.length};
}

/* ---- what is shared ---- */

static size_t records_of(const char *steps)
{
	watched_open(steps);
	messages_send(0);
	const size_t records = watched.records;
	watched_close();
	return records;
}

static void two_and_three_observers_have_the_records_of_one(void **state)
{
	(void)state;
	const size_t one = records_of("  - " B "  output: {steps: [b]}\n");
	assert_int_equal(one, (MESSAGES + COMMIT - 1) / COMMIT);
	assert_int_equal(records_of("  - " A "  - " B "  output: {steps: [b]}\n"), one);
	assert_int_equal(records_of("  - " A "  - " B "  - " C_OF("inputs: [a], ") "  output: {steps: [c]}\n"), one);
}

static void each_says_what_it_says_alone(void **state)
{
	static const char *const names[] = {"a", "b", "c"};
	static const char *const alone[] = {"  - " A "  output: {steps: [a]}\n", "  - " B "  output: {steps: [b]}\n",
					    "  - " C_OF("") "  output: {steps: [c]}\n"};
	static char room[3][TEXT_BYTES];
	static const int some[] = {0, 7};
	(void)state;
	for (size_t turn = 0; turn < 2; turn++) {
		struct text apart[3];
		for (size_t i = 0; i < 3; i++) {
			watched_open(alone[i]);
			messages_send(some[turn]);
			apart[i] = verdicts_kept(names[i], room[i], sizeof room[i]);
			watched_close();
		}
		watched_open("  - " A "  - " B "  - " C_OF("inputs: [a], ") "  output: {steps: [c]}\n");
		messages_send(some[turn]);
		for (size_t i = 0; i < 3; i++)
			assert_true(text_equal(buffer_view(verdicts_of(names[i])), apart[i]));
		watched_close();
	}
}

/* They go alone, and whole. */
static void those_with_segments_say_what_they_say_alone(void **state)
{
	static const char *const names[] = {"g", "h"};
	static const char *const alone[] = {"  - " G "  output: {steps: [g]}\n", "  - " H "  output: {steps: [h]}\n"};
	static char room[2][TEXT_BYTES];
	struct text apart[2];
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		watched_open(alone[i]);
		messages_send(0);
		apart[i] = verdicts_kept(names[i], room[i], sizeof room[i]);
		watched_close();
	}
	watched_open("  - " G "  - " H "  output: {steps: [h]}\n");
	messages_send(0);
	assert_int_equal(watched.records, MESSAGES); /* each is in the share of the second */
	for (size_t i = 0; i < 2; i++)
		assert_true(text_equal(buffer_view(verdicts_of(names[i])), apart[i]));
	watched_close();
}

/* A message without the tensor of one observer is a row of the other's window. */
static void what_one_cannot_use_counts_for_the_other(void **state)
{
	(void)state;
	watched_open("  - {name: a, drift: {tensors: [x], window: 40, " COMMON "}}\n"
		     "  - {name: b, drift: {tensors: [x, y], window: 40, reference: {past: 1h}}}\n"
		     "  output: {steps: [b]}\n");
	for (int i = 0; i < 80; i++)
		message_send(i, 1, 0);
	commit();
	const struct text usable = buffer_view(verdicts_of("a")), unusable = buffer_view(verdicts_of("b"));
	assert_non_null(memmem(usable.bytes, usable.length, "1: 40 of 40000 to 79000, 0 unusable", 35));
	assert_non_null(memmem(unusable.bytes, unusable.length, "40 unusable", 11));
	watched_close();
}

/* Nothing of them goes to the observer but that they came. Each is one, also if it has several rows and so goes alone. */
static void messages_without_any_tensor_of_it_are_an_alarm(void **state)
{
	static const char *const references[] = {"r.json", "{past: 1h}"};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char steps[256];
		int number = 0;
		snprintf(steps, sizeof steps,
			 "  - {name: a, drift: {tensors: [x], window: 100, falseAlarms: 0.1 per 1000, reference: %s}}\n"
			 "  output: {steps: [a]}\n",
			 references[i]);
		watched_open(steps);
		while (number < 1500)
			message_send(number++, 1, 0);
		commit();
		const struct text good = buffer_view(verdicts_of("a"));
		assert_null(memmem(good.bytes, good.length, "alarm", 5));
		buffer_clear(verdicts_of("a"));
		for (; number < 1599; number++)
			message_send_as("z", number, number % 3 + 1, 0);
		commit();
		assert_int_equal(verdicts_of("a")->length, 0);
		message_send_as("z", number, 1, 0);
		commit();
		const struct text missing = buffer_view(verdicts_of("a"));
		assert_non_null(memmem(missing.bytes, missing.length, "100 unusable (alarm)", 20));
		watched_close();
	}
}

static void a_result_that_failed_for_one_counts_for_the_other(void **state)
{
	static const int64_t shape[] = {1, 2};
	struct error failed = {0}, error = {0};
	(void)state;
	watched_open("  - {name: a, drift: {tensors: [x], window: 40, " COMMON "}}\n  - " B "  output: {steps: [b]}\n");
	const struct observing *stage = &watched.stages[1];
	error_set(&failed, ERROR_INPUT, PLACE_NONE, "only for b");
	for (int i = 0; i < 80; i++) {
		const double numbers[] = {usual(0), usual(0)};
		const struct tensor x = {
			.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = numbers, .count = 2};
		const struct tensor *const items[] = {&x};
		const struct payload payload = {.tensors = {1, items}};
		const struct given given[] = {{.step = TEXT("a"), .inputs = true, .state = GIVEN_CAME, .payload = &payload},
					      {.step = TEXT("b"), .inputs = true, .state = GIVEN_FAILED, .error = &failed}};
		const struct carried carried = {.count = 2, .items = given};
		arena_reset(watched.read);
		struct message message = {
			.arena = watched.read, .id = TEXT("r"), .time_ms = 1000 * i, .line = stage->line, .carried = &carried};
		assert_true(flow_enter(stage->flow, &message, i, &error));
	}
	const struct text verdicts = buffer_view(verdicts_of("a"));
	assert_non_null(memmem(verdicts.bytes, verdicts.length, "1: 40 of 40000 to 79000, 0 unusable", 35));
	assert_int_equal(verdicts_of("b")->length, 0);
	watched_close();
}

/* Those that a build without shared stages wrote to the topic of the first step. */
static void records_for_one_step_serve_that_step(void **state)
{
	static char room[TEXT_BYTES];
	struct error error = {0};
	(void)state;
	buffer_open(&kept.bytes, TEXT_BYTES);
	kept.keeps = true;
	watched_open("  - " A "  output: {steps: [a]}\n");
	messages_send(0);
	const struct text apart = verdicts_kept("a", room, sizeof room);
	watched_close();
	kept.keeps = false;
	watched_open("  - " A "  - " B "  output: {steps: [b]}\n");
	for (size_t i = 0, begin = 0; i < kept.count; begin = kept.ends[i++]) {
		const struct outgoing record = {.topic = 1, .value = {kept.bytes.bytes + begin, kept.ends[i] - begin}};
		assert_int_equal(on_record(&watched.output, &record, &error), PRODUCED);
	}
	assert_true(text_equal(buffer_view(verdicts_of("a")), apart));
	assert_int_equal(verdicts_of("b")->length, 0);
	watched_close();
	buffer_close(&kept.bytes);
}

static int reference_open(void **state)
{
	static struct observed observed;
	(void)state;
	observed_open(&observed, USUAL); /* makes the reference */
	observed_close(&observed);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_and_three_observers_have_the_records_of_one),
		cmocka_unit_test(each_says_what_it_says_alone),
		cmocka_unit_test(those_with_segments_say_what_they_say_alone),
		cmocka_unit_test(what_one_cannot_use_counts_for_the_other),
		cmocka_unit_test(messages_without_any_tensor_of_it_are_an_alarm),
		cmocka_unit_test(a_result_that_failed_for_one_counts_for_the_other),
		cmocka_unit_test(records_for_one_step_serve_that_step),
	};
	return cmocka_run_group_tests(tests, reference_open, NULL);
}
