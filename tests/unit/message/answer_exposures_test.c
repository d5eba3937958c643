/* answer_exposures_test.c: Tests of the exposures that an Avro answer carries: in its bytes, and of a worker. */
#include "message/records/answer_exposures.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "message/records/answer_label.h"
#include "tests/unit/held_model.h"
#include "tests/unit/letters.h"
#include "tests/unit/worker_stand.h"
#include "engine/outputs/exposures.h"
#include "engine/worker/parts.h"

#define ARENA_BYTES ((size_t)1 << 20)
#define TABLE UINT64_C(0x0123456789abcdef)
#define TABLE_DIGITS "0123456789abcdef"

static struct arena *arena;
static struct buffer bytes;
static struct decoded_answer answered;
static struct answered_choice choices[ASSIGNED_MAX];
static size_t choice_count;

static int memory_open(void **state)
{
	(void)state;
	arena = arena_open(ARENA_BYTES);
	buffer_open(&bytes, ARENA_BYTES);
	return arena ? 0 : -1;
}

static int memory_close(void **state)
{
	(void)state;
	buffer_close(&bytes);
	arena_close(arena);
	return 0;
}

static struct assigned chosen(const char *experiment, const char *variant, bool in_answer)
{
	return (struct assigned){.experiment = text_of(experiment),
				 .variant = text_of(variant),
				 .probability = 0.25,
				 .reason = ASSIGNED_WEIGHT,
				 .table = TABLE,
				 .in_answer = in_answer,
				 .took_ms = 12};
}

/* Writes and reads an answer; or an error, without a payload. */
static void answer_pass(struct assigned *assigned, const struct payload *payload)
{
	struct error error = {0}, failed = {0};
	const struct message message = {
		.arena = arena, .id = TEXT("r-1"), .origin = {TEXT("in"), 2, 9}, .assigned = assigned, .format = &format_avro};
	(void)error_set(&failed, ERROR_REMOTE, PLACE_NONE, "the model is away");
	const struct answer answer = {.payload = payload, .error = payload ? NULL : &failed};
	buffer_clear(&bytes);
	assert_true(answer_encode(&message, &answer, &format_avro, NULL, &bytes, &error));
	assert_true(answer_decode((struct headers){0}, buffer_view(&bytes), NULL, arena, &answered, &error));
	assert_true(answer_choices_read(&answered, choices, &choice_count, &error));
}

static struct exposure exposure_of(size_t choice, const char *key)
{
	static char room[LABEL_ROOM];
	struct exposure exposure;
	struct error error = {0};
	if (!answer_exposure_make(&answered, &choices[choice], text_of(key), 77, room, &exposure, &error))
		fail_msg("%s", error.text);
	return exposure;
}

static void an_answer_has_what_an_exposure_says(void **state)
{
	const int32_t seven = 7;
	const int64_t shape[] = {1};
	const struct tensor tensor = {
		.name = TEXT("y"), .datatype = DATATYPE_INT32, .rank = 1, .shape = shape, .count = 1, .data = &seven};
	const struct tensor *const tensors[] = {&tensor};
	const struct payload payload = {.tensors = {1, tensors}};
	struct assigned one = chosen("e", "new", true);
	(void)state;
	answer_pass(&one, &payload);
	assert_int_equal(choice_count, 1);
	const struct exposure read = exposure_of(0, "customer 7");
	assert_true(text_is(read.id, "r-1") && text_is(read.unit, "customer 7") && read.time_ms == 65); /* of the request */
	assert_true(text_is(read.origin.topic, "in") && read.origin.partition == 2 && read.origin.offset == 9);
	assert_true(text_is(read.experiment, "e") && text_is(read.variant, "new") && read.probability == 0.25);
	assert_true(text_is(read.table, TABLE_DIGITS) && read.reason == ASSIGNED_WEIGHT);
	assert_true(text_is(read.prediction, "7") && read.error.length == 0 && read.latency_ms == 12);
}

/* Otherwise who analyses a pipeline would know the requests that went well. */
static void an_error_has_it_too(void **state)
{
	struct assigned one = chosen("e", "new", true);
	(void)state;
	answer_pass(&one, NULL);
	const struct exposure read = exposure_of(0, "");
	assert_true(text_is(read.error, "REMOTE") && text_is(read.variant, "new") && text_is(read.table, TABLE_DIGITS));
	assert_true(read.prediction.length == 0 && read.unit.length == 0 && isnan(read.latency_ms) && read.time_ms == 65);
}

/* In the order of the choices, and those alone that are marked. */
static void each_choice_has_its_own(void **state)
{
	struct assigned first = chosen("first", "a", true), kept_out = chosen("kept", "b", false), last = chosen("last", "c", true);
	struct letter letter;
	(void)state;
	last.next = &kept_out;
	kept_out.next = &first;
	last.table = 1;
	answer_pass(&last, NULL);
	assert_int_equal(choice_count, 3);
	assert_true(text_is(exposure_of(0, "k").table, TABLE_DIGITS) && text_is(exposure_of(0, "k").variant, "a"));
	assert_int_equal(choices[1].version.length, 0);
	assert_true(text_is(choices[1].experiment, "kept") && text_is(choices[1].variant, "b"));
	assert_true(text_is(exposure_of(2, "k").table, "0000000000000001") && text_is(exposure_of(2, "k").variant, "c"));
	letter_open_as(&letter, "response", buffer_view(&bytes)); /* by the schema */
	assert_true(text_is(letter_text(&letter, "versions.resource"), "experiment/last"));
	assert_true(text_is(letter_text(&letter, "versions.version"), "0000000000000001 12"));
	letter_close(&letter);
	first.in_answer = last.in_answer = false;
	answer_pass(&last, NULL);
	assert_int_equal(choice_count, 3);
	for (size_t i = 0; i < choice_count; i++)
		assert_int_equal(choices[i].version.length, 0);
}

/* Such a choice is left out of comparisons, and counted. A stage's follows from its table. */
static void what_the_table_did_not_choose_says_what_did(void **state)
{
	struct assigned one = chosen("e", "old", true);
	(void)state;
	for (unsigned reason = 0; reason < ASSIGNED_REASONS; reason++) {
		one.reason = (enum assigned_reason)reason;
		answer_pass(&one, NULL);
		const bool is_of_table = reason == ASSIGNED_WEIGHT || reason == ASSIGNED_STAGE;
		const struct exposure read = exposure_of(0, "k");
		assert_int_equal(read.reason, is_of_table ? ASSIGNED_WEIGHT : one.reason);
		assert_int_equal(read.table.length, is_of_table ? 16 : 0);
	}
}

static void a_version_that_says_neither_is_refused(void **state)
{
	const struct answered_choice wrong[] = {{TEXT("e"), TEXT("a"), 1, TEXT("7"), 12},
						{TEXT("e"), TEXT("a"), 1, TEXT(TABLE_DIGITS), -1}};
	const struct decoded_answer answer = {.failed = true};
	struct exposure exposure;
	struct error error = {0};
	char room[LABEL_ROOM];
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_false(answer_exposure_make(&answer, &wrong[i], TEXT("k"), 1, room, &exposure, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
		assert_non_null(strstr(error.text, i == 0 ? "`7` of an experiment" : "lacks the milliseconds"));
	}
}

/* Kafka's producers may write any. */
static void an_answer_whose_record_has_no_time_has_no_exposure(void **state)
{
	static const int64_t times_ms[] = {-1, INT64_MIN, INT64_MAX};
	const struct answered_choice choice = {TEXT("e"), TEXT("a"), 1, TEXT(TABLE_DIGITS), 12};
	const struct decoded_answer answer = {.failed = true};
	struct exposure exposure;
	char room[LABEL_ROOM];
	(void)state;
	for (size_t i = 0; i < sizeof times_ms / sizeof *times_ms; i++) {
		struct error error = {0};
		assert_false(answer_exposure_make(&answer, &choice, TEXT("k"), times_ms[i], room, &exposure, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
		assert_non_null(strstr(error.text, "has no time"));
	}
}

static void more_choices_than_a_message_has_are_not_read(void **state)
{
	static struct assigned many[ASSIGNED_MAX + 2];
	static char names[ASSIGNED_MAX + 2][8];
	(void)state;
	for (size_t i = 0; i < ASSIGNED_MAX + 2; i++) {
		(void)snprintf(names[i], sizeof names[i], "e%zu", i);
		many[i] = chosen(names[i], "a", true);
		many[i].next = i > 0 ? &many[i - 1] : NULL;
	}
	answer_pass(&many[ASSIGNED_MAX + 1], NULL);
	assert_int_equal(choice_count, ASSIGNED_MAX);
	for (size_t i = 0; i < choice_count; i++)
		assert_true(text_is(choices[i].version, TABLE_DIGITS));
}

/* ---- of a worker ---- */

#define THIN(more)                                                                                                                 \
	"  - {name: s, experiment: {name: e, exposures: thin" more ", candidates: [{name: m, weight: 1}]}}\n"                      \
	"  output: {steps: [s]}\n"
#define SPLIT_LATER                                                                                                                \
	"  - {name: s, experiment: {name: e, exposures: thin, candidates: [{name: m, weight: 1}]}}\n"                              \
	"  - {name: rows, inputs: [s, p], split: {tensors: [x]}}\n  output: {steps: [rows]}\n"

static struct held_model model;

static void split_open(struct stand *stand, const char *steps)
{
	stand_configure(stand, steps);
	held_model_open(&model, "m", 1);
	atomic_store(&model.open, true);
	stand->stages[0].format = &format_avro;
	stand->caller.model_count = 1;
	stand->caller.models = &model.config;
	stand_start(stand);
}

static void split_close(struct stand *stand)
{
	(void)stand_stop(stand);
	held_model_close(&model);
}

/* Reads the next answer. */
static void answer_next(struct stand *stand)
{
	struct error error = {0};
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	const struct text copy = {arena_copy(arena, record->payload, record->len), record->len};
	const bool has_key = record->key_len == 3 && memcmp(record->key, "key", 3) == 0;
	assert_true(has_key);
	assert_true(answer_decode((struct headers){0}, copy, NULL, arena, &answered, &error));
	assert_true(answer_choices_read(&answered, choices, &choice_count, &error));
	assert_int_equal(choice_count, 1);
}

static void a_worker_puts_them_into_answers(void **state)
{
	struct stand *stand = *state;
	split_open(stand, THIN(""));
	stand_ask(stand, "r-1", 5, NULL, NULL);
	answer_next(stand);
	const struct exposure read = exposure_of(0, "key");
	const size_t choice_length = choices[0].version.length;
	split_close(stand);
	assert_int_equal(choice_length, 16);
	assert_true(text_is(read.id, "r-1") && text_is(read.variant, "m") && read.probability == 1);
	assert_true(text_is(read.prediction, "1") && text_is(read.origin.topic, "in") && read.origin.offset == 0);
	assert_true(read.latency_ms > 1000); /* the record's time is long ago */
}

static void a_unit_that_is_not_the_key_is_not_carried(void **state)
{
	struct stand *stand = *state;
	split_open(stand, THIN(", unit: x"));
	stand_ask(stand, "r-1", 5, NULL, NULL);
	answer_next(stand);
	split_close(stand);
	assert_int_equal(choices[0].version.length, 0);
}

/* Only a stage that answers can give the answer an exposure. An error that another stage answers itself has it. */
static void an_exposure_is_written_where_another_stage_answers(void **state)
{
	static const struct {
		bool has_part, answers, exposed, carried;
		enum flow_outcome outcome;
		bool is_written;
	} rows[] = {
		{true, false, false, true, FLOW_NO_ANSWER, true},   {true, false, false, true, FLOW_ANSWER, false},
		{true, true, false, true, FLOW_NO_ANSWER, false},   {false, false, false, true, FLOW_NO_ANSWER, false},
		{true, false, false, false, FLOW_NO_ANSWER, false}, {true, true, true, false, FLOW_ANSWER, true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct graph_part part = {.answers = rows[i].answers};
		struct graph graph = {.part = rows[i].has_part ? &part : NULL};
		struct stage_config config = {.graph = &graph};
		struct worker_stage stage = {.config = &config};
		const struct inflight inflight = {.stage = &stage, .outcome = rows[i].outcome};
		const struct assigned one = {.exposed = rows[i].exposed, .carried = rows[i].carried};
		if (exposure_is_written(&inflight, &one) != rows[i].is_written)
			fail_msg("row %zu", i);
	}
}

/* `exposures: off`; and a unit that is kept out, which is not one that an answer fails to carry. */
static void what_is_no_exposure_is_not_carried(void **state)
{
	static const char *const others[] = {
		"  - {name: s, experiment: {name: e, exposures: off, candidates: [{name: m, weight: 1}]}}\n  output: {steps: "
		"[s]}\n",
		THIN(", default: m, layer: {name: l, share: 1%}"),
		THIN(", default: m, unit: x, holdout: 99%"),
	};
	static const char *const versions[] = {"", "layer", "holdout"};
	struct stand *stand = *state;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		split_open(stand, others[i]);
		stand_ask(stand, "r-1", 5, NULL, NULL);
		answer_next(stand);
		split_close(stand);
		assert_true(text_is(choices[0].version, versions[i]));
		assert_int_equal(answered_choice_is_kept_out(&choices[0]), i > 0);
		assert_int_equal(stand_close(state), 0);
		assert_int_equal(stand_open(state), 0);
		stand = *state;
	}
}

/* The unit is not exposed once for each of its answers. */
static void the_first_answer_of_several_carries_them(void **state)
{
	struct stand *stand = *state;
	size_t carried[3];
	split_open(stand, SPLIT_LATER);
	mock_write(&stand->mock, "key",
		   "{\"id\":\"r-1\",\"inputs\":[{\"name\":\"x\",\"shape\":[3,1],\"datatype\":\"INT32\",\"data\":[1,2,3]}]}", NULL,
		   NULL);
	for (size_t i = 0; i < 3; i++) {
		answer_next(stand);
		carried[i] = choices[0].version.length;
	}
	split_close(stand);
	assert_int_equal(carried[0], 16);
	assert_int_equal(carried[1] + carried[2], 0);
}

/* Answers of windows that a message has closed have the keys of the windows. One of another key does not take the exposure of the
 * message's own, nor one that Kafka did not take. */
static void an_exposure_waits_for_an_answer_with_its_key(void **state)
{
	struct error error = {0};
	struct worker worker = {.loop = loop_open_virtual(0, &error)};
	struct worker_stage stage = {.worker = &worker};
	struct assigned own = chosen("e", "m", false), other = chosen("f", "m", false);
	struct inflight inflight = {.stage = &stage, .message = {.assigned = &own}};
	(void)state;
	own.unit = TEXT("key");
	other.unit = TEXT("later");
	own.next = &other;
	own.carried = other.carried = true;
	exposures_mark(&inflight, TEXT("a"));
	assert_true(!own.in_answer && !other.in_answer);
	exposures_unmark(&inflight, &format_avro, true);
	exposures_mark(&inflight, TEXT("key"));
	assert_true(own.in_answer && !other.in_answer);
	exposures_unmark(&inflight, &format_avro, false);
	exposures_mark(&inflight, TEXT("key"));
	assert_true(own.in_answer && !other.in_answer);
	exposures_unmark(&inflight, &format_avro, true);
	exposures_mark(&inflight, TEXT("key")); /* again */
	assert_true(!own.in_answer && !other.in_answer);
	exposures_unmark(&inflight, &format_avro, true);
	assert_true(exposures_pending(&inflight));
	exposures_mark(&inflight, TEXT("later"));
	assert_true(!own.in_answer && other.in_answer);
	exposures_unmark(&inflight, &format_avro, true);
	assert_false(exposures_pending(&inflight));
	loop_close(worker.loop);
}

#define ROOM(story) cmocka_unit_test_setup_teardown(story, memory_open, memory_close)

static int worker_memory_open(void **state)
{
	return memory_open(state) || stand_open(state);
}

static int worker_memory_close(void **state)
{
	return stand_close(state) | memory_close(state);
}

#define WORKER(story) cmocka_unit_test_setup_teardown(story, worker_memory_open, worker_memory_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROOM(an_answer_has_what_an_exposure_says),
		ROOM(an_error_has_it_too),
		ROOM(each_choice_has_its_own),
		ROOM(what_the_table_did_not_choose_says_what_did),
		ROOM(a_version_that_says_neither_is_refused),
		ROOM(an_answer_whose_record_has_no_time_has_no_exposure),
		ROOM(more_choices_than_a_message_has_are_not_read),
		cmocka_unit_test(an_exposure_waits_for_an_answer_with_its_key),
		cmocka_unit_test(an_exposure_is_written_where_another_stage_answers),
		WORKER(a_worker_puts_them_into_answers),
		WORKER(a_unit_that_is_not_the_key_is_not_carried),
		WORKER(what_is_no_exposure_is_not_carried),
		WORKER(the_first_answer_of_several_carries_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
