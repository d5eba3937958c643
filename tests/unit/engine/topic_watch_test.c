/* topic_watch_test.c: Tests of the watch of topics: an engine of --control on the embedded broker, which shows partitions and
 * no settings. */
#include "tests/unit/follow_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kafka/topics/topic_settings.h"
#include "net/listen.h"

#define PIPELINE(name)                                                                                                             \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\n"                                       \
	"spec:\n  steps: [{name: s, expression: {set: {y: x * 2}}}]\n  output: {steps: [s]}\n"
#define RUNTIME(partitions)                                                                                                        \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: r}\n"                                         \
	"spec: {config: {kafkaConfig: {topics: {numPartitions: " partitions "}}}}\n"
#define EVERY_MS 300
#define PAUSE_MS 1200

/* ---- a story ---- */

static const struct engine_condition *condition_of_p(void)
{
	const struct engine_condition *conditions = follow_stand.conditions.conditions.items;
	for (size_t i = 0; i < follow_stand.conditions.conditions.count; i++)
		if (text_is(conditions[i].kind, "Pipeline"))
			return &conditions[i];
	return NULL;
}

static void runtime_apply(int64_t expected, const char *yaml)
{
	follow_propose((struct proposal_item){
		.kind = TEXT("SeldonRuntime"), .name = TEXT("r"), .document = text_of(yaml), .expected = expected});
}

static void p_is_applied(void)
{
	follow_apply("p", 0, PIPELINE("p"));
}

static bool p_is_ready(void)
{
	const struct engine_condition *p = condition_of_p();
	return p && p->ready && text_is(p->what, "Ready") && p->why.length == 0;
}

static void two_partitions_are_planned(void)
{
	runtime_apply(0, RUNTIME("2"));
}

/* The topics of the stand have one. */
static bool p_says_what_differs(void)
{
	const struct engine_condition *p = condition_of_p();
	return p && p->ready && text_is(p->what, "Differs") &&
	       text_is(p->why, "topic sluice.default.pipeline.p.inputs has 1 partitions, and the plan says 2; add them: "
			       "kafka-topics.sh --alter --topic sluice.default.pipeline.p.inputs --partitions 2");
}

static void one_partition_is_planned(void)
{
	assert_int_equal(follow_stand.state.unready, 0);
	runtime_apply(1, RUNTIME("1"));
}

static bool p_is_as_planned_again(void)
{
	return p_is_ready() && follow_was_said("p: its topics are as planned again");
}

static void what_differs_is_a_condition_until_it_does_not(void **state)
{
	static const struct scene scenes[] = {
		{"an engine that is ready", p_is_applied, p_is_ready},
		{"a difference", two_partitions_are_planned, p_says_what_differs},
		{"topics as planned", one_partition_is_planned, p_is_as_planned_again},
		{0},
	};
	(void)state;
	follow_stand.topics_config.every_ms = EVERY_MS;
	follow_play(scenes);
	assert_true(follow_was_said("p: topic sluice.default.pipeline.p.inputs has 1 partitions, and the plan says 2"));
}

static void errors_topic_is(rd_kafka_resp_err_t code)
{
	rd_kafka_mock_topic_set_error(follow_stand.mock.cluster, "sluice.default.pipeline.p.errors", code);
}

static void a_topic_is_deleted(void)
{
	errors_topic_is(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
}

static bool p_says_what_is_gone(void)
{
	const struct engine_condition *p = condition_of_p();
	return p && p->ready && text_is(p->what, "Differs") &&
	       text_is(p->why, "topic sluice.default.pipeline.p.errors is gone: it was deleted, or this engine may not see it any "
			       "more. Create it, or start an engine again: it creates topics of sluice's own that are missing");
}

static void the_topic_is_there_again(void)
{
	errors_topic_is(RD_KAFKA_RESP_ERR_NO_ERROR);
}

static bool looks_have_passed(void)
{
	static int64_t begun_ms;
	if (begun_ms == 0)
		begun_ms = clock_ms();
	return clock_ms() - begun_ms > 4 * EVERY_MS;
}

/* It may have been deleted long before somebody needs it. */
static void a_topic_that_is_gone_is_a_condition(void **state)
{
	static const struct scene scenes[] = {
		{"an engine that is ready", p_is_applied, p_is_ready},
		{"looks that find all topics", NULL, looks_have_passed},
		{"a topic that is gone", a_topic_is_deleted, p_says_what_is_gone},
		{"topics as planned", the_topic_is_there_again, p_is_as_planned_again},
		{0},
	};
	(void)state;
	follow_stand.topics_config.every_ms = EVERY_MS;
	follow_play(scenes);
}

/* ---- the pause ---- */

static atomic_int looks;

/* A look that fails is logged. */
static void look_count(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	if (strstr(line->message, "topics are not compared with the plan: "))
		atomic_fetch_add(&looks, 1);
}

static int64_t looked_ms;

static bool is_looked_at(void)
{
	looked_ms = clock_ms();
	return atomic_load(&looks) > 0;
}

static bool half_a_pause_has_passed(void)
{
	return clock_ms() - looked_ms > PAUSE_MS / 2;
}

static void kafka_is_asked_once_a_pause(void **state)
{
	static const struct scene scenes[] = {
		{"a look", p_is_applied, is_looked_at},
		{"half a pause", NULL, half_a_pause_has_passed},
		{0},
	};
	static const struct property wrong[] = {{"no.such.setting", "1"}};
	static const struct log_sink counting = {look_count};
	(void)state;
	follow_stand.topics_config = (struct topic_watch_config){
		.brokers = follow_stand.config.brokers, .properties = {1, wrong}, .every_ms = PAUSE_MS, .log = &counting};
	follow_play(scenes);
	assert_int_equal(looks, 1);
}

/* ---- a Kafka that does not answer ---- */

/* A Kafka that accepts connections and never answers. */
static int silent_open(char *brokers, size_t size)
{
	struct error error = {0};
	int port = 0, listener = listen_open(NULL, &port, &error);
	assert_true(listener >= 0);
	snprintf(brokers, size, "127.0.0.1:%d", port);
	return listener;
}

static bool p_is_planned_with_2(void)
{
	const struct plan *plan = &engine_revision(follow_stand.engine)->plan;
	return p_is_ready() && plan->count == 1 && plan->pipelines[0].topics[0].partitions == 2;
}

/* The loop continues while Kafka is asked, and the end does not wait for an answer. */
static void a_silent_kafka_holds_up_nothing(void **state)
{
	static const struct scene scenes[] = {
		{"an engine that is ready", p_is_applied, p_is_ready},
		{"the next version", two_partitions_are_planned, p_is_planned_with_2},
		{0},
	};
	char brokers[40];
	(void)state;
	int listener = silent_open(brokers, sizeof brokers);
	follow_stand.topics_config.every_ms = 1; /* it asks as soon as there is a pipeline */
	follow_stand.topics_config.brokers = brokers;
	const int64_t begun_ms = clock_ms();
	follow_play(scenes);
	assert_true(clock_ms() - begun_ms < TOPIC_SETTINGS_WAIT_MS);
	assert_null(topic_watch_difference(NULL, "p"));
	close(listener);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, follow_open, follow_close)
	const struct CMUnitTest tests[] = {
		STORY(what_differs_is_a_condition_until_it_does_not),
		STORY(a_topic_that_is_gone_is_a_condition),
		STORY(kafka_is_asked_once_a_pause),
		STORY(a_silent_kafka_holds_up_nothing),
	};
	engine_block_signals(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
