/* write_denial_test.c: A worker whose login may not write the topic of one of its two pipelines, which waits; or not use the group
 * of both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <string.h>

#include "observe/counts.h"
#include "engine/setup/topic_absence.h"
#include "tests/unit/worker_stand.h"

#define PRODUCE 0 /* Kafka's numbers of these requests */
#define OFFSET_COMMIT 8
#define STEP "  - {name: s, filter: {keep: 'true'}}\n  output: {steps: [s]}\n"

static const char *const topics_out[] = {"out", "other"};
static struct stage_counts p, q;

static uint64_t answered(const struct stage_counts *counts)
{
	struct stage_counts seen = {0};
	counts_add(&seen.sums, &counts->sums, COUNT_WORDS(struct pipeline_counts));
	return seen.sums.answered;
}

static void await_answers(const struct stage_counts *counts, uint64_t count)
{
	for (int waited_ms = 0; answered(counts) < count; waited_ms += 20) {
		assert_true(waited_ms < MOCK_WAIT_MS);
		(void)poll(NULL, 0, 20);
	}
}

static const char *denied(const struct stage_counts *counts)
{
	return atomic_load(&counts->denied);
}

static void await_denied(const struct stage_counts *counts, bool is_denied)
{
	for (int waited_ms = 0; (denied(counts) != NULL) != is_denied; waited_ms += 20) {
		assert_true(waited_ms < MOCK_WAIT_MS);
		(void)poll(NULL, 0, 20);
	}
}

static struct {
	struct output_operations ours;
	void (*forget_denials)(struct output *output);
	atomic_int forgotten;
} watched;

static void forget_denials_counted(struct output *output)
{
	watched.forget_denials(output);
	atomic_fetch_add(&watched.forgotten, 1);
}

static struct output *open_watched(void *context, struct loop *loop, const struct transaction_config *config,
				   const struct consumer *consumer, struct error *error)
{
	struct output *output = worker_platform_usual.output_open(context, loop, config, consumer, error);
	watched.ours = *output->operations;
	watched.forget_denials = watched.ours.forget_denials;
	watched.ours.forget_denials = forget_denials_counted;
	output->operations = &watched.ours;
	return output;
}

static void await_forgotten(void)
{
	for (int waited_ms = 0; atomic_load(&watched.forgotten) == 0; waited_ms += 20) {
		assert_true(waited_ms < MOCK_WAIT_MS);
		(void)poll(NULL, 0, 20);
	}
}

/* Pipelines `p` with the answers `out`, and `q` with `other`; Kafka refuses so many records. */
static void stand_deny(struct stand *stand, int refusals)
{
	static struct worker_platform platform;
	platform = worker_platform_usual;
	platform.output_open = open_watched;
	atomic_store(&watched.forgotten, 0);
	stand_configure(stand, STEP);
	stand->config.platform = &platform;
	stand_configure_also(stand, STEP);
	rd_kafka_mock_topic_create(stand->mock.cluster, "other", 1, 1);
	stand->config.transaction.id = NULL;
	stand->config.setup.writes = (struct topic_list){2, topics_out};
	stand->stages[0].counts = &p;
	stand->stages[1].counts = &q;
	stand->stages[1].answers = 1;
	for (size_t i = 0; i < STAND_STAGES; i++) {
		struct stage_config *stage = &stand->stages[i];
		stage->requests = stage->own = stage->explanations = stage->importances = stage->verdicts = stage->feed =
			stage->changelog = TOPIC_NOWHERE;
	}
	stand_ask(stand, "p", 1, NULL, NULL);
	for (int i = 0; i < refusals; i++)
		rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	stand_start(stand);
	await_denied(&p, true);
}

/* Kafka refuses the answer, and then the first questions whether it may be written. */
static void a_pipeline_waits_until_its_topic_may_be_written(void **state)
{
	struct stand *stand = *state;
	stand_deny(stand, 3);
	assert_string_equal(denied(&p), "out");
	assert_null(denied(&q));
	assert_int_equal(stand_committed(stand), RD_KAFKA_OFFSET_INVALID);
	const uint64_t before = answered(&p);
	await_denied(&p, false);
	await_forgotten();
	await_answers(&p, before + 1);
	stand_ask_at(stand, "also", NULL, "q", 1);
	await_answers(&q, 1);
	assert_int_equal(stand_stop(stand).resets, 1); /* nothing was tried in vain meanwhile */
	assert_int_equal(answered(&p), before + 1);
	assert_int_equal(answered(&q), 1);
	assert_int_equal(stand_committed(stand), 1);
}

/* The same pipelines, with the answers of `p` in that topic, as what is followed from now on. */
static void follow_answers(struct stand *stand, struct worker_setup *setup, struct stage_config stages[STAND_STAGES],
			   uint32_t answers)
{
	memcpy(stages, stand->stages, STAND_STAGES * sizeof *stages);
	*setup = stand->config.setup;
	setup->stages = stages;
	stages[0].answers = answers;
	stages[0].version += 1 + answers; /* each is another one */
	worker_reload(stand->running.worker, setup);
	for (int waited_ms = 0; worker_follows(stand->running.worker) != setup; waited_ms += 5) {
		assert_true(waited_ms < MOCK_WAIT_MS);
		(void)poll(NULL, 0, 5);
	}
}

static void a_reload_keeps_the_wait_for_the_same_topic_alone(void **state)
{
	struct stand *stand = *state;
	struct worker_setup same, other;
	struct stage_config same_stages[STAND_STAGES], other_stages[STAND_STAGES];
	stand_deny(stand, 1000);
	const uint64_t before = answered(&p);
	follow_answers(stand, &same, same_stages, 0);
	assert_string_equal(denied(&p), "out");
	assert_int_equal(atomic_load(&watched.forgotten), 0);
	follow_answers(stand, &other, other_stages, 1);
	const char *next = denied(&p); /* the other topic may have been refused since then, too: a wait of its own */
	assert_true(!next || strcmp(next, "other") == 0);
	rd_kafka_mock_clear_request_errors(stand->mock.cluster, PRODUCE);
	await_answers(&p, before + 1);
	await_forgotten(); /* no stage waits any more */
	assert_in_range(stand_stop(stand).resets, 1, 2);
}

static void await_denied_group(const struct stage_counts *counts, bool is_denied)
{
	for (int waited_ms = 0; (atomic_load(&counts->denied_group) != NULL) != is_denied; waited_ms += 20) {
		assert_true(waited_ms < MOCK_WAIT_MS);
		(void)poll(NULL, 0, 20);
	}
}

static void say_why(struct stage_counts *counts, char words[256])
{
	struct topic_absence absent = {0};
	topic_absence_take(&absent, counts);
	words[0] = '\0';
	if (absent.topic)
		topic_absence_write(&absent, words, 256);
}

/* Both answer meanwhile, and commit when they may. */
static void all_pipelines_of_a_group_say_that_it_may_not_be_used(void **state)
{
	struct stand *stand = *state;
	char words[256];
	stand_configure(stand, STEP);
	stand_configure_also(stand, STEP);
	stand->config.transaction.id = NULL;
	stand->config.limits.commit_ms = 20;
	stand->stages[0].counts = &p;
	stand->stages[1].counts = &q;
	for (int i = 0; i < 1000; i++)
		rd_kafka_mock_push_request_errors(stand->mock.cluster, OFFSET_COMMIT, 1,
						  RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
	stand_start(stand);
	const uint64_t before = answered(&p);
	say_why(&p, words);
	assert_string_equal(words, "");
	stand_ask(stand, "p", 1, NULL, NULL);
	await_denied_group(&p, true);
	await_denied_group(&q, true);
	await_answers(&p, before + 1);
	say_why(&q, words);
	assert_non_null(strstr(words, "use consumer group test, so nothing is committed. Give it the right"));
	rd_kafka_mock_clear_request_errors(stand->mock.cluster, OFFSET_COMMIT);
	stand_ask(stand, "again", 2, NULL, NULL);
	await_denied_group(&p, false);
	await_denied_group(&q, false);
	await_answers(&p, before + 2);
	say_why(&p, words);
	assert_string_equal(words, "");
	(void)stand_stop(stand);
	assert_int_equal(stand_committed(stand), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_pipeline_waits_until_its_topic_may_be_written),
		STORY(a_reload_keeps_the_wait_for_the_same_topic_alone),
		STORY(all_pipelines_of_a_group_say_that_it_may_not_be_used),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
