/* observer_outage_test.c: A worker with a pipeline that answers, and a stage of observers whose changelog cannot be read or
 * written: the answers go on, the observers are off and named, and go on when the cause is gone. On librdkafka's mock of a broker;
 * the deletion of topics is tried on a real Kafka, by tests/kafka/faults.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "observe/counts.h"
#include "engine/setup/topic_absence.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/planning.h"
#include "tests/unit/running.h"
#include "tests/unit/tally.h"
#include "engine/worker/partition_state.h"
#include "engine/worker/worker.h"

#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
#define LOOK_MS 200
#define PRODUCE 0 /* Kafka's number of that request */

static const char passes[] = HEAD "  - {name: s, filter: {keep: 'true'}}\n  output: {steps: [s]}\n";
static const char counts_keys[] = HEAD "  - {name: n, tally: {}}\n  output: {steps: [n.outputs.count]}\n";
static const char *const reads[] = {"in", "also"}, *const writes[] = {"out", "state", "counted"};
static const uint32_t numbers[] = {0, 1};
static struct position assigned[] = {{0, 0, OFFSET_NONE}, {1, 0, OFFSET_NONE}};
static const unsigned char sides[8]; /* all steps are here */
static const char request[] = "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[1]}]}";

struct stand {
	struct log_sink sink; /* first */
	struct mock mock;
	struct planning planning[2];
	struct graph graphs[2];
	struct graph_part part;
	struct caller_config caller;
	struct stage_config stages[2];
	struct worker_config config;
	struct running running;
	struct stage_counts answering, observing;
	atomic_int begun, over; /* lines */
};

static void note_line(const struct log_sink *sink, const struct log_line *said)
{
	struct stand *stand = (struct stand *)(uintptr_t)sink;
	stand->begun += strstr(said->message, "observers of pipeline p are off, and its answers go on") != NULL;
	stand->over += strstr(said->message, "observers of pipeline p go on: the state of state-0 is restored") != NULL;
}

static void stage_configure(struct stand *stand, size_t index, const char *yaml)
{
	planning_read(&stand->planning[index], yaml, tally_kinds);
	assert_int_equal(planning_errors(&stand->planning[index]), 0);
	const struct spec *spec = &stand->planning[index].spec;
	stand->graphs[index] = *graph_build(spec_first(spec, RESOURCE_PIPELINE), spec, stand->planning[index].arena, spec->faults);
	stand->stages[index] = (struct stage_config){STAGE_WRITES_NOTHING, .graph = &stand->graphs[index], .caller = &stand->caller,
						     .topic_count = 1, .topics = &numbers[index]};
}

/* The stage `p` answers; `watched` has the state, and answers to another topic, so that it can be seen. */
static int set_up(void **state)
{
	static struct stand stand;
	stand = (struct stand){.sink = {note_line}};
	mock_open(&stand.mock);
	rd_kafka_mock_topic_create(stand.mock.cluster, "also", 1, 1);
	rd_kafka_mock_topic_create(stand.mock.cluster, "state", 1, 1);
	rd_kafka_mock_topic_create(stand.mock.cluster, "counted", 1, 1);
	stand.caller = (struct caller_config){.request_bytes = 1 << 20, .reply_bytes = 1 << 20};
	stage_configure(&stand, 0, passes);
	stage_configure(&stand, 1, counts_keys);
	stand.part = (struct graph_part){.name = "watch", .sides = sides, .first = true, .observes = true, .answers = true};
	stand.graphs[1].part = &stand.part;
	stand.stages[0].name = "p";
	stand.stages[0].answers = 0;
	stand.stages[0].counts = &stand.answering;
	stand.stages[1].name = "watched";
	stand.stages[1].answers = 2;
	stand.stages[1].changelog = 1;
	stand.stages[1].counts = &stand.observing;
	stand.config = (struct worker_config){
		.consumer = {.brokers = stand.mock.brokers, .group = "test", .assigned = {2, assigned}, .properties = mock_quick},
		.transaction = {.brokers = stand.mock.brokers, .id = "test", .properties = mock_quick, .observes = true},
		.setup = {.reads = {2, reads}, .writes = {3, writes}, .stage_count = 2, .stages = stand.stages},
		.limits = worker_limits_usual,
		.partition_state = {.bytes_max = 1 << 20, .observers_look_ms = LOOK_MS, .log = &stand.sink},
	};
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	struct stand *stand = *state;
	(void)running_end(&stand->running);
	for (size_t i = 0; i < 2; i++)
		planning_close(&stand->planning[i]);
	mock_close(&stand->mock);
	return 0;
}

static uint64_t answered(struct stage_counts *counts)
{
	return count_read(&counts->sums.answered);
}

static void await_answers(struct stage_counts *counts, uint64_t count)
{
	for (int waited_ms = 0; answered(counts) < count; waited_ms += 10) {
		assert_true(waited_ms < MOCK_WAIT_MS);
		usleep(10000);
	}
}

static const char *outage(const struct stand *stand)
{
	return atomic_load(&stand->observing.outage);
}

static void await_outage(const struct stand *stand, bool is_out)
{
	for (int waited_ms = 0; (outage(stand) != NULL) != is_out; waited_ms += 10) {
		assert_true(waited_ms < MOCK_WAIT_MS);
		usleep(10000);
	}
}

/* What `top` says. */
static void expect_why(struct stand *stand, const char *words)
{
	struct topic_absence absent = {0};
	char why[640];
	topic_absence_take(&absent, &stand->observing);
	assert_non_null(absent.topic);
	topic_absence_write(&absent, why, sizeof why);
	if (!strstr(why, words) || !strstr(why, "their state is looked at again every 10 s"))
		fail_msg("%s does not say %s", why, words);
}

static void damage(struct stand *stand)
{
	mock_append(&stand->mock, "state", TEXT("strange"), TEXT("x"));
}

static void answers_go_on_while_a_changelog_of_observers_is_damaged(void **state)
{
	struct stand *stand = *state;
	damage(stand);
	mock_append(&stand->mock, "also", TEXT("k"), TEXT(request));
	running_start(&stand->running, &stand->config);
	await_outage(stand, true);
	assert_string_equal(outage(stand), "state");
	expect_why(stand, "the record at state-0 offset 0 is no change of a stage");
	expect_why(stand, "delete the topic and create it again, and its observers begin without state");
	mock_write(&stand->mock, "k", request, NULL, NULL);
	await_answers(&stand->answering, 1);
	usleep(3 * LOOK_MS * 1000);
	assert_int_equal(answered(&stand->observing), 0); /* nothing is counted without the state */
	assert_int_equal(stand->begun, 1);		  /* attempts in vain say no more */
	assert_null(atomic_load(&stand->answering.outage));
	assert_int_equal(running_stop(&stand->running).resets, 0);
}

static void a_stage_that_answers_ends_its_worker_without_its_state(void **state)
{
	struct stand *stand = *state;
	damage(stand);
	stand->part.observes = false;
	running_start(&stand->running, &stand->config);
	running_fail(&stand->running, "the record at state-0 offset 0 is no change of a stage");
	assert_null(outage(stand));
}

static struct {
	struct archive_operations ours;
	bool (*news)(struct archive *archive, struct archive_news *news);
	bool has_failed;
} watched;

/* The first restore fails. */
static bool news_fail_once(struct archive *archive, struct archive_news *news)
{
	if (!watched.news(archive, news))
		return false;
	if (watched.has_failed || news->kind != ARCHIVE_RESTORED)
		return true;
	watched.has_failed = true;
	store_close(news->store);
	*news = (struct archive_news){.kind = ARCHIVE_FAILED, .ticket = news->ticket};
	error_set(&news->error, ERROR_SYSTEM, PLACE_NONE, "the changelog state-0 cannot be read: not authorized");
	return true;
}

static struct archive *open_watched(void *context, struct loop *loop, const struct archive_config *config,
				    const struct consumer *consumer, struct error *error)
{
	struct archive *archive = worker_platform_usual.archive_open(context, loop, config, consumer, error);
	watched.ours = *archive->operations;
	watched.news = watched.ours.news;
	watched.ours.news = news_fail_once;
	watched.has_failed = false;
	archive->operations = &watched.ours;
	return archive;
}

static void observers_go_on_when_their_changelog_can_be_read(void **state)
{
	struct stand *stand = *state;
	struct worker_platform platform = worker_platform_usual;
	platform.archive_open = open_watched;
	stand->config.platform = &platform;
	mock_append(&stand->mock, "also", TEXT("k"), TEXT(request));
	running_start(&stand->running, &stand->config);
	await_outage(stand, true);
	expect_why(stand, "the changelog state-0 cannot be read: not authorized");
	await_outage(stand, false);
	await_answers(&stand->observing, 1);
	assert_int_equal(stand->begun, 1);
	assert_int_equal(stand->over, 1);
	assert_int_equal(running_stop(&stand->running).resets, 0);
}

/* The identity is refused, as a change that is too large for the topic would be. The answers of the worker are taken again. */
static void observers_go_on_when_their_changelog_takes_a_change(void **state)
{
	struct stand *stand = *state;
	rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, 2, RD_KAFKA_RESP_ERR_INVALID_RECORD,
					  RD_KAFKA_RESP_ERR_INVALID_RECORD);
	running_start(&stand->running, &stand->config);
	await_outage(stand, true);
	expect_why(stand, "Kafka refuses the state of pipeline watched in the topic state");
	mock_append(&stand->mock, "also", TEXT("k"), TEXT(request));
	await_outage(stand, false);
	await_answers(&stand->observing, 1);
	mock_write(&stand->mock, "k", request, NULL, NULL);
	await_answers(&stand->answering, 1);
	assert_int_equal(running_stop(&stand->running).resets,
			 2); /* the first refusal is of a batch, and its records are tried alone */
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(answers_go_on_while_a_changelog_of_observers_is_damaged),
		STORY(a_stage_that_answers_ends_its_worker_without_its_state),
		STORY(observers_go_on_when_their_changelog_can_be_read),
		STORY(observers_go_on_when_their_changelog_takes_a_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
