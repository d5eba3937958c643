/* drift_projection_test.c: Tests of a step `drift` that watches embeddings, whose vectors have more numbers than there may be
 * features: files of references, reports, a past of the stream, and what does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "steps/drift/state/drift_past_record.h"
#include "steps/drift/drift_rows.h"
#include "steps/kinds.h"
#include "tests/unit/past_stand.h"
#include "tests/unit/session.h"

#define WIDTH 384
#define OTHER 512
#define BATCH 100 /* rows of a message, and of a window */
#define ARENA_BYTES ((size_t)256 << 20)
#define WATCH(reference) "drift: {tensors: [x], reference: " reference ", window: 100, falseAlarms: 0.1 per 1000}"
#define WATCH_ALL "drift: {reference: f.json, window: 100, falseAlarms: 0.1 per 1000}"

static struct random chance;
static float vectors[BATCH * OTHER];

static double normal(void)
{
	double sum = -6;
	for (int i = 0; i < 12; i++)
		sum += (double)random_below(&chance, 1000) / 1000;
	return sum;
}

/* So many vectors of the length 1 around a common one. `moved`: all have moved by so much, in many numbers. */
static struct tensor rows_draw(int rows, int width, double moved)
{
	static int64_t shape[2];
	for (int row = 0; row < rows; row++) {
		float *vector = vectors + row * width;
		double square = 0;
		for (int i = 0; i < width; i++) {
			const double number = (i % 7 ? 1 : 2) * normal() + sin(i) + moved * cos(3 * i);
			vector[i] = (float)number;
			square += number * number;
		}
		for (int i = 0; i < width; i++)
			vector[i] = (float)((double)vector[i] / sqrt(square));
	}
	shape[0] = rows;
	shape[1] = width;
	return (struct tensor){.name = TEXT("x"),
			       .datatype = DATATYPE_FP32,
			       .shape = shape,
			       .rank = 2,
			       .data = vectors,
			       .count = (size_t)(rows * width)};
}

static struct tensor vectors_draw(int width, double moved)
{
	return rows_draw(BATCH, width, moved);
}

static int set_up(void **state)
{
	(void)state;
	chance = (struct random){17};
	return 0;
}

/* ---- features of a message ---- */

static const struct drift_cell *cells_of(const struct tensor *tensor, struct arena *arena, struct drift_layout *layout,
					 struct error *error)
{
	const struct tensor *items[] = {tensor}, *texts;
	const struct payload payload = {.tensors = {1, items}};
	const struct drift_cell *cells;
	size_t rows;
	*error = (struct error){0};
	if (!drift_layout_make(layout, &payload, &(struct name_list){0}, arena, error) ||
	    !drift_rows_read(layout, &payload, arena, &cells, &rows, &texts, error))
		return NULL;
	assert_int_equal(rows, tensor->rank == 2 ? tensor->shape[0] : 1);
	return cells;
}

/* So many zeros, and a one at the end, in two rows. */
static const struct tensor *ones_make(enum datatype datatype, int64_t width, struct arena *arena)
{
	struct tensor *tensor = ARENA_NEW(arena, struct tensor);
	int64_t *shape = ARENA_ARRAY(arena, int64_t, 2);
	const size_t count = 2 * (size_t)width, size = datatype == DATATYPE_INT8 ? 1 : datatype == DATATYPE_FP32 ? 4 : 8;
	void *data = arena_take(arena, count, size);
	assert_true(tensor && shape && data);
	memset(data, 0, count * size);
	for (size_t row = 1; row <= 2; row++) {
		if (datatype == DATATYPE_FP64)
			((double *)data)[row * (size_t)width - 1] = (double)row;
		else if (datatype == DATATYPE_FP32)
			((float *)data)[row * (size_t)width - 1] = (float)row;
		else
			((char *)data)[row * (size_t)width - 1] = (char)row;
	}
	shape[0] = 2;
	shape[1] = width;
	*tensor = (struct tensor){.name = TEXT("x"), .datatype = datatype, .shape = shape, .rank = 2, .data = data, .count = count};
	return tensor;
}

static void wide_tensors_have_directions(void **state)
{
	(void)state;
	static const enum datatype datatypes[] = {DATATYPE_FP64, DATATYPE_FP32, DATATYPE_INT8};
	static const int64_t widths[] = {PROJECTION_WIDTH_MIN, WIDTH, PROJECTION_WIDTH_MAX};
	struct arena *arena = arena_open(ARENA_BYTES);
	struct drift_layout layout;
	struct error error;
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 3; j++) {
			const struct tensor *tensor = ones_make(datatypes[i], widths[j], arena);
			const struct drift_cell *cells = cells_of(tensor, arena, &layout, &error);
			assert_non_null(cells);
			assert_int_equal(layout.count, PROJECTION_DIRECTIONS);
			assert_string_equal(layout.columns[63].name, "x.direction63");
			const size_t last = (size_t)(widths[j] - 1) % PROJECTION_DIRECTIONS;
			const double numbers = ceil(((double)widths[j] - (double)last) / PROJECTION_DIRECTIONS);
			for (size_t k = 0; k < 2 * PROJECTION_DIRECTIONS; k++) {
				const bool some = k % PROJECTION_DIRECTIONS == last;
				const double one = k < PROJECTION_DIRECTIONS ? 1 : 2;
				const double wanted = some ? one / sqrt(numbers) : 0;
				assert_true(fabs(fabs(cells[k].number) - wanted) < 1e-12);
			}
			arena_reset(arena);
		}
	arena_close(arena);
}

static void a_message_without_rows_has_no_cells(void **state)
{
	(void)state;
	static const int64_t shape[] = {0, WIDTH};
	const struct tensor tensor = {.name = TEXT("x"), .datatype = DATATYPE_FP32, .shape = shape, .rank = 2, .data = vectors};
	struct arena *arena = arena_open(ARENA_BYTES);
	struct drift_layout layout;
	struct error error;
	assert_non_null(cells_of(&tensor, arena, &layout, &error));
	arena_close(arena);
}

static void narrower_tensors_have_columns(void **state)
{
	(void)state;
	struct arena *arena = arena_open(ARENA_BYTES);
	struct drift_layout layout;
	struct error error;
	assert_non_null(cells_of(ones_make(DATATYPE_FP64, PROJECTION_WIDTH_MIN - 1, arena), arena, &layout, &error));
	assert_int_equal(layout.count, 256);
	assert_string_equal(layout.columns[255].name, "x.255");
	arena_close(arena);
}

static void tensors_that_cannot_be_watched_are_refused(void **state)
{
	(void)state;
	struct arena *arena = arena_open(ARENA_BYTES);
	struct drift_layout layout;
	struct error error;
	assert_null(cells_of(ones_make(DATATYPE_FP32, PROJECTION_WIDTH_MAX + 1, arena), arena, &layout, &error));
	expect_words(error.text, "`x` has 65537 columns, and 65536 are the most that can be watched; send fewer, or");
	const struct tensor *tensor = ones_make(DATATYPE_FP32, WIDTH, arena), *items[5];
	for (size_t i = 0; i < 5; i++) {
		struct tensor *named = ARENA_NEW(arena, struct tensor);
		*named = *tensor;
		named->name = text_of(arena_print(arena, "x%zu", i));
		items[i] = named;
	}
	error = (struct error){0};
	assert_true(drift_layout_make(&layout, &(struct payload){.tensors = {4, items}}, &(struct name_list){0}, arena, &error));
	assert_int_equal(layout.count, 256);
	assert_false(drift_layout_make(&layout, &(struct payload){.tensors = {5, items}}, &(struct name_list){0}, arena, &error));
	expect_words(error.text, "with `x4` of 384 columns the message has more than the 256 features that can be watched: each "
				 "column is one, and a tensor of more than 256 columns of numbers has 64; name fewer tensors");
	arena_close(arena);
}

/* ---- files ---- */

/* Writes so many messages as lines of requests. `more`: inputs beside the tensor, with a comma before each. */
static void requests_write_with(const char *path, int messages, int width, double moved, const char *more)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < messages; i++) {
		vectors_draw(width, moved);
		fprintf(file, "{\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP32\", \"shape\": [%d, %d], \"data\": [", BATCH,
			width);
		for (int j = 0; j < BATCH * width; j++)
			fprintf(file, "%s%.6g", j ? ", " : "", (double)vectors[j]);
		fprintf(file, "]}%s]}\n", more);
	}
	fclose(file);
}

static void requests_write(const char *path, int messages, int width, double moved)
{
	requests_write_with(path, messages, width, moved, "");
}

/* Learns a reference of 400 vectors of that width. */
static void reference_learn(int width)
{
	past_stand_yaml(WATCH("f.json"));
	requests_write("rows.jsonl", 4, width, 0);
	struct said said = say_with(step_kinds, "fit drift rows.jsonl -f p.yaml --out f.json");
	assert_string_equal(said.err, "");
	said_close(&said);
}

static struct said report(int messages, int width, double moved)
{
	requests_write("rows.jsonl", messages, width, moved);
	return say_with(step_kinds, "drift report rows.jsonl -f p.yaml -o json");
}

static void expect_report(int width, double moved, bool drifts)
{
	struct said said = report(3, width, moved);
	assert_string_equal(said.err, "");
	assert_true(number_behind(said.out, "\"windows_with_drift\": ") == (drifts ? 3 : 0));
	expect_words(said.out, "\"*/x\"");
	said_close(&said);
}

static void embeddings_are_learnt_and_compared(void **state)
{
	(void)state;
	reference_learn(WIDTH);
	const char *file = past_stand_file("f.json");
	expect_words(file, "{\"name\": \"x.direction0\", \"kind\": \"numbers\", \"missing\": 0, ");
	expect_words(file, "\"width\": 384, \"values\": [");
	expect_words(file, "\"x.direction63\"");
	assert_null(strstr(file, "direction64"));
	expect_report(WIDTH, 0, false);
	expect_report(WIDTH, 1, true);
}

static void expect_refusal(int width, const char *words)
{
	struct said said = report(1, width, 0);
	expect_words(said.err, words);
	said_close(&said);
}

/* The trap is a tensor with as many columns as there are directions. */
static void vectors_of_another_width_are_refused(void **state)
{
	(void)state;
	reference_learn(WIDTH);
	expect_refusal(OTHER, "the reference has 384 columns of `x`, and the messages have 512; learn it again");
	expect_refusal(PROJECTION_DIRECTIONS, "the reference has 384 columns of `x`, and the messages have 64");
	reference_learn(PROJECTION_DIRECTIONS);
	expect_refusal(WIDTH, "the reference has `x.0` of numbers, and the messages have no such feature");
}

/* Learns a reference of 400 vectors of `x`, and of another tensor, of one column. */
static void reference_learn_beside(const char *name)
{
	char other[1024];
	size_t length = (size_t)snprintf(other, sizeof other,
					 ", {\"name\": \"%s\", \"datatype\": \"FP64\", \"shape\": [100, 1], \"data\": [7", name);
	for (int i = 1; i < BATCH; i++)
		length += (size_t)snprintf(other + length, sizeof other - length, ", 8");
	snprintf(other + length, sizeof other - length, "]}");
	past_stand_yaml(WATCH_ALL);
	requests_write_with("rows.jsonl", 4, WIDTH, 0, other);
	struct said said = say_with(step_kinds, "fit drift rows.jsonl -f p.yaml --out f.json");
	assert_string_equal(said.err, "");
	said_close(&said);
}

/* A tensor of one column may have the name of a direction. */
static void a_namesake_of_a_direction_is_a_feature_of_its_own(void **state)
{
	(void)state;
	reference_learn_beside("x.direction5");
	struct said said = say_with(step_kinds, "drift report rows.jsonl -f p.yaml -o json");
	assert_true(number_behind(said.out, "\"windows_with_drift\": ") == 0);
	said_close(&said);
}

/* `input`: of `x`, without its datatype. */
static void expect_lint_of(const char *watch, const char *input, const char *words)
{
	char yaml[8192];
	snprintf(yaml, sizeof yaml,
		 "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
		 "  input: {tensors: {x: {%s, datatype: FP32}}}\n  steps:\n"
		 "  - {name: watch, %s}\n  output: {steps: [watch]}\n",
		 input, watch);
	write_file("typed.yaml", yaml);
	struct said said = say_with(step_kinds, "lint typed.yaml");
	expect_words(said.out, words);
	said_close(&said);
}

static void expect_lint(int width, const char *words)
{
	char input[64];
	snprintf(input, sizeof input, "path: a, shape: [1, %d]", width);
	expect_lint_of(WATCH("f.json"), input, words);
}

/* The numbers of a projected tensor count by their order, whatever their columns are called. */
static void lint_takes_any_names_of_columns(void **state)
{
	(void)state;
	char input[4096] = "paths: [a0";
	size_t length = strlen(input);
	reference_learn(WIDTH);
	for (int i = 1; i < WIDTH; i++)
		length += (size_t)snprintf(input + length, sizeof input - length, ", a%d", i);
	snprintf(input + length, sizeof input - length, "]");
	expect_lint_of(WATCH("f.json"), input, "no faults");
}

static void lint_knows_the_width(void **state)
{
	(void)state;
	reference_learn(WIDTH);
	expect_lint(WIDTH, "no faults");
	expect_lint(OTHER, "the reference has 384 columns of `x`, and it has 512; learn the reference again");
	expect_lint(PROJECTION_DIRECTIONS, "the reference has 384 columns of `x`, and it has 64");
	reference_learn(PROJECTION_DIRECTIONS);
	expect_lint(WIDTH, "the reference has 64 columns of `x`, and it has 384");
}

/* A tensor whose name begins like that of a column is no column of a tensor that is projected. */
static void lint_counts_no_other_tensor_as_a_column(void **state)
{
	(void)state;
	static const char input[] = "path: a, shape: [1, 384], datatype: FP32}, x.len: {path: b, shape: [1, 1]";
	static const char wider[] = "path: a, shape: [1, 384], datatype: FP32}, x.len: {path: b, shape: [1, 2]";
	reference_learn_beside("x.len");
	expect_lint_of(WATCH("f.json"), input, "the reference has `x.len`, which `tensors` does not name");
	expect_lint_of(WATCH_ALL, input, "no faults");
	expect_lint_of(WATCH_ALL, wider, "the reference has 1 columns of `x.len`, and it has 2");
	expect_lint(OTHER, "the reference has 384 columns of `x`, and it has 512");
	reference_learn_beside("x.direction5");
	expect_lint_of(WATCH_ALL, "path: a, shape: [1, 384], datatype: FP32}, x.direction5: {path: b, shape: [1, 1]", "no faults");
}

/* Replaces the first of these words in the file. */
static void file_change(const char *words, const char *by)
{
	const char *file = past_stand_file("f.json"), *found = strstr(file, words);
	char *changed = malloc(BYTES_MAX);
	assert_true(found && changed);
	snprintf(changed, BYTES_MAX, "%.*s%s%s", (int)(found - file), file, by, found + strlen(words));
	write_file("f.json", changed);
	free(changed);
}

static void files_of_other_directions_are_refused(void **state)
{
	(void)state;
	static const char *const changes[][2] = {{"x.direction5\"", "x.direction6\""},
						 {"x.direction63\"", "x.direction64\""},
						 {"\"width\": 384", "\"width\": 385"},
						 {"x.direction0\"", "y.direction0\""},
						 {"\"width\": 384, ", ""}};
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		reference_learn(WIDTH);
		file_change(changes[i][0], changes[i][1]);
		expect_refusal(WIDTH, "than the 64 onto which it is projected; make it again by `sluice fit drift`");
	}
	reference_learn(WIDTH);
	file_change("\"width\": 384", "\"width\": 256");
	expect_refusal(WIDTH, "width");
}

/* ---- the past of a stream ---- */

static const struct seen *windows(struct observed *observed, int count, int width, double moved)
{
	for (int i = 0; i < count; i++) {
		const struct tensor tensor = vectors_draw(width, moved);
		observed->count = 0;
		observed_send(observed, &tensor);
		assert_int_equal(observed->count, 1);
	}
	return &observed->seen[0];
}

static void a_past_of_embeddings_is_compared_with(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_past(&observed, "1d", "window: 100, falseAlarms: 0.1 per 1000");
	assert_int_equal(windows(&observed, 10, WIDTH, 0)->verdict, DRIFT_LEARNING);
	assert_int_equal(windows(&observed, 1, WIDTH, 0)->verdict, DRIFT_STEADY);
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	assert_int_equal(windows(&observed, 1, WIDTH, 0)->verdict, DRIFT_STEADY);
	assert_int_equal(windows(&observed, 1, WIDTH, 1)->verdict, DRIFT_FOUND);
	observed_close(&observed);
}

/* Vectors of another width are none of the past; after as many as a window has, it begins anew with them. */
static void a_past_of_another_width_begins_anew(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_past(&observed, "1d", "window: 100, falseAlarms: 0.1 per 1000");
	assert_int_equal(windows(&observed, 11, WIDTH, 0)->verdict, DRIFT_STEADY);
	const struct tensor tensor = vectors_draw(OTHER, 0);
	observed.count = 0;
	for (int i = 0; i < 100; i++)
		observed_send(&observed, &tensor);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].unusable, 100);
	assert_true(observed.seen[0].unusable_alarm);
	assert_int_equal(windows(&observed, 10, OTHER, 0)->verdict, DRIFT_LEARNING);
	assert_int_equal(windows(&observed, 1, OTHER, 0)->verdict, DRIFT_STEADY);
	observed_close(&observed);
}

/* A vector with one missing number is missing in each direction. */
static void vectors_that_lack_a_number_are_missing(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_past(&observed, "1d", "window: 100, falseAlarms: 0.1 per 1000");
	windows(&observed, 11, WIDTH, 0);
	struct tensor tensor = vectors_draw(WIDTH, 0);
	for (int row = 0; row < 30; row++)
		vectors[row * WIDTH + 7 * row] = NAN;
	observed.count = 0;
	observed_send(&observed, &tensor);
	assert_int_equal(observed.seen[0].missing, 30 * PROJECTION_DIRECTIONS);
	assert_int_equal(observed.seen[0].missing_alarms, PROJECTION_DIRECTIONS);
	assert_int_equal(observed.seen[0].mistyped, 0);
	observed_close(&observed);
}

/* As when a model of embeddings fails: they are values, and not missing. */
static void vectors_of_zeros_or_infinities_drift(void **state)
{
	(void)state;
	static const float numbers[] = {0, INFINITY, -INFINITY};
	struct observed observed;
	observed_open_past(&observed, "1d", "window: 100, falseAlarms: 0.1 per 1000");
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(windows(&observed, 11, WIDTH, 0)->verdict, DRIFT_STEADY);
		struct tensor tensor = vectors_draw(WIDTH, 0);
		for (int j = 0; j < BATCH * WIDTH; j++)
			vectors[j] = j / WIDTH % 2 ? numbers[i] : vectors[j];
		observed.count = 0;
		observed_send(&observed, &tensor);
		assert_int_equal(observed.seen[0].verdict, DRIFT_FOUND);
		assert_int_equal(observed.seen[0].missing, 0);
	}
	observed_close(&observed);
}

/* A tensor that is missing, or has texts today, is so in each direction; the other tensor is compared. */
static void a_lost_embedding_is_a_figure_of_quality(void **state)
{
	(void)state;
	static const double number = 1;
	static const int64_t shape[] = {1, 1};
	const struct tensor other = {
		.name = TEXT("n"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = &number, .count = 1};
	static const struct text words[] = {{"none", 4}};
	const struct tensor texts = {
		.name = TEXT("x"), .datatype = DATATYPE_BYTES, .shape = shape, .rank = 2, .data = words, .count = 1};
	struct observed observed;
	observed_open_watch(&observed, "drift: {tensors: [x, n], reference: {past: 1d}, window: 100, falseAlarms: 0.1 per 1000}");
	observed.also = &other;
	for (int i = 0; i < 1100; i++) {
		const struct tensor tensor = rows_draw(1, WIDTH, 0);
		observed_send(&observed, &tensor);
	}
	observed.count = 0;
	for (int i = 0; i < 50; i++)
		observed_send(&observed, &other);
	for (int i = 0; i < 50; i++)
		observed_send(&observed, &texts);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].unusable, 0);
	assert_int_equal(observed.seen[0].missing_alarms, PROJECTION_DIRECTIONS);
	assert_int_equal(observed.seen[0].mistyped_alarms, PROJECTION_DIRECTIONS);
	observed_close(&observed);
}

/* An engine takes the values of a tensor that has not come yet for missing, also where its name begins like that of a column. */
static void a_lost_tensor_is_no_column_of_an_embedding(void **state)
{
	(void)state;
	static const double number = 1;
	static const int64_t shape[] = {1, 1};
	const struct tensor other = {
		.name = TEXT("x.of"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = &number, .count = 1};
	struct observed observed;
	observed_open_watch(&observed,
			    "drift: {tensors: [x, x.of], reference: {past: 1d}, window: 100, falseAlarms: 0.1 per 1000}");
	for (int i = 0; i < 1200; i++) {
		const struct tensor tensor = rows_draw(1, WIDTH, 0);
		observed.also = i < 1100 ? &other : NULL;
		if (i == 1100) {
			observed.count = 0;
			observed_engine_close(&observed);
			observed_engine_open(&observed);
		}
		observed_send(&observed, &tensor);
	}
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].unusable, 0);
	assert_int_equal(observed.seen[0].missing_alarms, 1);
	observed_close(&observed);
}

/* ---- stored names ---- */

static void stored_features_have_their_widths(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		bool texts;
		size_t width;
	} wanted[] = {{"a", false, 0}, {"b.direction0", false, 65536}, {"c", true, 0}, {"length(c)", false, 0}, {"d", false, 257}};
	struct past_features features;
	char stored[200];
	size_t length = 0;
	for (size_t i = 0; i < 5; i++) {
		const size_t more = past_feature_write(wanted[i].name, wanted[i].texts, wanted[i].width, NULL);
		assert_int_equal(past_feature_write(wanted[i].name, wanted[i].texts, wanted[i].width, stored + length), more);
		length += more;
	}
	static const char former[] = "a\0\0c"; /* of a version without directions */
	past_features_split((struct text){former, sizeof former}, &features);
	assert_int_equal(features.count, 2);
	assert_true(features.texts[1] && features.widths[1] == 0 && text_is(features.names[1], "c"));
	past_features_split((struct text){stored, length}, &features);
	assert_int_equal(features.count, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_true(text_is(features.names[i], wanted[i].name));
		assert_int_equal(features.texts[i], wanted[i].texts);
		assert_int_equal(features.widths[i], wanted[i].width);
	}
}

/* The file has the directions, by which a report compares. */
static void a_past_of_embeddings_becomes_a_reference(void **state)
{
	(void)state;
	struct past_stand *self = past_stand_open_watch(WATCH("{past: 30d}"));
	windows(&self->observed, 10, WIDTH, 0);
	past_stand_commit(self);
	past_stand_rebase(self, "", 0, "10 windows with 1000 rows");
	expect_words(past_stand_file("r.json"), "\"width\": 384");
	past_stand_yaml(WATCH("r.json"));
	expect_report(WIDTH, 0, false);
	expect_report(WIDTH, 1, true);
	expect_refusal(OTHER, "the reference has 384 columns of `x`, and the messages have 512");
	past_stand_close(self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(wide_tensors_have_directions, set_up),
		cmocka_unit_test_setup(a_message_without_rows_has_no_cells, set_up),
		cmocka_unit_test_setup(narrower_tensors_have_columns, set_up),
		cmocka_unit_test_setup(tensors_that_cannot_be_watched_are_refused, set_up),
		cmocka_unit_test_setup(embeddings_are_learnt_and_compared, set_up),
		cmocka_unit_test_setup(vectors_of_another_width_are_refused, set_up),
		cmocka_unit_test_setup(a_namesake_of_a_direction_is_a_feature_of_its_own, set_up),
		cmocka_unit_test_setup(lint_knows_the_width, set_up),
		cmocka_unit_test_setup(lint_counts_no_other_tensor_as_a_column, set_up),
		cmocka_unit_test_setup(lint_takes_any_names_of_columns, set_up),
		cmocka_unit_test_setup(files_of_other_directions_are_refused, set_up),
		cmocka_unit_test_setup(a_past_of_embeddings_is_compared_with, set_up),
		cmocka_unit_test_setup(a_past_of_another_width_begins_anew, set_up),
		cmocka_unit_test_setup(vectors_that_lack_a_number_are_missing, set_up),
		cmocka_unit_test_setup(vectors_of_zeros_or_infinities_drift, set_up),
		cmocka_unit_test_setup(a_lost_embedding_is_a_figure_of_quality, set_up),
		cmocka_unit_test_setup(a_lost_tensor_is_no_column_of_an_embedding, set_up),
		cmocka_unit_test_setup(stored_features_have_their_widths, set_up),
		cmocka_unit_test_setup(a_past_of_embeddings_becomes_a_reference, set_up),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
