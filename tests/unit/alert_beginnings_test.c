/* alert_beginnings_test.c: Tests of when alerts on the values of messages begin to judge. The engine has no threads: judgements are
 * counted here, as its workers count them, before the watch looks for the first time. */
#include "monitor/alerts/alert_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kafka/embedded/embedded_broker.h" /* its settings */
#include "observe/counts.h"
#include "monitor/alerts/alert_parts.h"
#include "engine/setup/group_setup.h"
#include "engine/run/worker_threads.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"

#define PIPELINE(alerts)                                                                                                           \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"                                              \
	"spec:\n  steps: [{name: s, expression: {set: {y: x * 2}}}]\n  output: {steps: [s]}\n  alerts: [" alerts "]\n"
#define ALERT(name, condition) "{name: " name ", " condition ", actions: [{type: topic}]}"
#define LARGE ALERT("large", "condition: y > 100")
#define HUGE ALERT("huge", "condition: y > 1000")
#define LARGE_OF_GROUP ALERT("large", "condition: y > 100, groupBy: request.g")
#define HUGE_OF_GROUP ALERT("huge", "condition: y > 1000, groupBy: request.g")

static struct mock mock;
static const struct notifier_settings settings;
static struct engine_config config;
static struct engine *engine;
static struct alert_watch *watch;

static struct revision *revision_of(const char *yaml)
{
	const struct spec_document document = {.file = "p.yaml", .text = text_of(yaml)};
	const struct revision_options options = {
		.kinds = step_kinds, .documents = &document, .document_count = 1, .insecure = true};
	struct error error = {0};
	struct revision *revision = revision_open(&options, &error);
	assert_non_null(revision);
	return revision;
}

static void begin(const char *yaml)
{
	struct error error = {0};
	mock_open(&mock);
	config = (struct engine_config){.brokers = mock.brokers,
					.instance = "one",
					.consumer = embedded_consumer_settings,
					.producer = embedded_producer_settings,
					.kinds = step_kinds,
					.workers = 1,
					.memory_bytes = (size_t)64 << 20,
					.state_bytes = (size_t)16 << 20,
					.partitions = 1,
					.at_least_once = true};
	engine = engine_open(revision_of(yaml), &config, &error);
	assert_non_null(engine);
	watch = alert_watch_open(engine, &config, &settings, NULL, &error);
	assert_non_null(watch);
}

static void end(void)
{
	alert_watch_close(watch);
	engine_close(engine);
	mock_close(&mock);
}

static void reload(const char *yaml)
{
	struct error error = {0};
	assert_true(engine_reload(engine, revision_of(yaml), &error));
}

/* Until all workers run the last revision, and a moment longer, in which they close the stages of the one before. */
static void workers_follow(void)
{
	struct error error = {0};
	bool over;
	for (const struct group *group = engine_groups(engine); group; group = group->next)
		for (int turn = 0, more = 3; more > 0; turn++, more -= worker_threads_follow(group)) {
			assert_true(turn < 100);
			assert_true(worker_turn((struct worker *)(uintptr_t)worker_threads_worker(group, 0), &over, &error));
		}
}

static struct stage_counts *counts(void)
{
	for (const struct group *group = engine_groups(engine); group; group = group->next)
		if (served_first(group, "p"))
			return served_first(group, "p")->counts;
	fail();
	return NULL;
}

/* Where workers count for an alert of the running revision. */
static size_t place_of(const char *name)
{
	const struct pipeline_plan *pipeline = &engine_revision(engine)->plan.pipelines[0];
	const struct item_list *alerts = &pipeline->graph->spec->alerts;
	size_t at = 0;
	while (at < alerts->count && strcmp(((const struct alert_spec *)alerts->items)[at].name.text, name) != 0)
		at++;
	assert_true(at < alerts->count);
	return pipeline->alert_places[at];
}

/* A message that meets the condition which is counted there. */
static void a_message_is_counted(size_t place)
{
	count_add(&counts()->alerts[place].held, 1);
}

static void a_message_meets(const char *name)
{
	a_message_is_counted(place_of(name));
}

static void a_message_of_group_meets(const char *name, const char *group)
{
	const size_t place = place_of(name);
	assert_non_null(counts()->alert_groups[place]);
	judged_groups_note(counts()->alert_groups[place], text_of(group), true, 1, 10000, 0);
}

/* The watch looks: it does once a second, and at once when it is new. */
static void look(void)
{
	struct error error = {0};
	const int64_t until_ms = loop_now_ms(engine_loop(engine)) + ALERT_EVERY_MS + ALERT_EVERY_MS / 10;
	do
		assert_true(loop_turn(engine_loop(engine), 50, &error));
	while (loop_now_ms(engine_loop(engine)) < until_ms);
}

static void expect_firing(const char *name, size_t firing)
{
	const struct watched_alert *alert = alert_watch_first(watch);
	while (alert && strcmp(alert->name, name) != 0)
		alert = alert->next;
	assert_non_null(alert);
	assert_int_equal(alert->firing, firing);
}

static void what_is_judged_before_the_first_look_counts(void **state)
{
	(void)state;
	begin(PIPELINE(LARGE));
	a_message_meets("large");
	look();
	expect_firing("large", 1);
	end();
}

/* Its notices have an id that is made of that: a message that is processed again has the same. */
static void a_firing_began_when_its_message_was_sent(void **state)
{
	(void)state;
	begin(PIPELINE(LARGE));
	judged_first_note(&counts()->alert_first_ms[place_of("large")], 1767225600250);
	judged_first_note(&counts()->alert_first_ms[place_of("large")], 1767225600777);
	a_message_meets("large");
	look();
	expect_firing("large", 1);
	const struct judged_alert *alert = (const struct judged_alert *)alert_watch_first(watch);
	assert_int_equal(alert->groups.first->alert.fired_at_ms, 1767225600250);
	assert_int_equal(atomic_load(&counts()->alert_first_ms[place_of("large")]), 0);
	end();
}

static void groups_that_are_judged_before_the_first_look_count(void **state)
{
	(void)state;
	begin(PIPELINE(LARGE_OF_GROUP));
	a_message_of_group_meets("large", "a");
	a_message_of_group_meets("large", "b");
	judged_groups_miss(counts()->alert_groups[place_of("large")], GROUP_MISS_NAMELESS);
	look();
	expect_firing("large", 2);
	assert_int_equal(alert_watch_first(watch)->beyond, 1);
	end();
}

static void what_is_judged_between_a_reload_and_the_next_look_counts_for_an_alert_that_is_added(void **state)
{
	(void)state;
	begin(PIPELINE(LARGE));
	look();
	reload(PIPELINE(LARGE ", " HUGE_OF_GROUP));
	a_message_of_group_meets("huge", "a");
	look();
	expect_firing("large", 0);
	expect_firing("huge", 1);
	end();
}

/* Messages that a former revision has taken are still judged by its conditions. */
static void what_another_condition_has_judged_does_not_count(void **state)
{
	(void)state;
	begin(PIPELINE(LARGE));
	const size_t former = place_of("large");
	a_message_is_counted(former);
	look();
	reload(PIPELINE(HUGE));
	a_message_is_counted(former);
	look();
	expect_firing("huge", 0);
	a_message_is_counted(former);
	look();
	expect_firing("huge", 0);
	a_message_meets("huge");
	look();
	expect_firing("huge", 1);
	end();
}

/* From the first message on: also where an alert takes another's place in the list, or has another condition under its name. */
static void what_a_new_condition_has_judged_before_the_next_look_counts(void **state)
{
	(void)state;
	begin(PIPELINE(LARGE));
	look();
	reload(PIPELINE(HUGE ", " LARGE));
	a_message_meets("huge");
	look();
	expect_firing("huge", 1);
	expect_firing("large", 0);
	reload(PIPELINE(ALERT("huge", "condition: y > 2000") ", " LARGE));
	look();
	expect_firing("huge", 0);
	reload(PIPELINE(ALERT("huge", "condition: y > 3000") ", " LARGE));
	a_message_meets("huge");
	look();
	expect_firing("huge", 1);
	expect_firing("large", 0);
	reload(PIPELINE(HUGE_OF_GROUP ", " LARGE));
	a_message_of_group_meets("huge", "a");
	a_message_of_group_meets("huge", "b");
	look();
	expect_firing("huge", 2);
	end();
}

/* An alert that stays has been judged until the reload, and goes on. */
static void an_alert_that_moves_in_the_list_misses_nothing(void **state)
{
	(void)state;
	begin(PIPELINE(LARGE));
	look();
	a_message_meets("large");
	reload(PIPELINE(HUGE ", " LARGE));
	look();
	expect_firing("large", 1);
	expect_firing("huge", 0);
	end();
}

/* When all places have been used, they come again, with what was counted there. */
static void places_that_come_again_count_from_the_next_look_on(void **state)
{
	(void)state;
	uint64_t used = 0;
	begin(PIPELINE(LARGE));
	for (int i = 0; i < ALERT_PLACES_MAX + 6; i++) {
		const char *name = i % 2 ? "huge" : "large";
		const size_t place = place_of(name);
		assert_true(place < ALERT_PLACES_MAX);
		assert_int_equal(used >> place & 1, i >= ALERT_PLACES_MAX);
		used |= UINT64_C(1) << place;
		a_message_is_counted(place);
		reload(i % 2 ? PIPELINE(LARGE) : PIPELINE(HUGE));
		assert_int_not_equal(place_of(i % 2 ? "large" : "huge"), place);
	}
	look();
	expect_firing("large", 0);
	a_message_meets("large");
	look();
	expect_firing("large", 1);
	end();
}

static const struct judged_groups *table_at(size_t place)
{
	return counts()->alert_groups[place];
}

static size_t tables(void)
{
	size_t count = 0;
	for (size_t i = 0; i < ALERT_PLACES_MAX; i++)
		count += table_at(i) != NULL;
	return count;
}

/* Their tables are large: a condition that changes with each reload needs two of them, or three while workers are behind. */
static void tables_of_groups_are_passed_on(void **state)
{
	(void)state;
	begin(PIPELINE(LARGE_OF_GROUP ", " HUGE));
	for (int i = 0; i < 12; i++) {
		const size_t place = place_of("large"), other = place_of("huge");
		workers_follow();
		reload(i % 2 ? PIPELINE(LARGE_OF_GROUP ", " HUGE)
			     : PIPELINE(ALERT("large", "condition: y > 200, groupBy: request.g") ", " HUGE));
		assert_int_not_equal(place_of("large"), place);
		assert_int_not_equal(place_of("large"), other);
		assert_int_equal(place_of("huge"), other);
	}
	assert_int_equal(tables(), 2);
	end();
}

/* What is there of a former condition does not count, nor do the messages that it missed. */
static void groups_count_from_the_first_message_on_in_a_table_of_another_condition(void **state)
{
	(void)state;
	begin(PIPELINE(LARGE_OF_GROUP));
	const size_t former = place_of("large");
	look();
	workers_follow();
	reload(PIPELINE(ALERT("large", "condition: y > 200, groupBy: request.g")));
	look();
	judged_groups_note(counts()->alert_groups[former], TEXT("stale"), true, 1, 10000, 0);
	judged_groups_miss(counts()->alert_groups[former], GROUP_MISS_NAMELESS);
	workers_follow();
	reload(PIPELINE(ALERT("large", "condition: y > 300, groupBy: request.g")));
	assert_int_equal(place_of("large"), former);
	a_message_of_group_meets("large", "a");
	a_message_of_group_meets("large", "b");
	judged_groups_miss(counts()->alert_groups[former], GROUP_MISS_NAMELESS);
	look();
	expect_firing("large", 2);
	assert_int_equal(alert_watch_first(watch)->beyond, 1);
	end();
}

/* Messages of the former condition that are still in flight are noted in the old table. */
static void tables_of_an_open_stage_are_not_passed_on(void **state)
{
	(void)state;
	begin(PIPELINE(LARGE_OF_GROUP));
	const size_t former = place_of("large");
	workers_follow();
	judged_groups_use(counts()->alert_groups[former]); /* by a stage with a message that does not end */
	reload(PIPELINE(HUGE_OF_GROUP));
	workers_follow();
	reload(PIPELINE(LARGE_OF_GROUP));
	assert_int_not_equal(place_of("large"), former);
	judged_groups_leave(counts()->alert_groups[former]);
	workers_follow();
	reload(PIPELINE(HUGE_OF_GROUP));
	assert_int_equal(place_of("huge"), former);
	reload(PIPELINE(LARGE_OF_GROUP)); /* before all workers have followed: a stage may be about to open */
	assert_int_equal(tables(), 4);
	end();
}

static void what_was_judged_before_an_alert_was_removed_does_not_count_when_it_is_back(void **state)
{
	(void)state;
	begin(PIPELINE(HUGE ", " LARGE));
	look();
	a_message_meets("large");
	reload(PIPELINE(HUGE));
	look();
	reload(PIPELINE(HUGE ", " LARGE));
	look();
	expect_firing("large", 0);
	a_message_meets("large");
	look();
	expect_firing("large", 1);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_judged_before_the_first_look_counts),
		cmocka_unit_test(a_firing_began_when_its_message_was_sent),
		cmocka_unit_test(groups_that_are_judged_before_the_first_look_count),
		cmocka_unit_test(what_is_judged_between_a_reload_and_the_next_look_counts_for_an_alert_that_is_added),
		cmocka_unit_test(what_another_condition_has_judged_does_not_count),
		cmocka_unit_test(what_a_new_condition_has_judged_before_the_next_look_counts),
		cmocka_unit_test(an_alert_that_moves_in_the_list_misses_nothing),
		cmocka_unit_test(places_that_come_again_count_from_the_next_look_on),
		cmocka_unit_test(tables_of_groups_are_passed_on),
		cmocka_unit_test(groups_count_from_the_first_message_on_in_a_table_of_another_condition),
		cmocka_unit_test(tables_of_an_open_stage_are_not_passed_on),
		cmocka_unit_test(what_was_judged_before_an_alert_was_removed_does_not_count_when_it_is_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
