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
#include "monitor/model_watch.h"
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
static struct arena *arena; /* of the watch of models */

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
	arena = arena_open((size_t)1 << 20);
	struct model_watch *models = model_watch_open(engine, NULL, arena);
	assert_non_null(models);
	watch = alert_watch_open(engine, &config, &settings, models, &error);
	assert_non_null(watch);
}

static void end(void)
{
	alert_watch_close(watch);
	arena_close(arena);
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

static const struct stage_config *stage(void)
{
	for (const struct group *group = engine_groups(engine); group; group = group->next)
		if (served_first(group, "p"))
			return &group->setup->stages[0];
	fail();
	return NULL;
}

static size_t index_of(const char *name)
{
	size_t at = 0;
	while (at < stage()->alert_count && strcmp(stage()->alerts[at].name, name) != 0)
		at++;
	assert_true(at < stage()->alert_count);
	return at;
}

/* Where the worker counts for an alert of the latest revision. */
static struct alert_counts *counts_of(const char *name)
{
	return &stage()->alert_counts[index_of(name)][0];
}

static uint64_t meaning_of(const char *name)
{
	return stage()->alerts[index_of(name)].meaning;
}

static bool counter_exists(uint64_t meaning)
{
	return alert_counter_find(engine_alert_counters(engine), meaning) != NULL;
}

/* A message that meets the condition which is counted there. */
static void a_message_is_counted(struct alert_counts *counts)
{
	count_add(&counts->judged.held, 1);
}

static void a_message_meets(const char *name)
{
	a_message_is_counted(counts_of(name));
}

static void a_message_of_group_meets(const char *name, const char *group)
{
	assert_non_null(counts_of(name)->groups);
	judged_groups_note(counts_of(name)->groups, text_of(group), true, 1, 10000, 0);
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
	judged_first_note(&counts_of("large")->first_ms, 1767225600250);
	judged_first_note(&counts_of("large")->first_ms, 1767225600777);
	a_message_meets("large");
	look();
	expect_firing("large", 1);
	const struct judged_alert *alert = (const struct judged_alert *)alert_watch_first(watch);
	assert_int_equal(alert->groups.first->alert.fired_at_ms, 1767225600250);
	assert_int_equal(atomic_load(&counts_of("large")->first_ms), 0);
	end();
}

static void groups_that_are_judged_before_the_first_look_count(void **state)
{
	(void)state;
	begin(PIPELINE(LARGE_OF_GROUP));
	a_message_of_group_meets("large", "a");
	a_message_of_group_meets("large", "b");
	judged_groups_miss(counts_of("large")->groups, GROUP_MISS_NAMELESS);
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
	struct alert_counts *former = counts_of("large");
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

/* However many there were before. */
static void a_condition_counts_from_its_first_message_on_after_many_reloads(void **state)
{
	(void)state;
	begin(PIPELINE(LARGE));
	for (int i = 0; i < 70; i++) {
		a_message_meets(i % 2 ? "huge" : "large");
		reload(i % 2 ? PIPELINE(LARGE) : PIPELINE(HUGE));
	}
	look();
	expect_firing("large", 0);
	reload(PIPELINE(HUGE));
	a_message_meets("huge");
	look();
	expect_firing("huge", 1);
	end();
}

/* What is there of a former condition does not count, nor do the messages that it missed. */
static void groups_count_from_the_first_message_on_beside_those_of_another_condition(void **state)
{
	(void)state;
	begin(PIPELINE(LARGE_OF_GROUP));
	struct judged_groups *former = counts_of("large")->groups;
	look();
	reload(PIPELINE(ALERT("large", "condition: y > 200, groupBy: request.g")));
	judged_groups_note(former, TEXT("stale"), true, 1, 10000, 0);
	judged_groups_miss(former, GROUP_MISS_NAMELESS);
	a_message_of_group_meets("large", "a");
	a_message_of_group_meets("large", "b");
	judged_groups_miss(counts_of("large")->groups, GROUP_MISS_NAMELESS);
	look();
	expect_firing("large", 2);
	assert_int_equal(alert_watch_first(watch)->beyond, 1);
	end();
}

/* Messages of the former condition that are still in flight are noted there. Tables of groups are large, so that they are freed. */
static void what_an_open_stage_counts_in_stays_and_is_freed_when_it_has_closed(void **state)
{
	(void)state;
	begin(PIPELINE(LARGE_OF_GROUP));
	struct judged_groups *former = counts_of("large")->groups;
	const uint64_t meaning = meaning_of("large");
	workers_follow();
	reload(PIPELINE(HUGE_OF_GROUP));
	look();
	assert_true(counter_exists(meaning));
	judged_groups_note(former, TEXT("late"), true, 1, 10000, 0);
	workers_follow();
	look();
	assert_false(counter_exists(meaning));
	assert_true(counter_exists(meaning_of("huge")));
	expect_firing("huge", 0);
	end();
}

/* As where one of its stages cannot be opened. */
static void a_revision_that_is_given_up_changes_no_counter(void **state)
{
	(void)state;
	struct alert_counters counters = {{0}};
	begin(PIPELINE(LARGE));
	const uint64_t large = meaning_of("large");
	struct revision *one = revision_of(PIPELINE(LARGE)), *other = revision_of(PIPELINE(HUGE));
	assert_true(alert_counters_follow(&counters, &one->plan, 1, 0, one->arena));
	assert_true(alert_counters_follow(&counters, &other->plan, 2, 1, other->arena));
	alert_counters_leave(&counters, 2);
	assert_true(alert_counters_follow(&counters, &one->plan, 3, 1, one->arena));
	alert_counters_leave(&counters, 3);
	assert_true(alert_counters_follow(&counters, &one->plan, 4, 1, one->arena));
	alert_counters_leave(&counters, 1);
	assert_int_equal(alert_counter_since(alert_counter_find(&counters, large)), 1);
	alert_counters_leave(&counters, 4);
	for (size_t i = 0; i < ALERT_COUNTER_LISTS; i++)
		assert_null(counters.lists[i]);
	revision_close(one);
	revision_close(other);
	end();
}

/* The same words are a figure where a step makes one of them. */
static void what_messages_were_judged_by_does_not_count_after_a_time_as_a_figure(void **state)
{
	(void)state;
#define REFERENCE "tests/cases-own/outliers-are-marked/distance.json"
#define OF_RATE(steps)                                                                                                             \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"                                              \
	"spec:\n  steps: [{name: s, expression: {set: {outlier_rate: x * 2}}}" steps "]\n  output: {steps: [s]}\n"               \
	"  alerts: [" ALERT("often", "condition: outlier_rate > 0.5") "]\n"
	begin(OF_RATE(""));
	look();
	a_message_meets("often");
	reload(OF_RATE(", {name: odd, inputs: [s], outlier: {tensor: x, reference: " REFERENCE "}}"));
	look();
	expect_firing("often", 0);
	reload(OF_RATE(""));
	look();
	expect_firing("often", 0);
	a_message_meets("often");
	look();
	expect_firing("often", 1);
	end();
}

static void what_was_judged_before_an_alert_was_removed_does_not_count_when_it_is_back(void **state)
{
	(void)state;
	begin(PIPELINE(HUGE ", " LARGE));
	struct alert_counts *former = counts_of("large");
	look();
	a_message_meets("large");
	reload(PIPELINE(HUGE));
	look();
	reload(PIPELINE(HUGE ", " LARGE));
	a_message_is_counted(former); /* that was taken before the alert was removed */
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
		cmocka_unit_test(a_condition_counts_from_its_first_message_on_after_many_reloads),
		cmocka_unit_test(groups_count_from_the_first_message_on_beside_those_of_another_condition),
		cmocka_unit_test(what_an_open_stage_counts_in_stays_and_is_freed_when_it_has_closed),
		cmocka_unit_test(a_revision_that_is_given_up_changes_no_counter),
		cmocka_unit_test(what_messages_were_judged_by_does_not_count_after_a_time_as_a_figure),
		cmocka_unit_test(what_was_judged_before_an_alert_was_removed_does_not_count_when_it_is_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
