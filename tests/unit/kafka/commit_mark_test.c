/* commit_mark_test.c: Tests of the mark in a commit's metadata whose partition was moved to another group. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kafka/consume/commit_mark.h"
#include "flow/state/changelog_identity.h"

#define REFERENCE "sluice state id=00000000000000ff end=12 changelog=p.state"

static void expect_text(struct text found, const char *wanted)
{
	assert_int_equal(found.length, strlen(wanted));
	if (found.length > 0)
		assert_memory_equal(found.bytes, wanted, found.length);
}

static void a_mark_is_read_as_it_was_written(void **state)
{
	char metadata[COMMIT_MARK_BYTES_MAX];
	(void)state;
	assert_true(commit_mark_write("a.b.exactly-once", (struct text){0}, metadata));
	assert_string_equal(metadata, "sluice moved to=a.b.exactly-once");
	expect_text(commit_mark_group(text_of(metadata)), "a.b.exactly-once");
	expect_text(commit_mark_strip(text_of(metadata)), "");
}

static void what_the_metadata_said_is_kept(void **state)
{
	char metadata[COMMIT_MARK_BYTES_MAX], changelog[CHANGELOG_NAME_BYTES_MAX];
	struct state_reference reference;
	(void)state;
	assert_true(commit_mark_write("g", TEXT(REFERENCE), metadata));
	assert_string_equal(metadata, "sluice moved to=g " REFERENCE);
	expect_text(commit_mark_group(text_of(metadata)), "g");
	state_reference_read(commit_mark_strip(text_of(metadata)), &reference, changelog);
	assert_true(reference.id == 255 && reference.end == 12);
	assert_string_equal(changelog, "p.state");
}

static void another_mark_replaces_it(void **state)
{
	char first[COMMIT_MARK_BYTES_MAX], second[COMMIT_MARK_BYTES_MAX];
	(void)state;
	assert_true(commit_mark_write("first", TEXT(REFERENCE), first));
	assert_true(commit_mark_write("second", text_of(first), second));
	assert_string_equal(second, "sluice moved to=second " REFERENCE);
}

static void other_metadata_has_no_mark(void **state)
{
	static const char *const texts[] = {"", REFERENCE, "sluice moved to=", "Sluice moved to=g", "x sluice moved to=g"};
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		assert_int_equal(commit_mark_group(text_of(texts[i])).length, 0);
		expect_text(commit_mark_strip(text_of(texts[i])), texts[i]);
	}
	assert_int_equal(commit_mark_group((struct text){0}).length, 0);
	assert_int_equal(commit_mark_strip((struct text){0}).length, 0);
}

/* The longest group with the longest reference fits; what others wrote may not. */
static void what_is_too_long_is_not_marked(void **state)
{
	char metadata[COMMIT_MARK_BYTES_MAX], before[COMMIT_MARK_BYTES_MAX + 1], group[256];
	(void)state;
	memset(before, 'x', sizeof before);
	memset(group, 'g', sizeof group);
	group[255] = '\0';
	assert_true(commit_mark_write(group, (struct text){before, STATE_REFERENCE_BYTES_MAX}, metadata));
	const size_t most = COMMIT_MARK_BYTES_MAX - 1 - strlen("sluice moved to=g ");
	assert_true(commit_mark_write("g", (struct text){before, most}, metadata));
	assert_int_equal(commit_mark_strip(text_of(metadata)).length, most);
	assert_false(commit_mark_write("g", (struct text){before, most + 1}, metadata));
	assert_false(commit_mark_write("g", (struct text){before, sizeof before}, metadata));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mark_is_read_as_it_was_written), cmocka_unit_test(what_the_metadata_said_is_kept),
		cmocka_unit_test(another_mark_replaces_it),	    cmocka_unit_test(other_metadata_has_no_mark),
		cmocka_unit_test(what_is_too_long_is_not_marked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
