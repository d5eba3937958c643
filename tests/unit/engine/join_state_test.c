/* join_state_test.c: Tests of a worker that joins the answers of other pipelines to one request: parts
 * wait in its state, also after its end. On librdkafka's mock of a broker, so at
 * least once; a crash is the end of a worker whose commits are lost (tests/kafka kills engines
 * on a real Kafka). The worker runs in a thread of its own, as in an engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/planning.h"
#include "tests/unit/running.h"
#include "engine/worker/worker.h"

#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"

static const char *const reads[] = {"in", "given-x", "given-y", "gathered"};
static const char *const writes[] = {"out", "gathered", "state"};
static const uint32_t first_topics[] = {0, 1, 2}, second_topics[] = {3}, next[] = {1};
static const struct stage_point points[] = {{.point = POINT_OWN}, {.point = 0}, {.point = 1}};
static struct position assigned[] = {{0, 0, OFFSET_NONE}, {1, 0, OFFSET_NONE}, {2, 0, OFFSET_NONE}, {3, 0, OFFSET_NONE}};

struct stand {
	struct mock mock;
	struct planning planning;
	struct plan plan;
	struct caller_config caller;
	struct stage_config stages[2];
	struct stage_counts counts[2];
	struct worker_config config;
	struct running running;
};

/* It reads the outputs of x and of y, and gives s: the sum of what came. */
static void configure(struct stand *stand, const char *join)
{
	struct arena *arena = arena_open((size_t)1 << 20);
	planning_open(&stand->planning,
		      arena_print(arena,
				  HEAD
				  "  - {name: a, expression: {set: {s: '(x ?? 0) + (y ?? 0)'}}}\n  output: {steps: [a.outputs.s]}\n"
				  "  input: {externalInputs: [x.outputs.x, y.outputs.y], %s}\n",
				  join));
	planning_plan(&stand->planning, NULL, &stand->plan);
	assert_int_equal(planning_errors(&stand->planning), 0);
	arena_close(arena);
	const struct pipeline_plan *plan = &stand->plan.pipelines[0];
	assert_int_equal(plan->stage_count, 2);
	const struct external_input *external_input = external_input_make(plan->graph, stand->planning.arena);
	stand->caller = (struct caller_config){.request_bytes = 1 << 20, .reply_bytes = 1 << 20};
	stand->stages[0] = (struct stage_config){.name = "p",
						 .graph = plan->stages[0].graph,
						 .caller = &stand->caller,
						 .topic_count = 3,
						 .topics = first_topics,
						 .next = next,
						 .external_input = external_input,
						 .points = points,
						 .dead_letters = TOPIC_NOWHERE,
						 .changelog = TOPIC_NOWHERE};
	stand->stages[1] = (struct stage_config){.name = "p inputs",
						 .graph = plan->stages[1].graph,
						 .caller = &stand->caller,
						 .topic_count = 1,
						 .topics = second_topics,
						 .external_input = external_input,
						 .own = 1,
						 .dead_letters = TOPIC_NOWHERE,
						 .changelog = 2};
	memset(stand->counts, 0, sizeof stand->counts);
	for (size_t i = 0; i < 2; i++)
		stand->stages[i].counts = &stand->counts[i];
	stand->config = (struct worker_config){
		.consumer = {.brokers = stand->mock.brokers, .group = "test", .assigned = {4, assigned}, .properties = mock_quick},
		.transaction = {.brokers = stand->mock.brokers, .properties = mock_quick},
		.setup = {.reads = {4, reads}, .writes = {3, writes}, .stage_count = 2, .stages = stand->stages},
		.limits = worker_limits_usual,
		.partition_state = {.bytes_max = 1 << 20},
	};
}

static void start(struct stand *stand, const char *join)
{
	configure(stand, join);
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
	for (size_t i = 1; i < 4; i++)
		assert_int_equal(rd_kafka_mock_topic_create(stand.mock.cluster, reads[i], 1, 1), 0);
	assert_int_equal(rd_kafka_mock_topic_create(stand.mock.cluster, "state", 1, 1), 0);
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

static void give_answer(struct stand *stand, char from, char *answer, size_t length)
{
	char topic[] = "given-x";
	topic[6] = from;
	assert_int_equal(rd_kafka_producev(stand->mock.writer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY("k", 1),
					   RD_KAFKA_V_VALUE(answer, length), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
					   RD_KAFKA_V_END),
			 RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* Pipeline `from` (x or y) answers request `id` with that number. */
static void give(struct stand *stand, char from, const char *id, int number)
{
	char answer[200];
	int length =
		snprintf(answer, sizeof answer,
			 "{\"model_name\":\"m\",\"id\":\"%s\",\"outputs\":[{\"name\":\"%c\",\"shape\":[1],\"datatype\":\"INT32\","
			 "\"data\":[%d]}]}",
			 id, from, number);
	give_answer(stand, from, answer, (size_t)length);
}

static void expect(struct stand *stand, const char *id, const char *words)
{
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	char text[1000];
	snprintf(text, sizeof text, "%.*s", (int)answer->len, (const char *)answer->payload);
	size_t key_length = answer->key_len;
	if (!strstr(text, id) || !strstr(text, words))
		fail_msg("`%s` does not say `%s` to `%s`", text, words, id);
	assert_int_equal(key_length, 1); /* that of the first part */
}

/* So many records have left the stage that joins. */
static void wait_until_joined(struct stand *stand, uint64_t records)
{
	const struct timespec pause = {0, 10000000};
	for (int waited_ms = 0; count_read(&stand->counts[1].sums.released) < records; waited_ms += 10) {
		assert_in_range(waited_ms, 0, MOCK_WAIT_MS);
		nanosleep(&pause, NULL);
	}
}

static void commit_of(struct stand *stand, const char *group, const char *topic, int64_t offset)
{
	rd_kafka_conf_t *settings = rd_kafka_conf_new();
	char why[200];
	assert_int_equal(rd_kafka_conf_set(settings, "bootstrap.servers", stand->mock.brokers, why, sizeof why), RD_KAFKA_CONF_OK);
	assert_int_equal(rd_kafka_conf_set(settings, "group.id", group, why, sizeof why), RD_KAFKA_CONF_OK);
	rd_kafka_t *member = rd_kafka_new(RD_KAFKA_CONSUMER, settings, why, sizeof why);
	assert_non_null(member);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, topic, 0)->offset = offset;
	rd_kafka_resp_err_t code = rd_kafka_commit(member, list, 0);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(member);
	assert_int_equal(code, RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* As if the engine had died behind what it wrote, before the group heard how far it had come. */
static void lose_commits(struct stand *stand, int64_t committed)
{
	commit_of(stand, "test", "gathered", committed);
}

/* ---- what stories begin with, and go on with ---- */

/* Of any, what comes first of r-1 is of y. */
static void start_and_take_y(struct stand *stand)
{
	start(stand, "joinType: any");
	give(stand, 'y', "r-1", 10);
	expect(stand, "r-1", "[10]");
}

/* What x then gives of it is of no use; what it gives of r-2 is the first. */
static void leave_x_and_take_the_next(struct stand *stand)
{
	give(stand, 'x', "r-1", 1);
	give(stand, 'x', "r-2", 2);
	expect(stand, "r-2", "[2]");
}

/* What was joined is not there any more: r-1 is another request. */
static void expect_nothing_waits(struct stand *stand)
{
	start(stand, "joinType: inner");
	give(stand, 'y', "r-1", 20);
	give(stand, 'x', "r-1", 2);
	expect(stand, "r-1", "[22]");
	assert_int_equal(stop(stand).answered, 1);
}

/* ---- the stories ---- */

static void parts_of_one_request_are_joined_by_its_id(void **state)
{
	struct stand *stand = *state;
	start(stand, "joinType: inner");
	give(stand, 'x', "r-1", 1);
	give(stand, 'x', "r-2", 2);
	give(stand, 'y', "r-2", 20);
	expect(stand, "r-2", "[22]");
	give(stand, 'y', "r-1", 10);
	expect(stand, "r-1", "[11]");
	struct worker_counts counts = stop(stand);
	assert_int_equal(counts.answered, 2);
	assert_int_equal(counts.released, 8); /* each of four crossed */
}

static void a_part_waits_over_the_end_of_its_worker(void **state)
{
	struct stand *stand = *state;
	start(stand, "joinType: inner");
	give(stand, 'x', "r-1", 1);
	wait_until_joined(stand, 1);
	assert_int_equal(stop(stand).released, 2);
	start(stand, "joinType: inner");
	give(stand, 'y', "r-1", 10);
	expect(stand, "r-1", "[11]");
	assert_int_equal(stop(stand).answered, 1);
	expect_nothing_waits(stand);
}

static void any_takes_the_first_and_remembers_that(void **state)
{
	struct stand *stand = *state;
	start_and_take_y(stand);
	assert_int_equal(stop(stand).answered, 1);
	start(stand, "joinType: any");
	leave_x_and_take_the_next(stand);
	assert_int_equal(stop(stand).answered, 1);
}

static void an_outer_join_goes_on_with_what_there_is_when_its_window_closes(void **state)
{
	struct stand *stand = *state;
	start(stand, "joinType: outer, joinWindowMs: 1500");
	give(stand, 'x', "r-1", 1);
	expect(stand, "r-1", "[1]");
	give(stand, 'y', "r-1", 10);
	give(stand, 'x', "r-2", 2);
	give(stand, 'y', "r-2", 20);
	expect(stand, "r-2", "[22]");
	assert_int_equal(stop(stand).answered, 2);
}

/* ---- sources that are behind ---- */

#define WINDOW_300 "joinWindowMs: 300"
static const struct upstream_link source = {"source", "asked"};

/* A request that the group `source` has not come to, as when its model is away, or it has no member. */
static void ask_source(struct stand *stand)
{
	assert_int_equal(rd_kafka_mock_topic_create(stand->mock.cluster, "asked", 1, 1), 0);
	mock_append(&stand->mock, "asked", (struct text){0}, TEXT("x"));
}

static void start_behind_source(struct stand *stand, const char *join)
{
	configure(stand, join);
	stand->stages[1].upstream = (struct upstream_chain){1, &source};
	running_start(&stand->running, &stand->config);
}

/* However long the worker took to begin: so many have left, and for four windows no more. */
static void expect_no_word(struct stand *stand, uint64_t released)
{
	const struct timespec windows = {1, 200000000};
	wait_until_joined(stand, released);
	nanosleep(&windows, NULL);
	assert_int_equal(count_read(&stand->counts[1].sums.released), released);
}

/* What it waits for, for `top`. */
static void wait_until_said(struct stand *stand)
{
	const struct timespec pause = {0, 10000000};
	for (int waited_ms = 0; !atomic_load(&stand->counts[1].waits_for); waited_ms += 10) {
		assert_in_range(waited_ms, 0, MOCK_WAIT_MS);
		nanosleep(&pause, NULL);
	}
}

static void the_window_of_an_inner_join_stands_still_while_a_source_is_behind(void **state)
{
	struct stand *stand = *state;
	ask_source(stand);
	start_behind_source(stand, "joinType: inner, " WINDOW_300);
	give(stand, 'x', "r-1", 1);
	expect_no_word(stand, 1);
	wait_until_said(stand);
	give(stand, 'y', "r-1", 10);
	expect(stand, "r-1", "[11]");
	assert_int_equal(stop(stand).failed, 0);
}

static void it_stands_still_over_the_end_of_its_worker(void **state)
{
	struct stand *stand = *state;
	ask_source(stand);
	start_behind_source(stand, "joinType: inner, " WINDOW_300);
	give(stand, 'x', "r-1", 1);
	expect_no_word(stand, 1);
	stop(stand);
	start_behind_source(stand, "joinType: inner, " WINDOW_300);
	wait_until_said(stand); /* the part is back, and its window is due */
	expect_no_word(stand, 0);
	give(stand, 'y', "r-1", 10);
	expect(stand, "r-1", "[11]");
	assert_int_equal(stop(stand).failed, 0);
}

static void it_closes_when_the_source_has_passed_what_it_had(void **state)
{
	struct stand *stand = *state;
	ask_source(stand);
	start_behind_source(stand, "joinType: inner, " WINDOW_300);
	give(stand, 'x', "r-1", 1);
	expect_no_word(stand, 1);
	commit_of(stand, "source", "asked", 1);
	wait_until_joined(stand, 2); /* the part, and word that the window has closed */
	assert_null(atomic_load(&stand->counts[1].waits_for));
	give(stand, 'y', "r-1", 10);
	expect(stand, "", "raise joinWindowMs");
	assert_int_equal(stop(stand).failed, 1);
}

static void an_outer_join_keeps_its_window_while_a_source_is_behind(void **state)
{
	struct stand *stand = *state;
	ask_source(stand);
	start_behind_source(stand, "joinType: outer, " WINDOW_300);
	give(stand, 'x', "r-1", 1);
	expect(stand, "r-1", "[1]");
	assert_int_equal(stop(stand).failed, 0);
}

/* ---- a full queue ---- */

#define WORDS 1 /* of `writes`: where the stage that joins tells itself of windows */

static struct {
	const struct output_operations *usual;
	struct output_operations ours;
	atomic_bool full;
	atomic_int tries; /* while it was */
} queue;

static enum produce_verdict produce_unless_full(struct output *output, const struct outgoing *record, struct error *error)
{
	if (record->topic != WORDS || !record->beside_origin || !atomic_load(&queue.full))
		return queue.usual->produce(output, record, error);
	atomic_fetch_add(&queue.tries, 1);
	return PRODUCE_FULL;
}

static struct output *open_output(void *context, struct loop *loop, const struct transaction_config *config,
				  const struct consumer *consumer, struct error *error)
{
	struct output *output = worker_platform_usual.output_open(context, loop, config, consumer, error);
	queue.usual = output->operations;
	queue.ours = *output->operations;
	queue.ours.produce = produce_unless_full;
	output->operations = &queue.ours;
	return output;
}

static void a_window_that_cannot_be_told_of_is_tried_again_a_thousand_times_a_second_at_most(void **state)
{
	const struct timespec moment = {0, 1000000}, while_full = {0, 300000000};
	struct stand *stand = *state;
	struct worker_platform platform = worker_platform_usual;
	platform.output_open = open_output;
	atomic_store(&queue.full, true);
	atomic_store(&queue.tries, 0);
	configure(stand, "joinType: outer, joinWindowMs: 100");
	stand->config.platform = &platform;
	running_start(&stand->running, &stand->config);
	give(stand, 'x', "r-1", 1);
	for (int waited_ms = 0; atomic_load(&queue.tries) == 0; waited_ms++) {
		assert_in_range(waited_ms, 0, MOCK_WAIT_MS);
		(void)nanosleep(&moment, NULL);
	}
	int64_t began_ms = clock_ms();
	int before = atomic_load(&queue.tries);
	(void)nanosleep(&while_full, NULL);
	int tries = atomic_load(&queue.tries) - before;
	assert_in_range(tries, 1, clock_ms() - began_ms + 1);
	atomic_store(&queue.full, false);
	expect(stand, "r-1", "[1]");
	assert_int_equal(stop(stand).answered, 1);
}

static void what_comes_too_late_for_an_inner_join_is_answered_with_the_limit(void **state)
{
	struct stand *stand = *state;
	start(stand, "joinType: inner, joinWindowMs: 300");
	give(stand, 'x', "r-1", 1);
	wait_until_joined(stand, 2); /* the part, and word that the window has closed */
	give(stand, 'y', "r-1", 10);
	expect(stand, "", "raise joinWindowMs");
	assert_int_equal(stop(stand).failed, 1);
}

/* The parts were there before the commit, or come again with the record that joins them. */
static void what_was_joined_is_joined_again_when_its_commit_is_lost(void **state)
{
	struct stand *stand = *state;
	for (int64_t committed = 2; committed-- > 0;) {
		start(stand, "joinType: inner");
		if (committed == 1) {
			give(stand, 'x', "r-1", 1);
			wait_until_joined(stand, 1);
			give(stand, 'y', "r-1", 10);
		}
		expect(stand, "r-1", "[11]");
		assert_int_equal(stop(stand).answered, 1);
		lose_commits(stand, committed);
	}
	start(stand, "joinType: inner");
	expect(stand, "r-1", "[11]");
	/* All that is committed now is forgotten. */
	assert_int_equal(stop(stand).answered, 1);
	expect_nothing_waits(stand);
}

static void the_first_of_any_is_first_again_when_its_commit_is_lost(void **state)
{
	struct stand *stand = *state;
	start_and_take_y(stand);
	(void)stop(stand);
	lose_commits(stand, 0);
	start(stand, "joinType: any");
	expect(stand, "r-1", "[10]");
	leave_x_and_take_the_next(stand);
	assert_int_equal(stop(stand).answered, 2);
}

/* That the first went on is known until those for which it is of use are committed. */
static void what_any_had_no_use_for_is_of_no_use_again_when_its_commit_is_lost(void **state)
{
	struct stand *stand = *state;
	start_and_take_y(stand);
	leave_x_and_take_the_next(stand);
	assert_int_equal(stop(stand).answered, 2);
	lose_commits(stand, 1);
	start(stand, "joinType: any");
	expect(stand, "r-2", "[2]");
	/* All had come: the next of that name is another request. */
	give(stand, 'x', "r-1", 3);
	expect(stand, "r-1", "[3]");
	assert_int_equal(stop(stand).answered, 2);
}

static void a_window_that_closed_closes_again_when_its_commit_is_lost(void **state)
{
	struct stand *stand = *state;
	start(stand, "joinType: outer, joinWindowMs: 500");
	give(stand, 'x', "r-1", 1);
	expect(stand, "r-1", "[1]");
	(void)stop(stand);
	lose_commits(stand, 1);
	start(stand, "joinType: outer, joinWindowMs: 3600000");
	expect(stand, "r-1", "[1]");
	assert_int_equal(stop(stand).answered, 1);
}

/* The mark of what went on before the crash would say that it did. */
static void what_comes_of_a_record_that_is_taken_again_replaces_what_came_of_it_before(void **state)
{
	struct stand *stand = *state;
	start_and_take_y(stand);
	(void)stop(stand);
	lose_commits(stand, 0);
	start(stand, "joinType: inner");
	wait_until_joined(stand, 1);
	assert_int_equal(stop(stand).answered, 0);
	start(stand, "joinType: inner");
	give(stand, 'x', "r-1", 1);
	expect(stand, "r-1", "[11]");
	assert_int_equal(stop(stand).answered, 1);
}

#define JOINED 8
#define COMMIT_MS 200

/* Each waits for a commit of its own, for two are more than may wait. */
static void what_waits_for_a_commit_is_bounded_by_what_a_stage_may_hold(void **state)
{
	struct stand *stand = *state;
	struct timespec began, ended;
	char id[16];
	configure(stand, "joinType: inner");
	stand->stages[1].limits.held_bytes = 300;
	stand->config.limits.commit_ms = COMMIT_MS;
	clock_gettime(CLOCK_MONOTONIC, &began);
	running_start(&stand->running, &stand->config);
	for (int i = 0; i < JOINED; i++) {
		snprintf(id, sizeof id, "r-%d", i);
		give(stand, 'x', id, i);
		give(stand, 'y', id, 10);
	}
	for (int i = 0; i < JOINED; i++)
		expect(stand, "r-", "outputs");
	clock_gettime(CLOCK_MONOTONIC, &ended);
	assert_int_equal(stop(stand).answered, JOINED);
	int64_t took_ms = (ended.tv_sec - began.tv_sec) * 1000 + (ended.tv_nsec - began.tv_nsec) / 1000000;
	assert_true(took_ms >= (JOINED - 1) * COMMIT_MS);
}

/* What waited is copied beside the record that joins it: its size is not that of a part alone. */
static void parts_that_fit_alone_and_not_together_are_answered_with_the_limit(void **state)
{
	struct stand *stand = *state;
	static char answer[40000];
	memset(answer, ' ', sizeof answer);
	static const char body[] = "{\"model_name\":\"m\",\"id\":\"r-1\",\"outputs\":[{\"name\":\"x\",\"shape\":[1],"
				   "\"datatype\":\"INT32\",\"data\":[1]}]}";
	memcpy(answer, body, sizeof body - 1);
	configure(stand, "joinType: inner");
	stand->config.limits.message_bytes = 20000;
	running_start(&stand->running, &stand->config);
	give_answer(stand, 'x', answer, sizeof answer);
	wait_until_joined(stand, 1);
	give(stand, 'y', "r-1", 10);
	expect(stand, "", "putting together what came of a request");
	give(stand, 'x', "r-2", 2);
	give(stand, 'y', "r-2", 20);
	expect(stand, "r-2", "[22]");
	assert_int_equal(stop(stand).failed, 1);
}

/* Until an answer says that; those before it do not matter. */
static void read_until(struct stand *stand, const char *words)
{
	for (bool said = false; !said;) {
		const rd_kafka_message_t *answer = mock_read(&stand->mock);
		said = memmem(answer->payload, answer->len, words, strlen(words)) != NULL;
	}
}

static void waiting_parts_count_against_the_state_of_their_partition(void **state)
{
	struct stand *stand = *state;
	configure(stand, "joinType: inner");
	stand->config.partition_state.bytes_max = 40000; /* a part takes a few hundred */
	running_start(&stand->running, &stand->config);
	for (int i = 0; i < 200; i++) {
		char id[16];
		snprintf(id, sizeof id, "r-%d", i);
		give(stand, 'x', id, i + 1);
	}
	expect(stand, "", "cannot keep more state: its stage has 40000 bytes");
	wait_until_joined(stand, 200);
	give(stand, 'y', "r-1", 10); /* it completes a request, so it need not be kept */
	read_until(stand, "[12]");
	assert_in_range(stop(stand).failed, 1, 199);
	start(stand, "joinType: inner"); /* with more memory */
	give(stand, 'y', "r-0", 10);
	read_until(stand, "[11]");
	assert_int_equal(stop(stand).answered, 1);
}

#define SHOWS(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOWS(the_window_of_an_inner_join_stands_still_while_a_source_is_behind),
		SHOWS(it_stands_still_over_the_end_of_its_worker),
		SHOWS(it_closes_when_the_source_has_passed_what_it_had),
		SHOWS(an_outer_join_keeps_its_window_while_a_source_is_behind),
		SHOWS(parts_of_one_request_are_joined_by_its_id),
		SHOWS(a_part_waits_over_the_end_of_its_worker),
		SHOWS(any_takes_the_first_and_remembers_that),
		SHOWS(an_outer_join_goes_on_with_what_there_is_when_its_window_closes),
		SHOWS(a_window_that_cannot_be_told_of_is_tried_again_a_thousand_times_a_second_at_most),
		SHOWS(what_comes_too_late_for_an_inner_join_is_answered_with_the_limit),
		SHOWS(what_was_joined_is_joined_again_when_its_commit_is_lost),
		SHOWS(the_first_of_any_is_first_again_when_its_commit_is_lost),
		SHOWS(what_any_had_no_use_for_is_of_no_use_again_when_its_commit_is_lost),
		SHOWS(a_window_that_closed_closes_again_when_its_commit_is_lost),
		SHOWS(what_comes_of_a_record_that_is_taken_again_replaces_what_came_of_it_before),
		SHOWS(what_waits_for_a_commit_is_bounded_by_what_a_stage_may_hold),
		SHOWS(parts_that_fit_alone_and_not_together_are_answered_with_the_limit),
		SHOWS(waiting_parts_count_against_the_state_of_their_partition),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
