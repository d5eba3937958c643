/* window_program.c: Compiler of an aggregate step's settings, and the values that a message gives; see window_program.h. */
#include "steps/windows/window_program.h"

#include <math.h>

#include "base/hash.h"
#include "methods/numeric/summary.h"
#include "steps/windows/window_functions.h"

#define WINDOW_VERSION 3

/* ---- the program ---- */

/* Bools are distinguished when they are counted. */
static bool window_program_are_equal(const struct trailing_call *one, const struct trailing_call *other)
{
	return (one->feature.function == FEATURE_COUNT) == (other->feature.function == FEATURE_COUNT) &&
	       trailing_series_alike(one, other);
}

static size_t series_of(struct window_program *program, const struct trailing_call *call, const struct window_function *function)
{
	size_t at = 0;
	if (call->series_count == 0)
		return SIZE_MAX;
	while (at < program->series_count && !window_program_are_equal(program->series[at].call, call))
		at++;
	struct window_series *series = &program->series[at];
	if (at == program->series_count)
		*series = (struct window_series){.call = program->series_count++ == at ? call : NULL};
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
		const struct window_series *series = &program->series[i];
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
	    !(program->series = ARENA_ARRAY(arena, struct window_series, all + 1)))
		return NULL;
	program->count = count;
	for (size_t i = 0; i < count; i++) {
		struct window_program_setting *setting = &program->settings[i];
		const struct trailing_call *calls = expression_trailing(settings[i].value, &setting->count);
		setting->name = text_of(settings[i].name.text);
		setting->value = settings[i].value;
		setting->calls = ARENA_ARRAY(arena, struct window_call, setting->count + 1);
		for (size_t j = 0; setting->calls && j < setting->count; j++) {
			const struct window_function *function = window_function_find(calls[j].name);
			bool quantile = calls[j].feature.function == FEATURE_QUANTILE;
			setting->calls[j] = (struct window_call){&calls[j], function, series_of(program, &calls[j], function),
								 quantile ? calls[j].feature.number : 0.5};
		}
	}
	if (arena_failed(arena))
		return NULL;
	program->meaning = meaning_of(program);
	return program;
}

/* ---- what a message gives ---- */

/* Calls over one series do not all take the same, and it was worked out for the first of them. */
static bool calls_take(const struct window_program *program, const struct window_input *input, const struct scope *scope,
		       struct error *error)
{
	for (size_t i = 0; i < program->count; i++)
		for (size_t j = 0; j < program->settings[i].count; j++) {
			const struct window_call *call = &program->settings[i].calls[j];
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
		const struct window_series *series = &program->series[i];
		const struct trailing_input *its = &input->series[i];
		if (window_series_keeps_texts(series, its) && !trailing_texts_fit(series->call, its, error))
			return NULL;
		input->row += series->keeps ? its->count : 0;
	}
	return input;
}
