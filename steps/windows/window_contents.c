/* window_contents.c: see window_contents.h. */
#include "steps/windows/window_contents.h"

#include <assert.h>

#include "methods/numeric/summary.h"
#include "message/rows.h"

#define ROOM_AT_FIRST 256 /* bytes */

/* ---- texts ---- */

/* Its numbers as they stand in the bytes, with both texts behind them. */
struct ends_head {
	int64_t first_time, last_time;
	uint32_t first_length, last_length;
};

struct text_ends {
	int64_t first_time, last_time;
	struct text first, last;
};

static struct text_ends ends_read(const char **bytes)
{
	struct ends_head head;
	memcpy(&head, *bytes, sizeof head);
	const char *first = *bytes + sizeof head;
	*bytes = first + head.first_length + head.last_length;
	return (struct text_ends){
		head.first_time, head.last_time, {first, head.first_length}, {first + head.first_length, head.last_length}};
}

static bool texts_make_room(struct window_texts *made, size_t bytes, struct arena *arena)
{
	if (made->room - made->length >= bytes)
		return true;
	size_t room = made->room ? made->room * 2 : ROOM_AT_FIRST;
	room = room - made->length < bytes ? made->length + bytes : room;
	char *more = arena_take_raw(arena, room);
	if (!more)
		return false;
	if (made->length)
		memcpy(more, made->bytes, made->length);
	made->bytes = more;
	made->room = room;
	return true;
}

static void texts_put(struct window_texts *made, const void *bytes, size_t length)
{
	if (length)
		memcpy(made->bytes + made->length, bytes, length);
	made->length += length;
}

static bool ends_write(struct window_texts *made, const struct text_ends *ends, struct arena *arena)
{
	const struct ends_head head = {
		ends->first_time, ends->last_time, (uint32_t)ends->first.length, (uint32_t)ends->last.length};
	if (!texts_make_room(made, sizeof head + ends->first.length + ends->last.length, arena))
		return false;
	texts_put(made, &head, sizeof head);
	texts_put(made, ends->first.bytes, ends->first.length);
	texts_put(made, ends->last.bytes, ends->last.length);
	return true;
}

static void ends_join(struct text_ends *into, const struct text_ends *from)
{
	if (from->first_time < into->first_time) {
		into->first = from->first;
		into->first_time = from->first_time;
	}
	if (from->last_time >= into->last_time) {
		into->last = from->last;
		into->last_time = from->last_time;
	}
}

/* Appends the state after a message to the bytes written so far. `before` are the previous bytes of a series, which are read and
 * advanced, or NULL. Of two equal times the later added is the last. False: memory ran out. */
static bool ends_add_all(struct window_texts *made, const char **before, const struct text *texts, size_t count, int64_t time,
		      struct arena *arena)
{
	bool written = true;
	for (size_t i = 0; written && i < count; i++) {
		const struct text_ends own = {time, time, texts[i], texts[i]};
		struct text_ends ends = *before ? ends_read(before) : own;
		ends_join(&ends, &own);
		written = ends_write(made, &ends, arena);
	}
	return written;
}

/* The same for two windows; the texts of `from` count as added after those of `into`. */
static bool ends_join_all(struct window_texts *made, const char **into, const char **from, size_t count, struct arena *arena)
{
	bool written = true;
	for (size_t i = 0; written && i < count; i++) {
		struct text_ends ends = ends_read(into);
		const struct text_ends others = ends_read(from);
		ends_join(&ends, &others);
		written = ends_write(made, &ends, arena);
	}
	return written;
}

bool window_texts_read(const char **bytes, size_t count, bool last, struct text *texts, struct arena *arena)
{
	for (size_t i = 0; i < count; i++) {
		const struct text_ends ends = ends_read(bytes);
		const struct text text = last ? ends.last : ends.first;
		if (!texts)
			continue;
		texts[i] = text_copied(arena, text);
		if (!texts[i].bytes)
			return false;
	}
	return true;
}

/* ---- windows ---- */

bool window_is_of(const struct window_program *program, const void *bytes)
{
	return window_head_of(bytes).meaning == program->meaning;
}

uint64_t window_messages(const void *bytes)
{
	return window_head_of(bytes).messages;
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
	const struct window_series *longest = program->series;
	size_t bytes = 0;
	for (const struct window_series *series = longest; series < program->series + program->series_count; series++) {
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
		    __builtin_add_overflow(size, elements + sizeof(struct window_series_head) + its->rank * sizeof(int64_t),
					   &size)) {
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

size_t window_row(const struct window_program *program, const void *bytes)
{
	struct window_cursor cursor = window_cursor_begin(bytes);
	size_t row = 0;
	for (size_t i = 0; i < program->series_count; i++) {
		window_cursor_next(&cursor, &program->series[i]);
		row += program->series[i].keeps ? cursor.head->count : 0;
	}
	return row;
}

/* Writes the texts of the window with the message in it; `before` NULL: it is new. */
static bool texts_make(const struct window_program *program, const char *before, struct window_input *input, struct error *error)
{
	input->texts.length = 0;
	for (size_t i = 0; i < program->series_count; i++) {
		const struct window_series *series = &program->series[i];
		const struct trailing_input *its = &input->series[i];
		if (window_series_keeps_texts(series, its) &&
		    !ends_add_all(&input->texts, &before, its->texts, its->count, input->time_ms, input->arena))
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
	struct window_cursor cursor = window_cursor_begin(before.bytes);
	for (size_t i = 0; i < program->series_count; i++) {
		const struct trailing_input *its = &input->series[i];
		window_cursor_next(&cursor, &program->series[i]);
		if (window_series_keeps_texts(&program->series[i], its) != cursor.head->texts)
			return refuse_kind(program->series[i].call, !cursor.head->texts, error);
		if (its->rank != cursor.head->rank || its->count != cursor.head->count ||
		    (its->rank && memcmp(its->shape, cursor.shape, its->rank * sizeof *its->shape) != 0))
			return refuse_shape(program->series[i].call, error);
	}
	if ((window_head_of(before.bytes).rows + 1) * input->row > WINDOW_NUMBERS_MAX)
		return too_many(program, error);
	const char *texts = window_texts_of(&cursor, before.bytes, input->row);
	return texts_make(program, texts, input, error)
		       ? (size_t)(texts - before.bytes) + input->row * sizeof(double) + input->texts.length
		       : 0;
}

void window_take(const struct window_program *program, void *bytes, const struct window_input *input)
{
	struct window_head head = window_head_of(bytes);
	struct window_cursor cursor = window_cursor_begin(bytes);
	for (size_t i = 0; i < program->series_count; i++) {
		const struct window_series *series = &program->series[i];
		const struct trailing_input *its = &input->series[i];
		struct window_series_head *new = (struct window_series_head *)(void *)cursor.at;
		if (head.messages == 0) {
			*new = (struct window_series_head){.count = (uint32_t)its->count,
							   .rank = (uint8_t)its->rank,
							   .whole = 1,
							   .texts = window_series_keeps_texts(series, its)};
			if (its->rank)
				memcpy(new + 1, its->shape, its->rank * sizeof *its->shape);
		}
		new->whole = new->whole && its->whole;
		new->width |= its->width;
		window_cursor_next(&cursor, series);
		for (size_t element = 0; element < its->count; element++)
			summary_add(series->tracks, cursor.summaries + element * series->element_bytes, input->time_ms,
				    its->numbers[0][element]);
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
	size_t row = window_row(program, into.bytes);
	struct window_cursor its = window_cursor_begin(into.bytes), other = window_cursor_begin(from.bytes);
	for (size_t i = 0; i < program->series_count; i++) {
		window_cursor_next(&its, &program->series[i]);
		window_cursor_next(&other, &program->series[i]);
	}
	const char *one = window_texts_of(&its, into.bytes, row), *two = window_texts_of(&other, from.bytes, row);
	its = window_cursor_begin(into.bytes);
	input->texts.length = 0;
	for (size_t i = 0; i < program->series_count; i++) {
		window_cursor_next(&its, &program->series[i]);
		if (its.head->texts && !ends_join_all(&input->texts, &one, &two, its.head->count, input->arena))
			return error_memory(error, ERROR_LIMIT, "making two windows one");
	}
	return true;
}

size_t window_size_merged(const struct window_program *program, struct text into, struct text from, struct window_input *input,
			  struct error *error)
{
	struct window_cursor its = window_cursor_begin(into.bytes), other = window_cursor_begin(from.bytes);
	for (size_t i = 0; i < program->series_count; i++) {
		window_cursor_next(&its, &program->series[i]);
		window_cursor_next(&other, &program->series[i]);
		if (its.head->rank != other.head->rank || its.head->count != other.head->count ||
		    memcmp(its.shape, other.shape, its.head->rank * sizeof *its.shape) != 0)
			return refuse_shape(program->series[i].call, error);
		if (its.head->texts != other.head->texts)
			return refuse_kind(program->series[i].call, other.head->texts, error);
	}
	size_t rows = (size_t)window_head_of(into.bytes).rows + window_head_of(from.bytes).rows,
	       row = window_row(program, into.bytes);
	if (rows * row > WINDOW_NUMBERS_MAX)
		return too_many(program, error);
	if (!texts_join(program, into, from, input, error))
		return 0;
	return (size_t)(window_texts_of(&its, into.bytes, row) - into.bytes) +
	       window_head_of(from.bytes).rows * row * sizeof(double) + input->texts.length;
}

void window_merge(const struct window_program *program, void *into, const void *from, const struct window_input *input)
{
	struct window_cursor its = window_cursor_begin(into), other = window_cursor_begin(from);
	struct window_head head = window_head_of(into), more = window_head_of(from);
	size_t row = window_row(program, into) * sizeof(double);
	for (size_t i = 0; i < program->series_count; i++) {
		const struct window_series *series = &program->series[i];
		window_cursor_next(&its, series);
		window_cursor_next(&other, series);
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
