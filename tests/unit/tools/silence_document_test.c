/* silence_document_test.c: a Silence of an alert as a document. */
#include "tools/client/control/silence_document.h"

#include "compiler/resources/rows.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define HALF_HOUR_NS ((int64_t)1800 * 1000000000)

static struct arena *arena;

static int open_arena(void **state)
{
	(void)state;
	arena = arena_open((size_t)4 << 20);
	return arena ? 0 : -1;
}

static int close_arena(void **state)
{
	(void)state;
	arena_close(arena);
	return 0;
}

/* The text of the name of a silence of that target. */
static const char *name_of(const char *pipeline, const char *alert, const char *group)
{
	const struct control_author author = {.author = "ann", .reason = "works"};
	const struct silence_asked asked = {
		.alert = alert, .pipeline = pipeline, .group = group, .author = &author, .for_ns = HALF_HOUR_NS};
	struct silence_document document;
	struct error error = {0};
	assert_true(silence_document_make(&document, &asked, arena, &error));
	const struct text text = buffer_view(&document.text);
	const char *written = arena_copy(arena, text.bytes, text.length);
	assert_non_null(strstr(written, arena_print(arena, "metadata: {name: %s}\n", document.name)));
	buffer_close(&document.text);
	return arena_print(arena, "%s", document.name);
}

static bool make(struct silence_document *document, const char *pipeline, const char *group, const char *reason,
		 struct error *error)
{
	const struct control_author author = {.author = "ann", .reason = reason};
	const struct silence_asked asked = {
		.alert = "late", .pipeline = pipeline, .group = group, .author = &author, .for_ns = HALF_HOUR_NS};
	return silence_document_make(document, &asked, arena, error);
}

static void expect_text(const struct silence_document *document, const char *expected)
{
	const struct text text = buffer_view(&document->text);
	assert_string_equal(arena_copy(arena, text.bytes, text.length), expected);
}

static void the_name_says_which_pipeline_alert_and_group(void **state)
{
	(void)state;
	struct silence_document document;
	struct error error = {0};
	assert_true(make(&document, "fraud", "north", "works", &error));
	assert_int_equal(strncmp(document.name, "fraud-late-north-", 17), 0);
	assert_int_equal(strlen(document.name), 17 + 12); /* and a hash of twelve digits */
	expect_text(&document, arena_print(arena,
					   "apiVersion: sluice.io/v1alpha1\nkind: Silence\nmetadata: {name: %s}\nspec:\n"
					   "  alert: \"late\"\n  pipeline: \"fraud\"\n  group: \"north\"\n  until: \"%s\"\n"
					   "  reason: \"works\"\n  author: \"ann\"\n",
					   document.name, document.until));
	buffer_close(&document.text);
	assert_true(make(&document, NULL, NULL, "works", &error));
	assert_string_equal(document.name, "late");
	buffer_close(&document.text);
}

/* Else a second silence would end the first one, which is of something else. */
static void no_two_targets_share_a_name(void **state)
{
	(void)state;
	char long_text[400], longer_text[400];
	memset(long_text, 'x', sizeof long_text);
	memset(longer_text, 'x', sizeof longer_text);
	long_text[300] = longer_text[301] = 0;
	const char *hashed = name_of("p1", "a", NULL);
	const struct silence_asked targets[] = {
		{.alert = "a"},
		{.alert = "a", .group = "上海"},
		{.alert = "a", .group = "北京"},
		{.alert = "a", .group = ""},
		{.alert = "slow", .group = "EUR/USD"},
		{.alert = "slow", .group = "EUR-USD"},
		{.alert = "slow", .group = "XNYS"},
		{.alert = "slow", .group = "xnys"},
		{.alert = "slow-xnys"},
		{.alert = "xnys", .pipeline = "slow"},
		{.alert = "a", .pipeline = "p1"},
		{.alert = "a", .pipeline = "p1", .group = "北"},
		{.alert = "p1", .group = "a"},
		{.alert = "p1-a"},
		{.alert = "a b"},
		{.alert = "a-b"},
		{.alert = "a_b"},
		{.alert = "A B"},
		{.alert = "b", .pipeline = "a"},
		{.alert = "é"},
		{.alert = "☃"},
		{.alert = "silence"},
		{.alert = long_text},
		{.alert = longer_text},
		{.alert = "a", .group = long_text},
		{.alert = "a", .group = longer_text},
		{.alert = hashed}, /* an alert whose name is that of a silence */
	};
	const char *names[sizeof targets / sizeof *targets];
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
		const struct silence_asked *target = &targets[i];
		names[i] = name_of(target->pipeline, target->alert, target->group);
		struct faults *faults = faults_open(arena);
		name_check((struct name){.text = names[i]}, "the silence", faults);
		assert_int_equal(faults_total(faults), 0);
		assert_string_equal(names[i], name_of(target->pipeline, target->alert, target->group));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(names[i], names[j]);
	}
}

/* So a silence replaces one that was made before names had a hash. */
static void the_name_of_an_alert_alone_is_the_name_of_its_silence(void **state)
{
	(void)state;
	assert_string_equal(name_of(NULL, "slow-2", NULL), "slow-2");
	assert_string_equal(name_of(NULL, "silence", NULL), "silence");
}

/* Else a reason could add a member to the document. */
static void what_was_typed_is_quoted(void **state)
{
	(void)state;
	struct silence_document document;
	struct error error = {0};
	assert_true(make(&document, NULL, "a\"b\nuntil: never", "x: y # z\n  alert: other", &error));
	expect_text(&document, arena_print(arena,
					   "apiVersion: sluice.io/v1alpha1\nkind: Silence\nmetadata: {name: %s}\nspec:\n"
					   "  alert: \"late\"\n  group: \"a\\\"b\\nuntil: never\"\n  until: \"%s\"\n"
					   "  reason: \"x: y # z\\n  alert: other\"\n  author: \"ann\"\n",
					   document.name, document.until));
	buffer_close(&document.text);
}

static void a_reason_that_is_too_long_is_refused(void **state)
{
	(void)state;
	struct silence_document document;
	struct error error = {0};
	char *reason = arena_take(arena, SILENCE_BYTES_MAX + 1, 1);
	memset(reason, 'x', SILENCE_BYTES_MAX);
	reason[SILENCE_BYTES_MAX] = 0;
	assert_false(make(&document, NULL, NULL, reason, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	assert_string_equal(error.text, "the silence has more than 64 KiB; shorten its reason");
	buffer_close(&document.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_name_says_which_pipeline_alert_and_group, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(no_two_targets_share_a_name, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(the_name_of_an_alert_alone_is_the_name_of_its_silence, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(what_was_typed_is_quoted, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(a_reason_that_is_too_long_is_refused, open_arena, close_arena),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
