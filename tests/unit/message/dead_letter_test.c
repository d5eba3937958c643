/* A dead letter, written by hand and read by avro-c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/records/dead_letter.h"
#include "tests/unit/letters.h"

#define EXPECT_TEXT(letter, path, expected) assert_true(text_is(letter_text(letter, path), expected))

/* Every shorter cut of it is refused. */
static void reads_back(struct text bytes, const struct dead_letter *dead)
{
	struct error error = {0};
	struct dead_letter read;
	struct arena *arena = arena_open(1 << 20);
	assert_true(dead_letter_decode(bytes, arena, &read, &error));
	assert_true(text_equal(read.id, dead->id));
	assert_int_equal(read.error->kind, dead->error->kind);
	assert_string_equal(read.error->text, dead->error->text);
	assert_string_equal(read.error->place.file, dead->error->place.file);
	assert_int_equal(read.error->place.line, dead->error->place.line);
	assert_int_equal(read.error->place.column, dead->error->place.column);
	assert_string_equal(read.step, dead->step);
	assert_int_equal(read.attempts, dead->attempts);
	assert_true(text_equal(read.origin.topic, dead->origin.topic));
	assert_int_equal(read.origin.offset, dead->origin.offset);
	assert_int_equal(read.failed_ms, dead->failed_ms);
	assert_true(text_equal(read.key, dead->key));
	assert_int_equal(read.headers.count, dead->headers.count);
	assert_true(text_equal(headers_find(read.headers, TEXT("content-type"))->value, TEXT("application/json")));
	assert_true(text_equal(read.payload, dead->payload));
	for (size_t length = 0; length < bytes.length; length++) {
		struct error wrong = {0};
		arena_reset(arena);
		assert_false(dead_letter_decode((struct text){bytes.bytes, length}, arena, &read, &wrong));
		assert_int_equal(wrong.kind, ERROR_INPUT);
	}
	arena_close(arena);
}

static void a_request_is_kept_whole_with_its_reason(void **state)
{
	(void)state;
	struct error error = {0}, none = {0};
	error_set(&error, ERROR_REMOTE, (struct place){"p.yaml", 12, 5}, "the model is away");
	const struct header headers[] = {{TEXT("content-type"), TEXT("application/json")}};
	const struct dead_letter dead = {
		.id = TEXT("r-1"),
		.error = &error,
		.pipeline = "p",
		.step = "score",
		.attempts = 3,
		.origin = {TEXT("in"), 2, 1234567},
		.time_ms = 1700000000000,
		.failed_ms = 1700000000500,
		.key = TEXT("key"),
		.headers = {1, headers},
		.payload = TEXT("{\"inputs\": poison\0}"),
	};
	struct buffer out;
	struct letter letter;
	buffer_open(&out, 4096);
	assert_true(dead_letter_encode(&dead, &out, &none));
	letter_open(&letter, buffer_view(&out));
	EXPECT_TEXT(&letter, "id", "r-1");
	assert_string_equal(letter_kind(&letter), "REMOTE");
	EXPECT_TEXT(&letter, "error.text", "the model is away");
	EXPECT_TEXT(&letter, "error.file", "p.yaml");
	assert_int_equal(letter_number(&letter, "error.line"), 12);
	assert_int_equal(letter_number(&letter, "error.column"), 5);
	EXPECT_TEXT(&letter, "pipeline", "p");
	EXPECT_TEXT(&letter, "step", "score");
	assert_int_equal(letter_number(&letter, "attempts"), 3);
	EXPECT_TEXT(&letter, "origin.topic", "in");
	assert_int_equal(letter_number(&letter, "origin.partition"), 2);
	assert_int_equal(letter_number(&letter, "origin.offset"), 1234567);
	assert_int_equal(letter_number(&letter, "time_ms"), 1700000000000);
	assert_int_equal(letter_number(&letter, "failed_ms"), 1700000000500);
	EXPECT_TEXT(&letter, "key", "key");
	EXPECT_TEXT(&letter, "headers.name", "content-type");
	EXPECT_TEXT(&letter, "headers.value", "application/json");
	assert_true(text_equal(letter_text(&letter, "payload"), dead.payload));
	letter_close(&letter);
	reads_back(buffer_view(&out), &dead);
	buffer_close(&out);
}

static void encode(struct headers headers, struct buffer *out)
{
	struct error error = {.kind = ERROR_INPUT}, none = {0};
	const struct dead_letter dead = {
		.id = TEXT("r-1"), .error = &error, .pipeline = "p", .origin = {TEXT("in"), 0, 0}, .headers = headers};
	buffer_open(out, 4096);
	assert_true(dead_letter_encode(&dead, out, &none));
}

static void a_header_without_a_value_has_none_in_the_letter(void **state)
{
	const struct header headers[] = {{TEXT("none"), {0}}, {TEXT("empty"), TEXT("")}};
	struct arena *arena = arena_open(1 << 20);
	struct dead_letter read;
	struct error error = {0};
	struct buffer out;
	struct letter letter;
	(void)state;
	encode((struct headers){1, headers}, &out);
	letter_open(&letter, buffer_view(&out));
	EXPECT_TEXT(&letter, "headers.name", "none");
	assert_null(letter_text(&letter, "headers.value").bytes);
	letter_close(&letter);
	buffer_close(&out);
	encode((struct headers){2, headers}, &out);
	assert_true(dead_letter_decode(buffer_view(&out), arena, &read, &error));
	assert_int_equal(read.headers.count, 2);
	assert_null(read.headers.items[0].value.bytes);
	assert_true(read.headers.items[1].value.bytes && read.headers.items[1].value.length == 0);
	buffer_close(&out);
	arena_close(arena);
}

/* Its schema had no headers without a value. Errors topics keep letters for as long as their owner wants. */
static void a_letter_of_the_former_schema_is_read(void **state)
{
	static const char former[] = "\xc3\x01\xc1\x3e\x9f\xd1\xfe\xbd\xb8\xed" /* its fingerprint */
				     "\x06r-1\x02\x06"
				     "bad\x00\x00\x00"				/* id; INPUT, "bad", no place */
				     "\x02p\x00\x02\x04in\x00\x0e\x00\x00"	/* pipeline, step, attempts, in-0 at 7, times */
				     "\x00\x04\x02\x61\x02\x62\x02\x63\x00\x00" /* no key; headers a: b, c: empty */
				     "\x04{}";
	struct arena *arena = arena_open(1 << 20);
	const struct text bytes = {former, sizeof former - 1};
	struct dead_letter read;
	struct error error = {0};
	(void)state;
	assert_true(dead_letter_decode(bytes, arena, &read, &error));
	assert_true(text_is(read.id, "r-1") && text_is(read.payload, "{}"));
	assert_int_equal(read.origin.offset, 7);
	assert_int_equal(read.headers.count, 2);
	assert_true(text_is(read.headers.items[0].value, "b"));
	assert_true(read.headers.items[1].value.bytes && read.headers.items[1].value.length == 0);
	for (size_t length = 0; length < bytes.length; length++)
		assert_false(dead_letter_decode((struct text){former, length}, arena, &read, &error));
	arena_close(arena);
}

static void what_is_not_known_is_left_empty(void **state)
{
	(void)state;
	struct error error = {.kind = ERROR_INPUT}, none = {0};
	const struct dead_letter dead = {.error = &error, .pipeline = "p", .origin = {TEXT("in"), 0, 0}};
	struct buffer out;
	struct letter letter;
	buffer_open(&out, 4096);
	assert_true(dead_letter_encode(&dead, &out, &none));
	letter_open(&letter, buffer_view(&out));
	EXPECT_TEXT(&letter, "step", "");
	assert_int_equal(letter_number(&letter, "attempts"), 1);
	assert_null(letter_text(&letter, "key").bytes); /* null, not empty */
	EXPECT_TEXT(&letter, "payload", "");
	letter_close(&letter);
	buffer_close(&out);
}

static void one_that_does_not_fit_is_a_limit(void **state)
{
	(void)state;
	struct error error = {.kind = ERROR_INPUT}, limit = {0};
	static const char large[1000];
	const struct dead_letter dead = {.error = &error, .pipeline = "p", .payload = {large, sizeof large}};
	struct buffer out;
	buffer_open(&out, 1000);
	assert_false(dead_letter_encode(&dead, &out, &limit));
	assert_int_equal(limit.kind, ERROR_LIMIT);
	buffer_close(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_kept_whole_with_its_reason),
		cmocka_unit_test(a_header_without_a_value_has_none_in_the_letter),
		cmocka_unit_test(a_letter_of_the_former_schema_is_read),
		cmocka_unit_test(what_is_not_known_is_left_empty),
		cmocka_unit_test(one_that_does_not_fit_is_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
