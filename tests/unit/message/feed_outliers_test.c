/* feed_outliers_test.c: Tests of the records of the feed with what observers have learnt of outliers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/avro/avro_wire.h"
#include "message/records/feed_record.h"
#include "tests/unit/letters.h"

#define IDENTITY 0x9123456789abcdef

/* Three numbers of the triangle of two columns, products of 400 rows. */
static struct outlier_learnt learnt_of(double numbers[5])
{
	return (struct outlier_learnt){
		.pipeline = "p", .step = "odd", .identity = IDENTITY, .covariance = covariance_over(numbers, 2, 401)};
}

static void what_was_learnt_of_outliers_is_read_as_it_was_written(void **state)
{
	(void)state;
	double numbers[] = {-3.5, 1e9, 400, -200, 800};
	const struct outlier_learnt learnt = learnt_of(numbers);
	struct arena *arena = arena_open((size_t)1 << 20);
	struct feed_outliers read;
	struct error error = {0};
	struct letter letter;
	struct buffer key, value;
	buffer_open(&key, FEED_KEY_BYTES_MAX);
	buffer_open(&value, (size_t)1 << 20);
	assert_true(feed_outliers_encode(&learnt, &key, &value, &error));
	assert_true(text_equal(buffer_view(&key), TEXT("outlier/p/odd")));
	assert_true(feed_key_is_outliers(buffer_view(&key)) && !feed_key_is_score(buffer_view(&key)));
	assert_true(feed_outliers_decode(buffer_view(&key), buffer_view(&value), arena, &read, &error));
	assert_true(text_is(text_of(read.of.pipeline), "p") && text_is(text_of(read.of.step), "odd") &&
		    read.of.identity == IDENTITY);
	assert_true(read.covariance.columns == 2 && read.covariance.rows == 401);
	for (size_t i = 0; i < 5; i++)
		assert_true(read.covariance.mean[i] == numbers[i]);
	letter_open_as(&letter, "outlier_reference", buffer_view(&value));
	avro_value_t list, item;
	double second = 0;
	assert_int_equal(avro_value_get_by_name(&letter.value, "covariance", &list, NULL), 0);
	assert_int_equal(avro_value_get_by_index(&list, 1, &item, NULL), 0);
	assert_int_equal(avro_value_get_double(&item, &second), 0);
	assert_true(second == -0.5); /* a covariance, and no product */
	assert_int_equal(letter_number(&letter, "rows"), 401);
	letter_close(&letter);
	for (size_t length = 0; length < buffer_view(&value).length; length++) {
		error = (struct error){0};
		const struct text cut = {buffer_view(&value).bytes, length};
		assert_false(feed_outliers_decode(buffer_view(&key), cut, arena, &read, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
	}
	assert_false(feed_outliers_decode(TEXT("outlier/p/other"), buffer_view(&value), arena, &read, &error));
	assert_false(feed_outliers_decode(buffer_view(&key), (struct text){0}, arena, &read, &error));
	arena_close(arena);
	buffer_close(&key);
	buffer_close(&value);
}

/* Of fewer rows than columns, of no columns, or of another number of covariances there is no distance. */
static void a_reference_of_outliers_that_does_not_hold_together_is_refused(void **state)
{
	(void)state;
	static const struct {
		char rows, columns, triangle; /* zigzag */
	} wrong[] = {{4, 4, 6}, {2, 4, 6}, /* negative: */ {3, 4, 6}, {40, 0, 6}, {40, 4, 4}, {40, 4, 8}, {40, 6, 6}};
	double numbers[] = {1, 2, 3, 1, 3};
	const struct outlier_learnt learnt = learnt_of(numbers);
	struct arena *arena = arena_open((size_t)1 << 20);
	struct feed_outliers read;
	struct error error = {0};
	struct buffer key, value;
	buffer_open(&key, FEED_KEY_BYTES_MAX);
	buffer_open(&value, (size_t)1 << 20);
	assert_true(feed_outliers_encode(&learnt, &key, &value, &error));
	const size_t head = AVRO_SINGLE_OBJECT_BYTES + 2 + 4 + 1 + AVRO_LONG_BYTES_MAX; /* names of 1 and 3 bytes, no segment */
	const size_t rows = head, columns = rows + 2, triangle = columns + 1 + 2 * sizeof(double) + 1;
	char *bytes = value.bytes;
	assert_int_equal(bytes[columns], 4);
	assert_int_equal(bytes[triangle], 6);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		bytes[rows] = (char)(wrong[i].rows | 0x80); /* of two bytes */
		bytes[rows + 1] = 0;
		bytes[columns] = wrong[i].columns;
		bytes[triangle] = wrong[i].triangle;
		error = (struct error){0};
		assert_false(feed_outliers_decode(buffer_view(&key), buffer_view(&value), arena, &read, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
	}
	bytes[rows] = (char)(40 | 0x80);
	bytes[rows + 1] = 0;
	bytes[columns] = 4;
	bytes[triangle] = 6;
	assert_true(feed_outliers_decode(buffer_view(&key), buffer_view(&value), arena, &read, &error));
	assert_int_equal(read.covariance.rows, 20);
	arena_close(arena);
	buffer_close(&key);
	buffer_close(&value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_learnt_of_outliers_is_read_as_it_was_written),
		cmocka_unit_test(a_reference_of_outliers_that_does_not_hold_together_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
