/* control_reader_test.c: Tests of the reader of `control`: what an engine makes of `control`: what is in force, what
 * is to be prepared, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/control_stand.h"

static struct control_stand stand;
static struct control_reader reader;

static int reader_setup(void **state)
{
	struct error error = {0};
	(void)state;
	control_open(&stand);
	control_keeper_start(&stand);
	return control_reader_open(&reader, "default", stand.now_ms, &error) ? 0 : -1;
}

static int reader_teardown(void **state)
{
	(void)state;
	control_reader_close(&reader);
	control_close(&stand);
	return 0;
}

static size_t taken;

static void reader_take_next(void)
{
	const struct keeper_record *record = &stand.control[taken++];
	struct error error = {0};
	assert_true(control_reader_take(&reader, record->key, record->value, stand.now_ms, &error));
}

static void reader_follow(void)
{
	while (taken < stand.control_count)
		reader_take_next();
}

static void apply(const char *name, int64_t expected, const char *yaml)
{
	const struct proposal_item item = {
		.kind = TEXT("Pipeline"), .name = text_of(name), .document = text_of(yaml), .expected = expected};
	const struct control_verdict *verdict = control_ask(&stand, (struct proposal){.items = {1, &item}});
	assert_int_equal(verdict->outcome, VERDICT_ACCEPTED);
}

static const struct ledger_resource *resource(const char *name)
{
	return ledger_resource_find(&reader.ledger, TEXT("Pipeline"), text_of(name));
}

static void in_force_is(const char *name, const char *yaml)
{
	const struct control_version *version = control_reader_in_force(&reader, resource(name));
	assert_int_equal(version != NULL, yaml != NULL);
	assert_true(!yaml || text_is(version->document, yaml));
}

static void what_is_in_force_changes_as_a_whole(void **state)
{
	(void)state;
	taken = 0;
	const struct proposal_item items[] = {{.kind = TEXT("Pipeline"), .name = TEXT("p"), .document = TEXT("one")},
					      {.kind = TEXT("Pipeline"), .name = TEXT("q"), .document = TEXT("one")}};
	assert_int_equal(control_ask(&stand, (struct proposal){.items = {2, items}})->outcome, VERDICT_ACCEPTED);
	reader_follow();
	in_force_is("p", NULL);
	assert_true(text_is(control_reader_prepared(&reader, resource("p"), 1)->document, "one"));
	assert_null(control_reader_prepared(&reader, resource("p"), 2));
	assert_int_equal(control_reader_generation(&reader), 0);
	control_pass(&stand, KEEPER_SILENT_MS);
	while (taken < stand.control_count) { /* no record shows one of the two alone */
		reader_take_next();
		bool is_there = control_reader_in_force(&reader, resource("p")) != NULL;
		assert_int_equal(is_there, control_reader_in_force(&reader, resource("q")) != NULL);
	}
	in_force_is("p", "one");
	assert_int_equal(control_reader_generation(&reader), 1);
	const struct proposal_item gone = {.kind = TEXT("Pipeline"), .name = TEXT("p"), .action = PROPOSAL_DELETE, .expected = 1};
	assert_int_equal(control_ask(&stand, (struct proposal){.items = {1, &gone}})->outcome, VERDICT_ACCEPTED);
	reader_follow();
	in_force_is("p", NULL);
	in_force_is("q", "one");
	assert_int_equal(control_reader_generation(&reader), 2);
}

static void refuses(struct text key, struct text value, enum ledger_refusal refusal, const char *words)
{
	struct error error = {0};
	uint64_t before = reader.ledger.refused[refusal], all = control_reader_refused(&reader);
	assert_true(control_reader_take(&reader, key, value, stand.now_ms, &error));
	assert_int_equal(reader.ledger.refused[refusal], before + 1);
	assert_int_equal(control_reader_refused(&reader), all + 1);
	if (strcmp(reader.last_refused.text, words) != 0)
		fail_msg("%s", reader.last_refused.text);
}

static void what_cannot_be_taken_is_refused_and_what_was_in_force_stays(void **state)
{
	static char large[CONTROL_RECORD_BYTES_MAX + 1];
	(void)state;
	taken = 0;
	apply("p", 0, "one");
	control_pass(&stand, KEEPER_SILENT_MS);
	reader_follow();
	struct control_version version = {.kind = TEXT("Pipeline"),
					  .name = TEXT("p"),
					  .namespace = TEXT("default"),
					  .version = 2,
					  .time_ms = stand.now_ms,
					  .change = 1,
					  .epoch = 1};
	refuses(TEXT("Pipeline/p@2"), TEXT("rubbish"), LEDGER_REFUSED_BROKEN,
		"record `Pipeline/p@2` is not Avro; only the keeper may write to this topic");
	refuses(TEXT("Pipeline/p@2"), TEXT("\xC3\x01\x01\x02\x03\x04\x05\x06\x07\x08rest"), LEDGER_REFUSED_UNKNOWN,
		"record `Pipeline/p@2` has a schema that this version of sluice does not know (0807060504030201); a newer one may "
		"have written it");
	refuses(TEXT("x"), TEXT("\xC3\x01\x01\x02\x03\x04\x05\x06\x07\x08rest"), LEDGER_REFUSED_BROKEN,
		"record `x` has a key that no record of sluice has; only the keeper may write to this topic");
	refuses(TEXT("Pipeline/p@2"), (struct text){large, sizeof large}, LEDGER_REFUSED_LARGE,
		"record `Pipeline/p@2` has 1048577 bytes, and 1048576 are the most");
	struct text right = control_encode(&stand, &version_form, &version);
	refuses(TEXT("Pipeline/p@2"), (struct text){right.bytes, right.length - 1}, LEDGER_REFUSED_BROKEN,
		"the record is a broken version of a resource");
	refuses(TEXT("Pipeline/q@2"), right, LEDGER_REFUSED_BROKEN,
		"record `Pipeline/q@2` holds `Pipeline/p@2`; only the keeper may write to this topic");
	version.time_ms = stand.now_ms + CONTROL_FUTURE_MS + 1;
	refuses(TEXT("Pipeline/p@2"), control_encode(&stand, &version_form, &version), LEDGER_REFUSED_FUTURE,
		"record `Pipeline/p@2` is 600 s from the future; set the clocks of the engines");
	version.time_ms = stand.now_ms;
	version.epoch = 0;
	refuses(TEXT("Pipeline/p@2"), control_encode(&stand, &version_form, &version), LEDGER_REFUSED_FORMER,
		"record `Pipeline/p@2` is of a keeper that was replaced (epoch 0, now 1)");
	version.epoch = CONTROL_NUMBER_MAX + 1;
	refuses(TEXT("Pipeline/p@2"), control_encode(&stand, &version_form, &version), LEDGER_REFUSED_BROKEN,
		"record `Pipeline/p@2` has an epoch that no keeper has");
	version.epoch = 1;
	version.namespace = TEXT("../x");
	refuses(TEXT("Pipeline/p@2"), control_encode(&stand, &version_form, &version), LEDGER_REFUSED_NAMESPACE,
		"record `Pipeline/p@2` is of the namespace `../x`, and this one is `default`");
	version.namespace = TEXT("default");
	version.name = TEXT("../x");
	refuses(TEXT("Pipeline/../x@2"), control_encode(&stand, &version_form, &version), LEDGER_REFUSED_BROKEN,
		"record `Pipeline/../x@2` names no resource");
	const struct control_verdict verdict = {.id = TEXT("a/b@3"), .namespace = TEXT("default"), .epoch = 1};
	refuses(TEXT("verdict@a/b@3"), control_encode(&stand, &verdict_form, &verdict), LEDGER_REFUSED_BROKEN,
		"record `verdict@a/b@3` names no proposal");
	const struct control_change change = {.namespace = TEXT("default"), .epoch = 1};
	refuses(TEXT("change@0"), control_encode(&stand, &change_form, &change), LEDGER_REFUSED_BROKEN,
		"record `change@0` numbers no change");
	in_force_is("p", "one");
}

static void tombstones_of_anything_are_harmless(void **state)
{
	static const char *const keys[] = {"",	       "@",	   "Pipeline/p@",  "Pipeline/p@x",
					   "Pipeline/p@9", "nobody@1", "change@7",    "change@",
					   "verdict@no",   "keeper",   "verdict@p0@1", "Pipeline/p@99999999999999999999"};
	struct error error = {0};
	(void)state;
	taken = 0;
	apply("p", 0, "one");
	control_pass(&stand, KEEPER_SILENT_MS);
	reader_follow();
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		assert_true(control_reader_take(&reader, text_of(keys[i]), (struct text){0}, stand.now_ms, &error));
	in_force_is("p", "one");
	assert_int_equal(reader.ledger.verdict_count, 1);
	assert_true(control_reader_take(&reader, TEXT("Pipeline/p@1"), (struct text){0}, stand.now_ms, &error));
	assert_true(control_reader_take(&reader, TEXT("verdict@p0"), (struct text){0}, stand.now_ms, &error));
	assert_null(resource("p"));
	assert_int_equal(reader.ledger.verdict_count, 0);
}

/* A version that an engine could not read: its change is in force, and the engine knows that it lacks something. */
static void what_is_missing_is_named(void **state)
{
	struct error error = {0};
	(void)state;
	taken = 0;
	apply("p", 0, "one");
	control_pass(&stand, KEEPER_SILENT_MS);
	reader_follow();
	apply("p", 1, "two");
	while (taken < stand.control_count)
		if (text_is(stand.control[taken].key, "Pipeline/p@2"))
			taken++;
		else
			reader_take_next();
	assert_false(control_reader_is_whole(&reader, &error));
	assert_string_equal(error.text, "version 2 of `Pipeline/p` is in force and cannot be read; the former version continues");
	in_force_is("p", "one");
}

static void beat(int64_t epoch, const char *namespace)
{
	struct error error = {0};
	const struct control_keeper record = {.namespace = text_of(namespace), .epoch = epoch};
	assert_true(control_reader_beat(&reader, control_encode(&stand, &keeper_form, &record), stand.now_ms, &error));
}

static void without_a_beat_a_reader_is_stale(void **state)
{
	struct error error = {0};
	(void)state;
	taken = 0;
	reader_follow();
	stand.now_ms += KEEPER_STALE_MS - 1;
	assert_false(control_reader_is_stale(&reader, stand.now_ms));
	beat(2, "default");
	stand.now_ms += KEEPER_STALE_MS - 1;
	assert_false(control_reader_is_stale(&reader, stand.now_ms));
	beat(1, "default"); /* a keeper that was replaced */
	beat(9, "other");
	assert_true(control_reader_beat(&reader, TEXT("rubbish"), stand.now_ms, &error));
	assert_int_equal(control_reader_refused(&reader), 1);
	stand.now_ms++;
	assert_true(control_reader_is_stale(&reader, stand.now_ms));
	beat(2, "default");
	assert_false(control_reader_is_stale(&reader, stand.now_ms));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, reader_setup, reader_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_in_force_changes_as_a_whole),
		TEST(what_cannot_be_taken_is_refused_and_what_was_in_force_stays),
		TEST(tombstones_of_anything_are_harmless),
		TEST(what_is_missing_is_named),
		TEST(without_a_beat_a_reader_is_stale),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
