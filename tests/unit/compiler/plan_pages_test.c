/* plan_pages_test.c: Tests of what `sluice plan` shows of the pipelines in tests/plan, to the
 * letter. The pages were written by hand. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "steps/kinds.h"

#define PAGE_BYTES_MAX ((size_t)64 << 10)

static struct text page_read(struct arena *arena, const char *name, const char *ending)
{
	FILE *stream = fopen(arena_print(arena, "tests/plan/%s%s", name, ending), "rb");
	char *bytes = arena_take_raw(arena, PAGE_BYTES_MAX);
	assert_non_null(stream);
	assert_non_null(bytes);
	size_t length = fread(bytes, 1, PAGE_BYTES_MAX, stream);
	fclose(stream);
	assert_in_range(length, 1, PAGE_BYTES_MAX - 1);
	return (struct text){bytes, length};
}

static struct text line_at(struct text text, size_t at)
{
	const char *end = memchr(text.bytes + at, '\n', text.length - at);
	return (struct text){text.bytes + at, end ? (size_t)(end - text.bytes) - at : text.length - at};
}

/* Fails at the first line in which the two differ. */
static void assert_same_page(const char *name, struct text said, struct text written)
{
	unsigned number = 1;
	for (size_t at = 0; at < said.length && at < written.length; number++) {
		struct text left = line_at(said, at), right = line_at(written, at);
		if (!text_equal(left, right))
			fail_msg("%s.txt:%u\n  said     " TEXT_FORMAT "\n  expected " TEXT_FORMAT, name, number,
				 TEXT_ARGUMENTS(left), TEXT_ARGUMENTS(right));
		at += left.length + 1;
	}
	if (said.length != written.length)
		fail_msg("%s.txt: %zu bytes were said, and %zu expected", name, said.length, written.length);
}

/* What `plan` says of that YAML, in the arena. */
static struct text page_print(struct arena *arena, const char *file, struct text yaml)
{
	const struct spec_options spec_options = {.kinds = step_kinds};
	const struct plan_options options = {.kinds = step_kinds};
	const struct plan_view view = {.rate = 100};
	struct error error = {0};
	struct spec spec;
	struct plan plan;
	struct buffer out;
	assert_true(spec_open(&spec, &error));
	assert_true(spec_read_text(&spec, file, yaml, &spec_options, &error));
	assert_true(plan_make(&spec, &options, arena, &plan, &error));
	assert_int_equal(faults_count(spec.faults, SEVERITY_ERROR), 0);
	buffer_open(&out, PAGE_BYTES_MAX);
	plan_print_text(&plan, &view, &out);
	const struct text page = {arena_copy(arena, out.bytes, out.length), out.length};
	buffer_close(&out);
	spec_close(&spec);
	return page;
}

static void check_page(const char *name)
{
	struct arena *arena = arena_open((size_t)16 << 20);
	const struct text said = page_print(arena, arena_print(arena, "%s.yaml", name), page_read(arena, name, ".yaml"));
	assert_same_page(name, said, page_read(arena, name, ".txt"));
	arena_close(arena);
}

static void two_models_in_a_row_are_one_stage(void **state)
{
	(void)state;
	check_page("chain");
}

static void an_isolated_step_is_cut_out_and_may_be_read_by_others(void **state)
{
	(void)state;
	check_page("isolated");
}

static void a_choice_among_models_shows_each_of_them_and_where_it_is(void **state)
{
	(void)state;
	check_page("chosen");
}

static void it_says_when_a_caller_that_waits_is_answered(void **state)
{
	static const char pipeline[] = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
				       "  delivery: %s\n  reply: %s\n  steps: [{name: s, expression: {set: {y: x}}}]\n%s";
	static const char output[] = "  output: {steps: [s]}\n";
	static const struct {
		const char *delivery, *reply, *output, *words; /* NULL: nothing */
	} rows[] = {
		{"exactly-once", "committed", output,
		 "committed: a caller that waits at a gateway is answered after the commit, 10 to"},
		{"exactly-once", "early", output, "early: a caller that waits at a gateway is answered before the commit; a crash"},
		{"at-least-once", "early", output, "early: changes nothing here"},
		{"at-least-once", "committed", output, NULL},
		{"exactly-once", "early", "", NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *arena = arena_open((size_t)16 << 20);
		const char *yaml = arena_print(arena, pipeline, rows[i].delivery, rows[i].reply, rows[i].output);
		const struct text page = page_print(arena, "p.yaml", text_of(yaml));
		const char *wanted = rows[i].words ? arena_print(arena, "\n  reply      %s", rows[i].words) : "\n  reply ";
		assert_int_equal(memmem(page.bytes, page.length, wanted, strlen(wanted)) != NULL, rows[i].words != NULL);
		arena_close(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_models_in_a_row_are_one_stage),
		cmocka_unit_test(an_isolated_step_is_cut_out_and_may_be_read_by_others),
		cmocka_unit_test(a_choice_among_models_shows_each_of_them_and_where_it_is),
		cmocka_unit_test(it_says_when_a_caller_that_waits_is_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
