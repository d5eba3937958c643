/* worker_stages_test.c: one worker and a pipeline of several stages against the mock of a
 * broker: requests cross from stage to stage, and leave once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include <unistd.h>

#include "kafka/consume/reader.h"
#include "message/formats/format.h"
#include "message/records/stage_link.h"
#include "tests/unit/letters.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/planning.h"
#include "tests/unit/running.h"
#include "engine/worker/worker.h"

#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
#define STAGES 4
#define READ_TURNS 100 /* of a tenth of a second */

/* A stage reads the topic of its number; the first one reads `in`. */
static const char *const reads[] = {"in", "stage-1", "stage-2", "stage-3"};
static const char *const writes[] = {"out", "stage-1", "stage-2", "stage-3"};
static const uint32_t numbers[] = {0, 1, 2, 3};
static struct position assigned[] = {{0, 0, OFFSET_NONE}, {1, 0, OFFSET_NONE}, {2, 0, OFFSET_NONE}, {3, 0, OFFSET_NONE}};

struct stand {
	struct mock mock;
	struct planning planning;
	struct plan plan;
	struct caller_config caller;
	struct stage_config stages[STAGES];
	uint32_t next[STAGES][STAGES];
	char names[STAGES][24];
	struct worker_config config;
	struct running running;
};

static void configure_stage(struct stand *stand, size_t index)
{
	const struct graph *graph = stand->plan.pipelines[0].stages[index].graph;
	snprintf(stand->names[index], sizeof stand->names[index], "p %zu", index);
	for (size_t i = 0; i < graph->part->next_count; i++)
		stand->next[index][i] = (uint32_t)graph->part->next[i].stage;
	stand->stages[index] = (struct stage_config){
		.name = stand->names[index],
		.graph = graph,
		.caller = &stand->caller,
		.topic_count = 1,
		.topics = &numbers[index],
		.next = stand->next[index],
		.dead_letters = TOPIC_NOWHERE,
		.changelog = TOPIC_NOWHERE,
	};
}

static void configure(struct stand *stand, const char *steps)
{
	struct arena *arena = arena_open((size_t)1 << 20);
	planning_open(&stand->planning, arena_print(arena, HEAD "%s", steps));
	planning_plan(&stand->planning, NULL, &stand->plan);
	assert_int_equal(planning_errors(&stand->planning), 0);
	arena_close(arena);
	size_t count = stand->plan.pipelines[0].stage_count;
	assert_in_range(count, 2, STAGES);
	stand->caller = (struct caller_config){.request_bytes = 1 << 20, .reply_bytes = 1 << 20};
	for (size_t i = 0; i < count; i++)
		configure_stage(stand, i);
	stand->config = (struct worker_config){
		.consumer = {.brokers = stand->mock.brokers,
			     .group = "test",
			     .assigned = {count, assigned},
			     .properties = mock_quick},
		.transaction = {.brokers = stand->mock.brokers, .id = "test", .properties = mock_quick},
		.setup = {.reads = {count, reads}, .writes = {count, writes}, .stage_count = count, .stages = stand->stages},
		.limits = worker_limits_usual,
	};
}

static void start(struct stand *stand)
{
	running_start(&stand->running, &stand->config);
}

static struct worker_counts stop(struct stand *stand)
{
	struct worker_counts counts = running_stop(&stand->running);
	planning_close(&stand->planning);
	return counts;
}

static int set_up(void **state)
{
	static struct stand stand;
	stand = (struct stand){0};
	mock_open(&stand.mock);
	for (size_t i = 1; i < STAGES; i++)
		assert_int_equal(rd_kafka_mock_topic_create(stand.mock.cluster, reads[i], 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	struct stand *stand = *state;
	if (running_end(&stand->running))
		planning_close(&stand->planning);
	mock_close(&stand->mock);
	return 0;
}

#define REQUEST(id, number)                                                                                                        \
	"{\"id\":\"" id "\",\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[" number "]}]}"

static bool says(const rd_kafka_message_t *answer, const char *words)
{
	return memmem(answer->payload, answer->len, words, strlen(words)) != NULL;
}

static const char two_stages[] =
	"  - {name: a, expression: {set: {y: x * 2}}}\n"
	"  - {name: b, inputs: [a], isolate: true, expression: {set: {z: 'y + request.x'}, drop: [x, y]}}\n"
	"  output: {steps: [b]}\n";

static void expect_answer(struct stand *stand)
{
	mock_write(&stand->mock, "key", REQUEST("r-1", "7"), "x-request-id", "r-1");
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_int_equal(answer->key_len, 3);
	assert_memory_equal(answer->key, "key", 3);
	assert_true(says(answer, "\"r-1\""));
	assert_true(says(answer, "[21]"));
	rd_kafka_headers_t *headers;
	const void *id;
	size_t length;
	assert_int_equal(rd_kafka_message_headers(answer, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(rd_kafka_header_get_last(headers, "x-request-id", &id, &length), RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void an_answer_leaves_the_last_stage_as_its_request_came_to_the_first(void **state)
{
	struct stand *stand = *state;
	configure(stand, two_stages);
	start(stand);
	expect_answer(stand);
	struct worker_counts counts = stop(stand);
	assert_int_equal(counts.taken, 2);
	assert_int_equal(counts.released, 2);
	assert_int_equal(counts.answered, 1);
}

/* The only step whose result the next record of the topic carries; with its request's record. */
static void expect_carried(struct stand *stand, const char *topic, const char *step)
{
	const struct reader_config config = {
		.brokers = stand->mock.brokers, .topic = topic, .from_beginning = true, .properties = mock_quick};
	struct error error = {0};
	struct record record = {.held = NULL};
	struct reader *reader = reader_open(&config, &error);
	struct message message = {.arena = arena_open((size_t)1 << 20)};
	struct stage_link link = {0};
	assert_non_null(reader);
	for (int turns = 0; !record.held && turns < READ_TURNS; turns++)
		assert_true(reader_next(reader, 100, &record, &error));
	assert_non_null(record.held);
	assert_true(stage_link_decode(&message, record.value, &link, &error));
	assert_int_equal(message.carried->count, 1);
	assert_true(text_is(message.carried->items[0].step, step));
	assert_true(text_equal(link.original, TEXT(REQUEST("r-1", "7"))));
	record_release(&record);
	reader_close(reader);
	arena_close(message.arena);
}

static void each_later_stage_gets_the_results_that_it_reads_and_no_others(void **state)
{
	struct stand *stand = *state;
	configure(stand, "  - {name: a, expression: {set: {y: x * 2}, drop: [x]}}\n"
			 "  - {name: c, expression: {set: {w: x * 3}, drop: [x]}}\n"
			 "  - {name: b, inputs: [a], isolate: true, expression: {set: {z: y + 1}, drop: [y]}}\n"
			 "  - {name: d, inputs: [c], isolate: true, expression: {set: {v: w + 1}, drop: [w]}}\n"
			 "  output: {steps: [b]}\n");
	start(stand);
	mock_write(&stand->mock, "key", REQUEST("r-1", "7"), "x-request-id", "r-1");
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_true(says(answer, "[15]"));
	stop(stand);
	expect_carried(stand, "stage-1", "a");
	expect_carried(stand, "stage-2", "c");
}

static void at_least_once_requests_cross_too(void **state)
{
	struct stand *stand = *state;
	configure(stand, two_stages);
	stand->config.transaction.id = NULL;
	stand->stages[0].by_key = stand->stages[1].by_key = true;
	start(stand);
	expect_answer(stand);
	assert_int_equal(stop(stand).answered, 1);
}

static void a_dead_letter_of_a_later_stage_holds_the_record_of_the_request(void **state)
{
	struct stand *stand = *state;
	configure(stand, "  - {name: a, expression: {set: {y: x * 2}}}\n"
			 "  - {name: b, inputs: [a], isolate: true, filter: {keep: y > 100, otherwise: {error: too small}}}\n"
			 "  output: {steps: [b]}\n");
	stand->stages[1].dead_letters = 0;
	start(stand);
	mock_write(&stand->mock, "key", REQUEST("r-1", "7"), "x-tier", "gold");
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	struct letter letter;
	letter_open(&letter, (struct text){record->payload, record->len});
	assert_true(text_is(letter_text(&letter, "payload"), REQUEST("r-1", "7")));
	assert_true(text_is(letter_text(&letter, "step"), "b"));
	assert_true(text_is(letter_text(&letter, "key"), "key"));
	assert_true(text_is(letter_text(&letter, "origin.topic"), "in"));
	assert_int_equal(letter_number(&letter, "origin.offset"), 0);
	assert_true(text_is(letter_text(&letter, "headers.name"), "x-tier"));
	letter_close(&letter);
	record = mock_read(&stand->mock);
	assert_true(says(record, "too small"));
	struct worker_counts counts = stop(stand);
	assert_int_equal(counts.dead_letters, 1);
	assert_int_equal(counts.answered, 1);
}

static void an_error_is_answered_where_it_is_known_and_goes_no_further(void **state)
{
	struct stand *stand = *state;
	configure(stand, two_stages);
	start(stand);
	mock_write(&stand->mock, NULL, "{\"inputs\":[{\"name\":\"w\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[1]}]}", NULL,
		   NULL);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_true(says(answer, "error"));
	struct worker_counts counts = stop(stand);
	assert_int_equal(counts.taken, 1);
	assert_int_equal(counts.answered, 1);
}

static void what_no_stage_has_written_is_answered_as_a_fault(void **state)
{
	struct stand *stand = *state;
	configure(stand, two_stages);
	start(stand);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(stand->mock.writer, "stage-1", NULL);
	assert_int_equal(rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, (void *)(uintptr_t) "junk", 4, NULL, 0, NULL), 0);
	rd_kafka_topic_destroy(topic);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_true(says(answer, "only the engine may write"));
	assert_int_equal(stop(stand).failed, 1);
}

/* ---- what other pipelines give ---- */

/* The pipeline reads `other.outputs`, which is the topic stage-1 here. */
static void configure_reader(struct stand *stand, const char *input)
{
	static const struct stage_point points[] = {{.point = POINT_OWN}, {.point = 0}};
	struct arena *arena = arena_open((size_t)1 << 20);
	planning_open(&stand->planning, arena_print(arena,
						    HEAD "  - {name: a, expression: {set: {z: y * 3}, drop: [y]}}\n"
							 "  output: {steps: [a]}\n  input: %s\n",
						    input));
	assert_int_equal(planning_errors(&stand->planning), 0);
	arena_close(arena);
	stand->caller = (struct caller_config){.request_bytes = 1 << 20, .reply_bytes = 1 << 20};
	stand->stages[0] = (struct stage_config){
		.name = "p",
		.graph = stand->planning.graph,
		.caller = &stand->caller,
		.topic_count = 2,
		.topics = numbers,
		.external_input = external_input_make(stand->planning.graph, stand->planning.arena),
		.points = points,
		.dead_letters = TOPIC_NOWHERE,
	};
	stand->config = (struct worker_config){
		.consumer = {.brokers = stand->mock.brokers, .group = "test", .assigned = {2, assigned}, .properties = mock_quick},
		.transaction = {.brokers = stand->mock.brokers, .id = "test", .properties = mock_quick},
		.setup = {.reads = {2, reads}, .writes = {1, writes}, .stage_count = 1, .stages = stand->stages},
		.limits = worker_limits_usual,
	};
}

static void give(struct stand *stand, const char *value, const char *error_kind)
{
	rd_kafka_resp_err_t code =
		error_kind ? rd_kafka_producev(stand->mock.writer, RD_KAFKA_V_TOPIC("stage-1"), RD_KAFKA_V_KEY("k", 1),
					       RD_KAFKA_V_VALUE((void *)(uintptr_t)value, strlen(value)),
					       RD_KAFKA_V_HEADER("sluice-error", error_kind, -1), RD_KAFKA_V_END)
			   : rd_kafka_producev(stand->mock.writer, RD_KAFKA_V_TOPIC("stage-1"), RD_KAFKA_V_KEY("k", 1),
					       RD_KAFKA_V_VALUE((void *)(uintptr_t)value, strlen(value)), RD_KAFKA_V_END);
	assert_int_equal(code, RD_KAFKA_RESP_ERR_NO_ERROR);
}

#define ANSWER(id, name, number)                                                                                                   \
	"{\"model_name\":\"m\",\"id\":\"" id "\",\"outputs\":[{\"name\":\"" name                                                   \
	"\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[" number "]}]}"

static void what_another_pipeline_answers_enters_under_its_id_and_key(void **state)
{
	struct stand *stand = *state;
	configure_reader(stand, "{externalInputs: [other.outputs], tensorMap: {other.outputs.x: y}}");
	start(stand);
	give(stand, ANSWER("r-9", "x", "7"), NULL);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_true(says(answer, "\"r-9\""));
	assert_true(says(answer, "[21]"));
	assert_int_equal(answer->key_len, 1);
	/* Its own requests enter beside. */
	mock_write(&stand->mock, "key",
		   "{\"id\":\"own\",\"inputs\":[{\"name\":\"y\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[2]}]}", NULL, NULL);
	answer = mock_read(&stand->mock);
	assert_true(says(answer, "[6]"));
	assert_int_equal(stop(stand).answered, 2);
}

static void what_is_no_answer_or_selects_nothing_goes_nowhere(void **state)
{
	struct stand *stand = *state;
	configure_reader(stand, "{externalInputs: [other.outputs.y]}");
	start(stand);
	give(stand, ANSWER("r-1", "x", "7"), NULL);	       /* no y */
	give(stand, "{\"error\":\"no such thing\"}", "INPUT"); /* it failed there */
	give(stand, ANSWER("r-2", "y", "7"), NULL);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_true(says(answer, "\"r-2\""));
	struct worker_counts counts = stop(stand);
	assert_int_equal(counts.taken, 3);
	assert_int_equal(counts.released, 3);
	assert_int_equal(counts.answered, 1);
}

static void the_end_of_a_submitted_request_is_no_answer(void **state)
{
	static const char *const names[] = {"sluice-outcome", "x-other"};
	struct stand *stand = *state;
	configure_reader(stand, "{externalInputs: [other.outputs.y]}");
	start(stand);
	for (size_t i = 0; i < 2; i++) /* the second is a tombstone, which is an error */
		assert_int_equal(rd_kafka_producev(stand->mock.writer, RD_KAFKA_V_TOPIC("stage-1"), RD_KAFKA_V_KEY("k", 1),
						   RD_KAFKA_V_HEADER(names[i], "filtered", -1), RD_KAFKA_V_END),
				 RD_KAFKA_RESP_ERR_NO_ERROR);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_true(says(answer, "tombstone"));
	struct worker_counts counts = stop(stand);
	assert_int_equal(counts.taken, 2);
	assert_int_equal(counts.released, 2);
	assert_int_equal(counts.answered, 1);
}

/* ---- pipelines that pipelines call ---- */

#define OTHER "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: "

static const char tenfold_below_100[] = "  - {name: h, filter: {keep: x < 100, otherwise: {error: too big}}}\n"
					"  - {name: i, inputs: [h], expression: {set: {x: x * 10}}}\n";
static const char back_to_q[] = "  - {name: i, route: {cases: [{when: 'true', call: q}]}}\n";

/* `p` calls `q`, which calls `r` of these steps. */
static void configure_calls(struct stand *stand, const char *steps, const char *steps_of_r)
{
	static struct called_pipeline called[2];
	struct arena *arena = arena_open((size_t)1 << 20);
	planning_open(&stand->planning, arena_print(arena,
						    HEAD "%s  output: {steps: [a]}\n" OTHER "q}\nspec:\n  steps:\n"
							 "  - {name: f, expression: {set: {x: x + 1}}}\n"
							 "  - {name: g, inputs: [f], route: {cases: [{when: 'true', call: r}]}}\n"
							 "  output: {steps: [g]}\n" OTHER "r}\nspec:\n  steps:\n"
							 "%s  output: {steps: [i]}\n",
						    steps, steps_of_r));
	planning_plan(&stand->planning, NULL, &stand->plan);
	assert_int_equal(planning_errors(&stand->planning), 0);
	arena_close(arena);
	for (size_t i = 0; i < 2; i++)
		called[i] = (struct called_pipeline){.name = i == 0 ? "q" : "r", .graph = stand->plan.pipelines[1 + i].graph};
	stand->caller = (struct caller_config){.request_bytes = 1 << 20, .reply_bytes = 1 << 20};
	stand->stages[0] = (struct stage_config){
		.name = "p",
		.graph = stand->plan.pipelines[0].graph,
		.caller = &stand->caller,
		.called_count = 2,
		.called = called,
		.topic_count = 1,
		.topics = numbers,
		.dead_letters = TOPIC_NOWHERE,
	};
	stand->config = (struct worker_config){
		.consumer = {.brokers = stand->mock.brokers, .group = "test", .assigned = {1, assigned}, .properties = mock_quick},
		.transaction = {.brokers = stand->mock.brokers, .id = "test", .properties = mock_quick},
		.setup = {.reads = {1, reads}, .writes = {1, writes}, .stage_count = 1, .stages = stand->stages},
		.limits = worker_limits_usual,
	};
}

static void expect_words(struct stand *stand, const char *words)
{
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	if (!says(answer, words))
		fail_msg("`%.*s` does not say `%s`", (int)answer->len, (const char *)answer->payload, words);
}

static const char calls_q[] = "  - {name: a, route: {cases: [{when: 'true', call: q}]}}\n";

static void a_called_pipeline_answers_inside_its_caller(void **state)
{
	struct stand *stand = *state;
	configure_calls(stand, calls_q, tenfold_below_100);
	start(stand);
	mock_write(&stand->mock, NULL, REQUEST("r-1", "4"), NULL, NULL);
	expect_words(stand, "[50]");
	mock_write(&stand->mock, NULL, REQUEST("r-2", "400"), NULL, NULL);
	expect_words(stand, "too big");
	struct worker_counts counts = stop(stand);
	assert_int_equal(counts.taken, 2);
	assert_int_equal(counts.answered, 2);
}

static void pipelines_that_call_each_other_without_an_end_are_answered_with_the_limit(void **state)
{
	struct stand *stand = *state;
	configure_calls(stand, calls_q, back_to_q);
	start(stand);
	mock_write(&stand->mock, NULL, REQUEST("r-1", "4"), NULL, NULL);
	expect_words(stand, "more than 16 deep");
	assert_int_equal(stop(stand).answered, 1);
}

/* ---- versions side by side ---- */

#define INT_PAYLOAD(number)                                                                                                        \
	(struct payload)                                                                                                           \
	{                                                                                                                          \
		.tensors = {                                                                                                       \
			1,                                                                                                         \
			&(const struct tensor *){&(struct tensor){.name = TEXT("x"),                                               \
								  .shape = (const int64_t[]){1},                                   \
								  .data = (const int32_t[]){number},                               \
								  .count = 1,                                                      \
								  .datatype = DATATYPE_INT32,                                      \
								  .rank = 1}}                                                      \
		}                                                                                                                  \
	}

/* What the first stage of that version would send, and perhaps another engine still does. */
static void cross(struct stand *stand, uint64_t deployment, const char *id, struct payload payload)
{
	struct error error = {0};
	struct buffer record;
	struct arena *arena = arena_open((size_t)1 << 20);
	const struct given given = {.step = TEXT("a"), .state = GIVEN_CAME, .payload = &payload, .next = 1};
	const struct carried carried = {.count = 1, .items = &given, .next = 1};
	const struct message message = {.arena = arena,
					.id = text_of(id),
					.payload_id = text_of(id),
					.origin = {.topic = TEXT("in")},
					.format = &format_oip_json,
					.payload = payload,
					.carried = &carried};
	const struct stage_link stage_link = {.from = TEXT("request"), .deployment = deployment, .original = TEXT("{}")};
	buffer_open(&record, 1 << 16);
	assert_true(stage_link_encode(&message, 1, &stage_link, &record, &error));
	rd_kafka_topic_t *topic = rd_kafka_topic_new(stand->mock.writer, "stage-1", NULL);
	assert_int_equal(rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, record.bytes, record.length, NULL, 0, NULL), 0);
	rd_kafka_topic_destroy(topic);
	buffer_close(&record);
	arena_close(arena);
}

static void follow_setup_of(struct stand *stand, const struct worker_setup *setup)
{
	worker_reload(stand->running.worker, setup);
	for (int waited_ms = 0; worker_follows(stand->running.worker) != setup; waited_ms += 5) {
		assert_true(waited_ms < MOCK_WAIT_MS);
		usleep(5000);
	}
}

/* The same pipeline of other steps, as what is followed from now on. */
static void follow(struct stand *stand, struct planning *planning, struct plan *plan, uint64_t version, const char *steps)
{
	static struct worker_setup setups[4];
	static struct stage_config stages[4][STAGES];
	struct arena *arena = arena_open((size_t)1 << 20);
	struct worker_setup *setup = &setups[version];
	planning_open(planning, arena_print(arena, HEAD "%s", steps));
	planning_plan(planning, NULL, plan);
	assert_int_equal(planning_errors(planning), 0);
	arena_close(arena);
	*setup = stand->config.setup;
	setup->stage_count = plan->pipelines[0].stage_count;
	setup->stages = stages[version];
	for (size_t i = 0; i < setup->stage_count; i++) {
		stages[version][i] = stand->stages[i];
		stages[version][i].graph = plan->pipelines[0].stages[i].graph;
		stages[version][i].version = version;
	}
	follow_setup_of(stand, setup);
}

static void a_request_that_crosses_stays_in_the_version_in_which_it_began(void **state)
{
	static const char tenfold[] = "  - {name: a, expression: {set: {x: x + 1}}}\n"
				      "  - {name: b, inputs: [a], isolate: true, expression: {set: {x: x * 10}}}\n"
				      "  output: {steps: [b]}\n";
	static const char hundredfold[] = "  - {name: a, expression: {set: {x: x + 1}}}\n"
					  "  - {name: b, inputs: [a], isolate: true, expression: {set: {x: x * 100}}}\n"
					  "  output: {steps: [b]}\n";
	static const char in_one[] = "  - {name: c, expression: {set: {x: x * 1000}}}\n  output: {steps: [c]}\n";
	struct stand *stand = *state;
	struct planning second, third;
	struct plan second_plan, third_plan;
	configure(stand, tenfold);
	stand->config.transaction.id = NULL;
	stand->stages[0].version = stand->stages[1].version = 1;
	start(stand);
	mock_write(&stand->mock, NULL, REQUEST("r-1", "1"), NULL, NULL);
	expect_words(stand, "[20]");
	follow(stand, &second, &second_plan, 2, hundredfold);
	mock_write(&stand->mock, NULL, REQUEST("r-2", "1"), NULL, NULL);
	expect_words(stand, "[200]");
	cross(stand, 1, "late", INT_PAYLOAD(7));
	expect_words(stand, "[70]");
	cross(stand, 2, "present", INT_PAYLOAD(7));
	expect_words(stand, "[700]");
	/* Now there is no second stage: what is on its way there is still taken. */
	follow(stand, &third, &third_plan, 3, in_one);
	mock_write(&stand->mock, NULL, REQUEST("r-3", "1"), NULL, NULL);
	expect_words(stand, "[1000]");
	cross(stand, 2, "before", INT_PAYLOAD(8));
	expect_words(stand, "[800]");
	cross(stand, 1, "long before", INT_PAYLOAD(8));
	expect_words(stand, "[80]");
	assert_int_equal(stop(stand).answered, 7);
	planning_close(&second);
	planning_close(&third);
}

/* As when the only pipeline of a delivery goes, or gets another delivery. */
static void what_is_on_its_way_to_a_later_stage_is_taken_when_no_pipeline_is_left(void **state)
{
	static struct worker_setup nothing;
	struct stand *stand = *state;
	configure(stand, "  - {name: a, expression: {set: {x: x + 1}}}\n"
			 "  - {name: b, inputs: [a], isolate: true, expression: {set: {x: x * 10}}}\n"
			 "  output: {steps: [b]}\n");
	stand->config.transaction.id = NULL;
	stand->stages[0].version = stand->stages[1].version = 1;
	start(stand);
	mock_write(&stand->mock, NULL, REQUEST("r-1", "1"), NULL, NULL);
	expect_words(stand, "[20]");
	nothing = stand->config.setup;
	nothing.stage_count = 0;
	follow_setup_of(stand, &nothing);
	cross(stand, 1, "late", INT_PAYLOAD(7));
	expect_words(stand, "[70]");
	assert_int_equal(stop(stand).answered, 2);
}

static bool says_former(struct stage_counts *counts, const char *words)
{
	struct last_failure why;
	return count_read(&counts->former) == 1 && last_failure_read(&counts->former_why, &why) && strstr(why.text, words);
}

/* A request waits in the second stage for a model at a dead address. The next version needs a result that the request does not
 * have; the one after it has all. */
static void a_request_that_lacks_results_stays_and_is_counted(void **state)
{
	static const char other[] = "  - {name: c, expression: {set: {y: x * 2}}}\n"
				    "  - {name: m, inputs: [c], isolate: true}\n"
				    "  output: {steps: [m]}\n";
	static const char without_model[] = "  - {name: a, expression: {set: {y: x * 2}}}\n"
					    "  - {name: n, inputs: [a], isolate: true, expression: {set: {z: y + 1}, "
					    "drop: [x, y]}}\n"
					    "  output: {steps: [n]}\n";
	static const char words[] = "model `m` at http://127.0.0.1:1 of version 3, replaced at 20";
	static const struct model_address address = {
		.base = "http://127.0.0.1:1", .url = "http://127.0.0.1:1/v2/models/m/infer", .model = "m"};
	static const struct model_config dead = {.name = "m", .addresses = {1, &address}, .version = "version 3"};
	static struct stage_counts counts;
	struct stand *stand = *state;
	struct planning plannings[2];
	struct plan plans[2];
	int waited_ms = 0;
	configure(stand, "  - {name: a, expression: {set: {y: x * 2}}}\n"
			 "  - {name: m, inputs: [a], isolate: true}\n"
			 "  output: {steps: [m]}\n");
	counts = (struct stage_counts){0};
	stand->caller.model_count = stand->stages[1].own_model_count = 1;
	stand->caller.models = stand->stages[1].own_models = &dead;
	stand->stages[1].counts = &counts;
	start(stand);
	mock_write(&stand->mock, "key", REQUEST("r-1", "7"), NULL, NULL);
	for (; waited_ms < MOCK_WAIT_MS && count_read(&counts.sums.in_flight) == 0; waited_ms++)
		usleep(1000);
	follow(stand, &plannings[0], &plans[0], 2, other);
	for (; waited_ms < MOCK_WAIT_MS && !says_former(&counts, words); waited_ms++)
		usleep(1000);
	assert_in_range(waited_ms, 0, MOCK_WAIT_MS - 1);
	assert_int_equal(count_read(&counts.sums.in_flight), 1);
	follow(stand, &plannings[1], &plans[1], 3, without_model);
	assert_true(says(mock_read(&stand->mock), "[15]"));
	for (; waited_ms < MOCK_WAIT_MS && count_read(&counts.former) > 0; waited_ms++)
		usleep(1000);
	assert_int_equal(count_read(&counts.former), 0);
	assert_int_equal(stop(stand).answered, 1);
	for (int i = 0; i < 2; i++)
		planning_close(&plannings[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_answer_leaves_the_last_stage_as_its_request_came_to_the_first, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(each_later_stage_gets_the_results_that_it_reads_and_no_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(at_least_once_requests_cross_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_dead_letter_of_a_later_stage_holds_the_record_of_the_request, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_error_is_answered_where_it_is_known_and_goes_no_further, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_another_pipeline_answers_enters_under_its_id_and_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_answer_or_selects_nothing_goes_nowhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_end_of_a_submitted_request_is_no_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_called_pipeline_answers_inside_its_caller, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pipelines_that_call_each_other_without_an_end_are_answered_with_the_limit, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_no_stage_has_written_is_answered_as_a_fault, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_request_that_crosses_stays_in_the_version_in_which_it_began, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_on_its_way_to_a_later_stage_is_taken_when_no_pipeline_is_left, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_request_that_lacks_results_stays_and_is_counted, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
