/* background_test.c: backgrounds of explanations, and rows of features of a request. */
#include "steps/background.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "steps/features/feature_rows.h"
#include "tests/unit/arena_fixture.h"

#define WIDTH 2

static struct error error;

static int set_up(void **state)
{
	(void)state;
	error = (struct error){0};
	arena = arena_open((size_t)1 << 26);
	return arena ? 0 : -1;
}

/* ---- backgrounds ---- */

static bool read_text(void *context, const struct name *file, const char *digest, struct text *content, struct error *why)
{
	(void)file;
	(void)digest;
	(void)why;
	*content = text_of(context);
	return true;
}

static bool background_of(struct background *background, const char *text)
{
	const struct file_source files = {.context = (void *)(uintptr_t)text, .read = read_text};
	const struct step step = {.name = "why", .arena = arena, .files = &files};
	const struct name file = {"usual.csv", {.line = 3, .column = 7}};
	error = (struct error){0};
	return background_read(background, &step, &file, &error);
}

static void a_file_may_name_its_columns_and_lack_numbers(void **state)
{
	struct background background;
	(void)state;
	assert_true(background_of(&background, "\"age\", size\r\n1,2\r\n\r\n,4e1\n nan ,-5\n"));
	assert_int_equal(background.count, 3);
	assert_int_equal(background.width, 2);
	assert_true(text_is(background.names[0], "age") && text_is(background.names[1], "size"));
	assert_true(background.rows[0] == 1 && background.rows[1] == 2 && isnan(background.rows[2]) && background.rows[3] == 40);
	assert_true(isnan(background.rows[4]) && background.rows[5] == -5);
	assert_true(background_of(&background, "1,2\n3,4"));
	assert_null(background.names);
	assert_int_equal(background.count, 2);
	assert_true(background_is_ready(&background));
}

/* 9 million numbers would be more than the arena has. */
static void empty_lines_of_a_file_take_no_memory(void **state)
{
	enum { NUMBERS = 3000 };
	static char text[2 * 2 * NUMBERS + NUMBERS + 1];
	struct background background;
	(void)state;
	for (size_t i = 0; i < (size_t)2 * NUMBERS; i++) {
		text[2 * i] = '7';
		text[2 * i + 1] = i % NUMBERS == NUMBERS - 1 ? '\n' : ',';
	}
	memset(text + 2 * 2 * NUMBERS, '\n', NUMBERS);
	assert_true(background_of(&background, text));
	assert_true(background.count == 2 && background.width == NUMBERS);
	assert_true(background_of(&background, ",\n,\n,")); /* the least bytes that three rows can have */
	assert_int_equal(background.count, 3);
}

static void a_file_that_is_no_background_is_refused(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{"", "has 0 rows"},
		{"a,b\n", "has 0 rows"},
		{"1,2\n", "has 1 row,"},
		{"1,2\n3\n", "line 2 of the background usual.csv has 1 numbers, and its first line 2"},
		{"1,2\n3,4,5\n", "has 3 numbers"},
		{"1,2\n3,x\n", "`x` in column 2, which is no number"},
		{"1,2\n3,inf\n", "`inf` in column 2"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct background background;
		assert_false(background_of(&background, rows[i].text));
		assert_int_equal(error.kind, ERROR_CONFIG);
		assert_int_equal(error.place.line, 3);
		assert_non_null(strstr(error.text, rows[i].words));
	}
}

static void background_feed(struct background *background, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const double row[WIDTH] = {(double)i, -(double)i};
		assert_true(background_add(background, row, WIDTH, i + 1, arena, &error));
	}
}

static void a_running_sample_is_used_from_twenty_requests_on(void **state)
{
	struct background background;
	(void)state;
	background_sample(&background, 100);
	background_feed(&background, 0, 19);
	assert_false(background_is_ready(&background));
	background_feed(&background, 19, 20);
	assert_true(background_is_ready(&background));
	assert_int_equal(background.count, 20);
	background_sample(&background, 5); /* it can never have twenty */
	background_feed(&background, 0, 4);
	assert_false(background_is_ready(&background));
	background_feed(&background, 4, 5);
	assert_true(background_is_ready(&background));
}

/* Of 10,000 rows each is kept with the same chance: the mean of 500 kept ones is that of all within five standard errors, and so
 * is the share of the first half. */
static void a_running_sample_is_of_all_requests_alike(void **state)
{
	struct background background;
	double sum = 0;
	size_t early = 0;
	(void)state;
	background_sample(&background, 500);
	background_feed(&background, 0, 10000);
	assert_int_equal(background.count, 500);
	for (size_t i = 0; i < 500; i++) {
		sum += background.rows[i * WIDTH];
		early += background.rows[i * WIDTH] < 5000;
		assert_true(background.rows[i * WIDTH + 1] == -background.rows[i * WIDTH]);
	}
	assert_true(fabs(sum / 500 - 4999.5) < 5 * 2887 / sqrt(500));
	assert_in_range(early, 250 - 56, 250 + 56);
}

static void a_sample_is_of_one_width(void **state)
{
	static const double row[3] = {0};
	struct background background;
	(void)state;
	background_sample(&background, 5);
	assert_true(background_add(&background, row, 3, 1000, arena, &error));
	background_feed(&background, 0, 4); /* the first was an odd one */
	assert_int_equal(background.width, WIDTH);
	assert_int_equal(background.count, 4);
	background_feed(&background, 4, 5);
	assert_true(background_add(&background, row, 3, 1001, arena, &error));
	assert_int_equal(background.width, WIDTH);
	assert_int_equal(background.seen, 5);
	assert_true(background_fits(&background, WIDTH, NULL, true, &error));
	assert_false(background_fits(&background, 3, NULL, true, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_non_null(strstr(error.text, "the request has 3 features"));
}

/* ---- rows of features ---- */

static const struct tensor *numbers(const char *name, enum datatype datatype, size_t rank, const int64_t *shape, double first)
{
	void *elements;
	struct tensor *tensor = tensor_make(arena, text_of(name), datatype, shape, rank, &elements, &error);
	assert_non_null(tensor);
	for (size_t i = 0; i < tensor->count; i++)
		assert_true(tensor_store(elements, datatype, i, first + (double)i));
	return tensor;
}

static const struct tensor *words(const char *name, size_t rank, const int64_t *shape, const struct text *texts)
{
	void *elements;
	struct tensor *tensor = tensor_make(arena, text_of(name), DATATYPE_BYTES, shape, rank, &elements, &error);
	assert_non_null(tensor);
	memcpy(elements, texts, tensor->count * sizeof *texts);
	return tensor;
}

static const struct feature_wanted any = {.whose = "step `why`"};

static void features_are_the_columns_of_all_numeric_tensors(void **state)
{
	static const struct text kinds[] = {{"a", 1}, {"b", 1}};
	const struct tensor *tensors[] = {
		numbers("x", DATATYPE_FP32, 2, (int64_t[]){2, 2}, 1),
		words("kind", 2, (int64_t[]){2, 1}, kinds),
		numbers("n", DATATYPE_INT32, 1, (int64_t[]){2}, 10),
	};
	const struct payload payload = {.tensors = {3, tensors}};
	static const double wanted[] = {1, 2, 10, 3, 4, 11}, others[] = {7, 8, 9, 5, 6, 4, 0, 0, 0};
	struct feature_rows rows;
	(void)state;
	assert_true(feature_rows_read(&rows, &payload, &any, arena, &error));
	assert_int_equal(rows.rows, 2);
	assert_int_equal(rows.features, 3);
	assert_memory_equal(rows.values, wanted, sizeof wanted);
	assert_true(text_is(rows.names[1], "x[1]") && text_is(rows.names[2], "n"));
	assert_false(rows.named);
	const struct payload *request = feature_rows_request(&rows, 1, others, 3, arena, &error);
	assert_non_null(request);
	const struct tensor *x = request->tensors.items[0], *kind = request->tensors.items[1], *n = request->tensors.items[2];
	assert_true(x->rank == 2 && x->shape[0] == 3 && x->shape[1] == 2 && x->datatype == DATATYPE_FP32);
	assert_true(tensor_number(x, 2) == 5 && tensor_number(x, 3) == 6);
	assert_true(n->rank == 1 && n->shape[0] == 3 && tensor_number(n, 0) == 9 && tensor_number(n, 1) == 4);
	assert_true(kind->shape[0] == 3 && text_is(((const struct text *)kind->data)[2], "b"));
}

static void one_dimension_is_one_row(void **state)
{
	const struct tensor *tensor = numbers("x", DATATYPE_FP64, 1, (int64_t[]){3}, 1);
	const struct payload payload = {.tensors = {1, &tensor}};
	struct feature_rows rows;
	(void)state;
	assert_true(feature_rows_read(&rows, &payload, &any, arena, &error));
	assert_true(rows.rows == 1 && rows.features == 3);
	const struct payload *request = feature_rows_request(&rows, 0, rows.values, 1, arena, &error);
	assert_int_equal(request->tensors.items[0]->rank, 2);
	const struct feature_wanted single = {.whose = "step `why`", .single = true, .count = 1};
	assert_true(feature_rows_read(&rows, &payload, &single, arena, &error));
	assert_true(rows.rows == 3 && rows.features == 1);
}

/* A row of several texts, or of none, is repeated whole for each row of the request. */
static void one_dimension_of_texts_is_one_row(void **state)
{
	static const struct text tags[] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}};
	const struct tensor *tensors[] = {
		numbers("x", DATATYPE_FP32, 2, (int64_t[]){1, 3}, 1),
		words("tags", 1, (int64_t[]){5}, tags),
		words("none", 1, (int64_t[]){0}, tags),
		words("one", 1, (int64_t[]){1}, tags),
	};
	const struct payload payload = {.tensors = {4, tensors}};
	double others[101 * 3] = {0};
	struct feature_rows rows;
	(void)state;
	assert_true(feature_rows_read(&rows, &payload, &any, arena, &error));
	assert_int_equal(rows.features, 3);
	const struct payload *request = feature_rows_request(&rows, 0, others, 101, arena, &error);
	assert_non_null(request);
	const struct tensor *made = request->tensors.items[1], *none = request->tensors.items[2], *one = request->tensors.items[3];
	assert_true(made->rank == 2 && made->shape[0] == 101 && made->shape[1] == 5 && made->count == 505);
	for (size_t i = 0; i < made->count; i++)
		assert_true(text_equal(((const struct text *)made->data)[i], tags[i % 5]));
	assert_true(none->rank == 2 && none->shape[0] == 101 && none->count == 0);
	assert_true(one->rank == 1 && one->count == 101);
}

static void a_tensor_without_numbers_stays_without(void **state)
{
	const struct tensor *tensors[] = {
		numbers("x", DATATYPE_FP32, 2, (int64_t[]){1, 3}, 1),
		numbers("y", DATATYPE_FP32, 1, (int64_t[]){0}, 1),
	};
	const struct payload payload = {.tensors = {2, tensors}};
	const double others[6] = {0};
	struct feature_rows rows;
	(void)state;
	assert_true(feature_rows_read(&rows, &payload, &any, arena, &error));
	const struct payload *request = feature_rows_request(&rows, 0, others, 2, arena, &error);
	assert_non_null(request);
	assert_int_equal(request->tensors.items[1]->count, 0);
	assert_int_equal(request->tensors.items[1]->shape[0], 2);
}

/* A model of two features that gets rows of four takes the first two. */
static void further_features_are_left_out(void **state)
{
	const struct tensor *tensor = numbers("x", DATATYPE_FP64, 2, (int64_t[]){2, 4}, 1);
	const struct payload payload = {.tensors = {1, &tensor}};
	const struct feature_wanted two = {.whose = "step `why`", .single = true, .count = 2};
	static const double wanted[] = {1, 2, 5, 6}, others[] = {7, 8, 9, 10, 11, 12};
	struct feature_rows rows;
	(void)state;
	assert_true(feature_rows_read(&rows, &payload, &two, arena, &error));
	assert_int_equal(rows.features, 2);
	assert_memory_equal(rows.values, wanted, sizeof wanted);
	const struct payload *request = feature_rows_request(&rows, 1, others, 3, arena, &error);
	assert_non_null(request);
	const struct tensor *made = request->tensors.items[0];
	assert_true(made->rank == 2 && made->shape[0] == 3 && made->shape[1] == 2);
	for (size_t i = 0; i < 6; i++)
		assert_true(tensor_number(made, i) == others[i]);
}

static void what_has_no_rows_of_features_is_refused(void **state)
{
	static const struct text kinds[] = {{"a", 1}, {"b", 1}};
	const struct tensor *two = numbers("x", DATATYPE_FP64, 2, (int64_t[]){2, 1}, 0);
	const struct tensor *three = numbers("y", DATATYPE_FP64, 2, (int64_t[]){3, 1}, 0);
	const struct tensor *none = numbers("z", DATATYPE_FP64, 2, (int64_t[]){0, 1}, 0);
	const struct tensor *empty = numbers("e", DATATYPE_FP64, 1, (int64_t[]){0}, 0);
	const struct tensor *text = words("kind", 2, (int64_t[]){2, 1}, kinds);
	const struct {
		const struct tensor *tensors[2];
		size_t count;
		struct feature_wanted wanted;
		const char *words;
	} cases[] = {
		{{two, three}, 2, any, "explains 2 rows, and `y` is FP64[3,1]"},
		{{text}, 1, any, "0 numeric tensors came"},
		{{two, three}, 2, {.whose = "step `why`", .single = true, .count = 1}, "2 numeric tensors came"},
		{{two}, 1, {.whose = "step `why`", .tensor = {"q", 1}}, "the tensor `q`, which did not come"},
		{{two}, 1, {.whose = "step `why`", .single = true, .count = 4}, "explains 4 numbers a row, and 1 came"},
		{{none}, 1, any, "has no row to explain"},
		{{empty}, 1, any, "the request has no numbers"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct payload payload = {.tensors = {cases[i].count, cases[i].tensors}};
		struct feature_rows rows;
		error = (struct error){0};
		assert_false(feature_rows_read(&rows, &payload, &cases[i].wanted, arena, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
		assert_non_null(strstr(error.text, cases[i].words));
	}
}

static void numbers_that_a_tensor_cannot_have_are_refused(void **state)
{
	const struct tensor *tensor = numbers("n", DATATYPE_INT8, 2, (int64_t[]){1, 1}, 1);
	const struct payload payload = {.tensors = {1, &tensor}};
	const double value = 300;
	struct feature_rows rows;
	(void)state;
	assert_true(feature_rows_read(&rows, &payload, &any, arena, &error));
	assert_null(feature_rows_request(&rows, 0, &value, 1, arena, &error));
	assert_non_null(strstr(error.text, "the background has 300 there"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_may_name_its_columns_and_lack_numbers, set_up, arena_end),
		cmocka_unit_test_setup_teardown(empty_lines_of_a_file_take_no_memory, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_file_that_is_no_background_is_refused, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_running_sample_is_used_from_twenty_requests_on, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_running_sample_is_of_all_requests_alike, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_sample_is_of_one_width, set_up, arena_end),
		cmocka_unit_test_setup_teardown(features_are_the_columns_of_all_numeric_tensors, set_up, arena_end),
		cmocka_unit_test_setup_teardown(one_dimension_is_one_row, set_up, arena_end),
		cmocka_unit_test_setup_teardown(one_dimension_of_texts_is_one_row, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_tensor_without_numbers_stays_without, set_up, arena_end),
		cmocka_unit_test_setup_teardown(further_features_are_left_out, set_up, arena_end),
		cmocka_unit_test_setup_teardown(what_has_no_rows_of_features_is_refused, set_up, arena_end),
		cmocka_unit_test_setup_teardown(numbers_that_a_tensor_cannot_have_are_refused, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
