/* lead_stand.h: For tests of leads of outcomes: services of two engines, which take turns on a Kafka in memory, and what they
 * read of the pipeline `p`. Readers of the test stand in place of learners and tallies. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lead_kafka.h"
#include "planning.h"

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

/* What the test's readers ask for, and what they are given. */
static struct {
	int64_t since_ms;
	enum error_kind fails; /* the next write, once an outcome is in the transaction */
	size_t exposed;
	int64_t passed_ms;
	bool is_early; /* a time was given before an outcome of it */
	struct outcome_reader *other; /* reads what it asks for */
	size_t read_by_other;
} reading;

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
	(void)offset, (void)error;
	++*(size_t *)context;
	reading.is_early |= context != &reading.read_by_other && outcome->written_ms < reading.passed_ms;
	return true;
}

static void exposure_count(void *context, const struct exposure *exposure)
{
	(void)context, (void)exposure;
	reading.exposed++;
}

static void time_read(void *context, int64_t time_ms)
{
	(void)context;
	reading.passed_ms = time_ms;
}

static bool nothing_is_written(void *context, struct fenced_writer *writer, int64_t at_ms, struct error *error)
{
	const struct outcome_service *service = engines[(size_t *)context - read_outcomes];
	const enum error_kind fails = service->shared.added > 0 ? reading.fails : ERROR_NONE;
	(void)writer, (void)at_ms;
	reading.fails = fails != ERROR_NONE ? ERROR_NONE : reading.fails;
	return fails == ERROR_NONE || error_set(error, fails, PLACE_NONE, "it fails");
}

static void reader_end(void *context)
{
	(void)context;
}

/* One that counts what is committed, wherever another one has counted before; and one that reads what it asks for. */
bool outcome_readers_open(const struct readers_context *context, struct outcome_reader *readers, size_t room, size_t *count,
			  struct error *error)
{
	const struct outcome_lead *lead = context->lead;
	const size_t engine = engines[0] && lead->context == &engines[0]->shared ? 0 : 1;
	const bool is_first = context->pipeline == &plan.pipelines[0];
	(void)room, (void)error;
	readers[0] = (struct outcome_reader){.next = OFFSET_NONE,
					     .since_ms = reading.since_ms,
					     .expose = exposure_count,
					     .outcome = outcome_read,
					     .pass = is_first ? time_read : NULL,
					     .due = is_first ? nothing_is_written : NULL,
					     .close = reader_end,
					     .context = &read_outcomes[engine]};
	readers[1] = (struct outcome_reader){.next = INT64_MAX,
					     .since_ms = INT64_MAX,
					     .outcome = outcome_read,
					     .close = reader_end,
					     .context = &reading.read_by_other};
	reading.other = is_first ? &readers[1] : reading.other;
	*count = 2;
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
	memset(&reading, 0, sizeof reading);
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

static double joined_value; /* that was found last */

static size_t joined_count(const char *topic, const char *id)
{
	struct arena *arena = arena_open(1 << 22);
	size_t found = 0;
	for (size_t i = 0; i < lead_kafka_count(topic); i++) {
		struct outcome outcome;
		struct error error = {0};
		if (!outcome_decode(lead_kafka_value(topic, i), arena, &outcome, &error))
			fail_msg("%s", error.text);
		if (outcome.kind != OUTCOME_JOINED || !text_is(outcome.exposure.id, id))
			continue;
		joined_value = outcome.metrics[0].value;
		found++;
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

static void expose_at(const char *id, int64_t time_ms)
{
	now_ms = time_ms;
	expose(id);
}

static void judge(const char *id, double accuracy)
{
	char line[LINE_BYTES];
	(void)snprintf(line, sizeof line, "{\"id\":\"%s\",\"metrics\":{\"accuracy\":%g}}", id, accuracy);
	lead_kafka_append(FEEDBACK, id[0] % 2, now_ms, line);
	now_ms += 10;
}

static void judge_at(const char *id, double accuracy, int64_t time_ms)
{
	now_ms = time_ms;
	judge(id, accuracy);
}

#define STORY(story) cmocka_unit_test_setup_teardown(story, stand_open, stand_close)
