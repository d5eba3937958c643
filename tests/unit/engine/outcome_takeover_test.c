/* outcome_takeover_test.c: Tests of leads of pipelines' outcomes, wherever a lead before ended: each outcome is written once.
 * Two services take turns on a Kafka in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "tests/unit/lead_kafka.h"
#include "tests/unit/planning.h"

/* What they call of Kafka's clients is that of lead_kafka.h. NOLINTBEGIN(bugprone-suspicious-include) */
#include "engine/engine/learn/exposure_feed.c"
#include "engine/engine/learn/join_windows.c"
#include "engine/engine/learn/lead_begin.c"
#include "engine/engine/learn/lead_records.c"
#include "engine/engine/learn/outcome_lead.c"
#include "engine/engine/learn/outcome_service.c"
/* NOLINTEND(bugprone-suspicious-include) */

#include <cmocka.h>

#define YAML                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"                     \
	"  candidates: [{name: old, weight: 50}, {name: new, weight: 50}]\n"                                                       \
	"  progressiveDeployment: {schedule: [50], outcomeWindow: 60s}\n"                                                          \
	"  successCriteria: [{metricName: profit, threshold: 3, operator: \">\"}]\n" PIPELINE("p") PIPELINE("q")
#define PIPELINE(name)                                                                                                             \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\n"                                  \
	"spec:\n  output: {steps: [s]}\n  steps: [{name: s, experiment: {name: e}}]\n"
#define EXPOSURES "sluice.default.pipeline.p.exposures"
#define FEEDBACK "sluice.default.pipeline.p.feedback"
#define OUTCOMES "sluice.default.pipeline.p.outcomes"
#define OTHER(rest) "sluice.default.pipeline.q." rest
#define LINE_BYTES 512
#define WAIT_MS 20000
#define HOLD_MS 20

static struct planning planning;
static struct plan plan;
static struct policy_board *policies;
static struct rollout_board *rollouts;
static struct outcome_service *engines[2];
static int64_t now_ms; /* of the records */
static char lines[1 << 14];
static size_t read_outcomes[2];

static void said_write(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	const size_t length = strlen(lines);
	(void)snprintf(lines + length, sizeof lines - length, "%s\n", line->message);
}

static const struct log_sink sink = {said_write};

/* ---- readers ---- */

static bool outcome_read(void *context, const struct outcome *outcome, int64_t offset, struct error *error)
{
	(void)outcome, (void)offset, (void)error;
	++*(size_t *)context;
	return true;
}

static void reader_end(void *context)
{
	(void)context;
}

/* One that counts what is committed, wherever another one has counted before. */
bool outcome_readers_open(const struct readers_context *context, struct outcome_reader *readers, size_t room, size_t *count,
			  struct error *error)
{
	const struct outcome_lead *lead = context->lead;
	const size_t engine = engines[0] && lead->context == &engines[0]->shared ? 0 : 1;
	(void)room, (void)error;
	readers[0] = (struct outcome_reader){.next = OFFSET_NONE,
					     .since_ms = 0,
					     .outcome = outcome_read,
					     .close = reader_end,
					     .context = &read_outcomes[engine]};
	*count = 1;
	return true;
}

/* ---- engines ---- */

/* As outcome_service_open() makes it, but that the test takes its turns. */
static struct outcome_service *member_open(const char *instance)
{
	struct outcome_service *service = memory_take(1, sizeof *service);
	service->config = (struct outcome_service_config){.brokers = "memory",
							  .group = "sluice.default.outcomes",
							  .instance = instance,
							  .namespace = "default",
							  .memory_bytes = OUTCOME_MEMORY_BYTES,
							  .policies = policies,
							  .rollouts = rollouts,
							  .log = &sink};
	assert_true(service_make(service));
	service->shared.hold_ms = HOLD_MS;
	atomic_store(&service->asked, &plan);
	return service;
}

/* Killed: nothing more is written, and the group sees that it is gone. */
static void member_kill(size_t number)
{
	struct outcome_service *service = engines[number];
	leads_end(service);
	pipelines_close(service);
	group_leave(service);
	stream_reader_close(service->shared.reader);
	service_free(service);
	engines[number] = NULL;
}

static int stand_open(void **state)
{
	(void)state;
	lead_kafka_open();
	planning_open(&planning, YAML);
	planning_plan(&planning, NULL, &plan);
	policies = policy_board_open();
	rollouts = rollout_board_open();
	for (size_t i = 0; i < plan.count; i++)
		for (size_t j = 0; j < plan.pipelines[i].topic_count; j++) {
			const struct topic *topic = &plan.pipelines[i].topics[j];
			if (topic->role == TOPIC_EXPOSURES || topic->role == TOPIC_FEEDBACK || topic->role == TOPIC_OUTCOMES)
				lead_kafka_topic(topic->name, topic->role == TOPIC_OUTCOMES ? 1 : 2);
		}
	now_ms = time_of_day_ms() - 30000;
	memset(read_outcomes, 0, sizeof read_outcomes);
	lines[0] = 0;
	engines[0] = member_open("one");
	return 0;
}

static int stand_close(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++)
		if (engines[i])
			member_kill(i);
	policy_board_close(policies);
	rollout_board_close(rollouts);
	planning_close(&planning);
	lead_kafka_close();
	return 0;
}

static void turn(size_t number)
{
	service_turn(engines[number]);
	nanosleep(&(struct timespec){.tv_nsec = 2 * NS_PER_MS}, NULL);
}

static size_t joined_count(const char *topic, const char *id)
{
	struct arena *arena = arena_open(1 << 22);
	size_t found = 0;
	for (size_t i = 0; i < lead_kafka_count(topic); i++) {
		struct outcome outcome;
		struct error error = {0};
		if (!outcome_decode(lead_kafka_value(topic, i), arena, &outcome, &error))
			fail_msg("%s", error.text);
		found += outcome.kind == OUTCOME_JOINED && text_is(outcome.exposure.id, id);
	}
	arena_close(arena);
	return found;
}

/* The engine takes turns until so many outcomes of the request are committed. */
static void turns_until_joined(size_t number, const char *id, size_t count)
{
	for (const int64_t until_ms = clock_ms() + WAIT_MS; joined_count(OUTCOMES, id) != count; turn(number))
		if (clock_ms() > until_ms)
			fail_msg("%zu outcomes of %s and not %zu; %s", joined_count(OUTCOMES, id), id, count, lines);
}

static bool leads_pipeline(size_t number, size_t pipeline)
{
	return engines[number]->count > pipeline && outcome_lead_joins(engines[number]->pipelines[pipeline].lead);
}

static bool leads(size_t number)
{
	return leads_pipeline(number, 0);
}

static void turns_until_leads(size_t number)
{
	for (const int64_t until_ms = clock_ms() + WAIT_MS; !leads(number); turn(number))
		if (clock_ms() > until_ms)
			fail_msg("the engine does not lead: %s", lines);
}

/* Time for all that could still be written. */
static void turns_more(size_t number)
{
	for (const int64_t until_ms = clock_ms() + 2 * COMMIT_MS + 5 * HOLD_MS; clock_ms() < until_ms;)
		turn(number);
}

static void expose(const char *id)
{
	char line[LINE_BYTES];
	(void)snprintf(line, sizeof line,
		       "{\"id\":\"%s\",\"time_ms\":%lld,\"experiment\":\"e\",\"variant\":\"new\",\"unit\":\"\",\"probability\":0.5,"
		       "\"reason\":\"stage\",\"table\":\"t\"}",
		       id, (long long)now_ms);
	lead_kafka_append(EXPOSURES, id[0] % 2, now_ms, line);
	now_ms += 10;
}

static void judge(const char *id, double accuracy)
{
	char line[LINE_BYTES];
	(void)snprintf(line, sizeof line, "{\"id\":\"%s\",\"metrics\":{\"accuracy\":%g}}", id, accuracy);
	lead_kafka_append(FEEDBACK, id[0] % 2, now_ms, line);
	now_ms += 10;
}

/* ---- stories ---- */

static void feedback_is_joined_once_and_its_positions_are_committed_with_it(void **state)
{
	(void)state;
	expose("a");
	judge("a", 1);
	judge("a", 0);
	turns_until_joined(0, "a", 1);
	turns_more(0);
	assert_int_equal(lead_kafka_count(OUTCOMES), 1);
	assert_int_equal(lead_kafka_position(EXPOSURES, 'a' % 2), 1);
	assert_int_equal(lead_kafka_position(FEEDBACK, 'a' % 2), 2);
	assert_int_equal(read_outcomes[0], 1);
}

/* The first one ends before the commit: the other one reads all again. */
static void what_a_killed_engine_had_not_committed_is_joined_by_the_next(void **state)
{
	(void)state;
	turns_until_leads(0);
	expose("a");
	judge("a", 1);
	for (const int64_t until_ms = clock_ms() + WAIT_MS; engines[0]->shared.added == 0; turn(0))
		assert_true(clock_ms() < until_ms);
	assert_int_equal(lead_kafka_count(OUTCOMES), 0);
	member_kill(0);
	engines[1] = member_open("two");
	turns_until_joined(1, "a", 1);
	turns_more(1);
	assert_int_equal(lead_kafka_count(OUTCOMES), 1);
}

/* A member hears that its topics will be assigned anew while Kafka still takes what it commits. */
static void an_engine_commits_what_it_has_read_before_topics_are_assigned_anew(void **state)
{
	(void)state;
	turns_until_leads(0);
	expose("a");
	judge("a", 1);
	for (const int64_t until_ms = clock_ms() + WAIT_MS; engines[0]->shared.added == 0; turn(0))
		assert_true(clock_ms() < until_ms);
	engines[1] = member_open("two");
	turn(1);
	turn(0);
	assert_int_equal(lead_kafka_count(OUTCOMES), 1);
	for (size_t i = 0; i < 50; i++) {
		turn(0);
		turn(1);
	}
	assert_int_equal(lead_kafka_count(OUTCOMES), 1);
}

/* An exposure that was open, and one that has an outcome, are known to the next one. */
static void the_next_engine_goes_on_with_what_is_open(void **state)
{
	(void)state;
	expose("a");
	expose("b");
	judge("a", 1);
	turns_until_joined(0, "a", 1);
	turns_more(0);
	member_kill(0);
	judge("a", 0);
	judge("b", 1);
	engines[1] = member_open("two");
	turns_until_joined(1, "b", 1);
	turns_more(1);
	assert_int_equal(lead_kafka_count(OUTCOMES), 2);
	assert_int_equal(read_outcomes[0], 1);
	assert_true(read_outcomes[1] >= 1);
}

/* It thaws with a transaction of a former generation. */
static void what_a_frozen_engine_still_writes_is_refused(void **state)
{
	(void)state;
	turns_until_leads(0);
	expose("a");
	judge("a", 1);
	for (const int64_t until_ms = clock_ms() + WAIT_MS; engines[0]->shared.added == 0; turn(0))
		assert_true(clock_ms() < until_ms);
	engines[1] = member_open("two");
	lead_kafka_freeze("one", true);
	turns_until_joined(1, "a", 1);
	struct error error = {0};
	assert_false(commit(engines[0], &error));
	assert_non_null(strstr(error.text, "former generation"));
	lead_kafka_freeze("one", false);
	expose("b");
	judge("b", 1);
	for (const int64_t until_ms = clock_ms() + WAIT_MS; joined_count(OUTCOMES, "b") == 0;) {
		assert_true(clock_ms() < until_ms);
		turn(0);
		turn(1);
	}
	turns_more(0);
	turns_more(1);
	assert_int_equal(joined_count(OUTCOMES, "a"), 1);
	assert_int_equal(joined_count(OUTCOMES, "b"), 1);
}

static void a_commit_whose_end_is_not_known_neither_loses_nor_doubles(void **state)
{
	(void)state;
	turns_until_leads(0);
	lead_kafka_faults.commit_is_unknown = true;
	expose("a");
	judge("a", 1);
	turns_until_joined(0, "a", 1);
	lead_kafka_faults.commit_is_lost = true;
	expose("b");
	judge("b", 1);
	judge("a", 0);
	turns_until_joined(0, "b", 1);
	turns_more(0);
	assert_int_equal(lead_kafka_count(OUTCOMES), 2);
}

/* Kafka shows positions before the end of the transaction that they were committed in. */
static void the_next_engine_waits_for_outcomes_that_are_not_shown_yet(void **state)
{
	(void)state;
	expose("a");
	judge("a", 1);
	turns_until_joined(0, "a", 1);
	member_kill(0);
	lead_kafka_faults.ends_are_late = true;
	judge("a", 0);
	engines[1] = member_open("two");
	turns_more(1);
	assert_false(leads(1));
	lead_kafka_faults.ends_are_late = false;
	turns_until_leads(1);
	turns_more(1);
	assert_int_equal(lead_kafka_count(OUTCOMES), 1);
}

static void topics_that_were_made_again_are_read_from_their_beginning(void **state)
{
	(void)state;
	expose("a");
	expose("c");
	judge("a", 1);
	turns_until_joined(0, "a", 1);
	member_kill(0);
	lead_kafka_topic(EXPOSURES, 2);
	expose("e");
	judge("e", 1);
	engines[1] = member_open("two");
	turns_until_joined(1, "e", 1);
	assert_non_null(strstr(lines, EXPOSURES " ends at 1, and was read up to 2: the topic was made again"));
}

static void pipelines_are_shared_by_engines(void **state)
{
	(void)state;
	engines[1] = member_open("two");
	turns_until_leads(0);
	lead_kafka_append(OTHER("exposures"), 0, now_ms,
			  "{\"id\":\"z\",\"time_ms\":1,\"experiment\":\"e\",\"variant\":\"new\",\"probability\":0.5,"
			  "\"reason\":\"stage\"}");
	for (size_t i = 0; i < 50; i++) {
		turn(0);
		turn(1);
	}
	size_t led = 0;
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < 2; j++)
			led += outcome_lead_joins(engines[i]->pipelines[j].lead);
	assert_int_equal(led, 2);
	assert_int_equal(outcome_lead_joins(engines[0]->pipelines[0].lead) + outcome_lead_joins(engines[0]->pipelines[1].lead), 1);
}

static void an_engine_without_rights_says_it_once_and_leads_when_it_has_them(void **state)
{
	(void)state;
	lead_kafka_faults.group_is_refused = true;
	for (const int64_t until_ms = clock_ms() + 2 * RETRY_MS; clock_ms() < until_ms;)
		turn(0);
	const char *first = strstr(lines, "sluice plan --acls");
	assert_non_null(first);
	assert_null(strstr(first + 1, "sluice plan --acls"));
	lead_kafka_faults.group_is_refused = false;
	turns_until_leads(0);
}

static void a_pipeline_whose_positions_are_not_known_holds_up_no_other(void **state)
{
	(void)state;
	lead_kafka_faults.unanswered = FEEDBACK;
	turns_more(0);
	assert_true(leads_pipeline(0, 1) && !leads(0));
	const char *first = strstr(lines, "outcomes of pipeline `p` are not joined now: nothing is known");
	assert_non_null(first);
	assert_null(strstr(first + 1, "outcomes of pipeline `p` are not joined now"));
	lead_kafka_faults.unanswered = NULL;
	expose("a");
	judge("a", 1);
	turns_until_joined(0, "a", 1);
}

static void another_plan_is_led_from_what_is_committed_and_the_one_before_is_free(void **state)
{
	struct plan other = plan;
	(void)state;
	expose("a");
	judge("a", 1);
	turns_until_joined(0, "a", 1);
	expose("b");
	turns_more(0);
	outcome_service_follow(engines[0], &other);
	assert_true(outcome_service_holds(engines[0], &plan));
	turn(0);
	assert_false(outcome_service_holds(engines[0], &plan));
	judge("b", 1);
	judge("a", 0);
	turns_until_joined(0, "b", 1);
	turns_more(0);
	assert_int_equal(lead_kafka_count(OUTCOMES), 2);
	outcome_service_follow(engines[0], NULL);
	turn(0);
	assert_false(outcome_service_holds(engines[0], &other));
}

#define STORY(story) cmocka_unit_test_setup_teardown(story, stand_open, stand_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(feedback_is_joined_once_and_its_positions_are_committed_with_it),
		STORY(what_a_killed_engine_had_not_committed_is_joined_by_the_next),
		STORY(an_engine_commits_what_it_has_read_before_topics_are_assigned_anew),
		STORY(the_next_engine_goes_on_with_what_is_open),
		STORY(what_a_frozen_engine_still_writes_is_refused),
		STORY(a_commit_whose_end_is_not_known_neither_loses_nor_doubles),
		STORY(the_next_engine_waits_for_outcomes_that_are_not_shown_yet),
		STORY(topics_that_were_made_again_are_read_from_their_beginning),
		STORY(pipelines_are_shared_by_engines),
		STORY(an_engine_without_rights_says_it_once_and_leads_when_it_has_them),
		STORY(a_pipeline_whose_positions_are_not_known_holds_up_no_other),
		STORY(another_plan_is_led_from_what_is_committed_and_the_one_before_is_free),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
