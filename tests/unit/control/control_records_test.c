/* control_records_test.c: records of the control plane, written by rows and read by avro-c and back; names; what is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/records/records.h"
#include "tests/unit/letters.h"

static struct arena *arena;
static struct buffer out;

static int records_open(void **state)
{
	(void)state;
	arena = arena_open(1 << 20);
	buffer_open(&out, 1 << 16);
	return arena ? 0 : -1;
}

static int records_close(void **state)
{
	(void)state;
	arena_close(arena);
	buffer_close(&out);
	return 0;
}

static struct text encoded(const struct record_form *form, const void *record)
{
	struct error error = {0};
	buffer_clear(&out);
	assert_true(record_encode(form, record, &out, &error));
	return buffer_view(&out);
}

/* Every shorter cut is refused, and so is a byte more. */
static void cuts_are_refused(const struct record_form *form, struct text bytes)
{
	unsigned char record[512];
	char longer[1024];
	assert_true(form->bytes <= sizeof record && bytes.length < sizeof longer);
	for (size_t length = 0; length < bytes.length; length++) {
		struct error error = {0};
		assert_false(record_decode(form, (struct text){bytes.bytes, length}, arena, record, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
	}
	struct error error = {0};
	memcpy(longer, bytes.bytes, bytes.length);
	longer[bytes.length] = 0;
	assert_false(record_decode(form, (struct text){longer, bytes.length + 1}, arena, record, &error));
}

static void a_version_is_what_its_schema_says(void **state)
{
	const struct control_label labels[] = {{TEXT("team"), TEXT("risk")}, {TEXT("folder"), TEXT("a/b")}};
	const struct control_version version = {.kind = TEXT("Pipeline"),
						.name = TEXT("score"),
						.namespace = TEXT("default"),
						.version = 70000,
						.action = CONTROL_DELETE,
						.document = TEXT("kind: Pipeline\n"),
						.author = TEXT("ada"),
						.reason = TEXT("less noise"),
						.proposal = TEXT("p-1"),
						.time_ms = 1700000000000,
						.keeper = TEXT("engine-1"),
						.labels = {2, labels},
						.change = 12,
						.epoch = 3};
	struct control_version read;
	struct error error = {0};
	struct letter letter;
	(void)state;
	struct text bytes = encoded(&version_form, &version);
	letter_open_as(&letter, "control", bytes);
	assert_true(text_is(letter_text(&letter, "kind"), "Pipeline"));
	assert_true(text_is(letter_text(&letter, "document"), "kind: Pipeline\n"));
	assert_int_equal(letter_number(&letter, "version"), 70000);
	assert_int_equal(letter_number(&letter, "epoch"), 3);
	assert_true(text_is(letter_text(&letter, "keeper"), "engine-1"));
	letter_close(&letter);
	assert_true(record_decode(&version_form, bytes, arena, &read, &error));
	assert_true(text_is(read.name, "score") && text_is(read.reason, "less noise") && text_is(read.proposal, "p-1"));
	assert_int_equal(read.action, CONTROL_DELETE);
	assert_int_equal(read.version, 70000);
	assert_int_equal(read.time_ms, 1700000000000);
	assert_int_equal(read.change, 12);
	assert_int_equal(read.labels.count, 2);
	const struct control_label *label = read.labels.items;
	assert_true(text_is(label[1].key, "folder") && text_is(label[1].value, "a/b"));
	cuts_are_refused(&version_form, bytes);
}

static void changes_and_verdicts_are_what_their_schemas_say(void **state)
{
	const struct resource_version versions[] = {{TEXT("Model"), TEXT("m"), 2}, {TEXT("Pipeline"), TEXT("p"), 9}};
	const struct verdict_fault faults[] = {{TEXT("Model"), TEXT("m"), 3, 5, TEXT("SL0103"), TEXT("what is it?")}};
	const struct control_change change = {
		.namespace = TEXT("n"), .number = 4, .phase = CHANGE_FAILED, .why = TEXT("late"), .versions = {2, versions}};
	const struct control_verdict verdict = {.id = TEXT("x"),
						.namespace = TEXT("n"),
						.outcome = VERDICT_CONFLICT,
						.why = TEXT("other"),
						.versions = {1, versions},
						.other = TEXT("bob"),
						.faults = {1, faults},
						.resume = 44};
	struct control_change read;
	struct control_verdict answer;
	struct error error = {0};
	struct letter letter;
	(void)state;
	struct text bytes = encoded(&change_form, &change);
	letter_open_as(&letter, "change", bytes);
	assert_int_equal(letter_number(&letter, "number"), 4);
	assert_true(text_is(letter_text(&letter, "why"), "late"));
	letter_close(&letter);
	assert_true(record_decode(&change_form, bytes, arena, &read, &error));
	assert_int_equal(read.phase, CHANGE_FAILED);
	assert_int_equal(read.versions.count, 2);
	assert_int_equal(((const struct resource_version *)read.versions.items)[1].version, 9);
	cuts_are_refused(&change_form, bytes);
	bytes = encoded(&verdict_form, &verdict);
	letter_open_as(&letter, "verdict", bytes);
	assert_true(text_is(letter_text(&letter, "faults.text"), "what is it?"));
	assert_int_equal(letter_number(&letter, "resume"), 44);
	letter_close(&letter);
	assert_true(record_decode(&verdict_form, bytes, arena, &answer, &error));
	const struct verdict_fault *fault = answer.faults.items;
	assert_int_equal(answer.outcome, VERDICT_CONFLICT);
	assert_true(fault->column == 5 && text_is(fault->code, "SL0103") && text_is(answer.other, "bob"));
	cuts_are_refused(&verdict_form, bytes);
}

static void a_table_is_what_its_schema_says(void **state)
{
	const struct table_share shares[] = {{TEXT("a"), 7500}, {TEXT("b"), 2500}};
	const struct control_table table = {.choice = TEXT("p/by"),
					    .namespace = TEXT("n"),
					    .version = 3,
					    .kind = TEXT("Pipeline"),
					    .name = TEXT("p"),
					    .shares = {2, shares},
					    .buckets = TEXT("\x01\xFF"),
					    .table = TEXT("00112233445566ff"),
					    .moved = 1500,
					    .change = 12,
					    .time_ms = 5,
					    .keeper = TEXT("one"),
					    .epoch = 2};
	struct control_table read;
	struct error error = {0};
	struct letter letter;
	(void)state;
	struct text bytes = encoded(&table_form, &table);
	letter_open_as(&letter, "table", bytes);
	assert_true(text_is(letter_text(&letter, "choice"), "p/by") && text_is(letter_text(&letter, "kind"), "Pipeline"));
	assert_true(text_is(letter_text(&letter, "table"), "00112233445566ff") && text_is(letter_text(&letter, "keeper"), "one"));
	assert_int_equal(letter_number(&letter, "version"), 3);
	assert_int_equal(letter_number(&letter, "moved"), 1500);
	letter_close(&letter);
	assert_true(record_decode(&table_form, bytes, arena, &read, &error));
	const struct table_share *share = read.shares.items;
	assert_true(read.shares.count == 2 && text_is(share[1].name, "b") && share[1].buckets == 2500);
	assert_true(text_equal(read.buckets, table.buckets) && read.change == 12 && read.epoch == 2);
	cuts_are_refused(&table_form, bytes);
}

static void proposals_reports_and_beats_are_what_their_schemas_say(void **state)
{
	const struct proposal_item items[] = {
		{.kind = TEXT("Pipeline"), .name = TEXT("p"), .document = TEXT("a: 1")},
		{.kind = TEXT("Model"), .name = TEXT("m"), .action = PROPOSAL_ROLLBACK, .expected = 7, .to = 3},
	};
	static const int64_t prepared[] = {5, 6};
	const struct failed_change failed[] = {{7, TEXT("no model")}};
	const struct proposal proposal = {.id = TEXT("x"),
					  .namespace = TEXT("n"),
					  .author = TEXT("ada"),
					  .time_ms = 5,
					  .part = 1,
					  .parts = 3,
					  .items = {2, items}};
	const struct engine_report report = {.namespace = TEXT("n"),
					     .engine = TEXT("e"),
					     .sequence = 9,
					     .stopped = true,
					     .prepared = {2, prepared},
					     .failed = {1, failed}};
	const struct control_keeper keeper = {TEXT("n"), 8, TEXT("e"), 77};
	struct proposal read;
	struct engine_report heard;
	struct control_keeper beat;
	struct error error = {0};
	struct letter letter;
	(void)state;
	struct text bytes = encoded(&proposal_form, &proposal);
	letter_open_as(&letter, "proposal", bytes);
	assert_int_equal(letter_number(&letter, "parts"), 3);
	letter_close(&letter);
	assert_true(record_decode(&proposal_form, bytes, arena, &read, &error));
	const struct proposal_item *item = read.items.items;
	assert_true(item[1].to == 3 && item[1].expected == 7 && item[1].action == PROPOSAL_ROLLBACK);
	assert_true(text_is(item[0].document, "a: 1"));
	cuts_are_refused(&proposal_form, bytes);
	bytes = encoded(&report_form, &report);
	letter_open_as(&letter, "report", bytes);
	assert_true(text_is(letter_text(&letter, "failed.why"), "no model"));
	letter_close(&letter);
	assert_true(record_decode(&report_form, bytes, arena, &heard, &error));
	assert_true(heard.stopped && heard.prepared.count == 2 && ((const int64_t *)heard.prepared.items)[1] == 6);
	cuts_are_refused(&report_form, bytes);
	bytes = encoded(&keeper_form, &keeper);
	letter_open_as(&letter, "keeper", bytes);
	assert_int_equal(letter_number(&letter, "epoch"), 8);
	letter_close(&letter);
	assert_true(record_decode(&keeper_form, bytes, arena, &beat, &error));
	assert_int_equal(beat.time_ms, 77);
	cuts_are_refused(&keeper_form, bytes);
}

static void what_no_writer_of_ours_writes_is_refused(void **state)
{
	const struct engine_report report = {.namespace = TEXT("n"), .engine = TEXT("e")};
	unsigned char record[256];
	char bytes[64];
	struct error error = {0};
	(void)state;
	struct text right = encoded(&report_form, &report);
	memcpy(bytes, right.bytes, right.length);
	bytes[right.length - 3] = 2; /* neither stopped nor not */
	assert_false(record_decode(&report_form, (struct text){bytes, right.length}, arena, record, &error));
	const struct control_change change = {.namespace = TEXT("n"), .phase = CHANGE_FAILED + 1};
	error = (struct error){0};
	assert_false(record_decode(&change_form, encoded(&change_form, &change), arena, record, &error));
	error = (struct error){0};
	assert_false(record_decode(&report_form, encoded(&change_form, &change), arena, record, &error));
	assert_string_equal(error.text,
			    "the record is no report of an engine of this version of sluice; use one version for all engines and "
			    "commands, and check who else writes to the topic");
	struct buffer small;
	buffer_open(&small, 12);
	error = (struct error){0};
	assert_false(record_encode(&change_form, &change, &small, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	buffer_close(&small);
}

static void names_are_parts_of_keys(void **state)
{
	static const char *const wrong[] = {"", ".", "..", "../x", "a/b", "a@b", "a b", "a\nb", "a\x7F", "\xFF"};
	char longest[CONTROL_NAME_BYTES_MAX + 1];
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(control_name_is_valid(text_of(wrong[i])));
	memset(longest, 'n', sizeof longest);
	assert_true(control_name_is_valid((struct text){longest, CONTROL_NAME_BYTES_MAX}));
	assert_false(control_name_is_valid((struct text){longest, CONTROL_NAME_BYTES_MAX + 1}));
	assert_true(control_name_is_valid(TEXT("Pipeline")) && control_name_is_valid(TEXT("a.b-c_d..")));
}

static void conditions_are_what_their_schema_says(void **state)
{
	const struct engine_condition conditions[] = {
		{CONDITION_OF_ENGINE, TEXT("e"), 0, true, TEXT("Ready"), TEXT(""), 1700000000000},
		{TEXT("Pipeline"), TEXT("p"), 3, false, TEXT("Waiting"), TEXT("no model"), 1700000000001},
	};
	const struct engine_conditions record = {.namespace = TEXT("n"),
						 .engine = TEXT("e"),
						 .started_ms = 5,
						 .sequence = 6,
						 .time_ms = 7,
						 .stopped = true,
						 .conditions = {2, conditions}};
	struct engine_conditions read;
	struct error error = {0};
	struct letter letter;
	(void)state;
	struct text bytes = encoded(&conditions_form, &record);
	letter_open_as(&letter, "conditions", bytes);
	assert_int_equal(letter_number(&letter, "sequence"), 6);
	assert_true(text_is(letter_text(&letter, "conditions.why"), ""));
	letter_close(&letter);
	assert_true(record_decode(&conditions_form, bytes, arena, &read, &error));
	assert_int_equal(read.conditions.count, 2);
	assert_true(read.stopped && read.started_ms == 5 && read.time_ms == 7);
	const struct engine_condition *second = (const struct engine_condition *)read.conditions.items + 1;
	assert_true(text_is(second->kind, "Pipeline") && text_is(second->name, "p") && text_is(second->what, "Waiting"));
	assert_true(text_is(second->why, "no model") && !second->ready && second->version == 3);
	assert_int_equal(second->since_ms, 1700000000001);
	cuts_are_refused(&conditions_form, bytes);
	buffer_clear(&out);
	conditions_key(TEXT("e"), &out);
	report_key(TEXT("e"), &out);
	assert_true(text_is(buffer_view(&out), "conditions/ereport/e"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_version_is_what_its_schema_says),
		cmocka_unit_test(changes_and_verdicts_are_what_their_schemas_say),
		cmocka_unit_test(a_table_is_what_its_schema_says),
		cmocka_unit_test(proposals_reports_and_beats_are_what_their_schemas_say),
		cmocka_unit_test(conditions_are_what_their_schema_says),
		cmocka_unit_test(what_no_writer_of_ours_writes_is_refused),
		cmocka_unit_test(names_are_parts_of_keys),
	};
	return cmocka_run_group_tests(tests, records_open, records_close);
}
