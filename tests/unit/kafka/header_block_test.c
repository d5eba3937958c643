/* Headers behind a record's value, as Kafka writes them (KIP-98), found and read. */
#include <stdlib.h>

#include "kafka/consume/header_block.h"

#define BYTES 4096

/* A record of format 2, in the middle of bytes that its reader must not depend on. */
struct record_bytes {
	unsigned char bytes[BYTES];
	size_t used, record;
	struct text key, value;
};

static void byte_put(struct record_bytes *to, unsigned byte)
{
	assert_true(to->used < BYTES);
	to->bytes[to->used++] = (unsigned char)byte;
}

static void varint_put(struct record_bytes *to, int64_t number)
{
	uint64_t rest = ((uint64_t)number << 1) ^ (uint64_t)(number >> 63);
	for (; rest > 0x7f; rest >>= 7)
		byte_put(to, 0x80 | (unsigned)(rest & 0x7f));
	byte_put(to, (unsigned)rest);
}

static struct text text_put(struct record_bytes *to, const char *text)
{
	varint_put(to, text ? (int64_t)strlen(text) : -1);
	const struct text put = {text ? (const char *)&to->bytes[to->used] : NULL, text ? strlen(text) : 0};
	for (size_t i = 0; text && text[i]; i++)
		byte_put(to, (unsigned char)text[i]);
	return put;
}

/* All but the length of the whole, which comes first: so it is written twice. */
static void record_write(struct record_bytes *to, unsigned before, int64_t length, int64_t time, int64_t offset, const char *key,
			 const char *value, const char *const *headers, size_t count)
{
	memset(to, 0, sizeof *to);
	for (size_t i = 0; i < 8; i++)
		byte_put(to, before);
	varint_put(to, length);
	to->record = to->used;
	byte_put(to, 0);
	varint_put(to, time);
	varint_put(to, offset);
	to->key = text_put(to, key);
	to->value = text_put(to, value);
	varint_put(to, (int64_t)count);
	for (size_t i = 0; i < 2 * count; i++)
		(void)text_put(to, headers[i]);
}

static void record_make(struct record_bytes *to, unsigned before, int64_t time, int64_t offset, const char *key, const char *value,
			const char *const *headers, size_t count)
{
	record_write(to, before, 0, time, offset, key, value, headers, count);
	record_write(to, before, (int64_t)(to->used - to->record), time, offset, key, value, headers, count);
}

static void expect(const struct record_bytes *from, const char *const *texts, size_t count)
{
	struct arena *arena = arena_open(1 << 20);
	struct text block;
	struct headers headers;
	assert_true(header_block_find(from->key, from->value, &block));
	assert_ptr_equal(block.bytes + block.length, &from->bytes[from->used]);
	assert_true(header_block_read(block, arena, &headers));
	assert_int_equal(headers.count, count);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(headers.items[i].name.bytes, texts[2 * i]);
		assert_int_equal(headers.items[i].name.length, strlen(texts[2 * i]));
		if (texts[2 * i + 1])
			assert_string_equal(headers.items[i].value.bytes, texts[2 * i + 1]);
		else
			assert_null(headers.items[i].value.bytes);
		assert_int_equal(headers.items[i].value.length, texts[2 * i + 1] ? strlen(texts[2 * i + 1]) : 0);
	}
	arena_close(arena);
}

static const char *const texts[] = {"content-type", "application/json", "x", "", "", "value of no name", "nothing", NULL};

/* Whatever is before the record, and however long its numbers are. */
static void headers_are_found_behind_the_value(void **state)
{
	static const unsigned before[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
	static const int64_t numbers[] = {0, 1, 63, 64, 127, 128, 8191, 8192, 1 << 20, INT64_C(1) << 40, -1, -300};
	static char values[3][2000];
	static const char *const keys[] = {NULL, "k", "a key of more letters than a number of one byte counts: sixty-four or more"};
	struct record_bytes record;
	(void)state;
	memset(values[0], 'v', 1);
	memset(values[1], 0xff, 64);
	memset(values[2], '{', 1900);
	for (size_t b = 0; b < 5; b++)
		for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++)
			for (size_t k = 0; k < 3; k++)
				for (size_t v = 0; v < 3; v++)
					for (size_t count = 0; count <= 4; count++) {
						record_make(&record, before[b], numbers[n], (int64_t)n, keys[k], values[v], texts,
							    count);
						expect(&record, texts, count);
					}
}

/* If most of a record is its headers, a part of its length may be long enough for the rest. Then they are refused, never read in
 * part. */
static void headers_that_are_much_longer_than_the_rest_are_read_whole_or_not(void **state)
{
	static char large[1500];
	const char *const texts_of[] = {"a", large, "b", large};
	struct record_bytes record;
	size_t read = 0;
	(void)state;
	for (size_t length = 1; length < sizeof large; length++) {
		struct text block;
		struct headers headers;
		struct arena *arena = arena_open(1 << 20);
		memset(large, 'h', length);
		record_make(&record, 0xff, 5, 3, NULL, "v", texts_of, 2);
		assert_true(header_block_find(record.key, record.value, &block));
		assert_true(block.bytes + block.length <= (const char *)&record.bytes[record.used]);
		if (header_block_read(block, arena, &headers)) {
			assert_int_equal(headers.items[1].value.length, length);
			read++;
		}
		arena_close(arena);
	}
	assert_true(read > sizeof large / 2);
}

static void what_is_not_in_the_format_is_left_alone(void **state)
{
	/* format 1: attributes, timestamp, length of the key, key, length of the value, value */
	static const unsigned char former[] = {0, 0, 0, 0, 0, 0, 0, 0, 9, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2, 'v', 'w', 0, 0};
	struct text block;
	(void)state;
	assert_false(header_block_find((struct text){0}, (struct text){(const char *)former + 17, 2}, &block));
	assert_false(header_block_find((struct text){0}, (struct text){0}, &block));
	assert_false(header_block_find((struct text){0}, (struct text){"", 0}, &block));
	assert_false(header_block_find((struct text){"", 0}, (struct text){(const char *)former + 17, 2}, &block));
}

/* Headers that are cut, or have more behind them, are no headers. (The bytes are a block of their own, so that a sanitizer sees
 * who reads past them.) */
static void a_block_that_is_not_exactly_its_headers_is_refused(void **state)
{
	struct record_bytes record;
	struct text block;
	struct headers headers;
	struct arena *arena = arena_open(1 << 20);
	(void)state;
	record_make(&record, 0, 1, 1, "key", "value", texts, 4);
	assert_true(header_block_find(record.key, record.value, &block));
	for (size_t length = 0; length <= block.length + 1; length++) {
		char *copy = calloc(1, length + (length == 0));
		assert_non_null(copy);
		memcpy(copy, block.bytes, length < block.length ? length : block.length);
		assert_int_equal(header_block_read((struct text){copy, length}, arena, &headers), length == block.length);
		free(copy);
		arena_reset(arena);
	}
	arena_close(arena);
}

/* Any byte of a block may be any other: what is read stays within it. */
static void no_block_is_read_beyond_its_end(void **state)
{
	struct record_bytes record;
	struct text block;
	struct headers headers;
	struct arena *arena = arena_open(1 << 20);
	(void)state;
	record_make(&record, 0, 1, 1, "key", "value", texts, 4);
	assert_true(header_block_find(record.key, record.value, &block));
	char *copy = calloc(1, block.length);
	assert_non_null(copy);
	for (size_t at = 0; at < block.length; at++)
		for (int byte = 0; byte < 256; byte++) {
			size_t bytes = 0;
			memcpy(copy, block.bytes, block.length);
			copy[at] = (char)byte;
			if (header_block_read((struct text){copy, block.length}, arena, &headers))
				for (size_t i = 0; i < headers.count; i++)
					bytes += headers.items[i].name.length + headers.items[i].value.length + 2;
			assert_true(bytes < block.length);
			arena_reset(arena);
		}
	free(copy);
	arena_close(arena);
}

/* The last of several counts, in any case; what is looked for is the whole name. */
static void one_header_is_found_without_the_others(void **state)
{
	static const char *const named[] = {"mark", "first", "marks", "no", "Mark", "last", "other", ""};
	struct record_bytes record;
	struct text block, value;
	(void)state;
	record_make(&record, 0xff, 5, 3, "k", "v", named, 4);
	assert_true(header_block_find(record.key, record.value, &block));
	assert_true(header_block_value(block, TEXT("MARK"), &value));
	assert_true(text_is(value, "last"));
	assert_true(header_block_value(block, TEXT("mar"), &value));
	assert_null(value.bytes);
	for (size_t length = 0; length < block.length; length++)
		assert_false(header_block_value((struct text){block.bytes, length}, TEXT("mark"), &value));
	record_make(&record, 0xff, 5, 3, "k", "v", named, 0);
	assert_true(header_block_find(record.key, record.value, &block));
	assert_true(header_block_value(block, TEXT("mark"), &value));
	assert_null(value.bytes);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_found_behind_the_value),
		cmocka_unit_test(headers_that_are_much_longer_than_the_rest_are_read_whole_or_not),
		cmocka_unit_test(what_is_not_in_the_format_is_left_alone),
		cmocka_unit_test(a_block_that_is_not_exactly_its_headers_is_refused),
		cmocka_unit_test(no_block_is_read_beyond_its_end),
		cmocka_unit_test(one_header_is_found_without_the_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
