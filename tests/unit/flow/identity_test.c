/* identity_test.c: Tests of the detection of lost state: the identity in a commit is compared with that of the changelog
 * partition. */
#include "flow/state/changelog_identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "flow/state/change.h"
#include "flow/state/snapshot.h"

#define BYTES_MAX ((size_t)1 << 20)
#define CHANGELOG "sluice.ns.pipeline.p.stage.request.state"

static const char *const names[] = {"count", IDENTITY_SCOPE};
static const char *const others[] = {"tally", IDENTITY_SCOPE};
static const char *const both[] = {"count", "tally", IDENTITY_SCOPE};
static const struct store_scopes scopes = {2, names}, renamed = {2, others}, more = {3, both};

struct stand {
	struct store *store;
	struct identity_check check;
	uint64_t id;
	char note[ERROR_TEXT_MAX];
	struct error error;
};

static enum identity_verdict settle(struct stand *stand)
{
	stand->error = (struct error){0};
	return identity_settle(stand->store, &stand->check, &stand->id, stand->note, &stand->error);
}

/* A partition that has committed 100 requests, which wrote 40 records. */
static int set_up(void **state)
{
	static struct stand stand;
	stand = (struct stand){.store = store_open(scopes, BYTES_MAX),
			       .check = {.pipeline = "p", .changelog = CHANGELOG, .partition = 3, .committed = true, .end = 40}};
	assert_int_equal(settle(&stand), IDENTITY_GOOD);
	stand.check.reference = (struct state_reference){stand.id, 41, CHANGELOG};
	stand.check.end = 41;
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	store_close(((struct stand *)*state)->store);
	return 0;
}

static void copy_one(void *context, const struct change *kept)
{
	struct store *to = context;
	uint32_t scope;
	struct error error = {0};
	if (store_scope_find(to, text_of(names[kept->scope]), &scope))
		assert_true(store_restore(to, scope, kept->key, kept->value, &error));
}

/* As another engine finds it, which has these steps; `emptied`: there is nothing any more. */
static void restart(struct stand *stand, struct store_scopes with, bool emptied)
{
	struct store *next = store_open(with, BYTES_MAX);
	struct store_walk walk = {0};
	while (!emptied && store_show(stand->store, &walk, 100, copy_one, next))
		;
	store_close(stand->store);
	stand->store = next;
}

static void expect_lost(struct stand *stand, const char *words)
{
	assert_int_equal(settle(stand), IDENTITY_LOST);
	assert_int_equal(stand->error.kind, ERROR_SYSTEM);
	if (!strstr(stand->error.text, words))
		fail_msg("%s does not say %s", stand->error.text, words);
	assert_non_null(strstr(stand->error.text, "--new-state p"));
}

static void a_partition_that_is_as_it_was_is_good_and_has_nothing_to_tell(void **state)
{
	struct stand *stand = *state;
	uint64_t id = stand->id;
	assert_int_equal(store_changes(stand->store), 1); /* the identity */
	restart(stand, scopes, false);
	assert_int_equal(settle(stand), IDENTITY_GOOD);
	assert_int_equal(stand->id, id);
	assert_string_equal(stand->note, "");
	assert_int_equal(store_changes(stand->store), 0);
}

static void a_changelog_that_is_empty_is_noticed(void **state)
{
	struct stand *stand = *state;
	restart(stand, scopes, true);
	expect_lost(stand, "deleted and made again, or emptied");
}

static void a_changelog_of_another_name_is_noticed(void **state)
{
	struct stand *stand = *state;
	restart(stand, scopes, true);
	stand->check.changelog = "sluice.ns.pipeline.q.stage.request.state";
	expect_lost(stand, CHANGELOG "; was the pipeline or a step renamed");
	expect_lost(stand, "changed? pipeline `p` is now `q`. Undo the renaming");
}

#define OTHER_FORM "sluice.ns.pipeline.p.stage.request.form-00c0ffee.state"

/* Under a control plane: the version with OTHER_FORM is new, then the former one comes back. */
static void a_changelog_of_another_version_is_taken_as_it_was_left(void **state)
{
	struct stand *stand = *state;
	uint64_t id = stand->id;
	struct store *former = stand->store;
	stand->store = store_open(renamed, BYTES_MAX);
	stand->check.changelog = OTHER_FORM;
	expect_lost(stand, CHANGELOG "; was the pipeline or a step renamed");
	stand->check.versioned = true;
	assert_int_equal(settle(stand), IDENTITY_GOOD);
	assert_non_null(strstr(stand->note, "begins empty; the former state stays in " CHANGELOG));
	assert_true(stand->id != 0 && stand->id != id);
	store_close(stand->store);
	stand->store = former;
	stand->check.changelog = CHANGELOG;
	stand->check.reference = (struct state_reference){stand->id, 7, OTHER_FORM};
	restart(stand, scopes, false);
	assert_int_equal(settle(stand), IDENTITY_GOOD);
	assert_int_equal(stand->id, id);
	assert_non_null(strstr(stand->note, "at offset 41 with 1 keys; it lacks the requests whose state is in "));
}

/* A control plane does not make another pipeline's state this one's, nor an emptied changelog a good one. */
static void a_control_plane_accepts_no_other_loss(void **state)
{
	struct stand *stand = *state;
	stand->check.versioned = true;
	restart(stand, scopes, true);
	expect_lost(stand, "deleted and made again, or emptied");
	stand->check.changelog = "sluice.ns.pipeline.q.stage.request.state";
	expect_lost(stand, "was the pipeline or a step renamed");
}

#define LONG "a-name-of-a-hundred-characters-is-too-long-for-an-error-that-also-has-to-tell-what-to-do-about-it-all"

static void what_differs_between_two_changelogs_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *now, *words;
	} cases[] = {
		{"sluice.ns.pipeline.p.stage.request.state", ""},
		{"sluice.ns.pipeline.q.stage.request.state", "pipeline `p` is now `q`"},
		{"sluice.ns.pipeline.p.stage.count.state", "stage `request` is now `count`"},
		{"sluice.ns.pipeline.q.r.stage.count.state", "pipeline `p` is now `q.r`, stage `request` is now `count`"},
		{"sluice.ns.pipeline." LONG ".stage.request.state", ""},
		{"of.another.tool", ""},
		{"sluice.ns.pipeline.q.stage.request", ""},
	};
	char words[CHANGELOG_DIFFERENCE_BYTES_MAX];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		changelog_difference_write(CHANGELOG, cases[i].now, words);
		assert_string_equal(words, cases[i].words);
	}
	changelog_difference_write("of.another.tool", CHANGELOG, words);
	assert_string_equal(words, "");
}

static void a_changelog_that_ends_early_is_waited_for(void **state)
{
	struct stand *stand = *state;
	restart(stand, scopes, false);
	stand->check.end = 40; /* one record less than the commit says */
	assert_int_equal(settle(stand), IDENTITY_LATE);
	assert_non_null(strstr(stand->error.text, "ends at offset 40, and the last commit was made when it reached 41"));
	stand->check.end = 41;
	assert_int_equal(settle(stand), IDENTITY_GOOD);
}

static void a_changelog_whose_beginning_was_deleted_is_noticed(void **state)
{
	struct stand *stand = *state;
	restart(stand, scopes, false);
	stand->check.low = 1;
	stand->check.from_snapshot = true; /* which holds what is gone */
	assert_int_equal(settle(stand), IDENTITY_GOOD);
	stand->check.from_snapshot = false;
	expect_lost(stand, "before offset 1 were deleted");
}

static void a_step_that_was_renamed_is_noticed(void **state)
{
	struct stand *stand = *state;
	restart(stand, renamed, false);
	expect_lost(stand, "holds state of `count`, and the stage has `tally` instead");
}

/* The others go on. */
static void an_observer_that_was_renamed_begins_anew(void **state)
{
	struct stand *stand = *state;
	restart(stand, renamed, false);
	stand->check.observes = true;
	assert_int_equal(settle(stand), IDENTITY_GOOD);
	assert_non_null(strstr(stand->note, "the state of `count` is not used"));
	assert_int_equal(settle(stand), IDENTITY_GOOD);
	assert_string_equal(stand->note, "");
}

static void key_write(struct stand *stand, const char *key)
{
	struct write write = {.scope = 0, .key = text_of(key), .value = TEXT("1")};
	assert_true(store_journal(stand->store, &write, &stand->error));
	assert_true(store_release(stand->store, &write, &stand->error));
}

/* Also if a worker that did not notice has written since: a part of the state is worse than none. */
static void observers_of_a_changelog_that_was_made_again_begin_anew(void **state)
{
	struct stand *stand = *state;
	const uint64_t before = stand->id;
	restart(stand, scopes, true);
	key_write(stand, "written");
	key_write(stand, "since");
	stand->check.begins_anew = stand->check.observes = true;
	stand->check.end = 2;
	assert_int_equal(settle(stand), IDENTITY_GOOD);
	assert_non_null(strstr(stand->note, "deleted and made again, or emptied: the observers of pipeline p begin without state"));
	assert_int_not_equal(stand->id, before);
	assert_int_equal(store_count(stand->store), 1);	  /* the identity */
	assert_int_equal(store_changes(stand->store), 3); /* and the two that are removed */
	restart(stand, scopes, false);
	assert_int_equal(settle(stand), IDENTITY_GOOD); /* the commits refer to the former one until there is another */
	assert_string_equal(stand->note, "");
}

static void observers_of_a_changelog_that_was_emptied_begin_anew(void **state)
{
	struct stand *stand = *state;
	restart(stand, scopes, true);
	stand->check.begins_anew = stand->check.observes = true;
	stand->check.end = 0;
	assert_int_equal(settle(stand), IDENTITY_GOOD);
	assert_int_equal(store_changes(stand->store), 1); /* the identity */
}

static void a_part_of_what_observers_knew_is_not_used(void **state)
{
	struct stand *stand = *state;
	restart(stand, scopes, false);
	stand->check.begins_anew = stand->check.observes = true;
	stand->check.low = 7;
	assert_int_equal(settle(stand), IDENTITY_LOST);
	assert_non_null(strstr(stand->error.text, "its records before offset 7 were deleted"));
	assert_non_null(
		strstr(stand->error.text, "or delete the topic and create it again: its observers then begin without state"));
}

static void a_step_that_is_new_begins_with_a_note(void **state)
{
	struct stand *stand = *state;
	restart(stand, more, false);
	assert_int_equal(settle(stand), IDENTITY_GOOD);
	assert_non_null(strstr(stand->note, "`tally` begins"));
	assert_int_equal(store_changes(stand->store), 1); /* the identity names it from now on */
	assert_int_equal(settle(stand), IDENTITY_GOOD);
	assert_string_equal(stand->note, "");
}

static void a_loss_that_is_accepted_is_accepted_for_good(void **state)
{
	struct stand *stand = *state;
	uint64_t before = stand->id;
	restart(stand, scopes, true);
	stand->check.end = 0;
	stand->check.new_state = true;
	assert_int_equal(settle(stand), IDENTITY_GOOD);
	assert_int_not_equal(stand->id, before);
	assert_non_null(strstr(stand->note, "begins with 0 keys"));
	restart(stand, scopes, false); /* before anything was committed with the new identity */
	stand->check.new_state = false;
	stand->check.end = 1;
	assert_int_equal(settle(stand), IDENTITY_GOOD);
	stand->check.reference.end++; /* what an engine committed that did not know */
	expect_lost(stand, "another changelog");
}

static void what_0_1_0_left_is_taken_as_it_is_with_a_note(void **state)
{
	struct stand *stand = *state;
	struct error error = {0};
	restart(stand, scopes, true);
	stand->check.reference = (struct state_reference){0};
	assert_true(store_restore(stand->store, 0, TEXT("k"), TEXT("v"), &error));
	assert_int_equal(settle(stand), IDENTITY_GOOD);
	assert_non_null(strstr(stand->note, "used as it is"));
	restart(stand, scopes, true);
	assert_int_equal(settle(stand), IDENTITY_GOOD);
	assert_non_null(strstr(stand->note, "there is no state yet"));
	restart(stand, scopes, true);
	stand->check.committed = false;
	assert_int_equal(settle(stand), IDENTITY_GOOD);
	assert_string_equal(stand->note, "");
}

static void two_engines_write_the_same_identity(void **state)
{
	struct stand *stand = *state;
	uint64_t id = stand->id;
	stand->check.reference = (struct state_reference){0};
	restart(stand, scopes, true);
	assert_int_equal(settle(stand), IDENTITY_GOOD);
	assert_true(stand->id == id);
	restart(stand, scopes, true);
	stand->check.partition++;
	assert_int_equal(settle(stand), IDENTITY_GOOD);
	assert_true(stand->id != id);
}

static void a_reference_is_read_as_it_was_written(void **state)
{
	(void)state;
	char metadata[STATE_REFERENCE_BYTES_MAX], name[CHANGELOG_NAME_BYTES_MAX], longest[CHANGELOG_NAME_BYTES_MAX];
	struct state_reference reference;
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	state_reference_write(&(struct state_reference){UINT64_MAX, INT64_MAX, longest}, metadata);
	state_reference_read(text_of(metadata), &reference, name);
	assert_true(reference.id == UINT64_MAX);
	assert_true(reference.end == INT64_MAX);
	assert_string_equal(reference.changelog, longest);
	state_reference_write(&(struct state_reference){.end = 7}, metadata);
	assert_string_equal(metadata, "");
}

static void metadata_of_others_is_no_reference(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "x", "sluice state", "sluice state id=", "sluice state id=7 end=",
					    "sluice state id=7 end=3", "sluice state id=7 end=3 changelog=",
					    "sluice state id=7 end=99999999999999999999 changelog=c",
					    "sluice state id= end=3 changelog=c"};
	char name[CHANGELOG_NAME_BYTES_MAX];
	struct state_reference reference;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		state_reference_read(text_of(texts[i]), &reference, name);
		assert_true(reference.id == 0);
	}
	state_reference_read((struct text){0}, &reference, name);
	assert_true(reference.id == 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_partition_that_is_as_it_was_is_good_and_has_nothing_to_tell),
		TEST(a_changelog_that_is_empty_is_noticed),
		TEST(a_changelog_of_another_name_is_noticed),
		TEST(a_changelog_of_another_version_is_taken_as_it_was_left),
		TEST(a_control_plane_accepts_no_other_loss),
		cmocka_unit_test(what_differs_between_two_changelogs_is_named),
		TEST(a_changelog_that_ends_early_is_waited_for),
		TEST(a_changelog_whose_beginning_was_deleted_is_noticed),
		TEST(a_step_that_was_renamed_is_noticed),
		TEST(an_observer_that_was_renamed_begins_anew),
		TEST(observers_of_a_changelog_that_was_made_again_begin_anew),
		TEST(observers_of_a_changelog_that_was_emptied_begin_anew),
		TEST(a_part_of_what_observers_knew_is_not_used),
		TEST(a_step_that_is_new_begins_with_a_note),
		TEST(a_loss_that_is_accepted_is_accepted_for_good),
		TEST(what_0_1_0_left_is_taken_as_it_is_with_a_note),
		TEST(two_engines_write_the_same_identity),
		cmocka_unit_test(a_reference_is_read_as_it_was_written),
		cmocka_unit_test(metadata_of_others_is_no_reference),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
