/* expression_trailing.c: Trailing calls, which look back over messages: their parameters, their types, and a
 * message's values for them. The step that keeps the state computes their results; see expression.h. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/number/wide_integer.h"
#include "compiler/expression/expression_check.h"
#include "compiler/expression/expression_run.h"

/* ---- what a call asks for ---- */

/* A parameter is the same for all messages, so it is a literal. */
static bool read_number(const struct expression *expression, const struct expression_node *node, double *number,
			struct error *error)
{
	const struct value *literal = &node->literal;
	if (node->kind != NODE_LITERAL || literal->rank > 0 ||
	    (literal->storage != DATATYPE_INT64 && literal->storage != DATATYPE_FP64) || node->class == VALUE_DURATION)
		return expression_refuse(expression, node, error, "this is the same for all messages; write a plain number");
	*number = literal->storage == DATATYPE_FP64 ? *(const double *)literal->data : (double)*(const int64_t *)literal->data;
	return true;
}

static bool read_messages(const struct expression *expression, const struct expression_node *node, uint32_t *messages,
			  struct error *error)
{
	double number = 0;
	if (!read_number(expression, node, &number, error))
		return false;
	if (number < 1 || number >= TRAILING_VALUES_MAX || number != floor(number))
		return error_set(error, ERROR_CONFIG, expression_place_at(expression, node->at),
				 "this is a number of messages, from 1 to %d", TRAILING_VALUES_MAX - 1);
	*messages = (uint32_t)number;
	return true;
}

static bool read_seed(const struct expression *expression, const struct expression_node *node, enum seed *seed, struct error *error)
{
	const struct text *text = node->kind == NODE_LITERAL && node->literal.storage == DATATYPE_BYTES ? node->literal.data : NULL;
	if (!text || (!text_is(*text, "mean") && !text_is(*text, "first")))
		return expression_refuse(expression, node, error,
					 "an average begins with a mean or with the first value; write \"mean\" or \"first\"");
	*seed = text_is(*text, "first") ? SEED_FIRST : SEED_MEAN;
	return true;
}

static bool read_extent(const struct expression *expression, const struct expression_node *node, struct feature_call *feature,
			struct error *error)
{
	const struct function_rules *rules = node->function->rules;
	struct place place = expression_place_at(expression, node->at);
	if (rules->extent == EXTENT_MESSAGES && node->over_ms)
		return error_set(error, ERROR_CONFIG, place, "%s() goes over a number of messages; it is written %s",
				 node->function->name, node->function->form);
	if (rules->extent == EXTENT_DURATION && node->over_count)
		return error_set(error, ERROR_CONFIG, place, "%s() goes over a duration; it is written %s", node->function->name,
				 node->function->form);
	if (node->over_count > TRAILING_VALUES_MAX)
		return error_set(error, ERROR_CONFIG, place, "%s() goes over %d messages at most; write fewer, or a duration",
				 node->function->name, TRAILING_VALUES_MAX);
	feature->messages = (uint32_t)node->over_count;
	feature->duration_ms = node->over_ms;
	return true;
}

static bool read_spans(const struct expression *expression, const struct expression_node *node, struct macd_spans *spans,
		       struct error *error)
{
	if (!read_messages(expression, node->items[1], &spans->fast, error) ||
	    !read_messages(expression, node->items[2], &spans->slow, error) ||
	    !read_messages(expression, node->items[3], &spans->signal, error))
		return false;
	return spans->fast < spans->slow ||
	       expression_refuse(expression, node->items[1], error,
				 "the first average must be faster than the second; write macd(x, 12, 26, 9)");
}

/* What such a call asks for, from the tree; a CONFIG error where its extent or its
 * parameters are none. */
static bool read_call(const struct expression *expression, const struct expression_node *node, struct feature_call *feature,
		      struct error *error)
{
	const struct function_rules *rules = node->function->rules;
	*feature = (struct feature_call){.function = rules->feature};
	if (rules->takes_over && !read_extent(expression, node, feature, error))
		return false;
	switch (rules->feature) {
	case FEATURE_LAG:
	case FEATURE_DELTA:
		return read_messages(expression, node->items[1], &feature->messages, error);
	case FEATURE_LOG_RETURN:
		feature->messages = 1;
		return true;
	case FEATURE_QUANTILE:
		if (!read_number(expression, node->items[1], &feature->number, error))
			return false;
		return (feature->number >= 0 && feature->number <= 1) ||
		       expression_refuse(expression, node->items[1], error, "a quantile is from 0 to 1");
	case FEATURE_BOLLINGER:
		if (!read_number(expression, node->items[1], &feature->number, error))
			return false;
		return (isfinite(feature->number) && feature->number >= 0) ||
		       expression_refuse(expression, node->items[1], error,
					 "the bands lie so many deviations from the mean; write a finite number, 0 or more");
	case FEATURE_EMA:
		return node->count < 2 || read_seed(expression, node->items[1], &feature->seed, error);
	case FEATURE_MACD:
		return read_spans(expression, node, &feature->spans, error) &&
		       (node->count < 5 || read_seed(expression, node->items[4], &feature->seed, error));
	default:
		return true;
	}
}

/* ---- types ---- */

bool inference_trailing(struct expression_inference *inference, const struct expression_node *node,
			const struct inferred *arguments, struct inferred *result)
{
	const struct function_rules *rules = node->function->rules;
	struct feature_call feature;
	if (!read_call(inference->expression, node, &feature, inference->error))
		return false;
	inferred_set_class(result, class_given(rules->gives, arguments, rules->series), arguments, rules->series);
	if (rules->gives == 'i')
		inferred_set_datatype(result, DATATYPE_INT64);
	if (rules->over_window && result->type.class == VALUE_INTEGER)
		inferred_set_datatype(result, DATATYPE_INT64); /* also of unsigned ones */
	if (rules->series == 0) {
		result->type.shape_known = true;
		return true;
	}
	if (!inference_join_all(inference, node, arguments, rules->series, result))
		return false;
	if (feature_values(rules->feature) == 1 || !result->type.shape_known)
		return true;
	if (result->type.rank == TENSOR_RANK_MAX)
		return inference_refuse(inference, node, "%s has no room for another axis; leave one out",
					inference_words(inference, &result->type));
	result->type.shape[result->type.rank++] = feature_values(rules->feature);
	return true;
}

/* ---- compiling ---- */

/* A part of an expression as one of its own. NULL: memory ran out. */
static const struct expression *part_of(const struct expression *whole, const struct expression_node *root, struct arena *arena)
{
	struct expression *part = ARENA_NEW(arena, struct expression);
	if (!part)
		return NULL;
	*part = (struct expression){.source = whole->source,
				    .place = whole->place,
				    .uses = whole->uses,
				    .root = root,
				    .names = whole->names,
				    .names_count = whole->names_count};
	return expression_emit(part, false, arena) ? part : NULL;
}

static bool call_compile(struct expression *expression, const struct expression_node *node, struct arena *arena,
			 struct error *error)
{
	struct trailing_call *call = &expression->trailing[node->trailing - 1];
	*call = (struct trailing_call){.name = node->function->name,
				       .place = expression_place_at(expression, node->at),
				       .series_count = node->function->rules->series,
				       .node = node};
	if (!read_call(expression, node, &call->feature, error))
		return false;
	for (size_t i = 0; i < call->series_count; i++) {
		call->series[i] = part_of(expression, node->items[i], arena);
		if (!call->series[i])
			return error_memory(error, ERROR_SYSTEM, "compiling an expression");
	}
	return true;
}

static bool calls_compile(struct expression *expression, const struct expression_node *node, struct arena *arena,
			  struct error *error)
{
	for (uint32_t i = 0; i < node->count; i++)
		if (node->items[i] && !calls_compile(expression, node->items[i], arena, error))
			return false;
	return !node->trailing || call_compile(expression, node, arena, error);
}

bool trailing_compile(struct expression *expression, struct arena *arena, struct error *error)
{
	if (!expression->trailing_count)
		return true;
	expression->trailing = ARENA_ARRAY(arena, struct trailing_call, expression->trailing_count);
	if (!expression->trailing)
		return error_memory(error, ERROR_SYSTEM, "compiling an expression");
	return calls_compile(expression, expression->root, arena, error);
}

const struct trailing_call *expression_trailing(const struct expression *expression, size_t *count)
{
	*count = expression->trailing_count;
	return expression->trailing;
}

/* ---- what a message gives ---- */

/* Equal numbers for equal texts, and, but for one in 2^53, for no others. */
static const double *numbers_of_texts(struct evaluation *evaluation, const struct value *value)
{
	const struct text *texts = value_texts(value);
	double *numbers = arena_take_raw(evaluation->arena, value->count * sizeof *numbers);
	for (size_t i = 0; numbers && i < value->count; i++)
		numbers[i] = (double)(hash_bytes(texts[i].bytes, texts[i].length, 0) >> 11);
	if (!numbers)
		evaluation_full(evaluation);
	return numbers;
}

static const double *numbers_of(struct evaluation *evaluation, const struct value *value)
{
	return value->storage == DATATYPE_BYTES ? numbers_of_texts(evaluation, value) : value_doubles(evaluation, value);
}

static bool given_over_window(const struct trailing_call *call)
{
	const struct expression_node *node = call->node;
	return node->function->rules->over_window;
}

/* What doubles leave of integers: NULL where that is nothing. False: memory ran out. */
static bool rests_of(struct evaluation *evaluation, const struct value *value, const double *numbers, const double **rests)
{
	const bool is_unsigned = value->storage == DATATYPE_UINT64;
	bool any = false;
	*rests = NULL;
	for (size_t i = 0; i < value->count && !any; i++)
		any = fabs(numbers[i]) >= DOUBLE_WHOLE_END;
	double *made = any ? arena_take_raw(evaluation->arena, value->count * sizeof *made) : NULL;
	for (size_t i = 0; made && i < value->count; i++) {
		const wide_integer whole = is_unsigned ? (wide_integer)((const uint64_t *)value->data)[i]
						       : (wide_integer)((const int64_t *)value->data)[i];
		made[i] = (double)(whole - (wide_integer)numbers[i]);
	}
	*rests = made;
	return made || !any || evaluation_full(evaluation);
}

/* What is kept of integers are doubles. */
static bool integers_fit(const struct trailing_call *call, size_t series, const struct value *value, const double *numbers,
			 struct error *error)
{
	const bool one = strcmp(call->name, "first") == 0 || strcmp(call->name, "last") == 0;
	const struct expression *given = call->series[series];
	const int length = (int)(given->root->end - given->root->at);
	char number[32];
	for (size_t i = 0; i < value->count; i++) {
		if (fabs(numbers[i]) < DOUBLE_WHOLE_END)
			continue;
		if (value->storage == DATATYPE_UINT64)
			(void)snprintf(number, sizeof number, "%" PRIu64, ((const uint64_t *)value->data)[i]);
		else
			(void)snprintf(number, sizeof number, "%" PRId64, ((const int64_t *)value->data)[i]);
		return error_set(error, ERROR_INPUT, call->place,
				 "%s() is given an integer of 2^53 or more, which windows do not hold exactly; cast it to "
				 "FP64%s%s%s; `%.*s` is %s",
				 call->name, one ? ", or keep it as a text: " : "", one ? call->name : "", one ? "(text(x))" : "",
				 length, given->source.bytes + given->root->at, number);
	}
	return true;
}

/* Their number does not depend on their values. */
static bool counts_only(const struct trailing_call *call)
{
	return given_over_window(call) && call->feature.function == FEATURE_COUNT;
}

bool trailing_evaluate(const struct trailing_call *call, const struct scope *scope, struct arena *arena,
		       struct trailing_input *input, struct error *error)
{
	struct value values[FEATURE_INPUTS_MAX];
	const struct value *all[FEATURE_INPUTS_MAX];
	struct evaluation evaluation;
	*input = (struct trailing_input){0};
	for (size_t i = 0; i < call->series_count; i++) {
		evaluation = (struct evaluation){.expression = call->series[i], .scope = scope, .arena = arena, .error = error};
		const struct value *value = expression_run(&evaluation);
		if (!value)
			return false;
		values[i] = *value;
		all[i] = &values[i];
		input->width |= value->width;
	}
	struct joint_shape joint;
	if (!arguments_fit(&evaluation, call->node, values, (uint32_t)call->series_count) ||
	    !shapes_join(&evaluation, all, call->series_count, &joint))
		return false;
	for (size_t i = 0; i < call->series_count; i++) {
		if (!value_spread(&evaluation, &values[i], &joint))
			return false;
		input->numbers[i] = numbers_of(&evaluation, &values[i]);
		if (!input->numbers[i])
			return false;
		if (!value_is_integer(&values[i]) || counts_only(call))
			continue;
		const bool takes_any = !given_over_window(call) && feature_takes_any(call->feature.function);
		if (!(takes_any ? rests_of(&evaluation, &values[i], input->numbers[i], &input->rests)
				: integers_fit(call, i, &values[i], input->numbers[i], error)))
			return false;
	}
	input->whole = value_class_of(&values[0]) != CLASS_FLOAT && value_class_of(&values[0]) != CLASS_BYTES;
	if (values[0].storage == DATATYPE_BYTES)
		input->texts = value_texts(&values[0]);
	input->storage = (enum datatype)values[0].storage;
	input->shape = values[0].shape;
	input->rank = values[0].rank;
	input->count = values[0].count;
	return true;
}

bool trailing_takes(const struct trailing_call *call, const struct trailing_input *input, const struct scope *scope,
		    struct arena *arena, struct error *error)
{
	const struct expression *series = call->series[0];
	struct evaluation evaluation = {.expression = series,
					.scope = scope,
					.arena = arena,
					.error = error,
					.instruction = &series->instructions[series->instructions_count - 1]};
	const struct value given = {
		.shape = input->shape, .count = input->count, .rank = input->rank, .storage = (uint8_t)input->storage};
	return arguments_fit(&evaluation, call->node, &given, 1);
}

bool trailing_texts_fit(const struct trailing_call *call, const struct trailing_input *input, struct error *error)
{
	for (size_t i = 0; input->texts && i < input->count; i++)
		if (input->texts[i].length > EXPRESSION_KEPT_TEXT_MAX)
			return error_set(error, ERROR_LIMIT, call->place,
					 "%s() is given a text of %zu bytes, and at most %d are kept; send a shorter one",
					 call->name, input->texts[i].length, EXPRESSION_KEPT_TEXT_MAX);
	return true;
}

/* What is given as it came: a text, or an integer, where it is one. Integers of any width leave in 64 bits. */
static enum datatype storage_of(const struct trailing_call *call, const struct trailing_input *input)
{
	const struct expression_node *node = call->node;
	if (node->function->rules->gives == 'i')
		return DATATYPE_INT64;
	if (node->function->rules->gives == '=' && input->whole)
		return datatype_rows[input->storage].class == CLASS_UNSIGNED ? DATATYPE_UINT64 : DATATYPE_INT64;
	return input->texts ? DATATYPE_BYTES : DATATYPE_FP64;
}

bool trailing_result_make(const struct trailing_call *call, const struct trailing_input *input, struct arena *arena,
			  struct trailing_result *result, void **elements)
{
	uint32_t values = feature_values(call->feature.function);
	*result = (struct trailing_result){.shape = input->shape,
					   .rank = input->rank,
					   .count = input->count * values,
					   .storage = storage_of(call, input)};
	result->width = result->storage == DATATYPE_FP64 ? input->width : 0;
	result->missing = false;
	result->elements = *elements = arena_take_raw(arena, result->count * datatype_stride(result->storage));
	if (values == 1 || !*elements || input->rank == TENSOR_RANK_MAX)
		return *elements && (values == 1 || input->rank < TENSOR_RANK_MAX);
	int64_t *shape = arena_take_raw(arena, (input->rank + 1) * sizeof *shape);
	if (!shape)
		return false;
	memcpy(shape, input->shape, input->rank * sizeof *shape);
	shape[result->rank++] = values;
	result->shape = shape;
	return true;
}

/* ---- which are the same ---- */

static bool literals_alike(const struct value *a, const struct value *b)
{
	if (a->storage != b->storage || a->rank != b->rank || a->count != b->count)
		return false;
	if (a->storage != DATATYPE_BYTES)
		return memcmp(a->data, b->data, a->count * datatype_stride((enum datatype)a->storage)) == 0;
	for (size_t i = 0; i < a->count; i++)
		if (!text_equal(value_texts(a)[i], value_texts(b)[i]))
			return false;
	return true;
}

static bool names_alike(const struct expression_name *a, const struct expression_name *b)
{
	return text_equal(a->owner, b->owner) && text_equal(a->name, b->name);
}

static bool nodes_alike(const struct expression *of_a, const struct expression_node *a, const struct expression *of_b,
			const struct expression_node *b)
{
	if (!a || !b)
		return a == b;
	if (a->kind != b->kind || a->count != b->count || a->operation != b->operation || a->function != b->function ||
	    a->datatype != b->datatype || a->has_along != b->has_along || a->along != b->along || a->over_count != b->over_count ||
	    a->over_ms != b->over_ms || !text_equal(a->text, b->text))
		return false;
	if (a->kind == NODE_LITERAL && (a->class != b->class || !literals_alike(&a->literal, &b->literal)))
		return false;
	if (a->kind == NODE_NAME && !names_alike(&of_a->names[a->name], &of_b->names[b->name]))
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!nodes_alike(of_a, a->items[i], of_b, b->items[i]))
			return false;
	return true;
}

bool trailing_series_alike(const struct trailing_call *a, const struct trailing_call *b)
{
	bool alike = a->series_count == b->series_count;
	for (size_t i = 0; alike && i < a->series_count; i++)
		alike = nodes_alike(a->series[i], a->series[i]->root, b->series[i], b->series[i]->root);
	return alike;
}

static bool node_uses(const struct expression *expression, const struct expression_node *node, struct text name)
{
	if (!node)
		return false;
	if (node->kind == NODE_NAME && !expression->names[node->name].owner.length &&
	    text_equal(expression->names[node->name].name, name))
		return true;
	for (uint32_t i = 0; i < node->count; i++)
		if (node_uses(expression, node->items[i], name))
			return true;
	return false;
}

bool expression_uses(const struct expression *expression, struct text name)
{
	return node_uses(expression, expression->root, name);
}

struct text expression_words(const struct expression *expression)
{
	const struct expression_node *root = expression->root;
	return (struct text){expression->source.bytes + root->at, root->end - root->at};
}
