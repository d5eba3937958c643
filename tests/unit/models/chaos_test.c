/* The rules of a rehearsal, read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "models/calls/chaos.h"

static void rules_name_models_shares_and_mishaps(void **state)
{
	struct arena *arena = arena_open(1 << 20);
	struct error error = {0};
	(void)state;
	const struct chaos *chaos =
		chaos_read("model scorer: 5% 503, +200ms; models: 0.5% lost,refused ,2%silent, 10% +2s", arena, &error);
	assert_non_null(chaos);
	assert_int_equal(6, chaos->count);
	static const struct mishap expected[] = {
		{"scorer", 0.05, MISHAP_STATUS, 0, 503}, {"scorer", 1, MISHAP_LATE, 200, 0}, {NULL, 0.005, MISHAP_LOST, 0, 0},
		{NULL, 1, MISHAP_REFUSED, 0, 0},	 {NULL, 0.02, MISHAP_SILENT, 0, 0},  {NULL, 0.1, MISHAP_LATE, 2000, 0},
	};
	for (size_t i = 0; i < chaos->count; i++) {
		const struct mishap *mishap = &chaos->mishaps[i];
		assert_true(mishap->model == expected[i].model || strcmp(mishap->model, expected[i].model) == 0);
		assert_float_equal(expected[i].share, mishap->share, 1e-12);
		assert_int_equal(expected[i].kind, mishap->kind);
		assert_int_equal(expected[i].late_ms, mishap->late_ms);
		if (mishap->kind == MISHAP_STATUS)
			assert_int_equal(expected[i].status, mishap->status);
	}
	arena_close(arena);
}

static void what_is_no_rule_is_named(void **state)
{
	static const struct {
		const char *rules, *words;
	} rows[] = {
		{"5% 503", "`5% 503` is not a failure to inject: the model is missing"},
		{"scorer: 503", "`scorer` is not a failure to inject: a rule begins with"},
		{"model a: 0% lost", "a share is above 0% and at most 100%"},
		{"model a: 101% lost", "a share is above 0% and at most 100%"},
		{"model a: 5% 203", "`5% 203` is not a failure to inject: it is +TIME, a status from 300 to 599"},
		{"model a: +5", "`+5` is not a failure to inject"},
		{"model a: lost;", "the model is missing"},
		{"model a:", "`` is not a failure to inject"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *arena = arena_open(1 << 20);
		struct error error = {0};
		assert_null(chaos_read(rows[i].rules, arena, &error));
		assert_int_equal(ERROR_CONFIG, error.kind);
		if (!strstr(error.text, rows[i].words))
			fail_msg("%s: %s", rows[i].rules, error.text);
		arena_close(arena);
	}
}

static void as_many_mishaps_as_there_is_room_for_are_taken_and_no_more(void **state)
{
	static const char first[] = "models: lost", more[] = ", lost";
	char rules[1024];
	struct arena *arena = arena_open(1 << 20);
	struct error error = {0};
	(void)state;
	size_t length = (size_t)snprintf(rules, sizeof rules, "%s", first);
	for (size_t i = 1; i < CHAOS_MISHAPS_MAX; i++)
		length += (size_t)snprintf(rules + length, sizeof rules - length, "%s", more);
	assert_int_equal(CHAOS_MISHAPS_MAX, chaos_read(rules, arena, &error)->count);
	snprintf(rules + length, sizeof rules - length, "%s", more);
	assert_null(chaos_read(rules, arena, &error));
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_name_models_shares_and_mishaps),
		cmocka_unit_test(what_is_no_rule_is_named),
		cmocka_unit_test(as_many_mishaps_as_there_is_room_for_are_taken_and_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
