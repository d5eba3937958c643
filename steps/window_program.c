/* window_program.c: Contents and results of a window; see window_program.h. */
#include "steps/window_program.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "numeric/quantile.h"
#include "numeric/summary.h"
#include "steps/window_functions.h"

#define WINDOW_VERSION 3

/* ---- the program ---- */

/* What comes from message to message, once for all calls that are given the same. */
struct series {
	const struct trailing_call *call; /* the first of them */
	unsigned tracks;
	size_t element_bytes;
	bool keeps;
};

struct setting_call {
	const struct trailing_call *call;
	const struct window_function *function;
	size_t series; /* SIZE_MAX: count(), of no series */
	double q;
};

struct window_program_setting {
	struct text name;
	const struct expression *value;
	size_t count;
	struct setting_call *calls;
};

struct window_program {
	uint32_t meaning; /* of what its windows hold */
	size_t count;
	struct window_program_setting *settings;
	size_t series_count;
	struct series *series;
};

/* Bools are distinguished when they are counted. */
static bool alike(const struct trailing_call *one, const struct trailing_call *other)
{
	return (one->feature.function == FEATURE_COUNT) == (other->feature.function == FEATURE_COUNT) &&
	       trailing_series_alike(one, other);
}

static size_t series_of(struct window_program *program, const struct trailing_call *call, const struct window_function *function)
{
	size_t at = 0;
	if (call->series_count == 0)
		return SIZE_MAX;
	while (at < program->series_count && !alike(program->series[at].call, call))
		at++;
	struct series *series = &program->series[at];
	if (at == program->series_count)
		*series = (struct series){.call = program->series_count++ == at ? call : NULL};
	series->tracks |= function->tracks;
	series->keeps |= function->keeps;
	series->element_bytes = summary_bytes(series->tracks);
	return at;
}

/* The same for settings under which the bytes of a window say the same. */
static uint32_t meaning_of(const struct window_program *program)
{
	uint64_t meaning = WINDOW_VERSION;
	for (size_t i = 0; i < program->series_count; i++) {
		const struct series *series = &program->series[i];
		struct text words = expression_words(series->call->series[0]);
		const uint64_t form[] = {series->tracks, series->keeps, series->element_bytes,
					 series->call->feature.function == FEATURE_COUNT};
		meaning = hash_bytes(form, sizeof form, hash_bytes(words.bytes, words.length, meaning));
	}
	return (uint32_t)meaning;
}

const struct window_program *window_program_make(const struct aggregate_setting *settings, size_t count, struct arena *arena)
{
	struct window_program *program = ARENA_NEW(arena, struct window_program);
	size_t all = 0, its;
	for (size_t i = 0; i < count; i++) {
		(void)expression_trailing(settings[i].value, &its);
		all += its;
	}
	if (!program || !(program->settings = ARENA_ARRAY(arena, struct window_program_setting, count + 1)) ||
	    !(program->series = ARENA_ARRAY(arena, struct series, all + 1)))
		return NULL;
	program->count = count;
	for (size_t i = 0; i < count; i++) {
		struct window_program_setting *setting = &program->settings[i];
		const struct trailing_call *calls = expression_trailing(settings[i].value, &setting->count);
		setting->name = text_of(settings[i].name.text);
		setting->value = settings[i].value;
		setting->calls = ARENA_ARRAY(arena, struct setting_call, setting->count + 1);
		for (size_t j = 0; setting->calls && j < setting->count; j++) {
			const struct window_function *function = window_function_find(calls[j].name);
			bool quantile = calls[j].feature.function == FEATURE_QUANTILE;
			setting->calls[j] = (struct setting_call){&calls[j], function, series_of(program, &calls[j], function),
								  quantile ? calls[j].feature.number : 0.5};
		}
	}
	if (arena_failed(arena))
		return NULL;
	program->meaning = meaning_of(program);
	return program;
}

/* ---- what a message gives ---- */

struct window_input {
	struct arena *arena;
	int64_t time_ms;
	size_t row;		   /* numbers of it that are kept */
	struct window_texts texts; /* of the window that it is taken into next */
	struct trailing_input series[];
};

/* Whether first and last texts of what the message gives are kept. */
static bool keeps_texts(const struct series *series, const struct trailing_input *input)
{
	return input->texts && (series->tracks & SUMMARY_ENDS);
}

/* Calls over one series do not all take the same, and it was worked out for the first of them. */
static bool calls_take(const struct window_program *program, const struct window_input *input, const struct scope *scope,
		       struct error *error)
{
	for (size_t i = 0; i < program->count; i++)
		for (size_t j = 0; j < program->settings[i].count; j++) {
			const struct setting_call *call = &program->settings[i].calls[j];
			if (call->series != SIZE_MAX &&
			    !trailing_takes(call->call, &input->series[call->series], scope, input->arena, error))
				return false;
		}
	return true;
}

/* Bools that are counted: what is false is left out as nan is. */
static bool leave_out_false(const struct trailing_call *call, struct trailing_input *its, struct arena *arena, struct error *error)
{
	if (call->feature.function != FEATURE_COUNT || its->storage != DATATYPE_BOOL)
		return true;
	double *numbers = arena_take_raw(arena, its->count * sizeof *numbers);
	for (size_t i = 0; numbers && i < its->count; i++)
		numbers[i] = its->numbers[0][i] != 0 ? 1 : (double)NAN;
	its->numbers[0] = numbers;
	return numbers || error_memory(error, ERROR_LIMIT, "counting");
}

struct window_input *window_input_make(const struct window_program *program, const struct scope *scope, struct arena *arena,
				       struct error *error)
{
	struct window_input *input = arena_take(arena, 1, sizeof *input + program->series_count * sizeof *input->series);
	if (!input) {
		error_memory(error, ERROR_LIMIT, "taking a message into its windows");
		return NULL;
	}
	input->arena = arena;
	input->time_ms = scope->message->time_ms;
	for (size_t i = 0; i < program->series_count; i++) {
		const struct trailing_call *call = program->series[i].call;
		if (!trailing_evaluate(call, scope, arena, &input->series[i], error) ||
		    !leave_out_false(call, &input->series[i], arena, error))
			return NULL;
	}
	if (!calls_take(program, input, scope, error))
		return NULL;
	for (size_t i = 0; i < program->series_count; i++) {
		const struct series *series = &program->series[i];
		const struct trailing_input *its = &input->series[i];
		if (keeps_texts(series, its) && !trailing_texts_fit(series->call, its, error))
			return NULL;
		input->row += series->keeps ? its->count : 0;
	}
	return input;
}

/* ---- what a window holds ---- */

struct window_head {
	uint32_t meaning; /* meaning_of() the program that made it */
	uint32_t rows; /* of numbers that are kept */
	uint64_t messages;
};

struct series_head {
	uint32_t count; /* elements */
	uint8_t rank;
	uint8_t width;
	uint8_t whole;
	uint8_t texts; /* its first and last ones stand behind all else (window_texts.h) */
};

/* A window's bytes on the way through its series. */
struct cursor {
	char *at;
	struct series_head *head;
	int64_t *shape;
	char *summaries;
};

static struct cursor cursor_begin(const void *bytes)
{
	union {
		const void *in;
		char *out;
	} window = {.in = bytes}; /* readers pass constant windows and do not write */
	return (struct cursor){.at = window.out + sizeof(struct window_head)};
}

static void cursor_next(struct cursor *cursor, const struct series *series)
{
	cursor->head = (struct series_head *)(void *)cursor->at;
	cursor->shape = (int64_t *)(void *)(cursor->head + 1);
	cursor->summaries = (char *)(cursor->shape + cursor->head->rank);
	cursor->at = cursor->summaries + cursor->head->count * series->element_bytes;
}

static struct window_head head_of(const void *bytes)
{
	struct window_head head;
	memcpy(&head, bytes, sizeof head);
	return head;
}

bool window_is_of(const struct window_program *program, const void *bytes)
{
	return head_of(bytes).meaning == program->meaning;
}

uint64_t window_messages(const void *bytes)
{
	return head_of(bytes).messages;
}

static bool refuse_kind(const struct trailing_call *call, bool texts, struct error *error)
{
	return error_set_tensor(error, call->place,
				"%s() is given %s, and %s by the messages before it in the window; send the same", call->name,
				texts ? "texts" : "numbers", texts ? "numbers" : "texts");
}

static bool refuse_shape(const struct trailing_call *call, struct error *error)
{
	return error_set_tensor(error, call->place,
				"%s() is given another shape than in earlier messages of the window; send one shape, or reshape it",
				call->name);
}

/* Whether the sketches of a new window are no longer than allowed. */
static bool sketches_fit(const struct window_program *program, const struct window_input *input, struct error *error)
{
	const struct series *longest = program->series;
	size_t bytes = 0;
	for (const struct series *series = longest; series < program->series + program->series_count; series++) {
		if (series->tracks & (SUMMARY_QUANTILES | SUMMARY_DISTINCT))
			bytes += input->series[series - program->series].count * series->element_bytes;
		longest = series->element_bytes > longest->element_bytes ? series : longest;
	}
	return bytes <= WINDOW_SKETCHES_MAX ||
	       error_set(error, ERROR_LIMIT, longest->call->place,
			 "%s() keeps %zu bytes for each element, and sketches of a window have at most %zu; give it fewer elements",
			 longest->call->name, longest->element_bytes, WINDOW_SKETCHES_MAX);
}

static size_t size_new(const struct window_program *program, const struct window_input *input, struct error *error)
{
	size_t size = sketches_fit(program, input, error) ? sizeof(struct window_head) : 0;
	for (size_t i = 0; size && i < program->series_count; i++) {
		const struct trailing_input *its = &input->series[i];
		size_t elements;
		if (its->count > UINT32_MAX || __builtin_mul_overflow(its->count, program->series[i].element_bytes, &elements) ||
		    __builtin_add_overflow(size, elements + sizeof(struct series_head) + its->rank * sizeof(int64_t), &size)) {
			error_memory(error, ERROR_LIMIT, "taking a message into its windows");
			return 0;
		}
	}
	return size ? size + input->row * sizeof(double) + input->texts.length : 0;
}

static bool too_many(const struct window_program *program, struct error *error)
{
	size_t at = 0;
	while (!program->series[at].keeps)
		at++;
	const struct trailing_call *call = program->series[at].call;
	return error_set(error, ERROR_LIMIT, call->place,
			 "%s() keeps at most %d numbers of its window, and there are more; make the window shorter, or write %s()",
			 call->name, WINDOW_NUMBERS_MAX,
			 call->feature.function == FEATURE_DISTINCT ? "approx_distinct" : "approx_quantile");
}

/* Numbers that are kept of each message in the window. */
static size_t row_of(const struct window_program *program, const void *bytes)
{
	struct cursor cursor = cursor_begin(bytes);
	size_t row = 0;
	for (size_t i = 0; i < program->series_count; i++) {
		cursor_next(&cursor, &program->series[i]);
		row += program->series[i].keeps ? cursor.head->count : 0;
	}
	return row;
}

/* Where the texts of a window of that row begin; `cursor` is past its series. */
static const char *texts_of(const struct cursor *cursor, const void *bytes, size_t row)
{
	return cursor->at + head_of(bytes).rows * row * sizeof(double);
}

/* Writes the texts of the window with the message in it; `before` NULL: it is new. */
static bool texts_make(const struct window_program *program, const char *before, struct window_input *input, struct error *error)
{
	input->texts.length = 0;
	for (size_t i = 0; i < program->series_count; i++) {
		const struct series *series = &program->series[i];
		const struct trailing_input *its = &input->series[i];
		if (keeps_texts(series, its) &&
		    !window_texts_add(&input->texts, &before, its->texts, its->count, input->time_ms, input->arena))
			return error_memory(error, ERROR_LIMIT, "taking a message into its windows");
	}
	return true;
}

size_t window_size(const struct window_program *program, struct text before, struct window_input *input, struct error *error)
{
	if (input->row > WINDOW_NUMBERS_MAX)
		return too_many(program, error);
	if (!before.bytes)
		return texts_make(program, NULL, input, error) ? size_new(program, input, error) : 0;
	struct cursor cursor = cursor_begin(before.bytes);
	for (size_t i = 0; i < program->series_count; i++) {
		const struct trailing_input *its = &input->series[i];
		cursor_next(&cursor, &program->series[i]);
		if (keeps_texts(&program->series[i], its) != cursor.head->texts)
			return refuse_kind(program->series[i].call, !cursor.head->texts, error);
		if (its->rank != cursor.head->rank || its->count != cursor.head->count ||
		    (its->rank && memcmp(its->shape, cursor.shape, its->rank * sizeof *its->shape) != 0))
			return refuse_shape(program->series[i].call, error);
	}
	if ((head_of(before.bytes).rows + 1) * input->row > WINDOW_NUMBERS_MAX)
		return too_many(program, error);
	const char *texts = texts_of(&cursor, before.bytes, input->row);
	return texts_make(program, texts, input, error)
		       ? (size_t)(texts - before.bytes) + input->row * sizeof(double) + input->texts.length
		       : 0;
}

void window_take(const struct window_program *program, void *bytes, const struct window_input *input)
{
	struct window_head head = head_of(bytes);
	struct cursor cursor = cursor_begin(bytes);
	for (size_t i = 0; i < program->series_count; i++) {
		const struct series *series = &program->series[i];
		const struct trailing_input *its = &input->series[i];
		struct series_head *new = (struct series_head *)(void *)cursor.at;
		if (head.messages == 0) {
			*new = (struct series_head){.count = (uint32_t)its->count,
						    .rank = (uint8_t)its->rank,
						    .whole = 1,
						    .texts = keeps_texts(series, its)};
			if (its->rank)
				memcpy(new + 1, its->shape, its->rank * sizeof *its->shape);
		}
		new->whole = new->whole && its->whole;
		new->width |= its->width;
		cursor_next(&cursor, series);
		for (size_t element = 0; element < its->count; element++)
			summary_add(series->tracks, cursor.summaries + element * series->element_bytes,
				    input->time_ms, its->numbers[0][element]);
	}
	char *row = cursor.at + head.rows * input->row * sizeof(double);
	for (size_t i = 0; i < program->series_count; i++) {
		const struct trailing_input *its = &input->series[i];
		if (!program->series[i].keeps || its->count == 0)
			continue;
		memcpy(row, its->numbers[0], its->count * sizeof(double));
		row += its->count * sizeof(double);
	}
	if (input->texts.length)
		memcpy(row, input->texts.bytes, input->texts.length);
	head.meaning = program->meaning;
	head.rows += input->row > 0;
	head.messages++;
	memcpy(bytes, &head, sizeof head);
}

/* ---- two windows that become one ---- */

/* Writes the texts of both, which `input` keeps until they are one. */
static bool texts_join(const struct window_program *program, struct text into, struct text from, struct window_input *input,
		       struct error *error)
{
	size_t row = row_of(program, into.bytes);
	struct cursor its = cursor_begin(into.bytes), other = cursor_begin(from.bytes);
	for (size_t i = 0; i < program->series_count; i++) {
		cursor_next(&its, &program->series[i]);
		cursor_next(&other, &program->series[i]);
	}
	const char *one = texts_of(&its, into.bytes, row), *two = texts_of(&other, from.bytes, row);
	its = cursor_begin(into.bytes);
	input->texts.length = 0;
	for (size_t i = 0; i < program->series_count; i++) {
		cursor_next(&its, &program->series[i]);
		if (its.head->texts && !window_texts_join(&input->texts, &one, &two, its.head->count, input->arena))
			return error_memory(error, ERROR_LIMIT, "making two windows one");
	}
	return true;
}

size_t window_size_merged(const struct window_program *program, struct text into, struct text from, struct window_input *input,
			  struct error *error)
{
	struct cursor its = cursor_begin(into.bytes), other = cursor_begin(from.bytes);
	for (size_t i = 0; i < program->series_count; i++) {
		cursor_next(&its, &program->series[i]);
		cursor_next(&other, &program->series[i]);
		if (its.head->rank != other.head->rank || its.head->count != other.head->count ||
		    memcmp(its.shape, other.shape, its.head->rank * sizeof *its.shape) != 0)
			return refuse_shape(program->series[i].call, error);
		if (its.head->texts != other.head->texts)
			return refuse_kind(program->series[i].call, other.head->texts, error);
	}
	size_t rows = (size_t)head_of(into.bytes).rows + head_of(from.bytes).rows, row = row_of(program, into.bytes);
	if (rows * row > WINDOW_NUMBERS_MAX)
		return too_many(program, error);
	if (!texts_join(program, into, from, input, error))
		return 0;
	return (size_t)(texts_of(&its, into.bytes, row) - into.bytes) + head_of(from.bytes).rows * row * sizeof(double) +
	       input->texts.length;
}

void window_merge(const struct window_program *program, void *into, const void *from, const struct window_input *input)
{
	struct cursor its = cursor_begin(into), other = cursor_begin(from);
	struct window_head head = head_of(into), more = head_of(from);
	size_t row = row_of(program, into) * sizeof(double);
	for (size_t i = 0; i < program->series_count; i++) {
		const struct series *series = &program->series[i];
		cursor_next(&its, series);
		cursor_next(&other, series);
		its.head->whole = its.head->whole && other.head->whole;
		its.head->width |= other.head->width;
		for (size_t at = 0; at < its.head->count * series->element_bytes; at += series->element_bytes)
			summary_merge(series->tracks, its.summaries + at, other.summaries + at);
	}
	memcpy(its.at + head.rows * row, other.at, more.rows * row);
	if (input->texts.length)
		memcpy(its.at + (head.rows + more.rows) * row, input->texts.bytes, input->texts.length);
	head.rows += more.rows;
	head.messages += more.messages;
	memcpy(into, &head, sizeof head);
}

/* ---- what a window comes to ---- */

/* A window at its end. */
struct ending {
	const struct window_program *program;
	const void *bytes;
	struct arena *arena;
	size_t row;
};

/* The numbers of one element that were kept, in order. NULL: memory ran out. */
static double *sorted_of(const struct ending *ending, const char *rows, size_t column, size_t *count)
{
	size_t messages = head_of(ending->bytes).rows;
	double *numbers = ARENA_ARRAY(ending->arena, double, messages + 1);
	for (size_t i = 0; numbers && i < messages; i++)
		memcpy(&numbers[i], rows + (i * ending->row + column) * sizeof *numbers, sizeof *numbers);
	*count = numbers ? quantile_sort(numbers, messages) : 0;
	return numbers;
}

static bool number_write(const struct setting_call *call, const struct window_element *element, bool whole, void *elements,
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

static bool answer_messages(const struct ending *ending, struct trailing_result *result)
{
	int64_t *messages = ARENA_NEW(ending->arena, int64_t);
	*result = (struct trailing_result){.elements = messages, .count = 1, .storage = DATATYPE_INT64};
	if (messages)
		*messages = (int64_t)window_messages(ending->bytes);
	return messages != NULL;
}

/* A series at the window's end. */
struct series_end {
	struct cursor cursor;
	size_t column;	   /* of its first element, in the rows of numbers that are kept */
	const char *rows;  /* of those */
	const char *texts; /* its own */
};

static bool series_find(const struct ending *ending, size_t series, struct series_end *end)
{
	const struct window_program *program = ending->program;
	struct cursor cursor = cursor_begin(ending->bytes), before = cursor;
	*end = (struct series_end){0};
	for (size_t i = 0; i < program->series_count; i++) {
		cursor_next(&cursor, &program->series[i]);
		if (i < series && program->series[i].keeps)
			end->column += cursor.head->count;
		if (i == series)
			end->cursor = cursor;
	}
	assert(end->cursor.head); /* a call's series is one of its program */
	end->rows = cursor.at;
	end->texts = texts_of(&cursor, ending->bytes, ending->row);
	for (size_t i = 0; i < series; i++) {
		cursor_next(&before, &program->series[i]);
		if (before.head->texts && !window_texts_read(&end->texts, before.head->count, false, NULL, ending->arena))
			return false;
	}
	return true;
}

static bool numbers_write(const struct ending *ending, const struct setting_call *call, const struct series_end *end,
			  const struct trailing_result *result, void *elements, struct error *error)
{
	const struct series *series = &ending->program->series[call->series];
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

static enum datatype storage_of(const struct setting_call *call, const struct series_head *head)
{
	if (call->function->type == ANSWER_FLOAT)
		return DATATYPE_FP64;
	if (call->function->type == ANSWER_WHOLE)
		return DATATYPE_INT64;
	if (call->function->type == ANSWER_GIVEN && head->texts)
		return DATATYPE_BYTES;
	return head->whole ? DATATYPE_INT64 : DATATYPE_FP64;
}

static bool answer(const struct ending *ending, const struct setting_call *call, struct trailing_result *result,
		   struct error *error)
{
	struct series_end end;
	if (call->series == SIZE_MAX)
		return answer_messages(ending, result);
	if (!series_find(ending, call->series, &end))
		return false;
	const struct series_head *head = end.cursor.head;
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

static const struct tensor *setting_answer(const struct ending *ending, const struct window_program_setting *setting,
					   struct scope *scope, struct error *error)
{
	struct trailing_result *results = ARENA_ARRAY(ending->arena, struct trailing_result, setting->count + 1);
	for (size_t i = 0; results && i < setting->count; i++)
		if (!answer(ending, &setting->calls[i], &results[i], error))
			return NULL;
	scope->trailing = results;
	return results ? expression_evaluate_as(setting->value, setting->name, scope, ending->arena, error) : NULL;
}

static void put(struct tensors_builder *builder, const struct tensor *tensor)
{
	if (tensor)
		tensors_put(builder, tensor);
}

const struct payload *window_answer(const struct window_program *program, const void *bytes, const struct scope *scope,
				    struct arena *arena, struct error *error)
{
	/* What a window of other settings held cannot be computed. */
	bool own = window_is_of(program, bytes);
	struct ending ending = {program, bytes, arena, own ? row_of(program, bytes) : 0};
	struct tensors_builder builder;
	struct payload *payload = ARENA_NEW(arena, struct payload);
	struct scope inside = *scope;
	bool excused = false;
	tensors_begin(&builder, arena, program->count + 1);
	inside.payload = payload;
	if (payload && !own) {
		put(&builder,
		    excuse("the settings of the step have changed since the window began; the next one is complete", arena));
		payload->tensors = tensors_end(&builder);
	}
	for (size_t i = 0; own && payload && i < program->count && !arena_failed(arena); i++) {
		struct error fault = {0};
		const struct tensor *tensor = setting_answer(&ending, &program->settings[i], &inside, &fault);
		if (!tensor && !excused && fault.kind == ERROR_INPUT) {
			tensor = excuse(arena_print(arena, TEXT_FORMAT ": %s", TEXT_ARGUMENTS(program->settings[i].name),
						    fault.text),
					arena);
			excused = true; /* the first says why */
		}
		put(&builder, tensor);
		payload->tensors = tensors_end(&builder);
	}
	if (payload && !arena_failed(arena))
		return payload;
	error_memory(error, ERROR_LIMIT, "closing a window");
	return NULL;
}
