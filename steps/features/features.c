/* features.c: Step that computes trailing features for each key: one output message for each input message. The state of a key is
 * one value (methods/numeric/feature_state.h), of which each message changes the parts (feature_part.h). */
#include <math.h>

#include "base/number/duration.h"
#include "base/number/wide_integer.h"
#include "steps/features/feature_part.h"
#include "steps/kinds.h"
#include "steps/state_key.h"
#include "steps/prepare/typing.h"

struct features {
	const struct expression *key;
	int64_t lateness_ns;
	struct place lateness_place; /* line 0: however late */
	struct item_list set; /* struct feature_setting */
};

static bool features_open(struct step *step, struct error *error)
{
	const struct features *self = step->options;
	const struct feature_program *program = feature_program_make(self->set.items, self->set.count, step->arena);
	union {
		const struct feature_program *made;
		void *state;
	} opened = {.made = program}; /* the step's state is never changed */
	step->state = opened.state;
	return program || error_memory(error, ERROR_SYSTEM, "opening a step of features");
}

/* ---- one message ---- */

struct features_work {
	const struct step *step;
	const struct feature_program *program;
	struct visit *visit;
	struct arena *arena;
	struct error *error;
	struct scope scope;
	struct feature_parts parts;
};

static bool work_fail(const struct features_work *work)
{
	return error_memory(work->error, ERROR_LIMIT, "computing features");
}

/* Integers leave as integers: what is not there makes all of it missing. */
static bool result_write(const struct features_work *work, const struct trailing_call *call, struct trailing_result *result,
			 void *elements, size_t at, double value, double rest)
{
	const bool is_unsigned = result->storage == DATATYPE_UINT64;
	const wide_integer least = is_unsigned ? 0 : INT64_MIN, most = is_unsigned ? UINT64_MAX : (wide_integer)INT64_MAX;
	if (result->storage == DATATYPE_FP64) {
		((double *)elements)[at] = value;
		return true;
	}
	result->missing = result->missing || isnan(value);
	if (result->missing)
		return true;
	const bool whole = fabs(value) <= 0x1p64 && value == floor(value);
	const wide_integer number = whole ? (wide_integer)value + (wide_integer)rest : 0;
	if (!whole || number < least || number > most)
		return error_set(work->error, ERROR_INPUT, call->place,
				 "%s() is given %s integers, and messages before gave other numbers; cast it to FP64", call->name,
				 is_unsigned ? "unsigned" : "signed");
	if (is_unsigned)
		((uint64_t *)elements)[at] = (uint64_t)number;
	else
		((int64_t *)elements)[at] = (int64_t)number;
	return true;
}

/* A sum leaves as a double, which holds integers up to 2^53. */
static bool sum_fits(const struct features_work *work, const struct trailing_call *call, const struct trailing_input *input,
		     double value)
{
	return call->feature.function != FEATURE_SUM || !input->whole || !(fabs(value) >= DOUBLE_WHOLE_END) ||
	       error_set(work->error, ERROR_INPUT, call->place,
			 "%s() of these integers is 2^53 or more, which FP64 does not hold exactly; cast them to FP64 if that "
			 "will do",
			 call->name);
}

static bool call_answer(struct features_work *work, const struct feature_program_call *call, struct trailing_result *result)
{
	struct trailing_input input;
	void *elements;
	if (!trailing_evaluate(call->call, &work->scope, work->arena, &input, work->error))
		return false;
	for (size_t i = 0; i < call->count; i++)
		if (!feature_parts_update(&work->parts, call->forms[i], &input))
			return false;
	if (!trailing_result_make(call->call, &input, work->arena, result, &elements))
		return work_fail(work);
	if (result->storage == DATATYPE_BYTES) {
		feature_texts(&call->call->feature, &work->program->forms[call->forms[0]].form,
			      work->parts.items[call->forms[0]].bytes, input.count, elements);
		return true;
	}
	uint32_t count = feature_values(call->call->feature.function);
	for (size_t element = 0; element < input.count; element++) {
		double inputs[FEATURE_INPUTS_MAX], values[FEATURE_VALUES_MAX];
		struct feature_piece pieces[FEATURE_FORMS_MAX];
		for (size_t i = 0; i < call->count; i++) {
			const struct feature_form *form = &work->program->forms[call->forms[i]].form;
			const struct feature_part *part = &work->parts.items[call->forms[i]];
			pieces[i] = (struct feature_piece){form, feature_part_lane(part->bytes, element, part->lane_bytes),
							   part->slot.capacity};
		}
		feature_part_inputs(&input, element, inputs);
		feature_value(&call->call->feature, pieces, inputs, input.storage == DATATYPE_BOOL, values);
		const struct feature_part *first = &work->parts.items[call->forms[0]];
		const double rest =
			first->exact && feature_gives_back(call->call->feature.function)
				? feature_rest(&call->call->feature, &pieces[0],
					       feature_part_rests(&work->program->forms[call->forms[0]], first, element))
				: 0;
		for (uint32_t i = 0; i < count; i++)
			if (!sum_fits(work, call->call, &input, values[i]) ||
			    !result_write(work, call->call, result, elements, element * count + i, values[i], rest))
				return false;
	}
	return true;
}

static const struct tensor *setting_answer(struct features_work *work, const struct feature_program_setting *setting)
{
	struct trailing_result *results = NULL;
	if (setting->count) {
		results = arena_take_raw(work->arena, setting->count * sizeof *results);
		if (!results)
			return error_null(work_fail(work));
	}
	work->scope.trailing = results;
	for (size_t i = 0; i < setting->count; i++)
		if (!call_answer(work, &setting->calls[i], &results[i]))
			return NULL;
	return expression_evaluate_as(setting->value, setting->name, &work->scope, work->arena, work->error);
}

/* ---- the state ---- */

static bool state_recall(struct features_work *work, struct text key)
{
	const struct features *self = work->step->options;
	struct text value = {0};
	(void)visit_recall(work->visit, key, &value);
	if (!feature_state_read(value.bytes, value.length, &work->parts.before))
		return error_set(work->error, ERROR_SYSTEM, work->step->place,
				 "step `%s` has state that another version of sluice wrote; run that version, or rename the step",
				 work->step->name);
	int64_t newest = work->parts.before.newest_ms, border;
	work->parts.newest_ms = work->parts.time_ms > newest ? work->parts.time_ms : newest;
	work->parts.counts = !self->lateness_place.line || __builtin_sub_overflow(newest, self->lateness_ns / NS_PER_MS, &border) ||
		       work->parts.time_ms >= border;
	return true;
}

/* Whether what is kept has a part for each form, in their order, with room in each; all are measured then. One that has
 * nothing any more is left out: what begins there may be of another kind. */
static bool state_fits(const struct features_work *work)
{
	bool fits = work->parts.before.count == work->program->form_count;
	for (size_t i = 0; fits && i < work->parts.before.count; i++) {
		const struct feature_program_form *row = &work->program->forms[i];
		const struct feature_slot slot = feature_state_slot(&work->parts.before, i);
		fits = slot.keeps == row->keeps && feature_part_measure(row, &slot, &work->parts.items[i]) &&
		       !feature_spent(&row->form, slot.bytes, slot.capacity, work->parts.newest_ms) &&
		       feature_capacity(&row->form, slot.bytes, slot.capacity, work->parts.newest_ms) == slot.capacity;
	}
	return fits;
}

/* Remembers what is kept as it is, to be changed there. */
static bool state_begin(struct features_work *work, struct text key)
{
	work->parts.items = ARENA_ARRAY(work->arena, struct feature_part, work->program->form_count);
	if (!work->parts.items)
		return work_fail(work);
	work->parts.in_place = work->parts.counts && work->program->form_count && state_fits(work);
	if (!work->parts.in_place)
		return true;
	char *value = visit_remember(work->visit, key, work->parts.before.length, work->error);
	if (!value)
		return false;
	feature_state_date(value, work->parts.newest_ms);
	for (size_t i = 0; i < work->parts.before.count; i++)
		work->parts.items[i].bytes = value + ((const char *)work->parts.items[i].slot.bytes - work->parts.before.value);
	return true;
}

static bool state_end(struct features_work *work, struct text key)
{
	size_t count = work->program->form_count;
	if (work->parts.in_place || !work->parts.counts || !count)
		return true;
	struct feature_slot *slots = arena_take_raw(work->arena, count * sizeof *slots);
	if (!slots)
		return work_fail(work);
	for (size_t i = 0; i < count; i++)
		slots[i] = work->parts.items[i].slot;
	void *value = visit_remember(work->visit, key, feature_state_bytes(slots, count), work->error);
	if (value)
		feature_state_write(value, work->parts.newest_ms, slots, count);
	return value != NULL;
}

static bool features_compute(struct features_work *work)
{
	const struct payload *input = visit_input(work->visit);
	struct tensors_builder builder;
	struct payload *outcome = ARENA_NEW(work->arena, struct payload);
	tensors_begin(&builder, work->arena, input->tensors.count + work->program->count);
	if (!outcome)
		return work_fail(work);
	for (size_t i = 0; i < input->tensors.count; i++)
		tensors_add(&builder, input->tensors.items[i]);
	*outcome = *input;
	work->scope.payload = outcome;
	for (size_t i = 0; i < work->program->count; i++) {
		const struct tensor *tensor = setting_answer(work, &work->program->settings[i]);
		if (!tensor)
			return false;
		tensors_put(&builder, tensor);
		outcome->tensors = tensors_end(&builder);
	}
	visit_emit(work->visit, outcome);
	return !arena_failed(work->arena) || work_fail(work);
}

static enum step_verdict features_run(struct step *step, struct visit *visit, struct error *error)
{
	struct features_work work = {.step = step,
				     .program = step->state,
				     .visit = visit,
				     .arena = visit_arena(visit),
				     .error = error,
				     .scope = visit_scope(visit, NULL),
				     .parts = {.program = step->state, .arena = visit_arena(visit), .error = error}};
	const struct features *self = step->options;
	struct text key;
	work.parts.time_ms = work.scope.message->time_ms;
	bool computed = state_key_of(self->key, &work.scope, "features", work.arena, &key, error) && state_recall(&work, key) &&
			state_begin(&work, key) && features_compute(&work) && state_end(&work, key);
	return computed ? STEP_DONE : STEP_FAIL;
}

/* ---- for the plan ---- */

static void features_describe(const struct step *step, struct step_facts *facts)
{
	facts->key = ((const struct features *)step->options)->key;
}

static bool features_infer(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
			   struct error *error)
{
	const struct features *self = step->options;
	const struct feature_setting *settings = self->set.items;
	struct typing typing = {.types = *in, .arena = arena};
	const struct expression_types types = {&typing, typing_of_name};
	struct value_type type;
	if (self->key && !expression_check(self->key, &types, arena, &type, error))
		return false;
	for (size_t i = 0; i < self->set.count; i++) {
		if (!expression_check(settings[i].value, &types, arena, &type, error))
			return false;
		if (!typing_put(&typing, text_of(settings[i].name.text), &type))
			return error_memory(error, ERROR_SYSTEM, "inferring types");
	}
	*out = typing.types;
	return true;
}

/* ---- options ---- */

static const struct option value_rows[] = {
	{.type = OPTION_KEY, .offset = offsetof(struct feature_setting, name), .help = "Name of the tensor."},
	ROW("value", EXPRESSION, struct feature_setting, value, .required = true, .short_form = true, .uses = USE_TRAILING,
	    .help = "Expression that gives its elements."),
	{.type = OPTION_END},
};

static const struct option table_rows[] = {
	CHECKED("topic", TEXT, .required = true, .help = "A compacted topic."),
	CHECKED("key", EXPRESSION, .required = true, .help = "The key of the row to look up."),
	{.type = OPTION_END},
};

static const struct option options[] = {
	ROW("key", EXPRESSION, struct features, key,
	    .help = "The key of the state; default: the message's key. Messages without a key share one state. The rows of a "
		    "message must have the same key."),
	ROW("lateness", DURATION, struct features, lateness_ns, .place_offset = offsetof(struct features, lateness_place),
	    .whole = true, .or_none = true,
	    .help = "How much older than the newest message of its key a message may be to be counted; 0s: not at all; default: no "
		    "limit. A message that is not counted gets the present values."),
	CHECKED("tables", TABLE, .effect = EFFECT_LATER, .rows = table_rows, .help = "Tables to look up rows in."),
	ROW("set", TABLE, struct features, set, .rows = value_rows, .item_size = sizeof(struct feature_setting), .required = true,
	    .least = 1,
	    .help = "Tensors made by expressions, in order; a name may use those above it. Windows of messages are in order of "
		    "arrival. Windows of a duration use event time, back from the newest message of the key. A window has at "
		    "most 32768 messages; one more is a LIMIT error. Times may go back. A message that is repeated counts "
		    "again. Until a key has had enough messages for a window, the result is nan; count, distinct and last use "
		    "the messages so far. NaN values are left out: of no values, count, sum, rate and distinct are 0, and all "
		    "others are nan. Infinite values count while they are in a window: sums and means are then infinite or "
		    "nan, deviations and all of bollinger nan; ema, macd, rsi and atr leave them out. lag, first, last, min "
		    "and max of integers are integers, exact for all values, and missing where a float would be nan: write "
		    "lag(x, 1) ?? 0. All other functions accept integers below 2^53 in size; a sum beyond that is refused. "
		    "Under one key, a series must always have the same number of elements, and always be of texts or always of "
		    "numbers; a change is accepted only when a window of a duration is empty. Of texts, first, last and lag "
		    "give the text, empty where a number would be nan; a text of more than 4096 bytes is a LIMIT error."),
	{.type = OPTION_END},
};

const struct step_kind step_features = {
	.name = "features",
	.summary = "Computes features over the earlier messages of a key.",
	.example = "- name: signals\n"
		   "  inputs: [clean]\n"
		   "  features:\n"
		   "    key: symbol\n"
		   "    set: {vol: std(ret over 20)}\n",
	.options = options,
	.options_size = sizeof(struct features),
	.shape = SHAPE_ADDS,
	.state = &(const struct state_rules){0},
	.describe = features_describe,
	.infer = features_infer,
	.open = features_open,
	.run = features_run,
};
