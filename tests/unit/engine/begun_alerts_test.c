/* begun_alerts_test.c: Tests of the records by which messages begin alerts: they leave with the answers, to the feed, which is the
 * topic of the answers here (tests/unit/worker_stand.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/conditions/alert_record.h"
#include "compiler/conditions/alert_feed.h"
#include "tests/unit/worker_stand.h"
#include "engine/outputs/begun_alerts.h"
#include "engine/worker/parts.h"

#define STEPS(alert)                                                                                                               \
	"  - {name: s, expression: {set: {y: x * 2}}}\n  output: {steps: [s]}\n"                                                   \
	"  alerts: [{name: large, condition: y > 100, " alert "actions: [{type: topic}]}]\n"

static struct stage_alert alert;
static struct alert_counts counts;
static struct alert_counts *const all_counts[] = {&counts};
static struct arena *arena;
static struct alert_message begins;

static int open_all(void **state)
{
	begins = (struct alert_message){.status = "firing",
					.namespace = TEXT("default"),
					.pipeline = TEXT("p"),
					.alert = TEXT("large"),
					.condition = TEXT("y > 100"),
					.engine = TEXT("one"),
					.is_shared = true};
	arena = arena_open((size_t)8 << 20);
	return arena && stand_open(state) == 0 ? 0 : -1;
}

static int close_all(void **state)
{
	const int result = stand_close(state);
	judged_groups_close(counts.groups);
	counts.groups = NULL;
	arena_close(arena);
	return result;
}

/* A pipeline with that alert, which begins each `every_ms`. */
static void alert_configure(struct stand *stand, const char *steps, int64_t every_ms)
{
	stand_configure(stand, steps);
	const struct graph *graph = stand->stages[0].graph;
	const struct alert_spec *spec = graph->spec->alerts.items;
	const struct alert_sources sources = graph_figures(graph);
	alert = (struct stage_alert){.name = "large", .group_by = spec->group_by, .keep_ms = 60000, .begins = &begins};
	alert.begins_every_ms = every_ms;
	assert_true(alert_condition_make(&alert.condition, spec->condition, &sources, arena));
	memset(&counts, 0, sizeof counts);
	counts.groups = judged_groups_open();
	stand->stages[0].alert_count = 1;
	stand->stages[0].alerts = &alert;
	stand->stages[0].alert_counts = all_counts;
}

/* The next record is an answer with these words. */
static void expect_answer(struct stand *stand, const char *words)
{
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	assert_true(record_says(record, words));
}

/* The next record begins the alert for that group. Returns when that fired. */
static int64_t expect_beginning(struct stand *stand, const char *group)
{
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	const struct text key = {record->key, record->key_len}, value = {record->payload, record->len};
	struct error error = {0};
	struct alert_read read;
	char expected[ALERT_KEY_BYTES];
	assert_true(alert_key_kind(key) == ALERT_KEY_BEGINNING);
	assert_true(alert_record_is(value) && alert_record_decode(value, &read, &error));
	assert_true(read.fires && text_is(read.alert, "large") && text_is(read.engine, "one") && text_is(read.group, group));
	struct alert_message names = begins;
	names.group = read.group;
	names.fired_at_ms = read.fired_at_ms;
	alert_beginning_key(&names, expected);
	assert_true(text_is(key, expected));
	return read.fired_at_ms;
}

static void a_message_that_meets_the_condition_leaves_a_record_with_its_answer(void **state)
{
	struct stand *stand = *state;
	alert_configure(stand, STEPS(""), 3600000);
	stand_ask(stand, "a", 10, NULL, NULL);
	stand_ask(stand, "b", 60, NULL, NULL);
	stand_ask(stand, "c", 70, NULL, NULL); /* it fires already */
	stand_start(stand);
	expect_answer(stand, "\"a\"");
	const int64_t fired_ms = expect_beginning(stand, "");
	expect_answer(stand, "\"b\"");
	expect_answer(stand, "\"c\"");
	assert_int_equal(atomic_load(&counts.first_ms), fired_ms);
	(void)stand_stop(stand);
	/* As after a kill, because this Kafka forgets the offsets of transactions. */
	stand_start(stand);
	expect_answer(stand, "\"a\"");
	assert_int_equal(expect_beginning(stand, ""), fired_ms);
	expect_answer(stand, "\"b\"");
	expect_answer(stand, "\"c\"");
	(void)stand_stop(stand);
}

static void a_firing_that_may_have_ended_is_begun_again(void **state)
{
	struct stand *stand = *state;
	alert_configure(stand, STEPS(""), 0);
	stand_ask(stand, "a", 60, NULL, NULL);
	stand_ask(stand, "b", 70, NULL, NULL);
	stand_start(stand);
	(void)expect_beginning(stand, "");
	expect_answer(stand, "\"a\"");
	(void)expect_beginning(stand, "");
	expect_answer(stand, "\"b\"");
	(void)stand_stop(stand);
}

/* Whether a message begins the alert now. */
static bool message_begins_now(struct worker_stage *stage)
{
	struct inflight inflight = {.message.arena = arena};
	begun_alert_note(stage, &inflight, 0, TEXT(""), 1);
	return inflight.begun != NULL;
}

/* Its record may have been dropped, too. */
static void a_firing_whose_message_may_have_been_dropped_is_begun_again(void **state)
{
	static struct worker worker;
	static struct worker_stage stage;
	struct error error = {0};
	(void)state;
	alert = (struct stage_alert){.name = "large", .begins = &begins, .begins_every_ms = 3600000};
	const struct stage_config config = {.alert_count = 1, .alerts = &alert};
	worker = (struct worker){.loop = loop_open_virtual(1000, &error)};
	stage = (struct worker_stage){.config = &config, .worker = &worker};
	assert_true(message_begins_now(&stage));
	loop_wake(worker.loop, 2000);
	assert_false(message_begins_now(&stage));
	worker.dropped_ms = 1000; /* in the same moment, or later */
	assert_true(message_begins_now(&stage));
	assert_false(message_begins_now(&stage));
	worker.dropped_ms = 2500;
	loop_wake(worker.loop, 3000);
	assert_true(message_begins_now(&stage));
	assert_false(message_begins_now(&stage));
	loop_close(worker.loop);
}

static void each_group_is_begun_by_itself(void **state)
{
	struct stand *stand = *state;
	alert_configure(stand, STEPS("groupBy: text(x), "), 3600000);
	stand_ask(stand, "a", 60, NULL, NULL);
	stand_ask(stand, "b", 60, NULL, NULL);
	stand_ask(stand, "c", 70, NULL, NULL);
	stand_start(stand);
	(void)expect_beginning(stand, "60");
	expect_answer(stand, "\"a\"");
	expect_answer(stand, "\"b\"");
	(void)expect_beginning(stand, "70");
	expect_answer(stand, "\"c\"");
	(void)stand_stop(stand);
}

/* As without a control plane, or with `for`. */
static void an_alert_that_leaves_no_records_is_counted_alone(void **state)
{
	struct stand *stand = *state;
	alert_configure(stand, STEPS(""), 0);
	alert.begins = NULL;
	stand_ask(stand, "a", 60, NULL, NULL);
	stand_start(stand);
	expect_answer(stand, "\"a\"");
	(void)stand_stop(stand);
	assert_int_equal(counts.judged.held, 1);
}

int main(void)
{
#define TEST_OF(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
	const struct CMUnitTest tests[] = {
		TEST_OF(a_message_that_meets_the_condition_leaves_a_record_with_its_answer),
		TEST_OF(a_firing_that_may_have_ended_is_begun_again),
		TEST_OF(a_firing_whose_message_may_have_been_dropped_is_begun_again),
		TEST_OF(each_group_is_begun_by_itself),
		TEST_OF(an_alert_that_leaves_no_records_is_counted_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
