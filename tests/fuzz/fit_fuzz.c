/* fit_fuzz.c: `sluice fit` of hostile data by every operation that learns: nothing crashes or leaks, what is learnt is
 * finite, is read back, and runs on the rows that it was learnt of; what is refused says why.
 *
 * The first byte says whether the rest is a file as it is, or the making of one: of fields that are numbers, nearly
 * numbers and texts, as a CSV or as requests; and whether the rows have times, as events of a pipeline that maps one. The
 * next ones choose up to three operations.
 *
 * seeds: tests/data/fuzz/fit-*.bin
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/number/number.h"
#include "mutate.h"
#include "tools/source/fit_rows.h"
#include "compiler/resources/resource.h"
#include "steps/kinds.h"
#include "steps/prepare/operations.h"

#define ARENA_BYTES ((size_t)512 << 20)
#define FILE_CEILING ((size_t)16 << 20)
#define ROWS_MAX 40
#define OPERATIONS_MAX 3
#define TIMED_FROM 126 /* of the first byte: a multiple of what it chooses by */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const operations[] = {
	"impute: {tensor: a, fitted: f}",
	"impute: {tensor: a, by: median, fitted: f}",
	"impute: {tensor: a, by: most-frequent, fitted: f}",
	"impute: {tensor: a, by: constant, values: [1], fitted: f}",
	"scale: {tensor: a, fitted: f}",
	"scale: {tensor: a, by: min-max, range: [-1, 2], clip: true, fitted: f}",
	"scale: {tensor: a, by: robust, quantiles: [5, 90], fitted: f}",
	"scale: {tensor: a, by: max-abs, columns: [0], fitted: f}",
	"power: {tensor: a, fitted: f}",
	"power: {tensor: a, by: box-cox, fitted: f}",
	"quantile: {tensor: a, fitted: f}",
	"quantile: {tensor: a, to: normal, size: 5, fitted: f}",
	"kbins: {tensor: a, bins: 4, fitted: f}",
	"kbins: {tensor: a, by: uniform, bins: 3, as: c, fitted: f}",
	"kbins: {tensor: a, by: kmeans, bins: 5, columns: [-1], as: c, fitted: f}",
	"onehot: {tensor: a, fitted: f}",
	"onehot: {tensor: b, drop: first, fitted: f}",
	"ordinal: {tensor: b, fitted: f}",
	"clip: {tensor: a, low: 0}",
	"log1p: {tensor: a}",
	"normalise: {tensor: a}",
	"polynomial: {tensor: a}",
	"bucketize: {tensor: a, edges: [0]}",
	"hash: {tensor: b, size: 4}",
	"cast: {tensor: a, to: FP32}",
	"rename: {a: b, b: a}",
	"set: {a: \"a * 2\"}",
	"clip: {high: 6}",
};

static const char *const fields[] = {
	"1",	    "2",	"-3.5", "0",  "",    "nan",  "50,000", "abc", "1e308", "-1e308", "1e-308", "7", "9007199254740993",
	"Infinity", "\xC3\xA4", "a\nb", "\"", "950", "1010", "1043",   "987", "1e-320"};

struct input {
	const uint8_t *data;
	size_t size;
};

static uint8_t take(struct input *input)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return *input->data++;
}

/* In quotes, doubled (CSV) or escaped (JSON). */
static void field_write(struct buffer *out, const char *field, bool json)
{
	buffer_string(out, "\"");
	for (; *field; field++)
		if (*field == '"')
			buffer_string(out, json ? "\\\"" : "\"\"");
		else if (json && *field == '\n')
			buffer_string(out, "\\n");
		else
			buffer_byte(out, *field);
	buffer_string(out, "\"");
}

static const char *field_take(struct input *input)
{
	return fields[take(input) % (sizeof fields / sizeof *fields)];
}

static void csv_make(struct input *input, struct buffer *out)
{
	const size_t columns = 1 + take(input) % 3;
	buffer_string(out, columns == 1 ? "a\n" : columns == 2 ? "a,b\r\n" : "b,,a\n");
	for (size_t row = 0; row < ROWS_MAX && input->size; row++)
		for (size_t i = 0; i < columns; i++) {
			field_write(out, field_take(input), false);
			buffer_string(out, i + 1 < columns ? "," : "\n");
		}
}

static void requests_make(struct input *input, struct buffer *out)
{
	static const char *const datatypes[] = {"FP64", "FP32", "BYTES", "INT64", "BOOL", "UINT64"};
	for (size_t row = 0; row < ROWS_MAX && input->size; row++) {
		const uint8_t how = take(input);
		const size_t rows = how % 3, columns = how / 3 % 3;
		const char *datatype = datatypes[how / 9 % 6];
		buffer_print(out, "{\"inputs\": [{\"name\": \"%s\", \"datatype\": \"%s\", \"shape\": [%zu,%zu], \"data\": [",
			     how & 128 ? "b" : "a", datatype, rows, columns);
		for (size_t i = 0; i < rows * columns; i++) {
			const char *field = field_take(input);
			double number;
			buffer_string(out, i ? "," : "");
			if (strcmp(datatype, "BYTES") != 0 && number_read_double(text_of(field), &number))
				buffer_string(out, field);
			else
				field_write(out, field, true);
		}
		buffer_string(out, "]}]}\n");
	}
}

/* ---- the step ---- */

static bool file_give(void *context, const struct name *file, const char *digest, struct text *content, struct error *error)
{
	const struct buffer *made = context;
	(void)file;
	(void)digest;
	(void)error;
	*content = buffer_view(made);
	return true;
}

static const struct pipeline_spec *pipeline_of(const struct spec *spec)
{
	if (faults_count(spec->faults, SEVERITY_ERROR) > 0 || spec->count != 1)
		abort(); /* the operations above are right */
	return spec->resources[0]->spec;
}

/* What was learnt is read, and works on the rows. */
static void run_again(const struct step *learnt, const struct fit_source *source, struct buffer *made)
{
	const struct operations *self = learnt->options;
	const struct file_source files = {made, file_give};
	struct step step = *learnt;
	const struct scope scope = {0};
	struct error error = {0};
	struct program program;
	struct payload payload;
	struct arena *arena = arena_open(ARENA_BYTES);
	step.files = &files;
	if (!arena || !program_make(&step, &self->list, step.kind->options[0].rows, step.arena, &program, &error))
		abort();
	for (source->rewind(source->context); source->next(source->context, arena, &payload, &error); arena_reset(arena)) {
		struct work work;
		if (!work_begin(&work, &program, &payload, &scope, arena, &error) || !program_run(&program, &work, &error)) {
			if (error.kind != ERROR_INPUT && error.kind != ERROR_LIMIT)
				abort();
			error = (struct error){0};
		}
	}
	arena_close(arena);
}

/* Events with the number `a`, at the time `b` in seconds. */
static const struct mapping *mapping_make(struct arena *arena)
{
	static const struct text path = {"a", 1};
	static const struct mapped_tensor tensor = {
		.name = {"a", 1}, .path_count = 1, .paths = &path, .has_datatype = true, .datatype = DATATYPE_FP64};
	const struct mapped_input input = {.count = 1, .tensors = &tensor, .time = {"b", 1}, .time_unit = TIME_S};
	struct error error = {0};
	const struct mapping *mapping = mapping_compile(arena, &input, &error);
	if (!mapping)
		abort();
	return mapping;
}

/* Each row has its time, which is no less than that of the row before. */
static void times_check(const struct fit_source *source)
{
	struct payload payload;
	struct error error = {0};
	struct arena *arena = arena_open(ARENA_BYTES);
	int64_t before_ms = INT64_MIN;
	if (!arena)
		abort();
	for (source->rewind(source->context); source->next(source->context, arena, &payload, &error); arena_reset(arena)) {
		if (source->time_ms(source->context) < before_ms)
			abort();
		before_ms = source->time_ms(source->context);
	}
	if (error.kind != ERROR_NONE)
		abort(); /* all rows were read to find their times */
	arena_close(arena);
}

static void fit(struct text yaml, struct text file, bool timed)
{
	const struct spec_options options = {.kinds = step_kinds};
	const struct name_list none = {0};
	struct error error = {0};
	struct spec spec;
	struct fit_rows rows;
	struct buffer made;
	struct arena *arena = arena_open(ARENA_BYTES);
	buffer_open(&made, FILE_CEILING);
	if (!arena || !spec_open(&spec, &error) || !spec_read_text(&spec, "fuzz.yaml", yaml, &options, &error))
		abort();
	const struct step_spec *found = pipeline_of(&spec)->steps.items;
	struct step step = {
		.kind = found->kind, .name = "s", .pipeline = "p", .options = found->options, .place = found->here, .arena = arena};
	if (fit_rows_open(&rows, "data", file, &none, timed ? mapping_make(arena) : NULL, timed, arena, &error)) {
		const struct fit_source source = fit_rows_source(&rows);
		if (source.time_ms)
			times_check(&source);
		if (step.kind->learns->fit(&step, &source, &made, &error))
			run_again(&step, &source, &made);
		else if (error.kind == ERROR_NONE || !*error.text)
			abort();
	} else if (error.kind == ERROR_NONE) {
		abort();
	}
	spec_close(&spec);
	buffer_close(&made);
	arena_close(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	struct buffer yaml, file;
	buffer_open(&yaml, FILE_CEILING);
	buffer_open(&file, FILE_CEILING);
	const uint8_t how = take(&input);
	buffer_string(&yaml, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
			     "  - name: s\n    preprocess:\n");
	for (size_t i = 0; i <= how / 3U % OPERATIONS_MAX; i++)
		buffer_print(&yaml, "    - %s\n", operations[take(&input) % (sizeof operations / sizeof *operations)]);
	buffer_string(&yaml, "  output: {steps: [s]}\n");
	if (how % 3 == 0)
		buffer_append(&file, (const char *)input.data, input.size);
	else if (how % 3 == 1)
		csv_make(&input, &file);
	else
		requests_make(&input, &file);
	if (!file.failed)
		fit(buffer_view(&yaml), buffer_view(&file), how >= TIMED_FROM);
	buffer_close(&yaml);
	buffer_close(&file);
	return 0;
}

#define REQUEST_OF_FOUR "{\"inputs\": [{\"name\": \"a\", \"datatype\": \"FP64\", \"shape\": [2, 2], \"data\": [1, 2, 3, 4]}]}\n"

static const char *const samples[] = {
	"a,b\n1,x\n2.5,y\n-3,\n,x\n1e9,\"z,z\"\n",
	"b,a\r\n\"q\"\"q\",4\r\n,5\r\nx,6\r\n",
	"a\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n",
	"{\"a\": [1, 2], \"b\": \"x\"}\n{\"a\": [3, 4], \"b\": \"y\"}\n{\"a\": [5, null]}\n",
	"a,b\n1,7\n2, 5.5\n3,\"6\"\n,5.5\n\"\n\",1e3\n",
	"{\"a\": 1, \"b\": 7}\n{\"a\": 3, \"b\": 5.5}\n{\"b\": 6, \"a\": 2}\n",
	/* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): two lines of one file */
	REQUEST_OF_FOUR "{\"inputs\": [{\"name\": \"a\", \"datatype\": \"INT64\", \"shape\": [1, 2], \"data\": [5, 6]}]}\n",
};

/* A file as it is changes by its lines; of one that is made, the bytes that make it. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct dice dice = dice_of(seed);
	const char *sample = samples[dice_roll(&dice, sizeof samples / sizeof *samples)];
	const size_t head = 1 + OPERATIONS_MAX;
	if (dice_roll(&dice, 30) == 0 && head + strlen(sample) <= max) {
		data[0] = (uint8_t)(9 + 3 * dice_roll(&dice, OPERATIONS_MAX) + TIMED_FROM * dice_roll(&dice, 2));
		for (size_t i = 1; i < head; i++)
			data[i] = (uint8_t)dice_roll(&dice, sizeof operations / sizeof *operations);
		memcpy(data + head, sample, strlen(sample));
		size = head + strlen(sample);
	}
	const size_t taken = size > 0 ? 2 + data[0] / 3U % OPERATIONS_MAX : 0; /* as the target takes them */
	if (size <= taken || data[0] % 3 != 0)
		return LLVMFuzzerMutate(data, size, max);
	return taken + mutate_lines(data + taken, size - taken, max - taken, seed);
}
