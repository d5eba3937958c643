/* window_answer.c: see window_answer.h. */
#include "steps/windows/window_answer.h"

#include "methods/numeric/quantile.h"
#include "steps/windows/window_contents.h"
#include "steps/windows/window_functions.h"

/* A window at its end. */
struct window_ending {
	const struct window_program *program;
	const void *bytes;
	struct arena *arena;
	size_t row;
};

/* The numbers of one element that were kept, in order. NULL: memory ran out. */
static double *sorted_of(const struct window_ending *ending, const char *rows, size_t column, size_t *count)
{
	size_t messages = window_head_of(ending->bytes).rows;
	double *numbers = ARENA_ARRAY(ending->arena, double, messages + 1);
	for (size_t i = 0; numbers && i < messages; i++)
		memcpy(&numbers[i], rows + (i * ending->row + column) * sizeof *numbers, sizeof *numbers);
	*count = numbers ? quantile_sort(numbers, messages) : 0;
	return numbers;
}

static bool number_write(const struct window_call *call, const struct window_element *element, bool whole, void *elements,
			 size_t at, struct error *error)
{
	int64_t *integers = elements;
	double *numbers = elements;
	if (!whole)
		numbers[at] = call->function->answer(element);
	else if (call->function->type != ANSWER_SUM)
		integers[at] = (int64_t)call->function->answer(element);
	else if (!summary_sum_whole(element->tracks, element->summary, &integers[at]))
		return error_set(error, ERROR_INPUT, call->call->place,
				 "the sum of these integers does not fit INT64; cast them to FP64");
	return true;
}

static bool answer_messages(const struct window_ending *ending, struct trailing_result *result)
{
	int64_t *messages = ARENA_NEW(ending->arena, int64_t);
	*result = (struct trailing_result){.elements = messages, .count = 1, .storage = DATATYPE_INT64};
	if (messages)
		*messages = (int64_t)window_messages(ending->bytes);
	return messages != NULL;
}

/* A series at the window's end. */
struct window_series_end {
	struct window_cursor cursor;
	size_t column;	   /* of its first element, in the rows of numbers that are kept */
	const char *rows;  /* of those */
	const char *texts; /* its own */
};

static bool series_find(const struct window_ending *ending, size_t series, struct window_series_end *end)
{
	const struct window_program *program = ending->program;
	struct window_cursor cursor = window_cursor_begin(ending->bytes), before = cursor;
	*end = (struct window_series_end){0};
	for (size_t i = 0; i < program->series_count; i++) {
		window_cursor_next(&cursor, &program->series[i]);
		if (i < series && program->series[i].keeps)
			end->column += cursor.head->count;
		if (i == series)
			end->cursor = cursor;
	}
	assert(end->cursor.head); /* a call's series is one of its program */
	end->rows = cursor.at;
	end->texts = window_texts_of(&cursor, ending->bytes, ending->row);
	for (size_t i = 0; i < series; i++) {
		window_cursor_next(&before, &program->series[i]);
		if (before.head->texts && !window_texts_read(&end->texts, before.head->count, false, NULL, ending->arena))
			return false;
	}
	return true;
}

static bool numbers_write(const struct window_ending *ending, const struct window_call *call, const struct window_series_end *end,
			  const struct trailing_result *result, void *elements, struct error *error)
{
	const struct window_series *series = &ending->program->series[call->series];
	bool written = true;
	for (size_t i = 0; written && i < result->count; i++) {
		struct window_element element = {
			.tracks = series->tracks, .summary = end->cursor.summaries + i * series->element_bytes, .q = call->q};
		if (call->function->keeps)
			written = (element.sorted = sorted_of(ending, end->rows, end->column + i, &element.count)) != NULL;
		written = written && number_write(call, &element, result->storage == DATATYPE_INT64, elements, i, error);
	}
	return written;
}

static enum datatype storage_of(const struct window_call *call, const struct window_series_head *head)
{
	if (call->function->type == ANSWER_FLOAT)
		return DATATYPE_FP64;
	if (call->function->type == ANSWER_WHOLE)
		return DATATYPE_INT64;
	if (call->function->type == ANSWER_GIVEN && head->texts)
		return DATATYPE_BYTES;
	return head->whole ? DATATYPE_INT64 : DATATYPE_FP64;
}

static bool window_answer_make(const struct window_ending *ending, const struct window_call *call, struct trailing_result *result,
			       struct error *error)
{
	struct window_series_end end;
	if (call->series == SIZE_MAX)
		return answer_messages(ending, result);
	if (!series_find(ending, call->series, &end))
		return false;
	const struct window_series_head *head = end.cursor.head;
	enum datatype storage = storage_of(call, head);
	size_t shape_bytes = head->rank * sizeof *end.cursor.shape;
	void *elements = arena_take_raw(ending->arena, head->count * datatype_stride(storage) + 1);
	int64_t *shape = arena_take_raw(ending->arena, shape_bytes + 1); /* what is remembered does not stay so long */
	if (!elements || !shape)
		return false;
	memcpy(shape, end.cursor.shape, shape_bytes);
	*result = (struct trailing_result){
		.elements = elements, .shape = shape, .rank = head->rank, .count = head->count, .storage = storage};
	result->width = storage == DATATYPE_FP64 ? head->width : 0;
	if (storage == DATATYPE_BYTES)
		return window_texts_read(&end.texts, head->count, call->call->feature.function == FEATURE_LAST, elements,
					 ending->arena);
	return numbers_write(ending, call, &end, result, elements, error);
}

static const struct tensor *excuse(const char *reason, struct arena *arena)
{
	struct tensor *tensor = ARENA_NEW(arena, struct tensor);
	struct text *words = ARENA_NEW(arena, struct text);
	if (!tensor || !words || !reason)
		return NULL;
	*words = text_of(reason);
	*tensor = (struct tensor){.name = TEXT(WINDOW_ERROR), .datatype = DATATYPE_BYTES, .count = 1, .data = words};
	return tensor;
}

static const struct tensor *setting_answer(const struct window_ending *ending, const struct window_program_setting *setting,
					   struct scope *scope, struct error *error)
{
	struct trailing_result *results = ARENA_ARRAY(ending->arena, struct trailing_result, setting->count + 1);
	for (size_t i = 0; results && i < setting->count; i++)
		if (!window_answer_make(ending, &setting->calls[i], &results[i], error))
			return NULL;
	scope->trailing = results;
	return results ? expression_evaluate_as(setting->value, setting->name, scope, ending->arena, error) : NULL;
}

static void window_answer_put(struct tensors_builder *builder, const struct tensor *tensor)
{
	if (tensor)
		tensors_put(builder, tensor);
}

const struct payload *window_answer(const struct window_program *program, const void *bytes, const struct scope *scope,
				    struct arena *arena, struct error *error)
{
	/* What a window of other settings held cannot be computed. */
	bool own = window_is_of(program, bytes);
	struct window_ending ending = {program, bytes, arena, own ? window_row(program, bytes) : 0};
	struct tensors_builder builder;
	struct payload *payload = ARENA_NEW(arena, struct payload);
	struct scope inside = *scope;
	bool excused = false;
	tensors_begin(&builder, arena, program->count + 1);
	inside.payload = payload;
	if (payload && !own) {
		window_answer_put(
			&builder,
			excuse("the settings of the step have changed since the window began; the next one is complete", arena));
		payload->tensors = tensors_end(&builder);
	}
	for (size_t i = 0; own && payload && i < program->count && !arena_failed(arena); i++) {
		struct error fault = {0};
		const struct tensor *tensor = setting_answer(&ending, &program->settings[i], &inside, &fault);
		if (!tensor && !excused && fault.kind == ERROR_INPUT) {
			tensor = excuse(
				arena_print(arena, TEXT_FORMAT ": %s", TEXT_ARGUMENTS(program->settings[i].name), fault.text),
				arena);
			excused = true; /* the first says why */
		}
		window_answer_put(&builder, tensor);
		payload->tensors = tensors_end(&builder);
	}
	if (payload && !arena_failed(arena))
		return payload;
	error_memory(error, ERROR_LIMIT, "closing a window");
	return NULL;
}
