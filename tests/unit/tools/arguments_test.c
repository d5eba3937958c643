/* arguments_test.c: Tests of the command line: what its words mean. */
#include "tools/cli/arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct bake_options {
	bool sweet;
	bool quick;
	const char *tin;
	struct name_list with;
	int64_t eggs;
	double share;
	int form;
	struct name who;
	int64_t oven_ns;
};

static const struct option rows[] = {
	{.name = "sweet", .letter = 's', .type = OPTION_FLAG, .offset = offsetof(struct bake_options, sweet)},
	{.name = "quick", .letter = 'q', .type = OPTION_FLAG, .offset = offsetof(struct bake_options, quick)},
	{.name = "tin", .letter = 't', .type = OPTION_TEXT, .offset = offsetof(struct bake_options, tin)},
	{.name = "with", .letter = 'w', .type = OPTION_NAMES, .offset = offsetof(struct bake_options, with)},
	{.name = "eggs",
	 .type = OPTION_INTEGER,
	 .offset = offsetof(struct bake_options, eggs),
	 .fallback = "3",
	 .least = 1,
	 .most = 12},
	{.name = "share", .type = OPTION_NUMBER, .offset = offsetof(struct bake_options, share)},
	{.name = "who", .type = OPTION_NAME, .offset = offsetof(struct bake_options, who)},
	{.name = "oven", .type = OPTION_DURATION, .offset = offsetof(struct bake_options, oven_ns)},
	COMMAND_FORM(bake_options, form, "text json dot"),
	{0},
};

static const struct command bake = {
	.name = "bake", .arguments = "CAKE [GUEST]...", .options = rows, .options_size = sizeof(struct bake_options)};

struct given {
	struct arena *arena;
	struct bake_options options;
	struct arguments arguments;
	struct error error;
	bool good;
};

#define GIVE(command, ...) \
	give(command, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static struct given give(const struct command *command, const char *const *words, size_t count)
{
	struct given given = {.arena = arena_open(1 << 16)};
	given.good = arguments_parse(command, words, count, given.arena, &given.options, &given.arguments, &given.error);
	return given;
}

static void refused(struct given given, const char *because)
{
	assert_false(given.good);
	assert_int_equal(given.error.kind, ERROR_CONFIG);
	if (!strstr(given.error.text, because))
		fail_msg("`%s` does not say `%s`", given.error.text, because);
	arena_close(given.arena);
}

static void a_value_may_stand_behind_its_option_in_every_usual_way(void **state)
{
	(void)state;
	static const char *const ways[][3] = {
		{"--format", "json", "tart"}, {"--format=json", "tart"}, {"-o", "json", "tart"},    {"-ojson", "tart"},
		{"-o=json", "tart"},	      {"tart", "-o", "json"},	 {"tart", "--format=json"},
	};
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct given given = give(&bake, ways[i], ways[i][2] ? 3 : 2);
		assert_true(given.good);
		assert_int_equal(given.options.form, OUTPUT_JSON);
		assert_int_equal(given.arguments.count, 1);
		assert_string_equal(given.arguments.items[0], "tart");
		arena_close(given.arena);
	}
}

static void what_is_not_given_has_its_fallback(void **state)
{
	(void)state;
	struct given given = GIVE(&bake, "tart");
	assert_true(given.good);
	assert_int_equal(given.options.eggs, 3);
	assert_int_equal(given.options.form, OUTPUT_TEXT);
	assert_null(given.options.tin);
	assert_false(given.options.sweet);
	arena_close(given.arena);
}

static void letters_of_flags_stand_together_and_the_last_may_take_a_value(void **state)
{
	(void)state;
	struct given given = GIVE(&bake, "-sqt", "round", "tart");
	assert_true(given.good);
	assert_true(given.options.sweet);
	assert_true(given.options.quick);
	assert_string_equal(given.options.tin, "round");
	arena_close(given.arena);
}

static void names_add_up_and_keep_their_order(void **state)
{
	(void)state;
	struct given given = GIVE(&bake, "-w", "plums", "tart", "--with=cream", "--with", "nuts");
	assert_true(given.good);
	assert_int_equal(given.options.with.count, 3);
	assert_string_equal(given.options.with.items[0].text, "plums");
	assert_string_equal(given.options.with.items[1].text, "cream");
	assert_string_equal(given.options.with.items[2].text, "nuts");
	arena_close(given.arena);
}

static void an_argument_may_come_by_an_option_and_counts_like_the_others(void **state)
{
	(void)state;
	static const struct option files[] = {COMMAND_FILES, {0}};
	static const struct command read = {.name = "read", .arguments = "FILE...", .options = files};
	struct given given = GIVE(&read, "one", "-f", "two", "--file=three", "-", "-ffour");
	assert_true(given.good);
	static const char *const want[] = {"one", "two", "three", "-", "four"};
	assert_int_equal(given.arguments.count, sizeof want / sizeof *want);
	for (size_t i = 0; i < given.arguments.count; i++)
		assert_string_equal(given.arguments.items[i], want[i]);
	arena_close(given.arena);
	refused(GIVE(&read, "-f"), "--file needs a value");
}

static void behind_two_dashes_all_is_argument_and_one_dash_always_is(void **state)
{
	(void)state;
	struct given given = GIVE(&bake, "-", "--", "--sweet", "-w");
	assert_true(given.good);
	assert_false(given.options.sweet);
	assert_int_equal(given.arguments.count, 3);
	assert_string_equal(given.arguments.items[0], "-");
	assert_string_equal(given.arguments.items[1], "--sweet");
	arena_close(given.arena);
}

static void numbers_are_whole_in_bounds_and_may_be_percent(void **state)
{
	(void)state;
	struct given given = GIVE(&bake, "tart", "--eggs", "12", "--share=2.5%");
	assert_true(given.good);
	assert_int_equal(given.options.eggs, 12);
	assert_float_equal(given.options.share, 0.025, 1e-15);
	arena_close(given.arena);
	struct given below_zero = GIVE(&bake, "tart", "--share", "-4");
	assert_true(below_zero.good);
	assert_float_equal(below_zero.options.share, -4, 0);
	arena_close(below_zero.arena);
	refused(GIVE(&bake, "tart", "--eggs", "13"), "from 1 to 12");
	refused(GIVE(&bake, "tart", "--eggs", "2.5"), "whole number, not `2.5`");
	refused(GIVE(&bake, "tart", "--eggs", ""), "whole number");
	refused(GIVE(&bake, "tart", "--share", "0x10"), "takes a number");
	refused(GIVE(&bake, "tart", "--share", "%"), "takes a number");
}

static void a_duration_has_a_unit(void **state)
{
	(void)state;
	struct given given = GIVE(&bake, "tart", "--oven", "1h30m");
	assert_true(given.good);
	assert_int_equal(given.options.oven_ns, 5400 * INT64_C(1000000000));
	arena_close(given.arena);
	refused(GIVE(&bake, "tart", "--oven", "90"), "--oven: `90` ");
}

static void a_misspelt_option_or_word_names_the_one_that_was_meant(void **state)
{
	(void)state;
	refused(GIVE(&bake, "tart", "--swete"), "no option --swete; did you mean --sweet?");
	refused(GIVE(&bake, "tart", "--fromat=json"), "did you mean --format?");
	refused(GIVE(&bake, "tart", "-o", "jsn"), "did you mean `json`? It is one of: text json dot");
	refused(GIVE(&bake, "tart", "-x"), "no option -x");
}

static void an_option_that_cannot_be_right_is_refused(void **state)
{
	(void)state;
	refused(GIVE(&bake, "tart", "--tin"), "--tin needs a value");
	refused(GIVE(&bake, "tart", "--tin", "--sweet"), "write one that begins with a dash after =");
	refused(GIVE(&bake, "tart", "--tin=a", "-t", "b"), "--tin was given twice");
	refused(GIVE(&bake, "tart", "--sweet=yes"), "--sweet takes no value");
}

static void the_usage_line_says_how_many_arguments_there_may_be(void **state)
{
	(void)state;
	static const struct command alone = {.name = "alone"};
	static const struct command one = {.name = "one", .arguments = "[FILE]"};
	static const struct command some = {.name = "some", .arguments = "FILE..."};
	refused(GIVE(&bake, "--sweet"), "the usage is `sluice bake CAKE [GUEST]...`");
	refused(GIVE(&alone, "x"), "the argument `x` is one too many: the usage is `sluice alone`");
	refused(GIVE(&one, "a", "b"), "the argument `b` is one too many: the usage is `sluice one [FILE]`");
	struct given three = GIVE(&some, "a", "b", "c");
	assert_true(three.good);
	assert_int_equal(three.arguments.count, 3);
	arena_close(three.arena);
	refused(give(&some, NULL, 0), "an argument is missing");
}

static void a_needed_option_is_asked_for(void **state)
{
	(void)state;
	static const struct option needed[] = {{.name = "out", .type = OPTION_TEXT, .required = true}, {0}};
	static const struct command fit = {.name = "fit", .options = needed, .options_size = sizeof(char *)};
	struct arena *arena = arena_open(1 << 16);
	const char *out = NULL;
	struct arguments arguments;
	struct error error = {0};
	assert_false(arguments_parse(&fit, NULL, 0, arena, &out, &arguments, &error));
	assert_string_equal(error.text, "--out is needed");
	arena_close(arena);
}

static void asking_for_help_is_no_misuse_whatever_else_is_missing(void **state)
{
	(void)state;
	struct given given = GIVE(&bake, "--help");
	assert_true(given.good);
	assert_true(given.arguments.help);
	arena_close(given.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_may_stand_behind_its_option_in_every_usual_way),
		cmocka_unit_test(what_is_not_given_has_its_fallback),
		cmocka_unit_test(letters_of_flags_stand_together_and_the_last_may_take_a_value),
		cmocka_unit_test(names_add_up_and_keep_their_order),
		cmocka_unit_test(an_argument_may_come_by_an_option_and_counts_like_the_others),
		cmocka_unit_test(behind_two_dashes_all_is_argument_and_one_dash_always_is),
		cmocka_unit_test(numbers_are_whole_in_bounds_and_may_be_percent),
		cmocka_unit_test(a_duration_has_a_unit),
		cmocka_unit_test(a_misspelt_option_or_word_names_the_one_that_was_meant),
		cmocka_unit_test(an_option_that_cannot_be_right_is_refused),
		cmocka_unit_test(the_usage_line_says_how_many_arguments_there_may_be),
		cmocka_unit_test(a_needed_option_is_asked_for),
		cmocka_unit_test(asking_for_help_is_no_misuse_whatever_else_is_missing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
