/* mirror_pairs_test.c: Tests of replies of a mirror that are compared with the candidate's while requests run: in either order,
 * with errors, with requests that are given up, and when too many wait, or hold too much memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "message/records/mirror_reply.h"
#include "tests/unit/held_model.h"
#include "tests/unit/worker_stand.h"
#include "engine/outputs/mirror_pairs.h"

#define MIRRORED(options)                                                                                                          \
	"  - name: s\n    experiment: {name: e, candidates: [{name: m, weight: 1}], mirror: {name: shade, percent: 100" options    \
	"}}\n"                                                                                                                     \
	"  output: {steps: [s]}\n"
#define PAIRS_MAX 512

struct mirrored {
	struct stand *stand;
	struct held_model models[2]; /* the candidate `m`, and the mirror `shade` */
	struct model_config configs[2];
	struct step_counts counts, others;
	struct step_counts *of_steps[4]; /* of the first, and of all others */
};
static struct mirrored mirrored;

static const char *const elsewhere[] = {"elsewhere"};

/* Answers go to `elsewhere`, and what is on the shadow topic is read. */
static void mirrored_open(struct stand *stand, const char *steps, int answered, int replied)
{
	mirrored.stand = stand;
	mirrored.counts = (struct step_counts){0};
	mirrored.of_steps[0] = &mirrored.counts;
	mirrored.of_steps[1] = mirrored.of_steps[2] = mirrored.of_steps[3] = &mirrored.others;
	stand_configure(stand, steps);
	held_model_open(&mirrored.models[0], "m", answered);
	held_model_open(&mirrored.models[1], "shade", replied);
	for (size_t i = 0; i < 2; i++)
		mirrored.configs[i] = mirrored.models[i].config;
	stand->caller.model_count = 2;
	stand->caller.models = mirrored.configs;
	stand->config.setup.writes = (struct topic_list){1, elsewhere};
	rd_kafka_mock_topic_create(stand->mock.cluster, "elsewhere", 1, 1);
	stand->config.setup.taps = (struct topic_list){1, mock_out};
	stand->stages[0].mirrors = true;
	stand->stages[0].step_counts = mirrored.of_steps;
	stand_start(stand);
}

static void let(size_t model, bool answers)
{
	atomic_store(&mirrored.models[model].open, answers);
}

#define CANDIDATE 0
#define MIRROR 1

static void mirrored_close(void)
{
	let(CANDIDATE, true);
	let(MIRROR, true);
	(void)stand_stop(mirrored.stand);
	held_model_close(&mirrored.models[0]);
	held_model_close(&mirrored.models[1]);
}

static void wait_for(const atomic_size_t *count, size_t least)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	for (int64_t end_ms = clock_ms() + MOCK_WAIT_MS; atomic_load(count) < least && clock_ms() < end_ms;)
		nanosleep(&moment, NULL);
	assert_true(atomic_load(count) >= least);
}

static void wait_for_count(const uint64_t *count, uint64_t least)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	for (int64_t end_ms = clock_ms() + MOCK_WAIT_MS; count_read(count) < least && clock_ms() < end_ms;)
		nanosleep(&moment, NULL);
	assert_int_equal(count_read(count), least);
}

static void wait_for_answers(uint64_t least)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	for (int64_t end_ms = clock_ms() + MOCK_WAIT_MS; clock_ms() < end_ms; nanosleep(&moment, NULL))
		if (worker_counts(mirrored.stand->running.worker).answered >= least)
			return;
	fail_msg("there are no %" PRIu64 " answers", least);
}

/* The next record of the shadow topic is of that request, with that verdict; `id` NULL: of any. */
static void expect_verdict(const char *id, enum mirror_verdict verdict, const char *difference)
{
	struct mirror_reply reply;
	const rd_kafka_message_t *record = mock_read(&mirrored.stand->mock);
	const char *header = record_header(record, MIRROR_HEADER), *of = record_header(record, "x-request-id");
	const char *judged = record_header(record, MIRROR_VERDICT_HEADER);
	assert_non_null(header);
	const bool is_of = !id || strcmp(of, id) == 0, is_read = mirror_header_read(text_of(header), &reply);
	mirror_verdict_read(text_of(judged ? judged : ""), &reply);
	const bool is_verdict = is_read && !judged == (verdict == MIRROR_UNJUDGED) && reply.verdict == verdict &&
				text_is(reply.difference, difference);
	if (!is_of || !is_verdict)
		fail_msg("%s: %s, %s", of, header, judged ? judged : "no verdict");
	assert_false(reply.left_out);
}

static void ask(const char *id)
{
	stand_ask(mirrored.stand, id, 21, NULL, NULL);
}

static uint64_t durations(const struct duration_counts *counts)
{
	uint64_t count = 0;
	for (size_t i = 0; i <= DURATION_LIMITS; i++)
		count += count_read(&counts->buckets[i]);
	return count;
}

static void expect_counts(uint64_t agreed, uint64_t disagreed, uint64_t failed, uint64_t left_out)
{
	const struct mirror_counts *counts = &mirrored.counts.mirror;
	assert_int_equal(count_read(&counts->agreed), agreed);
	assert_int_equal(count_read(&counts->disagreed), disagreed);
	assert_int_equal(count_read(&counts->failed), failed);
	assert_int_equal(count_read(&counts->left_out), left_out);
	assert_int_equal(durations(&counts->mirror), agreed + disagreed);
	assert_int_equal(durations(&counts->answer), agreed + disagreed);
}

/* ---- two results ---- */

static void a_reply_before_or_after_the_answer_is_compared_with_it(void **state)
{
	mirrored_open(*state, MIRRORED(""), 7, 7);
	let(MIRROR, true);
	ask("r-1");
	wait_for(&mirrored.models[MIRROR].called, 1);
	let(CANDIDATE, true); /* the mirror was first */
	expect_verdict("r-1", MIRROR_AGREES, "");
	let(MIRROR, false);
	ask("r-2");
	wait_for_answers(2); /* it is not waited for */
	expect_counts(1, 0, 0, 0);
	let(MIRROR, true);
	expect_verdict("r-2", MIRROR_AGREES, "");
	atomic_store(&mirrored.models[MIRROR].number, 9);
	ask("r-3");
	expect_verdict("r-3", MIRROR_DIFFERS, "numbers of y: answer 7, mirror 9");
	expect_counts(2, 1, 0, 0);
	mirrored_close();
}

static void numbers_within_the_tolerance_of_the_mirror_agree(void **state)
{
	mirrored_open(*state, MIRRORED(", tolerance: 20%"), 100, 119);
	let(CANDIDATE, true);
	let(MIRROR, true);
	ask("r-1");
	expect_verdict("r-1", MIRROR_AGREES, "");
	atomic_store(&mirrored.models[MIRROR].number, 121);
	ask("r-2");
	expect_verdict("r-2", MIRROR_DIFFERS, "numbers of y: answer 100, mirror 121");
	expect_counts(1, 1, 0, 0);
	mirrored_close();
}

/* Nothing serves it: its copy fails at once. */
static void a_mirror_that_fails_differs(void **state)
{
	struct stand *stand = *state;
	mirrored_open(stand,
		      "  - name: s\n    experiment: {name: e, candidates: [{name: m, weight: 1}], mirror: {name: gone, percent: "
		      "100}}\n  output: {steps: [s]}\n",
		      7, 7);
	let(CANDIDATE, true);
	ask("r-1");
	expect_verdict("r-1", MIRROR_DIFFERS, "mirror failed");
	expect_counts(0, 1, 1, 0);
	mirrored_close();
}

static void ask_for(int64_t ms, const char *id)
{
	char deadline[24];
	snprintf(deadline, sizeof deadline, "%" PRId64, time_of_day_ms() + ms);
	stand_ask(mirrored.stand, id, 21, "x-deadline-ms", deadline);
}

/* The copy has the deadline of its request. */
static void a_deadline_that_passes_is_a_failure(void **state)
{
	mirrored_open(*state, MIRRORED(""), 7, 7);
	ask_for(300, "r-1");
	expect_verdict("r-1", MIRROR_AGREES, ""); /* both have failed */
	let(MIRROR, true);
	ask_for(2000, "r-2"); /* which the mirror must keep, on a busy machine too */
	expect_verdict("r-2", MIRROR_DIFFERS, "answer failed");
	wait_for_answers(2);
	expect_counts(1, 1, 1, 0);
	mirrored_close();
}

/* ---- ways: the answer of the message ---- */

/* What the way's model replied goes through another step. */
#define WAY                                                                                                                        \
	"  - name: by\n    traffic: {experiment: e, shares: [{weight: 1, to: s}], copies: [{call: shade, mirror: true}]}\n"        \
	"  - {name: s, inputs: [by], model: {name: m}}\n  - {name: next, inputs: [s], expression: {set: {y: y + 1}, keep: "        \
	"[y]}}\n"
#define WAYS WAY "  output: {steps: [next]}\n"

static void the_mirror_of_ways_is_compared_with_the_answer(void **state)
{
	mirrored_open(*state, WAYS, 7, 8);
	let(MIRROR, true);
	ask("r-1");
	wait_for(&mirrored.models[MIRROR].called, 1);
	let(CANDIDATE, true); /* the mirror was first */
	expect_verdict("r-1", MIRROR_AGREES, "");
	let(MIRROR, false);
	ask("r-2");
	wait_for_answers(2); /* it is not waited for */
	let(MIRROR, true);
	expect_verdict("r-2", MIRROR_AGREES, "");
	atomic_store(&mirrored.models[MIRROR].number, 7);
	ask("r-3");
	expect_verdict("r-3", MIRROR_DIFFERS, "numbers of y: answer 8, mirror 7");
	expect_counts(2, 1, 0, 0);
	mirrored_close();
}

static void a_request_that_fails_on_its_way_differs_from_its_mirror(void **state)
{
	mirrored_open(*state, WAYS, 7, 8);
	let(MIRROR, true);
	ask_for(2000, "r-1"); /* which the mirror must keep, on a busy machine too */
	expect_verdict("r-1", MIRROR_DIFFERS, "answer failed");
	expect_counts(0, 1, 0, 0);
	mirrored_close();
}

/* A step drops it, so there is nothing to compare. */
static void a_request_without_an_answer_is_left_out(void **state)
{
	mirrored_open(*state, WAY "  - {name: some, inputs: [next], filter: {keep: y < 0}}\n  output: {steps: [some]}\n", 7, 8);
	let(MIRROR, true);
	let(CANDIDATE, true);
	ask("r-1");
	expect_verdict("r-1", MIRROR_UNJUDGED, "");
	expect_counts(0, 0, 0, 1);
	mirrored_close();
}

/* The flow ends before the answer is known, and its copy with it. */
static void a_request_that_ends_with_its_stage_is_left_out(void **state)
{
	mirrored_open(*state, WAYS, 7, 8);
	let(MIRROR, true);
	ask("r-1");
	wait_for(&mirrored.models[MIRROR].called, 1);
	(void)stand_stop(mirrored.stand);
	expect_counts(0, 0, 0, 1);
	held_model_close(&mirrored.models[0]);
	held_model_close(&mirrored.models[1]);
}

/* ---- copies that are not compared ---- */

/* The other step answers, so the candidate's reply is not awaited any more. */
static void a_call_that_is_given_up_is_left_out(void **state)
{
	mirrored_open(
		*state,
		"  - name: s\n    experiment: {name: e, candidates: [{name: m, weight: 1}], mirror: {name: shade, percent: 100}}\n"
		"  - {name: quick, expression: {set: {y: x}}}\n  output: {steps: [s, quick], stepsJoin: any}\n",
		7, 7);
	ask("r-1");
	wait_for_answers(1);
	expect_counts(0, 0, 0, 0);
	let(MIRROR, true);
	expect_verdict("r-1", MIRROR_UNJUDGED, "");
	expect_counts(0, 0, 0, 1);
	mirrored_close();
}

static void when_too_many_replies_wait_the_oldest_is_left_out(void **state)
{
	enum { MORE = 3 };
	char id[16];
	mirrored_open(*state, MIRRORED(""), 7, 7);
	let(MIRROR, true);
	for (size_t i = 0; i < PAIRS_MAX + MORE; i++) {
		snprintf(id, sizeof id, "r-%zu", i);
		ask(id);
	}
	for (size_t i = 0; i < MORE; i++)
		expect_verdict(NULL, MIRROR_UNJUDGED, "");
	expect_counts(0, 0, 0, MORE);
	let(CANDIDATE, true);
	wait_for_count(&mirrored.counts.mirror.agreed, PAIRS_MAX);
	expect_counts(PAIRS_MAX, 0, 0, MORE);
	mirrored_close();
}

static void a_copy_without_a_reply_is_left_out_when_the_stage_ends(void **state)
{
	mirrored_open(*state, MIRRORED(""), 7, 7);
	let(CANDIDATE, true);
	ask("r-1");
	wait_for_answers(1);
	(void)stand_stop(mirrored.stand);
	expect_counts(0, 0, 0, 1);
	held_model_close(&mirrored.models[0]);
	held_model_close(&mirrored.models[1]);
}

/* ---- the memory of all copies ---- */

#define WAITING 3
#define WAITING_BYTES ((size_t)1 << 10)

/* A worker without threads: pairs that wait for the result of their call, and copies in flight that hold the rest. */
static struct held_copies {
	struct worker worker;
	struct worker_stage stage;
	struct stage_config config;
	struct flow_owner flow_owner;
	struct call calls[WAITING];
	struct shadow_request *pairs[WAITING];
	struct mirror_counts counts;
} held_copies;

static void copies_hold(size_t bytes)
{
	struct worker *worker = &held_copies.worker;
	held_copies = (struct held_copies){.stage = {.worker = worker, .config = &held_copies.config},
					   .flow_owner = {.stage = &held_copies.stage}};
	for (size_t i = 0; i < WAITING; i++) {
		struct arena *arena = arena_open(1 << 20);
		struct shadow_request *pair = ARENA_NEW(arena, struct shadow_request);
		const struct mirrored_result of = {.copy = &held_copies.calls[i].mirrored,
						   .experiment = "e",
						   .tolerance = 0.001,
						   .counts = &held_copies.counts};
		assert_non_null(arena_take_raw(arena, WAITING_BYTES));
		pair->arena = arena;
		pair->flow_owner = &held_copies.flow_owner;
		shadow_request_measure(pair);
		mirror_pair_begin(pair, &of);
		list_add(&worker->pairs_waiting, &pair->node);
		worker->pair_count++;
		held_copies.pairs[i] = pair;
	}
	assert_true(worker->copy_bytes >= WAITING * WAITING_BYTES);
	worker->copy_bytes = bytes;
}

/* So many of the oldest were left out. */
static void expect_left_out(size_t count)
{
	const struct worker *worker = &held_copies.worker;
	assert_int_equal(count_read(&held_copies.counts.left_out), count);
	assert_int_equal(worker->pair_count, WAITING - count);
	for (size_t i = 0; i < WAITING; i++)
		assert_true(held_copies.calls[i].mirrored == (i < count ? NULL : held_copies.pairs[i]));
	assert_true(worker->pairs_waiting.first == (count < WAITING ? &held_copies.pairs[count]->node : NULL));
}

static void copies_drop(void)
{
	held_copies.worker.copy_bytes = COPIES_BYTES_MAX + WAITING * ((size_t)1 << 20); /* they all leave */
	mirror_pairs_make_room(&held_copies.worker);
	expect_left_out(WAITING);
}

static void copies_at_their_bytes_leave_out_the_oldest_pair(void **state)
{
	(void)state;
	copies_hold(COPIES_BYTES_MAX - 1);
	mirror_pairs_make_room(&held_copies.worker);
	expect_left_out(0);
	held_copies.worker.copy_bytes++;
	const size_t bytes = held_copies.pairs[0]->bytes;
	mirror_pairs_make_room(&held_copies.worker);
	expect_left_out(1);
	assert_int_equal(held_copies.worker.copy_bytes, COPIES_BYTES_MAX - bytes);
	copies_drop();
}

/* Two leave before there are fewer than all bytes. */
static void as_many_pairs_leave_as_hold_the_bytes_above(void **state)
{
	(void)state;
	copies_hold(COPIES_BYTES_MAX);
	held_copies.worker.copy_bytes += held_copies.pairs[0]->bytes;
	mirror_pairs_make_room(&held_copies.worker);
	expect_left_out(2);
	copies_drop();
}

/* No pair waits that could leave: copies in flight hold all of it. */
static void without_memory_a_copy_is_not_sent(void **state)
{
	const struct call call = {.name = "shade"};
	const struct mirrored_result of = {.experiment = "e", .tolerance = 0.001, .counts = &held_copies.counts};
	(void)state;
	copies_hold(0);
	copies_drop();
	held_copies.worker.copy_bytes = COPIES_BYTES_MAX;
	flow_owner_copy(&held_copies.flow_owner, &call, &of);
	assert_int_equal(count_read(&held_copies.counts.left_out), WAITING + 1);
	assert_int_equal(count_read(&held_copies.worker.counts.copies_lost), 1);
	assert_int_equal(held_copies.worker.copy_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_reply_before_or_after_the_answer_is_compared_with_it),
		STORY(numbers_within_the_tolerance_of_the_mirror_agree),
		STORY(a_mirror_that_fails_differs),
		STORY(a_deadline_that_passes_is_a_failure),
		STORY(the_mirror_of_ways_is_compared_with_the_answer),
		STORY(a_request_that_fails_on_its_way_differs_from_its_mirror),
		STORY(a_request_without_an_answer_is_left_out),
		STORY(a_request_that_ends_with_its_stage_is_left_out),
		STORY(a_call_that_is_given_up_is_left_out),
		STORY(when_too_many_replies_wait_the_oldest_is_left_out),
		STORY(a_copy_without_a_reply_is_left_out_when_the_stage_ends),
		cmocka_unit_test(copies_at_their_bytes_leave_out_the_oldest_pair),
		cmocka_unit_test(as_many_pairs_leave_as_hold_the_bytes_above),
		cmocka_unit_test(without_memory_a_copy_is_not_sent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
