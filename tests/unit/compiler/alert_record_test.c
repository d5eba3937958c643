/* Records of alerts: the reason of an end, the feature of drift, and records of former schemas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/conditions/alert_record.h"
#include "base/file.h"
#include "message/avro/schemas.h"
#include "tests/unit/letters.h"

#define FORMER "tests/data/avro/alert-"
#define HEAD_BYTES 10 /* of a single object */

static void an_end_has_its_reason(void **state)
{
	(void)state;
	const struct alert_message message = {.status = "resolved",
					      .namespace = TEXT("default"),
					      .pipeline = TEXT("p"),
					      .alert = TEXT("late"),
					      .engine = TEXT("e"),
					      .condition = TEXT("error_rate > 0.5"),
					      .reason = TEXT(NOTICE_REMOVED)};
	struct buffer record;
	struct letter letter;
	struct alert_read read;
	struct error error = {0};
	buffer_open(&record, NOTICE_BYTES_MAX);
	assert_true(alert_record_encode(&message, &record, &error));
	letter_open_as(&letter, "alert", buffer_view(&record));
	assert_true(text_is(letter_text(&letter, "reason"), "the alert was removed"));
	letter_close(&letter);
	assert_true(alert_record_decode(buffer_view(&record), &read, &error));
	assert_true(text_is(read.reason, "the alert was removed"));
	buffer_close(&record);
}

/* Only of a condition on drift. */
static void a_record_has_the_feature_that_has_drifted(void **state)
{
	(void)state;
	const struct alert_condition on_drift = {.name_count = 2, .names = {{"lag", 3}, {"is_drift", 8}}, .of_figures = true};
	const struct alert_condition on_lag = {.name_count = 1, .names = {{"lag", 3}}, .of_figures = true};
	struct alert_message message = {.status = "firing",
					.namespace = TEXT("default"),
					.pipeline = TEXT("p"),
					.alert = TEXT("moved"),
					.engine = TEXT("e"),
					.condition = TEXT("is_drift > 0"),
					.figures_of = &on_drift,
					.values = {.drift = "feature x.a by ks: effect 0.31, p 2.1e-09"}};
	struct buffer record;
	struct letter letter;
	struct alert_read read;
	struct error error = {0};
	buffer_open(&record, NOTICE_BYTES_MAX);
	assert_true(alert_record_encode(&message, &record, &error));
	letter_open_as(&letter, "alert", buffer_view(&record));
	assert_true(text_is(letter_text(&letter, "drift"), message.values.drift));
	letter_close(&letter);
	assert_true(alert_record_decode(buffer_view(&record), &read, &error));
	assert_string_equal(read.values.drift, message.values.drift);
	buffer_clear(&record);
	message.figures_of = &on_lag;
	assert_true(alert_record_encode(&message, &record, &error));
	assert_true(alert_record_decode(buffer_view(&record), &read, &error));
	assert_string_equal(read.values.drift, "");
	buffer_close(&record);
}

/* A reader has a place for each figure that a condition may use, and for no other. */
static void more_figures_than_a_condition_has_are_refused(void **state)
{
	(void)state;
	struct alert_condition condition = {.name_count = CONDITION_NAMES_MAX, .of_figures = true};
	struct alert_message message = {
		.status = "firing", .alert = TEXT("late"), .figures_of = &condition, .values = alert_values_unknown()};
	struct buffer record;
	struct alert_read read;
	struct error error = {0};
	for (size_t i = 0; i < CONDITION_NAMES_MAX; i++)
		condition.names[i] = TEXT("lag");
	alert_value_set(&message.values, TEXT("lag"), 17);
	buffer_open(&record, NOTICE_BYTES_MAX);
	assert_true(alert_record_encode(&message, &record, &error));
	assert_true(alert_record_decode(buffer_view(&record), &read, &error));
	assert_true(read.values.lag == 17);
	char *count = memmem(record.bytes, record.length, "\x20\x06lag", 5);
	assert_non_null(count);
	*count += 2; /* zigzag: one more */
	assert_false(alert_record_decode(buffer_view(&record), &read, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	buffer_close(&record);
}

/* Engines of two versions run side by side during an upgrade, and the feed keeps what the former ones wrote. */
static void former_is_read(const char *schema, const char *bytes)
{
	struct arena *arena = arena_open(NOTICE_BYTES_MAX);
	struct error error = {0};
	struct text former, record;
	uint64_t fingerprint, written;
	struct alert_read read;
	assert_true(file_read(schema, NOTICE_BYTES_MAX, arena, &former, &error));
	assert_true(file_read(bytes, NOTICE_BYTES_MAX, arena, &record, &error));
	assert_true(schema_fingerprint(former.bytes, &fingerprint, &error));
	memcpy(&written, record.bytes + 2, sizeof written);
	assert_true(fingerprint == written);
	assert_true(alert_record_is(record));
	assert_true(alert_record_decode(record, &read, &error));
	assert_true(read.fires);
	assert_true(text_is(read.alert, "late") && text_is(read.group, "XNYS") && read.reason.length == 0);
	assert_int_equal(read.fired_at_ms, INT64_C(1767225600250));
	assert_true(read.values.error_rate == 0.75);
	assert_string_equal(read.values.drift, "");
	for (size_t length = HEAD_BYTES; length < record.length; length++)
		assert_false(alert_record_decode((struct text){record.bytes, length}, &read, &error));
	arena_close(arena);
}

static void records_of_former_schemas_are_read(void **state)
{
	(void)state;
	former_is_read(FORMER "1.avsc", FORMER "1.bin");
	former_is_read(FORMER "2.avsc", FORMER "2.bin");
}

/* Whoever takes a firing over computes with its times, and its notice says them. */
static void times_that_are_none_are_refused(void **state)
{
	static const int64_t times_ms[] = {-1, INT64_MIN, INT64_MAX};
	struct buffer record;
	struct alert_read read;
	(void)state;
	buffer_open(&record, NOTICE_BYTES_MAX);
	for (size_t i = 0; i < 2 * (sizeof times_ms / sizeof *times_ms); i++) {
		const struct alert_message message = {.status = "firing",
						      .alert = TEXT("late"),
						      .fired_at_ms = i % 2 == 0 ? times_ms[i / 2] : 1,
						      .at_ms = i % 2 == 1 ? times_ms[i / 2] : 1};
		struct error error = {0};
		buffer_clear(&record);
		assert_true(alert_record_encode(&message, &record, &error));
		assert_false(alert_record_decode(buffer_view(&record), &read, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
	}
	buffer_close(&record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_end_has_its_reason),
		cmocka_unit_test(a_record_has_the_feature_that_has_drifted),
		cmocka_unit_test(more_figures_than_a_condition_has_are_refused),
		cmocka_unit_test(records_of_former_schemas_are_read),
		cmocka_unit_test(times_that_are_none_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
