/* suggest_test.c: which word was meant. */
#include "base/suggest.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void what_fingers_do_wrong_is_recognised(void **state)
{
	(void)state;
	static const struct {
		const char *word, *meant;
	} rows[] = {
		{"storageURL", "storageUri"},
		{"candidate", "candidates"},
		{"stepJoin", "stepsJoin"},
		{"Pipline", "Pipeline"},
		{"frist", "first"},
		{"input", "inputs"},
		{"specs", "spec"},
		{"join_window_ms", "joinWindowMs"},
		{"STEPS", "steps"},
		{"drift", "drift_score"},
	};
	static const char *const candidates[] = {"storageUri", "candidates", "stepsJoin", "Pipeline",	  "first",
						 "inputs",     "spec",	     "steps",	  "joinWindowMs", "drift_score"};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *nearest = suggest_nearest(rows[i].word, candidates, sizeof candidates / sizeof *candidates);
		assert_non_null(nearest);
		assert_string_equal(nearest, rows[i].meant);
	}
}

static void what_is_far_gets_no_suggestion(void **state)
{
	(void)state;
	static const char *const candidates[] = {"storageUri", "min", "x", "of"};
	assert_null(suggest_nearest("weights", candidates, 4));
	assert_null(suggest_nearest("y", candidates, 4));
	assert_null(suggest_nearest("if", candidates, 4));
	assert_null(suggest_nearest("", candidates, 4));
	assert_null(suggest_nearest("max", candidates, 4));
	assert_null(suggest_nearest("storageUri", candidates, 0));
}

static void the_nearest_wins_and_then_the_first(void **state)
{
	(void)state;
	static const char *const by_distance[] = {"weightings", "weighs", "weight"};
	assert_string_equal(suggest_nearest("wieght", by_distance, 3), "weight");
	static const char *const alike[] = {"bold", "told"};
	assert_string_equal(suggest_nearest("gold", alike, 2), "bold");
}

static void a_word_beyond_measure_is_no_slip(void **state)
{
	(void)state;
	char word[200];
	memset(word, 'a', sizeof word - 1);
	word[sizeof word - 1] = '\0';
	static const char *const candidates[] = {"aaa"};
	assert_null(suggest_nearest(word, candidates, 1));
}

static void names_can_be_offered_one_by_one(void **state)
{
	(void)state;
	struct suggestion suggestion = suggest_begin(TEXT("pirce"));
	suggest_offer(&suggestion, TEXT("volume"));
	assert_null(suggestion.nearest.bytes);
	suggest_offer(&suggestion, TEXT("price"));
	suggest_offer(&suggestion, TEXT("prices"));
	assert_true(text_is(suggestion.nearest, "price"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fingers_do_wrong_is_recognised), cmocka_unit_test(what_is_far_gets_no_suggestion),
		cmocka_unit_test(the_nearest_wins_and_then_the_first), cmocka_unit_test(a_word_beyond_measure_is_no_slip),
		cmocka_unit_test(names_can_be_offered_one_by_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
