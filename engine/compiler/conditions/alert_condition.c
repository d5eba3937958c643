/* alert_condition.c: see alert_condition.h. */
#include "compiler/conditions/alert_condition.h"

#include <math.h>

#include "base/number/duration.h"
#include "base/number/number.h"
#include "message/key.h"
#include "compiler/step/step.h"

#define BLANKS " \t\r\n"

#define FIGURES_MAX 40 /* rows of observe/alert_value.h, and metrics */

static const int64_t one_element[1] = {1};

/* ---- what a condition uses ---- */

struct condition_reading {
	struct alert_condition *condition;
	const struct alert_sources *sources;
	struct text figure, other; /* one of each kind */
};

static bool names_have(const struct alert_condition *condition, struct text name)
{
	for (size_t i = 0; i < condition->name_count; i++)
		if (text_equal(condition->names[i], name))
			return true;
	return false;
}

/* Notes a declared metric. False: it is none, or beyond the limit. */
static bool note_metric(struct condition_reading *reading, const struct expression_name *name)
{
	struct alert_condition *condition = reading->condition;
	if (name->owner.length || !reading->sources->declares || !reading->sources->declares(reading->sources->metrics, name->name))
		return false;
	for (size_t i = 0; i < condition->metric_count; i++)
		if (text_equal(condition->metrics[i], name->name))
			return true;
	if (condition->metric_count == ALERT_METRICS_MAX)
		return false;
	condition->metrics[condition->metric_count++] = name->name;
	return true;
}

static bool note_name(void *context, const struct expression_name *name, struct value_type *type, const char **suggest)
{
	struct condition_reading *reading = context;
	struct alert_condition *condition = reading->condition;
	const struct alert_value_row *row = name->owner.length ? NULL : alert_value_named(name->name);
	(void)suggest;
	*type = (struct value_type){.class = VALUE_UNKNOWN};
	if ((row && !(row->needs & ~reading->sources->figures)) || (!row && note_metric(reading, name)))
		reading->figure = name->name;
	else
		reading->other = name->name;
	if (!name->owner.length && !name->optional && !expression_is_special(name->name) &&
	    condition->name_count < CONDITION_NAMES_MAX && !names_have(condition, name->name))
		condition->names[condition->name_count++] = name->name;
	return true;
}

/* How many of the first bytes are of `those`, or are not. */
static size_t bytes_among(struct text text, const char *those, bool are)
{
	size_t length = 0;
	while (length < text.length && (strchr(those, text.bytes[length]) != NULL) == are)
		length++;
	return length;
}

#define COMPARING "<>=!"
#define JOINING "&|"

/* Removes and returns what comes next, behind blanks: the bytes that are of `those`, or are not. */
static struct text part_take(struct text *rest, const char *those, bool are)
{
	*rest = text_from(*rest, bytes_among(*rest, BLANKS, true));
	const struct text part = {rest->bytes, bytes_among(*rest, those, are)};
	*rest = text_from(*rest, part.length);
	return part;
}

/* Removes and returns a name or a number, up to a blank or an operator. */
static struct text word_take(struct text *rest)
{
	return part_take(rest, BLANKS COMPARING JOINING, false);
}

static bool is_number(struct text word)
{
	double number;
	const bool percent = word.length > 1 && word.bytes[word.length - 1] == '%';
	return number_read_double((struct text){word.bytes, word.length - percent}, &number);
}

static bool is_name(struct text word)
{
	double number;
	return word.length > 0 && bytes_among(word, "()[]{},:+*/^\"'", false) == word.length && !number_read_double(word, &number);
}

/* Whether it is `name operator number`, or some such joined by && or ||: the conditions of the reference dialect. Joined by `and`
 * or `or` it is an expression, in which each has one element. */
static bool is_short_form(struct text source)
{
	for (size_t comparisons = 1; comparisons <= CONDITION_NAMES_MAX; comparisons++) {
		const struct text name = word_take(&source), comparison = part_take(&source, COMPARING, true);
		if (!is_name(name) || comparison.length == 0 || !is_number(word_take(&source)))
			return false;
		const struct text joint = part_take(&source, JOINING, true);
		if (joint.length == 0)
			return text_trimmed(source, BLANKS).length == 0;
		if (!text_is(joint, "&&") && !text_is(joint, "||"))
			return false;
	}
	return false;
}

unsigned alert_figures_of(const struct step_kind *kind)
{
	if (!kind || !kind->monitors)
		return 0;
	return (kind->monitors->judges_windows ? FIGURES_OF_DRIFT : 0U) | (kind->monitors->flag ? FIGURES_OF_OUTLIERS : 0U);
}

bool alert_condition_make(struct alert_condition *condition, const struct expression *expression,
			  const struct alert_sources *sources, struct arena *arena)
{
	struct condition_reading reading = {.condition = condition, .sources = sources};
	const struct expression_types types = {&reading, note_name};
	struct value_type result;
	struct error error = {0};
	*condition = (struct alert_condition){.expression = expression};
	(void)expression_check(expression, &types, arena, &result, &error);
	condition->is_short = is_short_form(expression_source(expression));
	condition->of_figures = reading.figure.length > 0;
	condition->uses_rate =
		condition->of_figures && (sources->figures & FIGURES_OF_OUTLIERS) && names_have(condition, TEXT("outlier_rate"));
	condition->mixed = condition->of_figures ? reading.other : (struct text){0};
	return !arena_failed(arena);
}

bool alert_condition_has_segments(const struct alert_condition *condition)
{
	for (size_t i = 0; condition->of_figures && i < condition->name_count; i++) {
		const struct alert_value_row *row = alert_value_named(condition->names[i]);
		if (row && row->needs & FIGURES_OF_DRIFT)
			return true;
	}
	return false;
}

const char *alert_condition_drift(const struct alert_condition *condition, const struct alert_values *values)
{
	return condition->of_figures && (names_have(condition, TEXT("drift_score")) || names_have(condition, TEXT("is_drift")))
		       ? values->drift
		       : "";
}

bool alert_absence_read(struct text text, struct text *pipeline, int64_t *duration_ns)
{
	*pipeline = text_take_until(&text, ' ');
	struct text between = text_take_until(&text, ' ');
	return pipeline->length && text_is(between, "for") && !duration_read(text, duration_ns);
}

/* ---- judging ---- */

static struct alert_judgement condition_judge(const struct alert_condition *condition, const struct scope *scope,
					      struct arena *arena)
{
	struct error error = {0};
	bool holds = false;
	if (!expression_judge(condition->expression, scope, arena, &holds, &error))
		return (struct alert_judgement){0};
	return (struct alert_judgement){.held = holds, .broken = !holds};
}

/* The figures that are known, as tensors. */
struct figure_list {
	size_t count;
	double values[FIGURES_MAX];
	struct tensor tensors[FIGURES_MAX];
	const struct tensor *items[FIGURES_MAX];
};

static void figure_add(struct figure_list *list, const struct alert_values *values, struct text name)
{
	const size_t at = list->count;
	const double value = alert_value_get(values, name);
	if (isnan(value) || at == FIGURES_MAX)
		return;
	list->values[at] = value;
	list->tensors[at] = (struct tensor){
		.name = name, .shape = one_element, .data = &list->values[at], .count = 1, .datatype = DATATYPE_FP64};
	list->items[list->count++] = &list->tensors[at];
}

struct alert_judgement alert_condition_of_figures(const struct alert_condition *condition, const struct alert_values *values,
						  const char *pipeline, int64_t now_ms, struct arena *arena)
{
	struct figure_list list = {.count = 0};
	for (const struct alert_value_row *row = alert_value_rows; row->name; row++)
		figure_add(&list, values, text_of(row->name));
	for (size_t i = 0; i < condition->metric_count; i++)
		figure_add(&list, values, condition->metrics[i]);
	const struct payload payload = {.tensors = {.count = list.count, .items = list.items}};
	const struct scope scope = {.payload = &payload, .pipeline = pipeline, .now_ms = now_ms};
	return condition_judge(condition, &scope, arena);
}

bool alert_condition_next(const struct alert_condition *condition, const struct alert_values *values, size_t *at, struct text *name,
			  double *value)
{
	while (*at < condition->name_count) {
		*name = condition->names[(*at)++];
		*value = alert_value_get(values, *name);
		if (!isnan(*value))
			return true;
	}
	return false;
}

static const struct tensor *payload_named(const struct payload *payload, struct text name)
{
	const struct tensor *tensor = tensors_find(payload->tensors, name);
	return tensor ? tensor : tensors_find(payload->marks, name);
}

struct alert_flags alert_flags_of(const struct step_kind *kind, const struct payload *payload)
{
	const struct monitor_rules *rules = kind ? kind->monitors : NULL;
	const struct tensor *tensor = rules && rules->flag ? payload_named(payload, text_of(rules->flag)) : NULL;
	const struct tensor *scores = rules && rules->score ? payload_named(payload, text_of(rules->score)) : NULL;
	struct alert_flags flags = {0};
	for (size_t i = 0; tensor && tensor->datatype == DATATYPE_BOOL && i < tensor->count; i++)
		if (!scores || i >= scores->count || !isnan(tensor_number(scores, i)))
		(*(tensor_number(tensor, i) > 0 ? &flags.raised : &flags.others))++;
	return flags;
}

/* The first element of the tensor; itself, if it has no more. NULL: memory. */
static const struct tensor *tensor_first(const struct tensor *tensor, struct arena *arena)
{
	if (tensor->count <= 1)
		return tensor;
	struct tensor *first = ARENA_NEW(arena, struct tensor);
	if (!first)
		return NULL;
	*first = *tensor;
	first->shape = one_element;
	first->count = first->rank = 1;
	return first;
}

/* The result of the step that is judged. */
struct own_result {
	const struct payload *payload;
	const char *step;
	struct arena *arena; /* NULL: tensors are taken whole; else their first elements */
};

/* `step.tensor` of that step. */
static bool own_tensor(const void *context, struct text step, struct text tensor, const struct tensor **found)
{
	const struct own_result *own = context;
	if (!text_is(step, own->step))
		return false;
	*found = payload_named(own->payload, tensor);
	if (*found && own->arena)
		*found = tensor_first(*found, own->arena);
	return true;
}

struct alert_judgement alert_condition_of_message(const struct alert_condition *condition, const struct message *message,
						  const struct payload *payload, const char *pipeline, const char *step,
						  int64_t now_ms, struct arena *arena)
{
	const struct tensor *named[CONDITION_NAMES_MAX];
	for (size_t i = 0; i < condition->name_count; i++) {
		const struct tensor *found = payload_named(payload, condition->names[i]);
		named[i] = found && condition->is_short ? tensor_first(found, arena) : found;
		if (!named[i])
			return (struct alert_judgement){0};
	}
	const struct payload firsts = {.tensors = {condition->name_count, named}};
	const struct own_result own = {payload, step, condition->is_short ? arena : NULL};
	const struct scope scope = {.message = message,
				    .payload = condition->is_short ? &firsts : payload,
				    .step_tensor = own_tensor,
				    .context = &own,
				    .pipeline = pipeline,
				    .step = step,
				    .now_ms = now_ms};
	return condition_judge(condition, &scope, arena);
}

bool alert_group_of_message(const struct expression *group_by, const struct message *message, const struct payload *payload,
			    const char *pipeline, const char *step, struct arena *arena, struct text *group)
{
	const struct own_result own = {.payload = payload, .step = step};
	const struct scope scope = {.message = message,
				    .payload = payload,
				    .step_tensor = own_tensor,
				    .context = &own,
				    .pipeline = pipeline,
				    .step = step};
	struct error error = {0};
	const struct tensor *tensor = expression_evaluate(group_by, &scope, arena, &error);
	if (!tensor || tensor->count != 1)
		return false;
	*group = key_of_tensor(tensor, arena);
	return group->bytes != NULL;
}
