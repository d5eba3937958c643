/* policy_record_test.c: Tests of the record of a policy: it comes back as it was written, and one with numbers that others cannot
 * compute with is refused. */
#include "message/records/policy_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ARENA_BYTES ((size_t)1 << 20)

static const struct text arms[] = {{"old", 3}, {"new", 3}};
static const struct policy_candidates lists[] = {{3, 2, arms}, {5, 1, arms}};
static const struct origin position = {{"in.feedback", 11}, 2, 40};
static const struct policy_record sound = {.experiment = {"e", 1},
					   .version = 7,
					   .time_ms = 1000,
					   .rewards = 6,
					   .arm_count = 2,
					   .arms = arms,
					   .policy = {"p", 1},
					   .learner = {"l", 1},
					   .position_count = 1,
					   .positions = &position,
					   .through_ms = 900,
					   .candidates_count = 2,
					   .candidates = lists};

/* Writes the record and reads it. */
static bool comes_back(const struct policy_record *record, struct arena *arena, struct policy_record *read, struct error *error)
{
	struct buffer out;
	*error = (struct error){0};
	buffer_open(&out, POLICY_RECORD_BYTES_MAX);
	assert_true(policy_record_encode(record, &out, error));
	const char *bytes = arena_copy(arena, out.bytes, out.length);
	const bool good = policy_record_decode((struct text){bytes, out.length}, arena, read, error);
	buffer_close(&out);
	return good;
}

static void a_policy_is_read_as_it_was_written(void **state)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	struct policy_record read;
	struct error error;
	(void)state;
	assert_true(comes_back(&sound, arena, &read, &error));
	assert_true(read.version == 7 && read.time_ms == 1000 && read.rewards == 6 && read.through_ms == 900);
	assert_true(read.arm_count == 2 && text_is(read.arms[1], "new") && text_is(read.learner, "l"));
	assert_true(read.position_count == 1 && read.positions[0].partition == 2 && read.positions[0].offset == 40);
	assert_true(read.candidates_count == 2 && read.candidates[1].since == 5 && read.candidates[1].count == 1);
	arena_close(arena);
}

static void expect_refused(struct policy_record record)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	struct policy_record read;
	struct error error;
	assert_false(comes_back(&record, arena, &read, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_string_equal(error.text, "the record is a broken policy");
	arena_close(arena);
}

/* The versions of the lists ascend up to that of the record. */
static void candidates_of_versions_that_cannot_be_are_refused(void **state)
{
	static const int64_t versions[][2] = {{-1, 5}, {INT64_MIN, 5}, {5, 5}, {5, 3}, {3, 8}, {INT64_MAX, 5}, {3, INT64_MAX}};
	(void)state;
	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
		const struct policy_candidates wrong[] = {{versions[i][0], 2, arms}, {versions[i][1], 1, arms}};
		struct policy_record record = sound;
		record.candidates = wrong;
		expect_refused(record);
	}
	const struct policy_candidates none[] = {{3, 0, arms}, {5, 1, arms}};
	struct policy_record record = sound;
	record.candidates = none;
	expect_refused(record);
}

static void numbers_that_would_overflow_are_refused(void **state)
{
	static const int64_t numbers[] = {-1, INT64_MIN, INT64_MAX};
	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		struct policy_record version = sound, time = sound, rewards = sound, through = sound;
		version.version = time.time_ms = rewards.rewards = through.through_ms = numbers[i];
		version.candidates_count = 0;
		expect_refused(version);
		expect_refused(time);
		expect_refused(rewards);
		expect_refused(through);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_is_read_as_it_was_written),
		cmocka_unit_test(candidates_of_versions_that_cannot_be_are_refused),
		cmocka_unit_test(numbers_that_would_overflow_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
