/* operation_answers.c: Operations of postprocess: probabilities, labels, headers. */
#include <math.h>

#include "base/number/number.h"
#include "message/json/json_scan.h"
#include "message/rows.h"
#include "steps/prepare/operations.h"

/* ---- sigmoid, softmax ---- */

static void sigmoid_apply(const struct operation_instruction *instruction, const struct table *table)
{
	(void)instruction;
	for (size_t i = 0; i < table->rows * table->columns; i++)
		table->values[i] = 1 / (1 + exp(-table->values[i]));
}

/* The largest is taken away first, so that nothing overflows; a NaN is in all of its row. */
static void softmax_apply(const struct operation_instruction *instruction, const struct table *table)
{
	(void)instruction;
	double *at = table->values;
	for (size_t row = 0; row < table->rows; row++, at += table->columns) {
		double largest = -INFINITY, sum = 0;
		for (size_t i = 0; i < table->columns; i++)
			largest = fmax(largest, at[i]);
		for (size_t i = 0; i < table->columns; i++)
			sum += at[i] = exp(at[i] - largest);
		for (size_t i = 0; i < table->columns; i++)
			at[i] /= sum;
	}
}

/* ---- calibrate ---- */

struct calibration {
	size_t count;
	double *x, *y;
};

static bool take_points(struct json_scan *scan, double **items, size_t *count)
{
	struct text span;
	struct decimal decimal;
	size_t room = 0;
	*count = 0;
	if (json_peek(scan) != JSON_ARRAY || !json_span(scan, &span))
		return error_set(scan->error, ERROR_CONFIG, PLACE_NONE, "%s: `x` and `y` are lists of numbers", scan->what);
	struct json_scan again = json_again(scan, span);
	for (json_enter(&again); json_item(&again) && json_peek(&again) == JSON_NUMBER && json_number(&again, &decimal);)
		room++;
	*items = ARENA_ARRAY(scan->arena, double, room + 1);
	again = json_again(scan, span);
	for (json_enter(&again); *items && json_item(&again) && json_peek(&again) == JSON_NUMBER && json_number(&again, &decimal);)
		(*items)[(*count)++] = decimal_to_double(&decimal);
	return *items && !again.failed;
}

static bool calibration_read(struct text content, const char *file, struct calibration *made, struct arena *arena,
			     struct error *error)
{
	struct json_scan scan;
	struct text key;
	size_t y_count = 0;
	json_begin(&scan, content, file, arena, error);
	if (json_peek(&scan) != JSON_OBJECT || !json_enter(&scan))
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "%s is not a calibration, which is an object with `x` and `y`",
				 file);
	while (!error->kind && json_key(&scan, &key)) {
		if (text_is(key, "x"))
			take_points(&scan, &made->x, &made->count);
		else if (text_is(key, "y"))
			take_points(&scan, &made->y, &y_count);
		else
			json_skip(&scan);
	}
	const struct number_list rising = {made->count, made->x};
	if (!error->kind && json_end(&scan) && (made->count == 0 || made->count != y_count || !numbers_rise(&rising)))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "%s is not a calibration: `x` and `y` must be lists of the same length, at least 1, and `x` "
				 "must rise",
				 file);
	return error->kind == ERROR_NONE;
}

static bool calibrate_make(const struct step *step, struct operation_instruction *instruction, struct arena *arena,
			   struct error *error)
{
	const struct operation_calibrate *self = instruction->options;
	struct calibration *made = ARENA_NEW(arena, struct calibration);
	struct text content;
	struct error wrong = {0};
	if (!made)
		return error_memory(error, ERROR_SYSTEM, "opening a step");
	instruction->made = made;
	if (!step->files)
		return true; /* types alone are asked for */
	if (!step_file(step, &self->table, NULL, &content, error))
		return false;
	if (!calibration_read(content, self->table.text, made, arena, &wrong))
		return error_set(error, ERROR_CONFIG, self->table.place, "%s", wrong.text);
	return true;
}

static double calibrated(const struct calibration *of, double value)
{
	size_t low = 0, high = of->count - 1;
	if (__builtin_isnan(value))
		return value;
	if (value <= of->x[0])
		return of->y[0];
	if (value >= of->x[high])
		return of->y[high];
	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;
		*(of->x[middle] <= value ? &low : &high) = middle;
	}
	return of->y[low] + (of->y[high] - of->y[low]) * ((value - of->x[low]) / (of->x[high] - of->x[low]));
}

static void calibrate_apply(const struct operation_instruction *instruction, const struct table *table)
{
	for (size_t i = 0; i < table->rows * table->columns; i++)
		table->values[i] = calibrated(instruction->made, table->values[i]);
}

/* ---- labels ---- */

static struct texts *labels_make(const struct name_list *labels, struct arena *arena)
{
	struct texts *made = ARENA_NEW(arena, struct texts);
	struct text *items = ARENA_ARRAY(arena, struct text, labels->count + 1);
	for (size_t i = 0; items && i < labels->count; i++)
		items[i] = text_of(labels->items[i].text);
	if (made)
		*made = (struct texts){labels->count, items};
	return items ? made : NULL;
}

static bool labels_open(const struct step *step, struct operation_instruction *instruction, struct arena *arena,
			struct error *error)
{
	(void)step;
	instruction->made = labels_make(&((const struct operation_labels *)instruction->options)->labels, arena);
	return instruction->made || error_memory(error, ERROR_SYSTEM, "opening a step");
}

static enum turned labels_form(const struct operation_instruction *instruction)
{
	return ((const struct operation_labels *)instruction->options)->labels.count ? TURNED_TEXTS : TURNED_INTEGERS;
}

static void label_put(const struct operation_instruction *instruction, void *elements, size_t at, int64_t label)
{
	const struct texts *labels = instruction->made;
	if (labels->count)
		((struct text *)elements)[at] = labels->items[label];
	else
		((int64_t *)elements)[at] = label;
}

static bool refuse_nan(const struct operation_instruction *instruction, const struct cells *cells, size_t at, struct error *error)
{
	return error_set(error, ERROR_INPUT, instruction->place,
			 "`%s` has no label for element %zu of `" TEXT_FORMAT "`, which is NaN; impute it, or filter such messages",
			 instruction->kind->name, at, TEXT_ARGUMENTS(cells->tensor->name));
}

/* ---- threshold ---- */

static bool threshold_check(const void *options, struct place place, struct error *error)
{
	const struct operation_labels *self = options;
	if (!self->cuts.count || !numbers_rise(&self->cuts))
		return error_set(error, ERROR_CONFIG, place, "`threshold` needs `cuts`, at least one, each above the one before");
	if (self->labels.count && self->labels.count != self->cuts.count + 1)
		return error_set(error, ERROR_CONFIG, place, "%zu cuts make %zu labels, and `labels` has %zu", self->cuts.count,
				 self->cuts.count + 1, self->labels.count);
	return true;
}

static bool threshold_turn(const struct operation_run *run, const struct cells *cells, void *elements)
{
	const struct operation_labels *self = run->instruction->options;
	for (size_t i = 0; i < cells->numbers.rows * cells->numbers.columns; i++) {
		const double value = cells->numbers.values[i];
		int64_t label = 0;
		if (__builtin_isnan(value))
			return refuse_nan(run->instruction, cells, i, run->error);
		while ((size_t)label < self->cuts.count && self->cuts.items[label] <= value)
			label++;
		label_put(run->instruction, elements, i, label);
	}
	return true;
}

/* ---- argmax ---- */

static size_t argmax_constants(const struct operation_instruction *instruction)
{
	return ((const struct operation_labels *)instruction->options)->labels.count;
}

static size_t argmax_width(const struct operation_instruction *instruction, size_t columns)
{
	(void)instruction;
	return columns > 0;
}

/* The first of those that are equal. */
static bool argmax_turn(const struct operation_run *run, const struct cells *cells, void *elements)
{
	const size_t columns = cells->numbers.columns;
	const double *at = cells->numbers.values;
	for (size_t row = 0; row < cells->numbers.rows; row++, at += columns) {
		size_t largest = 0;
		for (size_t i = 0; i < columns; i++) {
			if (__builtin_isnan(at[i]))
				return refuse_nan(run->instruction, cells, row * columns + i, run->error);
			largest = at[i] > at[largest] ? i : largest;
		}
		label_put(run->instruction, elements, row, (int64_t)largest);
	}
	return true;
}

/* ---- headers ---- */

static bool is_token(const char *name)
{
	const char *at = name;
	while ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') || *at == '-' || *at == '_' ||
	       *at == '.')
		at++;
	return *name && !*at;
}

static bool headers_check(const void *options, struct place place, struct error *error)
{
	static const char *const own[] = {"content-type", "sluice-error", "x-request-id", "inference-header-content-length"};
	const struct operation_entries *self = options;
	const struct set_value *items = self->items.items;
	(void)place;
	for (size_t i = 0; i < self->items.count; i++) {
		const char *name = items[i].name.text;
		if (!is_token(name))
			return error_set(error, ERROR_CONFIG, items[i].name.place,
					 "`%s` cannot be a header; use letters, digits, `-`, `_` and `.`", name);
		for (size_t j = 0; j < sizeof own / sizeof *own; j++)
			if (text_equal_caseless(text_of(name), text_of(own[j])))
				return error_set(error, ERROR_CONFIG, items[i].name.place,
						 "`%s` is written by sluice itself; choose another name", own[j]);
	}
	return true;
}

/* The first element as text: that of a header has one. */
static bool element_text(const struct tensor *value, struct arena *arena, struct text *text)
{
	char number[NUMBER_TEXT_MAX];
	const enum datatype_class class = datatype_rows[value->datatype].class;
	if (class == CLASS_BYTES) {
		*text = *(const struct text *)value->data;
		return true;
	}
	if (class == CLASS_BOOL)
		*text = *(const uint8_t *)value->data ? TEXT("true") : TEXT("false");
	if (class == CLASS_BOOL)
		return true;
	size_t length = value->datatype == DATATYPE_FP32     ? number_write_float(number, *(const float *)value->data)
			: value->datatype == DATATYPE_UINT64 ? number_write_uint64(number, *(const uint64_t *)value->data)
			: value->datatype == DATATYPE_INT64  ? number_write_int64(number, *(const int64_t *)value->data)
			: class == CLASS_FLOAT		     ? number_write_double(number, tensor_number(value, 0))
							     : number_write_int64(number, (int64_t)tensor_number(value, 0));
	*text = text_copied(arena, (struct text){number, length});
	return text->bytes;
}

static bool header_value(const struct operation_instruction *instruction, const struct set_value *item, struct work *work,
			 struct text *text, struct error *error)
{
	const struct tensor *value = expression_evaluate(item->value, &work->scope, work->arena, error);
	if (!value)
		return false;
	if (value->count != 1)
		return error_set_tensor(error, instruction->place, "the header `%s` is one value, and this is %s; choose one",
					item->name.text, tensor_type_text(work->arena, value));
	if (!element_text(value, work->arena, text))
		return error_memory(error, ERROR_LIMIT, "setting a header");
	for (size_t i = 0; i < text->length; i++)
		if ((unsigned char)text->bytes[i] < ' ' || text->bytes[i] == 0x7f)
			return error_set(error, ERROR_INPUT, instruction->place,
					 "the header `%s` would have a control character, at byte %zu", item->name.text, i);
	return true;
}

/* A header travels as a mark (message/message.h), until the answer leaves. */
static bool headers_run(const struct operation_instruction *instruction, struct work *work, struct error *error)
{
	const struct operation_entries *self = instruction->options;
	const struct set_value *items = self->items.items;
	struct tensors_builder marks;
	tensors_begin(&marks, work->arena, work->payload.marks.count + self->items.count);
	for (size_t i = 0; i < work->payload.marks.count; i++)
		tensors_add(&marks, work->payload.marks.items[i]);
	for (size_t i = 0; i < self->items.count; i++) {
		struct text text;
		void *element;
		if (!header_value(instruction, &items[i], work, &text, error))
			return false;
		const char *name = arena_print(work->arena, MARK_OF_HEADER "%s", items[i].name.text);
		struct tensor *mark = tensor_make(work->arena, text_of(name), DATATYPE_BYTES, NULL, 0, &element, error);
		if (!name || !mark)
			return error_memory(error, ERROR_LIMIT, "setting a header");
		*(struct text *)element = text;
		tensors_put(&marks, mark);
	}
	work->payload.marks = tensors_end(&marks);
	return true;
}

static bool headers_infer(const struct operation_instruction *instruction, struct typing *typing, struct error *error)
{
	const struct operation_entries *self = instruction->options;
	const struct set_value *items = self->items.items;
	const struct expression_types types = {typing, typing_of_present};
	for (size_t i = 0; i < self->items.count; i++) {
		struct value_type type;
		if (!expression_check(items[i].value, &types, typing->arena, &type, error))
			return false;
	}
	return true;
}

const struct operation_kind operations_on_answers[] = {
	{.name = "sigmoid", .on_columns = true, .apply = sigmoid_apply},
	{.name = "softmax", .on_columns = true, .apply = softmax_apply},
	{.name = "calibrate", .on_columns = true, .make = calibrate_make, .apply = calibrate_apply},
	{.name = "threshold",
	 .on_columns = true,
	 .check = threshold_check,
	 .make = labels_open,
	 .form = labels_form,
	 .turn = threshold_turn},
	{.name = "argmax",
	 .on_columns = true,
	 .make = labels_open,
	 .constants = argmax_constants,
	 .reduces = true,
	 .width = argmax_width,
	 .form = labels_form,
	 .turn = argmax_turn},
	{.name = "headers", .check = headers_check, .run = headers_run, .infer = headers_infer},
	{0},
};
