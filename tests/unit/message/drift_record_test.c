/* drift_record_test.c: Tests of the records of a step `drift`: what they have, what they have of a window without a verdict,
 * how large their pictures are, and that records of the former schema are read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>

#include "methods/drift/monitor.h"
#include "message/avro/avro.h"
#include "message/records/drift_score.h"
#include "message/avro/schemas.h"
#include "steps/drift/drift_observer.h"
#include "tests/unit/arena_fixture.h"
#include "tests/unit/letters.h"

#define ARENA_BYTES ((size_t)64 << 20)
#define RECORD_BYTES ((size_t)1 << 20)
#define HEAD_BYTES 10

static int set_up(void **state)
{
	(void)state;
	arena = arena_open(ARENA_BYTES);
	return arena ? 0 : 1;
}

/* The number of a field that may be null: NaN. */
static double number_of(struct letter *letter, const char *name)
{
	avro_value_t field, inner;
	double number = (double)NAN;
	assert_int_equal(avro_value_get_by_name(&letter->value, name, &field, NULL), 0);
	assert_int_equal(avro_value_get_type(&field), AVRO_UNION);
	assert_int_equal(avro_value_get_current_branch(&field, &inner), 0);
	if (avro_value_get_type(&inner) == AVRO_DOUBLE)
		assert_int_equal(avro_value_get_double(&inner, &number), 0);
	return number;
}

static size_t encoded(const struct drift_score *score, struct letter *letter)
{
	struct buffer out;
	struct error error = {0};
	buffer_open(&out, RECORD_BYTES);
	assert_true(drift_score_encode(score, &out, &error));
	letter_open_as(letter, "drift_score", buffer_view(&out));
	const size_t length = out.length;
	buffer_close(&out);
	return length;
}

static struct drift_score score_of(void)
{
	return (struct drift_score){
		.pipeline = "p", .step = "watch", .reference = "", .score = (double)NAN, .times = drift_times_unknown()};
}

static void a_record_has_all_that_its_schema_names(void **state)
{
	(void)state;
	const struct drift_statistic statistic = {TEXT("x.a"), "ks", 0.5, 0.25, 0.75, 0.01, true};
	const struct drift_quality quality = {.feature = TEXT("x.b"),
					      .values = 37,
					      .missing = 2,
					      .mistyped = 1,
					      .outside = 3,
					      .unseen = 4,
					      .still = true,
					      .alarm = true,
					      .mistyped_alarm = true,
					      .outside_alarm = true};
	const struct drift_estimate estimate = {"accuracy", 0.75, 0.5, 1};
	const struct text lacking = TEXT("x.c"), side = TEXT("buy");
	const struct drift_spread spreads[] = {
		{TEXT("x.d"), 1, (const double[]){0.5}, 0, NULL, 2, (const double[]){7, 8}, (const double[]){9, 10}},
		{TEXT("side"), 0, NULL, 1, &side, 3, (const double[]){1, 2, 0}, (const double[]){3, 4, 5}}};
	const struct drift_score score = {.pipeline = "p",
					  .step = "watch",
					  .window = 3,
					  .begin_ms = 11,
					  .end_ms = 22,
					  .messages = 40,
					  .unusable = 5,
					  .unusable_alarm = true,
					  .late = 6,
					  .verdict = DRIFT_FOUND,
					  .score = 0.125,
					  .reference = "r.json",
					  .reference_rows = 400,
					  .statistic_count = 1,
					  .statistics = &statistic,
					  .quality_count = 1,
					  .quality = &quality,
					  .segment = TEXT("venue"),
					  .beyond = 9,
					  .estimated_rows = 39,
					  .estimate_count = 1,
					  .estimates = &estimate,
					  .times = {"too short", 30.5, 20, INFINITY, 1500, NAN, true, false},
					  .early = true,
					  .alarm_row = 17,
					  .alarm_ms = 1234,
					  .uncompared = "constants",
					  .spread_count = 2,
					  .spreads = spreads,
					  .lacking_count = 1,
					  .lacking = &lacking};
	struct buffer out;
	struct letter letter;
	struct error error = {0};
	buffer_open(&out, 1 << 12);
	assert_true(drift_score_encode(&score, &out, &error));
	letter_open_as(&letter, "drift_score", buffer_view(&out));
	assert_true(text_is(letter_text(&letter, "pipeline"), "p"));
	assert_true(text_is(letter_text(&letter, "step"), "watch"));
	assert_int_equal(letter_number(&letter, "window_start_ms"), 11);
	assert_int_equal(letter_number(&letter, "window_end_ms"), 22);
	assert_int_equal(letter_number(&letter, "messages"), 40);
	assert_int_equal(letter_number(&letter, "missing"), 5);
	assert_true(text_is(letter_text(&letter, "reference"), "r.json"));
	assert_int_equal(letter_number(&letter, "window"), 3);
	assert_true(text_is(letter_text(&letter, "verdict"), "drift"));
	assert_int_equal(letter_number(&letter, "reference_rows"), 400);
	assert_int_equal(letter_number(&letter, "late"), 6);
	assert_true(text_is(letter_text(&letter, "statistics.feature"), "x.a"));
	assert_true(text_is(letter_text(&letter, "statistics.method"), "ks"));
	assert_true(text_is(letter_text(&letter, "quality.feature"), "x.b"));
	assert_int_equal(letter_number(&letter, "quality.unseen"), 4);
	assert_int_equal(letter_number(&letter, "quality.mistyped"), 1);
	assert_true(text_is(letter_text(&letter, "segment"), "venue"));
	assert_int_equal(letter_number(&letter, "beyond_segments"), 9);
	assert_int_equal(letter_number(&letter, "estimated_rows"), 39);
	assert_true(text_is(letter_text(&letter, "estimates.metric"), "accuracy"));
	assert_true(text_is(letter_text(&letter, "not_compared"), "x.c"));
	assert_true(text_is(letter_text(&letter, "times_not_judged"), "too short"));
	assert_int_equal(letter_number(&letter, "alarm_row"), 17);
	assert_int_equal(letter_number(&letter, "alarm_ms"), 1234);
	assert_true(text_is(letter_text(&letter, "not_judged"), "constants"));
	assert_true(number_of(&letter, "drift_score") == 0.125);
	assert_true(text_is(letter_text(&letter, "pictures.feature"), "x.d"));
	assert_int_equal(letter_number(&letter, "pictures.reference"), 7);
	assert_int_equal(letter_number(&letter, "pictures.current"), 9);
	letter_close(&letter);
	buffer_close(&out);
	buffer_open(&out, 64);
	assert_false(drift_score_encode(&score, &out, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	buffer_close(&out);
}

static void the_score_of_no_verdict_is_null(void **state)
{
	(void)state;
	struct drift_score score = score_of();
	struct letter letter;
	(void)encoded(&score, &letter);
	assert_true(text_is(letter_text(&letter, "verdict"), "learning"));
	assert_true(isnan(number_of(&letter, "drift_score")));
	letter_close(&letter);
	score.verdict = DRIFT_STEADY;
	score.score = 0;
	(void)encoded(&score, &letter);
	assert_true(number_of(&letter, "drift_score") == 0);
	letter_close(&letter);
}

/* Its verdict is empty and its score null, so that nobody who reads verdicts takes it for a second one. */
static void the_record_of_a_settled_window_judges_nothing(void **state)
{
	(void)state;
	const struct drift_realisation realised[] = {{"accuracy", 38, 0.5, 0.75, 0.625, NAN, "left"}};
	struct drift_score score = score_of();
	struct letter letter;
	score.settled = true;
	score.truths = 39;
	score.unkept = 300;
	score.unfit = 200;
	score.realised_count = 1;
	score.realised = realised;
	(void)encoded(&score, &letter);
	assert_true(text_is(letter_text(&letter, "verdict"), ""));
	assert_true(isnan(number_of(&letter, "drift_score")));
	assert_int_equal(letter_number(&letter, "truths"), 39);
	assert_int_equal(letter_number(&letter, "unkept"), 300);
	assert_int_equal(letter_number(&letter, "unfit"), 200);
	assert_true(text_is(letter_text(&letter, "realised.metric"), "accuracy"));
	assert_int_equal(letter_number(&letter, "realised.rows"), 38);
	assert_true(text_is(letter_text(&letter, "realised.band"), "left"));
	letter_close(&letter);
}

static void a_verdict_is_no_settled_record(void **state)
{
	(void)state;
	struct drift_score score = score_of(), read;
	struct settled_score settled;
	struct error error = {0};
	struct buffer out;
	buffer_open(&out, RECORD_BYTES);
	score.verdict = DRIFT_FOUND;
	score.score = 0.5;
	assert_true(drift_score_encode(&score, &out, &error));
	assert_false(settled_score_decode(buffer_view(&out), arena, &settled));
	assert_true(drift_score_decode(buffer_view(&out), arena, &read));
	assert_true(read.verdict == DRIFT_FOUND && read.score == 0.5 && !read.settled);
	buffer_close(&out);
}

/* ---- records of the former schema ---- */

static struct buffer file_of(const char *path)
{
	struct buffer content;
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	buffer_open(&content, RECORD_BYTES);
	for (int byte; (byte = fgetc(file)) != EOF;)
		buffer_byte(&content, (char)byte);
	fclose(file);
	return content;
}

/* The bytes that are kept are of the schema that is kept, whose resolution the next test judges by its rules: avro-c's resolver
 * reads freed memory where one of them is a union. */
static void a_record_of_the_former_schema_is_kept(void **state)
{
	(void)state;
	struct buffer former = file_of("tests/data/avro/drift_score-1.avsc"), record = file_of("tests/data/avro/drift_score-1.bin");
	struct error error = {0};
	uint64_t fingerprint, written;
	struct letter letter;
	avro_value_t score;
	double number = 0;
	buffer_byte(&former, '\0');
	assert_true(schema_fingerprint(former.bytes, &fingerprint, &error));
	memcpy(&written, record.bytes + 2, sizeof written);
	assert_true(fingerprint == written);
	assert_int_equal(avro_schema_from_json_length(former.bytes, strlen(former.bytes), &letter.schema), 0);
	letter.class = avro_generic_class_from_schema(letter.schema);
	avro_generic_value_new(letter.class, &letter.value);
	avro_reader_t reader = avro_reader_memory(record.bytes + HEAD_BYTES, (int64_t)(record.length - HEAD_BYTES));
	assert_int_equal(avro_value_read(reader, &letter.value), 0);
	assert_int_equal(avro_value_get_by_name(&letter.value, "drift_score", &score, NULL), 0);
	assert_int_equal(avro_value_get_double(&score, &number), 0);
	assert_true(number == 0.125);
	assert_true(text_is(letter_text(&letter, "statistics.feature"), "x.a"));
	avro_reader_free(reader);
	letter_close(&letter);
	buffer_close(&former);
	buffer_close(&record);
}

static const json_t *field_named(const json_t *fields, const char *name)
{
	for (size_t i = 0; i < json_array_size(fields); i++)
		if (strcmp(json_string_value(json_object_get(json_array_get(fields, i), "name")), name) == 0)
			return json_array_get(fields, i);
	return NULL;
}

/* Fails unless what one type wrote can be read as the other: Avro's rules of resolution, as a registry applies them. */
static void expect_resolves(const json_t *writer, const json_t *reader)
{
	if (json_is_array(reader) && !json_is_array(writer)) {
		bool found = false;
		for (size_t i = 0; i < json_array_size(reader); i++)
			found = found || json_equal(json_array_get(reader, i), writer);
		assert_true(found);
		return;
	}
	if (!json_is_object(reader)) {
		assert_true(json_equal(writer, reader));
		return;
	}
	const json_t *fields = json_object_get(reader, "fields"), *written = json_object_get(writer, "fields");
	assert_true(json_equal(json_object_get(writer, "type"), json_object_get(reader, "type")));
	if (json_object_get(reader, "items"))
		expect_resolves(json_object_get(writer, "items"), json_object_get(reader, "items"));
	for (size_t i = 0; i < json_array_size(fields); i++) {
		const json_t *field = json_array_get(fields, i);
		const json_t *from = field_named(written, json_string_value(json_object_get(field, "name")));
		if (from)
			expect_resolves(json_object_get(from, "type"), json_object_get(field, "type"));
		else
			assert_non_null(json_object_get(field, "default"));
	}
}

static void todays_schema_is_compatible_backward(void **state)
{
	(void)state;
	static const char *const formers[] = {"tests/data/avro/drift_score-1.avsc", "tests/data/avro/drift_score-2.avsc"};
	for (size_t i = 0; i < sizeof formers / sizeof *formers; i++) {
		json_error_t fault;
		json_t *former = json_load_file(formers[i], 0, &fault);
		json_t *now = json_loads(schema_json("drift_score"), 0, &fault);
		assert_true(former && now);
		expect_resolves(former, now);
		json_decref(former);
		json_decref(now);
	}
}

/* The first schema has no settled records; the second has no `unkept` and no `unfit`, which are 0 then. */
static void a_settled_record_of_a_former_schema_is_read(void **state)
{
	(void)state;
	struct buffer former = file_of("tests/data/avro/drift_score-2.avsc"), record = file_of("tests/data/avro/drift_score-2.bin");
	struct buffer first = file_of("tests/data/avro/drift_score-1.bin");
	struct error error = {0};
	uint64_t fingerprint, written;
	struct settled_score score;
	buffer_byte(&former, '\0');
	assert_true(schema_fingerprint(former.bytes, &fingerprint, &error));
	memcpy(&written, record.bytes + 2, sizeof written);
	assert_true(fingerprint == written);
	assert_true(settled_score_decode(buffer_view(&record), arena, &score));
	assert_true(text_is(score.pipeline, "p") && text_is(score.step, "watch") && text_is(score.segment, "a"));
	assert_int_equal(score.window, 7);
	assert_int_equal(score.messages, 40);
	assert_int_equal(score.begin_ms, 1000000);
	assert_int_equal(score.end_ms, 1039000);
	assert_int_equal(score.truths, 31);
	assert_int_equal(score.unkept, 0);
	assert_int_equal(score.unfit, 0);
	assert_int_equal(score.realised_count, 2);
	assert_string_equal(score.realised[0].band, "left");
	assert_true(score.realised[0].rows == 30 && score.realised[0].low == 0.625);
	assert_string_equal(score.realised[1].metric, "auc");
	for (size_t length = 0; length < record.length; length++)
		assert_false(settled_score_decode((struct text){record.bytes, length}, arena, &score));
	assert_false(settled_score_decode(buffer_view(&first), arena, &score));
	buffer_close(&former);
	buffer_close(&record);
	buffer_close(&first);
}

/* ---- pictures ---- */

#define ROWS 400
#define WINDOW 100

static double values[ROWS];

/* The record of a window of the feature: of numbers, or of as many categories as there are names; its size too. */
static size_t window_record(const struct text *names, size_t name_count, const double *window, struct letter *letter)
{
	const struct monitor_settings settings = {.window_rows = WINDOW, .rate = {.alarms = 1, .rows = 1000}};
	const struct drift_feature feature = {.name = TEXT("x"),
					      .categories = names != NULL,
					      .values = values,
					      .category_names = names,
					      .category_count = name_count,
					      .least = 0,
					      .greatest = ROWS};
	const struct drift_reference reference = {
		.all_rows = ROWS, .rows = ROWS, .block = ROWS, .feature_count = 1, .features = &feature};
	struct error error = {0};
	struct monitor *monitor = monitor_open(arena, &reference, &settings, &error);
	const struct monitor_verdict *verdict = NULL;
	assert_non_null(monitor);
	for (size_t i = 0; i < WINDOW; i++)
		verdict = monitor_add(monitor, &window[i], 0);
	assert_non_null(verdict);
	struct drift_score score = score_of();
	assert_true(drift_spreads_list(&score, verdict, arena));
	assert_int_equal(score.spread_count, 1);
	return encoded(&score, letter);
}

static size_t list_of(struct letter *letter, const char *name, double numbers[32])
{
	avro_value_t pictures, picture, list, item;
	size_t count = 0;
	assert_int_equal(avro_value_get_by_name(&letter->value, "pictures", &pictures, NULL), 0);
	assert_int_equal(avro_value_get_by_index(&pictures, 0, &picture, NULL), 0);
	assert_int_equal(avro_value_get_by_name(&picture, name, &list, NULL), 0);
	assert_int_equal(avro_value_get_size(&list, &count), 0);
	for (size_t i = 0; i < count; i++) {
		int64_t whole = 0;
		assert_int_equal(avro_value_get_by_index(&list, i, &item, NULL), 0);
		if (avro_value_get_type(&item) == AVRO_DOUBLE)
			assert_int_equal(avro_value_get_double(&item, &numbers[i]), 0);
		else if (avro_value_get_type(&item) == AVRO_INT64 && avro_value_get_long(&item, &whole) == 0)
			numbers[i] = (double)whole;
	}
	return count;
}

/* A record without pictures, to which their bytes are added. */
static size_t bare_bytes(void)
{
	struct drift_score score = score_of();
	struct letter letter;
	const size_t bytes = encoded(&score, &letter);
	letter_close(&letter);
	return bytes;
}

static void numbers_have_the_deciles_of_the_reference(void **state)
{
	(void)state;
	double window[WINDOW], edges[32], counts[32];
	struct letter letter;
	for (size_t i = 0; i < ROWS; i++)
		values[i] = (double)i;
	for (size_t i = 0; i < WINDOW; i++)
		window[i] = i < 70 ? 399.5 : 0;
	const size_t bytes = window_record(NULL, 0, window, &letter) - bare_bytes();
	assert_int_equal(list_of(&letter, "edges", edges), 9);
	for (size_t i = 0; i < 9; i++)
		assert_true(fabs(edges[i] - 399 * (double)(i + 1) / 10) < 1e-9);
	assert_int_equal(list_of(&letter, "reference", counts), 10);
	for (size_t i = 0; i < 10; i++)
		assert_true(counts[i] == 40);
	assert_int_equal(list_of(&letter, "current", counts), 10);
	assert_true(counts[0] == 30 && counts[9] == 70);
	assert_int_equal(list_of(&letter, "categories", counts), 0);
	assert_true(bytes <= SPREAD_BYTES_OF_NUMBERS + sizeof "x");
	letter_close(&letter);
}

static void categories_have_the_commonest_and_what_was_never_seen(void **state)
{
	(void)state;
	static char letters[40][64];
	struct text names[40];
	double window[WINDOW], counts[32];
	struct letter letter;
	for (size_t i = 0; i < 40; i++) {
		memset(letters[i], 'a' + (int)i % 26, sizeof letters[i]);
		memcpy(letters[i] + SPREAD_NAME_BYTES - 1, "\xC3\xA4", 2); /* a character that the cut would part */
		names[i] = (struct text){letters[i], sizeof letters[i]};
	}
	for (size_t i = 0; i < ROWS; i++)
		values[i] = i < 200 ? 39 : (double)(i % 40);
	for (size_t i = 0; i < WINDOW; i++)
		window[i] = i < 50 ? 39 : i < 80 ? 38 : 40;
	const size_t bytes = window_record(names, 40, window, &letter) - bare_bytes();
	assert_int_equal(list_of(&letter, "categories", counts), SPREAD_NAMES);
	assert_int_equal(letter_text(&letter, "pictures.categories").length, SPREAD_NAME_BYTES - 1);
	assert_int_equal(list_of(&letter, "reference", counts), SPREAD_NAMES + 2);
	assert_true(counts[0] == 205 && counts[1] == 5 && counts[16] == 24 * 5 && counts[17] == 0);
	assert_int_equal(list_of(&letter, "current", counts), SPREAD_NAMES + 2);
	assert_true(counts[0] == 50 && counts[16] == 30 && counts[17] == 20);
	assert_true(bytes <= SPREAD_BYTES_OF_CATEGORIES + sizeof "x");
	letter_close(&letter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_record_has_all_that_its_schema_names, set_up, arena_end),
		cmocka_unit_test_setup_teardown(the_score_of_no_verdict_is_null, set_up, arena_end),
		cmocka_unit_test_setup_teardown(the_record_of_a_settled_window_judges_nothing, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_verdict_is_no_settled_record, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_record_of_the_former_schema_is_kept, set_up, arena_end),
		cmocka_unit_test_setup_teardown(todays_schema_is_compatible_backward, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_settled_record_of_a_former_schema_is_read, set_up, arena_end),
		cmocka_unit_test_setup_teardown(numbers_have_the_deciles_of_the_reference, set_up, arena_end),
		cmocka_unit_test_setup_teardown(categories_have_the_commonest_and_what_was_never_seen, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
