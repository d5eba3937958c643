/* silence_document_test.c: a Silence of an alert as a document. */
#include "client/silence_document.h"

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
	assert_string_equal(document.name, "fraud-late-north");
	expect_text(&document,
		    arena_print(arena,
				"apiVersion: sluice.io/v1alpha1\nkind: Silence\nmetadata: {name: fraud-late-north}\nspec:\n"
				"  alert: \"late\"\n  pipeline: \"fraud\"\n  group: \"north\"\n  until: \"%s\"\n"
				"  reason: \"works\"\n  author: \"ann\"\n",
				document.until));
	buffer_close(&document.text);
	assert_true(make(&document, NULL, NULL, "works", &error));
	assert_string_equal(document.name, "late");
	buffer_close(&document.text);
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
		cmocka_unit_test_setup_teardown(what_was_typed_is_quoted, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(a_reason_that_is_too_long_is_refused, open_arena, close_arena),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
