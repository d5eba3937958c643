/* metric_value.c: see metric_value.h. */
#include "experiments/outcomes/metric_value.h"

#include <math.h>

static const int64_t one_element[1] = {1};

static bool answer_tensor(const void *context, struct text owner, struct text name, const struct tensor **found)
{
	const struct judged_answer *judged = context;
	const bool truth = text_is(owner, "truth");
	if (!truth && !text_is(owner, "answer"))
		return false;
	*found = truth ? judged->truth ? tensors_find(*judged->truth, name) : NULL : tensors_find(judged->answer->tensors, name);
	return true;
}

/* In the arena: a value that is a name alone is the tensor of that name itself, which outlives the scope. */
static const struct tensor *number_named(const char *name, const double *number, struct arena *arena)
{
	struct tensor *tensor = ARENA_NEW(arena, struct tensor);
	if (tensor)
		*tensor = (struct tensor){
			.name = text_of(name), .shape = one_element, .data = number, .count = 1, .datatype = DATATYPE_FP64};
	return tensor;
}

/* Unless the answer has a tensor of that name, which is what it says. */
static void number_make(const struct judged_answer *judged, const char *name, const double *number, struct arena *arena,
			const struct tensor **made, size_t *count)
{
	const struct tensor *tensor =
		isnan(*number) || tensors_find(judged->answer->tensors, text_of(name)) ? NULL : number_named(name, number, arena);
	if (tensor)
		made[(*count)++] = tensor;
}

static const char *text_or_none(struct text text, struct arena *arena)
{
	return text.length > 0 ? arena_copy(arena, text.bytes, text.length) : NULL;
}

bool metric_evaluate(const struct pipeline_metric *metric, const struct judged_answer *judged, struct arena *arena,
		     struct judged_value *value)
{
	const struct metric_label *labels = metric->spec.labels.items;
	const struct tensor *made[2];
	struct tensors own = {.items = made};
	number_make(judged, "latency_ms", &judged->latency_ms, arena, made, &own.count);
	if (judged->truth)
		number_make(judged, "reward", &judged->reward, arena, made, &own.count);
	const struct scope scope = {.message = judged->message,
				    .made = &own,
				    .payload = judged->answer,
				    .step_tensor = answer_tensor,
				    .context = judged,
				    .pipeline = judged->pipeline,
				    .variant = text_or_none(judged->variant, arena),
				    .model = text_or_none(judged->answer->model_name, arena),
				    .version = text_or_none(payload_version(judged->answer), arena)};
	struct error error = {0};
	*value = (struct judged_value){0};
	value->value = judged->given	    ? number_named("given", judged->given, arena)
		       : metric->spec.value ? expression_evaluate(metric->spec.value, &scope, arena, &error)
					    : tensors_find(judged->answer->tensors, text_of(metric->spec.name.text));
	if (!value->value || value->value->datatype == DATATYPE_BYTES || value->value->count == 0)
		return false;
	for (size_t i = 0; i < metric->form.label_count; i++) {
		struct error missing = {0};
		value->labels[i] = expression_evaluate(labels[i].value, &scope, arena, &missing);
	}
	return !arena_failed(arena);
}

static bool is_whole(enum datatype datatype)
{
	return datatype != DATATYPE_FP16 && datatype != DATATYPE_BF16 && datatype != DATATYPE_FP32 && datatype != DATATYPE_FP64;
}

struct text metric_label(const struct judged_value *value, size_t label, size_t nth, char digits[METRIC_LABEL_DIGITS])
{
	const struct tensor *tensor = value->labels[label];
	if (!tensor || tensor->count == 0)
		return (struct text){0};
	const size_t at = tensor->count == value->value->count ? nth : 0;
	if (tensor->datatype == DATATYPE_BYTES)
		return ((const struct text *)tensor->data)[at];
	const double number = tensor_number(tensor, at);
	if (tensor->datatype == DATATYPE_BOOL)
		return number > 0 ? TEXT("true") : TEXT("false");
	const bool whole = is_whole(tensor->datatype) && number >= -9e15 && number <= 9e15;
	return (struct text){digits, whole ? number_write_int64(digits, (int64_t)number) : number_write_double(digits, number)};
}

void metric_value_count(struct series_table *table, const struct judged_value *value, uint64_t now_ms)
{
	const struct series_form *form = series_table_form(table);
	char digits[SERIES_LABELS_MAX][METRIC_LABEL_DIGITS];
	struct text labels[SERIES_LABELS_MAX];
	bool is_whole = value != NULL;
	for (size_t nth = 0; value && nth < value->value->count; nth++) {
		const double number = tensor_number(value->value, nth);
		if (!series_takes(form->type, number)) {
			is_whole = false;
			continue;
		}
		for (size_t i = 0; i < form->label_count; i++)
			labels[i] = metric_label(value, i, nth, digits[i]);
		series_add(table, labels, number, now_ms);
	}
	if (!is_whole)
		series_miss(table);
}
