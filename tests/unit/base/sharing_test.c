/* Pipelines that share a worker: each has its own way, its own limits and its own
 * versions; and what Kafka would not have is replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/unit/held_model.h"
#include "tests/unit/letters.h"
#include "tests/unit/worker_hold.h"
#include "tests/unit/worker_stand.h"

#define PRODUCE_KEY 0 /* of Kafka's protocol */

static const char doubles[] = "  - name: twice\n    expression: {set: {x: x * 2}}\n  output: {steps: [twice]}\n";
static const char triples[] = "  - name: thrice\n    expression: {set: {x: x * 3}}\n  output: {steps: [thrice]}\n";
static const char calls[] = "  - name: m\n  output: {steps: [m]}\n";
static const char calls_for_large[] = "  - name: m\n    when: x > 10\n"
				      "  - name: twice\n    when: x <= 10\n    expression: {set: {x: x * 2}}\n"
				      "  output: {steps: [m, twice], stepsJoin: any}\n";
static const char gives_no_answer[] = "  - name: twice\n    expression: {set: {x: x * 2}}\n";

static const char *const both_out[] = {"out", "out"};

static void pause_ms(long ms)
{
	const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&pause, NULL);
}

static void expect(struct stand *stand, const char *words)
{
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	if (!record_says(record, words))
		fail_msg("\"%s\" is not in: %.*s", words, (int)record->len, (const char *)record->payload);
}

static void expect_error(struct stand *stand, const char *kind, const char *words)
{
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	assert_non_null(record_header(record, "sluice-error"));
	assert_string_equal(record_header(record, "sluice-error"), kind);
	assert_true(record_says(record, words));
}

/* A model `m` that answers 7 when it is let. */
static void model_open(struct held_model *model, struct stand *stand)
{
	held_model_open(model, "m", 7);
	stand->caller.model_count = 1;
	stand->caller.models = &model->config;
}

/* ---- side by side ---- */

static void two_pipelines_share_a_worker(void **state)
{
	struct stand *stand = *state;
	stand_configure(stand, doubles);
	stand_configure_also(stand, triples);
	stand_start(stand);
	stand_ask(stand, "r-1", 21, NULL, NULL);
	expect(stand, "[42]");
	stand_ask_at(stand, "also", "key", "r-2", 21);
	expect(stand, "[63]");
	assert_int_equal(stand_stop(stand).answered, 2);
}

/* Each message of `p` takes long. Those of `q` are fetched behind them all, before any has begun. */
static void expect_turns(struct stand *stand, const char *hard_steps)
{
	enum { HARD = 12, EASY = 40 };
	size_t hard_before = 0, easy = 0;
	stand_configure(stand, hard_steps);
	stand_configure_also(stand, triples);
	worker_hold_start(stand);
	stand_ask(stand, "hard", 0, NULL, NULL);
	expect(stand, "hard");
	stand_ask_at(stand, "also", "key", "easy", 0);
	expect(stand, "easy");
	worker_hold_begin();
	for (int i = 0; i < HARD; i++)
		stand_ask(stand, "hard", i, NULL, NULL);
	worker_hold_until_fetched(HARD);
	for (int i = 0; i < EASY; i++)
		stand_ask_at(stand, "also", "key", "easy", i);
	worker_hold_until_fetched(HARD + EASY);
	worker_hold_end();
	for (size_t hard = 0; hard + easy < HARD + EASY;) {
		const rd_kafka_message_t *record = mock_read(&stand->mock);
		bool is_easy = record_says(record, "easy");
		easy += is_easy;
		hard += !is_easy;
		if (is_easy)
			hard_before = hard;
	}
	assert_in_range(hard_before, 0, HARD / 2);
	assert_int_equal(stand_stop(stand).answered, HARD + EASY + 2);
	worker_hold_close();
}

#define OF_8 "a: concat(x, x, x, x, x, x, x, x)\n        b: concat(a, a, a, a, a, a, a, a)\n"
#define OF_4096 OF_8 "        c: concat(b, b, b, b, b, b, b, b)\n        d: concat(c, c, c, c, c, c, c, c)\n"

/* 32,768 numbers are sorted again and again. */
static void a_pipeline_that_works_hard_gives_others_their_turns(void **state)
{
	expect_turns(*state, "  - name: hard\n    expression:\n      set:\n        " OF_4096
			     "        e: concat(d, d, d, d, d, d, d, d)\n"
			     "        y: sum(sort(e)) + sum(sort(e)) + sum(sort(e)) + sum(sort(e))\n      keep: [y]\n"
			     "  output: {steps: [hard]}\n");
}

/* 32,768 numbers go through so many operations, on one copy. */
static void operations_are_work_too(void **state)
{
	enum { OPERATIONS = 150 };
	char steps[16384];
	int length = snprintf(steps, sizeof steps, "%s",
			      "  - name: wide\n    expression:\n      set:\n        " OF_4096
			      "        e: concat(d, d, d, d, d, d, d, d)\n      keep: [e]\n"
			      "  - name: hard\n    inputs: [wide]\n    preprocess:\n    - cast: {tensor: e, to: FP64}\n");
	for (int i = 0; i < OPERATIONS; i++)
		length += snprintf(steps + length, sizeof steps - (size_t)length, "    - power: {tensor: e, lambdas: [0.99]}\n");
	(void)snprintf(steps + length, sizeof steps - (size_t)length, "%s",
		       "  - name: small\n    inputs: [hard]\n    expression: {set: {y: sum(e)}, keep: [y]}\n"
		       "  output: {steps: [small]}\n");
	expect_turns(*state, steps);
}

/* Far more than the stage may have in flight, and than it may have in hand. */
static void a_full_pipeline_holds_up_no_other_and_loses_nothing(void **state)
{
	enum { REQUESTS = 1500 };
	struct stand *stand = *state;
	struct stage_counts counts = {0};
	struct held_model model;
	stand_configure(stand, calls);
	stand_configure_also(stand, triples);
	model_open(&model, stand);
	stand->config.transaction.id = NULL;
	stand->stages[0].limits.in_flight = 5;
	stand->stages[0].counts = &counts;
	stand_start(stand);
	for (int i = 0; i < REQUESTS; i++) {
		char request[200];
		int length = snprintf(
			request, sizeof request,
			"{\"id\":\"r-%d.\",\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[1]}]}", i);
		assert_int_equal(rd_kafka_produce(stand->mock.in, 0, RD_KAFKA_MSG_F_COPY, request, (size_t)length, "k", 1, NULL),
				 0);
	}
	assert_int_equal(rd_kafka_flush(stand->mock.writer, MOCK_WAIT_MS), 0);
	for (int waited_ms = 0; count_read(&counts.sums.pauses) == 0; waited_ms += 10) {
		assert_true(waited_ms < MOCK_WAIT_MS);
		pause_ms(10);
	}
	assert_int_equal(count_read(&counts.sums.taken), 5);
	stand_ask_at(stand, "also", "key", "other", 21);
	expect(stand, "[63]");
	atomic_store(&model.open, true);
	for (int i = 0; i < REQUESTS; i++) {
		char id[20];
		snprintf(id, sizeof id, "\"r-%d.\"", i);
		expect(stand, id);
	}
	assert_int_equal(stand_stop(stand).answered, REQUESTS + 1);
	assert_int_equal(stand_committed(stand), REQUESTS);
	held_model_close(&model);
}

static void by_key_an_answer_waits_for_its_own_key_alone(void **state)
{
	struct stand *stand = *state;
	struct held_model model;
	stand_configure(stand, calls_for_large);
	model_open(&model, stand);
	stand->config.transaction.id = NULL;
	stand->stages[0].by_key = true;
	stand_start(stand);
	stand_ask_at(stand, "in", "a", "slow", 11);
	stand_ask_at(stand, "in", "a", "behind", 1);
	stand_ask_at(stand, "in", "b", "other", 2);
	stand_ask_at(stand, "in", NULL, "free", 3);
	expect(stand, "\"other\"");
	expect(stand, "\"free\"");
	atomic_store(&model.open, true);
	expect(stand, "\"slow\"");
	expect(stand, "\"behind\"");
	stand_stop(stand);
	assert_int_equal(stand_committed(stand), 4);
	held_model_close(&model);
}

/* ---- records that are none, and steps that are looked at ---- */

static void a_record_without_a_value_is_an_error_that_is_kept(void **state)
{
	struct stand *stand = *state;
	struct letter letter;
	stand_configure(stand, doubles);
	stand->config.setup.writes = (struct topic_list){2, both_out};
	stand->stages[0].dead_letters = 1;
	stand_start(stand);
	assert_int_equal(rd_kafka_produce(stand->mock.in, 0, RD_KAFKA_MSG_F_COPY, NULL, 0, "key", 3, NULL), 0);
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	letter_open(&letter, (struct text){record->payload, record->len});
	assert_string_equal(letter_kind(&letter), "INPUT");
	letter_close(&letter);
	expect_error(stand, "INPUT", "tombstone");
	stand_ask(stand, "good", 2, NULL, NULL);
	expect(stand, "\"good\"");
	stand_stop(stand);
}

static void without_output_what_the_last_steps_gave_leaves(void **state)
{
	struct stand *stand = *state;
	const struct step_topics leaf[] = {{TOPIC_NOWHERE, 0}};
	stand_configure(stand, gives_no_answer);
	stand->stages[0].answers = TOPIC_NOWHERE;
	stand->stages[0].steps = leaf;
	stand_start(stand);
	stand_ask(stand, "r", 21, NULL, NULL);
	expect(stand, "[42]");
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.released, 1);
	assert_int_equal(counts.answered, 0);
}

static void a_tap_is_told_what_a_step_was_sent_and_gave(void **state)
{
	struct stand *stand = *state;
	const struct step_taps taps[] = {{{0, 0}, 1}};
	stand_configure(stand, doubles);
	stand->config.setup.writes = (struct topic_list){1, (const char *const[]){"elsewhere"}};
	rd_kafka_mock_topic_create(stand->mock.cluster, "elsewhere", 1, 1);
	stand->config.setup.taps = (struct topic_list){1, mock_out};
	stand->stages[0].taps = taps;
	stand_start(stand);
	stand_ask(stand, "r", 21, NULL, NULL);
	expect(stand, "[21]");
	expect(stand, "[42]");
	assert_int_equal(stand_stop(stand).answered, 1);
}

static void a_model_is_told_of_for_a_share_of_its_calls(void **state)
{
	struct stand *stand = *state;
	struct held_model model;
	const struct model_taps all[] = {{"m", 100, {0, 0}}};
	stand_configure(stand, calls);
	model_open(&model, stand);
	atomic_store(&model.open, true);
	stand->config.setup.writes = (struct topic_list){1, (const char *const[]){"elsewhere"}};
	rd_kafka_mock_topic_create(stand->mock.cluster, "elsewhere", 1, 1);
	stand->config.setup.taps = (struct topic_list){1, mock_out};
	stand->stages[0].models = all;
	stand->stages[0].model_count = 1;
	stand_start(stand);
	stand_ask(stand, "r", 21, NULL, NULL);
	expect(stand, "[21]");
	expect(stand, "[7.0]");
	assert_int_equal(stand_stop(stand).answered, 1);
	held_model_close(&model);
}

/* A mirror that nothing serves: its error goes to the shadow topic with the request, and the answer is the candidate's. */
static void what_a_mirror_replies_goes_to_the_shadow_topic(void **state)
{
	static const char mirrored[] =
		"  - name: s\n    experiment: {candidates: [{name: m, weight: 1}], mirror: {name: gone, percent: "
		"100}}\n  output: {steps: [s]}\n";
	struct stand *stand = *state;
	struct held_model model;
	const void *header;
	size_t size;
	rd_kafka_headers_t *headers;
	stand_configure(stand, mirrored);
	model_open(&model, stand);
	atomic_store(&model.open, true);
	stand->config.setup.writes = (struct topic_list){1, (const char *const[]){"elsewhere"}};
	rd_kafka_mock_topic_create(stand->mock.cluster, "elsewhere", 1, 1);
	stand->config.setup.taps = (struct topic_list){1, mock_out};
	stand->stages[0].mirrors = true;
	stand_start(stand);
	stand_ask(stand, "r-1", 21, NULL, NULL);
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	assert_true(record_says(record, "gone"));
	assert_int_equal(rd_kafka_message_headers(record, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(rd_kafka_header_get_last(headers, "sluice-mirror", &header, &size), RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_non_null(strstr(header, "/s=gone; latency_ms="));
	assert_int_equal(rd_kafka_header_get_last(headers, "x-request-id", &header, &size), RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_true(size == 3 && memcmp(header, "r-1", 3) == 0);
	const struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.answered, 1);
	assert_int_equal(counts.copies, 1);
	held_model_close(&model);
}

/* ---- what Kafka refuses after it was taken into the producer's queue ---- */

/* The next batch that is produced is refused for its size. */
static void refuse_next_batch(struct stand *stand)
{
	rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE_KEY, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
}

/* Each record has a batch to itself, so that it is to blame. */
static void refused_is_answered_and_kept(struct stand *stand, const char *transactional_id)
{
	static struct batch_limit alone = {.bytes = 1};
	struct letter letter;
	stand_configure(stand, doubles);
	stand->config.transaction.id = transactional_id;
	stand->config.transaction.batches = &alone;
	stand->config.setup.writes = (struct topic_list){2, both_out};
	stand->stages[0].dead_letters = 1;
	stand_ask(stand, "large", 1, NULL, NULL);
	refuse_next_batch(stand);
	stand_start(stand);
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	letter_open(&letter, (struct text){record->payload, record->len});
	assert_string_equal(letter_kind(&letter), "LIMIT");
	assert_true(text_is(letter_text(&letter, "id"), "large"));
	letter_close(&letter);
	expect_error(stand, "LIMIT", "Kafka refused the answer");
	stand_ask(stand, "good", 2, NULL, NULL);
	expect(stand, "\"good\"");
	assert_int_equal(stand_stop(stand).refused, 1);
}

static void at_least_once_what_kafka_refuses_is_answered_as_a_limit(void **state)
{
	struct stand *stand = *state;
	refused_is_answered_and_kept(stand, NULL);
	assert_int_equal(stand_committed(stand), 2);
}

static void exactly_once_what_kafka_refuses_is_answered_as_a_limit(void **state)
{
	refused_is_answered_and_kept(*state, "test");
}

/* Kafka refuses batches: all of it is sent again, in smaller ones. */
static void of_a_batch_that_is_refused_nobody_is_to_blame(void **state)
{
	struct stand *stand = *state;
	stand_configure(stand, doubles);
	stand->config.transaction.id = NULL;
	stand_ask(stand, "small", 1, NULL, NULL);
	stand_ask(stand, "a-much-longer-name", 2, NULL, NULL);
	stand_ask(stand, "short", 3, NULL, NULL);
	refuse_next_batch(stand);
	stand_start(stand);
	expect(stand, "\"small\"");
	expect(stand, "\"a-much-longer-name\"");
	expect(stand, "\"short\"");
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.failed, 0);
	assert_int_equal(counts.resets, 1);
	assert_int_equal(stand_committed(stand), 3);
}

/* ---- reloading ---- */

static void wait_until_followed(const struct stand *stand, const struct worker_setup *setup)
{
	for (int waited_ms = 0; worker_follows(stand->running.worker) != setup; waited_ms += 10) {
		assert_true(waited_ms < MOCK_WAIT_MS);
		pause_ms(10);
	}
}

/* Those are its stages from now on, in another version. */
static void reload(struct stand *stand, struct stage_config *stages, struct worker_setup *setup)
{
	for (size_t i = 0; i < stand->config.setup.stage_count; i++)
		if (stages[i].graph != stand->stages[i].graph || stages[i].topic_count != stand->stages[i].topic_count)
			stages[i].version = 2;
	*setup = stand->config.setup;
	setup->stages = stages;
	worker_reload(stand->running.worker, setup);
	wait_until_followed(stand, setup);
}

static void what_is_in_flight_ends_as_it_began_when_its_pipeline_changes(void **state)
{
	struct stand *stand = *state;
	struct held_model model;
	struct planning planning;
	struct stage_config stages[STAND_STAGES];
	struct worker_setup setup;
	atomic_size_t users = 0;
	stand_configure(stand, calls);
	stand_configure_also(stand, triples);
	model_open(&model, stand);
	stand->config.transaction.id = NULL;
	stand->stages[0].by_key = true;
	stand->stages[0].users = stand->stages[1].users = &users;
	stand_start(stand);
	stand_ask_at(stand, "in", "a", "before", 1);
	stand_ask_at(stand, "also", "a", "other", 1);
	expect(stand, "\"other\"");
	planning_open_steps(&planning, doubles);
	memcpy(stages, stand->stages, sizeof stages);
	stages[0].graph = planning.graph;
	reload(stand, stages, &setup);
	stand_ask_at(stand, "in", "b", "after", 21);
	expect(stand, "[42]");
	assert_int_equal(users, 3); /* the old one, the new one, and the one that stayed */
	atomic_store(&model.open, true);
	expect(stand, "\"before\"");
	for (int waited_ms = 0; atomic_load(&users) != 2; waited_ms += 10) {
		assert_true(waited_ms < MOCK_WAIT_MS);
		stand_ask_at(stand, "also", "a", "turn", 1); /* the worker is awake, and looks */
		expect(stand, "\"turn\"");
		pause_ms(10);
	}
	stand_stop(stand);
	assert_int_equal(users, 0);
	assert_int_equal(stand_committed(stand), 2);
	planning_close(&planning);
	held_model_close(&model);
}

/* Nothing of the two stages has changed. The memory of their first revision can be freed when the second has all. A key keeps
 * its order. */
static void what_is_renewed_is_opened_again_and_loses_nothing(void **state)
{
	struct stand *stand = *state;
	struct held_model model;
	struct stage_config stages[STAND_STAGES];
	struct worker_setup setup;
	atomic_size_t users = 0, later = 0;
	stand_configure(stand, calls);
	stand_configure_also(stand, triples);
	model_open(&model, stand);
	stand->config.transaction.id = NULL;
	stand->stages[0].by_key = true;
	for (size_t i = 0; i < 2; i++) {
		stand->stages[i].users = &users;
		stand->stages[i].revision = 1;
		stand->stages[i].changelog = TOPIC_NOWHERE;
	}
	stand_start(stand);
	stand_ask_at(stand, "in", "a", "before", 1);
	while (atomic_load(&model.called) == 0)
		pause_ms(10);
	memcpy(stages, stand->stages, sizeof stages);
	for (size_t i = 0; i < 2; i++) {
		stages[i].users = &later;
		stages[i].revision = 2;
	}
	stand->config.setup.renewed = 2;
	reload(stand, stages, &setup);
	assert_int_equal(later, 2);
	stand_ask_at(stand, "in", "a", "after", 1);
	atomic_store(&model.open, true);
	expect(stand, "\"before\"");
	expect(stand, "\"after\"");
	for (int waited_ms = 0; atomic_load(&users) != 0; waited_ms += 10) {
		assert_true(waited_ms < MOCK_WAIT_MS);
		stand_ask_at(stand, "also", "a", "turn", 1); /* the worker is awake, and looks */
		expect(stand, "\"turn\"");
		pause_ms(10);
	}
	stand_stop(stand);
	assert_int_equal(later, 0);
	assert_int_equal(stand_committed(stand), 2);
	held_model_close(&model);
}

/* Of the two topics of a full stage one is read by another from now on. */
static void what_a_full_stage_has_in_hand_goes_to_whoever_reads_its_topic_now(void **state)
{
	static const char *const topics[] = {"in", "also", "third"};
	static const uint32_t numbers[] = {0, 1, 2};
	static struct position assigned[] = {{0, 0, OFFSET_NONE}, {1, 0, OFFSET_NONE}, {2, 0, OFFSET_NONE}};
	struct stand *stand = *state;
	struct held_model model;
	struct planning planning;
	struct stage_config stages[STAND_STAGES];
	struct worker_setup setup;
	stand_configure(stand, calls);
	stand_configure_also(stand, triples);
	model_open(&model, stand);
	assert_int_equal(rd_kafka_mock_topic_create(stand->mock.cluster, "third", 1, 1), 0);
	stand->config.transaction.id = NULL;
	stand->config.setup.reads = (struct topic_list){3, topics};
	stand->config.consumer.assigned = (struct positions){3, assigned};
	stand->stages[0].topic_count = 2;
	stand->stages[0].topics = numbers;
	stand->stages[0].limits.in_flight = 1;
	stand->stages[1].topics = &numbers[2];
	stand_start(stand);
	stand_ask_at(stand, "in", "a", "held", 1);
	while (atomic_load(&model.called) == 0)
		pause_ms(10);
	stand_ask_at(stand, "also", "a", "also", 1);
	pause_ms(300); /* so long it takes to be in hand; else it comes by itself */
	planning_open_steps(&planning, doubles);
	memcpy(stages, stand->stages, sizeof stages);
	stages[0].graph = planning.graph;
	stages[0].topic_count = 1;
	stages[1].topic_count = 2;
	stages[1].topics = &numbers[1];
	reload(stand, stages, &setup);
	expect(stand, "[3]");
	atomic_store(&model.open, true);
	expect(stand, "\"held\"");
	assert_int_equal(stand_stop(stand).answered, 2);
	planning_close(&planning);
	held_model_close(&model);
}

static void a_pipeline_that_is_new_begins_to_read_and_one_that_is_gone_ends(void **state)
{
	struct stand *stand = *state;
	stand_configure(stand, doubles);
	stand_configure_also(stand, triples);
	struct worker_setup both = stand->config.setup, second = both;
	stand->config.setup.reads.count = stand->config.setup.stage_count = 1;
	stand->config.consumer.assigned.count = 1;
	stand->config.transaction.id = NULL;
	stand_start(stand);
	stand_ask(stand, "r-1", 1, NULL, NULL);
	expect(stand, "\"r-1\"");
	worker_reload(stand->running.worker, &both);
	stand_ask_at(stand, "also", "key", "r-2", 21);
	expect(stand, "[63]");
	second.stages = &stand->stages[1];
	second.stage_count = 1;
	worker_reload(stand->running.worker, &second);
	wait_until_followed(stand, &second);
	stand_ask(stand, "left", 1, NULL, NULL);
	stand_ask_at(stand, "also", "key", "r-3", 21);
	expect(stand, "\"r-3\"");
	assert_int_equal(stand_stop(stand).answered, 3);
	assert_int_equal(stand_committed(stand), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(two_pipelines_share_a_worker),
		STORY(a_pipeline_that_works_hard_gives_others_their_turns),
		STORY(operations_are_work_too),
		STORY(a_full_pipeline_holds_up_no_other_and_loses_nothing),
		STORY(by_key_an_answer_waits_for_its_own_key_alone),
		STORY(a_record_without_a_value_is_an_error_that_is_kept),
		STORY(without_output_what_the_last_steps_gave_leaves),
		STORY(a_tap_is_told_what_a_step_was_sent_and_gave),
		STORY(a_model_is_told_of_for_a_share_of_its_calls),
		STORY(what_a_mirror_replies_goes_to_the_shadow_topic),
		STORY(at_least_once_what_kafka_refuses_is_answered_as_a_limit),
		STORY(exactly_once_what_kafka_refuses_is_answered_as_a_limit),
		STORY(of_a_batch_that_is_refused_nobody_is_to_blame),
		STORY(what_is_in_flight_ends_as_it_began_when_its_pipeline_changes),
		STORY(what_is_renewed_is_opened_again_and_loses_nothing),
		STORY(what_a_full_stage_has_in_hand_goes_to_whoever_reads_its_topic_now),
		STORY(a_pipeline_that_is_new_begins_to_read_and_one_that_is_gone_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
