/* worker_slices_test.c: rows on their way to an observer are in the transaction of the offsets that they come from: none is left
 * out of it, and none of a void one stays. The output is the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <unistd.h>

#include "net/loop.h"
#include "tests/unit/sliced.h"
#include "tests/unit/worker_stand.h"

#define REQUESTS 20
#define TO_OBSERVER 1 /* the number of its topic */

static const char *const written[] = {"out", "stage-1"};
static const uint32_t next[] = {TO_OBSERVER};

/* Counts what each transaction has, and makes one void when so many answers were produced. */
static struct counting_output {
	struct output output;
	int bell;
	bool ending, spoilt, started;
	size_t void_at;		       /* 0: never */
	size_t produced;	       /* answers, in all */
	int64_t committed;	       /* the offset of the only partition */
	size_t answers, rows, records; /* of the open transaction */
	struct position ended[4];
	struct positions positions;
	atomic_size_t kept_answers, kept_rows, kept_records, voids;
	atomic_int unwatched; /* records with a tensor that is not watched */
	atomic_int unequal;   /* transactions whose rows are not those of their answers */
} out;

static void out_close(struct output *output)
{
	(void)output;
	close(out.bell);
}

static int out_bell(const struct output *output)
{
	(void)output;
	return out.bell;
}

static bool out_is_open(const struct output *output)
{
	(void)output;
	return out.started && !out.ending && !out.spoilt;
}

static bool out_may_end(const struct output *output)
{
	(void)output;
	return out.started && !out.ending;
}

static enum produce_verdict out_produce(struct output *output, const struct outgoing *record, struct error *error)
{
	(void)output, (void)error;
	if (record->topic == TO_OBSERVER) {
		out.rows += sliced_rows(record->value);
		out.unwatched += memmem(record->value.bytes, record->value.length, "unwatched", 9) != NULL;
		out.records++;
		return PRODUCED;
	}
	if (out.void_at && out.produced == out.void_at) {
		out.void_at = 0;
		out.spoilt = true;
		return PRODUCE_SPOILT;
	}
	out.answers++;
	out.produced++;
	return PRODUCED;
}

static bool out_end(struct output *output, struct positions positions, struct error *error)
{
	(void)output, (void)error;
	assert_in_range(positions.count, 0, 4);
	for (size_t i = 0; i < positions.count; i++)
		out.ended[i] = positions.items[i];
	out.positions = (struct positions){positions.count, out.ended};
	out.ending = true;
	bell_ring(out.bell);
	return true;
}

static enum transaction_news out_news(struct output *output, struct positions *committed, struct error *error)
{
	(void)output, (void)error;
	const bool first = !out.started, spoilt = out.spoilt;
	bell_quiet(out.bell);
	*committed = out.positions;
	if (!first && !out.ending)
		return NEWS_NONE;
	out.started = true;
	out.ending = out.spoilt = false;
	if (spoilt) {
		for (size_t i = 0; i < out.positions.count; i++)
			out.ended[i].offset = out.committed;
		atomic_fetch_add(&out.voids, 1);
	} else {
		for (size_t i = 0; i < out.positions.count; i++)
			out.committed = out.ended[i].offset > out.committed ? out.ended[i].offset : out.committed;
		atomic_fetch_add(&out.unequal, out.rows != out.answers);
		atomic_fetch_add(&out.kept_rows, out.rows);
		atomic_fetch_add(&out.kept_records, out.records);
		atomic_fetch_add(&out.kept_answers, out.answers);
	}
	out.answers = out.rows = out.records = 0;
	return first ? NEWS_STARTED : spoilt ? NEWS_RESET : NEWS_COMMITTED;
}

static uint64_t out_resets(const struct output *output, const char **reason)
{
	(void)output;
	*reason = "the test made it void";
	return atomic_load(&out.voids);
}

static int64_t out_commit_us(const struct output *output)
{
	(void)output;
	return 0;
}

static bool out_topics(struct output *output, const char *const *names, size_t count, struct error *error)
{
	(void)output, (void)names, (void)count, (void)error;
	return true;
}

static bool out_refused(struct output *output, struct refusal *refusal)
{
	(void)output, (void)refusal;
	return false;
}

static struct output *out_open(void *context, struct loop *loop, const struct transaction_config *config,
			       const struct consumer *consumer, struct error *error)
{
	static const struct output_operations operations = {.close = out_close,
							    .bell = out_bell,
							    .news = out_news,
							    .is_open = out_is_open,
							    .may_end = out_may_end,
							    .produce = out_produce,
							    .end = out_end,
							    .resets = out_resets,
							    .commit_us = out_commit_us,
							    .topics = out_topics,
							    .refused = out_refused};
	(void)context, (void)loop, (void)config, (void)consumer;
	out.output.operations = &operations;
	out.bell = bell_open(error);
	bell_ring(out.bell);
	return &out.output;
}

/* Answers all requests, which are there before, with a step whose observer runs elsewhere. */
static void answer_all(struct stand *stand, size_t void_at, bool texts)
{
	static struct worker_platform platform;
	struct plan plan;
	out = (struct counting_output){.void_at = void_at};
	platform = worker_platform_usual;
	platform.output_open = out_open;
	stand_configure(stand, "  - {name: watch, drift: {tensors: [x], reference: {past: 1h}, window: 100}}\n"
			       "  output: {steps: [watch]}\n");
	planning_plan(&stand->planning[0], NULL, &plan);
	stand->stages[0].graph = plan.pipelines[0].stages[0].graph;
	stand->stages[0].next = next;
	stand->config.setup.writes.names = written;
	stand->config.setup.writes.count = 2;
	stand->config.platform = &platform;
	for (int i = 0; i < REQUESTS && !texts; i++)
		stand_ask(stand, "r", i, NULL, NULL);
	for (int i = 0; i < REQUESTS && texts; i++)
		mock_write(&stand->mock, "key",
			   "{\"id\": \"r\", \"inputs\": ["
			   "{\"name\": \"x\", \"datatype\": \"FP64\", \"shape\": [1], \"data\": [7]}, "
			   "{\"name\": \"note\", \"datatype\": \"BYTES\", \"shape\": [1], \"data\": [\"unwatched\"]}]}",
			   NULL, NULL);
	stand_start(stand);
	for (int waited_ms = 0; waited_ms < MOCK_WAIT_MS && atomic_load(&out.kept_answers) < REQUESTS; waited_ms += 10)
		usleep(10000);
	stand_stop(stand);
	assert_int_equal(out.kept_answers, REQUESTS);
	assert_int_equal(out.kept_rows, REQUESTS);
	assert_int_equal(out.unequal, 0);
	assert_true(out.kept_records < REQUESTS);
}

static void rows_leave_in_the_transaction_of_their_answers(void **state)
{
	answer_all(*state, 0, false);
	assert_int_equal(out.voids, 0);
}

/* Rows of the messages before it waited; they come again. */
static void rows_of_a_void_transaction_are_dropped(void **state)
{
	answer_all(*state, 7, false);
	assert_int_equal(out.voids, 1);
}

/* A text beside the watched tensor would keep each message out of a slice. */
static void an_observer_gets_the_tensors_that_it_watches(void **state)
{
	answer_all(*state, 0, true);
	assert_int_equal(out.unwatched, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(rows_leave_in_the_transaction_of_their_answers),
		STORY(rows_of_a_void_transaction_are_dropped),
		STORY(an_observer_gets_the_tensors_that_it_watches),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
